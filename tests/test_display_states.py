import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib.colors import to_rgba
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import StandardScaler

from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.display import StatesDisplay, TransitionDisplay
from sklearn_gen.display._states import state_color
from sklearn_gen.hmm import GaussianHMM


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def walk():
    rng = np.random.default_rng(0)
    states = np.repeat([0, 1, 0, 2, 1], [30, 20, 10, 40, 20])
    rows = np.array([[0, 0], [6, 1], [-6, 5.0]])[states] + rng.normal(size=(120, 2))
    X = pd.DataFrame(rows, columns=["pressure", "flow"])
    X.insert(0, "day", np.repeat(["mon", "tue"], [70, 50]))
    return X


@pytest.fixture(scope="module")
def model(walk):
    return GaussianHMM(3, group_column="day", random_state=0).fit(walk)


def bars(panel):
    """Ends and colour of each coloured stretch, from left to right."""
    found = []
    for collection in panel.collections:
        for path in collection.get_paths():
            x = path.vertices[:, 0]
            color = tuple(collection.get_facecolor()[0][:3])
            found.append((x.min(), x.max(), color))
    return sorted(found)


def test_states_are_stretches_behind_the_series(model, walk):
    display = StatesDisplay.from_estimator(model, walk, sequence="tue")
    part = walk[70:]
    states = model.predict(part)
    assert_array_equal(display.states, states)
    assert [panel.get_ylabel() for panel in display.axes_] == ["pressure", "flow"]
    x, y = display.lines_[1].get_data()
    assert_array_equal(x, np.arange(70, 120))
    assert_array_equal(y, part["flow"])
    change = 70 + 1 + int(np.flatnonzero(np.diff(states))[0]) - 0.5
    expected = [
        (70.0, change, to_rgba(state_color(states[0]))[:3]),
        (change, 119.0, to_rgba(state_color(states[-1]))[:3]),
    ]
    assert bars(display.axes_[0]) == expected
    legend = display.axes_[0].get_legend()
    assert legend.get_title().get_text() == "sequence tue"
    first = min(states)
    share = (states == first).mean()
    assert legend.get_texts()[0].get_text() == f"state {first} ({share:.0%})"


def test_ids_beside_names_dates_and_containers(walk):
    rows = walk[["pressure", "flow"]]
    model = GaussianHMM(3, random_state=0).fit(rows, groups=walk["day"])
    times = np.datetime64("2024-01-01") + np.arange(120)
    found = [
        StatesDisplay.from_estimator(
            *(model, X), groups=walk["day"], times=times, columns=[1], **options
        )
        for X, options in [
            (rows, {"state_names": ["calm", "wind", "storm"]}),
            (pl.DataFrame(dict(rows)), {}),
            (rows.set_index(pd.DatetimeIndex(times)), {"method": "smooth"}),
        ]
    ]
    for display in found:
        assert display.names == ["flow"]
        assert_array_equal(display.times, times[:70])
        assert_array_equal(display.states, found[0].states)
    assert "(" in found[0].axes_[0].get_legend().get_texts()[0].get_text()
    named = [text.get_text() for text in found[0].axes_[0].get_legend().get_texts()]
    assert named[0].startswith("calm")
    whole = StatesDisplay.from_estimator(model, rows.to_numpy())
    assert len(whole.states) == 120
    assert whole.names == ["column 0", "column 1"]
    assert whole.axes_[-1].get_xlabel() == "time step"


def test_pipelines_and_given_axes(walk):
    pipeline = make_generative_pipeline(
        StandardScaler(), GaussianHMM(3, group_column="day", random_state=0)
    ).fit(walk)
    figure, (left, right) = plt.subplots(1, 2)
    display = StatesDisplay.from_estimator(pipeline, walk, ax=right, color="red")
    assert display.figure_ is figure
    assert display.lines_[0].get_color() == "red"
    assert_array_equal(display.states, pipeline.predict(walk[:70]))
    assert not right.axison
    graph = TransitionDisplay.from_estimator(pipeline, ax=left)
    assert graph.ax_ is left


def test_impossible_sequences_are_grey():
    model = GaussianHMM(2, random_state=0).fit(np.arange(20.0)[:, None])
    display = StatesDisplay.from_estimator(model, [[1e200], [1e200]])
    (text,) = display.axes_[0].get_legend().get_texts()
    assert text.get_text() == "impossible (100%)"


def test_matrix_and_graph(model):
    display = TransitionDisplay.from_estimator(model, state_names=["a", "b", "c"])
    assert_allclose(display.image_.get_array(), model.transmat_)
    assert [t.get_text() for t in display.ax_.get_yticklabels()] == ["a", "b", "c"]
    texts = {tuple(t.get_position()): t.get_text() for t in display.ax_.texts}
    assert texts[0, 0] == f"{model.transmat_[0, 0]:.2f}"
    display = TransitionDisplay(
        np.array([[0.98, 0.0196, 0.0004], [0.0, 1.0, 0.0], [0.25, 0.25, 0.5]]),
        np.array([0.98, 0.0, 0.02]),
    ).plot(kind="graph")
    assert set(display.arrows_) == {(0, 1), (2, 0), (2, 1)}
    widths = {k: arrow.get_linewidth() for k, arrow in display.arrows_.items()}
    assert widths[2, 0] == widths[2, 1] < widths[0, 1]
    texts = [text.get_text() for text in display.ax_.texts]
    assert "state 0\nstays 0.98\nstarts 0.98" in texts
    assert "state 2\nstays 0.50" in texts
    single = TransitionDisplay.from_estimator(
        GaussianHMM(1).fit(np.arange(9.0)[:, None]), kind="graph"
    )
    assert single.arrows_ == {}


def test_messages(model, walk):
    with pytest.raises(ValueError, match="'wed' is no id of X"):
        StatesDisplay.from_estimator(model, walk, sequence="wed")
    with pytest.raises(ValueError, match="one entry per row"):
        StatesDisplay.from_estimator(model, walk, times=[1, 2])
    alone = GaussianHMM(1).fit(np.arange(9.0)[:, None])
    with pytest.raises(ValueError, match="needs ids"):
        StatesDisplay.from_estimator(alone, np.arange(9.0)[:, None], sequence=1)
    with pytest.raises(TypeError, match="has no transmat_"):
        TransitionDisplay.from_estimator(GaussianHMM())
    with pytest.raises(ValueError, match="'matrix' or 'graph'"):
        TransitionDisplay.from_estimator(model, kind="tree")
