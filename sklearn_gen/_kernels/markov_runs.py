"""Hidden Markov chains of several parameters over the same few rows, side by side.

A lane is one run of EM, with a start and transitions of its own; a vector of them goes
through all rows, sequence by sequence. What ``markov`` makes of sequences as lanes, and
how it scales them, is the same here.
"""

from typing import NamedTuple

import numpy as np

from sklearn_gen._kernels._jit import jit, kernel
from sklearn_gen._kernels.blocks import aligned_empty, aligned_zeros
from sklearn_gen._kernels.lanes import accumulate, choose_less, load, splat, store
from sklearn_gen._kernels.markov_steps import score
from sklearn_gen._kernels.special import exp

_ROWS = 64  # transposed at a time: a block of them stays in the first-level cache


class SmoothedRuns(NamedTuple):
    """Expected states and transitions of R runs; see :func:`smooth_runs`."""

    gamma: np.ndarray  # (R K, n) weight p(z_t = k | all x)
    transitions: np.ndarray  # (R, K, K) float64, as in markov.Smoothed
    start: np.ndarray  # (R, K) float64
    log_likelihood: np.ndarray  # (R,) float64, weighted sum over the sequences
    trouble: np.ndarray  # (R,) bool: numbers too small for the sums to be trusted


@jit
def _chains(start, transitions, first, starts, steps):
    """Parameters of the runs from `first` on as starts (K, W) and steps (K, K, W)."""
    K, W = starts.shape
    for i in range(W):
        run = min(first + i, len(start) - 1)
        for k in range(K):
            starts[k, i] = start[run, k]
            for j in range(K):
                steps[k, j, i] = transitions[run, k, j]


@jit
def _emit(log_prob, first, n_runs, b, shift):
    """Densities relative to the largest state's, b (n, K, W), of runs from `first` on.

    Of a vector that isn't full the last run fills the rest.
    """
    n, K, W = b.shape
    zero, lowest = splat(b.dtype.type(0.0)), splat(b.dtype.type(-np.inf))
    for begin in range(0, n, _ROWS):
        end = min(n, begin + _ROWS)
        for i in range(W):
            run = min(first + i, n_runs - 1)
            for k in range(K):
                for t in range(begin, end):
                    b[t, k, i] = log_prob[run * K + k, t]
        for t in range(begin, end):
            top = load(b, (t, 0, 0))
            for k in range(1, K):
                value = load(b, (t, k, 0))
                top = choose_less(top, value, value, top)
            top = choose_less(lowest, top, top, zero)
            store(shift, (t, 0), top)
            for k in range(K):
                store(b, (t, k, 0), exp(load(b, (t, k, 0)) - top))


@jit
def _forward(start, transitions, fresh, b, alpha, total, inverse):
    """alpha[t] = p(z_t, x_t | x_<t), its sum over states, and 1 / sum."""
    n, K = b.shape[:2]
    zero, one = splat(b.dtype.type(0.0)), splat(b.dtype.type(1.0))
    # 1 / total stays finite; lanes that come so low are in trouble anyway
    lowest = splat(b.dtype.type(1e-300 if b.itemsize == 8 else 1e-37))
    scaled = one
    for t in range(n):
        mass = zero
        for k in range(K):
            if fresh[t]:
                here = load(start, (k, 0))
            else:
                here = zero
                for j in range(K):
                    step = load(transitions, (j, k, 0))
                    here = here + load(alpha, (t - 1, j, 0)) * step
                here = here * scaled
            here = here * load(b, (t, k, 0))
            store(alpha, (t, k, 0), here)
            mass = mass + here
        scaled = choose_less(lowest, mass, one / mass, zero)
        store(total, (t, 0), mass)
        store(inverse, (t, 0), scaled)


@jit
def _backward(transitions, fresh, weight, b, alpha, inverse, pairs, started):
    """Let alpha[t] become weight p(z_t | all x); add up pairs and first states.

    With beta[t] = p(x_>t | z_t) / p(x_>t | x_<=t), what is added up is
    p(z_t-1 | x_<t) b[t] / total[t] beta[t]: pairs without their transition.
    """
    n, K, W = b.shape
    zero = splat(b.dtype.type(0.0))
    beta = aligned_zeros(K * W, b.dtype).reshape(K, W)
    ahead = aligned_zeros(K * W, b.dtype).reshape(K, W)
    for t in range(n - 1, -1, -1):
        if t == n - 1 or fresh[t + 1]:
            for k in range(K):
                store(beta, (k, 0), splat(weight[t]))
        scaled = load(inverse, (t, 0))
        for k in range(K):
            after = load(beta, (k, 0))
            gamma = load(alpha, (t, k, 0)) * scaled * after
            store(ahead, (k, 0), load(b, (t, k, 0)) * scaled * after)
            store(alpha, (t, k, 0), gamma)
            if fresh[t]:
                accumulate(started, (k, 0), gamma)
        if fresh[t]:
            continue
        scaled = load(inverse, (t - 1, 0))
        for i in range(K):
            before = load(alpha, (t - 1, i, 0)) * scaled
            value = zero
            for j in range(K):
                after = load(ahead, (j, 0))
                accumulate(pairs, (i, j, 0), before * after)
                value = value + load(transitions, (i, j, 0)) * after
            store(beta, (i, 0), value)


@kernel
def smooth_runs(log_prob, lengths, weight, start, transitions):
    """Forward and backward over all rows, with the parameters of each of R runs.

    Parameters
    ----------
    log_prob : array of shape (R K, n)
        log p(x_t | z_t = k) of each run's states. -inf is a state that can't have
        emitted the row, a row of zeros one that says nothing.
    lengths : int64 array of shape (S,)
        Rows of each sequence, in their order, none of 0.
    weight : array of shape (S,)
        Weights of the sequences. One of weight 0 counts nothing, however impossible.
    start : array of shape (R, K)
        p(z) at the first row of a sequence.
    transitions : array of shape (R, K, K)
        p(z_t = j | z_t-1 = i).

    Returns
    -------
    SmoothedRuns
    """
    (R, K), n = start.shape, log_prob.shape[1]
    dtype, W = log_prob.dtype, 64 // log_prob.itemsize
    fresh, of_rows = np.zeros(n, np.bool_), np.zeros(n, dtype)
    t = 0
    for s in range(len(lengths)):
        fresh[t] = True
        for _ in range(lengths[s]):
            of_rows[t] = weight[s]
            t += 1
    # One piece of memory: the system takes back what is freed in many, and page faults
    # of the next call were two thirds of its time (8 runs of 4,000 rows, 4 states).
    space = aligned_empty(n * (2 * K + 3) * W, dtype).reshape(2 * K + 3, n, W)
    b, alpha = space[:K].reshape(n, K, W), space[K : 2 * K].reshape(n, K, W)
    shift, total, inverse = space[2 * K], space[2 * K + 1], space[2 * K + 2]
    starts = aligned_empty(K * W, dtype).reshape(K, W)
    steps = aligned_empty(K * K * W, dtype).reshape(K, K, W)
    gamma, likelihoods = np.empty((R * K, n), dtype), np.zeros(R)
    pairs, started = np.empty((R, K, K)), np.empty((R, K))
    trouble = np.zeros(R, np.bool_)
    for first in range(0, R, W):
        lanes = min(W, R - first)
        _chains(start, transitions, first, starts, steps)
        _emit(log_prob, first, R, b, shift)
        _forward(starts, steps, fresh, b, alpha, total, inverse)
        sums = aligned_zeros(K * K * W, np.float64).reshape(K, K, W)
        firsts = aligned_zeros(K * W, np.float64).reshape(K, W)
        _backward(steps, fresh, of_rows, b, alpha, inverse, sums, firsts)
        _scores(alpha, total, shift, lengths, weight, first, likelihoods, trouble)
        for begin in range(0, n, _ROWS):
            for i in range(lanes):
                for k in range(K):
                    for t in range(begin, min(n, begin + _ROWS)):
                        gamma[(first + i) * K + k, t] = alpha[t, k, i]
        for i in range(lanes):
            run = first + i
            for k in range(K):
                started[run, k] = firsts[k, i]
                for j in range(K):
                    pairs[run, k, j] = sums[k, j, i] * transitions[run, k, j]
    return SmoothedRuns(gamma, pairs, started, likelihoods, trouble)


@jit
def _scores(gamma, total, shift, lengths, weight, first, likelihoods, trouble):
    """Log-likelihoods of runs from `first` on, and which came too close to 0."""
    W, begin = total.shape[1], 0
    lanes = min(W, len(likelihoods) - first)
    drift = 1e-6 if total.itemsize == 8 else 1e-2
    low = np.zeros(W, np.bool_)
    for s in range(len(lengths)):
        end = begin + lengths[s]
        if weight[s] > 0:
            own, rows = np.zeros(W), np.full(W, lengths[s])
            score(total[begin:end], shift[begin:end], rows, lengths[s], own, low)
            for i in range(lanes):
                mass = 0.0
                for k in range(gamma.shape[1]):
                    mass += gamma[begin, k, i]
                low[i] |= not abs(mass - weight[s]) <= drift * weight[s]
                likelihoods[first + i] += weight[s] * own[i]
        begin = end
    for i in range(lanes):
        trouble[first + i] = low[i]
