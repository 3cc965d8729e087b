"""TableSchema: what went in, so that what comes out is the same."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sklearn_gen._columns import TableSchema, container_of


def schema_of(X):
    return TableSchema.from_data(X, np.ascontiguousarray(np.asarray(X, dtype=float)))


def test_containers_are_recognised():
    frame = {"a": [1.0], "b": [2.0]}
    assert container_of(pd.DataFrame(frame)) == "pandas"
    assert container_of(pl.DataFrame(frame)) == "polars"
    assert container_of([[1.0, 2.0]]) == "numpy"


def test_kinds_and_dtypes_of_a_frame():
    frame = pd.DataFrame({"n": [1, 2], "x": [0.5, 1.5], "flag": [True, False]})
    schema = schema_of(frame)
    assert schema.names == ("n", "x", "flag")
    assert schema.kinds == ("integer", "continuous", "boolean")
    assert schema.dtypes == ("int64", "float64", "bool")
    assert schema.categories == (None, None, None)
    assert schema.label(1) == "column 'x'"
    assert schema_of(np.zeros((2, 2))).label(1) == "column 1"
    part = schema.select([2, 0])
    assert part.names == ("flag", "n")
    assert part.kinds == ("boolean", "integer")


@pytest.mark.parametrize(
    ("values", "resolution"),
    [
        (np.arange(100) % 7, 1.0),
        (np.arange(100) % 7 * 10, 10.0),
        (np.arange(100) % 7 * 0.5 + 0.25, 0.5),
        (np.arange(100) % 7 * 6 + np.arange(100) % 2 * 9, 3.0),
        (np.arange(100) % 7 * (1 + 1e-13), 1.0),
        (np.round(np.arange(100) % 9 * 0.1, 1), 0.1),
        (np.round(5 + np.arange(100) % 9 * 0.25, 2), 0.25),
        # on no grid: the smallest gap
        (np.array([0, 1, np.sqrt(2), np.e])[np.arange(100) % 4], np.sqrt(2) - 1),
        (np.arange(100) % 3 / 3, 1 / 3),
        (np.full(100, 2.5), 0.0),  # a constant is a point, not a grid
        (np.sqrt(np.arange(100)), 0.0),  # nothing repeats
        (np.r_[np.sqrt(np.arange(85)), np.full(15, 2.0)], 0.0),  # fewer than a fifth
    ],
)
def test_resolution_of_a_column(values, resolution):
    X = np.asarray(values, dtype=float)[:, None]
    assert schema_of(X).resolution[0] == pytest.approx(resolution)
    single = TableSchema.from_data(X, X.astype(np.float32)).resolution[0]
    assert single == pytest.approx(resolution, rel=1e-5)
    holes = np.vstack([X, np.full((30, 1), np.nan)])
    assert schema_of(holes).resolution[0] == pytest.approx(resolution)


def test_resolution_of_a_large_column_is_found_on_a_part():
    X = np.random.default_rng(0).poisson(5.0, size=(200_000, 1)).astype(float)
    assert schema_of(X).resolution[0] == 1.0


@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 5), st.just(3)),
        elements=st.floats(-1e6, 1e6),
    )
)
def test_round_trip_through_frames(values):
    for library in (pd, pl):
        frame = library.DataFrame(dict(zip("abc", values.T, strict=True)))
        schema = schema_of(frame)
        restored = schema.restore(values)
        assert type(restored) is library.DataFrame
        assert list(restored.columns) == ["a", "b", "c"]
        np.testing.assert_array_equal(restored.to_numpy(), values)


def test_restore_keeps_the_index_of_a_given_frame():
    frame = pd.DataFrame({"a": [1.0, 2.0]}, index=["first", "second"])
    restored = schema_of(frame).restore(np.zeros((2, 1)), like=frame)
    assert list(restored.index) == ["first", "second"]
    as_array = schema_of(frame).restore(np.zeros((2, 1)), like=np.zeros((2, 1)))
    assert isinstance(as_array, np.ndarray)
