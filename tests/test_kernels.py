"""Every kernel against a brute-force oracle in extended precision, and its machinery.

The oracles are dense NumPy in ``longdouble``: no blocks, no differences from what a
textbook writes.
"""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numba import njit

import sklearn_gen
from sklearn_gen._kernels import _jit, gaussian, kmeans, special

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


# -- compilation, cache, types -----------------------------------------------------


def _calls(dtype):
    """Every kernel with arguments, by name."""
    p = _problem((70, 5, 3), dtype)
    tied = p["triangles"][0], p["log_det"][:1]
    scales = np.diagonal(p["triangles"], axis1=1, axis2=2).copy()
    center = p["means"][0]
    head = p["X"], p["sample_weight"], p["log_weights"], p["means"]
    score = p["X"], p["log_weights"], p["means"]
    return {
        gaussian.full_moments: (*head, p["triangles"], p["log_det"], p["centers"]),
        gaussian.diag_moments: (*head, scales, p["log_det"], p["centers"]),
        gaussian.tied_moments: (*head, *tied, center),
        gaussian.full_posterior: (*score, p["triangles"], p["log_det"], True),
        gaussian.diag_posterior: (*score, scales, p["log_det"], True),
        gaussian.tied_posterior: (*score, *tied, center, True),
        kmeans.lloyd: (p["X"], p["sample_weight"], p["means"]),
        kmeans.closest: (p["X"], center, p["sample_weight"]),
    }


def _fields(result):
    return result if isinstance(result, tuple) else (result,)


@pytest.mark.parametrize("dtype", DTYPES)
def test_kernels_equal_their_python(dtype, tmp_path):
    # In a child process where nothing is compiled: each kernel is its ``py_func``, and
    # so is everything that it calls.
    code = (
        "import sys, numpy as np, tests.test_kernels as t\n"
        "np.seterr(all='ignore')\n"
        "calls = t._calls(np.dtype(sys.argv[2]).type).items()\n"
        "assert all(k._compiled is k.py_func for k, _ in calls)\n"
        "np.save(sys.argv[1], {k.__name__: tuple(t._fields(k(*a))) for k, a in calls})"
    )
    path = tmp_path / "plain.npy"
    _python(code, str(path), np.dtype(dtype).name, NUMBA_DISABLE_JIT="1")
    plain = np.load(path, allow_pickle=True).item()
    for kernel, arguments in _calls(dtype).items():
        for got, want in zip(
            _fields(kernel(*arguments)), plain[kernel.__name__], strict=True
        ):
            _assert_close(got, want, TOLERANCE[dtype])


def test_one_signature_per_dtype(tmp_path):
    for dtype in DTYPES:
        for kernel, arguments in _calls(dtype).items():
            X, *rest = arguments
            mapped = np.memmap(tmp_path / "X", X.dtype, "w+", shape=X.shape)
            mapped[:] = X
            unaligned = np.zeros(X.nbytes + 1, np.uint8)[1:].view(X.dtype)
            unaligned = unaligned.reshape(X.shape)
            unaligned[:] = X
            assert _jit._freeze(unaligned, X.dtype).flags.aligned
            read_only = X.copy()
            read_only.flags.writeable = False
            want = _fields(kernel(X, *rest))
            for same in (
                mapped,
                unaligned,
                read_only,
                np.asfortranarray(X),
                np.repeat(X, 2, axis=0)[::2],
            ):
                for a, b in zip(_fields(kernel(same, *rest)), want, strict=True):
                    np.testing.assert_array_equal(a, b)
            assert X.flags.writeable
    for kernel in _calls(np.float64):
        assert len(kernel.signatures) == len(DTYPES), kernel.__name__


def test_mixed_dtypes_are_refused():
    p = _problem((10, 2, 2), np.float32)
    with pytest.raises(TypeError, match=r"float32 got an array of float64.*convert"):
        kmeans.lloyd(p["X"], np.empty(0), p["means"])


def test_same_bytes_whichever_thread():
    p = _problem((4000, 20, 3), np.float64)
    blocks = [
        dict(p, X=p["X"][i : i + 250], sample_weight=p["sample_weight"][i : i + 250])
        for i in range(0, 4000, 250)
    ]
    alone = [_full(block) for block in blocks]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(_full, blocks))
    for a, b in zip(alone, together, strict=True):
        for x, y in zip(a, b, strict=True):
            assert np.asarray(x).tobytes() == np.asarray(y).tobytes()


def _python(code, *arguments, path=None, **environment):
    """Run code in a child process; returns what it prints."""
    root = str(path or Path(sklearn_gen.__file__).parents[1])
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": root, **environment},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_import_compiles_nothing():
    code = (
        "from sklearn_gen._kernels import gaussian as g, kmeans as k\n"
        "print(sum(len(f.signatures) for f in (g.full_moments, k.lloyd)))\n"
        "from numba.core import event; print(event.RecordingListener and 0)"
    )
    assert _python(code).split() == ["0", "0"]


@pytest.fixture
def small_package(tmp_path):
    """A package with our ``_jit``, one kernel, and a callee in another file."""
    folder = tmp_path / "sklearn_gen" / "_kernels"
    folder.mkdir(parents=True)
    shutil.copy(_jit.__file__, folder)
    for parent in (folder, folder.parent):
        (parent / "__init__.py").touch()
    (folder / "callee.py").write_text(
        "from sklearn_gen._kernels._jit import jit\n@jit\ndef f(x):\n    return x + 1\n"
    )
    (folder / "caller.py").write_text(
        "from sklearn_gen._kernels._jit import kernel\n"
        "from sklearn_gen._kernels.callee import f\n"
        "@kernel\ndef g(x):\n    return f(x[0])\n"
    )
    return folder


_RUN = (
    "import numpy as np\n"
    "from sklearn_gen._kernels.caller import g\n"
    "from sklearn_gen._kernels._jit import cache_folder\n"
    "value = g(np.zeros(1))\n"
    "hits = sum(g._compiled.stats.cache_hits.values())\n"
    "print(value, hits, cache_folder() is not None)"
)


@pytest.mark.parametrize("inside", [True, False])
def test_cache_follows_every_file(small_package, tmp_path, inside):
    # An inlined callee in another file: numba's own cache would return 1.0 again.
    cache = {"NUMBA_CACHE_DIR": "" if inside else str(tmp_path / "cache")}
    root = tmp_path
    assert _python(_RUN, path=root, **cache) == "1.0 0 True"
    assert _python(_RUN, path=root, **cache) == "1.0 1 True"
    callee = small_package / "callee.py"
    callee.write_text(callee.read_text().replace("x + 1", "x + 2"))
    assert _python(_RUN, path=root, **cache) == "2.0 0 True"
    expected = small_package / "__pycache__" if inside else tmp_path / "cache"
    assert len(list(expected.glob("sklearn_gen-*/*.nbc"))) == 2


def test_no_place_for_a_cache(small_package, tmp_path):
    # As root, folders cannot be made read-only; a file in their place does as well.
    (small_package / "__pycache__").touch()
    nowhere = str(small_package / "__pycache__" / "home")
    folders = dict.fromkeys(["HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR"], nowhere)
    assert _python(_RUN, path=tmp_path, **folders) == "1.0 0 False"


def test_cache_that_becomes_unwritable(small_package, tmp_path):
    code = (
        "import shutil\nfrom sklearn_gen._kernels._jit import cache_folder\n"
        "from sklearn_gen._kernels import caller\n"
        "shutil.rmtree(cache_folder())\nopen(cache_folder(), 'w').close()\n" + _RUN
    )
    assert _python(code, path=tmp_path, NUMBA_CACHE_DIR=str(tmp_path / "c")) == (
        "1.0 0 True"
    )
