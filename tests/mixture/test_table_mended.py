"""Draws of TableMixture: on their grids, true to conditions, constraints and scores."""

import numpy as np
import pandas as pd
import pytest

from sklearn_gen.constraints import Sum
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
