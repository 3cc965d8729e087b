"""Sequences in many parts side by side: equal to one pass from first row to last."""

import numpy as np
import pytest

from sklearn_gen.hmm._layout import lay_out
from sklearn_gen.hmm._recursions import Chain
from sklearn_gen.hmm._sequences import Sequences
from tests.hmm.enumeration import long_double
from tests.hmm.problems import (
    random_chain,
    recursions_of,
    row_stats,
    slices_of,
)


def sequential(log_prob, chain):
    """One scaled pass forward and one backward, row by row."""
    start, transitions = chain
    T, K = log_prob.shape
    shift = log_prob.max(axis=1)
    b = np.exp(log_prob - shift[:, None])
    alpha, beta, c = np.empty((T, K)), np.ones((T, K)), np.empty(T)
    for t in range(T):
        alpha[t] = b[t] * (start if t == 0 else alpha[t - 1] @ transitions)
        c[t] = alpha[t].sum()
        alpha[t] /= c[t]
    for t in range(T - 2, -1, -1):
        beta[t] = transitions @ (b[t + 1] * beta[t + 1]) / c[t + 1]
    after = b[1:] * beta[1:] / c[1:, None]
    return np.log(c) + shift, alpha, alpha * beta, alpha[:-1].T @ after * transitions


def best_score(log_prob, chain):
    """Log probability of the best path."""
    with np.errstate(divide="ignore"):
        start, transitions = np.log(chain.start), np.log(chain.transitions)
    best = start + log_prob[0]
    for row in log_prob[1:]:
        best = (best[:, None] + transitions).max(axis=0) + row
    return best.max()


def score_of(states, log_prob, chain):
    """Log probability of a path."""
    with np.errstate(divide="ignore"):
        start, transitions = np.log(chain.start), np.log(chain.transitions)
    jumps = transitions[states[:-1], states[1:]].sum()
    return start[states[0]] + jumps + log_prob[np.arange(len(states)), states].sum()


def chains(K, rng):
    """Chains that forget at once, within the rows that parts share, hardly, and never.

    Borders nearly agree on slow ones: not to as many digits as results should have.
    """
    right = 0.9999 * np.eye(K) + 0.0001 * np.eye(K, k=1)
    right[-1, -1] = 1.0
    sticky = np.full((K, K), 0.0001 / (K - 1))
    np.fill_diagonal(sticky, 0.9999)
    first, share = np.eye(K)[0], rng.dirichlet(np.ones(K))
    return {
        "ergodic": random_chain(K, rng),
        "slow": Chain(np.full(K, 1 / K), 0.95 * np.eye(K) + 0.05 * share),
        "sticky": Chain(np.full(K, 1 / K), sticky),
        "left-right": Chain(first, right),
        "deterministic": Chain(first, np.roll(np.eye(K), 1, axis=1)),
        "separate": Chain(np.full(K, 1 / K), np.eye(K)),
    }


KINDS = ("ergodic", "slow", "sticky", "left-right", "deterministic", "separate")
LENGTHS = ([9001], [15_000, 3, 700])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lengths", LENGTHS, ids=len)
def test_parts_equal_one_pass(kind, lengths):
    rng = np.random.default_rng(1)
    K = 8
    chain = chains(K, rng)[kind]
    # rows that say little, so that only the chain can make it forget
    log_prob = 0.01 * rng.normal(size=(sum(lengths), K)) - 5.0
    runs = recursions_of(log_prob, chain, lengths)
    assert len(runs.layout.pieces) > 1 or len(runs.layout.pieces[0].lengths) > 1
    want = [sequential(log_prob[rows], chain) for rows in slices_of(lengths)]
    scores, filtered, gamma = (
        np.concatenate([one[i] for one in want]) for i in range(3)
    )
    close = {"rtol": 1e-10, "atol": 1e-12}
    got, sums = runs.expect(row_stats)
    np.testing.assert_allclose(got.log_likelihood, scores.sum(), rtol=1e-10)
    np.testing.assert_allclose(got.transitions, sum(one[3] for one in want), **close)
    np.testing.assert_allclose(sums.s0, gamma.sum(axis=0), rtol=1e-10)
    np.testing.assert_allclose(sums.s1, np.arange(len(gamma)) @ gamma, rtol=1e-10)
    np.testing.assert_allclose(runs.smooth(), gamma, **close)
    got_scores, got_filtered = runs.filter()
    np.testing.assert_allclose(got_scores, scores, rtol=1e-10)
    np.testing.assert_allclose(got_filtered, filtered, **close)
    states, best = runs.viterbi()
    for s, rows in enumerate(slices_of(lengths)):
        wanted = best_score(log_prob[rows], chain)
        assert best[s] == pytest.approx(wanted, rel=1e-10)
        found = score_of(states[rows], log_prob[rows], chain)
        assert found == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_drawn_paths_are_those_of_one_pass(kind):
    rng = np.random.default_rng(2)
    K, T = 8, 9001
    chain = chains(K, rng)[kind]
    log_prob = 0.01 * rng.normal(size=(T, K))
    uniforms = rng.random(T)
    states = recursions_of(log_prob, chain).sample_paths(uniforms)
    _, filtered, _, _ = sequential(log_prob, chain)
    wanted, weights = np.empty(T, int), filtered[-1]
    for t in range(T - 1, -1, -1):
        cumulated = np.cumsum(weights)
        wanted[t] = np.searchsorted(cumulated, uniforms[t] * cumulated[-1], "right")
        weights = filtered[t - 1] * chain.transitions[:, wanted[t]]
    np.testing.assert_array_equal(states, wanted)


@pytest.mark.parametrize(("K", "scale"), [(2, 1.0), (5, 3.0), (9, 0.1)])
def test_long_double(K, scale):
    rng = np.random.default_rng(3)
    chain = random_chain(K, rng, sticky=3.0)
    log_prob = scale * rng.normal(size=(2000, K)) - 300.0
    log_prob[rng.random(2000) < 0.02] = 0.0
    want = long_double(log_prob, *chain)
    runs = recursions_of(log_prob, chain)
    scores, filtered = runs.filter()
    np.testing.assert_allclose(
        scores, want.scores.astype(float), rtol=1e-13, atol=1e-13
    )
    np.testing.assert_allclose(filtered, want.filtered.astype(float), atol=1e-13)
    np.testing.assert_allclose(runs.smooth(), want.gamma.astype(float), atol=1e-12)
    got, _ = runs.expect(None)
    total = float(want.scores.sum())
    assert got.log_likelihood == pytest.approx(total, rel=1e-14)
    pairs = want.transitions.astype(float)
    np.testing.assert_allclose(got.transitions, pairs, rtol=1e-11)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_same_bytes_for_every_n_jobs(dtype):
    rng = np.random.default_rng(4)
    lengths = [*rng.integers(1, 200, 300), 30_000]
    chain = random_chain(4, rng)
    log_prob = rng.normal(size=(sum(lengths), 4))
    uniforms = rng.random(len(log_prob))

    def everything(n_jobs):
        runs = recursions_of(log_prob, chain, lengths, n_jobs, dtype)
        got, sums = runs.expect(row_stats)
        return (
            *got,
            *sums,
            runs.smooth(),
            *runs.filter(),
            *runs.viterbi(),
            (runs.sample_paths(uniforms)),
        )

    alone = everything(None)
    for n_jobs in (2, 8):
        for a, b in zip(alone, everything(n_jobs), strict=True):
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


@pytest.mark.parametrize("K", [1, 8, 64, 300])
def test_layout_counts_every_row_once(K):
    rng = np.random.default_rng(5)
    for lengths in ([1], [5000], [200_000, 7], rng.integers(1, 60, 900), [300] * 40):
        lengths = np.asarray(lengths)
        starts = np.r_[0, np.cumsum(lengths)[:-1]]
        for dtype in (np.float64, np.float32):
            layout = lay_out(Sequences(starts, lengths), K, dtype)
            pairs = [(piece.rows(), piece.counted()) for piece in layout.pieces]
            for rows, (at, counted) in pairs:
                np.testing.assert_array_equal(rows[at], counted)
            rows = np.concatenate([counted for _, (_, counted) in pairs])
            np.testing.assert_array_equal(np.sort(rows), np.arange(lengths.sum()))
            n_worked = sum(len(rows) for rows, _ in pairs)
            assert n_worked <= 1.3 * lengths.sum() + 64 * lengths.max()
