"""Kernels of partition functions and chains as compiled code: equal to their Python."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import sklearn_gen
from sklearn_gen._kernels.partition import sums_of_states
from sklearn_gen._kernels.partition_chains import anneal, exchange
from sklearn_gen._kernels.randomness import seed_streams
from sklearn_gen.rbm._partition_annealed import path_between
from tests.rbm import enumeration


def _calls(dtype=np.float32):
    """Every kernel with arguments, by name."""
    rng = np.random.default_rng(0)
    units = enumeration.with_gaussian()
    machine = enumeration.random_machine(units, 3)
    path = path_between(np.zeros(5), machine, units, dtype)
    F = np.eye(5)[:4].astype(dtype)
    betas = np.array([0.0, 0.3, 1.0], dtype)
    streams = seed_streams(rng)
    replicas = np.stack([F, F[::-1]], axis=1)
    mixed = enumeration.MIXED
    T, D = rng.normal(size=(2, 8)), rng.normal(size=(5, 8))
    of_units = np.ones(8), mixed.kinds, mixed.first, mixed.trials
    return {
        "anneal": (anneal, (F, betas, streams, *path)),
        "exchange": (exchange, (replicas, betas[1:], streams, 4, 2, *path)),
        "sums_of_states": (sums_of_states, (T, T[:, 0], D, D[:, 0], *of_units)),
    }


def _results():
    return {name: kernel(*rest) for name, (kernel, rest) in _calls().items()}


def _fields(result):
    return result if isinstance(result, tuple) else (result,)


def test_kernels_equal_their_python(tmp_path):
    code = (
        "import sys, numpy as np, tests.rbm.test_partition_kernels as t\n"
        "np.seterr(all='ignore')\n"
        "assert all(k._compiled is k.py_func for k, _ in t._calls().values())\n"
        "np.save(sys.argv[1], t._results())"
    )
    path, root = tmp_path / "plain.npy", str(Path(sklearn_gen.__file__).parents[1])
    subprocess.run(
        [sys.executable, "-c", code, str(path)],
        env={**os.environ, "PYTHONPATH": root, "NUMBA_DISABLE_JIT": "1"},
        cwd=root,
        check=True,
    )
    plain = np.load(path, allow_pickle=True).item()
    for name, got in _results().items():
        tolerance = 1e-12 if name == "sums_of_states" else 2e-5
        for a, b in zip(_fields(got), _fields(plain[name]), strict=True):
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def test_layouts_compile_nothing_anew():
    _results()
    kernels = [kernel for kernel, _ in _calls().values()]
    before = [len(kernel.signatures) for kernel in kernels]
    for kernel, (first, *rest) in _calls().values():
        kernel(np.asfortranarray(first), *rest)
        first.flags.writeable = False
        kernel(first, *rest)
    assert [len(kernel.signatures) for kernel in kernels] == before
