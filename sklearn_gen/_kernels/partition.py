"""Sums over one layer of a Boltzmann machine for every state of the other.

A state is made of a high and a low part, whose inputs to the summed layer add up:
t = T[g] + D[s]. What the low parts do is tabulated once as exp(D), so that a binary
unit's 1 + exp(t) is a product and a sum, and a logarithm is due only where a product of
many units would run out of range.
"""

import math

import numpy as np

from sklearn_gen._kernels._jit import jit, kernel
from sklearn_gen._kernels.special import log

# In rbm/_units.py the kinds have the same numbers.
_BERNOULLI, _GAUSSIAN, _CATEGORICAL, _BINOMIAL = range(4)
# A product of factors stays within exp(-600) and exp(600): float64 has exp(+-708).
_ROOM = 600.0
_LOG_2_PI = 1.8378770664093453


@jit
def _tables(D, kinds, first):
    """Of the low parts (P, S): exp(D - top), or D of Gaussian units; top; range."""
    S, P = D.shape
    table = np.empty((P, S), D.dtype)
    top, spread = np.zeros(P, D.dtype), np.zeros(P, D.dtype)
    for u in range(len(kinds)):
        for p in range(first[u], first[u + 1]):
            if kinds[u] == _GAUSSIAN:
                for s in range(S):
                    table[p, s] = D[s, p]
                continue
            low = top[p] = D[0, p]
            for s in range(S):
                low, top[p] = min(low, D[s, p]), max(top[p], D[s, p])
            spread[p] = top[p] - low
            for s in range(S):
                table[p, s] = math.exp(D[s, p] - top[p])
    return table, top, spread


@jit
def _multiply(product, table, p, q, zeros, ones):
    """Multiply by zeros + ones table of the binary units p to q."""
    while p + 4 <= q:
        a, b, c, d = table[p], table[p + 1], table[p + 2], table[p + 3]
        a0, b0, c0, d0 = zeros[p], zeros[p + 1], zeros[p + 2], zeros[p + 3]
        a1, b1, c1, d1 = ones[p], ones[p + 1], ones[p + 2], ones[p + 3]
        for s in range(len(product)):
            left = (a0 + a1 * a[s]) * (b0 + b1 * b[s])
            right = (c0 + c1 * c[s]) * (d0 + d1 * d[s])
            product[s] *= left * right
        p += 4
    for r in range(p, q):
        for s in range(len(product)):
            product[s] *= zeros[r] + ones[r] * table[r, s]


@jit
def _take_log(product, value):
    for s in range(len(product)):
        value[s] += log(product[s])
        product[s] = 1.0


@jit
def _sum_of_levels(inputs, top, table, begin, end, total):
    """Sum over levels of exp(t - shift), and the shift."""
    shift = -np.inf
    for p in range(begin, end):
        shift = max(shift, inputs[p] + top[p])
    for s in range(len(total)):
        total[s] = 0.0
    for p in range(begin, end):
        weight = math.exp(inputs[p] + top[p] - shift)
        for s in range(len(total)):
            total[s] += weight * table[p, s]
    return shift


@kernel
def sums_of_states(T, high, D, low, precision, kinds, first, trials):
    """Unnormalised log probability of states: high + low + sum over units of A(t).

    Parameters
    ----------
    T : float64 array of shape (G, P)
        Natural parameters of the summed layer's features at the high parts.
    high : array of shape (G,)
        Terms of the high parts alone.
    D : array of shape (S, P)
        What the low parts add to them. No column may span more than 600.
    low : array of shape (S,)
        Terms of the low parts alone.
    precision : array of shape (P,)
        Of Gaussian features.
    kinds, first : int64 arrays of shape (U,) and (U + 1,)
        Kind of each unit of the summed layer, and its first feature.
    trials : array of shape (U,)
        Largest count of binomial units.

    Returns
    -------
    log_prob : array of shape (G, S)
    """
    G, S, U = len(T), len(D), len(kinds)
    table, top, spread = _tables(D, kinds, first)
    out = np.empty((G, S), T.dtype)
    product, total = np.ones(S, T.dtype), np.empty(S, T.dtype)
    zeros, ones = np.empty(T.shape[1], T.dtype), np.empty(T.shape[1], T.dtype)
    for g in range(G):
        value, shifts = out[g], high[g]
        for s in range(S):
            value[s] = low[s]
        room = _ROOM
        begin = 0  # binary units from here on are still to be multiplied
        for u in range(U):
            p, end, kind = first[u], first[u + 1], kinds[u]
            if kind == _BERNOULLI:
                t = T[g, p] + top[p]
                shift = max(t, 0.0)
                zeros[p], ones[p] = math.exp(-shift), math.exp(t - shift)
                shifts += shift
                if room < spread[p] + 1.0:
                    _multiply(product, table, begin, p, zeros, ones)
                    _take_log(product, value)
                    begin, room = p, _ROOM
                room -= spread[p] + 1.0
                continue
            _multiply(product, table, begin, p, zeros, ones)
            begin = end
            if kind == _GAUSSIAN:
                scale = 0.5 / precision[p]
                shifts += 0.5 * (_LOG_2_PI - math.log(precision[p]))
                for s in range(S):
                    t = T[g, p] + table[p, s]
                    value[s] += scale * t * t
            elif kind == _CATEGORICAL:
                need = math.log(end - p)
                for q in range(p, end):
                    need = max(need, spread[q] + math.log(end - p))
                if room < need:
                    _take_log(product, value)
                    room = _ROOM
                room -= need
                shifts += _sum_of_levels(T[g], top, table, p, end, total)
                for s in range(S):
                    product[s] *= total[s]
            else:
                t = T[g, p] + top[p]
                shift = max(t, 0.0)
                shifts += trials[u] * shift
                zero, one = math.exp(-shift), math.exp(t - shift)
                for s in range(S):
                    value[s] += trials[u] * log(zero + one * table[p, s])
        _multiply(product, table, begin, first[U], zeros, ones)
        _take_log(product, value)
        for s in range(S):
            value[s] += shifts
    return out
