"""Columns on a robust scale, their tails drawn in."""

from typing import NamedTuple

import numpy as np

# Quartiles of a standard normal lie at -0.6745 and 0.6745.
_QUARTILE_RANGE = 1.3489795003921634
_ROWS_AT_ONCE = 2048
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

        Of a column whose quartiles coincide the other values count, by their median
        deviation and their share, in place of a standard deviation, which one far value
        would set. Constant columns, and those never observed, keep their units.
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
                spread = _spread_of_the_others(values - center[j], weight, noise)
            if spread > noise:
                scale[j] = spread
        return cls(center, scale)

    def select(self, columns):
        """Of some columns, by index."""
        return HeavyTails(self.center[columns], self.scale[columns])

    def forward(self, X):
        """Map rows of X to z, in the dtype of X."""
        return np.arcsinh(self._standardized(X)).astype(X.dtype, copy=False)

    def forward_with_derivative(self, X):
        """Map rows, and give the sum of log dz/dx over each row's observed cells."""
        Z, log_derivative = np.empty_like(X), np.empty(len(X))
        for start in range(0, len(X), _ROWS_AT_ONCE):  # temporaries stay in the cache
            part = slice(start, start + _ROWS_AT_ONCE)
            t = self._standardized(X[part])
            Z[part] = np.arcsinh(t)
            log_derivative[part] = self._log_derivative(t).sum(axis=1)
        return Z, log_derivative

    def inverse(self, Z):
        """Map z back."""
        X = self.center + self.scale * np.sinh(Z.astype(np.float64))
        return X.astype(Z.dtype)

    def log_derivative(self, X):
        """Compute log dz/dx of each cell; 0 for cells that aren't observed."""
        return self._log_derivative(self._standardized(X))

    def _log_derivative(self, t):
        with np.errstate(over="ignore"):
            square = t * t
        square += 1.0  # np.log is many times as fast as np.log1p, and as good here
        log = np.log(square, out=square)
        log *= -0.5
        log -= np.log(self.scale)
        if not np.isfinite(log.sum()):
            row, column = np.nonzero(np.isneginf(log))  # t * t overflows
            log[row, column] = -np.log(np.abs(t[row, column])) - np.log(
                self.scale[column]
            )
            log[np.isnan(t)] = 0.0
        return log

    def _standardized(self, X):
        with np.errstate(over="ignore"):
            t = np.subtract(X, self.center, dtype=np.float64)
            t /= self.scale
        largest = np.finfo(np.float64).max
        return np.clip(t, -largest, largest, out=t)  # at infinity it would be NaN


def _spread_of_the_others(deviations, weight, noise):
    """Standard deviation of a column of mostly equal values, were the others normal."""
    weight = np.ones(len(deviations)) if weight is None else weight
    others = np.abs(deviations) > noise
    if not weight[others].any():
        return 0.0
    median = np.quantile(
        np.abs(deviations[others]), 0.5, weights=weight[others], method="inverted_cdf"
    )
    share = weight[others].sum() / weight.sum()
    return np.sqrt(share) * median / (0.5 * _QUARTILE_RANGE)
