"""One column given the others: in closed form where the density has it, else drawn."""

import numpy as np
from scipy.special import ndtr

from sklearn_gen._validation import as_generator

# Bisection of quantiles: 2^-60 of the bracket is below rounding.
_HALVINGS = 60


def column_mean_and_deviation(density, X, column, n_draws, random_state):
    """Mean and standard deviation of a column that is NaN, (n_samples,) each."""
    if not hasattr(density, "conditional_column"):
        draws = column_draws(density, X, column, n_draws, random_state)
        return draws.mean(axis=1), draws.std(axis=1, ddof=1)
    weights, means, deviations = density.conditional_column(X, column)
    mean = (weights * means).sum(axis=1)
    spread = deviations**2 + (means - mean[:, None]) ** 2
    return mean, np.sqrt((weights * spread).sum(axis=1))


def column_quantiles(density, X, column, levels, n_draws, random_state):
    """Quantiles of a column that is NaN, (n_samples, n_levels)."""
    if not hasattr(density, "conditional_column"):
        draws = column_draws(density, X, column, n_draws, random_state)
        return np.quantile(draws, levels, axis=1).T
    weights, means, deviations = density.conditional_column(X, column)
    deviations = np.maximum(deviations, np.finfo(np.float64).tiny)
    quantiles = np.empty((len(means), len(levels)))
    used = weights > 0
    for at, level in enumerate(levels):
        # 40 deviations hold all that floating point can tell of a component.
        low = np.where(used, means - 40 * deviations, np.inf).min(axis=1)
        high = np.where(used, means + 40 * deviations, -np.inf).max(axis=1)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            z = (middle[:, None] - means) / deviations
            below = (weights * ndtr(z)).sum(axis=1) < level
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        quantiles[:, at] = 0.5 * (low + high)
    return quantiles


def column_draws(density, X, column, n_draws, random_state):
    """Draws of a column that is NaN, (n_samples, n_draws)."""
    rng = as_generator(random_state)
    if hasattr(density, "conditional_column"):
        weights, means, deviations = density.conditional_column(X, column)
        at = rng.random((len(means), n_draws))
        cumulated = np.cumsum(weights, axis=1)
        at *= cumulated[:, -1:]
        labels = (cumulated[:, None, :] <= at[:, :, None]).sum(axis=2)
        labels = np.minimum(labels, means.shape[1] - 1)
        noise = rng.standard_normal(at.shape)
        center, width = (np.take_along_axis(a, labels, 1) for a in (means, deviations))
        return center + noise * width
    draws = np.empty((X.shape[0], n_draws))
    for at, seed in enumerate(rng.integers(2**31, size=n_draws)):
        drawn = density.sample_conditional(X, random_state=int(seed))
        draws[:, at] = np.asarray(drawn, dtype=np.float64)[:, column]
    return draws
