"""Student t mixture: clusters and densities that outliers don't move."""

from functools import partial
from numbers import Integral, Real
from typing import ClassVar

import numpy as np

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._blocks import one_blas_thread
from sklearn_gen._compat import Interval, StrOptions
from sklearn_gen._gaussian import student
from sklearn_gen._regularization import Regularization
from sklearn_gen._seeding import starting_responsibilities
from sklearn_gen.base import (
    ComponentMixin,
    ConditionalMixin,
    InformationCriteriaMixin,
)
from sklearn_gen.mixture._conditional_moments import ConditionalMeans
from sklearn_gen.mixture._initial import check_initial
from sklearn_gen.mixture._moment_em import MomentEM
from sklearn_gen.mixture._posterior import posterior_of_rows
from sklearn_gen.mixture._student_derived import DerivedStudentMixtures

_COVARIANCE_TYPES = ("full", "tied", "diag", "spherical")
_STARTING_DOF = 10.0


class StudentTMixture(
    ComponentMixin,
    ConditionalMixin,
    InformationCriteriaMixin,
    ConditionalMeans,
    DerivedStudentMixtures,
    Regularization,
    MomentEM,
):
    r"""Mixture of multivariate t: p(x) is a weighted sum of heavy-tailed densities.

    .. math:: p(x) = \sum_k w_k \, t_{\nu_k}(x; \mu_k, S_k)

    .. math:: t_\nu(x; \mu, S) = \frac{\Gamma((\nu + D) / 2)}
        {\Gamma(\nu / 2) (\nu \pi)^{D/2} |S|^{1/2}}
        \left(1 + \frac{\delta}{\nu}\right)^{-(\nu + D) / 2}, \quad
        \delta = (x - \mu)^T S^{-1} (x - \mu)

    A row at distance :math:`\delta` counts :math:`(\nu + D) / (\nu + \delta)` in the
    means and scale matrices, so outliers hardly move them, and it costs the logarithm
    of its distance in likelihood where a Gaussian has the square.

    Parameters
    ----------
    n_components : int, default=1
        Number of components K.
    covariance_type : {'full', 'tied', 'diag', 'spherical'}, default='full'
        Structure of the scale matrices, as for :class:`GaussianMixture`.
    dof : float or 'estimate', default='estimate'
        Degrees of freedom :math:`\nu`: estimated for each component, between 0.5 and
        1000, or one number for all. Small is heavy-tailed; 1 is Cauchy, 30 all but
        Gaussian.
    tol : float, default=1e-3
        EM stops when the mean log-likelihood changes by less, nats per row.
    reg_covar : float or 'scale', default=1e-6
        Added to the diagonals of the scale matrices, in squared units of X. 'scale'
        adds 1e-6 of each column's variance instead.
    max_iter : int, default=100
        Most EM iterations per start.
    n_init : int, default=1
        Number of starts; the one with the highest likelihood is kept.
    init_params : str, default='kmeans'
        How starts are chosen: 'kmeans', 'k-means++', 'random' or 'random_from_data'.
    weights_init : array-like of shape (n_components,), default=None
        Starting weights, instead of those `init_params` gives.
    means_init : array-like of shape (n_components, n_features), default=None
        Starting means.
    precisions_init : array-like, default=None
        Starting inverse scale matrices, of the shape of `precisions_`.
    dequantize : None, 'auto' or array-like of column names or indices, default=None
        Columns of repeated values to which fit adds uniform noise as wide as their
        grid, as for :class:`GaussianMixture`.
    random_state : None, int, RandomState or Generator, default=None
        Seeds starts, noise and draws. None is fresh entropy.
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
        Centers; the means where degrees of freedom exceed 1.
    scales_ : ndarray
        Scale matrices S: (K, D, D) full, (D, D) tied, (K, D) diag, (K,) spherical.
        Where degrees of freedom exceed 2 the covariance is :math:`S \nu / (\nu - 2)`.
    precisions_ : ndarray
        Inverse scale matrices, of the same shape.
    precisions_cholesky_ : ndarray
        Upper factors P with P P^T the inverse scale matrix; inverse roots for diag and
        spherical.
    dof_ : ndarray of shape (n_components,)
        Degrees of freedom.
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
    GaussianMixture : Light tails.
    RobustGaussianMixture : An ensemble behind a heavy-tailed transformation.
    scipy.stats.multivariate_t : One component of known parameters.

    Notes
    -----
    ``density_kind`` and ``conditional_kind`` are "exact": marginals of a t are t, and
    conditionals are t with the observed cells added to the degrees of freedom and a
    scale that grows with their distance. NaN means "not observed", and EM is exact.
    One iteration costs as much as that of a :class:`GaussianMixture` ('tied' as much as
    'full').

    EM is PX-EM: the scale of the hidden variable is free, which changes nothing of the
    model, keeps every step from lowering the likelihood (with ``reg_covar=0``), and
    takes a fraction of the iterations.

    `bic` and `aic` count one parameter per component more where `dof` is estimated. In
    `conditional_mean`, components without a mean (of at most one degree of freedom,
    where nothing is observed) count with their centers.

    References
    ----------
    Peel & McLachlan (2000), "Robust mixture modelling using the t distribution",
    doi:10.1023/A:1008981510081. Liu & Rubin (1995), "ML estimation of the t
    distribution using EM and its extensions, ECM and ECME". Liu, Rubin & Wu (1998),
    "Parameter expansion to accelerate EM", doi:10.1093/biomet/85.4.755.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.mixture import StudentTMixture
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 2))
    >>> X[:25] += 50  # a twentieth of the rows lies far out
    >>> model = StudentTMixture(random_state=0).fit(X)
    >>> np.abs(model.means_ - X[25:].mean(axis=0)).max().round(1)
    np.float64(0.0)
    >>> X.mean(axis=0).round(1)
    array([2.4, 2.5])
    """

    _parameter_constraints: ClassVar[dict] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [StrOptions(set(_COVARIANCE_TYPES))],
        "dof": [Interval(Real, 0.0, None, closed="neither"), StrOptions({"estimate"})],
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
        dof="estimate",
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
        self.dof = dof
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
    def _fixed_dof(self):
        return None if isinstance(self.dof, str) else self.dof

    def _start_size(self):
        return self.n_components

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
        return student.StudentParams(
            start.weights if weights is None else weights,
            start.means if means is None else means,
            covariances,
            factors,
            np.zeros(X.shape[1], dtype=bool),
            np.full(self.n_components, float(self._fixed_dof or _STARTING_DOF)),
        )

    def _kernel_args(self, params):
        return student.kernel_args(self._structure, params, self._dtype)

    def _suff_stats(self, block, params, args, centers):
        return student.suff_stats(self._structure, block, params, args, centers)

    def _shift(self, stats, delta):
        return student.recenter(self._structure, stats, delta)

    def _m_step(self, stats, params):
        return student.m_step(
            self._structure, stats, params, self._reg, self._ridge, self._fixed_dof
        )

    def _fitted_attributes(self, params):
        factors = params.precisions_cholesky
        attributes = {
            "weights_": params.weights,
            "means_": params.means,
            "scales_": params.covariances,
            "precisions_": self._structure.precisions(factors),
            "precisions_cholesky_": factors,
            "dof_": params.dof,
        }
        return {k: v.astype(self._dtype) for k, v in attributes.items()}

    def _fitted_params(self):
        factors = self.precisions_cholesky_.astype(np.float64)
        if self.scales_.dtype == np.float64:
            scales = self.scales_
        else:
            scales = self._structure.from_factors(factors)
        return student.StudentParams(
            self.weights_.astype(np.float64),
            self.means_.astype(np.float64),
            scales,
            factors,
            np.zeros(self.means_.shape[1], dtype=bool),
            self.dof_.astype(np.float64),
        )

    def _n_parameters(self):
        n_components, n_features = self.means_.shape
        free = self._structure.n_parameters(n_components, n_features)
        free += n_components * n_features + n_components - 1
        return free + (n_components if self._fixed_dof is None else 0)

    def _posterior(self, X, with_resp):
        params = self._fitted_params()
        function = partial(
            student.posterior,
            self._structure,
            params=params,
            args=student.kernel_args(self._structure, params, X.dtype),
            with_resp=with_resp,
        )
        K = len(params.weights)
        return posterior_of_rows(function, X, K, self.n_jobs, with_resp)

    def _score_samples(self, X):
        return self._posterior(X, with_resp=False)[0]

    def _predict_proba(self, X):
        resp = self._posterior(X, with_resp=True)[1]
        # Where squares overflow, the weights are all there is.
        resp[~resp.any(axis=1)] = self.weights_
        return resp

    def _sample(self, n_samples, rng):
        with one_blas_thread():
            draws = student.draw(self._structure, self._fitted_params(), n_samples, rng)
        return draws.astype(self._dtype)

    def _expected_cells(self, X):
        resp = self._predict_proba(X).astype(np.float64)
        params = self._fitted_params()
        with one_blas_thread():
            return gaussian.fill_means_given(self._structure, params, X, resp)

    def _sample_conditional(self, X, rng):
        resp = self._predict_proba(X)
        with one_blas_thread():
            return student.draw_missing(
                self._structure, self._fitted_params(), X, resp, rng
            )
