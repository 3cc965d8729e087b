"""Kernels as compiled code: types, caches, imports; and equal to their Python."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import sklearn_gen
from sklearn_gen._kernels import _jit, gaussian, kmeans, neighbors, student
from tests.test_kernels import (
    DTYPES,
    TOLERANCE,
    _assert_close,
    _full,
    _problem,
)


def _calls(dtype):
    """Every kernel with arguments, by name."""
    p = _problem((70, 5, 3), dtype)
    tied = p["triangles"][0], p["log_det"][:1]
    scales = np.diagonal(p["triangles"], axis1=1, axis2=2).copy()
    center = p["means"][0]
    head = p["X"], p["sample_weight"], p["log_weights"], p["means"]
    score = p["X"], p["log_weights"], p["means"]
    mixed = np.c_[p["X"][:, :4], np.round(p["X"])[:, :4]]
    t = p["log_weights"], np.arange(2, 5, dtype=dtype), p["means"]
    t_head = p["X"], p["sample_weight"], *t
    return {
        student.full_moments: (*t_head, p["triangles"], p["centers"]),
        student.diag_moments: (*t_head, scales, p["centers"]),
        student.full_posterior: (p["X"], *t, p["triangles"], True),
        student.diag_posterior: (p["X"], *t, scales, True),
        gaussian.full_moments: (*head, p["triangles"], p["log_det"], p["centers"]),
        gaussian.diag_moments: (*head, scales, p["log_det"], p["centers"]),
        gaussian.tied_moments: (*head, *tied, center),
        gaussian.full_posterior: (*score, p["triangles"], p["log_det"], True),
        gaussian.diag_posterior: (*score, scales, p["log_det"], True),
        gaussian.tied_posterior: (*score, *tied, center, True),
        kmeans.lloyd: (p["X"], p["sample_weight"], p["means"]),
        kmeans.closest: (p["X"], center, p["sample_weight"]),
        neighbors.nearest: (mixed, mixed[:30], 4, 3, 0),
        neighbors.balls: (mixed, mixed[:9], 4, p["sample_weight"], p["X"][:9, 0] ** 2),
    }


def _name(kernel):
    return f"{kernel.py_func.__module__}.{kernel.__name__}"


def _fields(result):
    return result if isinstance(result, tuple) else (result,)


@pytest.mark.parametrize("dtype", DTYPES)
def test_kernels_equal_their_python(dtype, tmp_path):
    # In a child process where nothing is compiled: each kernel is its ``py_func``, and
    # so is everything that it calls.
    code = (
        "import sys, numpy as np, tests.test_kernels_compiled as t\n"
        "np.seterr(all='ignore')\n"
        "calls = t._calls(np.dtype(sys.argv[2]).type).items()\n"
        "assert all(k._compiled is k.py_func for k, _ in calls)\n"
        "np.save(sys.argv[1], {t._name(k): tuple(t._fields(k(*a))) for k, a in calls})"
    )
    path = tmp_path / "plain.npy"
    _python(code, str(path), np.dtype(dtype).name, NUMBA_DISABLE_JIT="1")
    plain = np.load(path, allow_pickle=True).item()
    for kernel, arguments in _calls(dtype).items():
        for got, want in zip(
            _fields(kernel(*arguments)), plain[_name(kernel)], strict=True
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
