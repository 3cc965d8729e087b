"""Columns that only name rows are left out of the report."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.tree import DecisionTreeClassifier

from sklearn_gen.metrics import generative_report

JUDGE = DecisionTreeClassifier(max_depth=3, random_state=0)


def customers(n, seed, first):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    return pd.DataFrame(
        {
            "code": [f"customer-{first + i:05d}" for i in range(n)],
            "x": x,
            "y": x + rng.normal(size=n),
            "level": rng.integers(3, size=n),
            "number": first + rng.permutation(n),
        }
    )


@pytest.fixture(scope="module")
def tables():
    return [customers(300, seed, 1000 * seed) for seed in range(3)]


def test_drawn_names_give_nothing_away(tables):
    report = generative_report(*tables, estimator=JUDGE, target="y")
    assert report.left_out == ("code", "number")
    assert report.marginals.columns == ("x", "y", "level")
    assert 0.4 < report.to_frame().loc["two-sample AUC", "value"] < 0.6
    for text in (report.to_html(), repr(report)):
        assert "code, number" in text
    by_hand = generative_report(
        *(table.drop(columns=["code", "number"]) for table in tables),
        estimator=JUDGE,
        target="y",
    )
    pd.testing.assert_frame_equal(report.to_frame(), by_hand.to_frame())
    assert "left out" not in by_hand.to_html() + repr(by_hand)


def test_they_are_compared_if_wanted(tables):
    report = generative_report(*tables, estimator=JUDGE, identifiers=None)
    assert report.left_out == ()
    assert report.to_frame().loc["two-sample AUC", "value"] > 0.99
    chosen = generative_report(*tables, estimator=JUDGE, identifiers=["level"])
    assert chosen.left_out == ("level",)
    with pytest.raises(ValueError, match="identifiers names 'name'"):
        generative_report(*tables, identifiers=["name"])
    names = [table[["code", "number"]] for table in tables]
    with pytest.raises(ValueError, match="nothing is left to compare"):
        generative_report(*names)
    # a target is no name
    kept = generative_report(*tables, estimator=JUDGE, target="number")
    assert kept.left_out == ("code",)


def test_polars_and_arrays(tables):
    polars = [pl.DataFrame(table.to_dict("list")) for table in tables]
    report = generative_report(*polars, estimator=JUDGE)
    assert report.left_out == ("code", "number")
    arrays = [table[["number", "x", "y", "level"]].to_numpy(object) for table in tables]
    report = generative_report(
        *arrays, estimator=JUDGE, categorical_features=[3], target=2
    )
    assert report.left_out == (0,)
    twin = generative_report(
        *(array[:, 1:] for array in arrays),
        estimator=JUDGE,
        categorical_features=[2],
        target=1,
    )
    pd.testing.assert_frame_equal(
        report.to_frame().drop(columns="meaning"),
        twin.to_frame().drop(columns="meaning"),
    )
    with pytest.raises(ValueError, match="synthetic has 3 columns"):
        generative_report(arrays[0], arrays[1][:, :3])
    with pytest.raises(ValueError, match="give both in the same container"):
        generative_report(tables[0], arrays[1])
