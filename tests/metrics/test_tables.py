"""Which tables can be compared, and what is said of others."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from sklearn_gen.metrics import (
    classifier_two_sample_test,
    closest_record_distances,
    marginal_similarity,
    pair_similarity,
    precision_recall_density_coverage,
)
from tests.metrics.tables import mixed_table


@pytest.fixture
def real():
    return mixed_table(60, 0)


@pytest.mark.parametrize(
    "metric",
    [
        marginal_similarity,
        pair_similarity,
        closest_record_distances,
        classifier_two_sample_test,
        precision_recall_density_coverage,
    ],
)
def test_columns_are_the_same(metric, real):
    other = mixed_table(60, 1)
    with pytest.raises(ValueError, match=r"synthetic lacks \['job'\]: compare tables"):
        metric(real, other.drop(columns="job"))
    with pytest.raises(ValueError, match=r"has \['town'\], which real lacks.*drop"):
        metric(real, other.assign(town="Ulm"))
    with pytest.raises(ValueError, match=r"synthetic has 2 columns and real 3"):
        metric(np.zeros((60, 3)), np.zeros((60, 2)))
    with pytest.raises(
        ValueError, match=r"synthetic is a numpy table and real a pandas"
    ):
        metric(real, np.zeros((60, 6)))
    with pytest.raises(ValueError, match=r"real must be a table.*shape \(60,\)"):
        metric(np.zeros(60), np.zeros((60, 2)))


def test_columns_are_matched_by_name(real):
    other = mixed_table(60, 1)
    want = marginal_similarity(real, other)
    got = marginal_similarity(real, other[other.columns[::-1]])
    assert got.columns == want.columns
    np.testing.assert_array_equal(got.similarity, want.similarity)


def test_cells(real):
    other = mixed_table(60, 1)
    with pytest.raises(ValueError, match=r"'age' of synthetic is missing in every row"):
        marginal_similarity(real, other.assign(age=np.nan))
    other.loc[3, "age"] = np.inf
    with pytest.raises(ValueError, match=r"'age'.*row 3"):
        marginal_similarity(real, other)
    with pytest.raises(ValueError, match=r"real has 1 rows; at least 2"):
        marginal_similarity(real[:1], real)


def test_columns_are_of_the_same_type():
    dates = pd.DataFrame({"day": pd.date_range("2020", periods=40)})
    says = r"^Column 'day' held dates in real, in synthetic it holds text.*astype\)\.$"
    with pytest.raises(ValueError, match=says):
        marginal_similarity(dates, dates.astype(str))
    with pytest.raises(ValueError, match=r"zone None in real, in synthetic UTC: local"):
        marginal_similarity(dates, dates.apply(lambda day: day.dt.tz_localize("UTC")))


def test_containers_agree(real):
    other = mixed_table(60, 1)
    frames = [pl.DataFrame(table.to_dict("list")) for table in (real, other)]
    want, got = marginal_similarity(real, other), marginal_similarity(*frames)
    assert got.columns == want.columns
    np.testing.assert_allclose(got.similarity, want.similarity)
    numbers = [t[["age", "children"]].astype(float) for t in (real, other)]
    want = closest_record_distances(*numbers)
    got = closest_record_distances(*(t.to_numpy() for t in numbers))
    np.testing.assert_array_equal(got, want)
    got = closest_record_distances(*(t.to_numpy().tolist() for t in numbers))
    np.testing.assert_array_equal(got, want)


def test_categories_of_arrays():
    rng = np.random.default_rng(0)
    real, other = rng.integers(0, 5, size=(2, 80, 2)).astype(float)
    as_numbers = closest_record_distances(real, other)
    as_levels = closest_record_distances(real, other, categorical_features=[0, 1])
    assert set(as_levels) <= {0.0, 1.0, np.sqrt(2)}
    assert (as_levels != as_numbers).any()
    result = marginal_similarity(real, other, categorical_features=[False, True])
    assert result.metric == ("KSComplement", "TVComplement")


def test_levels_the_real_table_lacks_count():
    real = pd.DataFrame({"c": ["a", "b"] * 20})
    other = pd.DataFrame({"c": ["a", "x"] * 20})
    assert marginal_similarity(real, other).score == 0.5
