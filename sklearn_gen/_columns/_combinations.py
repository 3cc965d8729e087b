"""Columns of which only some combinations occur, as one categorical column."""

from typing import NamedTuple

import numpy as np


class Combination(NamedTuple):
    """Encoded columns that are modelled as one, and the combinations seen."""

    number: int  # of the constraint
    place: int  # of the modelled column
    columns: tuple
    levels: np.ndarray  # (n_levels, n_columns)

    def codes(self, cells):
        """Code of each row's combination.

        Parameters
        ----------
        cells : ndarray of shape (n_samples, n_columns)
            Encoded, NaN where not observed.

        Returns
        -------
        codes : ndarray of shape (n_samples,)
            NaN where it isn't known.
        rows : ndarray of shape (n_partial,)
            Rows of which only some columns are observed.
        allowed : ndarray of shape (n_partial, n_levels)
            The levels that agree with them.
        unknown : ndarray of shape (n_unknown,)
            Rows that agree with no level.
        """
        seen = ~np.isnan(cells)
        codes = np.full(len(cells), np.nan)
        code_of = {tuple(level): code for code, level in enumerate(self.levels)}
        whole = np.flatnonzero(seen.all(axis=1))
        codes[whole] = [code_of.get(tuple(cells[i]), np.nan) for i in whole]
        some = np.flatnonzero(seen.any(axis=1) & ~seen.all(axis=1))
        kinds, which = np.unique(cells[some], axis=0, return_inverse=True)
        agree = np.isnan(kinds)[:, None, :] | (kinds[:, None, :] == self.levels)
        allowed = agree.all(axis=2)[which.ravel()]
        possible = allowed.any(axis=1)
        unknown = np.r_[whole[np.isnan(codes[whole])], some[~possible]]
        return codes, some[possible], allowed[possible], unknown


def combinations_seen(cells):
    """Distinct complete rows."""
    return np.unique(cells[~np.isnan(cells).any(axis=1)], axis=0)
