r"""The mathematics of a machine: an exponential-family harmonium, as plain functions.

.. math::
    \log \tilde p(v, h) = \mathrm{base}(v) + b \cdot F(v) + c \cdot h + h W F(v)

with hidden units h in {0, 1}^H and features F(v), one or more for each visible unit.
Given h the visible units are independent, each of its family with the natural
parameters t = b + h W, whose log partition function is A:

========== ====================== ===================================
unit       base                   A(t)
========== ====================== ===================================
bernoulli  0                      softplus(t)
gaussian   -precision x^2 / 2     t^2 / (2 precision) + log(2 pi / precision) / 2
categorical 0                     logsumexp(t of its levels)
binomial   log C(trials, x)       trials softplus(t)
========== ====================== ===================================

A Poisson unit would have A(t) = exp(t), doubly exponential in the sum of hidden
units: learning and log Z run away. Binomial units (Teh & Hinton 2001) are linear there.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit, gammaln, log_softmax

from sklearn_gen.rbm._units import BERNOULLI, BINOMIAL, CATEGORICAL, GAUSSIAN


class Machine(NamedTuple):
    """Parameters of a machine of H hidden units and P visible features.

    Attributes
    ----------
    weights : ndarray of shape (H, P)
        W.
    visible : ndarray of shape (P,)
        b.
    hidden : ndarray of shape (H,)
        c.
    precision : ndarray of shape (P,)
        1 / variance of Gaussian features given h; 1 for the others.
    """

    weights: np.ndarray
    visible: np.ndarray
    hidden: np.ndarray
    precision: np.ndarray


def softplus(x):
    """Softplus, log(1 + exp(x))."""
    return np.logaddexp(x.dtype.type(0.0), x)


def hidden_sum(inputs):
    """Log of the sum over the states of hidden units with these inputs, shape (n,)."""
    return softplus(inputs).sum(axis=1)


def hidden_input(F, machine):
    """Log odds of the hidden units of each row, c + W F, shape (n, H)."""
    return F @ machine.weights.T + machine.hidden


def visible_input(h, machine):
    """Natural parameters of the visible units, b + h W, shape (n, P)."""
    return h @ machine.weights + machine.visible


def log_choices(x, trials):
    """Logarithm of the binomial coefficients."""
    return gammaln(trials + 1.0) - gammaln(x + 1.0) - gammaln(trials - x + 1.0)


def base_terms(F, units, machine):
    """What the energy has of each visible unit alone, shape (n, U)."""
    x = F[:, units.first[:-1]]
    out = np.zeros_like(x)
    of = np.flatnonzero(units.kinds == GAUSSIAN)
    if len(of):
        out[:, of] = -0.5 * machine.precision[units.first[of]] * x[:, of] ** 2
    of = np.flatnonzero(units.kinds == BINOMIAL)
    if len(of):
        out[:, of] = log_choices(x[:, of], units.trials[of])
    return out


def base(F, units, machine):
    """Sum of `base_terms` over the units, shape (n,)."""
    if not np.isin(units.kinds, (GAUSSIAN, BINOMIAL)).any():
        return np.zeros(len(F), F.dtype)
    return base_terms(F, units, machine).sum(axis=1)


def unnormalised(F, units, machine):
    r"""Log of the sum over h of \tilde p(v, h): minus the free energy, shape (n,)."""
    hidden = hidden_sum(hidden_input(F, machine))
    return base(F, units, machine) + F @ machine.visible + hidden


def unit_log_partitions(T, units, machine):
    """A of each visible unit at natural parameters T (n, P), shape (n, U)."""
    start = units.first[:-1]
    if units.are(BERNOULLI):
        return softplus(T)
    out = np.empty((len(T), units.n_units), T.dtype)
    of = np.flatnonzero((units.kinds == BERNOULLI) | (units.kinds == BINOMIAL))
    if len(of):
        out[:, of] = units.trials[of] * softplus(T[:, start[of]])
    of = np.flatnonzero(units.kinds == GAUSSIAN)
    if len(of):
        precision = machine.precision[start[of]]
        squares = T[:, start[of]] ** 2 / precision
        out[:, of] = 0.5 * (squares + np.log(2.0 * np.pi / precision))
    of = np.flatnonzero(units.kinds == CATEGORICAL)
    if len(of):
        top = np.maximum.reduceat(T, start, axis=1)
        exps = np.exp(T - top[:, units.of_feature])
        out[:, of] = (top + np.log(np.add.reduceat(exps, start, axis=1)))[:, of]
    return out


def log_units(T, units, machine):
    """Sum of `unit_log_partitions` over the units, shape (n,)."""
    return unit_log_partitions(T, units, machine).sum(axis=1)


def unnormalised_hidden(h, units, machine):
    r"""Log of the sum (integral) over v of \tilde p(v, h), shape (n,)."""
    return h @ machine.hidden + log_units(visible_input(h, machine), units, machine)


def hidden_mean(F, machine):
    """P(h = 1 | v), shape (n, H)."""
    return expit(hidden_input(F, machine))


def visible_mean(T, units, machine):
    """Expected features at natural parameters T (n, P), shape (n, P)."""
    if units.are(BERNOULLI):
        return expit(T)
    kinds = units.feature_kinds
    out = expit(T)
    out = np.where(kinds == GAUSSIAN, T / machine.precision, units.feature_trials * out)
    if (kinds == CATEGORICAL).any():
        top = np.maximum.reduceat(T, units.first[:-1], axis=1)[:, units.of_feature]
        exps = np.exp(np.where(kinds == CATEGORICAL, T - top, 0.0))
        total = np.add.reduceat(exps, units.first[:-1], axis=1)[:, units.of_feature]
        out = np.where(kinds == CATEGORICAL, exps / total, out)
    return out.astype(T.dtype, copy=False)


def log_conditionals(F, units, machine, log_hidden=hidden_sum):
    """Sum over the discrete units of log p(x_u | the others), shape (n,).

    Of a Bernoulli unit between 0 and 1 it is the expectation. What `log_hidden` makes
    of the hidden units' inputs may sum out other units, too.
    """
    inputs, total = hidden_input(F, machine), np.zeros(len(F))
    for u in range(units.n_units):
        at = slice(units.first[u], units.first[u + 1])
        own, W = F[:, at], machine.weights[:, at]
        if units.kinds[u] == CATEGORICAL:
            values, terms, share = np.eye(units.n_levels[u]), 0.0, own
        else:
            values = np.arange(units.trials[u] + 1.0)[:, None]
            terms = log_choices(values.ravel(), units.trials[u])
            share = own == values.T
            if units.kinds[u] == BERNOULLI:
                share = np.hstack([1.0 - own, own])
        rest = inputs - own @ W.T
        hidden = [log_hidden(rest + W @ value) for value in values]
        log_p = terms + values @ machine.visible[at] + np.stack(hidden, axis=1)
        total += np.sum(share * log_softmax(log_p, axis=1), axis=1)
    return total


def draw_hidden(F, machine, rng):
    """Draw h given v, shape (n, H)."""
    mean = hidden_mean(F, machine)
    return (rng.random(mean.shape, mean.dtype) < mean).astype(mean.dtype)


def draw_visible(T, units, machine, rng):
    """Draw features at natural parameters T (n, P), shape (n, P)."""
    mean = visible_mean(T, units, machine)
    if units.are(BERNOULLI):
        return (rng.random(mean.shape, mean.dtype) < mean).astype(mean.dtype)
    out = np.empty_like(mean)
    kinds, trials = units.feature_kinds, units.feature_trials
    of = np.flatnonzero(kinds == BERNOULLI)
    out[:, of] = rng.random((len(T), len(of)), T.dtype) < mean[:, of]
    of = np.flatnonzero(kinds == GAUSSIAN)
    noise = rng.standard_normal((len(T), len(of)), T.dtype)
    out[:, of] = mean[:, of] + noise / np.sqrt(machine.precision[of])
    of = np.flatnonzero(kinds == BINOMIAL)
    n = trials[of]
    out[:, of] = rng.binomial(n.astype(np.int64), np.clip(mean[:, of] / n, 0.0, 1.0))
    hot = kinds == CATEGORICAL
    if hot.any():  # the largest of t + Gumbel noise; float64, so that none are equal
        noisy = T + rng.gumbel(size=T.shape)
        top = np.maximum.reduceat(noisy, units.first[:-1], axis=1)[:, units.of_feature]
        out[:, hot] = (noisy == top)[:, hot]
    return out
