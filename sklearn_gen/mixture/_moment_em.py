"""EM whose statistics are moments of rows about the old means."""

from abc import abstractmethod
from functools import partial

import numpy as np

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._column_moments import column_variances
from sklearn_gen._em import EMModel


class MomentEM(EMModel):
    """EM of components with means and covariance matrices, kept exact far from zero.

    Children have `covariance_type` and the parameters of `Regularization`.
    """

    @property
    def _structure(self):
        return gaussian.STRUCTURES[self.covariance_type]

    def _prepare(self, X, sample_weight, rng, first=True):
        if first:
            self._variances = column_variances(X, sample_weight)
            self._dtype = X.dtype.name
            self._warn_of_scale()
        return self._add_noise(X, rng).astype(self._dtype, copy=False)

    def _size(self):
        """Number of components that fitted parameters have to have."""
        return self.n_components

    def _check_goes_on(self, n_features):
        wanted = (self._size(), n_features)
        shape = self._structure.shape(*wanted)
        if self.means_.shape != wanted or self.precisions_.shape != shape:
            raise ValueError(
                f"Can't go on from the last fit: means_ has shape {self.means_.shape} "
                f"and precisions_ {self.precisions_.shape}; n_components="
                f"{self.n_components!r}, covariance_type={self.covariance_type!r} and "
                f"X with {n_features} columns need {wanted} and {shape}. Set them "
                "back, or fit a clone of the model."
            )

    @abstractmethod
    def _kernel_args(self, params):
        """What blocks share, prepared once per E-step."""

    @abstractmethod
    def _shift(self, stats, delta):
        """Statistics about the old means + delta."""

    def _e_step(self, params, centers=None):
        return partial(
            self._suff_stats,
            params=params,
            args=self._kernel_args(params),
            centers=params.means if centers is None else centers,
        )

    def _em_step(self, params, sum_stats):
        updated, stats = super()._em_step(params, sum_stats)
        # Moments about the old means lose digits where a mean moved by many of its
        # deviations: then sum again, about the new means.
        moved = (updated.means - params.means) ** 2
        variances = self._structure.variances(updated.covariances, *moved.shape)
        if np.any(moved > np.finfo(self._dtype).eps ** -0.4 * variances):
            stats = sum_stats(self._e_step(params, updated.means))
            delta = params.means - updated.means
            updated = self._m_step(stats, params._replace(means=updated.means))
            stats = self._shift(stats, delta)  # as every caller expects them
        return updated, stats

    def _recenter(self, stats, params, updated):
        return self._shift(stats, updated.means - params.means)
