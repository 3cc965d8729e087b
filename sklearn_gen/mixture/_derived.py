"""Mixtures derived from a fitted one: of some columns, or given some cells."""

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._columns import TableSchema
from sklearn_gen._em import Run
from sklearn_gen._validation import as_generator
from sklearn_gen.mixture._fewer_columns import (
    gaps_of_one_row,
    take_columns,
    take_convergence,
)
from sklearn_gen.mixture._initial import given_parameters, given_responsibilities
from sklearn_gen.mixture._noise import share_of_noise


class DerivedMixtures:
    """Mixtures without a fit: of given parameters, marginals, conditionals; boxes."""

    @classmethod
    def from_parameters(
        cls, weights, means, covariances, *, covariance_type="full", dtype=np.float64
    ):
        """Make a fitted mixture of known parameters.

        Parameters
        ----------
        weights : array-like of shape (n_components,)
            Non-negative, with sum 1.
        means : array-like of shape (n_components, n_features)
            Means.
        covariances : array-like
            Of the shape of `covariances_`, positive definite and of that structure.
        covariance_type : str, default='full'
            Their structure.
        dtype : dtype, default=float64
            Precision in which it draws, and keeps its attributes: float64 or float32.

        Returns
        -------
        mixture : GaussianMixture
            Fitted.

        Raises
        ------
        ValueError
            If shapes don't fit each other, a value is out of its range, a covariance
            isn't positive definite, or they aren't of the structure.

        Examples
        --------
        >>> from sklearn_gen.mixture import GaussianMixture
        >>> mixture = GaussianMixture.from_parameters(
        ...     [0.5, 0.5], [[0.0], [4.0]], [[1.0], [1.0]], covariance_type="diag"
        ... )
        >>> mixture.score_samples([[2.0]]).round(2)
        array([-2.92])
        """
        if np.dtype(dtype) not in (np.float64, np.float32):
            raise ValueError(f"dtype must be float64 or float32, got {dtype!r}.")
        params = given_parameters(weights, means, covariances, covariance_type)
        means = params.means
        mixture = cls(len(means), covariance_type=covariance_type)
        mixture._dtype = np.dtype(dtype).name
        spread = params.weights @ (means - params.weights @ means) ** 2
        within = mixture._structure.variances(params.covariances, *means.shape)
        mixture._variances = spread + params.weights @ within
        for name, value in mixture._fitted_attributes(params).items():
            setattr(mixture, name, value)
        mixture.n_features_in_ = means.shape[1]
        nothing = means[:0].astype(dtype)
        mixture.schema_ = TableSchema.from_data(nothing, nothing)
        mixture.converged_, mixture.n_iter_ = True, 0
        mixture.lower_bound_, mixture.lower_bounds_ = -np.inf, []
        return mixture

    @classmethod
    def from_responsibilities(cls, X, resp, *, sample_weight=None, **params):
        """Make a mixture of known groups, by one M-step.

        Groups that are known make a classifier, one Gaussian per class with
        covariances of one family (EDDA: Bensmail & Celeux 1996,
        doi:10.1080/01621459.1996.10476746). Groups that are a guess are a start:
        with ``warm_start=True``, `fit` goes on from there.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Complete rows.
        resp : array-like of shape (n_samples,) or (n_samples, n_components)
            Labels 0 to K - 1, or non-negative responsibilities whose rows sum to one.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Non-negative weights.
        **params : dict
            Parameters of the mixture but `n_components`.

        Returns
        -------
        mixture : GaussianMixture
            Fitted.

        Raises
        ------
        ValueError
            If `resp` is neither, a component has no row, or a cell is NaN.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn_gen.mixture import GaussianMixture
        >>> X, y = load_iris(return_X_y=True)
        >>> edda = GaussianMixture.from_responsibilities(
        ...     X, y, covariance_type="VEV", reg_covar=0.0
        ... )
        >>> (edda.predict(X) != y).mean()
        np.float64(0.02)
        """
        mixture = cls(**params)
        rows, weight = mixture._check_training_rows(X, sample_weight)
        resp = given_responsibilities(resp, len(np.asarray(X)))
        if sample_weight is not None:
            resp = resp[np.asarray(sample_weight) > 0] * weight[:, None]
        empty = np.flatnonzero(resp.sum(axis=0) == 0)
        if len(empty):
            raise ValueError(
                f"Component {empty[0]} of resp has no row of positive weight. Number "
                "the components that occur from 0."
            )
        if np.isnan(rows).any():
            raise ValueError(
                "from_responsibilities takes complete rows, got NaN: an M-step alone "
                "can't fill cells. Drop those rows, or impute them."
            )
        mixture.set_params(n_components=resp.shape[1])
        rng = as_generator(mixture.random_state)
        rows = mixture._prepare(rows, weight, rng)
        mixture._keep(Run(mixture._params_from(rows, resp), converged=True))
        return mixture

    def marginal(self, columns):
        """Return the mixture of some columns.

        Parameters
        ----------
        columns : array-like of int, str or bool
            Indices or names, in the order wanted, or a mask.

        Returns
        -------
        mixture : GaussianMixture
            Fitted, of ``len(columns)`` features.

        Raises
        ------
        ValueError
            If a column is unknown or named twice.
        """
        check_is_fitted(self)
        columns = self.schema_.column_indices(columns, "columns")
        params = gaussian.marginal(self._structure, self._fitted_params(), columns)
        return self._derive(params, columns)

    def conditional(self, X):
        """Return the mixture of the NaN cells of one row given its other cells.

        Parameters
        ----------
        X : array-like of shape (1, n_features)
            One row with at least one NaN and one observed cell.

        Returns
        -------
        mixture : GaussianMixture
            Fitted, over the missing columns in their order.

        Raises
        ------
        ValueError
            If X isn't one row, or nothing or everything is missing.
        """
        rows = self._check_scored_rows(X)
        missing = gaps_of_one_row(rows)
        params = self._fitted_params()
        weights = self._predict_proba(rows.astype(np.float64))[0]
        row = rows[0].astype(np.float64)
        return self._derive(
            gaussian.conditional(
                self._structure, params, row, weights[: len(params.weights)]
            ),
            np.flatnonzero(missing),
        )

    def interval_probability(self, lower, upper, X=None):
        """Compute P(lower < x < upper), the mass of an axis-aligned box.

        Parameters
        ----------
        lower, upper : array-like of shape (n_features,)
            Bounds in units of X; -inf and inf leave a column free.
        X : array-like of shape (n_samples, n_features), default=None
            Rows with NaN: the probability that their missing cells are within bounds,
            given the observed ones.

        Returns
        -------
        probability : float, or ndarray of shape (n_samples,) with X
            Exact for 'diag' and 'spherical', and with one bounded column; else
            integrated numerically, always with the same points: to about 1e-5 in a
            dozen correlated columns, 3e-4 in thirty (of the log probability).
        """
        check_is_fitted(self)
        lower, upper = np.asarray(lower, float), np.asarray(upper, float)
        n_features = self.means_.shape[1]
        if lower.shape != (n_features,) or upper.shape != (n_features,):
            raise ValueError(
                f"lower and upper must have shape ({n_features},), got {lower.shape} "
                f"and {upper.shape}."
            )
        if not (lower <= upper).all():  # also where either is NaN
            j = np.flatnonzero(~(lower <= upper))[0]
            raise ValueError(
                f"lower must not exceed upper, got {lower[j]} and {upper[j]} for "
                f"{self.schema_.label(j)}. Use -inf and inf for no bound."
            )
        structure, params = self._structure, self._fitted_params()
        noise = self._noise
        if X is None:
            inside = gaussian.box_probability(structure, params, lower, upper)
            if noise is not None:
                sides = noise.interval_probability(lower, upper)
                inside += share_of_noise(params) * float(sides.prod())
            return inside
        rows = self._check_scored_rows(X).astype(np.float64)
        resp = self._predict_proba(rows)
        inside = gaussian.conditional_box_probability(
            structure, params, rows, resp[:, : len(self.weights_)], lower, upper
        )
        if noise is not None:
            missing = np.isnan(rows)
            sides = noise.interval_probability(lower, upper)
            total = np.where(missing, sides, 1.0).prod(axis=1)
            bounded = np.isfinite(lower) | np.isfinite(upper)
            kept = (missing & bounded).any(axis=1)  # the others have all of it
            inside[kept] += resp[kept, -1] * total[kept]
        return inside

    def _derive(self, params, columns):
        derived = clone(self).set_params(
            n_components=len(params.weights),
            covariance_type=self._structure.derived or self.covariance_type,
            weights_init=None,
            means_init=None,
            precisions_init=None,
            dequantize=None,
        )
        derived._dtype = self._dtype
        derived._variances = self._variances[columns]
        if self._noise is not None:
            derived.noise_bounds_ = self.noise_bounds_[:, columns]
        for name, value in derived._fitted_attributes(params).items():
            setattr(derived, name, value)
        take_columns(derived, self, columns)
        take_convergence(derived, self)
        return derived
