"""Kernel density estimate with a bandwidth of its own for each training row."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.neighbors import NearestNeighbors

from sklearn_gen._column_moments import column_means, column_variances
from sklearn_gen._compat import Interval
from sklearn_gen._seeding import sample_of_rows
from sklearn_gen.base import ConditionalMixin, GenerativeModel
from sklearn_gen.mixture._conditional_moments import ConditionalMeans
from sklearn_gen.mixture._gaussian_mixture import GaussianMixture
from sklearn_gen.mixture._initial import warn_of_constant_columns

# Least bandwidth, in deviations: what repeated values can buy is bounded.
_LEAST_BANDWIDTH = 0.03


class AdaptiveKernelDensity(ConditionalMeans, ConditionalMixin, GenerativeModel):
    r"""Kernel density whose kernels are wide where training rows are sparse.

    .. math::

        p(x) = \sum_i w_i \prod_j N(x_j; x_{ij}, (h_i s_j)^2), \qquad
        h_i = \frac{b}{\sqrt{D}} \, g^{1-\alpha} \, \delta_i^{\alpha}

    with :math:`\delta_i` the distance from row i to its k-th nearest neighbour, in
    standard deviations :math:`s_j` of the columns, and g the geometric mean of these
    distances. The density behind nearest-neighbour methods, normalised: it follows
    clusters of any shape, so it is for training rows that are clean.

    Parameters
    ----------
    n_neighbors : int, default=4
        k. Neighbours are counted by weight.
    sensitivity : float, default=0.5
        Exponent :math:`\alpha` in [0, 1]: 0 gives all rows the same bandwidth, 1 is in
        proportion to the distance.
    bandwidth : float, default=1.0
        Factor b on all bandwidths.
    max_samples : int, default=5000
        Most rows that get a kernel, sampled by weight.
    random_state : None, int, RandomState or Generator, default=None
        Seeds the sample of the rows and draws. None is fresh entropy.
    n_jobs : int or None, default=None
        Threads; None is 1, -1 all cores. Results are the same bytes for every number.

    Attributes
    ----------
    mixture_ : GaussianMixture
        The density: a mixture with one diagonal component per kernel.
    bandwidths_ : ndarray of shape (n_kernels,)
        Bandwidths h, in standard deviations.
    scale_ : ndarray of shape (n_features,)
        Standard deviations s of the columns, in units of X.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.
    schema_ : TableSchema
        Column names, kinds and resolution.

    See Also
    --------
    RobustGaussianMixture : For training rows with outliers among them.
    sklearn.neighbors.KernelDensity : One bandwidth for all; one unit for all columns.
    sklearn_gen.outlier.DensityOutlierDetector : Thresholds and reasons.

    Notes
    -----
    ``density_kind`` and ``conditional_kind`` are "exact". Fitting costs a search for
    neighbours, O(N^2 D) for N kernels, scoring O(n N D). A training row lies on its own
    kernel, so training scores are too high: judge fit, and set thresholds, on other
    rows.

    NaN means "not observed": among neighbours a missing cell counts as the mean of the
    squared distances of the others; its kernel is a normal with the mean and variance
    of the column. Rows without any cell are left out.

    Bandwidths are at least 0.03 standard deviations, so repeated values can't buy
    unbounded likelihood, and there is no DiscreteColumnWarning.

    Given integer weights or repeated rows the fit is the same, unless rows are sampled.
    Weights count rows: with weights that sum to 1 all rows together are one neighbour.

    References
    ----------
    Breiman, Meisel & Purcell (1977), "Variable kernel estimates of multivariate
    densities", doi:10.1080/00401706.1977.10489521. Abramson (1982), "On bandwidth
    variation in kernel estimates: a square root law", doi:10.1214/aos/1176345986.
    Silverman (1986), "Density estimation for statistics and data analysis", section
    5.3 (sensitivity).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.mixture import AdaptiveKernelDensity
    >>> rng = np.random.default_rng(0)
    >>> angle = rng.uniform(0, 2 * np.pi, 500)
    >>> ring = np.c_[np.cos(angle), np.sin(angle)] + rng.normal(0, 0.05, (500, 2))
    >>> density = AdaptiveKernelDensity().fit(ring)
    >>> on, inside = density.score_samples([[1.0, 0.0], [0.0, 0.0]])
    >>> bool(on > inside + 10)
    True
    """

    _bounds_repeats = True
    _parameter_constraints: ClassVar[dict] = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "sensitivity": [Interval(Real, 0.0, 1.0, closed="both")],
        "bandwidth": [Interval(Real, 0.0, None, closed="neither")],
        "max_samples": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_neighbors=4,
        *,
        sensitivity=0.5,
        bandwidth=1.0,
        max_samples=5000,
        random_state=None,
        n_jobs=None,
    ):
        self.n_neighbors = n_neighbors
        self.sensitivity = sensitivity
        self.bandwidth = bandwidth
        self.max_samples = max_samples
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _fit(self, X, sample_weight, rng):
        variances = column_variances(X, sample_weight)
        warn_of_constant_columns(self.schema_, variances)
        scale = np.sqrt(np.where(variances > 0, variances, 1.0))
        rows, weight = sample_of_rows(X, sample_weight, self.max_samples, rng)
        weight = np.ones(len(rows)) if weight is None else weight
        empty = np.isnan(rows).all(axis=1)
        if not empty.all():
            rows, weight = rows[~empty], weight[~empty]
        rows = rows.astype(np.float64)
        center = column_means(X, sample_weight)
        h = self._bandwidths((rows - center) / scale, weight)  # near zero: exact
        observed = ~np.isnan(rows)
        means = np.where(observed, rows, center)
        deviations = np.where(observed, h[:, None], 1.0) * scale
        self.bandwidths_, self.scale_ = h, scale
        self.mixture_ = GaussianMixture.from_parameters(
            weight / weight.sum(),
            means,
            deviations**2,
            covariance_type="diag",
            dtype=X.dtype,
        )

    def _bandwidths(self, Z, weight):
        """Bandwidths of rows in units of deviations."""
        # So many neighbours, the row among them, have the weight asked for.
        wanted = 1 + self.n_neighbors
        lightest = np.cumsum(np.sort(weight))
        enough = min(1 + int(np.searchsorted(lightest, wanted)), len(Z))
        metric = "nan_euclidean" if np.isnan(Z).any() else "euclidean"
        search = NearestNeighbors(n_neighbors=enough, metric=metric).fit(Z)
        distances, neighbors = search.kneighbors(Z)
        cumulated = np.cumsum(weight[neighbors], axis=1)
        # Where all rows together weigh less, the farthest.
        last = np.minimum((cumulated < wanted).sum(axis=1), enough - 1)
        h = distances[np.arange(len(Z)), last] / np.sqrt(Z.shape[1])
        h = np.maximum(np.nan_to_num(h, nan=1.0), _LEAST_BANDWIDTH)
        typical = np.exp(np.average(np.log(h), weights=weight))
        return self.bandwidth * typical * (h / typical) ** self.sensitivity

    def _on_threads(self):
        return self.mixture_.set_params(n_jobs=self.n_jobs)

    def _score_samples(self, X):
        return self._on_threads()._score_samples(X)

    def score_cells(self, X, *, pairs=False):
        r"""Compute the log density of each cell given the rest of its row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN cells are not observed, and all is given the observed ones.
        pairs : bool, default=False
            Whether to score pairs of cells as well.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_features)
            :math:`\log p(x_j \mid x_{-j})` in nats, or with `pairs`, of shape
            (n_samples, n_features, n_features), as in
            :meth:`GaussianMixture.score_cells`.
        """
        return self._on_threads().score_cells(self._check_scored_rows(X), pairs=pairs)

    def _sample(self, n_samples, rng):
        return self.mixture_._sample(n_samples, rng)

    def _expected_cells(self, X):
        return self._on_threads()._expected_cells(X)

    def _sample_conditional(self, X, rng):
        return self._on_threads()._sample_conditional(X, rng)
