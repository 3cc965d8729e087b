"""Constraints: a change of variables that loses nothing, breaks nothing, adds up."""

import pickle

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import sklearn_gen
from sklearn_gen._columns import Layout, TableSchema
from sklearn_gen.constraints import FixedCombinations, Inequality, Sum

N = 400
RNG = np.random.default_rng(0)


def make_table():
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(RNG.integers(0, 300, N), "D")
    a, b = RNG.integers(0, 50, N), np.round(RNG.gamma(2, size=N), 2)
    c, low = RNG.normal(size=N), RNG.normal(size=N)
    city = RNG.choice(["Rome", "Milan", "Oslo"], N)
    return pd.DataFrame(
        {
            "start": start,
            "end": start + pd.to_timedelta(RNG.integers(1, 400, N), "h"),
            "a": a,
            "b": b,
            "c": c,
            "total": a + b + c,
            "low": low,
            "high": low + RNG.gamma(1, size=N),
            "least": pd.array(RNG.integers(0, 4, N), dtype="Int64"),
            "most": pd.array(RNG.integers(4, 9, N), dtype="Int64"),
            "city": city,
            "state": np.where(city == "Oslo", "NO", "IT"),
            "tenths": (tenths := np.round(RNG.normal(size=N), 1)),
            "more tenths": np.round(tenths + RNG.integers(0, 5, N) / 10, 1),
        }
    )


TABLE = make_table()
CONSTRAINTS = [
    Inequality("start", "<", "end"),
    Sum(["a", "b", "c"], "total"),
    Inequality("high", ">", "low"),
    Inequality("least", "<", "most"),
    FixedCombinations(["city", "state"]),
    Inequality("tenths", "<=", "more tenths"),
]
SCHEMA = TableSchema.from_table(TABLE)
ENCODED = SCHEMA.encode(TABLE)
LAYOUT = Layout.fit(SCHEMA, ENCODED, CONSTRAINTS)


def layout_of(table, *constraints, **options):
    schema = TableSchema.from_table(table)
    return Layout.fit(schema, schema.encode(table), constraints, **options)


def test_columns_as_a_model_sees_them():
    seen = {c.name: (c.kind, c.resolution, c.lower) for c in LAYOUT.columns}
    assert seen == {
        "start": ("datetime", 1.0, -np.inf),
        "end": ("timedelta", 1.0, 0.0),
        "a": ("integer", 1.0, -np.inf),
        "b": ("continuous", 0.01, -np.inf),
        "c": ("continuous", 0.0, -np.inf),
        "low": ("continuous", 0.0, -np.inf),
        "high": ("continuous", 0.0, 0.0),
        "least": ("integer", 1.0, -np.inf),
        "most": ("integer", 1.0, 0.0),
        "city × state": ("categorical", 1.0, -np.inf),
        "tenths": ("continuous", pytest.approx(0.1), -np.inf),
        "more tenths": ("continuous", pytest.approx(0.1), 0.0),
    }
    modelled = LAYOUT.forward(ENCODED)
    assert (modelled.violated == -1).all()
    assert not np.isnan(modelled.values).any()
    assert not modelled.partial
    assert not modelled.hidden


def test_there_and_back():
    values = LAYOUT.forward(ENCODED).values
    pd.testing.assert_frame_equal(LAYOUT.schema.decode(LAYOUT.inverse(values)), TABLE)
    copy = pickle.loads(pickle.dumps(LAYOUT))
    np.testing.assert_array_equal(copy.inverse(values), LAYOUT.inverse(values))
    stored = skops.io.dumps(LAYOUT)
    copy = skops.io.loads(stored, trusted=sklearn_gen.trusted_types())
    np.testing.assert_array_equal(copy.forward(ENCODED).values, values)


def assert_constraints_hold(table):
    assert (table["start"] < table["end"]).all()
    parts = table["a"] + table["b"] + table["c"]
    np.testing.assert_allclose(table["total"], parts, rtol=1e-12, atol=1e-9)
    assert (table["low"] < table["high"]).all()
    assert (table["least"] < table["most"]).all()
    assert (table["tenths"] <= table["more tenths"]).all()
    pairs = set(zip(table["city"], table["state"], strict=True))
    assert pairs <= set(zip(TABLE["city"], TABLE["state"], strict=True))


@settings(deadline=None, max_examples=50)
@given(
    hnp.arrays(
        np.float64,
        (20, len(LAYOUT.columns)),
        elements=st.floats(-1e4, 1e4) | st.floats(-2, 2),
    )
)
def test_constraints_hold_whatever_is_drawn(values):
    values[:, 9] = np.abs(values[:, 9]) % 3 // 1
    drawn = LAYOUT.schema.decode(LAYOUT.inverse(values))
    pd.testing.assert_series_equal(drawn.dtypes, TABLE.dtypes)
    assert_constraints_hold(drawn)
    for name in ("start", "least", "most", "a"):
        assert drawn[name].between(TABLE[name].min(), TABLE[name].max()).all()
    # draws score: what was drawn violates nothing
    modelled = LAYOUT.forward(SCHEMA.encode(drawn))
    assert (modelled.violated == -1).all()


def test_what_follows_from_observed_cells_is_known():
    hidden = RNG.random(TABLE.shape) < 0.3
    encoded = np.where(hidden, np.nan, ENCODED)
    modelled, whole = LAYOUT.forward(encoded), LAYOUT.forward(ENCODED).values
    assert (modelled.violated == -1).all()
    seen = ~np.isnan(modelled.values)
    np.testing.assert_allclose(modelled.values[seen], whole[seen], atol=1e-9)
    # a part, or the total, follows from the others
    sums = hidden[:, 2:6].sum(axis=1)
    assert seen[sums <= 1][:, 2:5].all()
    # a gap is known where both ends are
    assert (seen[:, 1] == ~hidden[:, :2].any(axis=1)).all()
    # where only the upper end is seen, or two parts and the total, sums are
    rows = {(h.free, h.solved): set(h.rows) for h in modelled.hidden}
    assert rows[(0,), (1,)] == set(np.flatnonzero(hidden[:, 0] & ~hidden[:, 1]))
    ends = np.flatnonzero(hidden[:, 6] & ~hidden[:, 7])
    assert rows[(6,), (5,)] == set(ends)  # of densities the end is solved for
    two = hidden[:, [2, 3]].all(axis=1) & ~hidden[:, [4, 5]].any(axis=1)
    assert rows[(2,), (3,)] == set(np.flatnonzero(two))
    (partial,) = modelled.partial
    one = np.flatnonzero(hidden[:, 10] ^ hidden[:, 11])
    np.testing.assert_array_equal(np.sort(partial.rows), one)
    levels = np.array(LAYOUT.columns[9].categories)
    for row, allowed in zip(partial.rows, partial.allowed, strict=True):
        cells = encoded[row, [10, 11]]
        agrees = (np.isnan(cells) | (levels == cells)).all(axis=1)
        np.testing.assert_array_equal(allowed, agrees)


@pytest.mark.parametrize("far", [["total"], ["a"], ["total", "a", "b"]])
def test_integers_beyond_float64(far):
    a, b = RNG.integers(5, 99, 40), RNG.integers(5, 99, 40)
    table = pd.DataFrame({"a": a, "b": b})
    for name in {"a", "b"} & set(far):
        table[name] += 2**60
    table["total"] = table["a"] + table["b"]
    if "a" not in far:
        table["total"] = table["total"] + 2**60
        table["a"] += 2**60
    choices = [[Sum(["a", "b"], "total")]]
    if "b" not in far:  # else the gap is beyond float64 too
        choices.append([Inequality("a", "<=", "total"), *choices[0]])
    for constraints in choices:
        layout = layout_of(table, *constraints)
        encoded = layout.schema.encode(table)
        values = layout.forward(encoded).values
        restored = layout.schema.decode(layout.inverse(values))
        pd.testing.assert_frame_equal(restored, table)


def test_dates_of_unlike_units_and_zones():
    days = pd.Series(pd.date_range("2020-01-01", periods=30, tz="Asia/Tokyo"))
    stamps = (days + pd.to_timedelta(np.arange(30) * 90, "min")).dt.as_unit("ns")
    table = pd.DataFrame({"day": days, "stamp": stamps.dt.tz_convert("UTC")})
    layout = layout_of(table, Inequality("day", "<=", "stamp"))
    encoded = layout.schema.encode(table)
    values = layout.forward(encoded).values
    np.testing.assert_array_equal(values[:, 1], np.arange(30) * 90.0)  # minutes
    pd.testing.assert_frame_equal(layout.schema.decode(layout.inverse(values)), table)
    spans = pd.DataFrame({"all": stamps - days[0]})
    spans["some"] = spans["all"].dt.floor("h")
    spans["rest"] = spans["all"] - spans["some"]
    layout = layout_of(spans, Sum(["some", "rest"], "all"))
    values = layout.forward(layout.schema.encode(spans)).values
    pd.testing.assert_frame_equal(layout.schema.decode(layout.inverse(values)), spans)


VIOLATIONS = {
    "inequality": (CONSTRAINTS[0], "end", TABLE["start"][7]),
    "sum": (CONSTRAINTS[1], "total", 1000.0),
    "combination": (CONSTRAINTS[4], "state", "SE"),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_rows_that_violate_a_constraint(name):
    constraint, column, cell = VIOLATIONS[name]
    table = TABLE.copy()
    table.loc[7, column] = cell
    modelled = LAYOUT.forward(SCHEMA.encode(table))
    np.testing.assert_array_equal(np.flatnonzero(modelled.violated >= 0), [7])
    assert CONSTRAINTS[modelled.violated[7]] == constraint
    if name == "combination":  # in fit that is what was seen
        table.loc[7, column] = None
        table.loc[7, "city"] = "Bonn"
    with pytest.raises(ValueError, match=r"Row 7 violates.*mend or drop"):
        layout_of(table, constraint)


IMPOSSIBLE = {
    "no constraint": (["a < b"], TypeError, "must be a list of Inequality.*'a < b'"),
    "unknown column": ([Inequality("a", "<", "zz")], ValueError, "names 'zz', which"),
    "twice": ([Inequality("a", "<", "a")], ValueError, "names a column twice"),
    "date and number": (
        [Inequality("a", "<", "end")],
        ValueError,
        r"compares column 'a' \(integer.*with column 'end' \(datetime.*must be numbers",
    ),
    "text": ([Inequality("city", "<", "state")], ValueError, "compares column 'city'"),
    "sum of dates": ([Sum(["start", "a"], "end")], ValueError, "'start' is datetime"),
    "circle": (
        [Inequality("low", "<=", "high"), Inequality("high", "<=", "low")],
        ValueError,
        "follows from others already",
    ),
    "shared column": (
        [FixedCombinations(["a", "city"]), Inequality("least", "<", "most")] * 2,
        ValueError,
        "can't be kept|in another constraint",
    ),
    "left out": ([Inequality("least", "<", "b")], ValueError, "'b' is not modelled"),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_constraints_that_mean_nothing(name):
    constraints, error, message = IMPOSSIBLE[name]
    with pytest.raises(error, match=f"(?s){message}"):
        layout_of(TABLE, *constraints, left_out=[3])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Inequality("a", "=", "b"), "operator.*got '='"),
        (lambda: Sum("abc", "d"), "parts of a Sum must be a list.*'abc'"),
        (lambda: FixedCombinations(["a"]), "list of two or more"),
    ],
)
def test_constraints_are_checked_when_made(make, message):
    with pytest.raises(ValueError, match=message):
        make()
