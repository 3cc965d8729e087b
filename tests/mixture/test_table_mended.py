"""Draws of TableMixture: on their grids, true to conditions, constraints and scores."""

from datetime import time, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

from sklearn_gen.constraints import FixedCombinations, Inequality, Sum
from sklearn_gen.mixture import TableMixture


@pytest.fixture(scope="module")
def bills():
    rng = np.random.default_rng(0)
    tax, net = rng.integers(1, 9, 500) * 0.5, rng.integers(1, 20, 500) * 1.0
    X = pd.DataFrame({"net": net, "tax": tax})
    X["tot"] = X.net + X.tax
    return X


@pytest.fixture(scope="module")
def billing(bills):
    adds_up = Sum(["net", "tax"], "tot")
    return TableMixture(3, constraints=[adds_up], random_state=0).fit(bills)


def test_totals_of_draws_add_up_on_the_grid_of_the_parts(bills, billing):
    drawn = billing.sample(5000)
    np.testing.assert_array_equal(drawn.net + drawn.tax, drawn.tot)
    assert set(drawn.tax) <= set(bills.tax)


def test_totals_off_the_grid_seen_still_add_up():
    rng = np.random.default_rng(1)
    few = rng.choice([0.5, 1.0, 2.0], 300)  # too few to say that all are halves
    X = pd.DataFrame({"a": rng.integers(1, 30, 300) * 1.0, "b": few})
    X["t"] = X.a + X.b
    adds_up = Sum(["a", "b"], "t")
    model = TableMixture(2, families={"b": "gaussian"}, constraints=[adds_up])
    drawn = model.set_params(random_state=0).fit(X).sample(2000)
    np.testing.assert_allclose(drawn.a + drawn.b, drawn.t, rtol=0, atol=1e-12)
    assert (drawn.t % 0.5 > 0.01).any()


@pytest.fixture(scope="module")
def visits():
    rng = np.random.default_rng(0)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, 400), "D")
    low = rng.integers(1, 20, 400)
    return pd.DataFrame(
        {
            "id": np.arange(400) + 10_000,
            "small": rng.integers(0, 5, 400).astype(np.int8),
            "day": days,
            "zoned": days.tz_localize("Europe/Oslo"),
            "month": days.to_period("M"),
            "fixed": np.full(400, 5.0),
            "rounded": rng.integers(0, 40, 400) / 10,
            "plan": rng.choice(["a", "b"], 400),
            "lo": low,
            "hi": low + rng.integers(0, 9, 400),
        }
    )


@pytest.fixture(scope="module")
def visiting(visits):
    ordered = Inequality("lo", "<=", "hi")
    model = TableMixture(2, constraints=[ordered], identifiers=["id"], random_state=0)
    return model.fit(visits)


@pytest.mark.parametrize(
    ("name", "value", "held"),
    [
        ("id", 10_003, None),
        ("small", 100, None),
        ("small", -3, None),
        ("day", pd.Timestamp("2030-05-06"), None),
        ("day", pd.Timestamp("2024-01-31 12:30"), None),
        ("day", "2024-02-03", pd.Timestamp("2024-02-03")),
        ("zoned", pd.Timestamp("2024-02-03", tz="Europe/Oslo"), None),
        ("zoned", pd.Timestamp("2024-02-02 23:00", tz="UTC"), None),
        ("zoned", "2024-02-03", pd.Timestamp("2024-02-03", tz="Europe/Oslo")),
        ("month", pd.Period("2024-02", "M"), None),
        ("month", "2025-02", pd.Period("2025-02", "M")),
        ("fixed", 6.25, None),
        ("rounded", 1.234567, None),
        ("lo", 70, None),
        ("hi", 24, None),
    ],
)
def test_conditions_hold_exactly(visits, visiting, name, value, held):
    drawn = visiting.sample(40, conditions={name: value})
    assert (drawn[name] == (value if held is None else held)).all()
    assert (drawn.lo <= drawn.hi).all()
    assert drawn.dtypes.equals(visits.dtypes)


@pytest.mark.parametrize(
    ("conditions", "match"),
    [
        ({"small": 200}, r"column 'small'.*200.*from -128 to 127, dtype int8"),
        ({"small": 1.5}, "column 'small'.*integers"),
        ({"hi": 0}, "conditions=.*no row"),
        ({"month": pd.Period("2024-02-01", "D")}, "periods of frequency M"),
        ({"day": "spring"}, "column 'day'.*spring"),
        ({"lo": None}, "column 'lo'.*missing"),
        ({"id": "x"}, "column 'id'"),
    ],
)
def test_conditions_that_a_column_cannot_hold_are_refused(visiting, conditions, match):
    with pytest.raises(ValueError, match=match):
        visiting.sample(5, conditions=conditions)


@pytest.mark.parametrize("noon", [time(12), "12:00", timedelta(hours=12)])
def test_times_of_day_are_values(noon):
    hours = [time(9), time(12), time(15, 30)]
    table = pl.DataFrame({"at": hours * 20, "x": np.arange(60.0) % 7})
    model = TableMixture(2, smoothing=1.0, random_state=0).fit(table)
    assert model.sample(3, conditions={"at": noon})["at"].to_list() == [time(12)] * 3


def test_conditions_are_a_dict(visiting):
    for wrong in (["lo"], [], "lo"):
        with pytest.raises(TypeError, match="conditions must be a dict"):
            visiting.sample(5, conditions=wrong)


@pytest.mark.parametrize(
    "conditions", [{"tot": 10.0}, {"tot": 10.0, "net": 9.5}, {"net": 40.0}]
)
def test_totals_meet_conditions(billing, conditions):
    drawn = billing.sample(300, conditions=conditions)
    np.testing.assert_array_equal(drawn.net + drawn.tax, drawn.tot)
    for name, value in conditions.items():
        assert (drawn[name] == value).all()


@pytest.mark.parametrize(
    "conditions",
    [{"tot": 0.5}, {"tot": 10.0, "net": 12.0}, {"tot": 3.0, "net": 1.0, "tax": 1.0}],
)
def test_totals_that_no_parts_make_up_are_refused(billing, conditions):
    with pytest.raises(ValueError, match=r"conditions=.*no row has these values"):
        billing.sample(5, conditions=conditions)


@pytest.mark.parametrize("family", ["poisson", "negative_binomial"])
def test_counts_pile_up_nowhere(family):
    """Draws of the largest count seen are as many as its score says, to 4 sd."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"n": rng.poisson(6.0, 100)})
    model = TableMixture(1, families=family, random_state=0).fit(X)
    n = 20_000
    drawn = model.sample(n)
    assert drawn.n.dtype == X.n.dtype
    top = X.n.max()
    for value in (0, top, top + 1):
        share = np.exp(model.score_samples(pd.DataFrame({"n": [value]})))[0]
        error = 4 * np.sqrt(share * (1 - share) / n)
        assert abs((drawn.n == value).mean() - share) < error
    assert drawn.n.max() > top


def test_draws_keep_to_what_columns_can_hold():
    rng = np.random.default_rng(0)
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 50, 300), "D")
    X = pd.DataFrame(
        {
            "small": rng.integers(90, 128, 300).astype(np.int8),
            "visits": rng.integers(0, 4, 300),
            "change": rng.integers(-3, 4, 300),
            "amount": rng.gamma(1.0, 3.0, 300),
            "day": start,
        }
    )
    drawn = TableMixture(2, families="gaussian", random_state=0).fit(X).sample(5000)
    assert (drawn.dtypes == X.dtypes).all()
    assert drawn.small.between(0, 127).all()
    assert (drawn.small == 127).mean() < 0.1
    assert drawn.visits.min() == 0
    assert drawn.visits.max() > 3
    assert drawn.change.min() < -3
    assert drawn.amount.min() > 0.0
    assert drawn.day.between(start.min(), start.max()).all()


def test_ends_of_free_families_go_on_beyond_the_bounds_seen():
    rng = np.random.default_rng(0)
    low = rng.poisson(5.0, 200)
    X = pd.DataFrame({"lo": low, "hi": low + rng.poisson(4.0, 200)})
    ordered = Inequality("lo", "<=", "hi")
    model = TableMixture(1, families="poisson", constraints=[ordered], random_state=0)
    drawn = model.fit(X).sample(5000)
    assert (drawn.lo <= drawn.hi).all()
    assert (drawn.max() > X.max()).all()


@pytest.mark.parametrize(
    ("column", "match"),
    [
        ("plan", r"column 'plan'.*categories.*'categorical', got 'gamma'"),
        ("twin", r"column 'twin'.*categories.*'categorical', got 'gamma'"),
        ("id", r"column 'id'.*'gamma'.*an identifier: it has no family"),
        ("zip", r"column 'zip'.*'gamma'.*integer, in fixed.*'categorical' only"),
        ("sum", r"column 'sum'.*'gamma'.*integer and follows from others"),
    ],
)
def test_families_that_a_column_cannot_be_of_are_refused(visits, column, match):
    X = visits[["id", "plan", "lo", "hi"]].assign(
        twin=visits.plan.map({"a": "first", "b": "second"}),
        city=np.where(visits.small > 2, "Oslo", "Rome"),
        zip=np.where(visits.small > 2, 1, 2),
        sum=visits.lo + visits.small + 1,
        part=visits.small + 1,
    )
    constraints = [
        Inequality("lo", "<=", "hi"),
        FixedCombinations(["city", "zip"]),
        Sum(["lo", "part"], "sum"),
    ]
    model = TableMixture(
        1, families={column: "gamma"}, constraints=constraints, random_state=0
    ).set_params(identifiers=["id"])
    with pytest.raises(ValueError, match=match):
        model.fit(X)


def test_a_family_of_an_end_is_that_of_its_gap(visits):
    ordered = Inequality("lo", "<=", "hi")
    model = TableMixture(1, families={"hi": "poisson"}, constraints=[ordered])
    assert model.fit(visits[["lo", "hi"]]).families_["hi"] == "poisson"
