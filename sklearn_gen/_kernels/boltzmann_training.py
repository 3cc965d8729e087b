"""One epoch of stochastic gradient ascent on the likelihood of a Boltzmann machine.

Rows of the model phase and of the data lie one after the other in one block, with
weights that sum to -1 and 1, so that a minibatch costs three matrix products.
"""

from typing import NamedTuple

import numpy as np

from sklearn_gen._kernels._jit import kernel
from sklearn_gen._kernels.blocks import copy_to
from sklearn_gen._kernels.boltzmann import (
    activate,
    draw_from_odds,
    draw_from_probabilities,
)
from sklearn_gen._kernels.boltzmann_phases import (
    Machine,
    all_hidden,
    all_visible,
    draw_missing,
    gather,
    gibbs,
    hidden_inputs,
    swap,
    temper,
    weigh,
)
from sklearn_gen._kernels.boltzmann_steps import (
    Rule,
    layers_of,
    mean_rows,
    move,
    move_precisions,
    precision_gradient,
    precisions_of,
    scale_rows,
    weighted_rows,
)
from sklearn_gen._kernels.randomness import STREAMS

# Where rows of the model phase come from.
CD, PCD, TEMPERED, ALL_VISIBLE, ALL_HIDDEN = range(5)


class Learned(NamedTuple):
    """What an epoch changes.

    Attributes
    ----------
    theta : ndarray of shape (P H + P + H + P,)
        `Layers`, one after the other.
    moment, scale : ndarray of the shape of `theta`, or (0,)
        Running means of steps or gradients, and of their squares.
    hidden_mean : ndarray of shape (H,)
        Running mean of the hidden units given the data: the hidden offsets.
    chains : ndarray of shape (M, H)
        Hidden units of the persistent chains.
    X : ndarray of shape (n, P) or (0, 0)
        The rows with missing cells drawn; none where nothing is missing.
    streams : ndarray of uint32
        State of the generator.
    """

    theta: np.ndarray
    moment: np.ndarray
    scale: np.ndarray
    hidden_mean: np.ndarray
    chains: np.ndarray
    X: np.ndarray
    streams: np.ndarray


@kernel
def train(
    X,
    observed,
    rows,
    batch_size,
    theta,
    moment,
    scale,
    visible_mean,
    hidden_mean,
    chains,
    states,
    terms,
    betas,
    reference,
    kinds,
    first,
    trials,
    method,
    n_gibbs,
    optimizer,
    first_rate,
    last_rate,
    momentum,
    l1,
    l2,
    sparsity_target,
    sparsity_cost,
    mean_rate,
    least_log_precision,
    n_steps,
    streams,
):
    """Pass over the rows once, in minibatches.

    Parameters
    ----------
    X : ndarray of shape (n, P)
        Features; where not observed, what was drawn last.
    observed : ndarray of bool, shape (n, P), or None
        Which are data; None: all.
    rows : ndarray of shape (N,), int64
        The rows, in their order.
    batch_size : int
        Rows of a minibatch; the last may be shorter, and then moves less.
    theta, moment, scale, hidden_mean, chains, streams : ndarray
        As in `Learned`.
    visible_mean : ndarray of shape (P,)
        The visible offsets.
    states : ndarray of shape (S, P) or (S, H)
        All states of one layer, of the exact methods.
    terms : ndarray of shape (S,)
        What the energy of each visible state has beside the biases.
    betas : ndarray of shape (L,)
        Inverse temperatures, ascending to 1.
    reference : ndarray of shape (P,)
        Visible biases at inverse temperature 0.
    kinds : ndarray of shape (U,), or None
        Of the visible units; None: all are Bernoulli units.
    first, trials : ndarray
        The visible units.
    method, n_gibbs, optimizer : int
        Of the model phase, its number of Gibbs steps, and of the steps.
    first_rate, last_rate : float
        Learning rate before and after.
    momentum, l1, l2 : float
        Share of the last step, and penalties of weights.
    sparsity_target, sparsity_cost : float
        Mean wanted of each hidden unit, and its weight.
    mean_rate : float
        How quickly the hidden offsets follow.
    least_log_precision : float
        Logs of precisions of Gaussian units are between this and minus it.
    n_steps : int
        Steps made before.
    streams : ndarray of uint32
        As in `Learned`.

    Returns
    -------
    learned : Learned
    """
    number, P, H = X.dtype.type, X.shape[1], len(hidden_mean)
    theta, moment, scale = theta.copy(), moment.copy(), scale.copy()
    hidden_mean, chains, streams = hidden_mean.copy(), chains.copy(), streams.copy()
    layers = layers_of(theta, P, H)
    moments, scales = layers_of(moment, P, H), layers_of(scale, P, H)
    gradient = layers_of(np.zeros(len(theta), X.dtype), P, H)
    precision, uniforms = np.ones(P, X.dtype), np.empty(STREAMS, X.dtype)
    m = Machine(layers, precision, first, trials, streams, uniforms)
    if kinds is not None:
        precisions_of(layers, precision)
    exact = method in (ALL_VISIBLE, ALL_HIDDEN)
    n_model = len(states) if exact else batch_size if method == CD else len(chains)
    n_colder = n_model - n_model // len(betas)  # rows of other temperatures come first
    Y = np.empty((n_model + batch_size, P), X.dtype)
    S = np.empty((n_model + batch_size, H), X.dtype)
    inputs = np.empty((n_model if method == TEMPERED else 0, H), X.dtype)
    weights = np.empty(n_model + batch_size, X.dtype)
    log_weights = np.empty(n_model if exact else 0)
    no_bias, active = np.zeros(H, X.dtype), np.empty(H, X.dtype)
    if observed is None:
        filled = np.empty((0, 0), X.dtype)
    else:
        filled, drawn = X.copy(), np.empty((batch_size, P), X.dtype)
    n_batches = -(-len(rows) // batch_size)
    for batch in range(n_batches):
        picked = rows[batch * batch_size : (batch + 1) * batch_size]
        n_data = len(picked)
        n_model = n_data if method == CD else n_model
        n_rows = n_model + n_data
        V, T = Y[n_model:n_rows], Y[:n_model]
        if observed is None:
            gather(X, picked, V)
        else:
            gather(filled, picked, V)
            h = S[:n_data]
            draw_missing(filled, observed, picked, V, h, drawn[:n_data], kinds, m)

        if method == CD:
            hidden_inputs(V, layers.weights, layers.hidden, S[:n_model])
            draw_from_odds(S[:n_model], streams, uniforms)
            gibbs(S[:n_model], T, n_gibbs, kinds, m, betas, reference, no_bias)
        elif method == ALL_HIDDEN:
            all_hidden(states, kinds, m, T, log_weights)
        elif method == ALL_VISIBLE:
            copy_to(T, states)
        else:
            gibbs(chains, T, n_gibbs, kinds, m, betas, reference, no_bias)
        hidden_inputs(Y[:n_rows], layers.weights, layers.hidden, S[:n_rows])
        if method == ALL_VISIBLE:
            all_visible(T, S, terms, m, log_weights)
        if method == TEMPERED:
            copy_to(inputs, S[:n_model])
            temper(S[:n_model], betas, no_bias)
        activate(S[:n_rows])
        if method == ALL_HIDDEN:
            copy_to(S[:n_model], states)
        if method in (PCD, TEMPERED):
            draw_from_probabilities(S[:n_model], chains, streams, uniforms)
        if method == TEMPERED:
            swap(T, inputs, chains, m, betas, reference)

        n_first = n_colder if method == TEMPERED else 0
        weigh(weights[:n_rows], n_model, n_first, log_weights)
        used = weights[n_first:n_rows]
        visible, hidden = Y[n_first:n_rows], S[n_first:n_rows]
        if kinds is not None:
            mean_field = method == ALL_HIDDEN
            precision_gradient(
                visible, used, precision, mean_field, gradient.log_precision
            )
        mean_rows(S[n_model:n_rows], active)
        weighted_rows(visible, used, visible_mean, gradient.visible)
        weighted_rows(hidden, used, hidden_mean, gradient.hidden)
        scale_rows(hidden, used)
        np.dot(visible.T, hidden, gradient.weights)
        for j in range(H):
            gradient.hidden[j] += sparsity_cost * (sparsity_target - active[j])

        n_steps += 1
        rate = first_rate + (batch + 0.5) / n_batches * (last_rate - first_rate)
        rate = number(rate * n_data / batch_size)
        rule = Rule(optimizer, rate, momentum, l1, l2, n_steps)
        move(
            layers,
            gradient,
            visible,
            hidden,
            moments,
            scales,
            visible_mean,
            hidden_mean,
            rule,
        )
        for j in range(H):
            hidden_mean[j] += mean_rate * (active[j] - hidden_mean[j])
        if kinds is not None:
            least = least_log_precision
            move_precisions(
                layers, gradient, moments, scales, kinds, first, rule, least
            )
            precisions_of(layers, precision)
    return Learned(theta, moment, scale, hidden_mean, chains, filled, streams)
