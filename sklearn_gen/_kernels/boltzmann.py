"""Layers of Boltzmann machines: activation and draw in one pass over a block.

Blocks are (rows, units), C-contiguous, and overwritten: natural parameters go in,
probabilities, means or draws come out.
"""

import numpy as np

from sklearn_gen._kernels._jit import jit
from sklearn_gen._kernels.randomness import (
    STREAMS,
    draw_normals,
    draw_uniforms,
)
from sklearn_gen._kernels.special import exp, log

# Kinds of visible units, as in rbm/_units.py.
BERNOULLI, GAUSSIAN, CATEGORICAL, BINOMIAL = 0, 1, 2, 3


@jit
def sigmoid(t, one):
    """1 / (1 + exp(-t)), without overflow; ``one`` is 1 in the dtype of t."""
    small = exp(-abs(t))
    return (one if t >= 0 else small) / (one + small)


@jit
def softplus(t, one):
    """log(1 + exp(t)), without overflow; the absolute error is that of rounding."""
    return (t if t > 0 else one - one) + log(one + exp(-abs(t)))


@jit
def activate(T):
    """Turn log odds into probabilities, in place."""
    flat = T.reshape(T.size)
    one = T.dtype.type(1.0)
    for i in range(T.size):
        t = flat[i]
        small = exp(-abs(t))
        flat[i] = (one if t >= 0 else small) / (one + small)


@jit
def draw_from_odds(T, streams, uniforms):
    """Turn log odds into draws of zeros and ones, in place."""
    flat = T.reshape(T.size)
    one, zero = T.dtype.type(1.0), T.dtype.type(0.0)
    for start in range(0, T.size, STREAMS):
        draw_uniforms(streams, uniforms)
        part = flat[start : start + STREAMS]
        for i in range(len(part)):
            t = part[i]
            small = exp(-abs(t))
            top = one if t >= 0 else small
            # u < sigmoid(t), without the division
            part[i] = one if uniforms[i] * (one + small) < top else zero


@jit
def draw_from_probabilities(P, out, streams, uniforms):
    """Draw zeros and ones with probabilities P into ``out``."""
    source, target = P.reshape(P.size), out.reshape(out.size)
    one, zero = P.dtype.type(1.0), P.dtype.type(0.0)
    for start in range(0, P.size, STREAMS):
        draw_uniforms(streams, uniforms)
        part, drawn = source[start : start + STREAMS], target[start : start + STREAMS]
        for i in range(len(part)):
            drawn[i] = one if uniforms[i] < part[i] else zero


@jit
def largest(values):
    """Largest of some values."""
    top = values[0]
    for value in values:
        top = max(top, value)
    return top


@jit
def visible_means(T, kinds, first, trials, precision):
    """Turn natural parameters of visible units into expected features, in place."""
    one = T.dtype.type(1.0)
    for row in T:
        for u in range(len(kinds)):
            p = first[u]
            if kinds[u] == GAUSSIAN:
                row[p] /= precision[p]
            elif kinds[u] == CATEGORICAL:
                levels = row[p : first[u + 1]]
                top, total = largest(levels), T.dtype.type(0.0)
                for k in range(len(levels)):
                    levels[k] = exp(levels[k] - top)
                    total += levels[k]
                for k in range(len(levels)):
                    levels[k] /= total
            else:
                row[p] = trials[u] * sigmoid(row[p], one)


@jit
def draw_visible(T, kinds, first, trials, precision, streams, uniforms):
    """Turn natural parameters of visible units into draws, in place."""
    zero, one = T.dtype.type(0.0), T.dtype.type(1.0)
    next_uniform = STREAMS
    next_normal = STREAMS
    normals = np.empty(STREAMS, T.dtype)
    for row in T:
        for u in range(len(kinds)):
            p = first[u]
            if kinds[u] == GAUSSIAN:
                if next_normal == STREAMS:
                    draw_normals(streams, normals)
                    next_normal = 0
                row[p] = row[p] / precision[p] + normals[next_normal] / np.sqrt(
                    precision[p]
                )
                next_normal += 1
                continue
            if kinds[u] == BINOMIAL:
                chance = sigmoid(row[p], one)
                count = 0
                left = np.int64(trials[u])
                while left > 0:
                    draw_uniforms(streams, uniforms)
                    for i in range(min(left, STREAMS)):
                        count += uniforms[i] < chance
                    left -= STREAMS
                row[p] = count
                next_uniform = STREAMS
                continue
            if next_uniform == STREAMS:
                draw_uniforms(streams, uniforms)
                next_uniform = 0
            uniform = uniforms[next_uniform]
            next_uniform += 1
            if kinds[u] == CATEGORICAL:
                levels = row[p : first[u + 1]]
                top, total = largest(levels), zero
                for k in range(len(levels)):
                    levels[k] = exp(levels[k] - top)
                    total += levels[k]
                left_over = uniform * total
                chosen = len(levels) - 1
                for k in range(len(levels) - 1):
                    left_over -= levels[k]
                    if left_over < 0:
                        chosen = k
                        break
                for k in range(len(levels)):
                    levels[k] = one if k == chosen else zero
            else:
                row[p] = one if uniform < sigmoid(row[p], one) else zero


@jit
def log_partitions(T, kinds, first, trials, precision, out):
    """Sum over the visible units of log partition functions at T, into ``out``."""
    for i in range(len(T)):
        total = 0.0
        for u in range(len(kinds)):
            p = first[u]
            if kinds[u] == GAUSSIAN:
                l = precision[p]  # noqa: E741
                total += 0.5 * (T[i, p] * T[i, p] / l + np.log(2.0 * np.pi / l))
            elif kinds[u] == CATEGORICAL:
                levels = T[i, p : first[u + 1]]
                top, some = largest(levels), T.dtype.type(0.0)
                for k in range(len(levels)):
                    some += exp(levels[k] - top)
                total += top + log(some)
            else:
                total += trials[u] * softplus(T[i, p], T.dtype.type(1.0))
        out[i] = total
