"""Machines small enough to enumerate, and their distributions."""

import itertools
from math import comb, log

import numpy as np

from sklearn_gen.rbm._machine import Machine
from sklearn_gen.rbm._units import (
    BERNOULLI,
    BINOMIAL,
    CATEGORICAL,
    GAUSSIAN,
    features,
    make_units,
)

MIXED = make_units(
    [CATEGORICAL, BERNOULLI, BINOMIAL, CATEGORICAL, BERNOULLI],
    n_levels=[3, 1, 1, 2, 1],
    trials=[1, 1, 4, 1, 1],
)
BINARY = make_units([BERNOULLI] * 6)


def with_gaussian():
    """Units with one Gaussian among them."""
    return make_units([BERNOULLI, GAUSSIAN, CATEGORICAL], n_levels=[1, 1, 3])


def random_machine(units, n_hidden, seed=0, scale=0.7, dtype=np.float64):
    """A machine with random parameters."""
    rng = np.random.default_rng(seed)
    gaussian = units.feature_kinds == GAUSSIAN
    precision = np.where(gaussian, rng.uniform(0.5, 2.0, units.n_features), 1.0)
    return Machine(
        *(
            a.astype(dtype)
            for a in (
                rng.normal(0.0, scale, (n_hidden, units.n_features)),
                rng.normal(0.0, scale, units.n_features),
                rng.normal(0.0, scale, n_hidden),
                precision,
            )
        )
    )


def all_hidden(n_hidden):
    """All states of the hidden units, shape (2 ** H, H)."""
    return np.array(list(itertools.product([0.0, 1.0], repeat=n_hidden)))


def all_rows(units, grid=None):
    """All rows of the visible units, `grid` for Gaussian ones, shape (n, U)."""
    choices = []
    for u in range(units.n_units):
        if units.kinds[u] == GAUSSIAN:
            choices.append(grid)
        elif units.kinds[u] == CATEGORICAL:
            choices.append(np.arange(units.n_levels[u], dtype=float))
        else:
            choices.append(np.arange(units.trials[u] + 1.0))
    return np.array(list(itertools.product(*choices)))


def joint(X, h, units, machine):
    """log of the unnormalised p(v, h), term by term; shape (rows, states)."""
    out = np.empty((len(X), len(h)))
    F = features(X, units)
    for i, j in np.ndindex(out.shape):
        energy = machine.visible @ F[i] + machine.hidden @ h[j]
        energy += h[j] @ machine.weights @ F[i]
        for u in range(units.n_units):
            x = X[i, u]
            if units.kinds[u] == GAUSSIAN:
                energy -= 0.5 * machine.precision[units.first[u]] * x * x
            elif units.kinds[u] == BINOMIAL:
                energy += log(comb(int(units.trials[u]), int(x)))
        out[i, j] = energy
    return out
