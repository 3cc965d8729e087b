"""Random chains and densities for tests of recursions."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sklearn_gen.hmm._layout import lay_out
from sklearn_gen.hmm._recursions import Chain, Recursions
from sklearn_gen.hmm._sequences import groups_from_lengths, sequences_of


class Sums(NamedTuple):
    """Statistics whose parts show that rows and responsibilities belong together."""

    s0: np.ndarray
    s1: np.ndarray


def random_chain(n_components, rng, sticky=0.0):
    """Probabilities without zeros; `sticky` is added to the diagonal, then scaled."""
    start = rng.dirichlet(np.ones(n_components))
    transitions = rng.dirichlet(np.ones(n_components), n_components)
    transitions = transitions + sticky * np.eye(n_components)
    return Chain(start, transitions / transitions.sum(axis=1, keepdims=True))


def recursions_of(log_prob, chain, lengths=None, n_jobs=None, dtype=np.float64):
    """Recursions over rows whose log densities are given; blocks are row indices."""
    n = len(log_prob)
    groups = None if lengths is None else groups_from_lengths(lengths)
    sequences = sequences_of(groups, n)
    layout = lay_out(sequences, log_prob.shape[1], dtype)
    return Recursions(layout, chain, lambda rows: rows, log_prob.__getitem__, n_jobs)


def row_stats(rows, gamma):
    """Sums over rows of gamma, and of gamma times the row's index."""
    gamma = gamma.astype(np.float64)
    return Sums(gamma.sum(axis=0), rows @ gamma)


def slices_of(lengths):
    """Rows of each sequence."""
    edges = np.r_[0, np.cumsum(lengths)]
    return [slice(a, b) for a, b in pairwise(edges)]


def two_kinds_of_rows(seed):
    """Rows and states of two states, each of two clusters far from one another.

    The cluster nearest to one is of the other state. Truth is at -3.63 nats a row.
    """
    rng = np.random.default_rng(seed)
    states = np.repeat([0, 1] * 20, 50)
    centers = np.array([[[0.0, 0.0], [6.0, 0.0]], [[3.0, 5.0], [3.0, -5.0]]])
    X = centers[states, rng.integers(2, size=2000)] + rng.normal(size=(2000, 2))
    return X, states
