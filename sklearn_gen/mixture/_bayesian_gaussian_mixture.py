"""Variational Bayesian Gaussian mixture whose scores are a normalised density."""

from functools import partial
from numbers import Integral, Real
from typing import ClassVar

import numpy as np

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._blocks import scale
from sklearn_gen._compat import Interval, StrOptions
from sklearn_gen._gaussian import variational
from sklearn_gen._regularization import Regularization
from sklearn_gen._seeding import starting_responsibilities
from sklearn_gen._validation import DegenerateDataWarning, warn
from sklearn_gen.base import (
    ComponentMixin,
    ConditionalMixin,
    InformationCriteriaMixin,
)
from sklearn_gen.mixture._moment_em import MomentEM
from sklearn_gen.mixture._posterior import posterior_of_rows
from sklearn_gen.mixture._predictive import PredictiveDensity
from sklearn_gen.mixture._wishart_priors import WishartPriors

# Components that hold fewer rows in expectation are what their priors are.
_FEWEST_ROWS = 0.5


class BayesianGaussianMixture(
    ComponentMixin,
    ConditionalMixin,
    InformationCriteriaMixin,
    PredictiveDensity,
    WishartPriors,
    Regularization,
    MomentEM,
):
    r"""Bayesian mixture of Gaussians: p(x) averages over what the rows leave open.

    .. math:: p(x) = \sum_k E[w_k] \; t_{\nu_k - D + 1}\Big(x; m_k,
        \frac{(1 + \beta_k) \, \nu_k}{\beta_k \, (\nu_k - D + 1)} C_k\Big)

    the posterior predictive density, with weights, means :math:`N(m_k, (\beta_k
    \Lambda_k)^{-1})` and precisions :math:`\Lambda_k \sim W((\nu_k C_k)^{-1}, \nu_k)`
    integrated out. Components that the rows don't need get weights near zero.

    A drop-in for :class:`sklearn.mixture.BayesianGaussianMixture` (same parameters,
    defaults, fitted attributes, and from the same start the same iterates,
    `predict_proba` and `lower_bound_`), with sample weights, missing values,
    conditional draws, stepwise EM and threads. Two differences: `score_samples` is a
    density, and `sample` returns the rows only.

    Parameters
    ----------
    n_components : int, default=1
        Most components K.
    covariance_type : {'full', 'tied', 'diag', 'spherical'}, default='full'
        As for :class:`GaussianMixture`.
    tol : float, default=1e-3
        EM stops when the lower bound, of all rows together, changes by less, in nats.
    reg_covar : float or 'scale', default=1e-6
        Variance added to every column, in squared units of X, or relative to each
        column's.
    max_iter : int, default=100
        Most iterations per start.
    n_init : int, default=1
        Number of starts; the one with the highest lower bound is kept.
    init_params : str, default='kmeans'
        How starts are chosen: 'kmeans', 'k-means++', 'random' or 'random_from_data'.
    weight_concentration_prior_type : str, default='dirichlet_process'
        'dirichlet_process' (stick breaking, cut after K components) or
        'dirichlet_distribution'.
    weight_concentration_prior : float, default=None
        The smaller, the fewer components get weight; None is 1 / K.
    mean_precision_prior : float, default=None
        How many rows the prior of each mean counts as; None is 1.
    mean_prior : array-like of shape (n_features,), default=None
        Its center; None is the mean of the rows.
    degrees_of_freedom_prior : float, default=None
        Degrees of freedom of the Wishart prior, above n_features - 1; None is
        n_features.
    covariance_prior : float or array-like, default=None
        (D, D) for full and tied, (D,) for diag, a number for spherical; None is the
        covariance of the rows.
    dequantize : None, 'auto' or array-like of column names or indices, default=None
        Columns of repeated values to which fit adds uniform noise as wide as their
        grid, as for :class:`GaussianMixture`.
    random_state : None, int, RandomState or Generator, default=None
        Seeds starts, noise and draws. None is fresh entropy.
    warm_start : bool, default=False
        Whether fit goes on from the last posterior.
    verbose : int, default=0
        1 prints starts and iterations, 2 also lower bounds and times.
    verbose_interval : int, default=10
        Iterations between prints.
    n_jobs : int or None, default=None
        Threads; None is 1, -1 all cores. Results are the same bytes for every number.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
        Expected weights.
    means_ : ndarray of shape (n_components, n_features)
        Expected means m.
    covariances_ : ndarray
        C, the inverse of the expected precisions: (K, D, D) full, (D, D) tied, (K, D)
        diag, (K,) spherical.
    precisions_ : ndarray
        Expected precisions, of the same shape.
    precisions_cholesky_ : ndarray
        Upper factors P with P P^T the precision.
    weight_concentration_ : ndarray of shape (n_components,), or tuple of two
        Of the Dirichlet posterior; of a process, both parameters of each stick's beta.
    mean_precision_ : ndarray of shape (n_components,)
        How many rows each mean's posterior counts as: :math:`\beta`.
    degrees_of_freedom_ : ndarray of shape (n_components,), or float if tied
        Of the Wishart posteriors: :math:`\nu`.
    weight_concentration_prior_, mean_precision_prior_ : float
        The priors used.
    mean_prior_ : ndarray of shape (n_features,)
        The prior used.
    degrees_of_freedom_prior_ : float
        The prior used.
    covariance_prior_ : float or ndarray
        The prior used.
    converged_ : bool
        True only if the last change was below `tol`.
    n_iter_ : int
        Iterations of the best start.
    lower_bound_ : float
        Variational lower bound of the log evidence of all rows, without the terms that
        only the prior determines, in nats.
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
    GaussianMixture : Maximum likelihood.
    StudentTMixture : What `predictive` and `marginal` return.

    Notes
    -----
    ``density_kind`` and ``conditional_kind`` are "exact": of the predictive density
    given the variational posterior. **Not as in scikit-learn:** its ``score_samples``
    is the logarithm of :math:`\sum_k \exp E[\log w_k N(x; \mu_k, \Lambda_k^{-1})]`,
    which isn't normalised; on small samples it integrates to .64 to .90. Draws,
    `sample_conditional`, `marginal` and `conditional` are those of the predictive
    density. `predict_proba` is scikit-learn's: the variational responsibilities, which
    are those expected logarithms normalised per row.

    One iteration costs what one of a :class:`GaussianMixture` does, a score what one of
    a :class:`StudentTMixture` does: O(n K D^2) for 'full'.

    `bic` and `aic` are of the predictive density, and count the parameters of a
    :class:`GaussianMixture` of as many components as hold half a row or more: the
    others have fallen back to their priors, and no row determines them. `lower_bound_`
    and held-out scores take the priors into account, too.

    Weights count rows, also against the priors: weights that sum to 1 are one row.
    NaN means "not observed"; the E-step is then exact. The default `covariance_prior`
    takes missing cells to be uncorrelated with the others.

    As in scikit-learn the formulas of the full Wishart distribution serve the other
    three structures too, so there the lower bound may fall; it is monotone for 'full'
    with ``reg_covar=0``. `partial_fit` scales the statistics of batches to all rows
    seen (Hoffman et al. 2013).

    References
    ----------
    Bishop (2006), "Pattern recognition and machine learning", 10.2. Blei & Jordan
    (2006), "Variational inference for Dirichlet process mixtures",
    doi:10.1214/06-BA104. Hoffman et al. (2013), "Stochastic variational inference",
    https://jmlr.org/papers/v14/hoffman13a.html.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.mixture import BayesianGaussianMixture
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 1)) + 10 * (np.arange(400) % 2)[:, None]
    >>> model = BayesianGaussianMixture(5, max_iter=500, random_state=0).fit(X)
    >>> np.sort(model.weights_.round(1))  # two are needed
    array([0. , 0. , 0. , 0.5, 0.5])
    """

    _parameter_constraints: ClassVar[dict] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [StrOptions({"full", "tied", "diag", "spherical"})],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "reg_covar": [Interval(Real, 0.0, None, closed="left"), StrOptions({"scale"})],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "init_params": [
            StrOptions({"kmeans", "k-means++", "random", "random_from_data"})
        ],
        "weight_concentration_prior_type": [
            StrOptions({"dirichlet_process", "dirichlet_distribution"})
        ],
        "weight_concentration_prior": [
            Interval(Real, 0.0, None, closed="neither"),
            None,
        ],
        "mean_precision_prior": [Interval(Real, 0.0, None, closed="neither"), None],
        "mean_prior": ["array-like", None],
        "degrees_of_freedom_prior": [Interval(Real, 0.0, None, closed="neither"), None],
        "covariance_prior": [
            Interval(Real, 0.0, None, closed="neither"),
            "array-like",
            None,
        ],
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
        weight_concentration_prior_type="dirichlet_process",
        weight_concentration_prior=None,
        mean_precision_prior=None,
        mean_prior=None,
        degrees_of_freedom_prior=None,
        covariance_prior=None,
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
        self.weight_concentration_prior_type = weight_concentration_prior_type
        self.weight_concentration_prior = weight_concentration_prior
        self.mean_precision_prior = mean_precision_prior
        self.mean_prior = mean_prior
        self.degrees_of_freedom_prior = degrees_of_freedom_prior
        self.covariance_prior = covariance_prior
        self.dequantize = dequantize
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval
        self.n_jobs = n_jobs

    _bound_name = "lower bound"

    def _prepare(self, X, sample_weight, rng, first=True):
        X = super()._prepare(X, sample_weight, rng, first)
        total = len(X) if sample_weight is None else float(sample_weight.sum())
        self._rows_seen = total if first else self._rows_seen + total
        n_values = int(np.count_nonzero(~np.isnan(X)))
        self._n_values = n_values if first else self._n_values + n_values
        if first:
            self._set_priors(X, sample_weight)
        return X

    def _initial_params(self, X, sample_weight, rng):
        rows, resp = starting_responsibilities(
            self.init_params, X, sample_weight, self.n_components, rng
        )
        if self.init_params in ("kmeans", "random"):  # perhaps of a sample of the rows
            resp = resp * (self._rows_seen / resp.sum())
        stats, centers = gaussian.initial_stats(self._structure, rows, resp)
        return self._posterior_params(stats, centers)

    def _posterior_params(self, stats, centers):
        return variational.posterior_params(
            self._structure, stats, centers, self._prior, self._reg, self._ridge
        )

    def _kernel_args(self, params):
        return self._structure.kernel_args(params, self._dtype)

    def _suff_stats(self, block, params, args, centers):
        return gaussian.suff_stats(self._structure, block, params, args, centers)

    def _shift(self, stats, delta):
        return gaussian.recenter(self._structure, stats, delta)

    def _m_step(self, stats, params):
        # Stepwise EM has statistics per unit of weight; priors are counted in rows.
        stats = scale(stats, self._rows_seen / stats.weight)
        return self._posterior_params(stats, params.means)

    def _bound(self, stats, params, updated):
        entropy = variational.entropy(self._structure, stats, params)
        whole = entropy * (self._rows_seen / stats.weight)
        return float(whole + variational.log_evidence(self._structure, updated))

    def _fitted_attributes(self, params):
        def own(values):
            return np.asarray(values, dtype=self._dtype)[()]

        sticks = params.concentration.ndim == 2
        concentration = own(params.concentration)
        factors = params.precisions_cholesky
        return {
            "weights_": own(params.weights),
            "means_": own(params.means),
            "covariances_": own(params.covariances),
            "precisions_": own(self._structure.precisions(factors)),
            "precisions_cholesky_": own(factors),
            "weight_concentration_": tuple(concentration) if sticks else concentration,
            "mean_precision_": own(params.mean_precision),
            "degrees_of_freedom_": own(params.dof),
        }

    def _fitted_params(self):
        def wide(values):
            return np.asarray(values, dtype=np.float64)

        factors = wide(self.precisions_cholesky_)
        covariances = self.covariances_
        if covariances.dtype != np.float64:
            covariances = self._structure.from_factors(factors)
        return variational.variational_params(
            wide(self.weight_concentration_),
            wide(self.mean_precision_),
            wide(self.degrees_of_freedom_),
            wide(self.means_),
            covariances,
            factors,
            np.zeros(self.means_.shape[1], dtype=bool),
        )

    def _warn_of_degeneracy(self, params):
        super()._warn_of_degeneracy(params)
        if self._n_parameters() > self._n_values:
            warn(
                f"{self._n_values} observed values can't determine "
                f"{self._n_parameters()} parameters: components lean on their priors. "
                "Use fewer components, or covariance_type='diag'.",
                DegenerateDataWarning,
            )

    def _n_parameters(self):
        n_features = self.means_.shape[1]
        n_rows = self.mean_precision_ - self.mean_precision_prior_
        n_used = max(1, int(np.count_nonzero(n_rows >= _FEWEST_ROWS)))
        free = self._structure.n_parameters(n_used, n_features)
        return free + n_used * n_features + n_used - 1

    def _predict_proba(self, X):
        params = self._fitted_params()
        function = partial(
            gaussian.posterior,
            self._structure,
            params=params,
            args=self._structure.kernel_args(params, X.dtype),
            with_resp=True,
        )
        K = len(params.weights)
        resp = posterior_of_rows(function, X, K, self.n_jobs, with_resp=True)[1]
        # Where every component's density underflows, the weights are all there is.
        resp[~resp.any(axis=1)] = self.weights_
        return resp
