"""The kernels of mixtures of tables against plain numpy."""

import os
import subprocess
import sys

import numpy as np
import pytest
from scipy.special import logsumexp

from sklearn_gen._kernels.table import table_moments, table_posterior

N = 57
# components, and what they are padded to
SIZES = [(1, 32), (3, 32), (32, 32), (40, 64), (130, 160)]
NOTHING = np.empty(0)


def problem(n_components, padded, n_columns, seed=0, impossible=0):
    """Stacked tables, codes and weights; `impossible` components weigh nothing."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 7, n_columns)
    starts = np.r_[0, np.cumsum(sizes)].astype(int)
    tables = np.zeros((max(1, starts[-1]), padded))
    codes = np.empty((N, n_columns), dtype=np.int32)
    for j, size in enumerate(sizes):
        shares = rng.dirichlet(np.ones(size), n_components).T
        tables[starts[j] : starts[j + 1], :n_components] = np.log(shares)
        codes[:, j] = starts[j] + rng.integers(size, size=N)
    log_weights = np.full(padded, -np.inf)
    log_weights[:n_components] = np.log(rng.dirichlet(np.ones(n_components)))
    log_weights[:impossible] = -np.inf
    others = np.zeros((N, padded))
    others[:, :n_components] = 3.0 * rng.normal(size=(N, n_components))
    return tables, log_weights, codes, others, rng.uniform(0.1, 3.0, N)


def oracle(tables, log_weights, codes, others):
    joint = np.tile(log_weights, (len(codes), 1))
    for j in range(codes.shape[1]):
        joint = joint + tables[codes[:, j]]
    if len(others):
        joint = joint + others
    with np.errstate(invalid="ignore"):
        log_prob = logsumexp(joint, axis=1)
        resp = np.exp(joint - log_prob[:, None])
    return log_prob, np.nan_to_num(resp)


def oracle_sums(tables, log_weights, codes, others, weight):
    log_prob, resp = oracle(tables, log_weights, codes, others)
    weight = weight if len(weight) else np.ones(len(codes))
    r = weight[:, None] * resp
    counts = np.zeros_like(tables)
    for j in range(codes.shape[1]):
        np.add.at(counts, codes[:, j], r)
    return weight @ log_prob, r.sum(axis=0), counts, r


def assert_sums(got, want):
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("n_columns", range(6))
def test_posterior(size, n_columns):
    *given, _ = problem(*size, n_columns)
    for others in (given[3], np.empty((0, size[1]))):
        log_prob, resp = oracle(*given[:3], others)
        got = table_posterior(*given[:3], others, True)
        np.testing.assert_allclose(got.log_prob, log_prob, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(got.resp, resp, rtol=1e-11, atol=1e-300)
        without = table_posterior(*given[:3], others, False)
        np.testing.assert_array_equal(without.log_prob, got.log_prob)
        assert without.resp.shape == (0, size[1])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("n_columns", range(6))
def test_moments(size, n_columns):
    *given, weight = problem(*size, n_columns)
    for others in (given[3], np.empty((0, size[1]))):
        for w in (weight, NOTHING):
            want = oracle_sums(*given[:3], others, w)
            assert_sums(table_moments(*given[:3], others, w, 0.0, True), want)
    without = table_moments(*given[:3], others, NOTHING, 0.0, False)
    assert without.resp.shape == (0, size[1])
    assert_sums(without[:3], want[:3])


@pytest.mark.parametrize("cutoff", [1e-5, 0.1])
def test_small_groups_are_left_out(cutoff):
    *given, weight = problem(130, 160, 3)
    want = oracle_sums(*given, weight)
    got = table_moments(*given, weight, cutoff, True)
    assert got.log_likelihood == pytest.approx(want[0], rel=1e-12)
    groups = want[3].reshape(N, -1, 32).sum(axis=2) / weight[:, None]
    assert np.abs(groups - cutoff).min() > 1e-9  # none on the edge
    kept = np.repeat(groups > cutoff, 32, axis=1)
    assert 0 < (~kept).sum() < kept.size or cutoff == 1e-5
    np.testing.assert_allclose(got.resp, np.where(kept, want[3], 0.0), rtol=1e-11)
    np.testing.assert_allclose(got.s0, got.resp.sum(axis=0), rtol=1e-11, atol=1e-300)
    assert got.s0.sum() >= (1 - 5 * cutoff) * weight.sum()


def test_components_and_rows_that_are_impossible():
    tables, log_weights, codes, others, weight = problem(6, 32, 3, impossible=2)
    tables[codes[0, 1], :5] = -np.inf
    others[1, :6] = -np.inf  # impossible under all
    got = table_posterior(tables, log_weights, codes, others, True)
    log_prob, resp = oracle(tables, log_weights, codes, others)
    assert got.log_prob[1] == -np.inf
    assert not got.resp[1].any()
    np.testing.assert_allclose(got.log_prob, log_prob, rtol=1e-12)
    np.testing.assert_allclose(got.resp, resp, rtol=1e-11, atol=1e-300)
    sums = table_moments(tables, log_weights, codes, others, weight, 0.0, True)
    assert sums.log_likelihood == -np.inf
    np.testing.assert_allclose(sums.s0, weight @ resp, rtol=1e-11)
    weight[1] = 0.0  # a row without weight changes nothing, however impossible
    sums = table_moments(tables, log_weights, codes, others, weight, 0.0, True)
    want = weight[weight > 0] @ log_prob[weight > 0]
    assert sums.log_likelihood == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("shift", [-1e5, 1e5])
def test_far_from_zero(shift):
    *given, _ = problem(5, 32, 2)
    log_prob, resp = oracle(*given)
    given[3] = given[3] + shift
    got = table_posterior(*given, True)
    np.testing.assert_allclose(got.log_prob - shift, log_prob, atol=1e-9)
    np.testing.assert_allclose(got.resp, resp, rtol=1e-8, atol=1e-12)


def test_no_rows():
    tables, log_weights, *_ = problem(3, 32, 2)
    codes, others = np.empty((0, 2), np.int32), np.empty((0, 32))
    sums = table_moments(tables, log_weights, codes, others, NOTHING, 0.0, True)
    assert sums.log_likelihood == 0.0
    assert not sums.s0.any()
    assert not sums.counts.any()
    got = table_posterior(tables, log_weights, codes, others, True)
    assert got.log_prob.shape == (0,)
    assert got.resp.shape == (0, 32)


def calls():
    *given, weight = problem(40, 64, 3)
    given[2], given[3], weight = given[2][:9], given[3][:9], weight[:9]
    given[3][4] = -np.inf
    nothing = np.empty((0, 64))
    return [
        (table_moments, (*given, weight, 0.1, True)),
        (table_moments, (*given[:3], nothing, NOTHING, 0.0, False)),
        (table_posterior, (*given, True)),
        (table_posterior, (*given[:3], nothing, False)),
    ]


def test_equals_plain_python(tmp_path):
    # In a child process where nothing is compiled.
    code = (
        "import sys, numpy as np, tests.test_kernels_table as t\n"
        "np.seterr(all='ignore')\n"
        "assert all(k._compiled is k.py_func for k, _ in t.calls())\n"
        "found = [np.atleast_1d(a) for k, args in t.calls() for a in k(*args)]\n"
        "np.savez(sys.argv[1], *found)"
    )
    path = tmp_path / "plain.npz"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    subprocess.run([sys.executable, "-c", code, path], check=True, env=environment)
    with np.load(path) as file:
        plain = list(file.values())
    got = [array for kernel, args in calls() for array in kernel(*args)]
    for a, b in zip(got, plain, strict=True):
        np.testing.assert_allclose(np.atleast_1d(a), b, rtol=1e-12, atol=1e-13)


def test_one_signature():
    for kernel, args in calls() * 2:
        frozen = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
        for array in frozen:
            if isinstance(array, np.ndarray):
                array.setflags(write=False)
        for a, b in zip(kernel(*frozen), kernel(*args), strict=True):
            np.testing.assert_array_equal(a, b)
        assert len(kernel.signatures) == 1
