"""Hidden Markov chains: expected states and transitions, and what rows say in turn.

Groups and lanes are those of ``markov_steps``.
"""

from typing import NamedTuple

import numpy as np

from sklearn_gen._kernels._jit import kernel
from sklearn_gen._kernels.blocks import copy_to
from sklearn_gen._kernels.markov_back import backward
from sklearn_gen._kernels.markov_steps import (
    EDGE,
    NEIGHBOUR,
    TIME,
    forward,
    longest,
    new_space,
    new_steps,
    padded,
    score,
    with_start,
)
from sklearn_gen._kernels.special import log

__all__ = [
    "EDGE",
    "NEIGHBOUR",
    "Filtered",
    "Smoothed",
    "counted_rows",
    "filtered",
    "rows_of_lanes",
    "smooth",
    "taken",
]


class Smoothed(NamedTuple):
    """Expected states and transitions of G groups; see :func:`smooth`."""

    gamma: np.ndarray  # (K, n) weight p(z_t = k | all x)
    transitions: np.ndarray  # (K, K) float64, sum of weight p(z_t-1 = i, z_t = j | all)
    start: np.ndarray  # (K,) float64, sum of gamma over first rows of sequences
    log_likelihood: np.ndarray  # (G, L) float64, sum over the lane of log p(x_t | x_<t)
    last: np.ndarray  # (G, K, L) p(z_t | x_<=t) at the lane's last row
    before: np.ndarray  # (G, K, L) p(rows of the lane and after | z before it), scaled
    trouble: np.ndarray  # (G, L) bool: numbers too small for the sums to be trusted


class Filtered(NamedTuple):
    """Probabilities given earlier rows; see :func:`filtered`."""

    log_prob: np.ndarray  # (n,) log p(x_t | x_<t)
    states: np.ndarray  # (K, n) p(z_t | x_<=t), or (K, 0)
    last: np.ndarray  # (G, K, L) as in Smoothed
    trouble: np.ndarray  # (G, L) bool


@kernel
def rows_of_lanes(first, starts, lengths):
    """Row of the table at each (time, lane) of groups; a lane's last row fills it up.

    Parameters
    ----------
    first, lengths : int64 arrays of shape (G + 1,) and (G, L)
        As in :func:`smooth`.
    starts : int64 array of shape (G, L)
        Row that each lane starts with.
    """
    G, L = starts.shape
    rows = np.empty(first[G], np.int64)
    for g in range(G):
        for t in range((first[g + 1] - first[g]) // L):
            for i in range(L):
                step = max(min(t, lengths[g, i] - 1), 0)
                rows[first[g] + t * L + i] = starts[g, i] + step
    return rows


@kernel
def counted_rows(first, starts, lengths, own):
    """Which (time, lane) of groups count, and rows of the table there, lane by lane.

    Parameters are those of :func:`rows_of_lanes` and :func:`smooth`; returns (2, n).
    """
    G, L = starts.shape
    out, at = np.empty((2, (own * lengths).sum()), np.int64), 0
    for g in range(G):
        for i in range(L):
            for t in range(lengths[g, i] if own[g, i] else 0):
                out[0, at] = first[g] + t * L + i
                out[1, at] = starts[g, i] + t
                at += 1
    return out


@kernel
def taken(X, rows):
    """X[rows], for what :func:`rows_of_lanes` gives: read lane by lane, in order.

    That takes a fifth of the time of NumPy's, which jumps between lanes at every row.
    """
    n, D = len(rows), X.shape[1]
    out = np.empty((n, D), X.dtype)
    L = 256 // 8
    for begin in range(0, n, 64 * L):
        end = min(n, begin + 64 * L)
        for i in range(L):
            for at in range(begin + i, end, L):
                row = rows[at]
                for j in range(D):
                    out[at, j] = X[row, j]
    return out


@kernel
def smooth(
    log_prob,
    first,
    lengths,
    enter,
    leave,
    own,
    weight,
    start,
    transitions,
    entries,
    exits,
):
    """Forward and backward over groups of lanes.

    Parameters
    ----------
    log_prob : array of shape (K, n)
        log p(x_t | z_t = k) of all groups' rows; see ``markov_steps``. -inf is a
        state that can't have emitted the row, a row of zeros one that says nothing.
    first : int64 array of shape (G + 1,)
        Column at which each group starts, and n.
    lengths : int64 array of shape (G, L)
        Rows of each lane; 0: not used.
    enter, leave : int64 arrays of shape (G, L)
        ``EDGE``, ``NEIGHBOUR``, or an index into `entries` (`exits`).
    own : bool array of shape (G, L)
        False: the lane's rows count nowhere; it is there for its neighbours' sake.
    weight : array of shape (G, L)
        Weight of the lane's sequence.
    start : array of shape (1, K)
        p(z) at the first row of a sequence.
    transitions : array of shape (K, K)
        p(z_t = j | z_t-1 = i).
    entries, exits : arrays of shape (any, K)
        p(z | rows before the lane), at the row before; p(rows after the lane | z), at
        its last row, times any number.

    Returns
    -------
    Smoothed
    """
    K, n = log_prob.shape
    G, L = lengths.shape
    T = longest(first, L)
    matrix, transposed = with_start(transitions, start), padded(transitions.T.copy(), K)
    b, shift, space = new_space(T, K, log_prob)
    beta, before = new_steps(TIME + 1, K, log_prob), np.zeros_like(b[0])
    gamma = np.empty((K, n), log_prob.dtype)
    sums, started = np.zeros((len(before), len(before))), np.zeros(K)
    log_likelihood, trouble = np.zeros((G, L)), np.zeros((G, L), np.bool_)
    last = np.zeros((G, K, L), log_prob.dtype)
    befores = np.zeros((G, K, L), log_prob.dtype)
    drift = log_prob.dtype.type(1e-6 if log_prob.itemsize == 8 else 1e-2)
    for g in range(G):
        at, T = first[g], (first[g + 1] - first[g]) // L
        forward(
            *(matrix, log_prob, at, enter[g], entries, lengths[g], T),
            *(b, shift, space, last[g]),
        )
        score(space[1], shift, lengths[g], T, log_likelihood[g], trouble[g])
        backward(
            *(transposed, leave[g], exits, own[g], lengths[g], weight[g], T),
            *(b, space, beta, before, gamma, at, sums),
        )
        copy_to(befores[g], before[:K])
        for i in range(L):
            if own[g, i] and lengths[g, i]:
                mass = gamma[:, at + i].sum()
                trouble[g, i] |= not abs(mass - weight[g, i]) <= drift * weight[g, i]
                if enter[g, i] == EDGE:
                    started += gamma[:, at + i]
    pairs = sums[:K, :K] * transitions
    return Smoothed(gamma, pairs, started, log_likelihood, last, befores, trouble)


@kernel
def filtered(
    log_prob,
    first,
    lengths,
    enter,
    start,
    transitions,
    entries,
    with_states,
):
    """Forward over groups of lanes: what each row says given the rows before it.

    Parameters are those of :func:`smooth`; ``with_states`` (bool) asks for p(z_t | x).

    Returns
    -------
    Filtered
        Rows that pad a group get 0.
    """
    K, n = log_prob.shape
    G, L = lengths.shape
    T = longest(first, L)
    matrix = with_start(transitions, start)
    b, shift, space = new_space(T, K, log_prob)
    alpha, total, inverse, _ = space
    lowest = log_prob.dtype.type(1e-200 if log_prob.itemsize == 8 else 1e-20)
    out = np.zeros(n, log_prob.dtype)
    states = np.zeros((K, n if with_states else 0), log_prob.dtype)
    sums, trouble = np.zeros(L), np.zeros((G, L), np.bool_)
    last = np.zeros((G, K, L), log_prob.dtype)
    for g in range(G):
        at, T = first[g], (first[g + 1] - first[g]) // L
        forward(
            *(matrix, log_prob, at, enter[g], entries, lengths[g], T),
            *(b, shift, space, last[g]),
        )
        score(total, shift, lengths[g], T, sums, trouble[g])
        for i in range(L):
            for t in range(lengths[g, i]):
                row = at + t * L + i
                out[row] = log(max(total[t, i], lowest)) + shift[t, i]
                if with_states:
                    for k in range(K):
                        states[k, row] = alpha[t + 1, k, i] * inverse[t + 1, i]
    return Filtered(out, states, last, trouble)
