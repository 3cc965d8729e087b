"""Recursions over hidden states against all paths, and against long double."""

import numpy as np
import pytest
from scipy.stats import chisquare

from sklearn_gen.hmm._paths import best_paths, simulate
from sklearn_gen.hmm._recursions import Chain
from tests.hmm.enumeration import all_paths
from tests.hmm.problems import (
    random_chain,
    recursions_of,
    row_stats,
    slices_of,
)

# relative for sums, absolute for probabilities
TOLERANCE = {np.float64: 1e-12, np.float32: 2e-5}
# The shares of repetitions in which a correct sampler fails, per test of its kind.
FALSE_ALARMS = 1e-4


def problem(K, seed, zeros=False, scale=2.0, lengths=(1, 2, 3, 4, 5, 6, 6, 1)):
    """Log densities of short sequences, a chain, and weights of sequences."""
    rng = np.random.default_rng(seed)
    chain = random_chain(K, rng)
    log_prob = scale * rng.normal(size=(sum(lengths), K)) - 50.0
    if zeros:
        log_prob[rng.random(log_prob.shape) < 0.15] = -np.inf
        transitions = np.where(rng.random((K, K)) < 0.3, 0.0, chain.transitions)
        transitions[np.arange(K), rng.integers(K, size=K)] += 0.1
        start = chain.start.copy()
        start[0] = 0.0
        chain = Chain(
            start / start.sum() if K > 1 else np.ones(1),
            transitions / transitions.sum(axis=1, keepdims=True),
        )
        log_prob[8] = -np.inf  # impossible
    log_prob[4] = 0.0  # a gap
    return log_prob, chain, list(lengths), rng.uniform(0.5, 2.0, len(lengths))


def oracles(log_prob, chain, lengths):
    return [all_paths(log_prob[rows], *chain) for rows in slices_of(lengths)]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("K", [1, 2, 3, 5])
def test_sums_over_all_paths(K, zeros, dtype):
    log_prob, chain, lengths, weight = problem(K, K, zeros)
    runs = recursions_of(log_prob, chain, lengths, dtype=dtype)
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    want = oracles(log_prob, chain, lengths)
    possible = np.array([np.isfinite(one.log_prob) for one in want])
    assert zeros != possible.all()
    gamma = np.concatenate([one.gamma for one in want])
    np.testing.assert_allclose(runs.smooth(), gamma, **close)
    got, sums = runs.expect(row_stats, weight)
    log_likelihoods = np.array([one.log_prob for one in want])
    np.testing.assert_allclose(got.log_likelihood, weight @ log_likelihoods, **close)
    rows = slices_of(lengths)
    start = sum(w * one.gamma[0] for w, one in zip(weight, want, strict=True))
    np.testing.assert_allclose(got.start, start, **close)
    pairs = sum(w * one.transitions for w, one in zip(weight, want, strict=True))
    np.testing.assert_allclose(got.transitions, pairs, **close)
    assert got.weight == pytest.approx(weight @ lengths)
    weighted = np.repeat(weight, lengths)[:, None] * gamma
    np.testing.assert_allclose(sums.s0, weighted.sum(axis=0), **close)
    np.testing.assert_allclose(sums.s1, np.arange(len(gamma)) @ weighted, **close)
    # forgotten sequences, however impossible, leave the sums of the others
    weight[~possible] = 0.0
    got, _ = runs.expect(None, weight)
    assert got.log_likelihood == pytest.approx(
        weight[possible] @ log_likelihoods[possible], rel=TOLERANCE[dtype]
    )
    scores, filtered = runs.filter()
    predicted = runs.predict()
    for s, part in enumerate(rows):
        assert scores[part].sum() == pytest.approx(
            log_likelihoods[s], rel=TOLERANCE[dtype]
        )
        for t in range(part.stop - part.start):
            so_far = all_paths(log_prob[part][: t + 1], *chain)
            np.testing.assert_allclose(filtered[part][t], so_far.gamma[-1], **close)
            ahead = chain.start
            if t > 0:
                before = all_paths(log_prob[part][:t], *chain)
                ahead = before.gamma[-1] @ chain.transitions
            np.testing.assert_allclose(predicted[part][t], ahead, **close)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("K", [1, 2, 3, 5])
def test_best_paths(K, zeros, dtype):
    log_prob, chain, lengths, _ = problem(K, 10 + K, zeros)
    runs = recursions_of(log_prob, chain, lengths, dtype=dtype)
    states, scores = runs.viterbi()
    sequences = runs.layout.sequences
    lists, list_scores = best_paths(sequences, chain, *rows_of(log_prob), 4)
    for s, (rows, want) in enumerate(
        zip(slices_of(lengths), oracles(log_prob, chain, lengths), strict=True)
    ):
        n_paths = min(4, np.isfinite(want.log_joint).sum())
        assert scores[s] == pytest.approx(want.log_joint[0], rel=TOLERANCE[dtype])
        best = want.paths[0] if n_paths else -1
        if dtype == np.float64 or n_paths == 0:
            np.testing.assert_array_equal(states[rows], best)
        np.testing.assert_allclose(
            list_scores[s, :n_paths], want.log_joint[:n_paths], rtol=1e-12
        )
        np.testing.assert_array_equal(lists[:n_paths, rows], want.paths[:n_paths])
        assert np.isneginf(list_scores[s, n_paths:]).all()
        assert (lists[n_paths:, rows] == -1).all()


def rows_of(log_prob):
    """`take` and `log_prob` of rows whose log densities are given."""
    return lambda rows: rows, log_prob.__getitem__


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("zeros", [False, True])
def test_drawn_paths_follow_the_posterior(zeros, dtype):
    rng = np.random.default_rng(20)
    length, n_draws = 4, 20_000
    log_prob, chain, *_ = problem(3, 24, zeros, 1.0, (length,) * 3)
    want = all_paths(log_prob[:length], *chain)
    assert np.isfinite(want.log_prob)
    many = np.tile(log_prob[:length], (n_draws, 1))
    runs = recursions_of(many, chain, [length] * n_draws, dtype=dtype)
    states = runs.sample_paths(rng.random(len(many))).reshape(n_draws, length)
    assert_frequencies(states, want.paths, np.exp(want.log_joint - want.log_prob))
    runs = recursions_of(log_prob, chain, [length] * 3, dtype=dtype)
    states = runs.sample_paths(rng.random(len(log_prob)))
    if zeros:
        assert (states[8:] == -1).all()
    assert (states[:8] >= 0).all() == np.isfinite(runs.filter()[0][:8]).all()


def assert_frequencies(states, paths, probabilities):
    """Chi-square of the paths that were drawn; rare ones together."""
    _, T = states.shape
    K = paths.max() + 1
    code = (K ** np.arange(T)).astype(int)
    counts = np.bincount(states @ code, minlength=K**T)[paths @ code]
    assert counts.sum() == len(states)
    assert counts[probabilities == 0.0].sum() == 0
    expected = len(states) * probabilities
    rare = expected < 10
    if rare.any():
        counts = np.r_[counts[~rare], counts[rare].sum()]
        expected = np.r_[expected[~rare], expected[rare].sum()]
    keep = expected > 0
    assert chisquare(counts[keep], expected[keep]).pvalue > FALSE_ALARMS


@pytest.mark.parametrize("with_zeros", [False, True])
def test_simulated_paths_follow_the_chain(with_zeros):
    _, chain, *_ = problem(3, 30, with_zeros)
    T, n_draws = 4, 20_000
    want = all_paths(np.zeros((T, 3)), *chain)
    rng = np.random.default_rng(31)
    states = simulate(chain, np.full(n_draws, T), rng).reshape(n_draws, T)
    assert_frequencies(states, want.paths, np.exp(want.log_joint))
    again = simulate(chain, np.full(n_draws, T), np.random.default_rng(31))
    np.testing.assert_array_equal(states.ravel(), again)
    # a first state of each sequence's own
    start = np.eye(3)[rng.integers(3, size=50)]
    lengths = rng.integers(1, 4, 50)
    states = simulate(chain, lengths, rng, start)
    first = np.r_[0, np.cumsum(lengths)[:-1]]
    np.testing.assert_array_equal(states[first], start.argmax(axis=1))


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_densities_too_small_to_scale(dtype):
    # The row's most likely state can't be reached: what is left is e^-1000 of it.
    start, transitions = (
        np.array([1.0, 0, 0]),
        np.array([[0.5, 0.5, 0], [0, 0.5, 0.5], [0, 0, 1.0]]),
    )
    rng = np.random.default_rng(40)
    log_prob = rng.normal(size=(40, 3))
    log_prob[10:12] += [-1000.0, -2000.0, 0.0]
    log_prob[25] += [-3000.0, -1000.0, 0.0]
    lengths = [6, 4, 6, 4, 5, 5, 5, 5]
    chain = Chain(start, transitions)
    runs = recursions_of(log_prob, chain, lengths, dtype=dtype)
    want = oracles(log_prob, chain, lengths)
    gamma = np.concatenate([one.gamma for one in want])
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    np.testing.assert_allclose(runs.smooth(), gamma, **close)
    got, sums = runs.expect(row_stats)
    total = sum(one.log_prob for one in want)
    assert got.log_likelihood == pytest.approx(total, rel=TOLERANCE[dtype])
    pairs = sum(one.transitions for one in want)
    np.testing.assert_allclose(got.transitions, pairs, **close)
    np.testing.assert_allclose(sums.s1, np.arange(40) @ gamma, rtol=TOLERANCE[dtype])
    assert runs.filter()[0].sum() == pytest.approx(total, rel=TOLERANCE[dtype])
    assert (runs.sample_paths(rng.random(40)) >= 0).all()
