"""Sequences from ids of rows."""

import numpy as np
import pandas as pd
import pytest

from sklearn_gen.hmm import groups_from_lengths
from sklearn_gen.hmm._sequences import sequences_of


def test_ids_name_sequences():
    for ids in (
        [3, 3, 1, 7, 7, 7],
        ["b", "b", "a", "c", "c", "c"],
        np.array(["b", "b", 1, "a", "a", "a"], dtype=object),
        np.array(["2020", "2020", "2019", "2021", "2021", "2021"], "datetime64[Y]"),
    ):
        got = sequences_of(ids, 6)
        np.testing.assert_array_equal(got.starts, [0, 2, 3])
        np.testing.assert_array_equal(got.lengths, [2, 1, 3])
        np.testing.assert_array_equal(got.of_rows, [0, 0, 1, 2, 2, 2])
        assert got.n_rows == 6
        assert got.starts.dtype == got.lengths.dtype == np.int64


def test_no_ids_is_one_sequence():
    assert [list(part) for part in sequences_of(None, 4)] == [[0], [4]]
    assert [list(part) for part in sequences_of(None, 0)] == [[], []]
    assert [list(part) for part in sequences_of([], 0)] == [[], []]


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        ([1, 1, 2, 1], r"groups has 1 again at row 3.*consecutive"),
        (["a", "b", "b", "a"], r"groups has 'a' again at row 3"),
        ([0.0, np.nan, 1.0, 2.0], r"missing value at row 1"),
        (np.array(["x", np.nan, "y", "y"], dtype=object), r"missing value at row 1"),
        (np.array(["x", None, "y", "y"], dtype=object), r"missing value at row 1"),
        (np.array(["x", pd.NA, "y", "y"], dtype=object), r"missing value at row 1"),
        (np.array(["2020", "NaT", "2021", "2021"], "datetime64[Y]"), r"at row 1"),
        ([1, 1, 2], r"one id per row, shape \(4,\); got \(3,\)"),
        ([[1], [1], [2], [2]], r"shape \(4,\); got \(4, 1\)"),
    ],
)
def test_ids_that_name_no_sequences(ids, words):
    with pytest.raises(ValueError, match=words):
        sequences_of(ids, 4)


def test_lengths_become_ids():
    np.testing.assert_array_equal(groups_from_lengths([2, 1]), [0, 0, 1])
    assert groups_from_lengths([]).shape == (0,)
    for lengths, words in (
        ([2, 0], r"positive integers; got 0 at position 1"),
        ([1.5], r"got 1\.5 at position 0"),
        ([np.nan], r"got nan at position 0"),
        ([np.inf], r"got inf at position 0"),
        (["two"], r"must be positive integers; got .*two"),
        ([[2, 1]], r"one-dimensional; got shape \(1, 2\)"),
    ):
        with pytest.raises(ValueError, match=words):
            groups_from_lengths(lengths)
