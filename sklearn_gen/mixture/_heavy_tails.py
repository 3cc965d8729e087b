"""Columns on a robust scale, their tails drawn in."""

from typing import NamedTuple

import numpy as np

# Quartiles of a standard normal lie at -0.6745 and 0.6745.
_QUARTILE_RANGE = 1.3489795003921634
# Rounding leaves equal values apart by so many units in the last place.
_ROUNDING = 8


class HeavyTails(NamedTuple):
    r"""The map :math:`z = \operatorname{arsinh}((x - c) / s)` of each column.

    Linear within the bulk, logarithmic in the tails: a Gaussian of z has the tails of a
    log-normal, and a row at 1,000 deviations moves no mean. NaN stays NaN.

    Attributes
    ----------
    center : ndarray of shape (n_features,)
        Median c.
    scale : ndarray of shape (n_features,)
        Spread s: quartile range, as a normal's standard deviation.
    """

    center: np.ndarray
    scale: np.ndarray

    @classmethod
    def from_rows(cls, X, sample_weight=None):
        """Measure the columns of rows that may hold NaN.

        Of a column whose quartiles coincide it is the standard deviation that counts;
        constant columns, and those never observed, keep their units.
        """
        center, scale = np.zeros(X.shape[1]), np.ones(X.shape[1])
        for j, column in enumerate(X.T.astype(np.float64)):
            observed = ~np.isnan(column)
            if not observed.any():
                continue
            values = column[observed]
            weight = None if sample_weight is None else sample_weight[observed]
            # this kind of quantile takes a weight as repeats
            low, center[j], high = np.quantile(
                values, (0.25, 0.5, 0.75), weights=weight, method="inverted_cdf"
            )
            spread = (high - low) / _QUARTILE_RANGE
            noise = _ROUNDING * np.finfo(X.dtype).eps * max(abs(low), abs(high))
            if spread <= noise:
                deviations = values - np.average(values, weights=weight)
                spread = np.sqrt(np.average(deviations**2, weights=weight))
            if spread > noise:
                scale[j] = spread
        return cls(center, scale)

    def select(self, columns):
        """Of some columns, by index."""
        return HeavyTails(self.center[columns], self.scale[columns])

    def forward(self, X):
        """Map rows of X to z, in the dtype of X."""
        return np.arcsinh(self._standardized(X)).astype(X.dtype, copy=False)

    def inverse(self, Z):
        """Map z back."""
        X = self.center + self.scale * np.sinh(Z.astype(np.float64))
        return X.astype(Z.dtype)

    def log_derivative(self, X):
        """Compute log dz/dx of each cell; 0 for cells that aren't observed."""
        root = np.hypot(1.0, self._standardized(X))  # doesn't overflow
        return np.where(np.isnan(X), 0.0, -np.log(root) - np.log(self.scale))

    def _standardized(self, X):
        with np.errstate(over="ignore"):
            t = (X.astype(np.float64) - self.center) / self.scale
        largest = np.finfo(np.float64).max
        return np.clip(t, -largest, largest)  # a density at infinity would be NaN
