"""Mixture of factor analyzers: Gaussians of low rank, for many columns."""

from functools import partial
from numbers import Integral, Real
from typing import ClassVar

import numpy as np

from sklearn_gen._column_moments import column_variances
from sklearn_gen._compat import Interval, StrOptions
from sklearn_gen._em import EMModel
from sklearn_gen._gaussian import factors
from sklearn_gen._regularization import Regularization
from sklearn_gen._seeding import starting_responsibilities
from sklearn_gen._validation import DegenerateDataWarning, warn
from sklearn_gen.base import (
    ComponentMixin,
    ConditionalMixin,
    InformationCriteriaMixin,
    LatentMixin,
)
from sklearn_gen.mixture._factor_derived import FactorDraws
from sklearn_gen.mixture._posterior import posterior_of_rows

# Random parts of starting loadings, in deviations of the column: a factor that starts
# at zero would stay there.
_JITTER = 0.01


class MixtureOfFactorAnalyzers(
    ComponentMixin,
    ConditionalMixin,
    InformationCriteriaMixin,
    LatentMixin,
    FactorDraws,
    Regularization,
    EMModel,
):
    r"""Mixture of Gaussians of low rank: a few factors and noise in each component.

    .. math:: p(x) = \sum_k w_k \, N(x; \mu_k, L_k L_k^T + \Psi_k)

    with q columns in the loadings :math:`L_k` and a diagonal :math:`\Psi_k`. One
    component is factor analysis, or with isotropic noise probabilistic PCA. It has
    O(D q) parameters and cost per row where :class:`GaussianMixture` has O(D^2), so it
    is for many columns, also for more columns than rows.

    Parameters
    ----------
    n_components : int, default=1
        Number of components K.
    n_factors : int, default=1
        Number of factors q in each component.
    noise : {'diag', 'isotropic'}, default='diag'
        Each column has its own noise variance (factor analysis; units of columns don't
        matter), or all have one (probabilistic PCA).
    tol : float, default=1e-3
        EM stops when the mean log-likelihood changes by less, nats per row.
    reg_covar : float or 'scale', default=1e-6
        Added to the noise variances, in squared units of X. 'scale' adds 1e-6 of each
        column's variance instead.
    max_iter : int, default=100
        Most EM iterations per start.
    n_init : int, default=1
        Number of starts; the one with the highest likelihood is kept.
    init_params : {'kmeans', 'random'}, default='kmeans'
        How rows are divided among components at the start; each begins as the
        principal components of its rows.
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
        Means, in units of X.
    loadings_ : ndarray of shape (n_components, n_features, n_factors)
        Loadings on principal axes: columns of :math:`\Psi^{-1/2} L` are orthogonal, the
        longest first, and the largest entry of each column of L is positive.
    noise_variance_ : ndarray of shape (n_components, n_features) or (n_components,)
        Noise variances; one per component if isotropic.
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
    GaussianMixture : Full covariances.
    sklearn.decomposition.FactorAnalysis : One component.
    sklearn.decomposition.PCA : Its ``score_samples`` is that of one component with
        isotropic noise.

    Notes
    -----
    ``density_kind`` and ``conditional_kind`` are "exact". One EM iteration costs
    O(n K D q), for rows whose pattern of missing cells is rare O(n K D q^2); no matrix
    of D x D is made. NaN means "not observed", and EM is exact.

    Factors may have any covariance within an iteration, which the loadings then absorb
    (PX-EM): the likelihood doesn't fall, with ``reg_covar=0``, and far fewer iterations
    are needed. Noise variances are at least 1e-8 of each column's variance (Heywood
    cases); a :class:`~sklearn_gen.DegenerateDataWarning` names the columns there.

    `transform` returns the expectation of the latent variables given the observed
    cells. With one component these are its factors. With more, which component a row
    is from is latent too: the columns are p(k | x) E[f | x, k], component by component,
    then p(k | x). So `inverse_transform`, which is linear, returns the expectation of
    the row without noise.

    References
    ----------
    Ghahramani & Hinton (1996), "The EM algorithm for mixtures of factor analyzers",
    CRG-TR-96-1. Tipping & Bishop (1999), "Mixtures of probabilistic principal
    component analysers", doi:10.1162/089976699300016728. Liu, Rubin & Wu (1998),
    "Parameter expansion to accelerate EM", doi:10.1093/biomet/85.4.755.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.mixture import MixtureOfFactorAnalyzers
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 2)) @ rng.normal(size=(2, 500))  # rank 2
    >>> X += 0.1 * rng.normal(size=X.shape)
    >>> model = MixtureOfFactorAnalyzers(n_factors=2, random_state=0).fit(X)
    >>> model.noise_variance_.mean().round(2)
    np.float64(0.01)
    >>> model.transform(X).shape
    (300, 2)
    """

    _parameter_constraints: ClassVar[dict] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "n_factors": [Interval(Integral, 1, None, closed="left")],
        "noise": [StrOptions({"diag", "isotropic"})],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "reg_covar": [Interval(Real, 0.0, None, closed="left"), StrOptions({"scale"})],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "init_params": [StrOptions({"kmeans", "random"})],
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
        n_factors=1,
        *,
        noise="diag",
        tol=1e-3,
        reg_covar=1e-6,
        max_iter=100,
        n_init=1,
        init_params="kmeans",
        dequantize=None,
        random_state=None,
        warm_start=False,
        verbose=0,
        verbose_interval=10,
        n_jobs=None,
    ):
        self.n_components = n_components
        self.n_factors = n_factors
        self.noise = noise
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.dequantize = dequantize
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval
        self.n_jobs = n_jobs

    @property
    def _isotropic(self):
        return self.noise == "isotropic"

    def _prepare(self, X, sample_weight, rng, first=True):
        if first:
            self._variances = column_variances(X, sample_weight)
            self._dtype = X.dtype.name
            self._warn_of_scale()
            self._n_values = int(X.size - np.isnan(X).sum())
        return self._add_noise(X, rng).astype(self._dtype, copy=False)

    def _initial_params(self, X, sample_weight, rng):
        rows, resp = starting_responsibilities(
            self.init_params, X, sample_weight, self.n_components, rng
        )
        share = resp.sum(axis=0) + np.finfo(float).tiny
        means = (resp.T @ rows) / share[:, None]
        floor = np.maximum(self._ridge, np.finfo(float).tiny)
        loadings, noise = [], []
        for mean, r in zip(means, resp.T, strict=True):
            used = r > 0
            L, variance = factors.principal_components(
                rows[used] - mean, r[used], self.n_factors, self._isotropic
            )
            jitter = rng.standard_normal(L.shape) * np.sqrt(self._variances)[:, None]
            loadings.append(L + _JITTER * jitter)
            noise.append(np.maximum(variance + self._reg, floor))
        noise = np.array(noise)
        if self._isotropic:
            noise[:] = noise.mean(axis=1, keepdims=True)
        weights = share / share.sum()
        return factors.params_of(weights, means, np.array(loadings), noise)

    def _check_goes_on(self, n_features):
        wanted = (self.n_components, n_features, self.n_factors)
        noise = wanted[:1] if self._isotropic else wanted[:2]
        if self.loadings_.shape != wanted or self.noise_variance_.shape != noise:
            raise ValueError(
                f"Can't go on from the last fit: loadings_ has shape "
                f"{self.loadings_.shape} and noise_variance_ "
                f"{self.noise_variance_.shape}; n_components={self.n_components}, "
                f"n_factors={self.n_factors}, noise={self.noise!r} and X with "
                f"{n_features} columns need {wanted} and {noise}. Set them back, or "
                "fit a clone of the model."
            )

    def _suff_stats(self, block, params):
        return factors.suff_stats(block, params)

    def _m_step(self, stats, params):
        floor = np.maximum(self._ridge, np.finfo(float).tiny)
        return factors.m_step(stats, params, self._reg, floor, self._isotropic)

    def _recenter(self, stats, params, updated):
        return factors.recenter(stats, updated.means - params.means, updated.basis)

    def _fitted_attributes(self, params):
        noise = params.noise[:, 0] if self._isotropic else params.noise
        attributes = {
            "weights_": params.weights,
            "means_": params.means,
            "loadings_": params.loadings,
            "noise_variance_": noise,
        }
        return {k: v.astype(self._dtype) for k, v in attributes.items()}

    def _fitted_params(self):
        attributes = (self.weights_, self.means_, self.loadings_, self.noise_variance_)
        weights, means, loadings, noise = (a.astype(np.float64) for a in attributes)
        if self._isotropic:
            noise = np.repeat(noise[:, None], means.shape[1], axis=1)
        return factors.params_of(weights, means, loadings, noise)

    def _warn_of_degeneracy(self, params):
        if self._n_parameters() > self._n_values:
            warn(
                f"{self._n_values} observed values can't determine "
                f"{self._n_parameters()} parameters. Use fewer factors or components.",
                DegenerateDataWarning,
            )
        flat = params.flat | (params.noise <= 2 * self._reg).any(axis=0)
        if flat.any():
            found = np.flatnonzero(flat)
            labels = ", ".join(self.schema_.label(j) for j in found[:5])
            more = f" and {len(found) - 5} more" if len(found) > 5 else ""
            warn(
                f"A component has no noise of its own in {labels}{more}: factors, or "
                "repeated values, explain all of it, so the noise variance is what "
                f"regularisation (reg_covar={self.reg_covar}) put there. Use fewer "
                "factors or components, noise='isotropic', or a larger reg_covar, or "
                "drop such columns.",
                DegenerateDataWarning,
            )

    def _n_parameters(self):
        n_components, n_features, n_factors = self.loadings_.shape
        q = min(n_factors, n_features)
        noise = 1 if self._isotropic else n_features
        # loadings but for rotations, and never more than a full covariance has
        free = min(
            n_features * q - q * (q - 1) // 2 + noise,
            n_features * (n_features + 1) // 2,
        )
        return n_components * (free + n_features) + n_components - 1

    def _posterior(self, X, with_resp):
        params = self._fitted_params()
        function = partial(factors.posterior, params=params, with_resp=with_resp)
        K = len(params.weights)
        return posterior_of_rows(function, X, K, self.n_jobs, with_resp)

    def _score_samples(self, X):
        return self._posterior(X, with_resp=False)[0]

    def _predict_proba(self, X):
        resp = self._posterior(X, with_resp=True)[1]
        resp[~resp.any(axis=1)] = self.weights_  # where squares overflow
        return resp
