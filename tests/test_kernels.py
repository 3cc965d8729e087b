"""Every kernel against a brute-force oracle in extended precision, and its machinery.

The oracles are dense NumPy in ``longdouble``: no blocks, no differences from what a
textbook writes.
"""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numba import njit

from sklearn_gen._kernels import gaussian, kmeans, special

ULPS = 2.0  # of exp and log
# Sums of a few hundred terms of order one, relative to 1 or the largest; log densities
# per row, relative to 1 + |log p|. The worst seen are a third of this.
TOLERANCE = {np.float64: 3e-13, np.float32: 1e-4}
# Means of 1e6, deviations of 1e-3, relative to 1 + |log p|: x - mean is exact there.
# Whitening before subtracting would lose 1e-9.
FAR_TOLERANCE = 1e-12
LD = np.longdouble
DTYPES = [np.float64, np.float32]
# One row, one component; no rows; no features; around the sizes of tiles (4, 8, 16),
# groups (32, 64), blocks (256, 512) and the change of method at 16 features.
SHAPES = [
    (1, 1, 1),
    (0, 3, 2),
    (7, 0, 3),
    (33, 2, 5),
    (600, 3, 2),
    (257, 4, 3),
    (65, 8, 9),
    (300, 15, 2),
    (520, 16, 3),
    (300, 17, 4),
    (90, 41, 2),
]


@njit
def _map_exp(x):
    out = np.empty_like(x)
    for i in range(len(x)):
        out[i] = special.exp(x[i])
    return out


@njit
def _map_log(x):
    out = np.empty_like(x)
    for i in range(len(x)):
        out[i] = special.log(x[i])
    return out


# -- oracles -----------------------------------------------------------------------


def _log_sum_exp(a, axis):
    top = np.max(a, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(a - top).sum(axis)) + np.squeeze(top, axis)


def _oracle(problem, triangles, log_det):
    """Log joint (n, K), log p (n,) and p(k | x) (n, K) in extended precision."""
    X, means = problem["X"].astype(LD), problem["means"].astype(LD)
    d = X.shape[1]
    y = np.einsum("nkd,kde->nke", X[:, None] - means, triangles.astype(LD))
    constant = problem["log_weights"].astype(LD) + log_det.astype(LD)
    log_joint = constant - d * np.log(2 * LD(np.pi)) / 2 - (y**2).sum(2) / 2
    log_prob = _log_sum_exp(log_joint, 1)
    return log_prob, np.exp(log_joint - log_prob[:, None])


def _oracle_moments(problem, log_prob, resp, centers):
    weight = _weights(problem)
    r = resp * weight[:, None]
    z = problem["X"].astype(LD)[:, None] - centers.astype(LD)
    log_likelihood = (weight * log_prob)[weight > 0].sum()
    s2 = np.einsum("nk,nkd,nke->kde", r, z, z)
    return log_likelihood, r.sum(0), np.einsum("nk,nkd->kd", r, z), s2


def _weights(problem):
    n = len(problem["X"])
    weight = problem["sample_weight"].astype(LD)
    return weight if len(weight) else np.ones(n, LD)


def _problem(shape, dtype, weighted=True, spread=2.0):
    n, d, K = shape
    rng = np.random.default_rng(0)
    means = spread * rng.normal(size=(K, d))
    X = means[rng.integers(K, size=n)] + rng.normal(size=(n, d))
    triangles = np.triu(rng.normal(size=(K, d, d))) / np.sqrt(max(d, 1))
    triangles[:, range(d), range(d)] = rng.uniform(0.5, 2, size=(K, d))
    arrays = {
        "X": X,
        "sample_weight": rng.uniform(0, 2, size=n if weighted else 0),
        "log_weights": np.log(rng.dirichlet(np.ones(K))),
        "means": means,
        "triangles": triangles,
        "log_det": np.log(triangles[:, range(d), range(d)]).sum(1),
        "centers": means + 0.1,
    }
    return {name: array.astype(dtype) for name, array in arrays.items()}


def _assert_close(got, want, tolerance):
    want = np.asarray(want)
    assert np.shape(got) == want.shape
    if want.size:
        error = np.max(np.abs(got - want), initial=0)
        assert error <= tolerance * np.max(np.abs(want), initial=1), error


def _assert_log_close(got, want, tolerance):
    finite = np.isfinite(want)
    np.testing.assert_array_equal(got[~finite], want[~finite])
    got, want = got[finite], want[finite]
    error = np.abs(got - want) / (1 + np.abs(want))
    assert np.max(error, initial=0) <= tolerance, error.max()


def _assert_moments(got, want, dtype):
    for field, value in zip(got, want, strict=True):
        assert np.asarray(field).dtype == np.float64
        _assert_close(field, value, TOLERANCE[dtype])


def _assert_posterior(posterior, without, log_prob, resp, dtype):
    assert posterior.log_prob.dtype == posterior.resp.dtype == dtype
    _assert_log_close(posterior.log_prob, log_prob, TOLERANCE[dtype])
    np.testing.assert_allclose(posterior.resp, resp, atol=10 * TOLERANCE[dtype])
    assert without.resp.shape == (0, resp.shape[1])
    np.testing.assert_array_equal(without.log_prob, posterior.log_prob)


# -- special -----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_exp_is_accurate(dtype):
    lowest = -86 if dtype == np.float32 else -700
    x = np.linspace(lowest, -lowest, 200_001).astype(dtype)
    exact = np.exp(x.astype(LD))
    assert np.max(np.abs(_map_exp(x) - exact) / np.spacing(exact.astype(dtype))) < ULPS


@pytest.mark.parametrize("dtype", DTYPES)
def test_exp_at_its_ends(dtype):
    x = np.array([-np.inf, -1e30, -1e4, 0, np.nan], dtype)
    np.testing.assert_array_equal(_map_exp(x), np.array([0, 0, 0, 1, np.nan], dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_log_is_accurate(dtype):
    near_one = 1 + np.arange(-1000, 1000) * np.finfo(dtype).eps
    x = np.concatenate([near_one, np.logspace(-37, 37, 100_001)]).astype(dtype)
    exact = np.log(x.astype(LD))
    spacing = np.spacing(np.abs(exact).astype(dtype))
    assert np.max(np.abs(_map_log(x) - exact) / spacing) < ULPS


@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 6), st.just(32)),
        elements=st.one_of(st.just(-np.inf), st.floats(-1e6, 1e3)),
    ),
    st.integers(1, 32),
)
@example(np.full((3, 32), -np.inf), 5)
@settings(max_examples=60, deadline=None)
def test_log_sum_exp(block, size):
    want = _log_sum_exp(block.astype(LD), 0)[:size]
    out, total = np.zeros(32), np.zeros(32)
    special.log_sum_exp(block, size, out, total)
    _assert_log_close(out[:size], want, TOLERANCE[np.float64])
    np.testing.assert_allclose(block[:, :size].sum(0), total[:size])
    assert not total[:size][np.isneginf(want)].any()


# -- gaussian ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("spread", [0.05, 2.0])  # all rows in all components, or few
@pytest.mark.parametrize("shape", SHAPES)
def test_full(shape, spread, weighted, dtype):
    p = _problem(shape, dtype, weighted, spread)
    log_prob, resp = _oracle(p, p["triangles"], p["log_det"])
    want = _oracle_moments(p, log_prob, resp, p["centers"])
    parameters = [p[k] for k in ("log_weights", "means", "triangles", "log_det")]
    moments = gaussian.full_moments(
        p["X"], p["sample_weight"], *parameters, p["centers"]
    )
    _assert_moments(moments, want, dtype)
    np.testing.assert_array_equal(moments.s2, moments.s2.swapaxes(1, 2))
    posterior = gaussian.full_posterior(p["X"], *parameters, True)
    without = gaussian.full_posterior(p["X"], *parameters, False)
    _assert_posterior(posterior, without, log_prob, resp, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_diag(shape, weighted, dtype):
    p = _problem(shape, dtype, weighted)
    scales = np.diagonal(p["triangles"], axis1=1, axis2=2).copy()
    triangles = scales[:, :, None] * np.eye(shape[1], dtype=dtype)
    log_prob, resp = _oracle(p, triangles, p["log_det"])
    *want, s2 = _oracle_moments(p, log_prob, resp, p["centers"])
    want.append(np.diagonal(s2, axis1=1, axis2=2))
    parameters = [p["log_weights"], p["means"], scales, p["log_det"]]
    moments = gaussian.diag_moments(
        p["X"], p["sample_weight"], *parameters, p["centers"]
    )
    _assert_moments(moments, want, dtype)
    posterior = gaussian.diag_posterior(p["X"], *parameters, True)
    without = gaussian.diag_posterior(p["X"], *parameters, False)
    _assert_posterior(posterior, without, log_prob, resp, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_tied(shape, weighted, dtype):
    p = _problem(shape, dtype, weighted)
    log_prob, resp = _oracle(p, p["triangles"][:1], p["log_det"][:1])
    center = p["means"].mean(0)
    about = np.broadcast_to(center, p["means"].shape)
    *want, _ = _oracle_moments(p, log_prob, resp, about)
    z = p["X"].astype(LD) - center
    want.append((_weights(p)[:, None] * z).T @ z)
    parameters = [p["log_weights"], p["means"], p["triangles"][0], p["log_det"][:1]]
    moments = gaussian.tied_moments(p["X"], p["sample_weight"], *parameters, center)
    _assert_moments(moments, want, dtype)
    posterior = gaussian.tied_posterior(p["X"], *parameters, center, True)
    without = gaussian.tied_posterior(p["X"], *parameters, center, False)
    _assert_posterior(posterior, without, log_prob, resp, dtype)


def _full(p):
    names = ("X", "sample_weight", "log_weights", "means", "triangles", "log_det")
    return gaussian.full_moments(*[p[name] for name in names], p["centers"])


def _full_posterior(p):
    names = ("X", "log_weights", "means", "triangles", "log_det")
    return gaussian.full_posterior(*[p[name] for name in names], True)


@pytest.mark.parametrize("d", [3, 20])
def test_component_switched_off(d):
    p = _problem((300, d, 3), np.float64)
    p["log_weights"][1] = -np.inf
    kept = {
        name: array[[0, 2]] if len(array) == 3 else array for name, array in p.items()
    }
    moments, want = _full(p), _full(kept)
    assert moments.s0[1] == 0
    assert not moments.s1[1].any()
    assert not moments.s2[1].any()
    assert moments.log_likelihood == pytest.approx(want.log_likelihood, rel=1e-13)
    np.testing.assert_allclose(moments.s2[[0, 2]], want.s2, rtol=1e-12)
    assert not _full_posterior(p).resp[:, 1].any()


def test_all_components_switched_off():
    p = _problem((40, 3, 2), np.float64)
    p["log_weights"][:] = -np.inf
    moments, posterior = _full(p), _full_posterior(p)
    assert moments.log_likelihood == -np.inf
    for sums in (*moments[1:], posterior.resp):
        np.testing.assert_array_equal(sums, 0)
    np.testing.assert_array_equal(posterior.log_prob, -np.inf)


@pytest.mark.parametrize("d", [3, 20])
def test_zero_weight_is_a_dropped_row(d):
    p = _problem((300, d, 3), np.float64)
    p["sample_weight"][::3] = 0
    p["X"][0] = 1e200  # even where its density underflows to log p = -inf
    keep = p["sample_weight"] > 0
    q = dict(p, X=p["X"][keep], sample_weight=p["sample_weight"][keep])
    for got, want in zip(_full(p), _full(q), strict=True):
        _assert_close(got, want, TOLERANCE[np.float64])


@pytest.mark.parametrize("d", [2, 20])
def test_far_tails(d):
    # exp(log p) is 0 for every component; responsibilities must not be.
    p = _problem((50, d, 3), np.float64)
    p["X"] *= 1e4
    log_prob, resp = _oracle(p, p["triangles"], p["log_det"])
    assert log_prob.max() < -1e4
    posterior = _full_posterior(p)
    _assert_log_close(posterior.log_prob, log_prob, TOLERANCE[np.float64])
    np.testing.assert_allclose(posterior.resp.sum(1), 1)
    want = _oracle_moments(p, log_prob, resp, p["centers"])
    _assert_moments(_full(p), want, np.float64)


@pytest.mark.parametrize("d", [3, 20])
def test_constant_column_has_no_scatter(d):
    p = _problem((300, d, 3), np.float64)
    p["X"][:, 1] = 7.0
    p["centers"][:, 1] = 7.0
    moments = _full(p)
    assert not moments.s1[:, 1].any()
    assert not moments.s2[:, 1].any()


@pytest.mark.parametrize("far_apart", [False, True])
@pytest.mark.parametrize("d", [2, 20])
def test_tight_clusters_far_from_the_origin(d, far_apart):
    p = _problem((200, d, 3), np.float64)
    offset = 1e6 * np.arange(1, 4)[:, None] if far_apart else 1e6
    rng = np.random.default_rng(1)
    p["means"] = 1e-3 * p["means"] + offset
    labels = np.arange(200) % 3
    p["X"] = p["means"][labels] + 1e-3 * rng.normal(size=(200, d))
    p["triangles"] = 1e3 * p["triangles"]
    p["log_det"] += d * np.log(1e3)
    log_prob, _ = _oracle(p, p["triangles"], p["log_det"])
    _assert_log_close(_full_posterior(p).log_prob, log_prob, FAR_TOLERANCE)
    log_prob, _ = _oracle(p, p["triangles"][:1], p["log_det"][:1])
    tied = gaussian.tied_posterior(
        p["X"],
        *[p["log_weights"], p["means"], p["triangles"][0], p["log_det"][:1]],
        *[p["means"].mean(0), False],
    )
    _assert_log_close(tied.log_prob, log_prob, FAR_TOLERANCE)


# -- kmeans ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1, 1), (0, 2, 2), (600, 3, 4), (70, 20, 9)])
def test_lloyd(shape, dtype):
    p = _problem(shape, dtype)
    got = kmeans.lloyd(p["X"], p["sample_weight"], p["means"])
    X, centers, weight = p["X"].astype(LD), p["means"].astype(LD), _weights(p)
    squared = ((X[:, None] - centers) ** 2).sum(2)
    labels = squared.argmin(1)
    assert got.labels.dtype == np.int32
    assert got.distances.dtype == dtype
    np.testing.assert_array_equal(got.labels, labels)
    chosen = np.eye(shape[2], dtype=LD)[labels] * weight[:, None]
    sums = np.einsum("nk,nkd->kd", chosen, X[:, None] - centers)
    inertia = (weight * squared.min(1)).sum()
    for value, want in [
        (got.inertia, inertia),
        (got.counts, chosen.sum(0)),
        (got.sums, sums),
        (got.distances, squared.min(1)),
    ]:
        _assert_close(value, want, TOLERANCE[dtype])
    unweighted = kmeans.lloyd(p["X"], np.empty(0, dtype), p["means"])
    np.testing.assert_array_equal(
        unweighted.counts, np.bincount(labels, minlength=shape[2])
    )


def test_lloyd_takes_the_first_of_equal_centers():
    X = np.zeros((5, 2))
    centers = np.array([[1.0, 0], [0, 1], [0, -1]])
    assert not kmeans.lloyd(X, np.empty(0), centers).labels.any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_closest(dtype):
    p = _problem((100, 5, 2), dtype)
    squared = ((p["X"][:, None].astype(LD) - p["means"]) ** 2).sum(2)
    first = kmeans.closest(p["X"], p["means"][0], np.full(100, np.inf, dtype))
    both = kmeans.closest(p["X"], p["means"][1], first)
    assert first.dtype == both.dtype == dtype
    np.testing.assert_allclose(first, squared[:, 0], rtol=TOLERANCE[dtype])
    np.testing.assert_allclose(both, squared.min(1), rtol=TOLERANCE[dtype])
