"""`sample(n, conditions=...)` of every model: values kept, errors that name columns."""

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KernelDensity
from sklearn.preprocessing import PowerTransformer, StandardScaler

from sklearn_gen.compose import GenerativePipeline, make_generative_pipeline
from sklearn_gen.copula import GaussianCopula
from sklearn_gen.mixture import (
    BernoulliMixture,
    ChowLiuTree,
    GaussianMixture,
    MixtureOfTrees,
    StudentTMixture,
)
from sklearn_gen.outlier import TrimmedDensity

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(200, 3)) @ RNG.normal(size=(3, 3)) + [1.0, 2.0, 3.0]
FRAME = pd.DataFrame(ROWS, columns=list("abc"))
TABLE = pd.DataFrame(
    {
        "plan": RNG.choice(["one", "two"], 200),
        "day": pd.to_datetime(RNG.choice(["2020-01-01", "2021-05-05"], 200)),
        "visits": RNG.integers(0, 3, 200),
    }
)


def test_draws_are_those_of_the_conditional():
    model = GaussianMixture(2, random_state=0).fit(ROWS)
    drawn = model.sample(20_000, conditions={1: 4.0}, random_state=1)
    assert (drawn[:, 1] == 4.0).all()
    other = model.conditional([[np.nan, 4.0, np.nan]])
    mean = other.weights_ @ other.means_
    spread = other.covariances_ + np.einsum("ki,kj->kij", *2 * [other.means_ - mean])
    within = np.einsum("k,kij->ij", other.weights_, spread)
    z = (drawn[:, [0, 2]].mean(axis=0) - mean) / np.sqrt(np.diag(within) / 20_000)
    assert np.abs(z).max() < 4.6  # 1e-5 by chance
    np.testing.assert_allclose(np.cov(drawn[:, [0, 2]].T), within, rtol=0.1)


@pytest.mark.parametrize(
    ("conditions", "says"),
    [
        ({"z": 1.0}, r"conditions names 'z', which is no column.*'a', 'b', 'c'"),
        ({"a": 1.0, 0: 2.0}, "names a column twice"),
        ({"a": "x"}, "conditions: column 'a', value 'x': its values are numbers"),
        ({"b": [1, 2]}, r"column 'b', value \[1, 2\]: its values are numbers"),
        ({"b": pd.Timestamp("2020-01-01")}, "column 'b', value .*are numbers"),
        ({"a": 1j}, "column 'a', value 1j: its values are numbers"),
        ({"a": pd.NA}, "column 'a', value <NA>: it is missing. Leave it out"),
        ({"a": np.inf}, "column 'a', value inf: its values are finite"),
        ({"a": 10**400}, "column 'a', value 10+: int too large"),
        ({"a": 1e200}, r"conditions={'a': 1e\+200}: no row.*density is zero"),
    ],
    ids=str,
)
@pytest.mark.parametrize("scaled", [False, True])
def test_what_a_table_of_numbers_refuses(conditions, says, scaled):
    model = GaussianMixture(random_state=0)
    model = make_generative_pipeline(StandardScaler(), model) if scaled else model
    with pytest.raises(ValueError, match=says):
        model.fit(FRAME).sample(2, conditions=conditions)


@pytest.mark.parametrize("value", [True, np.bool_(True), np.float32(1), np.int8(1)])
def test_any_number_is_a_value(value):
    model = GaussianMixture(random_state=0).fit(ROWS)
    assert (model.sample(3, conditions={0: value})[:, 0] == 1.0).all()


@pytest.mark.parametrize("cls", [GaussianMixture, StudentTMixture])
def test_single_precision_stays(cls):
    model = cls(random_state=0).fit(ROWS.astype(np.float32))
    drawn = model.sample(3, conditions={0: 0.1})
    assert drawn.dtype == np.float32
    assert (drawn[:, 0] == np.float32(0.1)).all()
    with pytest.raises(ValueError, match=r"1e\+60: its values are finite numbers of"):
        model.sample(3, conditions={0: 1e60})
    more = {"dof": 3.0} if cls is StudentTMixture else {}
    given = cls.from_parameters([1], [[0, 0]], [np.eye(2)], dtype=np.float32, **more)
    assert given.sample(2, conditions={1: 1.0}).dtype == np.float32


@pytest.mark.parametrize("model", [ChowLiuTree(), MixtureOfTrees(2)], ids=str)
def test_trees_know_their_levels(model):
    model = model.set_params(random_state=0).fit(TABLE)
    drawn = model.sample(30, conditions={"plan": "one", "day": "2021-05-05"})
    assert (drawn.dtypes == TABLE.dtypes).all()
    assert (drawn["day"] == pd.Timestamp("2021-05-05")).all()
    unseen = {"plan": "three", "day": "2020-02-02", "visits": 9}
    levels = {
        "plan": "'one', 'two'",
        "day": "Timestamp.*Timestamp",
        "visits": "0, 1, 2",
    }
    part = model.marginal(["visits", "plan"])
    assert (part.sample(5, conditions={"plan": "two"})["plan"] == "two").all()
    for name, value in unseen.items():
        says = f"column '{name}' never saw '?{value}'? in fit. .*{levels[name]}"
        with pytest.raises(ValueError, match=says):
            model.sample(2, conditions={name: value})
    with pytest.raises(ValueError, match=r"'visits' never saw 9 .*0, 1, 2"):
        part.sample(2, conditions={"visits": 9})


def test_levels_and_bounds_of_a_copula():
    table = TABLE.assign(amount=np.exp(ROWS[:, 0]), flag=RNG.random(200) < 0.4)
    model = GaussianCopula({"amount": "lognormal"}, random_state=0).fit(table)
    drawn = model.sample(5, conditions={"amount": 2.5, "flag": True, "plan": "two"})
    assert drawn["amount"].eq(2.5).all()
    assert drawn["flag"].all()
    assert drawn["plan"].eq("two").all()
    with pytest.raises(ValueError, match=r"'plan' never saw 'three'.*'one', 'two'"):
        model.sample(2, conditions={"plan": "three"})
    with pytest.raises(ValueError, match=r"amount.*-1.0.*no row has these values"):
        model.sample(2, conditions={"amount": -1.0})


def test_binarized_values_come_out_as_ones():
    model = BernoulliMixture(random_state=0).fit(ROWS > 1.0)
    assert (model.sample(4, conditions={0: True})[:, 0] == 1.0).all()


def test_pipelines_condition_in_units_of_the_input():
    positive = np.exp(FRAME / 4)
    pipeline = make_generative_pipeline(PowerTransformer("box-cox"), GaussianMixture())
    drawn = pipeline.fit(positive).sample(6, conditions={"b": 1.5}, random_state=0)
    assert list(drawn) == ["a", "b", "c"]
    assert (drawn["b"] == 1.5).all()
    with pytest.raises(ValueError, match=r"'b': -1.*no row has these values"):
        pipeline.sample(2, conditions={"b": -1})
    with pytest.raises(ValueError, match="n_samples"):
        pipeline.sample(0, conditions={"b": 1.5})
    trimmed = TrimmedDensity(pipeline).fit(positive)
    assert (trimmed.sample(6, conditions={"b": 1.5})["b"] == 1.5).all()


def test_pipelines_of_fitted_steps_count_columns():
    scaler = StandardScaler().fit(ROWS)
    model = GaussianMixture().fit(scaler.transform(ROWS))
    pipeline = GenerativePipeline([("scale", scaler), ("model", model)])
    assert (pipeline.sample(4, conditions={-1: 0.5})[:, 2] == 0.5).all()


def test_pipelines_around_models_without_conditionals_say_so():
    pipeline = make_generative_pipeline(StandardScaler(), KernelDensity()).fit(ROWS)
    with pytest.raises(AttributeError, match="sample_conditional"):
        pipeline.sample(2, conditions={0: 1.0})
