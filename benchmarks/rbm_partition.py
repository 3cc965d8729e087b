"""log Z of Boltzmann machines: time, memory, and how often the bracket holds it."""

import time

import numpy as np
import pandas as pd

from benchmarks.runner import in_turns, peak_beyond
from sklearn_gen._blocks import one_blas_thread
from sklearn_gen.rbm._chains import draw
from sklearn_gen.rbm._machine import Machine
from sklearn_gen.rbm._partition_annealed import (
    ascend,
    draw_reference,
    estimate_log_partition,
    path_between,
)
from sklearn_gen.rbm._partition_states import hidden_states, log_sum, states_of
from sklearn_gen.rbm._units import (
    BERNOULLI,
    BINOMIAL,
    CATEGORICAL,
    GAUSSIAN,
    make_units,
)

_BINARY = make_units([BERNOULLI] * 20)
_MIXED = make_units(
    [CATEGORICAL] * 3 + [BERNOULLI] * 6 + [BINOMIAL] * 2,
    n_levels=[4] * 3 + [1] * 8,
    trials=[1] * 9 + [5] * 2,
)
_GAUSSIAN = make_units([GAUSSIAN] * 5 + [BERNOULLI] * 5)


def _random(units, n_hidden, scale, seed):
    rng = np.random.default_rng(seed)
    n_features = units.n_features
    gaussian = units.feature_kinds == GAUSSIAN
    return Machine(
        rng.normal(0.0, scale, (n_hidden, n_features)),
        rng.normal(0.0, scale, n_features),
        rng.normal(0.0, scale, n_hidden),
        np.where(gaussian, rng.uniform(0.5, 2.0, n_features), 1.0),
    )


def _two_modes(coupling, seed):
    """All units agree on one of two opposite patterns, of unlike weights."""
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], 20)
    weights = coupling * signs * rng.uniform(0.8, 1.2, (10, 20))
    visible = -0.5 * weights.sum(axis=0) + 0.2 * rng.normal(size=20)
    return Machine(weights, visible, -0.5 * weights.sum(axis=1), np.ones(20))


def _hidden_row(strength, seed):
    """Half of the probability is on one row, which nothing points at."""
    rng = np.random.default_rng(seed)
    weights, hidden = rng.normal(0.0, 0.3, (10, 20)), rng.normal(0.0, 0.3, 10)
    row = rng.integers(0, 2, 20)
    weights[0] = strength * (2 * row - 1)
    hidden[0] = 20.0 * np.log(2.0) - strength * row.sum()
    return Machine(weights, np.zeros(20), hidden, np.ones(20))


_CASES = {
    **{
        f"{name}, weights {scale:g}": (
            units,
            lambda seed, u=units, s=scale: _random(u, 10, s, seed),
        )
        for name, units in (
            ("20 binary", _BINARY),
            ("mixed", _MIXED),
            ("Gaussian and binary", _GAUSSIAN),
        )
        for scale in (0.3, 1.0, 3.0, 8.0)
    },
    "two modes, coupling 1.5": (_BINARY, lambda seed: _two_modes(1.5, seed)),
    "two modes, coupling 4": (_BINARY, lambda seed: _two_modes(4.0, seed)),
    "one row of half the mass": (_BINARY, lambda seed: _hidden_row(4.0, seed)),
}


def coverage(report, n_seeds=100):
    """Of how many machines the bracket holds the enumerated log Z.

    Started at draws, half of the replicas begin at 30 draws of the machine, as chains
    from training are; of the others all come from independent units.
    """
    if not report.section("coverage of the bracket of log Z", heads=False):
        return
    rows = {}
    for name, (units, make) in _CASES.items():
        for started in (False, True):
            found = [_covers(units, make(s), s, started) for s in range(n_seeds)]
            inside, width, error, standard_error = np.array(found).T
            rows[name, "draws" if started else "-"] = {
                f"inside of {n_seeds}": int(inside.sum()),
                "median width": np.median(width),
                "median error": np.median(np.abs(error)),
                "median standard error": np.median(standard_error),
            }
    title = "bracket of log Z: 100 chains, 300 temperatures (nats)"
    report.table(title, pd.DataFrame(rows).T)


def _covers(units, machine, seed, started):
    """Whether the bracket holds log Z, its width, the error and its standard error."""
    rng, zeros = np.random.default_rng(seed), np.zeros(units.n_features)
    starts = draw(machine, units, zeros, 30, rng) if started else None
    options = {"n_temperatures": 300, "starts": starts}
    estimate = estimate_log_partition(machine, units, zeros, rng, **options)
    log_z = log_sum(states_of(machine, units, 2**22))
    low, high = estimate.interval
    error = estimate.value - log_z
    return low <= log_z <= high, high - low, error, estimate.standard_error


def speed(report):
    """Time of enumeration and of annealing, one thread."""
    if not report.section("log Z, one thread"):
        return
    for n_hidden, n_visible in ((20, 64), (16, 784), (20, 784)):
        units = make_units([BERNOULLI] * n_visible)
        states = hidden_states(_random(units, n_hidden, 0.3, 0), units)
        log_sum(hidden_states(_random(units, 4, 0.3, 0), units))
        (seconds,) = in_turns({"ours": lambda s=states: log_sum(s)}, 1).values()
        rate = 2.0**n_hidden * n_visible / seconds[0]
        note = f"{rate / 1e9:.2f}e9 units per second"
        case = f"2^{n_hidden} states x {n_visible} units"
        report.add(case, seconds[0], None, None, 1, note, unit="s")
    machine, units, reference = _large()
    path = path_between(reference, machine, units)
    betas, ends = np.linspace(0.0, 1.0, 1001, dtype=np.float32), np.array([0, 1000])

    def annealing():
        rng = np.random.default_rng(0)
        F = draw_reference(reference, units, 100, rng)
        ascend(F, betas, ends, path, rng)

    F = np.ones((50, 784), np.float32)

    def products():
        for _ in range(2000):
            F @ path.weights.T @ path.weights

    with one_blas_thread():
        ascend(F, betas[:3], np.array([0, 2]), path, np.random.default_rng(0))
        ours, alone = in_turns({"ours": annealing, "products": products}, 3).values()
        note = "peer: its matrix products alone"
        ratio = min(alone) / min(ours)
        case = "AIS 784x500, 100 chains x 1000"
        report.add(case, min(ours), min(alone), ratio, 1, note, unit="s")
        start = time.process_time()
        memory = peak_beyond(lambda: _bracket(machine, units, reference))
        seconds = time.process_time() - start
    note = f"with replicas and reverse; {memory / 2**20:.0f} MB beyond the machine's"
    report.add("bracket 784x500", seconds, None, None, 1, note, unit="s")


def _large():
    units = make_units([BERNOULLI] * 784)
    return _random(units, 500, 0.08, 0), units, np.zeros(784)


def _bracket(machine, units, reference):
    rng = np.random.default_rng(0)
    return estimate_log_partition(machine, units, reference, rng)


def partition(report):
    """All sections."""
    speed(report)
    coverage(report)
