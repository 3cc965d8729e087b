"""Gaussian mixture: sample weights, missing values, conditionals, stepwise EM."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._compat import Interval, StrOptions
from sklearn_gen._regularization import Regularization
from sklearn_gen.base import (
    ComponentMixin,
    ConditionalMixin,
    InformationCriteriaMixin,
)
from sklearn_gen.mixture._cells import CellScores
from sklearn_gen.mixture._choosing import ChoosesComponents
from sklearn_gen.mixture._conditional_moments import ConditionalMoments
from sklearn_gen.mixture._derived import DerivedMixtures
from sklearn_gen.mixture._inference import Inference
from sklearn_gen.mixture._initial import GaussianStarts
from sklearn_gen.mixture._integrated_likelihood import IntegratedLikelihood
from sklearn_gen.mixture._moment_em import MomentEM
from sklearn_gen.mixture._noise import N_PARAMETERS, share_of_noise


class GaussianMixture(
    Inference,
    ComponentMixin,
    ConditionalMixin,
    IntegratedLikelihood,
    InformationCriteriaMixin,
    DerivedMixtures,
    CellScores,
    ConditionalMoments,
    ChoosesComponents,
    GaussianStarts,
    Regularization,
    MomentEM,
):
    r"""Mixture of Gaussians: p(x) is a weighted sum of normal densities.

    .. math:: p(x) = \sum_k w_k \, N(x; \mu_k, \Sigma_k)

    A drop-in for :class:`sklearn.mixture.GaussianMixture` (same parameters, defaults
    and fitted attributes; from the same start the same iterates) that adds sample
    weights, missing values, conditional draws, stepwise EM and threads. One difference:
    `sample` returns the rows only; ``predict`` names their components.

    Parameters
    ----------
    n_components : int or 'auto', default=1
        Number of components K. 'auto': found by splitting and merging components.
    covariance_type : str, default='full'
        'full': each component has its own covariance matrix; 'tied': all share one;
        'diag': each has its own variance per column; 'spherical': each has one. Or one
        of mclust's names, of three letters for volume, shape and orientation: equal
        (E), variable (V), or those of a ball or of the axes (I). EII VII EEI VEI EVI
        VVI EEE VEE EVE VVE EEV VEV EVV VVV; of them VVV is 'full', EEE 'tied', VVI
        'diag' and VII 'spherical'.
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
    noise : float or None, default=None
        Starting weight of a component for rows that belong to no cluster, uniform on
        the bounding box of the training rows; it must lie in (0, 1). None: no such
        component.
    criterion : {'bic', 'icl', 'holdout'}, default='bic'
        By what 'auto' compares numbers of components: `bic`, `icl`, or the likelihood
        of half of the rows, which are held out and learned from at the end: the fewest
        components that are as good as any within a standard error.
    max_components : int or None, default=None
        The most that 'auto' tries. None: as many as go on to pay.
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
        (K, D, D) full, (D, D) tied, (K, D) diag, (K,) spherical. Of mclust's: (D, D)
        EEE, (K,) EII and VII, (K, D) ..I, (K, D, D) otherwise.
    precisions_ : ndarray
        Inverse covariances, of the same shape.
    precisions_cholesky_ : ndarray
        Upper factors P with P P^T the precision; inverse deviations for diag and
        spherical.
    noise_weight_ : float
        Weight of the noise, with `noise` only. Those of the components are
        relative to the rest: they sum to one.
    noise_bounds_ : ndarray of shape (2, n_features)
        Lowest and highest corner of its box, with `noise` only.
    n_components_ : int
        Number of components.
    search_results_ : dict of ndarray
        With 'auto', what was tried: move, n_components, criterion, likelihood, seconds.
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
    ``init_params="random"``, ``criterion="holdout"`` and with `dequantize`, which draw
    numbers per row.

    With `reg_covar` above zero EM needn't be monotone: `lower_bounds_` records a fall.
    A covariance that is singular in spite of `reg_covar` gets 1e-8 of each column's
    variance more; a :class:`~sklearn_gen.DegenerateDataWarning` names the columns.

    With `noise` the density is nu U(x) + (1 - nu) times the above, U uniform on the
    box; `predict` calls it -1, the last column of `predict_proba`. `bic` counts two
    parameters for it. With 'auto' components are split, then merged, while the
    criterion improves by a tenth of what BIC asks of a component; where `tol` stops
    EM too early to tell models apart, the search uses a smaller one.

    The M-steps of VEI, VEE, VEV, EVE and VVE are iterative, to rounding error; volumes,
    shapes or axes that are shared cost O(K D^3) per sweep.

    References
    ----------
    Celeux & Govaert (1995), doi:10.1016/0031-3203(94)00125-6, and Scrucca et al.
    (2016), doi:10.32614/RJ-2016-021 (mclust's families). Banfield & Raftery (1993),
    doi:10.2307/2532201 (`noise`). Ueda et al. (2000), doi:10.1162/089976600300015088
    (splits and merges). Dempster, Laird & Rubin (1977),
    doi:10.1111/j.2517-6161.1977.tb01600.x.
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
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
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
        "noise": [Interval(Real, 0.0, 1.0, closed="neither"), None],
        "criterion": [StrOptions({"bic", "icl", "holdout"})],
        "max_components": [Interval(Integral, 1, None, closed="left"), None],
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
        noise=None,
        criterion="bic",
        max_components=None,
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
        self.noise = noise
        self.criterion = criterion
        self.max_components = max_components
        self.dequantize = dequantize
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval
        self.n_jobs = n_jobs

    def _kernel_args(self, params):
        return self._structure.kernel_args(params, self._dtype)

    def _suff_stats(self, block, params, args, centers):
        function = (
            gaussian.suff_stats if self._noise is None else self._noise.suff_stats
        )
        return function(self._structure, block, params, args, centers)

    def _shift(self, stats, delta):
        return gaussian.recenter(self._structure, stats, delta)

    def _m_step(self, stats, params):
        updated = gaussian.m_step(
            self._structure,
            stats,
            params.means,
            self._reg,
            self._ridge,
            previous=params.covariances,
        )
        if self._noise is None:
            return updated
        share = stats.s0.sum() / stats.weight  # the rest is noise
        return updated._replace(weights=share * updated.weights)

    def _fitted_attributes(self, params):
        factors = params.precisions_cholesky
        noise = {}
        weights = params.weights
        if self._noise is not None:
            total = weights.sum()
            noise["noise_weight_"] = share_of_noise(params)
            weights = (
                weights / total
                if total > 0
                else np.full_like(weights, 1 / len(weights))
            )
        attributes = {
            "weights_": weights,
            "means_": params.means,
            "covariances_": params.covariances,
            "precisions_": self._structure.precisions(factors),
            "precisions_cholesky_": factors,
        }
        return {k: v.astype(self._dtype) for k, v in attributes.items()} | noise

    def _fitted_params(self):
        factors = self.precisions_cholesky_.astype(np.float64)
        if self.covariances_.dtype == np.float64:
            covariances = self.covariances_
        else:
            covariances = self._structure.from_factors(factors)
        share = 1.0 if self._noise is None else 1.0 - self.noise_weight_
        return gaussian.GaussianParams(
            share * self.weights_.astype(np.float64),
            self.means_.astype(np.float64),
            covariances,
            factors,
            np.zeros(self.means_.shape[1], dtype=bool),
        )

    def _n_parameters(self):
        n_components, n_features = self.means_.shape
        free = self._structure.n_parameters(n_components, n_features)
        free += n_components * n_features + n_components - 1
        return free + (N_PARAMETERS if self._noise else 0)
