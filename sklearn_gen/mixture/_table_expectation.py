"""Expected and most probable cells of mixtures of tables."""

import numpy as np

from sklearn_gen._columns import PartialLevels, Tabulated
from sklearn_gen.mixture._gaussian_block import GaussianBlock


def expected_cells(columns, params, X, resp, by_mean):
    """Fill missing cells by their expectation or most probable value.

    Parameters
    ----------
    columns : Columns
        The columns of the model.
    params : TableParams
        Parameters of all components.
    X : ndarray of shape (n, n_features)
        Rows of the table, NaN where missing.
    resp : ndarray of shape (n, K)
        p(k | observed cells).
    by_mean : bool
        Whether numbers get their mean.

    Returns
    -------
    filled : ndarray of shape (n, n_features)
        NaN in columns that take no part.
    """
    modelled = columns.rows(X)
    rows = modelled.X.copy()
    for part in modelled.hidden:
        weights = resp[part.rows]
        if isinstance(part, PartialLevels):
            log_p = params.columns[part.column].log_p[: part.allowed.shape[1]]
            shares = np.where(part.allowed, weights @ np.exp(log_p.T), -1.0)
            rows[part.rows, part.column] = shares.argmax(axis=1)
        else:  # what adds up has to in expectation, too
            found = part.mean(columns.families, params.columns, weights)
            rows[np.ix_(part.rows, (*part.free, *part.solved))] = found
    for j, family in enumerate(columns.families):
        if isinstance(family, GaussianBlock):
            x = rows[:, family.columns]
            rows[:, family.columns] = family.fill(x, params.columns[j], resp, by_mean)
            continue
        wanted = np.flatnonzero(np.isnan(rows[:, j]))
        if family is None or not len(wanted):
            continue
        own, weights = params.columns[j], resp[wanted]
        if by_mean and columns.is_number(j):
            rows[wanted, j] = weights @ family.mean(own)
        elif isinstance(family, Tabulated):
            height = np.exp(family.peaks - family.peaks.max())
            code = (weights @ np.exp(own.log_p.T) * height).argmax(axis=1)
            rows[wanted, j] = family.typical(code)
        else:
            # the component mean at which the mixture's density is highest
            at = family.on_grid(family.mean(own))
            density = np.exp(family.log_prob(at, own))
            rows[wanted, j] = at[(weights @ density.T).argmax(axis=1)]
    return columns.finish(rows, observed=~np.isnan(X))
