"""Pictures of what makes rows improbable."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib.colors import to_hex
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_gen.display import ExplanationDisplay
from sklearn_gen.mixture import GaussianMixture
from sklearn_gen.outlier import DensityOutlierDetector


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(0, 1, (150, 3)), rng.normal([4, 8, 1], 1, (50, 3))])
    return pd.DataFrame(X, columns=["width", "height", "mass"])


@pytest.fixture(scope="module")
def detector(table):
    return DensityOutlierDetector().fit(table)


def tick_labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_bars_are_sorted_contributions(detector, table):
    row = table.iloc[[7]].assign(mass=9.0)
    display = ExplanationDisplay.from_estimator(detector, row, reference=table)
    expected = detector.explain(row, reference=table).iloc[0].sort_values()
    assert expected.index[0] == "mass"
    assert_allclose([bar.get_width() for bar in display.bars_], expected)
    labels = tick_labels(display.ax_.yaxis)
    assert labels == [f"{name} = {row[name].iloc[0]:.4g}" for name in expected.index]
    assert labels[0] == "mass = 9"
    heights = [bar.get_y() for bar in display.bars_]
    assert heights == sorted(heights)
    assert display.ax_.yaxis_inverted()  # the first on top
    colors = [to_hex(bar.get_facecolor()) for bar in display.bars_]
    assert len({color for color, x in zip(colors, expected, strict=True) if x < 0}) == 1
    numbers = [text.get_text() for text in display.ax_.texts]
    assert numbers == [f"{x:+.1f}" for x in expected]
    assert display.ax_.get_xlabel() == "contribution (nats)"
    assert display.ax_.get_title() == "row 7, relative to the reference"


def test_bars_beyond_the_first_are_summed(detector, table):
    row = table.iloc[[3]].assign(height=np.nan)
    display = ExplanationDisplay.from_estimator(detector, row, max_columns=1)
    contributions = np.sort(detector.explain(row).iloc[0])
    assert_allclose(
        [bar.get_width() for bar in display.bars_],
        [contributions[0], contributions[1:].sum()],
    )
    assert tick_labels(display.ax_.yaxis)[1] == "2 other columns, sum"
    every = ExplanationDisplay.from_estimator(detector, row)
    assert "height: not observed" in tick_labels(every.ax_.yaxis)
    wide = np.random.default_rng(0).normal(size=(200, 14))
    many = DensityOutlierDetector().fit(wide)
    assert len(ExplanationDisplay.from_estimator(many, wide[:1]).bars_) == 11


def test_a_map_of_many_rows(detector, table):
    rows = table.iloc[20:26].assign(mass=[9.0, 2, 2, np.nan, 2, 2])
    display = ExplanationDisplay.from_estimator(detector, rows, reference=table)
    expected = detector.explain(rows, reference=table)
    drawn = display.image_.get_array()
    assert_allclose(drawn.filled(0.0), expected)
    assert_array_equal(np.ma.getmaskarray(drawn), rows.isna())
    low, high = display.image_.get_clim()
    assert low == -high  # white is zero
    assert tick_labels(display.ax_.xaxis) == ["width", "height", "mass"]
    assert tick_labels(display.ax_.yaxis) == [str(i) for i in range(20, 26)]
    assert display.figure_.axes[-1].get_ylabel() == "nats"
    assert display.ax_.get_title() == (
        "contributions, relative to the reference\ngrey: not observed"
    )
    numbers = [text.get_text() for text in display.ax_.texts]
    assert len(numbers) == 17
    assert numbers[0] == f"{expected.iloc[0, 0]:.1f}"


def test_a_map_keeps_the_columns_to_blame():
    wide = np.random.default_rng(0).normal(size=(300, 33))
    wide[0, 31] = 12.0
    detector = DensityOutlierDetector().fit(wide)
    display = ExplanationDisplay.from_estimator(detector, wide[:80])
    assert display.image_.get_array().shape == (80, 30)
    assert "column 31" in tick_labels(display.ax_.xaxis)
    assert display.ax_.get_title().endswith("3 less to blame not shown")
    assert len(display.ax_.get_yticks()) <= 60
    assert len(display.ax_.texts) == 0
    few = display.plot(max_columns=2)
    assert few.image_.get_array().shape == (80, 2)


def test_a_map_of_pairs(detector, table):
    row = table.iloc[[7]].assign(mass=9.0)
    display = ExplanationDisplay.from_estimator(
        detector, row, reference=table, pairs=True
    )
    C = detector.explain(row, reference=table, pairs=True)[0]
    drawn = display.image_.get_array()
    assert_allclose(np.diagonal(drawn), np.diagonal(C))
    assert_allclose(drawn[2, 0], C[2, 0] - C[2, 2] - C[0, 0])
    assert tick_labels(display.ax_.yaxis)[2] == "mass = 9"
    assert len(display.ax_.texts) == 6  # no pair twice
    covered = display.ax_.images[1].get_array()
    assert_array_equal(~np.ma.getmaskarray(covered), np.triu(np.ones((3, 3)), 1))
    gap = row.assign(width=np.nan)
    display = ExplanationDisplay.from_estimator(detector, gap, pairs=True)
    assert np.ma.getmaskarray(display.image_.get_array())[0].all()
    assert "grey: not observed" in display.ax_.get_title()


def test_impossible_cells_are_drawn():
    contributions = np.array([[-np.inf, 1.0, -7.0]])
    values = np.zeros((1, 3))
    display = ExplanationDisplay(
        contributions=contributions, values=values, names=["a", "b", "c"]
    ).plot()
    assert display.ax_.texts[0].get_text() == "-inf"
    display.figure_.canvas.draw()
    two = ExplanationDisplay(
        contributions=np.vstack([contributions, np.zeros(3)]),
        values=np.zeros((2, 3)),
        names=["a", "b", "c"],
    ).plot()
    assert two.image_.get_clim() == (-7.0, 7.0)
    two.figure_.canvas.draw()


@pytest.mark.parametrize("container", [np.asarray, pl.DataFrame])
def test_explanations_in_containers_and_styles(table, container):
    rows = container(table)
    fitted = DensityOutlierDetector().fit(rows)
    figure, (left, right) = plt.subplots(ncols=2)
    bars = ExplanationDisplay.from_estimator(fitted, rows[:1], ax=left, color="green")
    assert bars.ax_ is left
    assert bars.figure_ is figure
    assert to_hex(bars.bars_[0].get_facecolor()) == to_hex("green")
    name = "column 0" if container is np.asarray else "width"
    assert any(x.startswith(f"{name} =") for x in tick_labels(left.yaxis))
    image = ExplanationDisplay.from_estimator(fitted, rows[:3], ax=right, vmin=-0.5)
    assert image.ax_ is right
    assert image.image_.get_clim()[0] == -0.5
    assert image.image_.colorbar.extend == "min"


def test_long_names_are_shortened(table):
    long = table.rename(columns={"mass": "mass" + 30 * " and so on" + " in grams"})
    fitted = DensityOutlierDetector().fit(long)
    for n_rows in (1, 3):
        display = ExplanationDisplay.from_estimator(fitted, long[:n_rows])
        axis = display.ax_.yaxis if n_rows == 1 else display.ax_.xaxis
        (label,) = (text for text in tick_labels(axis) if text.startswith("mass"))
        assert len(label) < 45
        assert "grams" in label


def test_explanation_errors(detector, table):
    model = GaussianMixture().fit(table)
    with pytest.raises(TypeError, match="GaussianMixture has no explain method"):
        ExplanationDisplay.from_estimator(model, table)
    with pytest.raises(ValueError, match="pairs=True draws one row, got 200"):
        ExplanationDisplay.from_estimator(detector, table, pairs=True)


@pytest.mark.parametrize("n_columns", [3, 30])
@pytest.mark.parametrize(("n_rows", "pairs"), [(1, False), (1, True), (60, False)])
def test_explanations_render(n_rows, n_columns, pairs, tmp_path):
    X = np.random.default_rng(0).normal(size=(300, n_columns))
    names = [f"a name of some length {j}" for j in range(n_columns)]
    X = pd.DataFrame(X, columns=names)
    fitted = DensityOutlierDetector().fit(X)
    display = ExplanationDisplay.from_estimator(
        fitted, X[:n_rows], reference=X, pairs=pairs
    )
    path = tmp_path / "explanation.png"
    display.figure_.savefig(path, dpi=50)
    # nothing hangs over the edge: the outermost pixels are white
    picture = plt.imread(path)[:, :, :3]
    assert picture.min() < 0.5
    for edge in (picture[0], picture[-1], picture[:, 0], picture[:, -1]):
        assert edge.min() == 1.0


@pytest.mark.parametrize("max_columns", [0, -1])
def test_columns_to_draw(max_columns):
    display = ExplanationDisplay(
        contributions=np.zeros((1, 3)), values=np.zeros((1, 3)), names=["a", "b", "c"]
    )
    with pytest.raises(ValueError, match=rf"max_columns must be .* got {max_columns}"):
        display.plot(max_columns=max_columns)
