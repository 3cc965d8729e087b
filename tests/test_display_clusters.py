"""Pictures of segments."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib.colors import to_hex
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans
from sklearn.neighbors import KernelDensity
from sklearn.preprocessing import StandardScaler

from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.display import ClustersDisplay
from sklearn_gen.mixture import GaussianMixture, TableMixture


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


@pytest.fixture(scope="module")
def mixed():
    rng = np.random.default_rng(0)
    kind = rng.choice(["cat", "dog", "newt"], size=300, p=[0.5, 0.4, 0.1])
    kilos = np.select([kind == "cat", kind == "dog"], [4.0, 20.0], 0.01)
    return pd.DataFrame(
        {
            "tag": [f"A{i:05}" for i in range(300)],
            "kind": kind,
            "kilos": kilos * rng.lognormal(0.0, 0.1, 300),
            "chip": kind != "newt",
            "born": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(rng.integers(0, 30, 300) + 700 * (kind == "dog"), "D"),
            "floor": rng.integers(1, 4, 300),
        }
    )


class GivenSegments:
    """Predicts what it was told."""

    def __init__(self, labels):
        self.labels = np.asarray(labels)

    def predict(self, X):
        return self.labels


def tick_labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def written(display):
    """Texts of the map, as rows of columns."""
    cells = {}
    for text in display.axes_[1].texts:
        x, y = text.get_position()
        cells[int(y), int(x)] = text.get_text()
    n_rows, n_columns = display.image_.get_array().shape
    return [[cells.get((i, j), "") for j in range(n_columns)] for i in range(n_rows)]


def test_sizes_and_standardised_means(model, table):
    display = ClustersDisplay.from_estimator(model, table)
    labels = model.predict(table)
    sizes = pd.Series(labels).value_counts()
    assert [bar.get_height() for bar in display.bars_] == sizes.tolist() == [150, 50]
    assert tick_labels(display.axes_[1].xaxis) == ["all rows", *map(str, sizes.index)]
    assert tick_labels(display.axes_[1].yaxis) == ["width", "height", "mass"]
    means = table.groupby(labels).mean().loc[sizes.index]
    expected = (means - table.mean()) / table.std(ddof=0)
    drawn = display.image_.get_array()
    assert_allclose(drawn[:, 0], 0.0)
    assert_allclose(drawn[:, 1:], expected.T)
    texts = written(display)
    assert texts[1][0] == f"{table['height'].mean():.3g}"
    assert texts[1][2] == f"{means['height'].iloc[1]:.3g}"
    probability = model.predict_proba(table).max(axis=1).mean()
    assert display.axes_[0].get_title() == (
        f"2 segments of 200 rows, mean probability {probability:.2f}"
    )
    assert len(display.axes_) == 2


def test_medians_are_not_moved_by_heavy_tails(model, table):
    heavy = table.copy()
    heavy.loc[0, "mass"] = 1e6
    labels = model.predict(table)
    estimator = GivenSegments(labels)
    display = ClustersDisplay.from_estimator(estimator, heavy, average="median")
    low, high = heavy.quantile(0.158655), heavy.quantile(0.841345)
    medians = heavy.groupby(labels).median()
    expected = (medians - heavy.median()) / ((high - low) / 2)
    order = [int(label) for label in display.labels]
    assert_allclose(display.differences, expected.loc[order].T)
    assert np.abs(display.differences).max() < 10
    # a column that is mostly zero still has a spread
    spiky = pd.DataFrame({"a": np.r_[np.zeros(190), np.ones(10)], "b": 3.0})
    display = ClustersDisplay.from_estimator(
        GivenSegments(spiky["a"].astype(int)), spiky, average="median"
    )
    assert_allclose(display.differences[0], [0.0, 1 / spiky["a"].std(ddof=0)])
    assert_allclose(display.differences[1], 0.0)
    assert display.axes_[0].get_title() == "2 segments of 200 rows"


def test_levels_are_those_over_represented_most(mixed):
    segment = (mixed["kind"] == "newt").astype(int)
    display = ClustersDisplay.from_estimator(GivenSegments(segment), mixed)
    texts = dict(zip(display.names, written(display), strict=True))
    n_newts, n = segment.sum(), len(mixed)
    n_cats = (mixed["kind"] == "cat").sum()
    assert texts["kind"] == [
        f"cat {n_cats / n:.0%}",
        f"cat {n_cats / (n - n_newts):.0%}",
        "newt 100%",
    ]
    kind = display.names.index("kind")
    h = 2 * (np.arcsin(1) - np.arcsin(np.sqrt(n_newts / n)))
    assert display.differences[kind, 1] == pytest.approx(h)
    assert (display.differences[kind] > 0).all()
    assert texts["chip"][1:] == ["True 100%", "False 100%"]
    born = mixed.groupby(segment)["born"].mean().dt.strftime("%Y-%m-%d")
    assert texts["born"][1:] == born.tolist()


def test_a_level_may_be_over_represented_and_yet_rare():
    X = pd.DataFrame({"level": list("aaaaaaab" + "aaab"), "n": range(12)})
    display = ClustersDisplay.from_estimator(GivenSegments([0] * 8 + [1] * 4), X)
    assert written(display)[0] == ["a 83%", "a 88%", "b 25%"]
    h = 2 * (np.arcsin(np.sqrt(1 / 4)) - np.arcsin(np.sqrt(1 / 6)))
    assert display.differences[0, 1] == pytest.approx(h)


def test_segments_are_sorted_by_size():
    labels = np.repeat(["a", "b", "c"], [2, 1, 3])
    X = pd.DataFrame({"n": np.repeat([1.0, 2.0, 3.0], [2, 1, 3])})
    display = ClustersDisplay.from_estimator(GivenSegments(labels), X)
    assert display.labels == ["c", "a", "b"]
    assert written(display)[0][1:] == ["3", "1", "2"]


def test_mixed_tables(mixed):
    model = TableMixture(3, categorical_features=["floor"], random_state=0).fit(mixed)
    display = ClustersDisplay.from_estimator(model, mixed, scatter=["kilos", "floor"])
    # identifiers say nothing, and numbers that the model takes for levels are levels
    assert display.names == ["kind", "kilos", "chip", "born", "floor"]
    assert written(display)[4][0].endswith("%")
    assert written(display)[1][0] == f"{mixed['kilos'].mean():.3g}"
    assert display.axes_[2].get_xlabel() == "kilos"
    named = ClustersDisplay.from_estimator(model, mixed, columns=["tag", "kilos"])
    assert named.names == ["tag", "kilos"]


def test_durations_and_long_spans():
    X = pd.DataFrame({"wait": pd.to_timedelta([1, 2, 10, 11], "D"), "n": [1e4] * 4})
    display = ClustersDisplay.from_estimator(GivenSegments([0, 0, 1, 1]), X)
    assert written(display) == [
        ["6 days", "1.5 days", "10.5 days"],
        ["10,000", "10,000", "10,000"],
    ]


def test_missing_cells_are_left_out(model, table):
    labels = model.predict(table)
    small = np.bincount(labels).argmin()
    gaps = table.copy()
    gaps.loc[labels == small, "mass"] = np.nan
    gaps["kind"] = np.where(labels == small, None, "big")
    gaps["nothing"] = None
    display = ClustersDisplay.from_estimator(GivenSegments(labels), gaps)
    mask = np.ma.getmaskarray(display.image_.get_array())[:, 1:]
    assert_array_equal(mask[2:], [[False, True], [False, True], [True, True]])
    assert not mask[:2].any()
    assert written(display)[3] == ["big 100%", "big 100%", ""]


def test_scatter_along_columns_and_principal_axes(model, table):
    gaps = table.assign(kind="x")
    gaps.loc[7, "mass"] = np.nan
    estimator = GivenSegments(model.predict(table))
    display = ClustersDisplay.from_estimator(estimator, gaps, scatter=["mass", "width"])
    drawn = [line.get_xydata() for line in display.axes_[2].lines]
    sizes = [len(line) for line in drawn]
    assert sizes == [150, 50]
    both = np.concatenate(drawn)
    assert sorted(both[:, 1]) == sorted(table["width"])
    colors = [to_hex(line.get_color()) for line in display.axes_[2].lines]
    assert colors == [to_hex(bar.get_facecolor()) for bar in display.bars_]
    display = ClustersDisplay.from_estimator(estimator, gaps, scatter="pca")
    assert np.isfinite(display.points).all()
    scaled = StandardScaler().fit_transform(table)
    shares = np.linalg.svd(scaled, compute_uv=False) ** 2
    first = (display.points[:, 0] ** 2).sum() / shares.sum()
    assert display.axes_[2].get_xlabel() == f"principal axis 1 ({first:.0%})"
    assert first == pytest.approx(shares[0] / shares.sum(), abs=0.01)


def test_the_largest_segments_and_most_different_columns():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 30))
    labels = np.repeat(np.arange(20), np.arange(20) * 2 + 6)
    X[labels == 19, 17] += 3.0
    estimator = GivenSegments(labels)
    display = ClustersDisplay.from_estimator(estimator, X, scatter="pca")
    assert len(display.bars_) == 10
    assert tick_labels(display.axes_[1].xaxis)[1] == "19"
    assert display.axes_[0].get_title().endswith("10 smaller not shown")
    assert len(tick_labels(display.axes_[1].yaxis)) == 20
    assert "10 columns that differ less not shown" in display.axes_[1].get_xlabel()
    assert sum(len(line.get_xdata()) for line in display.axes_[2].lines) == 500
    few = display.plot(max_segments=1, max_columns=1)
    assert tick_labels(few.axes_[1].yaxis) == ["column 17"]
    assert few.image_.get_array().shape == (1, 2)


@pytest.mark.parametrize("container", [np.asarray, pl.DataFrame])
def test_containers_pipelines_and_clusterers(table, container):
    rows = container(table)
    pipeline = make_generative_pipeline(StandardScaler(), GaussianMixture(2))
    kmeans = KMeans(2, n_init=1, random_state=0)
    figure, (left, right) = plt.subplots(ncols=2)
    one = ClustersDisplay.from_estimator(pipeline.fit(rows), rows, ax=left)
    two = ClustersDisplay.from_estimator(kmeans.fit(rows), rows, ax=right, vmin=-0.5)
    assert one.ax_ is left
    assert one.figure_ is two.figure_ is figure
    name = "column 0" if container is np.asarray else "width"
    assert tick_labels(one.axes_[1].yaxis)[0] == name
    assert two.image_.get_clim() == (-0.5, 2.0)
    assert two.image_.colorbar.extend == "min"
    figure.canvas.draw()


def test_clusters_errors(model, table):
    with pytest.raises(TypeError, match="KernelDensity has no predict method"):
        ClustersDisplay.from_estimator(KernelDensity().fit(table), table)
    with pytest.raises(ValueError, match=r"average must be .* got 'mode'"):
        ClustersDisplay.from_estimator(model, table, average="mode")
    for scatter in (["mass"], ["mass", "width", "height"]):
        with pytest.raises(ValueError, match="scatter must be None, 'pca' or two"):
            ClustersDisplay.from_estimator(model, table, scatter=scatter)
    estimator = GivenSegments(np.zeros(200, dtype=int))
    words = pd.DataFrame({"word": ["a"] * 200, "mass": table["mass"]})
    with pytest.raises(ValueError, match="needs two numeric columns, got 1"):
        ClustersDisplay.from_estimator(estimator, words, scatter="pca")
    with pytest.raises(ValueError, match="column 0 holds text cells"):
        ClustersDisplay.from_estimator(estimator, words, scatter=[0, 1])
    display = ClustersDisplay.from_estimator(model, table)
    for name in ("max_segments", "max_columns"):
        with pytest.raises(ValueError, match=f"{name} must be .* got 0"):
            display.plot(**{name: 0})


@pytest.mark.parametrize(("scatter", "n_columns"), [(None, 2), ("pca", 30)])
def test_clusters_render(scatter, n_columns, tmp_path):
    X = np.random.default_rng(0).normal(size=(300, n_columns))
    names = [f"a name of some length {j}" for j in range(n_columns)]
    X = pd.DataFrame(X, columns=names)
    estimator = GivenSegments(np.arange(300) % 8)
    display = ClustersDisplay.from_estimator(estimator, X, scatter=scatter)
    path = tmp_path / "clusters.png"
    display.figure_.savefig(path, dpi=50)
    # nothing hangs over the edge: the outermost pixels are white
    picture = plt.imread(path)[:, :, :3]
    assert picture.min() < 0.5
    for edge in (picture[0], picture[-1], picture[:, 0], picture[:, -1]):
        assert edge.min() == 1.0
