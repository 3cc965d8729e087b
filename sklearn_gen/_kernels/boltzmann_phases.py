"""Rows of both phases of learning a Boltzmann machine: the data's and the model's.

``kinds`` of visible units may be None: all are Bernoulli units. Numba then leaves out
what other kinds need, which halves the time of compilation.
"""

from typing import NamedTuple

import numpy as np

from sklearn_gen._kernels._jit import jit
from sklearn_gen._kernels.boltzmann import (
    activate,
    draw_from_odds,
    draw_visible,
    log_partitions,
    softplus,
    visible_means,
)
from sklearn_gen._kernels.boltzmann_steps import Layers
from sklearn_gen._kernels.randomness import STREAMS, draw_uniforms


class Machine(NamedTuple):
    """A machine, and what it draws with.

    Attributes
    ----------
    layers : Layers
        Parameters.
    precision : ndarray of shape (P,)
        Of Gaussian features.
    first : ndarray of shape (U + 1,)
        First feature of each unit.
    trials : ndarray of shape (U,)
        Of binomial units.
    streams : ndarray of uint32
        State of the generator.
    uniforms : ndarray of shape (STREAMS,)
        Work space.
    """

    layers: Layers
    precision: np.ndarray
    first: np.ndarray
    trials: np.ndarray
    streams: np.ndarray
    uniforms: np.ndarray


@jit
def _plus(T, bias):
    for i in range(len(T)):  # indices vectorise, where "for row in T" does not
        for j in range(len(bias)):
            T[i, j] += bias[j]


@jit
def hidden_inputs(V, weights, bias, out):
    """Log odds of the hidden units given the visible ones."""
    np.dot(V, weights, out)
    _plus(out, bias)


@jit
def visible_inputs(h, weights, bias, out):
    """Natural parameters of the visible units given the hidden ones."""
    np.dot(h, weights.T, out)
    _plus(out, bias)


@jit
def _draw_visible(T, kinds, m):
    draw_visible(T, kinds, m.first, m.trials, m.precision, m.streams, m.uniforms)


@jit
def gather(X, picked, out):
    """Rows of X."""
    for i in range(len(picked)):
        r = picked[i]
        for p in range(X.shape[1]):
            out[i, p] = X[r, p]


@jit
def draw_missing(filled, observed, picked, V, h, T, kinds, m):
    """One Gibbs step of the cells of V that are missing, kept in ``filled``."""
    hidden_inputs(V, m.layers.weights, m.layers.hidden, h)
    draw_from_odds(h, m.streams, m.uniforms)
    visible_inputs(h, m.layers.weights, m.layers.visible, T)
    if kinds is None:
        draw_from_odds(T, m.streams, m.uniforms)
    else:
        _draw_visible(T, kinds, m)
    for i in range(len(V)):
        for p in range(V.shape[1]):
            if not observed[picked[i], p]:
                V[i, p] = T[i, p]
                filled[picked[i], p] = T[i, p]


@jit
def temper(T, betas, reference):
    """Natural parameters between those of reference and these, block by block."""
    n_chains = len(T) // len(betas)
    for r in range(len(T)):
        beta = betas[r // n_chains]
        for p in range(len(reference)):
            T[r, p] = beta * (T[r, p] - reference[p]) + reference[p]


@jit
def gibbs(h, V, n_steps, kinds, m, betas, reference, zeros):
    """Draw V given h, and h given V between steps."""
    # counting the references of all arrays of m in each call would cost 1 us
    W, b, c = m.layers.weights, m.layers.visible, m.layers.hidden
    streams, uniforms = m.streams, m.uniforms
    for k in range(n_steps):
        if k > 0:
            hidden_inputs(V, W, c, h)
            if len(betas) > 1:
                temper(h, betas, zeros)
            draw_from_odds(h, streams, uniforms)
        visible_inputs(h, W, b, V)
        if len(betas) > 1:
            temper(V, betas, reference)
        if kinds is None:
            draw_from_odds(V, streams, uniforms)
        else:
            _draw_visible(V, kinds, m)


@jit
def swap(V, inputs, h, m, betas, reference):
    """Metropolis swaps of the hidden units at neighbouring temperatures.

    log p_beta(v, h) = beta D(v, h) + what all have, D = (b - b_0) v + h (c + W v).
    """
    n_chains, H = len(h) // len(betas), h.shape[1]
    bias, D = m.layers.visible, np.empty(len(h))
    for r in range(len(D)):
        total = 0.0
        for p in range(len(bias)):
            total += (bias[p] - reference[p]) * V[r, p]
        for j in range(H):
            total += h[r, j] * inputs[r, j]
        D[r] = total
    for start in range(2):  # even pairs, then odd ones
        for t in range(start, len(betas) - 1, 2):
            for n in range(n_chains):
                if n % STREAMS == 0:
                    draw_uniforms(m.streams, m.uniforms)
                a, b = t * n_chains + n, (t + 1) * n_chains + n
                gain = (np.float64(betas[t]) - betas[t + 1]) * (D[b] - D[a])
                if np.float64(m.uniforms[n % STREAMS]) < np.exp(min(gain, 0.0)):
                    D[a], D[b] = D[b], D[a]
                    for j in range(H):
                        h[a, j], h[b, j] = h[b, j], h[a, j]


@jit
def all_hidden(states, kinds, m, V, log_weights):
    """Expected visible features in every state of the hidden units, and log p~."""
    visible_inputs(states, m.layers.weights, m.layers.visible, V)
    if kinds is None:
        for s in range(len(V)):
            total = 0.0
            for p in range(V.shape[1]):
                total += softplus(V[s, p], V.dtype.type(1.0))
            log_weights[s] = total
        activate(V)
    else:
        log_partitions(V, kinds, m.first, m.trials, m.precision, log_weights)
        visible_means(V, kinds, m.first, m.trials, m.precision)
    for s in range(len(states)):
        for j in range(states.shape[1]):
            log_weights[s] += states[s, j] * m.layers.hidden[j]


@jit
def all_visible(V, inputs, terms, m, log_weights):
    """log p~ of every state of the visible units, from the hidden units' inputs."""
    one = V.dtype.type(1.0)
    for s in range(len(terms)):
        total = np.float64(terms[s])
        for j in range(inputs.shape[1]):
            total += softplus(inputs[s, j], one)
        for p in range(V.shape[1]):
            total += V[s, p] * m.layers.visible[p]
        log_weights[s] = total


@jit
def weigh(weights, n_model, n_first, log_weights):
    """Weights of rows of the model phase, then of the data: -1 and 1 in all.

    Of the model's rows the first n_first don't count; they all count by their
    log_weights, if there are any.
    """
    n_data = len(weights) - n_model
    for r in range(n_first, n_model):
        weights[r] = -1.0 / (n_model - n_first)
    for r in range(n_model, len(weights)):
        weights[r] = 1.0 / n_data
    if len(log_weights):
        top, total = -np.inf, 0.0
        for s in range(n_model):
            top = max(top, log_weights[s])
        for s in range(n_model):
            total += np.exp(log_weights[s] - top)
        for s in range(n_model):
            weights[s] = -np.exp(log_weights[s] - top) / total
