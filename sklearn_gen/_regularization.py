"""Columns that leave a Gaussian mixture undetermined: variance or noise added."""

import numpy as np

from sklearn_gen._columns import grid_width
from sklearn_gen._validation import DegenerateDataWarning, warn


class Regularization:
    """What `reg_covar` and `dequantize` add to each column, and what fit says of it."""

    @property
    def _reg(self):
        """Variance added per column."""
        if self.reg_covar == "scale":
            return 1e-6 * self._variances
        return np.full(len(self._variances), float(self.reg_covar))

    @property
    def _ridge(self):
        """Variance added per column where a covariance is singular nevertheless."""
        usual = self._variances[self._variances > 0]
        constant = usual.mean() if len(usual) else 1.0
        return 1e-8 * np.where(self._variances > 0, self._variances, constant)

    def _warn_of_scale(self):
        shaped = (self._variances == 0) | (self._reg > 0.01 * self._variances)
        if self.reg_covar == "scale":
            shaped &= self._variances == 0
        found = np.flatnonzero(shaped)
        if len(found):
            j = found[0]
            others = f" and of {len(found) - 1} more" if len(found) > 1 else ""
            constant = ": constant or never observed"
            constant = constant if self._variances[j] == 0 else ""
            if self.reg_covar == "scale":
                added, remedy = "What fit adds", "Drop such columns."
            else:
                added = f"reg_covar={self.reg_covar}"
                remedy = (
                    "Set reg_covar='scale', standardise the columns, or drop those "
                    "that are constant."
                )
            of = f"{self.schema_.label(j)} ({self._variances[j]:.3g}{constant})"
            warn(
                f"{added} exceeds 1 % of the variance of {of}{others}: "
                f"regularisation shapes the density there. {remedy}",
                DegenerateDataWarning,
            )

    def _warn_of_degeneracy(self, params):
        # What is left of a column's variance in a component, given all other columns.
        K, D = params.means.shape
        precisions = self._structure.precisions(params.precisions_cholesky)
        left = 1.0 / self._structure.variances(precisions, K, D)
        used = params.weights > 1e-9
        singular = params.repaired | (left[used] <= 2 * self._reg).any(axis=0)
        if singular.any():
            found = np.flatnonzero(singular)
            labels = ", ".join(self.schema_.label(j) for j in found[:5])
            more = f" and {len(found) - 5} more" if len(found) > 5 else ""
            warn(
                f"A component has no variance of its own in {labels}{more}: the values "
                "there are constant, repeated, or given by the other columns, so the "
                f"variance is what regularisation (reg_covar={self.reg_covar}) put "
                "there. Drop such columns, use fewer components, covariance_type="
                "'diag', or a larger reg_covar.",
                DegenerateDataWarning,
            )

    def _dequantized_columns(self):
        if self.dequantize is None:
            return ()
        if isinstance(self.dequantize, str):
            return tuple(np.flatnonzero(self.schema_.resolution > 0))
        return tuple(self.schema_.column_indices(self.dequantize, "dequantize"))

    def _add_noise(self, X, rng):
        columns = list(self._dequantized_columns())
        if not columns:
            return X
        noise = rng.random((len(X), len(columns))) - 0.5
        X = X.copy()
        X[:, columns] += noise * [self._grid_width(j, X) for j in columns]
        return X

    def _grid_width(self, j, X):
        width = self.schema_.resolution[j]
        if width == 0.0:  # named, but too few of its values repeat to be found
            column = np.sort(X[:, j])
            width = grid_width(column[~np.isnan(column)])
        if width == 0.0:
            raise ValueError(
                f"dequantize names {self.schema_.label(j)}, whose values lie on no "
                "grid: they are constant or continuous. Leave it out."
            )
        return width
