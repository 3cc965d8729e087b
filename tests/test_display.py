import subprocess
import sys

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib.colors import to_hex
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.display import ConvergenceDisplay, DensityDisplay, SamplesDisplay
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
def model(table):
    return GaussianMixture(2, random_state=0).fit(table)


def integral(curve, grid):
    return np.trapezoid(curve, grid)


# ---- DensityDisplay ----


def test_curve_is_the_marginal_density_and_integrates_to_one(model, table):
    display = DensityDisplay.from_estimator(model, table, columns=["height"])
    x, y = display.line_.get_data()
    assert integral(y, x) == pytest.approx(1.0, abs=2e-2)  # a tenth beyond the data
    expected = model.marginal(["height"]).score_samples(pd.DataFrame({"height": x}))
    assert_allclose(np.log(y), expected, rtol=1e-9)
    assert x[0] < table["height"].min() < table["height"].max() < x[-1]
    assert display.ax_.get_xlabel() == "height"
    assert display.ax_.get_ylabel() == "density (per unit of height)"
    bars = display.ax_.patches
    area = sum(bar.get_height() * bar.get_width() for bar in bars)
    assert area == pytest.approx(1.0)  # the histogram has the curve's unit


def test_contours_are_of_the_log_density_in_nats(model, table):
    display = DensityDisplay.from_estimator(model, table, columns=["mass", "width"])
    i, j = 30, 80
    row = pd.DataFrame(
        {
            "width": display.grid[1][[i]],
            "height": np.nan,
            "mass": display.grid[0][[j]],
        }
    )
    assert display.log_density[i, j] == pytest.approx(model.score_samples(row)[0])
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("mass", "width")
    colorbar = display.figure_.axes[-1]
    assert colorbar.get_ylabel() == "log density (nats)"
    assert_array_equal(display.contours_.levels, np.sort(display.contours_.levels))
    assert display.contours_.levels[-1] >= display.log_density.max()
    points = display.ax_.lines[0].get_xydata()
    assert_array_equal(points, table[["mass", "width"]])


@pytest.mark.parametrize("columns", [None, ["height", "mass"], [1, -1]])
def test_columns_by_name_and_position(model, table, columns):
    rows = table[["height", "mass"]] if columns is None else table
    fitted = GaussianMixture().fit(rows)
    display = DensityDisplay.from_estimator(fitted, rows, columns=columns)
    assert display.names == ["height", "mass"]


@pytest.mark.parametrize("container", [np.asarray, pl.DataFrame])
def test_containers(table, container):
    rows = container(table)
    fitted = GaussianMixture(2, random_state=0).fit(rows)
    display = DensityDisplay.from_estimator(fitted, rows, columns=[0])
    assert display.names == (["column 0"] if container is np.asarray else ["width"])
    last = DensityDisplay.from_estimator(fitted, rows, columns=[-1])
    assert last.names == (["column 2"] if container is np.asarray else ["mass"])


def test_threshold_of_a_detector_is_drawn_where_all_columns_are_shown(table):
    detector = DensityOutlierDetector().fit(table[["width"]])
    display = DensityDisplay.from_estimator(detector, table[["width"]])
    level = display.ax_.lines[-1].get_ydata()
    assert_allclose(level, np.exp(detector.offset_))
    two = DensityOutlierDetector().fit(table[["width", "mass"]])
    display = DensityDisplay.from_estimator(two, table[["width", "mass"]])
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["data", "threshold"]
    marginal = DensityDisplay.from_estimator(two, table[["width", "mass"]], columns=[0])
    assert marginal.threshold is None


def test_a_pipeline_with_missing_cells(table):
    gaps = table.mask(np.random.default_rng(0).uniform(size=table.shape) < 0.1)
    pipeline = make_generative_pipeline(StandardScaler(), GaussianMixture()).fit(gaps)
    display = DensityDisplay.from_estimator(pipeline, gaps, columns=["mass"])
    x, y = display.line_.get_data()
    assert integral(y, x) == pytest.approx(1.0, abs=3e-2)


def test_given_axes_and_styles_are_used(model, table):
    figure, (left, right) = plt.subplots(ncols=2)
    display = DensityDisplay.from_estimator(
        model, table, columns=[0], ax=left, color="green", grid_resolution=50
    )
    assert display.ax_ is left
    assert display.figure_ is figure
    assert display.line_.get_color() == "green"
    assert len(display.line_.get_xdata()) == 50
    DensityDisplay.from_estimator(model, table, columns=[0, 1], ax=right, cmap="Greys")
    again = display.plot()
    assert again.ax_ is not left


def test_zero_density_is_left_blank(table):
    class Half(GaussianMixture):
        def score_samples(self, X):
            log_prob = super().score_samples(X)
            return np.where(np.asarray(X)[:, 0] < 0, -np.inf, log_prob)

    rows = table[["width", "mass"]]
    display = DensityDisplay.from_estimator(Half().fit(rows), rows)
    assert np.isfinite(display.contours_.levels).all()


def test_density_errors(model, table):
    with pytest.raises(ValueError, match=r"one column, or two .* 3 in X"):
        DensityDisplay.from_estimator(model, table)
    with pytest.raises(ValueError, match="columns names a column twice"):
        DensityDisplay.from_estimator(model, table, columns=["mass", 2])
    with pytest.raises(ValueError, match=r"'depth', which is no column.*\['width'"):
        DensityDisplay.from_estimator(model, table, columns=["depth"])
    with pytest.raises(ValueError, match=r"names 3, which is no .*\[0, 1, 2\]"):
        DensityDisplay.from_estimator(model, table.to_numpy(), columns=[3])
    with pytest.raises(TypeError, match="KernelDensity doesn't allow NaN"):
        DensityDisplay.from_estimator(KernelDensity().fit(table), table, columns=[0])
    empty = table.assign(mass=np.nan)
    with pytest.raises(ValueError, match="mass has no finite value"):
        DensityDisplay.from_estimator(model, empty, columns=["mass"])


# ---- SamplesDisplay ----


def test_draws_beside_data_on_the_same_axes(model, table):
    display = SamplesDisplay.from_estimator(model, table, random_state=0)
    assert display.axes_.shape == (3, 6)
    assert_array_equal(display.real, table)
    assert_array_equal(
        display.drawn, model.sample(200, random_state=np.random.default_rng(0))
    )
    for i in range(3):
        for j in range(3):
            real, drawn = display.axes_[i, j], display.axes_[i, j + 3]
            if j > i:
                assert real is None
                assert drawn is None
                continue
            assert real.get_xlim() == drawn.get_xlim()
            if j < i:
                assert real.get_ylim() == drawn.get_ylim()
                assert_array_equal(real.lines[0].get_xydata(), display.real[:, [j, i]])
                assert_array_equal(
                    drawn.lines[0].get_xydata(), display.drawn[:, [j, i]]
                )
                assert to_hex(real.lines[0].get_color()) != to_hex(
                    drawn.lines[0].get_color()
                )
    assert [panel.get_xlabel() for panel in display.axes_[2]] == [*table.columns] * 2
    assert [display.axes_[i, 0].get_ylabel() for i in (1, 2)] == ["height", "mass"]
    titles = [display.axes_[0, k].get_title(loc="left") for k in (0, 3)]
    assert titles == ["data, 200 rows", "draws, 200 rows"]


def test_histograms_share_the_bins_and_hold_all_rows(model, table):
    display = SamplesDisplay.from_estimator(model, table, random_state=0)
    for k in (1, 4):
        bars = [p for p in display.axes_[1, k].patches if hasattr(p, "get_height")]
        area = sum(bar.get_height() * bar.get_width() for bar in bars)
        assert area == pytest.approx(1.0)


def test_choice_of_rows_and_columns(model, table):
    display = SamplesDisplay.from_estimator(
        model, table, columns=["mass", "width"], n_samples=40, random_state=0
    )
    assert display.real.shape == display.drawn.shape == (40, 2)
    assert len(np.unique(display.real, axis=0)) == 40
    assert set(display.real[:, 0]) <= set(table["mass"])
    wide = np.random.default_rng(0).normal(size=(1200, 7))
    display = SamplesDisplay.from_estimator(GaussianMixture().fit(wide), wide)
    assert display.real.shape == display.drawn.shape == (1000, 5)


def test_columns_named_by_other_columns_positions(table):
    numbered = table.set_axis([2, 0, 1], axis=1)
    fitted = GaussianMixture().fit(numbered.to_numpy())
    display = SamplesDisplay.from_estimator(fitted, numbered, n_samples=len(table))
    assert display.names == ["2", "0", "1"]
    assert_array_equal(display.real, numbered)


def test_a_mask_of_columns(model, table):
    display = DensityDisplay.from_estimator(model, table, columns=[False, True, True])
    assert display.names == ["height", "mass"]


def test_samples_of_one_column_on_given_axes(table):
    fitted = GaussianMixture().fit(table[["mass"]])
    figure, (left, right) = plt.subplots(ncols=2)
    display = SamplesDisplay.from_estimator(fitted, table[["mass"]], ax=right)
    assert display.figure_ is figure
    assert display.ax_ is right
    assert display.axes_.shape == (1, 2)
    edge = right.get_position().x0
    assert all(panel.get_position().x0 >= edge - 1e-9 for panel in display.axes_[0])
    assert left.get_position().x1 < edge


def test_samples_with_missing_cells(table):
    gaps = table.mask(np.random.default_rng(0).uniform(size=table.shape) < 0.2)
    fitted = GaussianMixture().fit(gaps)
    SamplesDisplay.from_estimator(fitted, gaps, random_state=0).figure_.canvas.draw()


def test_samples_errors(table):
    with pytest.raises(TypeError, match="DensityOutlierDetector has no sample method"):
        SamplesDisplay.from_estimator(DensityOutlierDetector().fit(table), table)


# ---- ConvergenceDisplay ----


def test_curve_is_the_history(model, table):
    display = ConvergenceDisplay.from_estimator(model)
    x, y = display.line_.get_data()
    assert_array_equal(y, model.lower_bounds_)
    assert_array_equal(x, np.arange(1, len(y) + 1))
    assert display.ax_.get_xlabel() == "EM iteration"
    assert display.ax_.get_ylabel() == "mean log-likelihood (nats per row)"
    (label,) = display.ax_.get_legend().get_texts()
    assert label.get_text() == "GaussianMixture, converged"


def test_curves_share_axes_in_different_colours(table):
    ax = plt.subplots()[1]
    with pytest.warns(UserWarning, match="did not converge"):
        short = GaussianMixture(2, max_iter=1, tol=0, random_state=0).fit(table)
    for name in ("one", "two"):
        ConvergenceDisplay.from_estimator(short, name=name, ax=ax)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["one, not converged", "two, not converged"]
    assert len({line.get_color() for line in ax.lines}) == 2


def test_models_inside_wrappers_are_found(table):
    pipeline = make_generative_pipeline(MinMaxScaler(), GaussianMixture())
    search = GridSearchCV(pipeline, {"gaussianmixture__n_components": [1]}, cv=2)
    detector = DensityOutlierDetector(search).fit(table)
    display = ConvergenceDisplay.from_estimator(detector)
    inner = detector.estimator_.best_estimator_[-1]
    assert_array_equal(display.lower_bounds, inner.lower_bounds_)
    # Not comparable with the pipeline's own scores, and the axis says so.
    assert "of transformed rows (nats per row)" in display.ax_.get_ylabel()


@pytest.mark.parametrize("model", [GaussianMixture(), KernelDensity()])
def test_convergence_errors(model):
    with pytest.raises(TypeError, match=f"{type(model).__name__} has no lower_bounds_"):
        ConvergenceDisplay.from_estimator(model)


# ---- matplotlib ----


def test_displays_render(model, table, tmp_path):
    displays = [
        DensityDisplay.from_estimator(model, table, columns=[0]),
        DensityDisplay.from_estimator(model, table, columns=[0, 1]),
        SamplesDisplay.from_estimator(model, table, random_state=0),
        ConvergenceDisplay.from_estimator(model),
    ]
    for number, display in enumerate(displays):
        path = tmp_path / f"{number}.png"
        display.figure_.savefig(path, dpi=50)
        picture = plt.imread(path)
        assert len(np.unique(picture.reshape(-1, picture.shape[-1]), axis=0)) > 20


def test_importing_displays_does_not_import_matplotlib():
    code = "import sys, sklearn_gen.display; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_matplotlib_the_error_says_how_to_get_it(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"sklearn-gen\[plot\]"):
        ConvergenceDisplay.from_estimator(model)
