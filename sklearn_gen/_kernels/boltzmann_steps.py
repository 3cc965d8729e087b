"""From the rows of both phases of learning to a step of a machine's parameters.

Gradients are those of centred machines (Melchior, Fischer & Wiskott 2016,
arXiv:1311.1354): with visible offsets mu and hidden offsets lambda, steps of the
weights move the biases along, so that a step does the same to data whose zeros and ones
are swapped.
"""

from typing import NamedTuple

import numpy as np

from sklearn_gen._kernels._jit import REORDERED, jit
from sklearn_gen._kernels.boltzmann import GAUSSIAN

# How gradients become steps.
SGD, MOMENTUM, ADAM = range(3)
_DECAY_1, _DECAY_2, _EPSILON = 0.9, 0.999, 1e-8


class Layers(NamedTuple):
    """Parameters of a machine, or what belongs to each of them.

    Attributes
    ----------
    weights : ndarray of shape (P, H)
        One row for each visible feature.
    visible : ndarray of shape (P,)
        Biases.
    hidden : ndarray of shape (H,)
        Biases.
    log_precision : ndarray of shape (P,)
        Of Gaussian features.
    """

    weights: np.ndarray
    visible: np.ndarray
    hidden: np.ndarray
    log_precision: np.ndarray


class Rule(NamedTuple):
    """How a gradient becomes a step.

    Attributes
    ----------
    optimizer : int
        SGD, MOMENTUM or ADAM.
    rate : float
        Learning rate.
    momentum : float
        Share of the last step.
    l1, l2 : float
        Penalties of the weights.
    n_steps : int
        Steps made, with this one.
    """

    optimizer: int
    rate: float
    momentum: float
    l1: float
    l2: float
    n_steps: int


@jit
def layers_of(theta, P, H):
    """Views of the parts of a vector of parameters; of an empty one, empty ones."""
    if len(theta) == 0:
        return Layers(theta.reshape((1, 0)), theta, theta, theta)
    at = P * H
    return Layers(
        theta[:at].reshape((P, H)),
        theta[at : at + P],
        theta[at + P : at + P + H],
        theta[at + P + H :],
    )


@jit(fastmath=REORDERED)
def _take_step(g, moment, scale, rule):
    """Turn a gradient into a step, in place."""
    rate = rule.rate
    if rule.optimizer == SGD:
        for i in range(len(g)):
            g[i] *= rate
    elif rule.optimizer == MOMENTUM:
        kept = rule.momentum
        for i in range(len(g)):
            moment[i] = kept * moment[i] + rate * g[i]
            g[i] = moment[i]
    else:
        number = g.dtype.type
        kept, added = number(_DECAY_1), number(1.0 - _DECAY_1)
        slow, quick = number(_DECAY_2), number(1.0 - _DECAY_2)
        shrink = number(1.0 / (1.0 - _DECAY_2**rule.n_steps))
        factor = number(rate / (1.0 - _DECAY_1**rule.n_steps))
        epsilon = number(_EPSILON)
        for i in range(len(g)):
            moment[i] = kept * moment[i] + added * g[i]
            scale[i] = slow * scale[i] + quick * g[i] * g[i]
            g[i] = factor * moment[i] / (np.sqrt(scale[i] * shrink) + epsilon)


@jit(fastmath=REORDERED)
def weighted_rows(rows, weights, offset, out):
    """Sum rows by their weights into ``out``, and subtract the offset of each."""
    for j in range(len(out)):
        out[j] = 0
    for r in range(len(rows)):  # a view of each row would be counted, which costs more
        w = weights[r]
        for j in range(len(out)):
            out[j] += w * rows[r, j]
            rows[r, j] -= offset[j]


@jit(fastmath=REORDERED)
def scale_rows(rows, weights):
    """Multiply each row by its weight."""
    for r in range(len(rows)):
        w = weights[r]
        for j in range(rows.shape[1]):
            rows[r, j] *= w


@jit(fastmath=REORDERED)
def mean_rows(rows, out):
    """Mean of rows."""
    for j in range(len(out)):
        out[j] = 0
    share = out.dtype.type(1.0 / len(rows))
    for r in range(len(rows)):
        for j in range(len(out)):
            out[j] += share * rows[r, j]


@jit(fastmath=REORDERED)
def precision_gradient(rows, weights, precision, mean_field, out):
    """Gradient by the logs of the precisions: -x^2 / 2, times the precision.

    Rows that are means given the hidden units lack the variances: ``mean_field``.
    """
    for j in range(len(out)):
        out[j] = 0
    for r in range(len(rows)):
        half = weights[r] * out.dtype.type(0.5)
        for p in range(len(out)):
            out[p] -= half * rows[r, p] * rows[r, p]
    for p in range(len(out)):
        out[p] *= precision[p]
        if mean_field:
            out[p] += out.dtype.type(0.5)


@jit(fastmath=REORDERED)
def _move_row(W, step, hidden_mean, mu, rule, c_step):
    """Move the weights of one feature, and the hidden biases along.

    Returns how far the visible bias goes along.
    """
    zero = step.dtype.type(0.0)
    decay, threshold = rule.rate * rule.l2, rule.rate * rule.l1
    moved = zero
    for j in range(len(W)):
        w = W[j]
        sign = threshold if w > 0 else (-threshold if w < 0 else zero)
        change = step[j] - decay * w - sign
        W[j] = w + change
        moved += hidden_mean[j] * change
        c_step[j] -= mu * change
    return moved


@jit(fastmath=REORDERED)
def _slide(W, G, visible, hidden, visible_mean, hidden_mean, rate, b_step, c_step):
    """The same for all features where steps are the gradient times the rate.

    How the biases go along then follows from the rows that the gradient is made of.
    """
    flat, steps = W.reshape(W.size), G.reshape(G.size)
    for i in range(len(flat)):
        flat[i] += rate * steps[i]
    for r in range(len(visible)):
        of_v, of_h = rate - rate, rate - rate
        for p in range(len(b_step)):
            of_v += visible_mean[p] * visible[r, p]
        for j in range(len(c_step)):
            of_h += hidden_mean[j] * hidden[r, j]
        of_v, of_h = rate * of_v, rate * of_h
        for p in range(len(b_step)):
            b_step[p] -= of_h * visible[r, p]
        for j in range(len(c_step)):
            c_step[j] -= of_v * hidden[r, j]


@jit
def move(
    layers,
    gradient,
    visible,
    hidden,
    moments,
    scales,
    visible_mean,
    hidden_mean,
    rule,
):
    """Move a machine by a gradient in centred coordinates, which is overwritten.

    The gradient by the weights is ``visible.T @ hidden``.
    """
    W, G = layers.weights, gradient.weights
    b_step, c_step = gradient.visible, gradient.hidden
    _take_step(b_step, moments.visible, scales.visible, rule)
    _take_step(c_step, moments.hidden, scales.hidden, rule)
    if rule.optimizer == SGD and rule.l1 == 0.0 and rule.l2 == 0.0:
        _slide(
            W,
            G,
            visible,
            hidden,
            visible_mean,
            hidden_mean,
            rule.rate,
            b_step,
            c_step,
        )
    else:
        for p in range(len(W)):
            # there is one empty row where an optimizer keeps nothing
            moment = moments.weights[min(p, len(moments.weights) - 1)]
            scale = scales.weights[min(p, len(scales.weights) - 1)]
            _take_step(G[p], moment, scale, rule)
            b_step[p] -= _move_row(
                W[p], G[p], hidden_mean, visible_mean[p], rule, c_step
            )
    for p in range(len(b_step)):
        layers.visible[p] += b_step[p]
    for j in range(len(c_step)):
        layers.hidden[j] += c_step[j]


@jit
def move_precisions(layers, gradient, moments, scales, kinds, first, rule, least):
    """Move the logs of the precisions of Gaussian units, between least and -least."""
    _take_step(
        gradient.log_precision, moments.log_precision, scales.log_precision, rule
    )
    for u in range(len(kinds)):
        if kinds[u] == GAUSSIAN:
            p = first[u]
            moved = layers.log_precision[p] + gradient.log_precision[p]
            layers.log_precision[p] = min(max(moved, least), -least)


@jit
def precisions_of(layers, out):
    """Precisions from their logs."""
    for p in range(len(out)):
        out[p] = np.exp(layers.log_precision[p])
