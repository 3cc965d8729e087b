"""Ten kinds of broken tables, and what a model of tables says of each."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest

from sklearn_gen.base import DegenerateDataWarning
from sklearn_gen.mixture import TableMixture

N = 80
RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "age": RNG.integers(18, 80, N),
        "income": RNG.normal(size=N),
        "city": RNG.choice(["Rome", "Oslo"], N),
        "since": pd.Timestamp("2020-01-01")
        + pd.to_timedelta(RNG.integers(90, size=N), "D"),
    }
)


def spoiled(column, cell, row=3):
    table = TABLE.astype({column: object})
    table.loc[row, column] = cell
    return table


def small():
    return TableMixture(2, smoothing=1.0, random_state=0)


@pytest.fixture(scope="module")
def model():
    return small().fit(TABLE)


# What: a table, words that the error has in this order
REFUSED_BY_FIT = {
    "empty frame": (lambda: TABLE[:0], ["0 sample(s)", "(0, 4)", "minimum of 1"]),
    "no columns": (lambda: TABLE[[]], ["0 feature(s)", "(80, 0)", "minimum of 1"]),
    "nothing at all": (pd.DataFrame, ["0 sample(s)", "(0, 0)"]),
    "mixed-type column": (
        lambda: spoiled("age", "old"),
        ["Column 'age' mixes types", "int", "row 0", "str", "'old'", "row 3"],
    ),
    "infinite value": (
        lambda: TABLE.assign(income=TABLE["income"].where(TABLE.index != 7, np.inf)),
        ["infinity", "column 'income', row 7", "Clip"],
    ),
    "infinite value of an array": (
        lambda: np.array([[1.0, 2.0], [3.0, -np.inf]]),
        ["infinity", "column 1, row 1"],
    ),
    "duplicate column names": (
        lambda: pd.concat([TABLE, TABLE[["age"]]], axis=1),
        ["Two columns are named 'age'", "Rename"],
    ),
}


def words(parts):
    return "(?s)" + ".*".join(re.escape(part) for part in parts)


@pytest.mark.parametrize("name", REFUSED_BY_FIT)
def test_fit_refuses(name):
    make, parts = REFUSED_BY_FIT[name]
    with pytest.raises(ValueError, match=words(parts)):
        small().fit(make())


def test_names_are_told_as_they_are():
    table = spoiled("age", "old").rename(columns={"age": "Age IN Years"})
    with pytest.raises(ValueError, match=r"^Column 'Age IN Years' mixes types"):
        small().fit(table)


@pytest.mark.parametrize("name", REFUSED_BY_FIT)
def test_a_failed_fit_leaves_the_earlier_one(name):
    model = small().fit(TABLE)
    before = model.score_samples(TABLE)
    make, parts = REFUSED_BY_FIT[name]
    with pytest.raises(ValueError, match=words(parts)):
        model.fit(make())
    np.testing.assert_array_equal(model.score_samples(TABLE), before)


WEIGHTS = {
    "negative": (
        np.r_[1.0, -2.0, np.ones(N - 2)],
        ["sample_weight[1] is -2", "not negative"],
    ),
    "NaN": (np.r_[np.nan, np.ones(N - 1)], ["sample_weight[0] is nan", "finite"]),
    "too few": (np.ones(3), ["sample_weight", "3", "80"]),
    "all zero": (np.zeros(N), ["sample_weight", "zero"]),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_that_are_none(name):
    weight, parts = WEIGHTS[name]
    with pytest.raises(ValueError, match=words(parts)):
        small().fit(TABLE, sample_weight=weight)


REFUSED_LATER = {
    "wrong columns": (lambda: TABLE.rename(columns={"age": "years"}), ["years", "age"]),
    "another order": (lambda: TABLE[TABLE.columns[::-1]], ["order"]),
    "a column less": (lambda: TABLE.drop(columns="city"), ["city"]),
    "an array of fewer": (
        lambda: TABLE.to_numpy()[:, :2],
        ["2 features", "TableMixture", "4"],
    ),
    "a date where a number was": (
        lambda: TABLE.assign(age=TABLE["since"]),
        ["Column 'age' held numbers in fit, now it holds dates", "row 0"],
    ),
    "a number where a date was": (
        lambda: TABLE.assign(since=3),
        ["Column 'since' held dates in fit, now it holds numbers"],
    ),
    "text where a number was": (
        lambda: TABLE.assign(income="much"),
        ["Column 'income' held numbers in fit, now it holds text", "'much'"],
    ),
    "numbers where text was": (
        lambda: TABLE.assign(city=1.5),
        ["Column 'city' held text in fit, now it holds numbers", "1.5"],
    ),
    "infinite value": (
        lambda: TABLE.assign(income=-np.inf),
        ["infinity", "column 'income', row 0"],
    ),
}


@pytest.mark.parametrize("name", REFUSED_LATER)
@pytest.mark.parametrize(
    "method",
    ["score_samples", "sample_conditional", "predict_proba", "conditional_mean"],
)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_scores_refuse(model, name, method):
    make, parts = REFUSED_LATER[name]
    with pytest.raises(ValueError, match=words(parts)):
        getattr(model, method)(make())


@pytest.mark.parametrize("name", ["a date where a number was", "infinite value"])
def test_batches_refuse(name):
    model = small().partial_fit(TABLE)
    make, parts = REFUSED_LATER[name]
    with pytest.raises(ValueError, match=words(parts)):
        model.partial_fit(make())
    model.partial_fit(TABLE)


# What goes through, with or without a warning


def test_an_unseen_category_scores(model):
    table = TABLE.assign(city="Paris")
    scores = model.score_samples(table)
    assert np.isfinite(scores).all()
    assert (scores < model.score_samples(TABLE)).all()
    np.testing.assert_allclose(
        scores - model.score_samples(table.assign(city=None)), np.log(1e-6), atol=1e-6
    )
    pd.testing.assert_frame_equal(model.sample_conditional(table), table)
    pd.testing.assert_frame_equal(
        model.sample_conditional(table.assign(age=np.nan)).drop(columns="age"),
        table.drop(columns="age"),
    )
    parts = ["conditions", "column 'city'", "never saw 'Paris'", "Oslo"]
    with pytest.raises(ValueError, match=words(parts)):
        model.sample(4, conditions={"city": "Paris"})


def test_an_unseen_category_in_a_batch():
    model = small().partial_fit(TABLE)
    model.partial_fit(TABLE.assign(city="Paris"))
    assert np.isfinite(model.score(TABLE))
    assert model.sample(50)["city"].isin(["Rome", "Oslo"]).all()


@pytest.mark.parametrize("gap", [np.nan, None, pd.NA, pd.NaT], ids=str)
def test_an_all_missing_column_is_left_out(model, gap):
    table = TABLE.assign(empty=gap)
    with pytest.warns(DegenerateDataWarning, match="column 'empty'.*left out"):
        other = small().fit(table)
    np.testing.assert_allclose(other.score_samples(table), model.score_samples(TABLE))
    assert other.families_["empty"] is None
    drawn = other.sample(5)
    assert drawn["empty"].isna().all()
    assert list(drawn) == list(table)
    later = table.assign(empty="now")
    np.testing.assert_allclose(other.score_samples(later), model.score_samples(TABLE))
    assert other.sample(3, reproduce_missing=True)["empty"].isna().all()
    assert other.conditional_mean(table)["empty"].isna().all()


@pytest.mark.filterwarnings("ignore:0 observed cells")
def test_a_table_of_identifiers_alone():
    table = pd.DataFrame({"a": range(N), "b": [f"user-{i}" for i in range(N)]})
    with pytest.warns(DegenerateDataWarning, match="only name rows.*identifiers=None"):
        model = small().fit(table)
    np.testing.assert_array_equal(model.score_samples(table), 0.0)
    assert not model.sample(5).isin(table).any().any()


@pytest.mark.filterwarnings("ignore:0 observed cells")
def test_a_table_of_which_nothing_is_observed():
    with pytest.warns(DegenerateDataWarning, match="(?s)Nothing is observed.*'since'"):
        model = small().fit(TABLE.mask(np.ones(TABLE.shape, bool)))
    np.testing.assert_allclose(model.score_samples(TABLE), 0.0)
    assert model.sample(3).isna().all().all()


@pytest.mark.parametrize("parameters", [{}, {"n_components": 3}, {"smoothing": 0.0}])
def test_one_row(parameters):
    model = TableMixture(random_state=0, **parameters)
    with pytest.warns(DegenerateDataWarning, match="[Oo]ne row"):
        model.fit(TABLE[:1])
    drawn = model.sample(20)
    pd.testing.assert_series_equal(drawn.dtypes, TABLE.dtypes)
    assert (drawn["city"] == TABLE["city"][0]).all()
    assert drawn["age"].between(15, 85).all()
    assert np.isfinite(model.score_samples(TABLE)).all()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("n", [2, 3, 9, 10])
def test_few_rows(n):
    holes = TABLE[:n].mask(RNG.random((n, 4)) < 0.3)
    holes.loc[0] = TABLE.loc[0]
    model = TableMixture(random_state=0).fit(holes)
    assert np.isfinite(model.score_samples(TABLE)).all()
    assert not model.sample(20).isna().to_numpy().any()


@pytest.mark.filterwarnings("ignore")
def test_constant_columns():
    table = pd.DataFrame(
        {"a": ["x"] * 40, "b": 1.5, "c": 3, "d": False, "e": TABLE["since"][0]}
    )
    model = TableMixture(random_state=0).fit(table)
    assert model.n_components_ == 1
    drawn = model.sample(30)
    pd.testing.assert_series_equal(drawn.dtypes, table.dtypes)
    assert (drawn[["a", "c", "d", "e"]] == table[["a", "c", "d", "e"]][:30]).all().all()
    assert drawn["b"].between(1.4, 1.6).all()
    assert np.isfinite(model.score_samples(table)).all()


def test_polars_is_refused_alike():
    table = pl.DataFrame({"a": [1.0, float("inf")], "b": ["x", "y"]})
    with pytest.raises(ValueError, match=words(["infinity", "column 'a', row 1"])):
        small().fit(table)
