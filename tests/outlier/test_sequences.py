"""Detectors around models of sequences whose ids are a column of the table."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.preprocessing import StandardScaler

from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.hmm import GaussianHMM
from sklearn_gen.outlier import ConformalOutlierDetector, DensityOutlierDetector


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
