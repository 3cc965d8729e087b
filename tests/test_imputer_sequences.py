"""Imputers around models whose rows are steps in time: cells know before and after."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.preprocessing import StandardScaler

from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.hmm import GaussianHMM, PoissonHMM
from sklearn_gen.imputer import GenerativeImputer
from sklearn_gen.imputer._completion import mode_of_draws


@pytest.fixture(scope="module")
def table():
    """Eight runs that stay long in one of two levels, 9 apart; every 5th row a gap."""
    rng = np.random.default_rng(0)
    level = np.repeat(rng.integers(2, size=32), 10)
    rows = 9.0 * level[:, None] + rng.normal(size=(320, 2))
    frame = pd.DataFrame({"run": np.repeat(range(8), 40), "a": 0.0, "b": 0.0})
    frame[["a", "b"]] = rows
    frame.loc[frame.index % 5 == 2, ["a", "b"]] = np.nan
    frame.loc[frame.index % 7 == 3, "b"] = np.nan
    return frame


def smoothed(frame):
    """Expectation of each cell given its whole run, by the model's own posteriors."""
    X, groups = frame[["a", "b"]], frame["run"]
    model = GaussianHMM(2, random_state=0).fit(X, groups=groups)
    return model.predict_proba(X, groups=groups) @ model.means_


def in_container(frame, container):
    if container == "polars":
        columns = frame.to_dict("list")
        return pl.DataFrame(columns, nan_to_null=True)
    return frame if container == "pandas" else frame.to_numpy(float)


@pytest.mark.parametrize(
    ("container", "scaled"),
    [("pandas", False), ("polars", False), ("numpy", False), ("numpy", True)],
)
def test_means_are_those_given_the_whole_sequence(table, container, scaled):
    """Of 100 draws: five standard errors are 0.5, or with the level unsure 2."""
    column = 0 if container == "numpy" else "run"
    model = GaussianHMM(2, group_column=column, random_state=0)
    if scaled:
        model = make_generative_pipeline(StandardScaler(), model)
    rows = in_container(table, container)
    imputer = GenerativeImputer(model, random_state=0)
    filled = np.asarray(imputer.fit_transform(rows), dtype=float)
    missing = table.isna().to_numpy()
    expected = smoothed(table)
    np.testing.assert_array_equal(filled[~missing], table.to_numpy(float)[~missing])
    unsure = np.minimum(np.abs(expected), np.abs(expected - 9.0)) > 1.0
    error = np.abs(filled[:, 1:] - expected)[missing[:, 1:]]
    assert error.max() < 2.0
    assert error[~unsure[missing[:, 1:]]].max() < 0.5


@pytest.mark.parametrize("strategy", ["mean", "mode", "draw"])
def test_one_sequence_without_ids(table, strategy):
    """Rows between rows of one level have it, whatever the other rows are."""
    X = np.repeat([0.0, 9.0], 60)[:, None] + np.random.default_rng(1).normal(
        size=(120, 1)
    )
    gaps = X.copy()
    gaps[25:30], gaps[85:90] = np.nan, np.nan
    model = GaussianHMM(2, random_state=0)
    for density in (model, make_generative_pipeline(StandardScaler(), model)):
        imputer = GenerativeImputer(density, strategy=strategy, random_state=0)
        filled = imputer.fit_transform(gaps)
        assert np.abs(filled[25:30]).max() < 4.5
        assert np.abs(filled[85:90] - 9.0).max() < 4.5
        for completed in imputer.impute(gaps, 5):
            assert np.abs(completed[25:30]).max() < 4.5
            assert np.abs(completed[85:90] - 9.0).max() < 4.5


def test_completed_tables_differ_by_what_is_unknown(table):
    """Draws of a cell spread as its state does, given the whole run."""
    model = GaussianHMM(2, group_column="run", random_state=0)
    imputer = GenerativeImputer(model, random_state=0).fit(table)
    draws = np.stack([t[["a", "b"]].to_numpy() for t in imputer.impute(table, 40)])
    missing = table[["a", "b"]].isna().to_numpy()
    assert (np.ptp(draws, axis=0)[~missing] == 0.0).all()
    sure = np.isin(table.index % 10, [2])[:, None] & missing  # two rows from each end
    assert 0.8 < np.median(draws.std(axis=0)[sure]) < 1.2


def test_modes_of_counts_are_counts():
    rng = np.random.default_rng(0)
    X = rng.poisson(np.repeat([2.0, 30.0], 50))[:, None].astype(float)
    X[::6] = np.nan
    imputer = GenerativeImputer(
        PoissonHMM(2, random_state=0), strategy="mode", random_state=0
    )
    filled = imputer.fit_transform(X)
    assert (filled == np.round(filled)).all()
    assert filled[:48].max() < 12 < filled[54:].min()


def test_mode_of_draws_is_where_they_are_densest():
    rng = np.random.default_rng(0)
    few, many = rng.normal(-20.0, 1.0, size=(400, 3)), rng.normal(3.0, 0.1, (600, 3))
    np.testing.assert_allclose(mode_of_draws(np.vstack([few, many])), 3.0, atol=0.3)
    counts = np.array([[1.0], [2.0], [2.0], [9.0]])
    assert mode_of_draws(counts) == 2.0
    assert mode_of_draws(np.array([["b"], ["a"], ["b"]])) == "b"
