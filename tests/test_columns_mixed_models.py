"""Models of mixed columns: what the base class makes of tables, good and broken."""

import pickle
import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_gen._columns import TableSchema
from sklearn_gen.base import DegenerateDataWarning
from sklearn_gen.testing import parametrize_with_generative_checks
from tests.mixed_model import ReferenceTable

N = 60
RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "age": RNG.integers(18, 80, N),
        "income": RNG.normal(size=N),
        "city": RNG.choice(["Rome", "Oslo"], N),
        "member": RNG.random(N) < 0.3,
        "since": pd.Timestamp("2020-01-01")
        + pd.to_timedelta(RNG.integers(9, size=N), "D"),
        "size": pd.Categorical(RNG.choice(["S", "L"], N), ["S", "M", "L"]),
    }
)


def spoiled(column, cell, row=3, dtype=object):
    table = TABLE.astype({column: dtype})
    table.loc[row, column] = cell
    return table


@parametrize_with_checks([ReferenceTable()])
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore::sklearn_gen.base.DegenerateDataWarning")
@parametrize_with_generative_checks([ReferenceTable()])
def test_contract(estimator, check):
    check(estimator)


def test_draws_have_the_dtypes_of_the_table():
    model = ReferenceTable(random_state=0).fit(TABLE)
    drawn = model.sample(200)
    pd.testing.assert_series_equal(drawn.dtypes, TABLE.dtypes)
    assert set(drawn["city"]) == {"Rome", "Oslo"}
    assert drawn["age"].between(TABLE["age"].min(), TABLE["age"].max()).all()
    assert list(model.feature_names_in_) == list(TABLE.columns)
    frame = pl.from_dict({"x": [1, 2, 3], "day": pl.Series(["a", "b", None])})
    drawn = ReferenceTable(random_state=0).fit(frame).sample(5)
    assert drawn.schema == frame.schema
    copy = pickle.loads(pickle.dumps(model))
    pd.testing.assert_frame_equal(copy.sample(9), model.sample(9))


def test_scores_are_masses_where_a_column_has_cells():
    table = TABLE[["age", "city"]]
    model = ReferenceTable().fit(table)
    every = pd.DataFrame(
        [(age, city) for age in range(-400, 500) for city in ("Rome", "Oslo", "Bonn")],
        columns=["age", "city"],
    )
    scores = model.score_samples(every)
    assert np.exp(scores).sum() == pytest.approx(1.0, abs=1e-9)


def test_a_level_not_seen_gets_a_score():
    model = ReferenceTable().fit(TABLE)
    assert np.isfinite(model.score_samples(spoiled("city", "Paris", dtype="str"))).all()


def test_conditional_draws_leave_what_is_observed():
    model = ReferenceTable(random_state=0).fit(TABLE)
    holes = TABLE.astype({"age": "float64", "member": "object"})
    hidden = RNG.random(holes.shape) < 0.5
    holes = holes.mask(hidden)
    before = holes.copy()
    drawn = model.sample_conditional(holes)
    pd.testing.assert_frame_equal(holes, before)
    assert not drawn.isna().to_numpy().any()
    for j, name in enumerate(TABLE):
        kept = ~hidden[:, j]
        assert list(drawn[name][kept]) == list(TABLE[name][kept])
    assert set(drawn["member"]) == {True, False}
    pd.testing.assert_frame_equal(drawn, model.sample_conditional(holes))
    whole = model.sample_conditional(TABLE)
    pd.testing.assert_frame_equal(whole, TABLE)


@pytest.mark.parametrize(
    "chosen", [["age"], [0], [True, False, False, False, False, False]]
)
def test_chosen_columns_are_categorical(chosen):
    model = ReferenceTable(categorical_features=chosen, random_state=0).fit(TABLE)
    assert model.schema_.kinds[0] == "categorical"
    assert model.schema_.categories[0] == tuple(sorted(set(TABLE["age"])))
    drawn = model.sample(50)["age"]
    assert drawn.dtype == np.int64
    assert drawn.isin(TABLE["age"]).all()
    floats = TABLE.astype({"age": float})
    np.testing.assert_array_equal(
        model.score_samples(floats), model.score_samples(TABLE)
    )
    dates = TableSchema.from_table(TABLE, ["since"])
    assert dates.categories[4][0] == TABLE["since"].min()
    restored = dates.decode(dates.encode(TABLE))
    pd.testing.assert_frame_equal(restored, TABLE)


def test_numbers_of_arrays_are_numbers():
    X = RNG.integers(3, size=(40, 2)).astype(float)
    assert ReferenceTable().fit(X).schema_.kinds == ("continuous", "continuous")
    kinds = ReferenceTable(categorical_features=[1]).fit(X).schema_.kinds
    assert kinds == ("continuous", "categorical")


def test_a_column_without_values_is_left_out_with_a_warning():
    table = TABLE.assign(empty=np.nan, none=None)
    model = ReferenceTable(random_state=0)
    with pytest.warns(DegenerateDataWarning, match="column 'empty', column 'none': le"):
        model.fit(table)
    scores = ReferenceTable().fit(TABLE).score_samples(TABLE)
    np.testing.assert_allclose(model.score_samples(table), scores)
    later = table.assign(empty=1.0, none="now")
    np.testing.assert_allclose(model.score_samples(later), scores)
    drawn = model.sample(3)
    assert drawn[["empty", "none"]].isna().to_numpy().all()
    assert drawn["empty"].dtype == float


def test_rows_of_weight_zero_are_not_there():
    weight = np.ones(N)
    weight[5] = 0.0
    table = spoiled("city", "nowhere", row=5, dtype="str")
    table.loc[5, "age"] = 1000
    model = ReferenceTable(random_state=0).fit(table, sample_weight=weight)
    assert model.schema_.categories[2] == ("Oslo", "Rome")
    rest = ReferenceTable(random_state=0).fit(table.drop(index=5))
    np.testing.assert_allclose(model.score_samples(TABLE), rest.score_samples(TABLE))


def test_one_row_fits_with_a_warning():
    with pytest.warns(DegenerateDataWarning, match="One row"):
        model = ReferenceTable(random_state=0).fit(TABLE[:1])
    assert model.sample()["city"][0] == TABLE["city"][0]


class NoGaps(ReferenceTable):
    _allow_nan = False


def test_models_without_missing_values_say_where_one_is():
    table = spoiled("city", None, dtype="str")
    with pytest.raises(ValueError, match=r"NaN \(column 'city', row 3\)"):
        NoGaps().fit(table)
    with pytest.raises(ValueError, match=r"NaN \(column 'city', row 3\)"):
        NoGaps().fit(TABLE).score_samples(table)


class Odd:
    def __repr__(self):
        return "Odd()" + "." * 100


BROKEN = {
    "no rows": (lambda: TABLE[:0], r"0 sample\(s\) \(shape=\(0, 6\)\)"),
    "no columns": (lambda: TABLE[[]], r"0 feature\(s\) \(shape=\(60, 0\)\)"),
    "infinity": (
        lambda: TABLE.assign(income=np.r_[-np.inf, np.ones(N - 1)]),
        r"infinity \(column 'income', row 0\).*Clip",
    ),
    "mixed types": (
        lambda: spoiled("age", "old"),
        r"Column 'age' mixes types: int \(\d+, row 0\) and str \('old', row 3\).*str",
    ),
    "a list": (
        lambda: TABLE.assign(age=[[1]] + ["a"] * (N - 1)),
        r"Column 'age', row 0 holds \[1\] of type list: argument must be a string",
    ),
    "a dict": (
        lambda: np.array([[1.0, {"a": 1}]], dtype=object),
        "Column 1, row 0 .*argument must be a string, a number",
    ),
    "a long object": (lambda: TABLE.assign(age=Odd()), r"\.\.\. of type Odd"),
    "repeated names": (
        lambda: pd.concat([TABLE, TABLE["age"]], axis=1),
        "Two columns are named 'age'.*Rename",
    ),
    "intervals": (lambda: TABLE.assign(age=pd.cut(TABLE["age"], 3).array), None),
    "interval dtype": (
        lambda: TABLE.assign(age=pd.arrays.IntervalArray.from_breaks(range(N + 1))),
        r"Column 'age' has dtype interval\[int64, right\].*drop it",
    ),
    "sparse dtype": (
        lambda: TABLE.assign(age=pd.arrays.SparseArray(TABLE["age"])),
        r"Column 'age' has dtype Sparse.*to_dense",
    ),
    "complex dtype": (lambda: TABLE.assign(age=1j), "Column 'age' has dtype complex"),
    "lists of polars": (
        lambda: pl.DataFrame({"a": [[1], [2]]}),
        r"Column 'a' has dtype List\(Int64\)",
    ),
    "zoned objects": (
        lambda: TABLE.assign(since=TABLE["since"].dt.tz_localize("UTC").astype(object)),
        "Column 'since' holds date objects with time zones",
    ),
    "1-D": (lambda: TABLE["city"], "1D array.*Reshape"),
    "3-D": (lambda: np.zeros((2, 2, 2)), "dim 3"),
    "sparse": (lambda: scipy.sparse.eye_array(3).tocsr(), "[Ss]parse.*toarray"),
    "complex": (lambda: np.array([[1j]]), "[Cc]omplex"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_tables_that_mean_nothing(name):
    make, message = BROKEN[name]
    if message is None:  # categories of intervals are levels like others
        ReferenceTable().fit(make())
        return
    with pytest.raises((ValueError, TypeError), match=f"(?s){message}"):
        ReferenceTable().fit(make())


CHANGED = {
    "renamed": (lambda: TABLE.rename(columns={"age": "years"}), "years"),
    "missing": (lambda: TABLE.drop(columns="age"), "age"),
    "reordered": (lambda: TABLE[TABLE.columns[::-1]], "order"),
    "fewer, array": (lambda: TABLE.to_numpy()[:, :2], "2 features.*6"),
    "text for numbers": (
        lambda: TABLE.astype({"age": str}),
        r"Column 'age' held numbers in fit, now it holds text \('\d+', row 0, d",
    ),
    "date for a number": (
        lambda: TABLE.assign(age=TABLE["since"]),
        r"Column 'age' held numbers in fit, now it holds dates \(datetime64.*row 0",
    ),
    "numbers for text": (
        lambda: TABLE.assign(city=[None] + [1.5] * (N - 1)),
        r"'city' held text in fit, now it holds numbers \(1.5, row 1, dtype float64",
    ),
    "numbers for categories": (lambda: TABLE.assign(size=1), "'size' held text in fit"),
    "numbers for dates": (lambda: TABLE.assign(since=1), "'since' held dates in fit"),
    "durations for dates": (
        lambda: TABLE.assign(since=TABLE["since"] - TABLE["since"].min()),
        "'since' held dates in fit, now it holds durations",
    ),
    "zoned dates": (
        lambda: TABLE.assign(since=TABLE["since"].dt.tz_localize("Asia/Tokyo")),
        "time zone None in fit, now Asia/Tokyo: localize",
    ),
    "months for dates": (
        lambda: TABLE.assign(since=TABLE["since"].dt.to_period("M")),
        r"Column 'since' held datetime64.*period\[M\]",
    ),
    "other numbers for booleans": (
        lambda: TABLE.assign(member=np.r_[0.0, 2.0, np.ones(N - 2)]),
        r"Column 'member' held booleans in fit, now it holds 2.0 \(row 1\)",
    ),
    "infinity": (
        lambda: TABLE.assign(income=np.inf),
        r"infinity \(column 'income', row 0\)",
    ),
}


@pytest.mark.parametrize("name", CHANGED)
def test_tables_that_differ_from_that_of_fit(name):
    make, message = CHANGED[name]
    model = ReferenceTable().fit(TABLE)
    for method in (model.score_samples, model.sample_conditional):
        with pytest.raises(ValueError, match=f"(?s){message}"):
            method(make())


def test_dtypes_that_hold_the_same_may_differ():
    model = ReferenceTable().fit(TABLE)
    expected = model.score_samples(TABLE)
    other = TABLE.astype(
        {
            "age": "Int16",
            "city": "category",
            "member": "float64",
            "size": object,
            "since": "datetime64[ns]",
        }
    )
    np.testing.assert_allclose(model.score_samples(other), expected)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # arrays have no names
        array = model.score_samples(TABLE.astype(object).to_numpy())
    np.testing.assert_allclose(array, expected)
    columns = {name: TABLE[name].tolist() for name in TABLE}
    np.testing.assert_allclose(model.score_samples(pl.DataFrame(columns)), expected)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ("auto", "categorical_features must be 'from_dtype'.*got 'auto'"),
        (["zip"], "categorical_features names 'zip', which is no column"),
        ([9], "categorical_features names 9"),
        ([True], "a mask of 1 columns; there are 6"),
        (["age", 0], "a column twice"),
    ],
)
def test_choices_of_columns_that_are_none(chosen, message):
    with pytest.raises(ValueError, match=re.compile(message)):
        ReferenceTable(categorical_features=chosen).fit(TABLE)
