"""Gaussian mixtures that outliers among the training rows don't bend."""

import copy
from collections.abc import Sequence
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.callback import with_callbacks
from sklearn.utils.validation import check_is_fitted

from sklearn_gen._blocks import workers
from sklearn_gen._column_moments import column_variances
from sklearn_gen._compat import Interval, fit_context
from sklearn_gen._seeding import sample_of_rows
from sklearn_gen.base import ConditionalMixin, GenerativeModel, as_generator
from sklearn_gen.mixture._fewer_columns import take_columns
from sklearn_gen.mixture._gaussian_mixture import GaussianMixture
from sklearn_gen.mixture._heavy_tails import HeavyTails
from sklearn_gen.mixture._initial import warn_of_constant_columns
from sklearn_gen.mixture._shrunken import ShrunkenGaussianMixture

# Quartiles are measured on so many rows: to a hundredth of a deviation.
_SCALE_ROWS = 20_000
# A component needs this many rows per column to have a covariance of its own.
_ROWS_PER_COLUMN = 2


class RobustGaussianMixture(ConditionalMixin, GenerativeModel):
    r"""Mean of Gaussian mixtures without their small components, behind an arsinh.

    .. math::

        p(x) = \frac{1}{M} \sum_{m=1}^{M} \sum_{k \in S_m} w_{mk} \,
               N(z; \mu_{mk}, \Sigma_{mk}) \prod_j \frac{dz_j}{dx_j}, \qquad
        z_j = \operatorname{arsinh} \frac{x_j - c_j}{s_j}

    A flexible density models the outliers among its training rows, and then finds them
    usual. Here each of M mixtures, of several sizes and each of its own sample of the
    rows, loses the small components, where groups of outliers end up (:math:`S_m` are
    the largest ones, reweighted to sum to one); median and quartiles scale the columns;
    and a prior keeps components of few rows wide. Sizes are averaged, not selected:
    likelihood would select those that fit the outliers.

    Parameters
    ----------
    n_components : int or sequence of int, default=(3, 4, 6, 8)
        Sizes of the mixtures, before pruning. Where rows are few, less: at least two
        rows per column and component.
    n_members : int, default=3
        Mixtures of each size, each with its own start and sample of the rows.
    kept_weight : float, default=0.6
        Of each mixture the fewest components are kept that have this weight together,
        in (0, 1]; 1 prunes nothing.
    prior_weight : float, default=1.0
        What the prior on each covariance counts, in rows per column.
    reg_covar : float, default=1e-2
        Variance added to every column of z, in which the bulk has about unit variance.
    max_samples : int, default=2000
        Most rows that one mixture learns from, sampled by weight.
    tol : float, default=3e-3
        EM stops when the mean log-likelihood changes by less, nats per row.
    max_iter : int, default=20
        Most EM iterations per mixture: an ensemble of unfinished ones is as good.
    random_state : None, int, RandomState or Generator, default=None
        Seeds samples, starts and draws. None is fresh entropy.
    n_jobs : int or None, default=None
        Threads; None is 1, -1 all cores. Results are the same bytes for every number.

    Attributes
    ----------
    mixture_ : GaussianMixture
        The density of z: the mean of the pruned mixtures is one mixture itself.
    center_ : ndarray of shape (n_features,)
        Medians c, in units of X.
    scale_ : ndarray of shape (n_features,)
        Spreads s, in units of X: quartile range over 1.35; the standard deviation where
        the quartiles coincide.
    members_ : list
        The mixtures before pruning.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.
    schema_ : TableSchema
        Column names, kinds and resolution.

    See Also
    --------
    sklearn_gen.outlier.DensityOutlierDetector : Uses this by default.
    sklearn_gen.outlier.TrimmedDensity : Makes any density robust.
    GaussianMixture : Follows all rows.

    Notes
    -----
    ``density_kind`` and ``conditional_kind`` are "exact": the density integrates to
    one, and NaN means "not observed". It is a density of the bulk: rows that pruning
    takes for outliers have a low density on purpose, so `score` on such rows is no
    measure of fit.

    Fitting costs O(`max_samples` K D^2) per iteration and mixture whatever the number
    of rows; scoring O(n D^2) for each component kept, about forty by default. Rows with
    gaps cost up to O(D^3) each, which tells from some fifty columns on.
    Medians are those of at most 20,000 rows. The prior and `reg_covar` bound what
    likelihood repeated values can buy, so there is no DiscreteColumnWarning. In
    `partial_fit` the first batch sets `center_` and `scale_`.

    Given integer weights or repeated rows the fit is the same, unless rows are sampled.
    The prior counts in rows, so weights have to as well: those that sum to 1 leave
    little but the prior.

    What is small is dropped, and nothing else: a tight group of more than a tenth of
    the rows may outweigh the components into which the bulk is divided, and then stays.
    Where that is feared, ``n_components=2`` keeps the larger half of the rows. Outliers
    that are scattered do no harm up to nearly half of the rows.

    The defaults were chosen on 29 tables of ADBench; the user guide says what changes
    with them.

    References
    ----------
    Fraley & Raftery (2007), "Bayesian regularization for normal mixture estimation and
    model-based clustering", doi:10.1007/s00357-007-0004-5 (the prior). Han et al.
    (2022), "ADBench: anomaly detection benchmark", arXiv:2206.09426 (the tables).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.mixture import GaussianMixture, RobustGaussianMixture
    >>> rng = np.random.default_rng(0)
    >>> clean = rng.normal(size=(500, 2))
    >>> X = np.r_[clean, rng.normal(8, 0.1, size=(50, 2))]  # a group of outliers
    >>> plain = GaussianMixture(3, random_state=0).fit(X)
    >>> robust = RobustGaussianMixture(random_state=0).fit(X)
    >>> bool(plain.score(X[500:]) > plain.score(clean))
    True
    >>> bool(robust.score(X[500:]) < robust.score_samples(clean).min())
    True
    """

    _bounds_repeats = True
    _parameter_constraints: ClassVar[dict] = {
        "n_components": [Interval(Integral, 1, None, closed="left"), Sequence],
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "kept_weight": [Interval(Real, 0.0, 1.0, closed="right")],
        "prior_weight": [Interval(Real, 0.0, None, closed="left")],
        "reg_covar": [Interval(Real, 0.0, None, closed="left")],
        "max_samples": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_components=(3, 4, 6, 8),
        *,
        n_members=3,
        kept_weight=0.6,
        prior_weight=1.0,
        reg_covar=1e-2,
        max_samples=2000,
        tol=3e-3,
        max_iter=20,
        random_state=None,
        n_jobs=None,
    ):
        self.n_components = n_components
        self.n_members = n_members
        self.kept_weight = kept_weight
        self.prior_weight = prior_weight
        self.reg_covar = reg_covar
        self.max_samples = max_samples
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _fit(self, X, sample_weight, rng):
        sizes = self._sizes()
        warn_of_constant_columns(self.schema_, column_variances(X, sample_weight))
        rows, weight = sample_of_rows(X, sample_weight, _SCALE_ROWS, rng)
        self.center_, self.scale_ = HeavyTails.from_rows(rows, weight)
        jobs = []
        for size in np.repeat(sizes, self.n_members):
            rows, weight = sample_of_rows(X, sample_weight, self.max_samples, rng)
            n_rows = len(rows) if weight is None else weight.sum()
            most = n_rows // (_ROWS_PER_COLUMN * X.shape[1])
            size = int(min(size, max(2, most)))
            member = self._new_member(size, X.shape[1], rng)
            jobs.append((member, self._tails.forward(rows), weight))
        self._keep(self._in_turn(_fit_member, jobs, X))

    def _sizes(self):
        given = self.n_components
        sizes = given if isinstance(given, Sequence) else [given]
        whole = [isinstance(size, Integral) and size >= 1 for size in sizes]
        if not whole or not all(whole):
            raise ValueError(
                "n_components must be an integer of at least 1, or a sequence of "
                f"them, got {self.n_components!r}."
            )
        return sizes

    def _new_member(self, size, n_features, rng):
        member = ShrunkenGaussianMixture(
            size,
            reg_covar=self.reg_covar,
            tol=self.tol,
            max_iter=self.max_iter,
            random_state=int(rng.integers(2**32)),
        )
        member.prior_rows = self.prior_weight * n_features
        return member

    def _in_turn(self, function, jobs, X):
        """Call function(*job) over threads; members report progress as they end."""
        task = self._init_callback_context(max_subtasks=len(jobs))
        task.call_on_fit_task_begin(estimator=self, X=X)
        members = []
        with workers(self.n_jobs) as run:
            for member in run(lambda job: function(*job), jobs):
                subtask = task.subcontext("member")
                subtask.call_on_fit_task_begin(estimator=self, X=X)
                subtask.call_on_fit_task_end(estimator=self, X=X)
                members.append(member)
        task.call_on_fit_task_end(estimator=self, X=X)
        return members

    def _keep(self, members):
        parts = [member.largest_components(self.kept_weight) for member in members]
        weights, means, covariances = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("weights", "means", "covariances")
        )
        self.members_ = members
        self.mixture_ = GaussianMixture.from_parameters(
            weights / weights.sum(), means, covariances, dtype=members[0].means_.dtype
        )

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Learn from one batch: each mixture takes a step of stepwise EM.

        The first batch is fitted as `fit` does: make it at least some hundred rows in
        random order.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            One batch.
        y : Ignored
            Present for API consistency.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Non-negative weights.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            As `fit`, and if this is a `marginal`; the earlier fitted state is then
            kept.
        """
        with self._kept_on_failure():
            first = not hasattr(self, "members_")
            X, sample_weight = self._check_training_rows(X, sample_weight, reset=first)
            if first:
                self._fit(X, sample_weight, as_generator(self.random_state))
            else:
                if not hasattr(self.members_[0], "_running"):
                    raise ValueError(
                        "This is a marginal, which can't go on learning. Call "
                        "partial_fit of the model that it came from, then marginal."
                    )
                Z = self._tails.forward(X)
                jobs = [(copy.copy(m), Z, sample_weight) for m in self.members_]
                self._keep(self._in_turn(_update_member, jobs, X))
        return self

    @property
    def _tails(self):
        return HeavyTails(self.center_, self.scale_)

    def _on_threads(self):
        return self.mixture_.set_params(n_jobs=self.n_jobs)

    def _score_samples(self, X):
        Z, log_derivative = self._tails.forward_with_derivative(X)
        return (self._on_threads()._score_samples(Z) + log_derivative).astype(X.dtype)

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
        X = self._check_scored_rows(X)
        scores = self._on_threads().score_cells(self._tails.forward(X), pairs=pairs)
        cells = self._tails.log_derivative(X)
        if pairs:
            single = np.eye(X.shape[1], dtype=bool)
            cells = np.where(single, cells[:, None], cells[:, :, None] + cells[:, None])
        return (scores + cells).astype(X.dtype)

    def marginal(self, columns):
        """Return the density of some columns.

        Parameters
        ----------
        columns : array-like of int, str or bool
            Indices or names, in the order wanted, or a mask.

        Returns
        -------
        density : RobustGaussianMixture
            Fitted, of ``len(columns)`` features; it can't go on with `partial_fit`.

        Raises
        ------
        ValueError
            If a column is unknown or named twice.
        """
        check_is_fitted(self)
        columns = self.schema_.column_indices(columns, "columns")
        part = copy.copy(self)
        part.center_, part.scale_ = self._tails.select(columns)
        part.mixture_ = self.mixture_.marginal(columns)
        part.members_ = [member.marginal(columns) for member in self.members_]
        take_columns(part, self, columns)
        return part

    def _sample(self, n_samples, rng):
        return self._tails.inverse(self.mixture_._sample(n_samples, rng))

    def _sample_conditional(self, X, rng):
        Z = self._tails.forward(X)
        return self._tails.inverse(self._on_threads()._sample_conditional(Z, rng))


def _fit_member(member, Z, sample_weight):
    return member.fit(Z, sample_weight=sample_weight)


def _update_member(member, Z, sample_weight):
    return member.partial_fit(Z, sample_weight=sample_weight)
