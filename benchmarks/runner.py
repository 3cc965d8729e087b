"""What all benchmarks share: taking turns, child processes, machine facts, output."""

import json
import os
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import scipy.linalg.blas  # noqa: F401  (its library then shows in threadpool_info)
from threadpoolctl import threadpool_info, threadpool_limits

# The modules that have a ``run(report)``.
FAMILIES = (
    "mixture",
    "mclust",
    "debd",
    "conformal",
    "explain",
    "outliers",
    "imputation",
    "resampling",
    "metrics",
    "tables",
    "hmm",
    "hmm_data",
    "rbm_quality",
    "rbm",
)
_COLUMNS = "{:<46}{:>12}{:>12}{:>8}{:>9}  {}"


def in_turns(functions, repeats, clock=time.process_time):
    """Time functions in turns, so that a slow minute slows all of them.

    Parameters
    ----------
    functions : dict of str to callable
    repeats : int
        Turns of each.
    clock : callable
        CPU seconds of this process by default: other work on the machine then counts
        little. Use ``time.perf_counter`` where threads are the point.

    Returns
    -------
    dict of str to list of float
        Seconds, one value per turn.
    """
    seconds = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            start = clock()
            function()
            seconds[name].append(clock() - start)
    return seconds


def ratio(peer, ours):
    """The peer's median time divided by ours."""
    return statistics.median(peer) / statistics.median(ours)


def child(function, *arguments, **environment):
    """Call ``module:function`` with strings in a fresh process; returns its JSON."""
    module, name = function.split(":")
    code = (
        f"import sys, json; from {module} import {name}; "
        f"print(json.dumps({name}(*sys.argv[1:])))"
    )
    root = str(Path(__file__).parents[1])
    search = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": search, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise RuntimeError(f"{function} failed in its own process:\n{result.stderr}")
    return json.loads(result.stdout.splitlines()[-1])


def peak_beyond(function):
    """Largest growth of resident memory while ``function`` runs, in bytes.

    Counts every allocation, also those of compiled code, which Python's own tracing
    does not see.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        raise RuntimeError("Peak memory is read from /proc: run this on Linux.")
    Path("/proc/self/clear_refs").write_text("5")  # resets the high-water mark

    def kilobytes(field):
        line = next(x for x in status.read_text().splitlines() if x.startswith(field))
        return int(line.split()[1])

    before = kilobytes("VmRSS:")
    function()
    return 1024 * (kilobytes("VmHWM:") - before)


def dgemm_rate(dtype=np.float64, size=1000):
    """Gflop/s of matrix products in one thread: the best of a few."""
    a = np.ones((size, size), dtype)
    with threadpool_limits(1):
        a @ a
        seconds = in_turns({"gemm": lambda: a @ a}, 8)["gemm"]
    return 2e-9 * size**3 / min(seconds)


class Report:
    """Prints each figure as it comes and keeps it for ``--json``."""

    def __init__(self, only=None):
        self.only = only
        self.rows = []
        self.tables = {}
        cores = {p["architecture"] for p in threadpool_info() if "architecture" in p}
        self.machine = {
            "blas_core": " ".join(sorted(cores)),
            "cpus": os.cpu_count(),
            "dgemm_gflops": round(dgemm_rate(), 1),
            "sgemm_gflops": round(dgemm_rate(np.float32), 1),
            **{p: version(p) for p in ("numpy", "numba", "scikit-learn")},
        }
        print(*(f"{name}={value}" for name, value in self.machine.items()))

    def section(self, title, heads=True):
        """Start a section, of ``add`` lines if heads; returns whether it is wanted."""
        wanted = self.only is None or self.only in title
        if wanted:
            print(f"\n{title}")
        if wanted and heads:
            names = ("case", "ours", "peer", "ratio", "threads", "")
            print(_COLUMNS.format(*names).rstrip())
        return wanted

    def add(self, case, ours, peer, ratio, threads, note="", unit="ms"):
        """One line: ours and the peer's in ``unit``, the ratio peer / ours."""
        figures = [f"{x:.4g} {unit}" if x is not None else "" for x in (ours, peer)]
        shown = f"{ratio:.1f}x" if ratio is not None else ""
        print(_COLUMNS.format(case, *figures, shown, threads, note), flush=True)
        self.rows.append(
            {
                "case": case,
                "ours": ours,
                "peer": peer,
                "unit": unit,
                "ratio": ratio,
                "threads": threads,
                "note": note,
            }
        )

    def table(self, title, frame):
        """Print a DataFrame and keep it."""
        print(f"\n{title}\n{frame.to_string(float_format='{:.3f}'.format)}", flush=True)
        self.tables[title] = json.loads(frame.to_json(orient="split"))

    def write(self, path):
        """Write machine facts and all figures as JSON."""
        content = {
            "machine": self.machine,
            "figures": self.rows,
            "tables": self.tables,
        }
        Path(path).write_text(json.dumps(content, indent=1) + "\n")
