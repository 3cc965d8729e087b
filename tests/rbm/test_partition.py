"""Bracketed log Z, and scores of rows with missing cells, against enumeration."""

import numpy as np
import pytest
from scipy.special import logsumexp

from sklearn_gen._blocks import workers
from sklearn_gen._kernels.partition_chains import anneal
from sklearn_gen._kernels.randomness import seed_streams
from sklearn_gen.rbm import _partition as partition
from sklearn_gen.rbm import _partition_annealed as annealed
from sklearn_gen.rbm._chains import draw
from sklearn_gen.rbm._machine import Machine, unnormalised
from sklearn_gen.rbm._partition_states import log_sum, states_of
from sklearn_gen.rbm._units import BERNOULLI, GAUSSIAN, features, make_units
from tests.rbm import enumeration

BINARY = make_units([BERNOULLI] * 16)
CASES = [(BINARY, 9), (enumeration.MIXED, 8), (enumeration.with_gaussian(), 7)]


def exact(machine, units):
    return log_sum(states_of(machine, units, 2**22))


def bracketed(machine, units, seed, **options):
    reference = np.zeros(units.n_features)
    rng = np.random.default_rng(seed)
    options = {"n_temperatures": 150, **options}
    return annealed.estimate_log_partition(machine, units, reference, rng, **options)


@pytest.mark.parametrize("scale", [0.7, 3.0, 8.0])
@pytest.mark.parametrize(("units", "n_hidden"), CASES)
def test_bracket_contains_log_partition(units, n_hidden, scale):
    # Each end is 99.9 % sure: of 12 machines two outside have a chance of 0.1 %. At
    # scale 8 log p differs by hundreds of nats between modes.
    inside = 0
    for seed in range(12):
        machine = enumeration.random_machine(units, n_hidden, seed, scale)
        log_z = bracketed(machine, units, seed)
        low, high = log_z.interval
        inside += low <= exact(machine, units) <= high
        assert low <= log_z.value <= high
        assert log_z.kind == "estimate"
    assert inside >= 11


def two_modes(seed, coupling=4.0):
    """All hidden units agree on one of two opposite patterns, of unlike weights."""
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], 16)
    weights = coupling * signs * rng.uniform(0.8, 1.2, (9, 16))
    visible = -0.5 * weights.sum(axis=0) + 0.2 * rng.normal(size=16)
    return Machine(weights, visible, -0.5 * weights.sum(axis=1), np.ones(16))


def test_bracket_contains_log_partition_of_two_modes():
    inside = 0
    for seed in range(12):
        low, high = bracketed(two_modes(seed), BINARY, seed).interval
        inside += low <= exact(two_modes(seed), BINARY) <= high
    assert inside >= 11


def test_standard_error_is_that_of_the_estimate():
    # Over 60 seeds the mean square of a normal ratio lies in (0.61, 1.5) but for one
    # time in 200; some more is allowed, as the errors are estimates.
    machine = enumeration.random_machine(BINARY, 9, seed=5, scale=1.5)
    ratios = [
        (log_z.value - exact(machine, BINARY)) / log_z.standard_error
        for log_z in (bracketed(machine, BINARY, s, n_chains=50) for s in range(60))
    ]
    assert 0.55 < np.mean(np.square(ratios)) < 1.7


def test_more_temperatures_narrow_the_bracket():
    machine = enumeration.random_machine(BINARY, 9, seed=1, scale=4.0)
    widths = [
        np.ptp(bracketed(machine, BINARY, 0, n_temperatures=n).interval)
        for n in (20, 2000)
    ]
    assert widths[1] < 0.3 * widths[0]


def test_same_bytes_on_threads():
    machine = enumeration.random_machine(BINARY, 9)
    want = bracketed(machine, BINARY, 0, n_chains=120)
    with workers(3) as run:
        got = bracketed(machine, BINARY, 0, n_chains=120, run=run)
    assert (got.value, got.interval) == (want.value, want.interval)


def test_weights_of_one_step_are_those_of_the_formula():
    units = enumeration.with_gaussian()
    machine = enumeration.random_machine(units, 5)
    reference = np.linspace(-1.0, 1.0, units.n_features)
    path = annealed.path_between(reference, machine, units, np.float64)
    rng = np.random.default_rng(0)
    F = annealed.draw_reference(reference, units, 40, rng, np.float64)

    def at(beta):
        between = Machine(
            beta * machine.weights,
            reference + beta * (machine.visible - reference),
            beta * machine.hidden,
            1.0 + beta * (machine.precision - 1.0),
        )
        return unnormalised(F, units, between)

    for old, new in [(0.0, 1.0), (0.3, 0.4), (0.9, 0.2)]:
        got, _, _ = anneal(F, np.array([old, new]), seed_streams(rng), *path)
        np.testing.assert_allclose(got, at(new) - at(old), atol=1e-12)


@pytest.mark.parametrize("units", [BINARY, enumeration.MIXED])
def test_mean_weights_of_few_steps_are_ratios_of_partition_functions(units):
    # 4 standard errors of 20,000 chains, either way: an alarm once in 16,000.
    machine = enumeration.random_machine(units, 5, seed=2, scale=0.6)
    rng, zeros = np.random.default_rng(0), np.zeros(units.n_features)
    ratio = exact(machine, units) - annealed.log_reference(zeros, units, 5)
    path = annealed.path_between(zeros, machine, units)
    betas = np.linspace(0.0, 1.0, 4, dtype=np.float32)
    up = annealed.draw_reference(zeros, units, 20_000, rng)
    down = draw(machine, units, zeros, 20_000, rng).astype(np.float32)
    for sign, F, steps in [(1.0, up, betas), (-1.0, down, betas[::-1])]:
        weights, _, _ = anneal(F, steps, seed_streams(rng), *path)
        mean, error = annealed.log_mean(weights)
        assert error < 0.02
        assert abs(mean - sign * ratio) < 4.0 * error


def test_resampled_chains_are_in_proportion_to_their_weights():
    rng = np.random.default_rng(0)
    log_weights = rng.normal(0.0, 2.0, 200) - 1000.0
    F = np.arange(200.0)[:, None]
    chosen = annealed._resample(F, log_weights, rng)
    counts = np.bincount(chosen[:, 0].astype(int), minlength=200)
    want = 200 * np.exp(log_weights - logsumexp(log_weights))
    assert (np.abs(counts - want) < 1.0).all()


@pytest.mark.parametrize("seed", [18, 22, 23, 25])
def test_starts_show_modes_that_no_path_leads_to(seed):
    # Means of 60 standard deviations: chains from the reference all end elsewhere.
    units = make_units([GAUSSIAN] * 5 + [BERNOULLI] * 5)
    machine = enumeration.random_machine(units, 9, seed, scale=8.0)
    log_z = exact(machine, units)
    assert bracketed(machine, units, seed).interval[1] < log_z - 20.0
    starts = draw(machine, units, np.zeros(10), 30, np.random.default_rng(0))
    low, high = bracketed(machine, units, seed, starts=starts).interval
    assert low < log_z < high < log_z + 60.0


def test_starts_are_replicas_of_the_machine_and_not_of_the_reference():
    machine, zeros = enumeration.random_machine(BINARY, 9, seed=1), np.zeros(16)
    path = annealed.path_between(zeros, machine, BINARY)
    betas = np.linspace(0.0, 1.0, 11, dtype=np.float32)
    replicas = np.full((6, 3, 16), 2.0, np.float32)
    ends, rng = np.array([0, 5, 10]), np.random.default_rng(0)
    annealed.start_at(np.ones((1, 16)), replicas, betas, ends, path, rng)
    assert (replicas[1::2] == 2.0).all()
    assert (replicas[::2, -1] == 1.0).all()
    assert 0.2 < replicas[::2, 0].mean() < 0.8


def test_bounds_of_starts_hold_where_all_is_well():
    inside = 0
    for seed in range(12):
        machine = enumeration.random_machine(BINARY, 9, seed, scale=3.0)
        starts = draw(machine, BINARY, np.zeros(16), 9, np.random.default_rng(seed))
        low, high = bracketed(machine, BINARY, seed, starts=starts).interval
        inside += low <= exact(machine, BINARY) <= high
        assert high - low < 3.0
    assert inside >= 11


@pytest.mark.parametrize("n_chains", [1, 2, 3])
def test_few_chains_and_steps(n_chains):
    machine = enumeration.random_machine(BINARY, 9)
    starts = np.eye(16)[:5]
    for options in ({}, {"starts": starts}):
        log_z = bracketed(
            machine, BINARY, 0, n_chains=n_chains, n_temperatures=1, **options
        )
        assert np.isfinite(log_z.interval).all()
        assert log_z.interval[0] <= log_z.value <= log_z.interval[1]


def test_exact_and_annealed_log_partition():
    machine = enumeration.random_machine(BINARY, 9)
    arguments = machine, BINARY, np.zeros(16), np.random.default_rng(0)
    log_z = partition.log_partition(*arguments)
    assert log_z.kind == "exact"
    assert log_z.interval == (log_z.value, log_z.value)
    assert log_z.standard_error == 0.0
    other = partition.log_partition(*arguments, max_states=2**8)
    assert other.kind == "estimate"
    assert abs(other.value - log_z.value) < 6.0 * other.standard_error


def missing_rows(units, n, seed=0):
    """Rows of enumerable units with random gaps, one complete and one empty."""
    rng = np.random.default_rng(seed)
    rows = enumeration.all_rows(units)
    X = rows[rng.choice(len(rows), n)]
    X[rng.random(X.shape) < 0.4] = np.nan
    X[0], X[1] = rows[3], np.nan
    return X


@pytest.mark.parametrize("n_hidden", [3, 40])
@pytest.mark.parametrize("units", [enumeration.BINARY, enumeration.MIXED])
def test_rows_with_gaps_have_the_sums_of_their_completions(units, n_hidden):
    machine = enumeration.random_machine(units, n_hidden, scale=0.5)
    X, rows = missing_rows(units, 15), enumeration.all_rows(units)
    log_p = unnormalised(features(rows, units), units, machine)
    want = [logsumexp(log_p[np.all(np.isnan(x) | (rows == x), axis=1)]) for x in X]
    log_z = partition.log_partition(
        machine, units, np.zeros(units.n_features), np.random.default_rng(0)
    )
    arguments = features(X, units), units, machine, np.zeros(units.n_features), log_z
    got = partition.log_observed(*arguments)
    np.testing.assert_allclose(got, want, rtol=1e-11)
    estimated = partition.log_observed(*arguments, max_states=1)
    np.testing.assert_allclose(estimated, want, atol=0.3)
    assert np.abs(estimated - want).mean() < 0.05


def test_gaussian_gaps_are_integrated():
    units = enumeration.with_gaussian()
    machine = enumeration.random_machine(units, 6)
    grid = np.linspace(-25.0, 25.0, 4001)
    rows = np.stack([np.ones_like(grid), grid, np.full_like(grid, 2.0)], axis=1)
    log_p = unnormalised(features(rows, units), units, machine)
    want = logsumexp(log_p) + np.log(grid[1] - grid[0])
    F = features(np.array([[1.0, np.nan, 2.0]]), units)
    log_z = partition.LogPartition(0.0, (0.0, 0.0))
    for max_states, tolerance in [(2**6, 1e-9), (1, 0.1)]:
        got = partition.log_observed(
            F, units, machine, np.zeros(5), log_z, max_states=max_states
        )
        np.testing.assert_allclose(got, want, rtol=0.0, atol=tolerance)


def test_estimates_of_rows_do_not_depend_on_the_others():
    machine = enumeration.random_machine(enumeration.BINARY, 40)
    F = missing_rows(enumeration.BINARY, 12)
    log_z = partition.LogPartition(0.0, (0.0, 0.0))

    def log_observed(F):
        return partition.log_observed(
            F, enumeration.BINARY, machine, np.zeros(6), log_z, max_states=1
        )

    together = log_observed(F)
    alone = np.concatenate([log_observed(row[None]) for row in F])
    np.testing.assert_allclose(alone, together, rtol=1e-13)
    np.testing.assert_allclose(log_observed(F[::-1])[::-1], together, rtol=1e-13)
