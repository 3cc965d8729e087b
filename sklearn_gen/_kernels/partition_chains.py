"""Chains of Gibbs sweeps between two machines: annealed, or exchanging temperatures.

At temperature beta a chain's machine lies between a reference of independent visible
units (beta = 0) and the machine itself (beta = 1): weights beta W, hidden biases
beta c, visible biases and precisions in between.

    log p(v; beta) = base(v) + (r + beta s) . F(v) - (q + beta g) . F(v)^2 / 2
                     + sum_j softplus(beta (c_j + W_j . F(v)))

Hidden units are filled up to whole vectors of ``lanes`` by units without weights.
"""

from typing import NamedTuple

import numpy as np

from sklearn_gen._kernels._jit import REORDERED, jit, kernel
from sklearn_gen._kernels.blocks import aligned_zeros
from sklearn_gen._kernels.boltzmann import BERNOULLI, draw_from_odds, draw_visible
from sklearn_gen._kernels.lanes import choose_less, load, splat, store
from sklearn_gen._kernels.randomness import STREAMS, draw_uniforms
from sklearn_gen._kernels.special import exp, log

_VECTORS = 64  # of factors up to 2, whose product float32 holds


class Path(NamedTuple):
    """A machine of H hidden units and P visible features, and its reference.

    Attributes
    ----------
    weights, hidden : array of shape (H, P) and (H,)
        W and c.
    reference, change : arrays of shape (P,)
        Visible biases at beta = 0, and what is added at 1.
    precision, sharper : arrays of shape (P,)
        Precisions at beta = 0, and what is added at 1.
    kinds, first : int64 arrays of shape (U,) and (U + 1,)
        Kinds of visible units, and their first features.
    trials : array of shape (U,)
        Largest count of binomial units.
    """

    weights: np.ndarray
    hidden: np.ndarray
    reference: np.ndarray
    change: np.ndarray
    precision: np.ndarray
    sharper: np.ndarray
    kinds: np.ndarray
    first: np.ndarray
    trials: np.ndarray


class _Chains(NamedTuple):
    """Work space of n chains."""

    F: np.ndarray  # (n, P) features
    a: np.ndarray  # (n, H) hidden inputs
    h: np.ndarray  # (n, H) hidden units
    upper: np.ndarray  # (W,) products of a vector of lanes
    lower: np.ndarray
    u: np.ndarray  # (STREAMS,) random numbers
    ones: np.ndarray  # (P,)
    streams: np.ndarray  # (4, STREAMS) uint32


@jit
def _new_chains(path, F, streams):
    n, H, dtype = len(F), len(path.hidden), F.dtype
    a, h = np.empty((n, H), dtype), np.empty((n, H), dtype)
    width = 64 // F.itemsize
    upper, lower = aligned_zeros(width, dtype), aligned_zeros(width, dtype)
    u, ones = np.empty(STREAMS, dtype), np.ones(F.shape[1], dtype)
    return _Chains(F.copy(), a, h, upper, lower, u, ones, streams.copy())


@jit
def _transposed(a):
    out = np.empty((a.shape[1], a.shape[0]), a.dtype)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            out[j, i] = a[i, j]
    return out


@jit
def _hidden_inputs(path, weights_t, chains):
    np.dot(chains.F, weights_t, chains.a)
    for i in range(len(chains.a)):
        for j in range(len(path.hidden)):
            chains.a[i, j] += path.hidden[j]


@jit(fastmath=REORDERED)
def _slope(path, x):
    """What changes of log p with beta, hidden units apart."""
    total = x.dtype.type(0.0)
    half = x.dtype.type(0.5)
    for p in range(len(x)):
        total += (path.change[p] - half * path.sharper[p] * x[p]) * x[p]
    return total


@jit
def _log_ratio(path, chains, i, old, new):
    """log p(v; new) - log p(v; old) of chain i, in float64."""
    a, upper, lower = chains.a, chains.upper, chains.lower
    zero, one = a.dtype.type(0.0), a.dtype.type(1.0)
    width = 64 // a.itemsize
    sums, ratio = splat(zero), 0.0
    for begin in range(0, a.shape[1], width * _VECTORS):
        above, below = splat(one), splat(one)
        for j in range(begin, min(begin + width * _VECTORS, a.shape[1]), width):
            x = load(a, (i, j))
            top = choose_less(x, zero, zero, x)
            sums = sums + top
            minus = x - top - top  # -|x|
            above = above * (exp(minus * new) + one)
            below = below * (exp(minus * old) + one)
        store(upper, (0,), above)
        store(lower, (0,), below)
        for k in range(width):
            ratio += np.float64(log(upper[k]) - log(lower[k]))
    store(upper, (0,), sums)
    linear = np.float64(_slope(path, chains.F[i]))
    for k in range(width):
        linear += np.float64(upper[k])
    return ratio + (np.float64(new) - np.float64(old)) * linear


@jit
def _sweep(path, chains, betas):
    """Draw hidden units given ``chains.a``, then features; one beta for each chain."""
    a, h, t = chains.a, chains.h, chains.F
    for i in range(len(a)):
        for j in range(a.shape[1]):
            h[i, j] = betas[i] * a[i, j]
    draw_from_odds(h, chains.streams, chains.u)
    np.dot(h, path.weights, t)
    for i in range(len(t)):
        for p in range(t.shape[1]):
            t[i, p] = path.reference[p] + betas[i] * (t[i, p] + path.change[p])
    if path.kinds.max() == BERNOULLI:  # the least of the kinds
        draw_from_odds(t, chains.streams, chains.u)
        return
    # with s = sqrt(precision), t / s and x s are those of a Gaussian of precision 1
    _divide_by_roots(path, betas, t)
    units = path.kinds, path.first, path.trials
    draw_visible(t, *units, chains.ones, chains.streams, chains.u)
    _divide_by_roots(path, betas, t)


@jit
def _divide_by_roots(path, betas, t):
    for i in range(len(t)):
        for p in range(t.shape[1]):
            t[i, p] /= np.sqrt(path.precision[p] + betas[i] * path.sharper[p])


@kernel
def anneal(F, betas, streams, *path):
    """Move chains along a sequence of temperatures.

    Parameters
    ----------
    F : array of shape (n, P)
        Chains that are at ``betas[0]``.
    betas : array of shape (K + 1,)
        Temperatures, up or down.
    streams : uint32 array of shape (4, STREAMS)
        Random streams.
    *path : arrays
        The fields of :class:`Path`.

    Returns
    -------
    log_weights : float64 array of shape (n,)
        Sum over steps of log p(v; next) - log p(v; now), v before the step.
    terms : float64 array of shape (K, n)
        The terms of that sum.
    F : array of shape (n, P)
        Chains at ``betas[-1]``.
    """
    path = Path(*path)
    chains = _new_chains(path, F, streams)
    n = len(F)
    weights_t = _transposed(path.weights)
    log_weights, terms = np.zeros(n), np.empty((len(betas) - 1, n))
    beta = np.empty(n, F.dtype)
    for k in range(len(betas) - 1):
        _hidden_inputs(path, weights_t, chains)
        for i in range(n):
            beta[i] = betas[k + 1]
            terms[k, i] = _log_ratio(path, chains, i, betas[k], betas[k + 1])
            log_weights[i] += terms[k, i]
        _sweep(path, chains, beta)
    return log_weights, terms, chains.F


@kernel
def exchange(F, betas, streams, n_sweeps, thinning, *path):
    """Run replicas at all temperatures that exchange them (parallel tempering).

    Parameters
    ----------
    F : array of shape (n, M, P)
        Of each chain the replica at each temperature.
    betas : array of shape (M,)
        Temperatures, ascending.
    streams : uint32 array of shape (4, STREAMS)
        Random streams.
    n_sweeps : int
        Sweeps of every replica.
    thinning : int
        Sweeps for one kept state.
    *path : arrays
        The fields of :class:`Path`.

    Returns
    -------
    kept : array of shape (n_sweeps // thinning, n, P)
        Every ``thinning``-th state at ``betas[-1]``.
    F : array of shape (n, M, P)
        The last states, by temperature.
    accepted, proposed : float64 arrays of shape (M - 1,)
        Numbers of exchanges between neighbours.
    """
    path = Path(*path)
    n, M, P = F.shape
    chains = _new_chains(path, F.reshape(n * M, P), streams)
    weights_t = _transposed(path.weights)
    place = np.arange(n * M).reshape(n, M)  # the row that is at each temperature
    beta = np.empty(n * M, F.dtype)
    kept = np.empty((n_sweeps // thinning, n, P), F.dtype)
    accepted, proposed = np.zeros(M - 1), np.zeros(M - 1)
    for sweep in range(n_sweeps):
        _hidden_inputs(path, weights_t, chains)
        for i in range(n):
            for m in range(sweep % 2, M - 1, 2):
                low, high = place[i, m], place[i, m + 1]
                gain = _log_ratio(path, chains, low, betas[m], betas[m + 1])
                gain += _log_ratio(path, chains, high, betas[m + 1], betas[m])
                draw_uniforms(chains.streams, chains.u)
                proposed[m] += 1.0
                if np.float64(chains.u[0]) < np.exp(min(gain, 0.0)):
                    place[i, m], place[i, m + 1] = high, low
                    accepted[m] += 1.0
            for m in range(M):
                beta[place[i, m]] = betas[m]
        _sweep(path, chains, beta)
        if (sweep + 1) % thinning == 0:
            for i in range(n):
                for p in range(P):
                    kept[sweep // thinning, i, p] = chains.F[place[i, M - 1], p]
    last = np.empty((n, M, P), F.dtype)
    for i in range(n):
        for m in range(M):
            for p in range(P):
                last[i, m, p] = chains.F[place[i, m], p]
    return kept, last, accepted, proposed
