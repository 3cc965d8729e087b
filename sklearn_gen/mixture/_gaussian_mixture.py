"""Gaussian mixture: sample weights, missing values, conditionals, stepwise EM."""

from functools import partial
from numbers import Integral, Real
from typing import ClassVar

import numpy as np

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._blocks import one_blas_thread, row_blocks, workers
from sklearn_gen._compat import Interval, StrOptions
from sklearn_gen._em import EMModel
from sklearn_gen.base import (
    ComponentMixin,
    ConditionalMixin,
    InformationCriteriaMixin,
)
from sklearn_gen.mixture._cells import CellScores
from sklearn_gen.mixture._conditional_moments import ConditionalMoments
from sklearn_gen.mixture._derived import DerivedMixtures
from sklearn_gen.mixture._initial import check_initial, column_variances
from sklearn_gen.mixture._regularization import Regularization
from sklearn_gen.mixture._seeding import starting_responsibilities


class GaussianMixture(
    ComponentMixin,
    ConditionalMixin,
    InformationCriteriaMixin,
    DerivedMixtures,
    CellScores,
    ConditionalMoments,
    Regularization,
    EMModel,
):
    r"""Mixture of Gaussians: p(x) is a weighted sum of normal densities.

    .. math:: p(x) = \sum_k w_k \, N(x; \mu_k, \Sigma_k)

    A drop-in for :class:`sklearn.mixture.GaussianMixture` (same parameters, defaults
    and fitted attributes; from the same start the same iterates) that adds sample
    weights, missing values, conditional draws, stepwise EM and threads. One difference:
    `sample` returns the rows only; ``predict`` names their components.

    Parameters
    ----------
    n_components : int, default=1
        Number of components K.
    covariance_type : {'full', 'tied', 'diag', 'spherical'}, default='full'
        Each component has its own covariance matrix, all share one, each has its own
        variance per column, each has one variance.
    tol : float, default=1e-3
        EM stops when the mean log-likelihood changes by less, nats per row.
    reg_covar : float or 'scale', default=1e-6
        Variance added to every column, in squared units of X. 'scale' adds 1e-6 of
        each column's variance instead, so that units don't matter.
    max_iter : int, default=100
        Most EM iterations per start.
    n_init : int, default=1
        Number of starts; the one with the highest likelihood is kept.
    init_params : str, default='kmeans'
        How starts are chosen: 'kmeans', 'k-means++', 'random' or 'random_from_data',
        from a weighted sample of the rows where there are more than 20,000.
    weights_init : array-like of shape (n_components,), default=None
        Starting weights, instead of those `init_params` gives.
    means_init : array-like of shape (n_components, n_features), default=None
        Starting means.
    precisions_init : array-like, default=None
        Starting precisions (inverse covariances), of the shape of `precisions_`.
    dequantize : None, 'auto' or array-like of column names or indices, default=None
        Columns of integers or repeated decimals to which fit adds uniform noise as
        wide as their grid, so that likelihood can't be bought by narrow components.
        'auto': every column in which more than a fifth of the values repeat.
    random_state : None, int, RandomState or Generator, default=None
        Seeds starts, noise and draws. None is fresh entropy; numpy's global state is
        never used.
    warm_start : bool, default=False
        Whether fit goes on from the last parameters, also after an interruption.
    verbose : int, default=0
        1 prints starts and iterations, 2 also likelihoods and times.
    verbose_interval : int, default=10
        Iterations between prints.
    n_jobs : int or None, default=None
        Threads; None is 1, -1 all cores. Results are the same bytes for every number.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
        Weight of each component.
    means_ : ndarray of shape (n_components, n_features)
        Means, in units of X.
    covariances_ : ndarray
        (K, D, D) full, (D, D) tied, (K, D) diag, (K,) spherical.
    precisions_ : ndarray
        Inverse covariances, of the same shape.
    precisions_cholesky_ : ndarray
        Upper factors P with P P^T the precision; inverse deviations for diag and
        spherical.
    converged_ : bool
        True only if the last change was below `tol`.
    n_iter_ : int
        Iterations of the best start.
    lower_bound_ : float
        Mean log-likelihood at the last E-step of the best start, nats per row.
    lower_bounds_ : list of float
        Its history.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.
    schema_ : TableSchema
        Column names, kinds and resolution.

    See Also
    --------
    sklearn_gen.compose.GenerativePipeline : Scores that compare across scalers.
    sklearn_gen.outlier.DensityOutlierDetector : Thresholds and reasons.

    Notes
    -----
    ``density_kind`` and ``conditional_kind`` are "exact". One EM iteration costs
    O(n K D^2) (full), O(n D^2 + n K D) (tied) or O(n K D) (diag, spherical); beside X
    it needs a few blocks of rows. NaN means "not observed": EM is then exact, not
    imputation, with rows grouped by which cells they have; K D^3 is added per pattern.

    Given integer weights or repeated rows, the fit is the same, except with
    ``init_params="random"`` and with `dequantize`, which draw numbers per row.

    With `reg_covar` above zero EM needn't be monotone: `lower_bounds_` records a fall.
    A covariance that is singular in spite of `reg_covar` gets 1e-8 of each column's
    variance more; a :class:`~sklearn_gen.DegenerateDataWarning` names the columns.

    References
    ----------
    Dempster, Laird & Rubin (1977), doi:10.1111/j.2517-6161.1977.tb01600.x.
    Ghahramani & Jordan (1994), "Supervised learning from incomplete data via an EM
    approach". Cappe & Moulines (2009), doi:10.1111/j.1467-9868.2009.00698.x
    (`partial_fit`).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.mixture import GaussianMixture
    >>> X = np.array([[1.1, 2], [1.2, 4.1], [0.9, 0], [10, 2.2], [9.9, 4], [10.1, 0.1]])
    >>> model = GaussianMixture(n_components=2, reg_covar=1e-2, random_state=0).fit(X)
    >>> model.predict([[0, 0], [12, 3]])[0] == model.predict(X[:1])[0]
    np.True_
    >>> model.score_samples([[1.0, 2.0], [1.0, np.nan]]).round(2)
    array([-0.97,  0.13])
    >>> model.sample_conditional([[10.0, np.nan]], random_state=0).shape
    (1, 2)
    """

    _parameter_constraints: ClassVar[dict] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [StrOptions(set(gaussian.STRUCTURES))],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "reg_covar": [Interval(Real, 0.0, None, closed="left"), StrOptions({"scale"})],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "init_params": [
            StrOptions({"kmeans", "k-means++", "random", "random_from_data"})
        ],
        "weights_init": ["array-like", None],
        "means_init": ["array-like", None],
        "precisions_init": ["array-like", None],
        "dequantize": [StrOptions({"auto"}), "array-like", None],
        "random_state": ["random_state", np.random.Generator],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "verbose_interval": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_components=1,
        *,
        covariance_type="full",
        tol=1e-3,
        reg_covar=1e-6,
        max_iter=100,
        n_init=1,
        init_params="kmeans",
        weights_init=None,
        means_init=None,
        precisions_init=None,
        dequantize=None,
        random_state=None,
        warm_start=False,
        verbose=0,
        verbose_interval=10,
        n_jobs=None,
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weights_init = weights_init
        self.means_init = means_init
        self.precisions_init = precisions_init
        self.dequantize = dequantize
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval
        self.n_jobs = n_jobs

    @property
    def _structure(self):
        return gaussian.STRUCTURES[self.covariance_type]

    def _prepare(self, X, sample_weight, rng, first=True):
        if first:
            self._variances = column_variances(X, sample_weight)
            self._dtype = X.dtype.name
            self._warn_of_scale()
        return self._add_noise(X, rng).astype(self._dtype, copy=False)

    def _initial_params(self, X, sample_weight, rng):
        weights, means, precisions = check_initial(self, X.shape[1])
        start = None
        if weights is None or means is None or precisions is None:
            rows, resp = starting_responsibilities(
                self.init_params, X, sample_weight, self.n_components, rng
            )
            stats, centers = gaussian.initial_stats(self._structure, rows, resp)
            start = gaussian.m_step(
                self._structure, stats, centers, self._reg, self._ridge
            )
        if precisions is not None:
            covariances, factors = self._structure.from_precisions(precisions)
        else:
            covariances, factors = start.covariances, start.precisions_cholesky
        return gaussian.GaussianParams(
            start.weights if weights is None else weights,
            start.means if means is None else means,
            covariances,
            factors,
            np.zeros(X.shape[1], dtype=bool),
        )

    def _check_goes_on(self, n_features):
        wanted = (self.n_components, n_features)
        shape = self._structure.shape(*wanted)
        if self.means_.shape != wanted or self.covariances_.shape != shape:
            raise ValueError(
                f"Can't go on from the last fit: means_ has shape {self.means_.shape} "
                f"and covariances_ {self.covariances_.shape}; n_components="
                f"{self.n_components}, covariance_type={self.covariance_type!r} and X "
                f"with {n_features} columns need {wanted} and {shape}. Set them back, "
                "or fit a clone of the model."
            )

    def _e_step(self, params, centers=None):
        return partial(
            self._suff_stats,
            params=params,
            args=self._structure.kernel_args(params, self._dtype),
            centers=centers,
        )

    def _suff_stats(self, block, params, args=None, centers=None):
        if args is None:
            args = self._structure.kernel_args(params, self._dtype)
        centers = params.means if centers is None else centers
        return gaussian.suff_stats(self._structure, block, params, args, centers)

    def _m_step(self, stats, params):
        return gaussian.m_step(
            self._structure, stats, params.means, self._reg, self._ridge
        )

    def _em_step(self, params, sum_stats):
        updated, stats = super()._em_step(params, sum_stats)
        # Moments about the old means lose digits where a mean moved by many of its
        # deviations: then sum again, about the new means.
        moved = (updated.means - params.means) ** 2
        variances = self._structure.variances(updated.covariances, *moved.shape)
        if np.any(moved > np.finfo(self._dtype).eps ** -0.4 * variances):
            centers = updated.means
            stats = sum_stats(self._e_step(params, centers))
            updated = self._m_step(stats, updated)
            # as every caller expects them: about the old means
            delta = params.means - centers
            stats = gaussian.recenter(self._structure, stats, delta)
        return updated, stats

    def _recenter(self, stats, params, updated):
        return gaussian.recenter(self._structure, stats, updated.means - params.means)

    def _fitted_attributes(self, params):
        factors = params.precisions_cholesky
        attributes = {
            "weights_": params.weights,
            "means_": params.means,
            "covariances_": params.covariances,
            "precisions_": self._structure.precisions(factors),
            "precisions_cholesky_": factors,
        }
        return {k: v.astype(self._dtype) for k, v in attributes.items()}

    def _fitted_params(self):
        factors = self.precisions_cholesky_.astype(np.float64)
        if self.covariances_.dtype == np.float64:
            covariances = self.covariances_
        else:
            covariances = self._structure.from_factors(factors)
        return gaussian.GaussianParams(
            self.weights_.astype(np.float64),
            self.means_.astype(np.float64),
            covariances,
            factors,
            np.zeros(self.means_.shape[1], dtype=bool),
        )

    def _n_parameters(self):
        n_components, n_features = self.means_.shape
        free = self._structure.n_parameters(n_components, n_features)
        return free + n_components * n_features + n_components - 1

    def _posterior(self, X, with_resp):
        params = self._fitted_params()
        args = self._structure.kernel_args(params, X.dtype)
        function = partial(
            gaussian.posterior,
            self._structure,
            params=params,
            args=args,
            with_resp=with_resp,
        )
        blocks = row_blocks(X)
        log_prob = np.empty(len(X), X.dtype)
        resp = np.empty((len(X) if with_resp else 0, len(params.weights)), X.dtype)
        with workers(self.n_jobs) as run:
            for block, result in zip(blocks, run(function, blocks), strict=True):
                log_prob[block.rows] = result.log_prob
                if with_resp:
                    resp[block.rows] = result.resp
        return log_prob, resp

    def _score_samples(self, X):
        return self._posterior(X, with_resp=False)[0]

    def _predict_proba(self, X):
        resp = self._posterior(X, with_resp=True)[1]
        # Where every component's density underflows, the weights are all there is.
        resp[~resp.any(axis=1)] = self.weights_
        return resp

    def _sample(self, n_samples, rng):
        with one_blas_thread():
            draws = gaussian.draw(
                self._structure, self._fitted_params(), n_samples, rng
            )
        return draws.astype(self._dtype)

    def _sample_conditional(self, X, rng):
        resp = self._predict_proba(X)
        with one_blas_thread():  # thousands of small systems: threads would wait
            return gaussian.draw_missing(
                self._structure, self._fitted_params(), X, resp, rng
            )
