"""The mathematics of machines agrees with the enumeration of all states."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import chi2

from sklearn_gen.rbm import _machine as machines
from sklearn_gen.rbm._units import features, make_units, values
from tests.rbm import enumeration

CASES = [enumeration.BINARY, enumeration.MIXED]


@pytest.mark.parametrize("units", CASES)
def test_both_marginals_are_those_of_the_joint(units):
    machine = enumeration.random_machine(units, 3)
    X, h = enumeration.all_rows(units), enumeration.all_hidden(3)
    joint = enumeration.joint(X, h, units, machine)
    F = features(X, units)
    np.testing.assert_allclose(
        machines.unnormalised(F, units, machine), logsumexp(joint, axis=1), rtol=1e-12
    )
    np.testing.assert_allclose(
        machines.unnormalised_hidden(h, units, machine),
        logsumexp(joint, axis=0),
        rtol=1e-12,
    )


@pytest.mark.parametrize("units", CASES)
def test_means_given_the_other_layer_are_those_of_the_joint(units):
    machine = enumeration.random_machine(units, 3, seed=1)
    X, h = enumeration.all_rows(units), enumeration.all_hidden(3)
    joint, F = enumeration.joint(X, h, units, machine), features(X, units)
    given_v = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    np.testing.assert_allclose(machines.hidden_mean(F, machine), given_v @ h)
    given_h = np.exp(joint - logsumexp(joint, axis=0))
    T = machines.visible_input(h, machine)
    np.testing.assert_allclose(
        machines.visible_mean(T, units, machine), given_h.T @ F, atol=1e-12
    )


@pytest.mark.parametrize("units", CASES)
def test_conditionals_are_those_of_the_joint(units):
    machine = enumeration.random_machine(units, 3, seed=4)
    X = enumeration.all_rows(units)
    log_p = machines.unnormalised(features(X, units), units, machine)
    expected = np.zeros(len(X))
    for u in range(units.n_units):
        others = np.delete(X, u, axis=1)
        _, group = np.unique(others, axis=0, return_inverse=True)
        totals = np.log(np.bincount(group.ravel(), np.exp(log_p)))
        expected += log_p - totals[group.ravel()]
    got = machines.log_conditionals(features(X, units), units, machine)
    np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_gaussian_units_integrate():
    units = enumeration.with_gaussian()
    machine = enumeration.random_machine(units, 3, seed=2)
    grid = np.linspace(-12.0, 12.0, 801)
    X, h = enumeration.all_rows(units, grid), enumeration.all_hidden(3)
    F, width = features(X, units), grid[1] - grid[0]
    over_v = logsumexp(machines.unnormalised(F, units, machine)) + np.log(width)
    over_h = logsumexp(machines.unnormalised_hidden(h, units, machine))
    np.testing.assert_allclose(over_v, over_h, rtol=1e-10)
    joint = enumeration.joint(X[::97], h, units, machine)
    np.testing.assert_allclose(
        machines.unnormalised(F[::97], units, machine), logsumexp(joint, axis=1)
    )


def test_mean_is_the_derivative_of_the_log_partition_function():
    units = make_units(
        [0, 1, 2, 3, 2], n_levels=[1, 1, 3, 1, 2], trials=[1, 1, 1, 5, 1]
    )
    machine = enumeration.random_machine(units, 2)
    T = np.random.default_rng(0).normal(size=(4, units.n_features))
    step = 1e-6 * np.eye(units.n_features)
    slopes = [
        machines.log_units(T + d, units, machine)
        - machines.log_units(T - d, units, machine)
        for d in step
    ]
    np.testing.assert_allclose(
        machines.visible_mean(T, units, machine), np.array(slopes).T / 2e-6, rtol=1e-7
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_draws_have_the_distribution_of_the_joint(dtype):
    # false-alarm rate 1e-4 for each of the 4 states
    units, n_draws = enumeration.MIXED, 20_000
    machine = enumeration.random_machine(units, 2, seed=3, dtype=dtype)
    X, rng = enumeration.all_rows(units), np.random.default_rng(0)
    h = enumeration.all_hidden(2)
    joint = enumeration.joint(X, h, units, machine)
    expected = n_draws * np.exp(joint - logsumexp(joint, axis=0))
    place = np.array([2 * 5 * 2 * 2, 5 * 2 * 2, 2 * 2, 2, 1])
    for j, state in enumerate(h):
        T = machines.visible_input(np.tile(state, (n_draws, 1)).astype(dtype), machine)
        drawn = machines.draw_visible(T, units, machine, rng)
        assert drawn.dtype == dtype
        codes = (values(drawn, units) @ place).astype(int)
        seen = np.bincount(codes, minlength=len(X))
        many = expected[:, j] > 5
        statistic = ((seen - expected[:, j])[many] ** 2 / expected[many, j]).sum()
        rest = expected[~many, j].sum()
        statistic += (seen[~many].sum() - rest) ** 2 / max(rest, 1.0)
        assert chi2.sf(statistic, many.sum()) > 1e-4


def test_gaussian_draws_have_mean_and_precision():
    units = make_units([1])
    machine = enumeration.random_machine(units, 1)._replace(precision=np.array([4.0]))
    T = np.full((100_000, 1), 2.0)
    x = machines.draw_visible(T, units, machine, np.random.default_rng(0))
    # five standard errors: false-alarm rate 1e-6
    assert abs(x.mean() - 0.5) < 5 * 0.5 / np.sqrt(1e5)
    assert abs(x.var() - 0.25) < 5 * 0.25 * np.sqrt(2 / 1e5)


def test_hidden_draws_have_their_mean():
    units = enumeration.BINARY
    machine = enumeration.random_machine(units, 4)
    F = np.tile(np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0]), (50_000, 1))
    h = machines.draw_hidden(F, machine, np.random.default_rng(0))
    mean = machines.hidden_mean(F[:1], machine)[0]
    assert set(np.unique(h)) == {0.0, 1.0}
    assert np.abs(h.mean(axis=0) - mean).max() < 5 * 0.5 / np.sqrt(5e4)


def test_features_and_values_are_inverse():
    units = make_units([2, 0, 2], n_levels=[3, 1, 2])
    X = np.array([[2.0, 1.0, 0.0], [np.nan, 0.0, 1.0], [0.0, np.nan, 1.0]])
    F = features(X, units)
    np.testing.assert_array_equal(
        F, [[0, 0, 1, 1, 1, 0], [np.nan] * 3 + [0, 0, 1], [1, 0, 0, np.nan, 0, 1]]
    )
    np.testing.assert_array_equal(values(F, units), X)


def test_a_level_unseen_has_no_feature():
    units = make_units([2, 0], n_levels=[2, 1])
    np.testing.assert_array_equal(features(np.array([[2.0, 1.0]]), units), [[0, 0, 1]])
