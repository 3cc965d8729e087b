"""P-values of rows with missing cells, whatever holds the density."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.mixture import GaussianMixture
from sklearn_gen.outlier import ConformalOutlierDetector, DensityOutlierDetector

DENSITY = GaussianMixture(reg_covar="scale")


@pytest.fixture(name="rows")
def rows_in_units():
    """Columns whose densities differ by their units alone."""
    rng = np.random.default_rng(0)
    mix = np.eye(4) + 0.5 * rng.random((4, 4))
    return rng.normal(size=(600, 4)) @ mix * [1e-3, 1.0, 1e4, 1.0]


def with_gaps(X):
    return np.where(np.random.default_rng(1).random(X.shape) < 0.3, np.nan, X)


@pytest.mark.parametrize("method", ["split", "cross"])
def test_predict_is_the_p_value_at_the_level(rows, method):
    detector = ConformalOutlierDetector(DENSITY, method=method, random_state=0)
    gaps = with_gaps(rows)
    p_values = detector.fit(rows).p_values(gaps)
    assert_array_equal(detector.predict(gaps), np.where(p_values <= 0.05, -1, 1))
    assert 0.01 < np.mean(p_values <= 0.05) < 0.1


def mean_score(model, X, y=None):
    return np.mean(model.score_samples(X))


SCALED = make_pipeline(StandardScaler(), DensityOutlierDetector(DENSITY))


@pytest.mark.parametrize(
    "model",
    [
        DENSITY,
        GridSearchCV(DENSITY, {}, cv=2),
        make_generative_pipeline(StandardScaler(), DENSITY),
        SCALED,
        GridSearchCV(SCALED, {}, cv=2, scoring=mean_score),
    ],
    ids=["density", "search", "generative", "pipeline", "search over a pipeline"],
)
def test_missing_cells_are_usual_ones(rows, model):
    gaps = with_gaps(rows)
    detector = ConformalOutlierDetector(model, random_state=0).fit(gaps)
    inside = DensityOutlierDetector(DENSITY)
    expected = ConformalOutlierDetector(inside, random_state=0).fit(gaps)
    fresh = np.random.default_rng(3).permutation(rows)
    fresh[:, 2] = np.nan  # of the column of 1e4
    # Behind transformers what is usual is asked of fewer rows.
    near = 0.1 if hasattr(model, "density_kind") and hasattr(model, "steps") else 0.01
    assert_allclose(detector.p_values(fresh), expected.p_values(fresh), atol=near)
