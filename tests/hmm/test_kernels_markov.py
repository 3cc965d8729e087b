"""Kernels of hidden Markov models as compiled code: equal to their Python; types."""

import numpy as np
import pytest

from sklearn_gen._kernels import (
    autoregression,
    markov,
    markov_exact,
    markov_gaussian,
    markov_mixture,
    markov_paths,
    markov_runs,
    markov_tables,
)
from sklearn_gen.hmm._layout import lay_out
from sklearn_gen.hmm._sequences import Sequences
from tests.hmm.problems import random_chain
from tests.test_kernels_compiled import _fields, _name, _python

TOLERANCE = {np.float64: 1e-12, np.float32: 1e-4}


def calls(dtype):
    """Every kernel with arguments."""
    rng = np.random.default_rng(0)
    K, D, n = 5, 3, 90
    # whole sequences, and one in many parts
    lengths = np.array([3, 1, 80, 6])
    starts = np.r_[0, np.cumsum(lengths)[:-1]]
    (piece,) = lay_out(Sequences(starts, lengths), K, dtype).pieces
    piece = piece._replace(own=piece.own & (piece.sequence != 1))
    rows = piece.rows()
    chain = random_chain(K, rng)
    log_prob = rng.normal(size=(n, K)).astype(dtype)
    log_prob[rng.random((n, K)) < 0.05] = -np.inf
    start, transitions = chain.arguments(dtype)
    logs = chain.logarithms().arguments(dtype)
    group = piece.first, piece.lengths, piece.enter
    lanes = np.ascontiguousarray(log_prob[rows].T)
    vectors = np.full((1, K), 1 / K, dtype), np.ones((1, K), dtype)
    weight = np.full(piece.lengths.shape, 0.7, dtype)
    none, uniforms = np.zeros(0, np.int64), rng.random(n).astype(dtype)
    exact = log_prob.astype(np.float64)
    exact_logs = [x.astype(np.float64) for x in chain.logarithms()]
    X = rng.normal(size=(n, D)).astype(dtype)
    means = rng.normal(size=(K, D)).astype(dtype)
    scales = rng.uniform(0.5, 2.0, (K, D)).astype(dtype)
    triangles = (scales[:, :, None] * np.triu(np.ones((D, D)))).astype(dtype)
    log_det = np.log(scales).sum(axis=1)
    gamma = rng.dirichlet(np.ones(K), n).T.astype(dtype)
    codes = rng.integers(-1, 3, (n, 2)).astype(np.int32)
    first = np.array([0, 3, 6])
    tables = np.log(rng.random((K, 6))).astype(dtype)
    after = *group, piece.leave
    parts = rng.normal(size=(K, 3, n)).astype(dtype)
    parts[0, :, 7] = parts[2, 1, 9] = -np.inf
    log_shares = np.log(rng.dirichlet(np.ones(3), K)).astype(dtype)
    todo, wide = rng.random(n) < 0.5, X.astype(np.float64)
    wide[20] = np.nan
    return {
        markov.smooth: (
            *(lanes, *after, piece.own, weight),
            *(start, transitions, *vectors),
        ),
        markov.filtered: (lanes, *group, start, transitions, vectors[0], True),
        markov.rows_of_lanes: (piece.first, piece.starts, piece.lengths),
        markov.taken: (X, rows),
        markov_paths.viterbi: (lanes, *after, *logs, vectors[0], none),
        markov_paths.drawn_paths: (
            *(lanes, *after, start, transitions, vectors[0], none),
            uniforms[rows],
        ),
        markov_paths.simulate: (
            *(uniforms.astype(np.float64), np.r_[starts, n]),
            *chain.arguments(np.float64),
        ),
        markov_runs.smooth_runs: (
            # nine runs of three states: more than a vector
            *(rng.normal(size=(27, 20)).astype(dtype), np.array([1, 12, 7])),
            np.array([1.0, 0.5, 0.0], dtype),
            rng.dirichlet(np.ones(3), 9).astype(dtype),
            rng.dirichlet(np.ones(3), (9, 3)).astype(dtype),
        ),
        markov_exact.smooth_exactly: (exact, *exact_logs),
        markov_exact.draw_exactly: (
            np.where(np.isfinite(exact), exact, -50.0),
            *(exact_logs[1], uniforms.astype(np.float64)),
        ),
        markov_exact.best_paths: (exact[:12], *exact_logs, 4),
        markov_gaussian.full_log_densities: (X, means, triangles, log_det),
        markov_gaussian.diag_log_densities_of: (X, means, scales, log_det),
        markov_gaussian.full_given_moments: (X, gamma, means),
        markov_gaussian.diag_given_moments: (X, gamma, means),
        markov_mixture.state_log_densities: (parts, log_shares),
        markov_mixture.split_by_component: (parts, log_shares, gamma),
        autoregression.follow: (
            *(wide, todo, starts, lengths, rng.integers(K, size=n)),
            *(rng.normal(size=(K, 2 * D + 1, D)) / 9, wide + 1.0, wide - 1.0),
        ),
        markov_tables.table_log_prob: (tables, first, codes),
        markov_tables.table_counts: (gamma, first, codes),
    }


def padding(kernel, dtype, results):
    """Set what pads groups to 0: nobody reads it."""
    if kernel is not markov_paths.viterbi and kernel is not markov_paths.drawn_paths:
        return results
    (first, lengths), states = calls(dtype)[kernel][1:3], results[0].copy()
    L = lengths.shape[1]
    for g in range(len(lengths)):
        group = states[first[g] : first[g + 1]].reshape(-1, L)
        group[np.arange(len(group))[:, None] >= lengths[g]] = 0
    return states, *results[1:]


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_kernels_equal_their_python(dtype, tmp_path):
    # In a child process where nothing is compiled: see test_kernels_compiled.
    code = (
        "import sys, numpy as np, tests.hmm.test_kernels_markov as t\n"
        "np.seterr(all='ignore')\n"
        "calls = t.calls(np.dtype(sys.argv[2]).type).items()\n"
        "assert all(k._compiled is k.py_func for k, _ in calls)\n"
        "np.save(sys.argv[1], {t._name(k): tuple(t._fields(k(*a))) for k, a in calls})"
    )
    path = tmp_path / "plain.npy"
    _python(code, str(path), np.dtype(dtype).name, NUMBA_DISABLE_JIT="1")
    plain = np.load(path, allow_pickle=True).item()
    for kernel, arguments in calls(dtype).items():
        got = padding(kernel, dtype, _fields(kernel(*arguments)))
        want = padding(kernel, dtype, plain[_name(kernel)])
        for a, b in zip(got, want, strict=True):
            np.testing.assert_allclose(
                a,
                b,
                rtol=TOLERANCE[dtype],
                atol=TOLERANCE[dtype],
                err_msg=_name(kernel),
            )


def test_rows_are_taken():
    X, rows = calls(np.float64)[markov.taken]
    np.testing.assert_array_equal(markov.taken(X, rows), X[rows])


def test_one_signature_per_dtype():
    for dtype in TOLERANCE:
        for kernel, arguments in calls(dtype).items():
            want = _fields(kernel(*arguments))
            read_only = []
            for argument in arguments:
                if isinstance(argument, np.ndarray):
                    argument = argument.copy()
                    argument.flags.writeable = False
                read_only.append(argument)
            for a, b in zip(_fields(kernel(*read_only)), want, strict=True):
                np.testing.assert_array_equal(a, b)
    for kernel in calls(np.float64):
        # rows that are taken may also be codes of levels
        n_dtypes = len(TOLERANCE) + (kernel is markov.taken)
        assert 1 <= len(kernel.signatures) <= n_dtypes, kernel.__name__


def test_gamma_is_split_by_the_posterior():
    parts, log_shares, gamma = calls(np.float64)[markov_mixture.split_by_component]
    joint = parts + log_shares[:, :, None]
    with np.errstate(divide="ignore"):
        densities = np.log(np.exp(joint).sum(axis=1))
    posterior = np.exp(joint - np.where(np.isfinite(densities), densities, 0)[:, None])
    np.testing.assert_allclose(
        markov_mixture.state_log_densities(parts, log_shares), densities, atol=1e-13
    )
    split = markov_mixture.split_by_component(parts, log_shares, gamma)
    np.testing.assert_allclose(split, gamma[:, None] * posterior, atol=1e-13)
    assert not split[0, :, 7].any()
