"""Pictures of hidden units: which are shown, and what of them."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer

from sklearn_gen.display import FiltersDisplay
from sklearn_gen.mixture import BernoulliMixture
from sklearn_gen.rbm import BernoulliRBM


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def model():
    X = np.random.default_rng(0).integers(0, 2, (60, 12))
    names = [f"answer {j}" for j in range(12)]
    table = pd.DataFrame(X, columns=names)
    model = BernoulliRBM(n_components=7, n_iter=2, random_state=0).fit(table)
    model.components_ = np.outer([1, 5, 2, 7, 3, 6, 4], np.arange(12.0) - 5.0)
    return model


def test_longest_units_come_first_as_images(model):
    display = FiltersDisplay.from_estimator(model, image_shape=(3, 4), units=5)
    assert list(display.units) == [3, 5, 1, 6, 4]
    assert display.axes_.shape == (2, 3)
    assert display.axes_[1, 2] is None
    image = display.axes_[0, 1].images[0]
    np.testing.assert_array_equal(image.get_array(), model.components_[5].reshape(3, 4))
    assert image.norm.vmin == -image.norm.vmax  # white is zero
    scales = {panel.images[0].norm.vmax for panel in display.axes_.ravel()[:5]}
    assert len(scales) == 1


def test_bars_are_of_the_largest_weights(model):
    display = FiltersDisplay.from_estimator(model, units=[2])
    panel = display.axes_[0, 0]
    widths = [bar.get_width() for bar in panel.patches]
    assert sorted(widths) == [-10.0, -8.0, -6.0, -4.0, 6.0, 8.0, 10.0, 12.0]
    assert panel.get_yticklabels()[-1].get_text() == "answer 11"
    assert panel.get_title(loc="left") == "unit 2"
    named = FiltersDisplay.from_estimator(
        model, units=[2], feature_names=[f"q{j}" for j in range(12)]
    )
    assert named.axes_[0, 0].get_yticklabels()[-1].get_text() == "q11"


def test_space_of_axes_and_pipelines():
    X = np.random.default_rng(0).random((40, 6))
    pipe = make_pipeline(
        Binarizer(threshold=0.5), BernoulliRBM(4, n_iter=1, random_state=0)
    )
    _, axes = plt.subplots(1, 2)
    display = FiltersDisplay.from_estimator(
        pipe.fit(X), image_shape=(2, 3), ax=axes[1], cmap="gray"
    )
    assert display.figure_ is axes[1].figure
    assert display.axes_.shape == (2, 2)
    assert display.axes_[0, 0].images[0].get_cmap().name == "gray"


def test_what_is_wrong_is_named(model):
    with pytest.raises(ValueError, match=r"image_shape=\(3, 3\) has 9 pixels, but"):
        FiltersDisplay.from_estimator(model, image_shape=(3, 3))
    with pytest.raises(ValueError, match="units names 7: there are 7 hidden units"):
        FiltersDisplay.from_estimator(model, units=[7])
    with pytest.raises(ValueError, match="feature_names has 1 names for 12 weights"):
        FiltersDisplay.from_estimator(model, feature_names=["a"])
    with pytest.raises(TypeError, match="BernoulliMixture has no components_"):
        FiltersDisplay.from_estimator(BernoulliMixture().fit(np.eye(4)))
