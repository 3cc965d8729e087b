"""Expected and most probable cells of mixtures of tables."""

import numpy as np

from sklearn_gen._columns import Tabulated


def expected_cells(columns, params, X, resp, by_mean):
    """Fill missing cells by their expectation or most probable value.

    Parameters
    ----------
    columns : Columns
    params : TableParams
    X : ndarray of shape (n, n_features)
    resp : ndarray of shape (n, K)
        p(k | observed cells).
    by_mean : bool
        Whether numbers get their mean.

    Returns
    -------
    filled : ndarray of shape (n, n_features)
        NaN in columns that take no part.
    """
    rows = columns.rows(X).X.copy()
    for j, family in enumerate(columns.families):
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
    return columns.finish(rows)
