"""What hidden Markov models of numbers share: scales of columns, noise on grids."""

from abc import abstractmethod
from numbers import Real
from typing import ClassVar

import numpy as np

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._column_moments import column_means, column_variances
from sklearn_gen._columns import TableSchema
from sklearn_gen._compat import Interval, StrOptions
from sklearn_gen._regularization import Regularization
from sklearn_gen.hmm._base import HiddenMarkovModel
from sklearn_gen.hmm._known_parameters import finite
from sklearn_gen.hmm._segments import SegmentStarts

COVARIANCE_TYPES = ("full", "tied", "diag", "spherical")
# So many interquartile ranges beyond the quartiles a value lies far out.
_FENCE = 3.0


class ContinuousHMM(Regularization, HiddenMarkovModel):
    """A hidden Markov model whose states have a covariance.

    Children have the parameters `covariance_type`, `reg_covar` and `dequantize`.
    """

    _for_any_columns = "sklearn_gen.hmm.MixedHMM"
    _for_repeats = "CategoricalHMM, PoissonHMM or MixedHMM"
    _parameter_constraints: ClassVar[dict] = {
        **HiddenMarkovModel._parameter_constraints,
        "covariance_type": [StrOptions(set(COVARIANCE_TYPES))],
        "reg_covar": [Interval(Real, 0.0, None, closed="left"), StrOptions({"scale"})],
        "dequantize": [StrOptions({"auto"}), "array-like", None],
    }

    @property
    def _structure(self):
        return gaussian.STRUCTURES[self.covariance_type]

    def _prepare(self, X, series, rng, first=True):
        X = super()._prepare(X, series, rng, first)
        return self._add_noise(X, rng).astype(self._dtype, copy=False)

    def _check_goes_on(self, n_features):
        super()._check_goes_on(n_features)
        learned = len(self._variances), self._learned_type
        if learned != (n_features, self.covariance_type):
            raise ValueError(
                f"Can't go on from the last fit: it has {learned[0]} columns and "
                f"covariance_type={learned[1]!r}, X has {n_features} columns and the "
                f"model covariance_type={self.covariance_type!r}. Set them back, or "
                "fit a clone."
            )

    def _describe(self, X, series):
        weight = series.weight[series.sequences.of_rows]
        self._fences = np.array([_fences(x, weight) for x in X.T]).T
        # One row far out should not decide what is added to the variance of others.
        self._variances = column_variances(self._within(X), weight)
        self._dtype, self._learned_type = X.dtype.name, self.covariance_type
        self._emission = self._emission_of(X, weight)
        self._warn_of_scale()

    def _known_states(self, params, means, covariances):
        """Be fitted, of parameters whose components have these moments (K, ...)."""
        within = self._structure.variances(covariances, *means.shape)
        self._dtype, self._learned_type = "float64", self.covariance_type
        self._variances = means.var(axis=0) + within.mean(axis=0)
        self._fences = np.array([[-np.inf], [np.inf]]) * np.ones(means.shape[1])
        self._emission = self._emission_of(None, None)
        self.n_features_in_, nothing = means.shape[1], means[:0]
        self.schema_ = TableSchema.from_data(nothing, nothing)
        self._known(params)

    def _within(self, X):
        """Rows with what lies far out of a column moved to its fences."""
        low, high = self._fences.astype(X.dtype)
        return np.clip(X, low, high)

    @abstractmethod
    def _emission_of(self, X, weight):
        """The emission for rows and their weights."""

    def _gaussian_states(self, X, resp):
        """Gaussian parameters of rows with responsibilities; NaN counts as the mean."""
        missing = np.isnan(X)
        rows = (
            np.where(missing, column_means(X, resp.sum(axis=1)), X)
            if missing.any()
            else X
        )
        rows = rows.astype(np.float64, copy=False)
        stats, centers = gaussian.initial_stats(self._structure, rows, resp)
        return gaussian.m_step(self._structure, stats, centers, self._reg, self._ridge)

    def _draw_rows(self, states, sequences, before, rng):
        nothing = np.full((len(states), self.means_.shape[-1]), np.nan)
        return self._fill_rows(nothing, states, rng)

    def _recenter(self, stats, params, updated):
        moved = updated.emission.means - params.emission.means
        return stats._replace(emission=self._shift(stats.emission, moved))

    def _shift(self, stats, delta):
        """Moments about other means."""
        return gaussian.recenter(self._structure, stats, delta)


def _fences(x, weight):
    """Bounds beyond which values of a column are far out; none where half are equal."""
    seen = ~np.isnan(x) & (weight > 0.0)
    if not seen.any():
        return -np.inf, np.inf
    x, weight = x[seen], weight[seen]
    weight = None if weight.min() == weight.max() else weight  # ten times as fast
    low, high = np.quantile(x, [0.25, 0.75], weights=weight, method="inverted_cdf")
    if low == high:
        return -np.inf, np.inf
    return low - _FENCE * (high - low), high + _FENCE * (high - low)


def covariance_type_given(covariance_type):
    """Give the name of a structure of covariances, or raise."""
    if covariance_type not in COVARIANCE_TYPES:
        raise ValueError(
            f"covariance_type must be one of {COVARIANCE_TYPES}, got "
            f"{covariance_type!r}."
        )
    return covariance_type


def checked_covariances(structure, covariances, shape, name="covars"):
    """Check covariances that were given.

    Parameters
    ----------
    structure : Full, Diag or a class derived from them
        What they should have.
    covariances : array-like
        In its shape.
    shape : tuple of int
        The shape that they should be given in.
    name : str
        What errors call them.

    Returns
    -------
    covariances : ndarray, float64

    Raises
    ------
    ValueError
        If their shape is another, or they aren't positive definite.
    """
    covariances = finite(covariances, name)
    if covariances.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {covariances.shape}.")
    if not structure.correlated:
        if covariances.min() <= 0.0:
            raise ValueError(f"{name} must be positive, got {covariances.min():g}.")
        return covariances
    for k, matrix in enumerate(covariances.reshape(-1, *shape[-2:])):
        if not np.allclose(matrix, matrix.T) or np.linalg.eigvalsh(matrix)[0] <= 0.0:
            raise ValueError(
                f"{name} must be symmetric and positive definite; matrix {k} is not."
            )
    return covariances


class GaussianStates(SegmentStarts, ContinuousHMM):
    """A hidden Markov model whose states are one Gaussian each."""

    def _emission_attributes(self, params):
        return {"means_": params.means, "covars_": params.covariances}

    def _n_emission_parameters(self):
        K, D = self.means_.shape
        return self._structure.n_parameters(K, D) + K * D

    def _fill_rows(self, X, states, rng):
        resp = np.eye(self.n_components)[states]
        params = self._params.emission
        return gaussian.draw_missing(self._structure, params, X, resp, rng)
