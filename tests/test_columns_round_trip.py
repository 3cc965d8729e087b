"""Tables of every dtype: decode(encode(X)) is X, bit for bit."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from polars.testing import assert_frame_equal

from sklearn_gen._columns import TableSchema

N = 9
ROWS = range(N)
LETTERS = [["b", "a", "c"][i % 3] for i in ROWS]
FLAGS = [i % 2 == 0 for i in ROWS]
DAYS = [dt.date(2020, 2, 27) + dt.timedelta(i) for i in ROWS]
HOURS = [dt.datetime(2020, 3, 28, 20) + dt.timedelta(hours=i) for i in ROWS]
SPANS = [dt.timedelta(hours=i) for i in ROWS]
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def pandas_columns():
    """Yield name, column, kind and whether the dtype has missing values."""
    small = np.arange(N) % 5
    for dtype in (object, "str", "string", "string[python]"):
        yield f"text {dtype}", pd.Series(LETTERS, dtype=dtype), "categorical", True
    yield "bool", pd.Series(FLAGS), "boolean", False
    yield "boolean", pd.Series(FLAGS, dtype="boolean"), "boolean", True
    for dtype in INTEGERS:
        yield dtype, pd.Series(small, dtype=dtype), "integer", False
        nullable = dtype.replace("i", "I").replace("u", "U")
        yield nullable, pd.Series(small, dtype=nullable), "integer", True
    yield "near 2**62", pd.Series(small + 2**62), "integer", False
    yield "above 2**63", pd.Series(small.astype("u8") + np.uint64(2**63)), "integer", 0
    for dtype in ("float32", "float64", "Float32", "Float64"):
        for what, values in (("thirds", small / 3), ("tenths", small / 10)):
            yield f"{what} {dtype}", pd.Series(values, dtype=dtype), "continuous", True
    for what, values in {
        "letters": LETTERS,
        "numbers": small.tolist(),
        "flags": FLAGS,
        "days": pd.to_datetime(DAYS),
        "intervals": pd.cut(np.arange(N), 3),
    }.items():
        yield f"category {what}", pd.Series(pd.Categorical(values)), "categorical", True
    ordered = pd.Categorical(LETTERS, ["c", "b", "never", "a"], ordered=True)
    yield "ordered", pd.Series(ordered), "categorical", True
    for unit in ("s", "ms", "us", "ns"):
        hours = pd.Series(pd.DatetimeIndex(HOURS).as_unit(unit))
        yield f"hours {unit}", hours, "datetime", True
        for zone in ("Europe/Berlin", "UTC", "UTC+03:00"):
            zoned = hours.dt.tz_localize("UTC").dt.tz_convert(zone)
            yield f"{zone} {unit}", zoned, "datetime", True
        spans = pd.Series(pd.TimedeltaIndex(SPANS).as_unit(unit))
        yield f"spans {unit}", spans, "timedelta", True
    odd = pd.date_range("2020-01-01", periods=N, freq="7ns")
    yield "nanoseconds", pd.Series(odd), "datetime", True
    months = pd.Series(pd.period_range("2020-01", periods=N, freq="M"))
    yield "months", months, "datetime", True
    stamps = [pd.Timestamp(hour) for hour in HOURS]
    for what, cells, kind in (
        ("date", DAYS, "datetime"),
        ("datetime", HOURS, "datetime"),
        ("Timestamp", stamps, "datetime"),
        ("timedelta", SPANS, "timedelta"),
        ("int", list(ROWS), "integer"),
        ("float", [i / 7 for i in ROWS], "continuous"),
        ("bool", FLAGS, "boolean"),
    ):
        yield f"{what} objects", pd.Series(cells, dtype=object), kind, True


def polars_columns():
    small = [i % 5 for i in ROWS]
    yield "String", pl.Series(LETTERS), "categorical"
    yield "Categorical", pl.Series(LETTERS, dtype=pl.Categorical), "categorical"
    levels = pl.Enum(["c", "b", "never", "a"])
    yield "Enum", pl.Series(LETTERS, dtype=levels), "categorical"
    yield "Boolean", pl.Series(FLAGS), "boolean"
    for dtype in (*map(str.title, INTEGERS[:4]), "UInt8", "UInt64", "Int128"):
        yield dtype, pl.Series(small, dtype=getattr(pl, dtype)), "integer"
    for dtype in (pl.Float32, pl.Float64):
        yield str(dtype), pl.Series([i / 7 for i in ROWS], dtype=dtype), "continuous"
    yield "Decimal", pl.Series([i / 4 for i in ROWS]).cast(pl.Decimal(9, 2)), None
    yield "Date", pl.Series(DAYS), "datetime"
    yield "Time", pl.Series([dt.time(i) for i in ROWS]), "timedelta"
    for unit in ("ms", "us", "ns"):
        hours = pl.Series(HOURS, dtype=pl.Datetime(unit))
        yield f"Datetime {unit}", hours, "datetime"
        zoned = hours.dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo")
        yield f"Tokyo {unit}", zoned, "datetime"
        yield f"Duration {unit}", pl.Series(SPANS, dtype=pl.Duration(unit)), "timedelta"


PANDAS, POLARS = list(pandas_columns()), list(polars_columns())
KINDS = [kind for _, _, kind, _ in PANDAS]


def pandas_table(missing):
    frame = pd.DataFrame({name: column for name, column, _, _ in PANDAS})
    for j, (_, column, _, nullable) in enumerate(PANDAS):
        if missing and nullable:
            column = column.copy()
            column[np.arange(N) % 4 == j % 4] = None
            frame.isetitem(j, column)
    return frame


def polars_table(missing):
    frame = pl.DataFrame({name: column for name, column, _ in POLARS})
    if missing:
        frame = frame.with_columns(
            pl.when(pl.Series([i % 4 != j % 4 for i in ROWS])).then(pl.col(name))
            for j, name in enumerate(frame.columns)
        )
    return frame.with_columns(pl.Series("Null", [None] * N))


def assert_same_series(actual, expected, name):
    pd.testing.assert_series_equal(actual, expected, check_names=False, obj=name)
    if expected.dtype == object:
        kinds = [type(cell) for cell in expected]
        assert [type(cell) for cell in actual] == kinds, name


@pytest.mark.parametrize("missing", [False, True])
def test_pandas_round_trip(missing):
    frame = pandas_table(missing)
    schema = TableSchema.from_table(frame)
    assert list(schema.kinds) == KINDS
    encoded = schema.encode(frame)
    assert encoded.dtype == np.float64
    np.testing.assert_array_equal(np.isnan(encoded), frame.isna())
    restored = schema.decode(encoded)
    for name in frame:
        assert_same_series(restored[name], frame[name], name)


@pytest.mark.parametrize("missing", [False, True])
def test_polars_round_trip(missing):
    frame = polars_table(missing)
    schema = TableSchema.from_table(frame)
    wanted = [kind or "continuous" for _, _, kind in POLARS]
    assert list(schema.kinds[:-1]) == wanted
    assert_frame_equal(schema.decode(schema.encode(frame)), frame)


def test_numbers_that_are_exact_in_float64_stay_as_they_are():
    frame = pandas_table(missing=False)
    numbers = frame[["int8", "UInt64", "thirds float32", "tenths float64"]]
    schema = TableSchema.from_table(numbers)
    np.testing.assert_array_equal(schema.encode(numbers), numbers.to_numpy(float))
    X = np.random.default_rng(0).normal(size=(20, 3))
    np.testing.assert_array_equal(TableSchema.from_table(X).encode(X), X)


def test_missing_cells_are_filled_and_others_left():
    for frame in (pandas_table(True), polars_table(True)):
        schema = TableSchema.from_table(frame)
        encoded = schema.encode(frame)
        filled = schema.fill(frame, np.where(np.isnan(encoded), 1.0, -99.0))
        for j, name in enumerate(frame.columns[:-1]):  # of the last nothing is known
            column, cells = list(frame[name]), list(filled[name])
            gone = np.isnan(encoded[:, j])
            assert filled[name].dtype == frame[name].dtype, name
            assert not any(cell is None or cell != cell for cell in cells), name
            kept = [cell for cell, hole in zip(cells, gone, strict=True) if not hole]
            before = [cell for cell, hole in zip(column, gone, strict=True) if not hole]
            assert kept == before, name


def test_filling_tables_of_other_dtypes_than_those_of_fit():
    frame = pd.DataFrame(
        {
            "n": [1, 2, 3],
            "text": ["a", "b", "a"],
            "flag": [True, False, True],
            "when": pd.to_datetime(["2020-01-01", "2020-01-03", "2020-01-02"]),
            "level": pd.Categorical(["x", "y", "x"]),
        }
    )
    schema = TableSchema.from_table(frame)
    values = schema.encode(frame)
    holes = pd.DataFrame(
        {
            "n": [np.nan, 2.0, np.nan],
            "text": [np.nan, np.nan, np.nan],
            "flag": [None, False, None],
            "when": [pd.NaT, None, pd.Timestamp("2021-01-01")],
            "level": pd.Categorical([None, "y", None]),
        },
        index=["r", "r", "s"],
    )
    filled = schema.fill(holes, values)
    assert list(filled.index) == ["r", "r", "s"]
    assert filled["n"].tolist() == [1.0, 2.0, 3.0]
    assert filled["text"].tolist() == ["a", "b", "a"]
    assert filled["flag"].tolist() == [True, False, True]
    assert filled["when"].tolist()[1:] == [
        pd.Timestamp("2020-01-03"),
        pd.Timestamp("2021-01-01"),
    ]
    assert filled["level"].tolist() == ["x", "y", "x"]
    assert holes.isna().to_numpy().sum() == 11  # what was given is untouched
    array = schema.fill(holes.astype(object).to_numpy(), values)
    assert array[:, 1].tolist() == ["a", "b", "a"]
    assert array[0, 3] == dt.datetime(2020, 1, 1)
    assert array[1, 0] == 2.0
    table = pl.DataFrame({"n": [None, 2, None], "text": ["b", None, "a"]})
    foreign = TableSchema.from_table(frame[["n", "text"]]).fill(table, values[:, :2])
    assert foreign.rows() == [(1, "b"), (2, "b"), (3, "a")]


def test_arrays_of_one_dtype_and_nested_lists():
    for X in (
        np.array([["a", "bcd"], ["e", "a"]]),
        np.array([["2020-01-01"], ["2021-05-05"]], dtype="datetime64[D]"),
        np.array([[1], [5]], dtype="timedelta64[h]"),
        np.array([[True], [False]]),
        np.arange(6, dtype=np.int16).reshape(2, 3),
        np.array([[1.5, np.nan]], dtype=np.float32),
        np.array([["a", 1, 2.5, None], ["b", 2, None, None]], dtype=object),
    ):
        schema = TableSchema.from_table(X)
        restored = schema.decode(schema.encode(X))
        assert restored.dtype == X.dtype or X.dtype.kind == "U"
        np.testing.assert_array_equal(restored, X)
    rows = [[1, "a"], [2, "b"]]
    schema = TableSchema.from_table(rows)
    assert schema.kinds == ("integer", "categorical")
    assert schema.decode(schema.encode(rows)).tolist() == rows


ticks = st.integers(-(2**31), 2**31)
columns = {
    "int64": st.integers(-(2**52), 2**52),
    "Int64": st.integers(-(2**52), 2**52) | st.none(),
    "far int64": st.integers(2**62, 2**62 + 2**53),
    "uint8": st.integers(0, 255),
    "float64": st.floats(allow_infinity=False),
    "float32": st.floats(allow_infinity=False, width=32),
    "decimals": st.integers(-(10**6), 10**6).map(lambda k: k / 100),
    "object": st.text(max_size=3) | st.none(),
    "string": st.text(max_size=3) | st.none(),
    "boolean": st.booleans() | st.none(),
    "datetime64[s]": ticks | st.none(),
    "datetime64[ns, Europe/Berlin]": ticks | st.none(),
    "timedelta64[us]": ticks | st.none(),
}


@settings(max_examples=100, deadline=None)
@given(data=st.data(), dtype=st.sampled_from(sorted(columns)), weeks=st.booleans())
def test_any_column_round_trips(data, dtype, weeks):
    cells = data.draw(st.lists(columns[dtype], min_size=1, max_size=30))
    dtype = {"decimals": "float64"}.get(dtype, dtype.removeprefix("far "))
    if "64[" in dtype and weeks:
        cells = [None if cell is None else cell // 10**6 * 604_800 for cell in cells]
    column = pd.Series(cells, dtype=object).astype(dtype)
    frame = pd.DataFrame({"x": column})
    schema = TableSchema.from_table(frame)
    restored = schema.decode(schema.encode(frame))
    pd.testing.assert_frame_equal(restored, frame, check_exact=True)


BOUNDED = pandas_table(missing=True)[["uint8", "Int64"]]
BOUNDED_SCHEMA = TableSchema.from_table(BOUNDED)


@settings(deadline=None)
@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 30), st.just(2)),
        elements=st.floats(-1e9, 1e9),
    )
)
def test_any_floats_decode_to_what_the_table_could_hold(values):
    """Integers stay within the bounds seen."""
    drawn = BOUNDED_SCHEMA.decode(values)
    assert list(drawn.dtypes) == list(BOUNDED.dtypes)
    for name, column in BOUNDED.items():
        assert drawn[name].between(column.min(), column.max()).all()


def test_draws_lie_on_the_grid_of_a_column():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "tenths": np.round(rng.normal(size=200), 1),
            "hundreds": rng.integers(0, 60, 200) * 100,
            "real": rng.normal(size=200),
            "week": pd.Timestamp("2020-01-06")
            + pd.to_timedelta(7 * rng.integers(0, 99, 200), "D"),
        }
    )
    schema = TableSchema.from_table(frame)
    np.testing.assert_allclose(schema.resolution, [0.1, 100.0, 0.0, 7.0])
    values = schema.encode(frame)[:50] + rng.normal(size=(50, 4))
    drawn = schema.decode(values)
    assert (drawn["tenths"] == np.round(values[:, 0], 1)).all()
    assert (drawn["hundreds"] % 100 == 0).all()
    assert (drawn["real"] == values[:, 2]).all()
    assert (drawn["week"].dt.day_name() == "Monday").all()


@pytest.mark.parametrize(
    ("values", "width"),
    [
        (np.round(np.random.default_rng(0).normal(size=200), 1), 0.1),
        (np.round(np.random.default_rng(0).normal(size=200), 1).astype("f4"), 0.1),
        (np.array([0.5, 1.5, 3.0]), 0.1),  # the decimals of a few, not their divisor
        (np.array([22.0, 26.0, 38.0]), 1.0),
        (np.arange(30.0) * 1000, 1000.0),
        (np.arange(30.0) / 3, 1 / 3),
        (np.array([7.0]), 1.0),
        (np.array([np.sqrt(2), np.e]), 0.0),
        (np.random.default_rng(0).normal(size=200), 0.0),
        (np.repeat(np.random.default_rng(0).normal(size=50), 4), 0.0),  # rows repeated
        (np.round(np.random.default_rng(0).normal(size=50), 6), 0.0),  # a sparse grid
        (np.array([np.nan, np.nan]), 0.0),
    ],
)
def test_cells_of_a_column_of_numbers(values, width):
    schema = TableSchema.from_table(values[:, None])
    assert schema.resolution[0] == pytest.approx(width)
    weights = np.arange(len(values)) % 2
    weighted = TableSchema.from_table(values[:, None], sample_weight=weights)
    alone = TableSchema.from_table(values[weights > 0][:, None])
    assert weighted.resolution[0] == alone.resolution[0]
