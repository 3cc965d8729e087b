"""Enumerated partition functions, against sums over both layers."""

import numpy as np
import pytest
from scipy.special import logsumexp

from sklearn_gen._blocks import workers
from sklearn_gen.rbm import _machine as machines
from sklearn_gen.rbm import _partition_states as states
from sklearn_gen.rbm._units import BERNOULLI, BINOMIAL, CATEGORICAL, make_units
from tests.rbm import enumeration

DISCRETE = [enumeration.BINARY, enumeration.MIXED]
ALL = [*DISCRETE, enumeration.with_gaussian()]
# Many units, so that products of factors are taken apart, of weights up to exp(+-2000).
MANY = make_units(
    [BERNOULLI] * 70 + [CATEGORICAL] * 9 + [BINOMIAL] * 3 + [BERNOULLI] * 5,
    n_levels=[1] * 70 + [4] * 9 + [1] * 8,
    trials=[1] * 79 + [3] * 3 + [1] * 5,
)


@pytest.mark.parametrize("units", [*ALL, MANY])
@pytest.mark.parametrize("scale", [0.0, 0.7, 7.0, 200.0])
def test_weights_of_hidden_states_are_those_of_the_plain_formula(units, scale):
    machine = enumeration.random_machine(units, 10, scale=scale)
    layer = states.hidden_states(machine, units)
    h = states.features_of(layer, np.arange(2**10))
    assert len(np.unique(h, axis=0)) == 2**10
    want = machines.unnormalised_hidden(h, units, machine)
    got = states.log_weights(layer)
    np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-13 * np.abs(want).max())


@pytest.mark.parametrize("units", DISCRETE)
@pytest.mark.parametrize("scale", [0.7, 7.0, 200.0])
def test_weights_of_visible_states_are_those_of_the_plain_formula(units, scale):
    machine = enumeration.random_machine(units, 40, scale=scale)
    layer = states.visible_states(machine, units)
    F = states.features_of(layer, np.arange(layer.count))
    want = machines.unnormalised(F, units, machine)
    got = states.log_weights(layer)
    np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-13 * np.abs(want).max())


@pytest.mark.parametrize("units", DISCRETE)
def test_both_layers_have_one_log_partition(units):
    machine = enumeration.random_machine(units, 5)
    X, h = enumeration.all_rows(units), enumeration.all_hidden(5)
    want = logsumexp(enumeration.joint(X, h, units, machine))
    for layer in (states.hidden_states, states.visible_states):
        got = states.log_sum(layer(machine, units))
        np.testing.assert_allclose(got, want, rtol=1e-13)


def test_gaussian_log_partition_is_the_integral():
    units = enumeration.with_gaussian()
    machine = enumeration.random_machine(units, 5)
    grid = np.linspace(-25.0, 25.0, 2001)
    X = enumeration.all_rows(units, grid)
    F = machines.unnormalised(enumeration.features(X, units), units, machine)
    want = logsumexp(F) + np.log(grid[1] - grid[0])
    got = states.log_sum(states.states_of(machine, units, 2**10))
    np.testing.assert_allclose(got, want, rtol=1e-10)


def test_the_layer_with_fewer_states_is_taken():
    machine = enumeration.random_machine(enumeration.BINARY, 9)
    assert states.states_of(machine, enumeration.BINARY, 2**22).count == 2**6
    assert states.states_of(machine, enumeration.BINARY, 2**5) is None
    gaussian = enumeration.with_gaussian()
    machine = enumeration.random_machine(gaussian, 9)
    assert states.states_of(machine, gaussian, 2**9).count == 2**9
    assert states.states_of(machine, gaussian, 2**8) is None


def test_blocks_give_the_same_bytes_on_threads():
    units = make_units([BERNOULLI] * 30)
    machine = enumeration.random_machine(units, 18)
    layer = states.hidden_states(machine, units)
    want = states.log_sum(layer)
    assert want == pytest.approx(logsumexp(states.log_weights(layer)), rel=1e-14)
    for n_jobs in (2, 8):
        with workers(n_jobs) as run:
            assert states.log_sum(layer, run) == want


@pytest.mark.parametrize("units", DISCRETE)
@pytest.mark.parametrize("n_rows", [1, 7])
def test_sums_given_what_is_added(units, n_rows):
    machine = enumeration.random_machine(units, 6, seed=3)
    added = np.random.default_rng(0).normal(size=(n_rows, 6))
    want = [
        states.log_sum(
            states.hidden_states(machine._replace(hidden=machine.hidden + a), units)
        )
        for a in added
    ]
    for layer in (states.visible_states, states.hidden_states):
        layer = layer(machine, units)
        given = states.log_sums_given(layer, added)
        np.testing.assert_allclose(given, want, rtol=1e-12)
        weights = np.concatenate(list(states.log_weights_given(layer, added)))
        assert weights.shape == (n_rows, layer.count)
        np.testing.assert_allclose(logsumexp(weights, axis=1), want, rtol=1e-12)
