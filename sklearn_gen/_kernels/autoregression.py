"""Rows drawn one after the other, each linear in those before it, and noise."""

from sklearn_gen._kernels._jit import jit, kernel


@jit
def _has_history(rows, row, order):
    for i in range(row - order, row):
        for value in rows[i]:
            if value != value:
                return False
    return True


@kernel
def follow(rows, todo, starts, lengths, states, coefficients, noise, fresh):
    """Rows of which some are drawn given those before, (n, D).

    Parameters
    ----------
    rows : array of shape (n, D)
        Sequences one after the other. NaN may stand where nothing is known.
    todo : bool array of shape (n,)
        Which rows to draw.
    starts, lengths : int64 arrays of shape (n_sequences,)
        Where the sequences begin, and their numbers of rows.
    states : int64 array of shape (n,)
        State of each row.
    coefficients : array of shape (K, order D + 1, D)
        Of the rows before, the last first, and the intercept.
    noise : array of shape (n, D)
        What is added.
    fresh : array of shape (n, D)
        Rows where one of those before is missing or NaN.
    """
    D = rows.shape[1]
    order = (coefficients.shape[1] - 1) // D
    out = rows.copy()
    for s in range(len(starts)):
        for t in range(lengths[s]):
            row = starts[s] + t
            if not todo[row]:
                continue
            if t < order or not _has_history(out, row, order):
                for j in range(D):
                    out[row, j] = fresh[row, j]
                continue
            weights = coefficients[states[row]]
            for j in range(D):
                value = noise[row, j] + weights[order * D, j]
                for lag in range(order):
                    for i in range(D):
                        value += out[row - 1 - lag, i] * weights[lag * D + i, j]
                out[row, j] = value
    return out
