"""Which columns of TableMixture can be jointly Gaussian, and what it says of them."""

import numpy as np
import pandas as pd
import pytest

from sklearn_gen.base import DiscreteColumnWarning
from sklearn_gen.constraints import Inequality, Sum
from sklearn_gen.mixture import TableMixture
from tests.mixture.block_tables import BLOCK, HOLES, fitted, table

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::sklearn_gen.base.DegenerateDataWarning",
)


def test_what_it_says_of_its_columns():
    model = fitted()
    expected = dict.fromkeys(BLOCK, "gaussian_block")
    assert model.families_ == expected | {"pet": "categorical", "age": "gamma"}
    assert model.base_measure_ == dict.fromkeys(HOLES, "lebesgue") | {"pet": "counting"}


@pytest.mark.parametrize("columns", [[4, 0, 2], [True, False, True, False, True]])
def test_columns_by_index_or_mask(columns):
    other = fitted(gaussian_block=columns)
    assert other.score(HOLES) == pytest.approx(fitted().score(HOLES), abs=1e-6)


def test_continuous_columns():
    X = HOLES.assign(rate=np.arange(600) % 7 / 4, start=HOLES["age"])
    model = fitted(
        X.assign(stop=X["start"] + 1.0 + np.arange(600) % 5),
        gaussian_block="continuous",
        constraints=[Inequality("start", "<", "stop")],
    )
    block = {c for c, family in model.families_.items() if family == "gaussian_block"}
    assert block == {*BLOCK}


def test_integers_are_drawn_as_integers():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(size=300), "n": rng.integers(0, 10**6, 300)})
    model = TableMixture(
        2, gaussian_block=["x", "n"], identifiers=None, random_state=0
    ).fit(X)
    drawn = model.sample(100)
    assert drawn.dtypes.equals(X.dtypes)
    assert (drawn["n"] >= 0).all()  # as all of fit's are


def test_a_number_that_follows_from_a_level_stays():
    X = table().assign(code=lambda t: t["pet"].map({"cat": 1.0, "dog": 2.0}))
    X.loc[::3, ["pet", "code"]] = ["emu", 5.0]
    assert fitted(X).families_["code"] == "same as pet"
    with pytest.warns(DiscreteColumnWarning, match="code"):
        model = fitted(X, gaussian_block=[*BLOCK, "code"])
    assert model.families_["code"] == "gaussian_block"


def test_repeats_are_told():
    X = table().round({"height": -1, "girth": 1})
    with pytest.warns(DiscreteColumnWarning, match="'height', column 'girth': in gau"):
        fitted(X)


ODD = table(200).assign(
    day=pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(200) % 60, "D"),
    nothing=np.nan,
    number=np.arange(200),
    gross=lambda t: t["age"] + t["girth"],
)


@pytest.mark.parametrize(
    ("block", "parameters", "message"),
    [
        (["weight", "pet"], {}, "pet.* is categorical: only numbers"),
        (["weight", "day"], {}, "day.* is datetime: only numbers"),
        (["weight", "nothing"], {}, "nothing.* is missing in all rows"),
        (["weight", "number"], {"identifiers": ["number"]}, "number.* only names rows"),
        (["weight", "age"], {}, "age.* also has a family in `families`"),
        (
            ["weight", "girth"],
            {"constraints": [Sum(["age", "girth"], "gross")]},
            "girth.* has a constraint",
        ),
        (["weight", "size"], {}, "gaussian_block names 'size'"),
        (["weight", "weight"], {}, "gaussian_block names a column twice"),
    ],
)
@pytest.mark.filterwarnings("ignore:Nothing is observed")
def test_columns_that_can_not_be_in_it(block, parameters, message):
    with pytest.raises(ValueError, match=message):
        fitted(ODD, gaussian_block=block, **parameters)
