"""One column given the others: in closed form where the density has it, else drawn."""

import numpy as np
from scipy.special import ndtr

from sklearn_gen._columns import container_of
from sklearn_gen._inner._rows import Rows, count_rows
from sklearn_gen._validation import as_generator

# Bisection of quantiles: 2^-60 of the bracket is below rounding.
_HALVINGS = 60
# Of the table that holds all draws of a block of rows: some 16 MB of numbers.
_CELLS_AT_ONCE = 2**21


def repeated_draws(density, X, rows, n_draws, rng):
    """Draw the missing cells of some rows, several times in one call.

    Patterns of missing cells are then looked up once, not once per draw.

    Parameters
    ----------
    density : estimator
        With `sample_conditional`.
    X : array-like of shape (n_samples, n_features)
        Rows of any container.
    rows : ndarray of int
        Which of them.
    n_draws : int
        Draws for each.
    rng : Generator
        Seeds each call.

    Yields
    ------
    block : ndarray of int
        Some of `rows`, in their order.
    table : array-like of shape (n_draws * len(block), n_features)
        The block with draws, as often as there are draws.
    """
    X = X if hasattr(X, "shape") else np.asarray(X)
    size = max(1, _CELLS_AT_ONCE // (n_draws * X.shape[1]))
    for start in range(0, len(rows), size):
        block = rows[start : start + size]
        table = Rows(X, None, None).select(np.tile(block, n_draws)).X
        if container_of(table) == "pandas":  # labels of rows repeat
            table = table.reset_index(drop=True)
        seed = int(rng.integers(2**31))
        yield block, density.sample_conditional(table, random_state=seed)


def column_mean(density, X, column, n_draws, random_state):
    """Mean of a column that is NaN, (n_samples,)."""
    if not hasattr(density, "conditional_column") and hasattr(
        density, "conditional_mean"
    ):
        return numbers_in(density.conditional_mean(X), column)
    return column_mean_and_deviation(density, X, column, n_draws, random_state)[0]


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
    drawn = [
        numbers_in(table, column).reshape(n_draws, len(block))
        for block, table in repeated_draws(
            density, X, np.arange(count_rows(X)), n_draws, rng
        )
    ]
    return np.concatenate(drawn, axis=1).T


def numbers_in(table, column):
    """A column of numbers, of any container."""
    if container_of(table) == "numpy":
        cells = np.asarray(table)[:, column]
    elif container_of(table) == "pandas":
        cells = table.iloc[:, column]
    else:
        cells = table[:, column]
    return np.asarray(cells, dtype=np.float64)
