"""Detectors around models of sequences whose ids are a column of the table."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler

from sklearn_gen._inner._gaps import missing_cells
from sklearn_gen._inner._rows import Rows
from sklearn_gen._inner._sequences import select_steps
from sklearn_gen._splits import folds_of_steps, hold_out_steps
from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.hmm import AutoregressiveHMM, GaussianHMM
from sklearn_gen.outlier import (
    ConformalOutlierDetector,
    DensityOutlierDetector,
    TrimmedDensity,
)


@pytest.fixture(scope="module")
def runs():
    """Six sequences of a level that changes slowly, and of noise; row 100 is odd."""
    rng = np.random.default_rng(0)
    level = np.repeat(rng.integers(2, size=30), 10)
    names = np.repeat(list("abcdef"), 50)
    table = pd.DataFrame({"run": names, "level": 9.0 * level, "noise": 0.0})
    table[["level", "noise"]] += rng.normal(size=(300, 2))
    table.loc[100, "noise"] = 20.0
    return table


@pytest.mark.parametrize("score_type", ["nll", "typicality", "ratio"])
@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_ids_are_no_cells(runs, container, score_type):
    """They aren't hidden where columns are, nor count as missing or usual."""
    table = runs if container == "pandas" else pl.DataFrame(runs.to_dict("list"))
    model = GaussianHMM(2, group_column="run", random_state=0)
    detector = DensityOutlierDetector(model, score_type=score_type).fit(table)
    scores = detector.score_samples(table)
    assert np.isfinite(scores).all()
    if score_type != "ratio":  # to independent columns row 100 is as odd
        assert scores.argmin() == 100
    values = runs.assign(run=np.repeat(range(6), 50)).to_numpy(float)
    placed = DensityOutlierDetector(
        GaussianHMM(2, group_column=0, random_state=0), score_type=score_type
    ).fit(values)
    np.testing.assert_allclose(placed.score_samples(values), scores, rtol=1e-9)


def test_explanations_name_cells(runs):
    model = GaussianHMM(2, group_column="run", random_state=0)
    detector = DensityOutlierDetector(model).fit(runs)
    reasons = detector.explain(runs)
    assert (reasons["run"] == 0.0).all()
    assert reasons.loc[100, "noise"] == reasons[["level", "noise"]].min(axis=None)
    assert np.isfinite(detector.explain(runs[:4], pairs=True)).all()


def test_gaps_are_usual_cells(runs):
    """A row without a column scores as if that were usual; its id stays."""
    gaps = runs.copy()
    gaps.loc[100, "noise"] = np.nan
    model = GaussianHMM(2, group_column="run", random_state=0)
    for density in (model, make_generative_pipeline(StandardScaler(), model)):
        detector = DensityOutlierDetector(density).fit(runs)
        assert detector.predict(runs)[100] == -1
        assert detector.decision_function(gaps)[100] > 0.0


def test_held_out_rows_keep_their_ids(runs):
    model = GaussianHMM(2, group_column="run", random_state=0)
    detector = ConformalOutlierDetector(model, random_state=0).fit(runs)
    assert detector.predict(runs)[100] == -1


def autoregressive(n_runs, length, seed):
    """Ids, and a column that remembers its last value."""
    rng = np.random.default_rng(seed)
    values = np.zeros((n_runs, length))
    for t in range(1, length):
        values[:, t] = 0.98 * values[:, t - 1] + 0.2 * rng.normal(size=n_runs)
    ids = np.repeat(np.arange(n_runs), length)
    return np.column_stack([ids, values.ravel()])


def levels(n_rows, seed):
    model = GaussianHMM.from_parameters(
        [0.5, 0.5], [[0.97, 0.03], [0.03, 0.97]], [[0.0], [6.0]], [[1.0], [1.0]]
    )
    return np.column_stack([np.zeros(n_rows), model.sample(n_rows, random_state=seed)])


@pytest.mark.parametrize("rate", [0.05, 0.1])
@pytest.mark.parametrize(
    ("model", "rows", "new"),
    [
        (AutoregressiveHMM(1), autoregressive(100, 80, 0), autoregressive(100, 80, 1)),
        (AutoregressiveHMM(1), autoregressive(1, 8000, 2), autoregressive(1, 8000, 3)),
        (GaussianHMM(2), levels(8000, 1), levels(8000, 2)),
    ],
)
def test_false_alarms(model, rows, new, rate):
    """2,000 held out: four standard errors of the rate are 0.019 and 0.027."""
    model = clone(model).set_params(group_column=0, random_state=0)
    detector = DensityOutlierDetector(
        model, regime="novelty", false_alarm_rate=rate, random_state=0
    ).fit(rows)
    tolerance = 0.02 if rate == 0.05 else 0.03
    assert np.mean(detector.predict(new) == -1) == pytest.approx(rate, abs=tolerance)
    conformal = ConformalOutlierDetector(model, random_state=0).fit(rows)
    assert np.mean(conformal.p_values(new) <= rate) == pytest.approx(
        rate, abs=tolerance
    )
    folded = ConformalOutlierDetector(model, method="cross", random_state=0).fit(rows)
    assert np.mean(folded.p_values(new) <= rate) == pytest.approx(rate, abs=tolerance)


def test_whole_sequences_or_their_ends_are_held_out():
    def held_out(starts, n_rows, size):
        kept, out = hold_out_steps(
            np.array(starts), n_rows, size, np.random.default_rng(0)
        )
        np.testing.assert_array_equal(np.sort(np.r_[kept, out]), np.arange(n_rows))
        return out

    np.testing.assert_array_equal(held_out([0], 12, 3), [9, 10, 11])
    np.testing.assert_array_equal(held_out([0, 8], 12, 3), [6, 7, 11])
    np.testing.assert_array_equal(held_out([0, 1], 2, 1), [1])
    assert len(held_out([0, 1, 2], 4, 3)) in (1, 2, 3)
    out = held_out(range(0, 40, 4), 40, 10)
    assert len(out) == 12  # three of ten sequences of 4 rows
    assert (np.unique(out // 4, return_counts=True)[1] == 4).all()
    folds = folds_of_steps(np.arange(0, 40, 4), 40, 5, 0)
    assert all(len(np.unique(test // 4)) == 2 for _, test in folds)
    blocks = folds_of_steps(np.zeros(1, int), 40, 5, 0)
    assert all((np.diff(test) == 1).all() for _, test in blocks)


def test_splitters_get_ids(runs):
    model = GaussianHMM(2, group_column="run", random_state=0)
    detector = ConformalOutlierDetector(model, method="cross", cv=GroupKFold(3))
    detector.fit(runs)
    names = runs["run"].to_numpy()[detector.calibration_indices_]
    assert all(
        len(np.unique(names[detector.calibration_folds_ == fold])) == 2
        for fold in range(3)
    )


@pytest.mark.parametrize("container", ["pandas", "polars", "numpy"])
def test_rows_between_others_are_hidden(runs, container):
    rows = runs.assign(
        run=np.repeat(range(6), 50), count=np.arange(300), yes=runs["level"] > 4
    )
    if container == "polars":
        rows = pl.DataFrame(rows.to_dict("list"))
    elif container == "numpy":
        rows = rows.to_numpy(float)
    model = GaussianHMM(2, group_column=0 if container == "numpy" else "run")
    kept = np.r_[10:20, 30:40, 45:60, 299]
    part, observed = select_steps(model, Rows(rows, np.arange(300), None), kept)
    between = np.r_[10:60, 299]
    np.testing.assert_array_equal(part.y, between)
    np.testing.assert_array_equal(between[observed], kept)
    missing = missing_cells(part.X)
    assert not missing[:, 0].any()
    np.testing.assert_array_equal(missing[:, 1:].all(axis=1), ~observed)
    np.testing.assert_array_equal(missing[:, 1:].any(axis=1), ~observed)
    ids = part.X[:, 0] if container == "numpy" else part.X["run"]
    np.testing.assert_array_equal(np.asarray(ids), between // 50)
    model.fit(part.X)  # numbers, whole ones and booleans are what they were


def test_trimmed_rows_leave_gaps():
    """Outliers are trimmed, and steps stay as rare as they are."""
    rows = levels(4000, 0)
    bad = np.random.default_rng(0).random(4000) < 0.03
    rows[bad, 1] = np.random.default_rng(1).uniform(-60, 60, bad.sum())
    model = GaussianHMM(2, group_column=0, random_state=0)
    trimmed = TrimmedDensity(model, trim=0.05).fit(rows)
    assert trimmed.support_[bad].mean() < 0.25  # one in five looks like the others
    np.testing.assert_allclose(
        np.sort(trimmed.estimator_.means_[:, 0]), [0.0, 6.0], atol=0.2
    )
    assert DensityOutlierDetector(trimmed).fit(rows).predict(rows)[bad].mean() < -0.5


def test_trimmed_rows_are_no_time_gone():
    """With 40 % deleted, levels would be left at 0.05 a step; four errors are 0.012."""
    model = GaussianHMM(2, group_column=0, random_state=0)
    trimmed = TrimmedDensity(model, trim=0.4).fit(levels(4000, 0))
    leaving = 1.0 - np.diag(trimmed.estimator_.transmat_)
    np.testing.assert_allclose(leaving, 0.03, atol=0.012)


def test_batches_are_judged_by_their_last_rows():
    rows = autoregressive(1, 12_000, 0)
    model = AutoregressiveHMM(1, group_column=0, random_state=0)
    detector = DensityOutlierDetector(model, contamination=0.05)
    for start in range(0, 12_000, 3000):
        detector.partial_fit(rows[start : start + 3000])
    new = autoregressive(1, 4000, 5)
    # 10,000 rows judge: four standard errors are 0.016
    assert np.mean(detector.predict(new) == -1) == pytest.approx(0.05, abs=0.016)
