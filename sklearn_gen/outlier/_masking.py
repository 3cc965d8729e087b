"""Tables with one column hidden, in the container the caller used."""

import numpy as np

from sklearn_gen._columns import container_of
from sklearn_gen._inner._gaps import floats, hide


def without_columns(X, kept=()):
    """Yield X with its first column not observed, then its second, and so on.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Never changed.
    kept : sequence of int
        Indices of columns that stay when it is their turn.

    Yields
    ------
    hidden : ndarray or DataFrame of shape (n_samples, n_features)
        Valid until the next one is asked for: the arrays share one buffer.
    """
    if container_of(X) != "numpy":
        for j in range(X.shape[1]):
            yield X if j in kept else hide(X, [j])
        return
    values = np.asarray(X)
    hidden = floats(values)
    for j in range(hidden.shape[1]):
        if j not in kept:
            hidden[:, j] = np.nan
        yield hidden
        hidden[:, j] = values[:, j]


def single_columns(X, kept=()):
    """Yield X with nothing observed but its first column, then its second, and so on.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Never changed.
    kept : sequence of int
        Indices of columns that always stay.

    Yields
    ------
    alone : ndarray or DataFrame of shape (n_samples, n_features)
        In the container of X.
    """
    n_features = np.shape(X)[1]
    for j in range(n_features):
        yield hide(X, [i for i in range(n_features) if i != j and i not in kept])
