"""Draws of TableMixture: on their grids, true to conditions, constraints and scores."""

import numpy as np
import pandas as pd
import pytest

from sklearn_gen.constraints import Inequality, Sum
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
