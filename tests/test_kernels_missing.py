"""Kernels for rows with missing cells, row by row against scipy; and as compiled code.

The oracle writes down the textbook for each row and component: scipy's density of the
observed cells, and the regression of the missing ones on them.
"""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

from sklearn_gen._kernels import missing
from tests.test_kernels import _assert_close, _assert_log_close
from tests.test_kernels_compiled import _fields, _python

# Condition numbers are below 1e4; the worst seen is a tenth of this.
TOLERANCE = 1e-11
# Means of 1e6 and deviations of 1e-3, where x - mean is exact.
FAR_TOLERANCE = 1e-10
NO_WEIGHT = np.empty(0)
# Columns around the widths of one and two vectors of 8; no row; one row.
SHAPES = [(1, 1, 1), (0, 3, 2), (40, 4, 3), (30, 8, 2), (30, 9, 1), (25, 17, 3)]


def problem(shape, seed=0, share=0.3, weighted=True):
    """Rows in random order, most with a pattern of their own, and a mixture."""
    n, d, K = shape
    rng = np.random.default_rng(seed)
    means = 2 * rng.normal(size=(K, d))
    X = means[rng.integers(K, size=n)] + rng.normal(size=(n, d))
    X[rng.random((n, d)) < share] = np.nan
    X[n // 2 : n // 2 + 2] = np.nan  # nothing known
    roots = rng.normal(size=(K, d, 2 * d + 1))
    return {
        "X": X,
        "sample_weight": rng.uniform(0, 2, size=n if weighted else 0),
        "log_weights": np.log(rng.dirichlet(np.ones(K))),
        "means": means,
        "covariances": roots @ roots.swapaxes(1, 2) / (2 * d + 1),
        "centers": means + rng.normal(size=(K, d)),
    }


def full_moments(p):
    names = ("X", "sample_weight", "log_weights", "means", "covariances", "centers")
    return missing.full_moments(*[p[name] for name in names])


def full_posterior(p, with_resp=True):
    names = ("X", "log_weights", "means", "covariances")
    return missing.full_posterior(*[p[name] for name in names], with_resp)


def diag_arguments(p):
    """Inverse deviations, and variances, of the covariances' diagonals."""
    variances = np.diagonal(p["covariances"], axis1=1, axis2=2).copy()
    return variances**-0.5, variances


def diag_moments(p):
    head = [p[name] for name in ("X", "sample_weight", "log_weights", "means")]
    return missing.diag_moments(*head, *diag_arguments(p), p["centers"])


def diag_posterior(p, with_resp=True):
    head = [p[name] for name in ("X", "log_weights", "means")]
    return missing.diag_posterior(*head, diag_arguments(p)[0], with_resp)


def oracle(p, covariances):
    """log p, p(k | x), log-likelihood, s0, s1, s2 (K, d, d) by loops."""
    X, means, centers = p["X"], p["means"], p["centers"]
    (n, d), K = X.shape, len(means)
    weight = p["sample_weight"] if len(p["sample_weight"]) else np.ones(n)
    log_joint = np.tile(p["log_weights"], (n, 1))
    expected, left = np.zeros((n, K, d)), np.zeros((n, K, d, d))
    for i, x in enumerate(X):
        o, m = np.flatnonzero(~np.isnan(x)), np.flatnonzero(np.isnan(x))
        for k, S in enumerate(covariances):
            filled = means[k].copy()
            filled[o] = x[o]
            left[i, k][np.ix_(m, m)] = S[np.ix_(m, m)]
            if len(o):
                A, cross = S[np.ix_(o, o)], S[np.ix_(o, m)]
                log_joint[i, k] += multivariate_normal.logpdf(x[o], means[k, o], A)
                B = np.linalg.solve(A, cross).T
                filled[m] += B @ (x[o] - means[k, o])
                left[i, k][np.ix_(m, m)] -= B @ cross
            expected[i, k] = filled - centers[k]
    log_prob = logsumexp(log_joint, axis=1)
    resp = np.exp(log_joint - log_prob[:, None])
    r = weight[:, None] * resp
    outer = np.einsum("nkd,nke->nkde", expected, expected) + left
    s1 = np.einsum("nk,nkd->kd", r, expected)
    s2 = np.einsum("nk,nkde->kde", r, outer)
    return log_prob, resp, (weight * log_prob).sum(), r.sum(0), s1, s2


def assert_as_oracle(p, covariances, moments, posterior, reduced):
    """`reduced` makes the kernel's s2 of (K, d, d)."""
    log_prob, resp, *sums, s2 = oracle(p, covariances)
    for got, want in zip(moments, [*sums, reduced(s2)], strict=True):
        _assert_close(got, want, TOLERANCE)
    _assert_log_close(posterior.log_prob, log_prob, TOLERANCE)
    np.testing.assert_allclose(posterior.resp, resp, atol=10 * TOLERANCE)


def diagonals(s2):
    return np.diagonal(s2, axis1=1, axis2=2)


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_full(shape, weighted):
    p = problem(shape, weighted=weighted)
    moments, posterior = full_moments(p), full_posterior(p)
    assert_as_oracle(p, p["covariances"], moments, posterior, lambda s2: s2)
    np.testing.assert_array_equal(moments.s2, moments.s2.swapaxes(1, 2))
    without = full_posterior(p, with_resp=False)
    assert without.resp.shape == (0, shape[2])
    np.testing.assert_array_equal(without.log_prob, posterior.log_prob)


@pytest.mark.parametrize("shape", SHAPES)
def test_one_covariance_for_all(shape):
    p = problem(shape)
    p["covariances"] = p["covariances"][:1]
    covariances = np.repeat(p["covariances"], shape[2], axis=0)
    assert_as_oracle(
        p,
        covariances,
        full_moments(p),
        full_posterior(p),
        lambda s2: s2.sum(axis=0, keepdims=True),
    )


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_diag(shape, weighted):
    p = problem(shape, weighted=weighted)
    covariances = p["covariances"] * np.eye(shape[1])
    moments, posterior = diag_moments(p), diag_posterior(p)
    assert_as_oracle(p, covariances, moments, posterior, diagonals)
    assert diag_posterior(p, with_resp=False).resp.shape == (0, shape[2])


@given(
    st.integers(0, 10),
    st.integers(1, 10),
    st.integers(1, 3),
    st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]),
    st.integers(0, 2**32 - 1),
)
@example(6, 3, 1, 1.0, 0)
@settings(max_examples=60, deadline=None)
def test_any_patterns(n, d, K, share, seed):
    p = problem((n, d, K), seed, share)
    moments, posterior = full_moments(p), full_posterior(p)
    assert_as_oracle(p, p["covariances"], moments, posterior, lambda s2: s2)
    covariances = p["covariances"] * np.eye(d)
    assert_as_oracle(p, covariances, diag_moments(p), diag_posterior(p), diagonals)


@pytest.mark.parametrize("moments", [full_moments, diag_moments])
def test_order_of_rows_is_a_matter_of_speed(moments):
    p = problem((60, 5, 2))
    order = np.lexsort(np.isnan(p["X"]).T[::-1])
    sorted_rows = dict(p, X=p["X"][order], sample_weight=p["sample_weight"][order])
    for a, b in zip(moments(p), moments(sorted_rows), strict=True):
        _assert_close(a, b, 1e-13)


def test_all_missing_leaves_the_weights():
    p = problem((3, 4, 2), share=1.0)
    for posterior in (full_posterior(p), diag_posterior(p)):
        np.testing.assert_allclose(posterior.log_prob, 0, atol=1e-15)
        np.testing.assert_allclose(posterior.resp, [np.exp(p["log_weights"])] * 3)


def test_singular_covariances_share_nothing():
    # Two equal columns: a pattern with both needs a raised variance, the others don't.
    p = problem((40, 4, 2))
    S = p["covariances"]
    S[:, 2], S[:, :, 2] = S[:, 1], S[:, :, 1]
    p["X"][:, 2] = np.where(np.isnan(p["X"][:, 2]), np.nan, p["X"][:, 1])
    p["means"][:, 2] = p["means"][:, 1]
    together = full_posterior(p).log_prob
    rows = [full_posterior(dict(p, X=row[None])).log_prob[0] for row in p["X"]]
    np.testing.assert_array_equal(together, rows)
    both = ~np.isnan(p["X"][:, 1:3]).any(axis=1)
    assert 5 < both.sum() < 35
    log_prob = oracle(dict(p, X=p["X"][~both], sample_weight=NO_WEIGHT), S)[0]
    _assert_log_close(together[~both], log_prob, TOLERANCE)
    # the pair has the density of one column, and that of no difference, whose variance
    # is two ridges of 1e-8 of the mean variance
    row = np.full((1, 4), np.nan)
    row[0, 1:3] = 0.3
    variance, K = S[:, 1, 1], 2
    ridge = 1e-8 * variance.mean()
    joint = [
        p["log_weights"][k]
        + norm.logpdf(0.3, p["means"][k, 1], np.sqrt(variance[k] + ridge / 2))
        + norm.logpdf(0, 0, np.sqrt(2 * ridge))
        for k in range(K)
    ]
    got = full_posterior(dict(p, X=row)).log_prob[0]
    assert got == pytest.approx(logsumexp(joint), abs=1e-6)
    assert all(np.isfinite(field).all() for field in full_moments(p))


def test_no_variance_at_all():
    p = problem((20, 3, 2))
    p["covariances"][:] = 0.0
    assert not np.isnan(full_posterior(p).log_prob).any()
    assert not any(np.isnan(field).any() for field in full_moments(p))


@pytest.mark.parametrize("moments", [full_moments, diag_moments])
def test_zero_weight_is_a_dropped_row(moments):
    p = problem((30, 5, 2))
    p["sample_weight"][::3] = 0
    p["X"][0, :2] = 1e200  # even where its density underflows to log p = -inf
    keep = p["sample_weight"] > 0
    q = dict(p, X=p["X"][keep], sample_weight=p["sample_weight"][keep])
    for got, want in zip(moments(p), moments(q), strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("far", [1e160, 1e300, 1.7e308])
@pytest.mark.parametrize(
    ("moments", "posterior"),
    [(full_moments, full_posterior), (diag_moments, diag_posterior)],
)
def test_impossible_rows_belong_to_none(moments, posterior, far):
    p = problem((30, 5, 2), weighted=False)
    p["X"][3] = [far, -far, np.nan, far, -far]
    scores = posterior(p)
    assert scores.log_prob[3] == -np.inf
    assert not scores.resp[3].any()
    assert np.isfinite(np.delete(scores.log_prob, 3)).all()
    got, want = moments(p), moments(dict(p, X=np.delete(p["X"], 3, axis=0)))
    assert got.log_likelihood == -np.inf
    for a, b in zip(got[1:], want[1:], strict=True):
        _assert_close(a, b, 1e-13)


@pytest.mark.parametrize(
    ("moments", "posterior"),
    [(full_moments, full_posterior), (diag_moments, diag_posterior)],
)
def test_components_switched_off(moments, posterior):
    p = problem((30, 5, 3))
    p["log_weights"][1] = -np.inf
    got = moments(p)
    for field in got[1:]:
        assert not field[1].any()
    assert not posterior(p).resp[:, 1].any()
    p["log_weights"][:] = -np.inf
    got, scores = moments(p), posterior(p)
    for field in (*got[1:], scores.resp):
        np.testing.assert_array_equal(field, 0)
    np.testing.assert_array_equal(scores.log_prob, -np.inf)


def test_tight_clusters_far_from_the_origin():
    p = problem((30, 5, 2))
    near = full_posterior(p).log_prob
    p["covariances"] *= 2.0**-20
    p["means"] = 2.0**-10 * np.round(2.0**10 * p["means"]) * 2.0**-10 + 2.0**20
    p["X"] = 2.0**-10 * np.round(2.0**10 * p["X"]) * 2.0**-10 + 2.0**20
    q = dict(p, means=p["means"] - 2.0**20, X=p["X"] - 2.0**20)
    got, want = full_posterior(p).log_prob, full_posterior(q).log_prob
    _assert_log_close(got, want, FAR_TOLERANCE)
    assert np.ptp(near) > 1


# -- compiled ----------------------------------------------------------------------


def _calls():
    p = problem((12, 9, 2))
    head = [p[name] for name in ("X", "sample_weight", "log_weights", "means")]
    score = head[:1] + head[2:]
    S, centers = p["covariances"], p["centers"]
    scales, variances = diag_arguments(p)
    return {
        missing.full_moments: (*head, S, centers),
        missing.full_posterior: (*score, S, True),
        missing.diag_moments: (*head, scales, variances, centers),
        missing.diag_posterior: (*score, scales, True),
    }


def test_kernels_equal_their_python(tmp_path):
    code = (
        "import sys, numpy as np, tests.test_kernels_missing as t\n"
        "np.seterr(all='ignore')\n"
        "calls = t._calls().items()\n"
        "assert all(k._compiled is k.py_func for k, _ in calls)\n"
        "np.save(sys.argv[1], {k.__name__: tuple(t._fields(k(*a))) for k, a in calls})"
    )
    path = tmp_path / "plain.npy"
    _python(code, str(path), NUMBA_DISABLE_JIT="1")
    plain = np.load(path, allow_pickle=True).item()
    for kernel, arguments in _calls().items():
        for got, want in zip(
            _fields(kernel(*arguments)), plain[kernel.__name__], strict=True
        ):
            _assert_close(got, want, 1e-13)


def test_one_signature():
    for kernel, (X, *rest) in _calls().items():
        want = _fields(kernel(X, *rest))
        for same in (np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2]):
            for a, b in zip(_fields(kernel(same, *rest)), want, strict=True):
                np.testing.assert_array_equal(a, b)
        assert len(kernel.signatures) == 1


def test_complete_tables_compile_none():
    code = (
        "import numpy as np\n"
        "from sklearn_gen._kernels import missing as m\n"
        "from sklearn_gen.mixture import GaussianMixture\n"
        "X = np.random.default_rng(0).normal(size=(300, 2))\n"
        "GaussianMixture().fit(X).score_samples(X)\n"
        "print([len(k.signatures) for k in (m.full_moments, m.full_posterior)])"
    )
    assert _python(code) == "[0, 0]"


@pytest.mark.parametrize("shape", SHAPES)
def test_full_means(shape):
    p = problem(shape)
    X, means = p["X"], p["means"]
    resp, want = oracle(p, p["covariances"])[1], np.zeros(X.shape)
    for i, x in enumerate(X):
        o = ~np.isnan(x)
        for k, S in enumerate(p["covariances"]):
            B = np.linalg.solve(S[np.ix_(o, o)], S[o]).T
            want[i] += resp[i, k] * (means[k] + B @ (x[o] - means[k, o]))
    want = np.where(np.isnan(X), want, X)
    arguments = X, p["log_weights"], means, p["covariances"]
    filled = missing.full_means(*arguments)
    _assert_close(filled, want, TOLERANCE)
    np.testing.assert_array_equal(filled[~np.isnan(X)], X[~np.isnan(X)])


def test_means_of_a_row_too_far_out_are_those_of_the_weights():
    x = np.array([[1e200, np.nan]])
    means = np.array([[0.0, 1.0], [0.0, 5.0]])
    args = np.log([0.25, 0.75]), means, np.array([np.eye(2)] * 2)
    assert missing.full_means(x, *args)[0, 1] == pytest.approx(4.0)
