"""Draws of machines against enumerated distributions, and what chains say of that."""

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import chi2, kstest, norm

from sklearn_gen._blocks import workers
from sklearn_gen.rbm import _chains as chains
from sklearn_gen.rbm import _chains_diagnostics as diagnostics
from sklearn_gen.rbm import _partition
from sklearn_gen.rbm._machine import Machine, hidden_mean, unnormalised
from sklearn_gen.rbm._partition_annealed import path_between, run_replicas
from sklearn_gen.rbm._units import BERNOULLI, features, make_units, values
from tests.rbm import enumeration

# Chi-square and Kolmogorov-Smirnov tests raise a false alarm once in 1000 cases; the
# seeds are fixed.
ALARM = 1e-3
DISCRETE = [enumeration.BINARY, enumeration.MIXED]
WIDE = make_units([BERNOULLI] * 25)  # neither layer is enumerated where hidden is wide


def chances(units, machine, rows):
    return softmax(unnormalised(features(rows, units), units, machine))


def assert_drawn_from(rows, drawn, p):
    """Chi-square test of drawn rows; states of less than 5 expected are pooled."""
    n = len(drawn)
    at = (drawn[:, None] == rows).all(axis=2)
    assert at.any(axis=1).all()
    counts = np.bincount(at.argmax(axis=1), minlength=len(rows))
    rare = n * p < 5.0
    counts = np.append(counts[~rare], counts[rare].sum())
    expected = np.append(n * p[~rare], n * p[rare].sum())
    kept = expected > 0.0
    statistic = np.sum((counts[kept] - expected[kept]) ** 2 / expected[kept])
    assert statistic < chi2.isf(ALARM, kept.sum() - 1)


def reference(units):
    return np.zeros(units.n_features)


@pytest.mark.parametrize("n_hidden", [3, 25])
@pytest.mark.parametrize("units", DISCRETE)
def test_exact_draws(units, n_hidden):
    machine = enumeration.random_machine(units, n_hidden, scale=0.6)
    rng = np.random.default_rng(0)
    drawn = chains.draw(machine, units, reference(units), 20_000, rng)
    rows = enumeration.all_rows(units)
    assert chains.draws_are_exact(units, n_hidden)
    assert_drawn_from(rows, values(drawn, units), chances(units, machine, rows))


@pytest.mark.parametrize("units", DISCRETE)
def test_replicas_leave_the_distribution_as_it_is(units):
    # Started at exact draws of every temperature, after 3 sweeps with exchanges they
    # are draws again: 4000 independent ones at the highest.
    machine = enumeration.random_machine(units, 5, seed=2)
    rungs, rng = np.array([0.0, 0.4, 1.0], np.float32), np.random.default_rng(0)
    start = []
    for beta in rungs:
        between = Machine(
            *(np.float64(beta) * a for a in machine[:3]), machine.precision
        )
        start.append(chains.draw(between, units, reference(units), 4000, rng))
    path = path_between(reference(units), machine, units)
    replicas = np.stack(start, axis=1).astype(np.float32)
    kept, last, rates = run_replicas(replicas, rungs, 3, 1, path, rng)
    rows = enumeration.all_rows(units)
    np.testing.assert_array_equal(kept[-1], last[:, -1])
    assert (rates > 0.3).all()
    for beta, drawn in zip(rungs, np.moveaxis(last, 1, 0), strict=True):
        p = softmax(
            unnormalised(
                features(rows, units),
                units,
                Machine(*(np.float64(beta) * a for a in machine[:3]), machine[3]),
            )
        )
        assert_drawn_from(rows, values(drawn.astype(np.float64), units), p)


def test_replicas_of_gaussian_units_leave_the_distribution_as_it_is():
    units = enumeration.with_gaussian()
    machine = enumeration.random_machine(units, 4, seed=1)
    rng = np.random.default_rng(0)
    start = chains.draw(machine, units, reference(units), 4000, rng)
    path = path_between(reference(units), machine, units)
    one = np.ones(1, np.float32)
    kept, _, _ = run_replicas(start[:, None].astype(np.float32), one, 2, 2, path, rng)
    grid = np.linspace(-15.0, 15.0, 3001)
    rows = enumeration.all_rows(units, grid)
    p = chances(units, machine, rows)
    density = np.array([p[rows[:, 1] == x].sum() for x in grid])
    for drawn in (start, kept[0]):

        def cdf(x):
            return np.interp(x, grid + 0.005, np.cumsum(density))

        assert kstest(drawn[:, 1], cdf).pvalue > ALARM


def two_modes():
    """Nearly all zeros or, as often, nearly all ones: Gibbs sweeps alone stay there."""
    weights = np.full((25, 25), 0.6)
    return Machine(weights, np.full(25, -7.5), np.full(25, -7.5), np.ones(25))


def test_replicas_move_between_modes():
    rng = np.random.default_rng(0)
    machine = two_modes()
    arguments = machine, WIDE, reference(WIDE), 4000, rng
    kept, rates = chains.draw_chains(*arguments, n_chains=40, thinning=5)
    ones = kept.mean(axis=2) > 0.5
    moved = (ones[1:] != ones[:-1]).any(axis=0)
    assert 0.3 < ones.mean() < 0.7
    assert moved.mean() > 0.5
    diagnosis = chains.diagnose(kept, rates, WIDE, machine)
    assert diagnosis.r_hat < 1.1
    assert diagnosis.n_draws == 4000
    assert 40.0 < diagnosis.effective_sample_size < 4000.0
    assert len(diagnosis.exchange_rates) >= 2


@pytest.mark.parametrize("n_draws", [1, 7, 250])
def test_number_of_draws(n_draws):
    rng = np.random.default_rng(0)
    machine = two_modes()
    options = {"n_chains": 100, "burn_in": 0, "thinning": 1}
    F = chains.draw(machine, WIDE, reference(WIDE), n_draws, rng, **options)
    assert F.shape == (n_draws, 25)
    assert F.dtype == np.float64


def test_same_draws_on_threads():
    def draw(run):
        rng = np.random.default_rng(0)
        starts = np.ones((2, 25), np.float32)
        return chains.draw(
            two_modes(), WIDE, reference(WIDE), 200, rng, run=run, starts=starts
        )

    with workers(3) as run:
        np.testing.assert_array_equal(draw(run), draw(map))


def given(units, machine, x):
    """Completions of a row and their probabilities."""
    rows = enumeration.all_rows(units)
    rows = rows[np.all(np.isnan(x) | (rows == x), axis=1)]
    return rows, chances(units, machine, rows)


def conditioned(units, monkeypatch, exact):
    """A machine, a row with three gaps, and whether states are enumerated."""
    if not exact:
        monkeypatch.setattr(chains, "MAX_DRAWN_STATES", 1)
    x = np.array(enumeration.all_rows(units)[-2])
    x[[0, 2, 3]] = np.nan
    return x


@pytest.mark.parametrize(("n_hidden", "exact"), [(3, True), (25, True), (4, False)])
@pytest.mark.parametrize("units", DISCRETE)
def test_draws_given_observed_units(units, n_hidden, exact, monkeypatch):
    machine = enumeration.random_machine(units, n_hidden, seed=4, scale=0.6)
    x = conditioned(units, monkeypatch, exact)
    rng, n = np.random.default_rng(0), 6000 if exact else 400
    F = features(np.tile(x, (n, 1)), units)
    filled = chains.draw_missing(F, units, machine, reference(units), np.empty(0), rng)
    rows, p = given(units, machine, x)
    assert_drawn_from(rows, values(filled, units), p)


@pytest.mark.parametrize(
    ("n_hidden", "exact", "tolerance"),
    [(3, True, 1e-10), (25, True, 1e-10), (4, False, 0.15)],
)
@pytest.mark.parametrize("units", DISCRETE)
def test_means_given_observed_units(units, n_hidden, exact, tolerance, monkeypatch):
    machine = enumeration.random_machine(units, n_hidden, seed=4, scale=0.6)
    x = conditioned(units, monkeypatch, exact)
    rows, p = given(units, machine, x)
    F = features(np.stack([x, rows[0]]), units)
    got = chains.mean_missing(F, units, machine, reference(units), np.empty(0))
    np.testing.assert_allclose(got[0], p @ features(rows, units), atol=tolerance)
    np.testing.assert_array_equal(got[1], F[1])


def test_chains_of_few_steps_count_by_their_weights(monkeypatch):
    # Modes of 24 and 76 %, either of which chains of 8 steps reach as often: without
    # weights means are near 0.54. A mean of 400 draws has a deviation of 0.021.
    monkeypatch.setattr(chains, "MAX_DRAWN_STATES", 1)
    monkeypatch.setattr(_partition, "_ROW_TEMPERATURES", 8)
    monkeypatch.setattr(chains, "_DRAWN_CHAINS", 100)
    monkeypatch.setattr(chains, "_MEAN_CHAINS", 3000)
    units = enumeration.BINARY
    machine = Machine(
        np.full((4, 6), 2.5), np.full(6, -4.8), np.full(4, -7.5), np.ones(6)
    )
    x = np.full(6, np.nan)
    rows, p = given(units, machine, x)
    arguments = units, machine, reference(units), np.empty(0)
    got = chains.mean_missing(x[None], *arguments)[0]
    np.testing.assert_allclose(got, p @ rows, atol=0.04)
    rng = np.random.default_rng(0)
    drawn = chains.draw_missing(np.tile(x, (400, 1)), *arguments, rng)
    np.testing.assert_allclose(drawn.mean(axis=0), p @ rows, atol=0.07)


def test_rows_of_many_patterns_keep_what_is_observed():
    units = enumeration.MIXED
    machine = enumeration.random_machine(units, 4)
    rng = np.random.default_rng(0)
    X = enumeration.all_rows(units)
    X[rng.random(X.shape) < 0.5] = np.nan
    F = features(X, units)
    for filled in (
        chains.draw_missing(F, units, machine, reference(units), np.empty(0), rng),
        chains.mean_missing(F, units, machine, reference(units), np.empty(0)),
    ):
        assert not np.isnan(filled).any()
        np.testing.assert_array_equal(filled[~np.isnan(F)], F[~np.isnan(F)])


def test_same_draws_of_gaps_on_threads(monkeypatch):
    monkeypatch.setattr(chains, "MAX_DRAWN_STATES", 1)
    units = enumeration.MIXED
    machine = enumeration.random_machine(units, 4)
    X = enumeration.all_rows(units)[::17]
    X[:, ::2] = np.nan
    F = features(X, units)

    def filled(run):
        arguments = F, units, machine, reference(units), np.empty(0)
        drawn = chains.draw_missing(*arguments, np.random.default_rng(0), run=run)
        return drawn, chains.mean_missing(*arguments, run=run)

    with workers(3) as run:
        for got, want in zip(filled(run), filled(map), strict=True):
            np.testing.assert_array_equal(got, want)


def autoregressive(rho, n, n_chains, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, n_chains))
    for t in range(1, n):
        x[t] = rho * x[t - 1] + np.sqrt(1.0 - rho**2) * x[t]
    return x


@pytest.mark.parametrize("rho", [-0.3, 0.0, 0.5, 0.9])
def test_effective_sample_size_of_autoregressive_chains(rho):
    x = autoregressive(rho, 2000, 8)
    want = x.size * (1.0 - rho) / (1.0 + rho)
    assert diagnostics.effective_sample_size(x) == pytest.approx(want, rel=0.2)


def test_r_hat_sees_shifts_and_unlike_spreads():
    x = autoregressive(0.0, 500, 8)
    assert diagnostics.r_hat(x) < 1.01
    shifted, spread = x.copy(), x.copy()
    shifted[:, 0] += 2.0
    spread[:, 0] *= 4.0
    trend = x + np.linspace(-1.0, 1.0, 500)[:, None]
    for bad in (shifted, spread, trend):
        assert diagnostics.r_hat(bad) > 1.03
    assert diagnostics.r_hat(np.ones((500, 8))) == 1.0
    # ranks alone count
    assert diagnostics.r_hat(norm.cdf(x)) == pytest.approx(diagnostics.r_hat(x), 1e-3)


def test_constants_in_all_but_one_chain_do_not_agree():
    x = np.zeros((100, 4))
    x[:, 0] = 1.0
    assert diagnostics.r_hat(x) > 1e6
    assert diagnostics.effective_sample_size(np.zeros((100, 4))) == 400.0


@pytest.mark.parametrize(
    ("n_hidden", "exact", "tolerance"),
    [(3, True, 1e-10), (25, True, 1e-10), (4, False, 0.1)],
)
@pytest.mark.parametrize("units", DISCRETE)
def test_hidden_units_given_observed_ones(
    units, n_hidden, exact, tolerance, monkeypatch
):
    machine = enumeration.random_machine(units, n_hidden, seed=4, scale=0.6)
    x = conditioned(units, monkeypatch, exact)
    rows, p = given(units, machine, x)
    F = features(np.stack([x, rows[0], x]), units)
    got = chains.mean_hidden(F, units, machine, reference(units), np.empty(0))
    want = hidden_mean(features(rows, units), machine)
    np.testing.assert_allclose(got[0], p @ want, atol=tolerance)
    np.testing.assert_array_equal(got[2], got[0])
    np.testing.assert_allclose(got[1], want[0])
