"""Missing cells of any container: which they are, and how values get into them."""

import numpy as np

from sklearn_gen._columns import container_of


def column_values(X, j, rows):
    """Some cells of a column, as an array."""
    container = container_of(X)
    if container == "pandas":
        return X.iloc[rows, j].to_numpy()
    return X[:, j].to_numpy()[rows] if container == "polars" else X[rows, j]


def fill(X, values, missing):
    """Copy X with the missing cells filled, all else as it was.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Of any container.
    values : dict of int to ndarray
        For each column with missing cells, what to put there.
    missing : ndarray of bool, shape (n_samples, n_features)
        The cells.
    """
    container = container_of(X)
    if container == "numpy":
        filled = np.array(X)
        for j, cells in values.items():
            filled[missing[:, j], j] = cells
        return filled
    if container == "pandas":
        filled = X.copy()
        for j, cells in values.items():
            column = X.iloc[:, j]
            if _holds_no(column.dtype, cells):
                column = column.astype("Float64")  # 2.5 children
            filled.isetitem(j, column.mask(missing[:, j], _spread(cells, missing, j)))
        return filled
    import polars as pl  # the caller has, else X were none of its frames

    columns = []
    for j, column in enumerate(X.iter_columns()):
        if j in values:
            new = column.to_list()
            for i, cell in zip(np.flatnonzero(missing[:, j]), values[j], strict=True):
                new[i] = cell.item() if hasattr(cell, "item") else cell
            dtype = pl.Float64 if _holds_no(column.dtype, values[j]) else column.dtype
            column = pl.Series(column.name, new, dtype=dtype, strict=False)
        columns.append(column)
    return pl.DataFrame(columns)


def _holds_no(dtype, cells):
    """Whether a column of whole numbers is to get others."""
    whole = str(dtype).lower().startswith(("int", "uint", "bool"))
    is_float = cells.dtype.kind == "f"
    return whole and is_float and bool(np.any(cells != np.round(cells)))


def _spread(cells, missing, j):
    """The cells of a column at their rows; others are of no interest."""
    rows = np.cumsum(missing[:, j]) - 1
    return cells[np.maximum(rows, 0)]


def append_indicators(X, names, mask):
    """Append columns of zeros and ones to X."""
    container = container_of(X)
    indicators = mask.astype(np.float64)
    if container == "numpy":
        return np.hstack([X, indicators])
    X = X.copy() if container == "pandas" else X.clone()
    for name, column in zip(names, indicators.T, strict=True):
        if container == "pandas":
            X[name] = column
        else:
            import polars as pl

            X = X.with_columns(pl.Series(name, column))
    return X


def most_frequent(draws):
    """The value that most of the draws have, of each cell; of ties, the smallest.

    Parameters
    ----------
    draws : ndarray of shape (n_draws, n_cells)
        Numbers or names.

    Returns
    -------
    values : ndarray of shape (n_cells,)
    """
    levels, codes = np.unique(draws, return_inverse=True)
    counts = np.zeros((len(levels), draws.shape[1]), dtype=int)
    np.add.at(counts, (codes.reshape(draws.shape), np.arange(draws.shape[1])), 1)
    return levels[counts.argmax(axis=0)]


def mean_of_draws(draws):
    """The mean of the draws of each cell; of names, the most frequent one.

    Parameters
    ----------
    draws : ndarray of shape (n_draws, n_cells)
        Numbers or names.

    Returns
    -------
    values : ndarray of shape (n_cells,)
    """
    return draws.mean(axis=0) if draws.dtype.kind in "iuf" else most_frequent(draws)


def mode_of_draws(draws):
    """Where the draws of each cell are densest.

    Of real numbers the half-sample mode: the densest half of the draws, of these the
    densest half, and so on (Bickel & Fruehwirth 2006, doi:10.1016/j.csda.2005.07.011).

    Parameters
    ----------
    draws : ndarray of shape (n_draws, n_cells)
        Numbers or names.

    Returns
    -------
    values : ndarray of shape (n_cells,)
    """
    if draws.dtype.kind != "f" or (draws == np.round(draws)).all():
        return most_frequent(draws)
    dense = np.sort(draws, axis=0)
    while len(dense) > 2:
        half = (len(dense) + 1) // 2
        widths = dense[half - 1 :] - dense[: len(dense) - half + 1]
        rows = widths.argmin(axis=0) + np.arange(half)[:, None]
        dense = np.take_along_axis(dense, rows, axis=0)
    return dense.mean(axis=0)
