"""Layers of a deep belief network: upward, downward, and learning by both."""

from typing import NamedTuple

import numpy as np
from scipy.special import expit


class Layer(NamedTuple):
    """What ties a layer of D units to the H units above it.

    Attributes
    ----------
    up : ndarray of shape (D, H)
        Weights by which the upper units are recognised.
    up_bias : ndarray of shape (H,)
        Their biases.
    down : ndarray of shape (H, D)
        Weights by which the lower units are generated.
    down_bias : ndarray of shape (D,)
        Their biases.
    """

    up: np.ndarray
    up_bias: np.ndarray
    down: np.ndarray
    down_bias: np.ndarray

    def recognised(self, v):
        """Log odds of the upper units."""
        return v @ self.up + self.up_bias

    def generated(self, h):
        """Log odds of the lower units."""
        return h @ self.down + self.down_bias


def log_bernoulli(x, log_odds):
    """Sum over units of log p(x) at these log odds, shape (n,)."""
    return (x * log_odds - np.logaddexp(0.0, log_odds)).sum(axis=1)


def draw(log_odds, uniforms):
    """Units that are on where uniform numbers are below their probabilities."""
    return (uniforms < expit(log_odds)).astype(np.float64)


def up_down(X, layers, top, rate, n_gibbs, rng):
    """Move all weights along one minibatch (Hinton, Osindero & Teh 2006, appendix B).

    Awake, the data choose the units of all layers, and each learns to generate the one
    below. Asleep, the chain of the top machine generates all layers, and each learns to
    recognise the one above. The top machine learns from both ends of the chain.

    Parameters
    ----------
    X : ndarray of shape (n, D)
        Rows; probabilities are drawn from.
    layers : list of Layer
        Those below the top machine, from below; changed.
    top : Layer
        The machine of the two upmost layers, `up` the transpose of `down`; changed.
    rate : float
        Learning rate.
    n_gibbs : int
        Steps of the chain.
    rng : numpy.random.Generator
        Draws.
    """
    rate = rate / len(X)
    state = (rng.random(X.shape) < X).astype(np.float64)
    for layer in layers:
        log_odds = layer.recognised(state)
        above = draw(log_odds, rng.random(log_odds.shape))
        missed = state - expit(layer.generated(above))
        layer.down[:] += rate * above.T @ missed
        layer.down_bias[:] += rate * missed.sum(axis=0)
        state = above

    chance = expit(top.recognised(state))
    first, mean, asleep = state, chance, state
    for _ in range(n_gibbs):
        h = (rng.random(chance.shape) < chance).astype(np.float64)
        asleep = draw(top.generated(h), rng.random(asleep.shape))
        chance = expit(top.recognised(asleep))
    top.up[:] += rate * (first.T @ mean - asleep.T @ chance)
    top.down[:] = top.up.T
    top.up_bias[:] += rate * (mean - chance).sum(axis=0)
    top.down_bias[:] += rate * (first - asleep).sum(axis=0)

    above = asleep
    for layer in reversed(layers):
        log_odds = layer.generated(above)
        below = draw(log_odds, rng.random(log_odds.shape))
        missed = above - expit(layer.recognised(below))
        layer.up[:] += rate * below.T @ missed
        layer.up_bias[:] += rate * missed.sum(axis=0)
        above = below
