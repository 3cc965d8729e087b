"""Gaussian copula: any marginals, dependence by correlated normal scores."""

from functools import partial
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from sklearn_gen._blocks import workers
from sklearn_gen._compat import Interval
from sklearn_gen._validation import DegenerateDataWarning, warn
from sklearn_gen.base import (
    ConditionalMixin,
    GenerativeModel,
    InformationCriteriaMixin,
)
from sklearn_gen.copula._correlation import fit_correlation
from sklearn_gen.copula._marginals import check_families, fit_marginal, latent
from sklearn_gen.copula._patterns import given_scores, patterns_of
from sklearn_gen.copula._rectangles import (
    mean_log_mass,
    rectangle_probability,
    walk,
)

_PATHS = 256  # of which one is drawn, in rows with observed cells of intervals


class GaussianCopula(ConditionalMixin, InformationCriteriaMixin, GenerativeModel):
    r"""Gaussian copula: p(x) is any marginals, tied by correlated normal scores.

    .. math::
        p(x) = \frac{N(z; 0, R)}{\prod_j N(z_j; 0, 1)} \prod_j f_j(x_j),
        \qquad z_j = \Phi^{-1}(F_j(x_j))

    Columns of counts, levels or cells know their normal score only up to an interval;
    their joint mass is the probability that all scores lie in theirs.

    Parameters
    ----------
    families : 'auto', str, tuple or dict, default='auto'
        Marginal of every column, or ``{column: name}`` (the others are 'auto'): a
        column family ('gaussian', 'student_t', 'lognormal', 'gamma', 'poisson',
        'negative_binomial', 'bernoulli', 'categorical', 'histogram',
        'zero_inflated_<base>', ``('zero_inflated', base, atom)``) or 'kernel', a smooth
        estimate. 'auto' takes what loses least when a row is left out.
    categorical_features : 'from_dtype', array-like, default='from_dtype'
        Columns whose values are levels, beside those of text and categories: names,
        indices or a mask. A copula takes levels in the order of their codes.
    reg_corr : float, default=1e-6
        Added to the diagonal of the correlation matrix before it is scaled back.
    n_points : int, default=256
        Points of the quasi-Monte-Carlo rule for rows with two or more intervals; a
        multiple of 8. Rows whose error stays above 0.03 nats get eight times as many.
    random_state : None, int, RandomState or Generator, default=None
        Seeds draws. Fit and scores use no random numbers.
    n_jobs : int or None, default=None
        Threads; None is 1, -1 all cores. Results are the same bytes for every number.

    Attributes
    ----------
    correlation_ : ndarray of shape (n_features, n_features)
        R, of the normal scores.
    marginals_ : list
        The fitted marginal of each column.
    families_ : list of str
        Their names.
    base_measure_ : tuple of str
        What each column's scores are densities of: 'lebesgue' (nats per unit),
        'counting' (masses of values or cells), or of an atom both.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.
    schema_ : TableSchema
        Column names, kinds and resolution.

    See Also
    --------
    sklearn_gen.mixture.GaussianMixture : Clusters instead of marginals.

    Notes
    -----
    ``density_kind`` is "exact" with at most one column of intervals. With more it is
    "estimate": GHK with fixed scrambled Sobol points, so scores repeat, and
    `score_samples_error` gives their standard error. ``conditional_kind`` likewise:
    scores in observed intervals are then drawn by importance resampling.

    There is no `conditional_mean`: the expectation of a marginal's quantile function
    given other scores has no closed form, and imputers average draws instead.

    Marginals are fitted first and then R, of normal scores: by maximum likelihood
    (with missing cells by EM), and pairwise polychoric where a column has intervals.
    A column's observed cells are taken as a fair sample of all. Cost: O(n D^2) to fit
    and to score known scores, O(n D n_points) to score intervals.

    References
    ----------
    Joe (2014), "Dependence modeling with copulas", doi:10.1201/b17116. Olsson (1979),
    doi:10.1007/BF02296207 (polychoric correlation). Genz (1992),
    doi:10.1080/10618600.1992.10477010 (rectangles).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.copula import GaussianCopula
    >>> rng = np.random.default_rng(0)
    >>> income = np.exp(rng.normal(size=300))
    >>> X = np.column_stack([income, np.sqrt(income) + 0.1 * rng.normal(size=300)])
    >>> copula = GaussianCopula().fit(X)
    >>> copula.families_[0]
    'lognormal'
    >>> copula.sample_conditional([[2.0, np.nan]], random_state=0).shape
    (1, 2)
    """

    _mixed_columns = True
    _bounds_repeats = True  # columns on a grid are scored by masses

    _parameter_constraints: ClassVar[dict] = {
        "families": [str, tuple, dict],
        "categorical_features": [str, "array-like"],
        "reg_corr": [Interval(Real, 0.0, None, closed="left")],
        "n_points": [Interval(Integral, 8, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        families="auto",
        *,
        categorical_features="from_dtype",
        reg_corr=1e-6,
        n_points=256,
        random_state=None,
        n_jobs=None,
    ):
        self.families = families
        self.categorical_features = categorical_features
        self.reg_corr = reg_corr
        self.n_points = n_points
        self.random_state = random_state
        self.n_jobs = n_jobs

    @property
    def density_kind(self):
        """Nature of `score_samples`: 'exact' or, with several discrete columns, not."""
        n_wide = sum(m != "lebesgue" for m in getattr(self, "base_measure_", ()))
        return "exact" if n_wide < 2 else "estimate"

    @property
    def conditional_kind(self):
        """Nature of `sample_conditional`: as `density_kind`."""
        return self.density_kind

    def _fit(self, X, sample_weight, rng):
        weight = np.ones(len(X)) if sample_weight is None else sample_weight
        names = check_families(self.families, self.schema_)
        with workers(self.n_jobs) as run:
            fit_column = partial(self._fit_column, X, weight, names)
            self.marginals_ = list(run(fit_column, range(X.shape[1])))
            self.families_ = [marginal.name for marginal in self.marginals_]
            self.base_measure_ = tuple(m.base_measure for m in self.marginals_)
            lower, upper, _ = self._latents(X, run)
            # Narrow intervals are integrated first: they leave the others less to vary.
            self._ease = mean_log_mass(lower, upper, weight)
            self.correlation_ = fit_correlation(
                lower, upper, weight, self.reg_corr, run
            )
        self._warn_of_degeneracy(X)

    def _fit_column(self, X, weight, names, j):
        seen = ~np.isnan(X[:, j])
        levels = self.schema_.categories[j]
        try:
            return fit_marginal(
                names[j],
                X[seen, j],
                weight[seen],
                float(self.schema_.resolution[j]),
                self.schema_.kinds[j],
                None if levels is None else len(levels),
            )
        except ValueError as error:
            raise ValueError(f"{self.schema_.label(j)}: {error}") from error

    def _warn_of_degeneracy(self, X):
        constant = np.nanmin(X, axis=0) == np.nanmax(X, axis=0)
        labels = [self.schema_.label(j) for j in np.flatnonzero(constant)[:5]]
        if labels:
            warn(
                f"All values are the same in {', '.join(labels)}: its density has an "
                "arbitrary width of about 1e-3 of the value. Drop such columns.",
                DegenerateDataWarning,
            )
        if self._n_parameters() > X.size:
            warn(
                f"{X.size} cells can't determine {self._n_parameters()} parameters: "
                f"reg_corr={self.reg_corr:g} alone keeps the correlation matrix "
                "definite. Fit to more rows or fewer columns, or raise reg_corr.",
                DegenerateDataWarning,
            )

    def _n_parameters(self):
        d = len(self.marginals_)
        return d * (d - 1) // 2 + sum(m.n_parameters for m in self.marginals_)

    def _latents(self, X, run):
        """What cells say of scores: lower and upper ends, and densities."""
        lower, upper = np.full(X.shape, np.nan), np.full(X.shape, np.nan)
        log_density = np.zeros(X.shape)

        def column(j):
            seen = ~np.isnan(X[:, j])
            return j, seen, latent(self.marginals_[j], X[seen, j])

        for j, seen, found in run(column, range(X.shape[1])):
            lower[seen, j], upper[seen, j] = found.lower, found.upper
            log_density[seen, j] = found.log_density
        return lower, upper, log_density

    def _scores_and_errors(self, X):
        log_prob, error = np.zeros(len(X)), np.zeros(len(X))
        with workers(self.n_jobs) as run:
            lower, upper, log_density = self._latents(X, run)

            def score(pattern):
                rows, known, wide, _ = pattern
                z = lower[np.ix_(rows, known)]
                given = given_scores(self.correlation_, z, known, wide)
                total = given.log_ratio + log_density[rows].sum(axis=1)
                if len(wide) == 0:
                    return rows, total, 0.0
                rectangle = rectangle_probability(
                    lower[np.ix_(rows, wide)] - given.means,
                    upper[np.ix_(rows, wide)] - given.means,
                    given.factor,
                    self.n_points,
                )
                return rows, total + rectangle.log_prob, rectangle.error

            for rows, total, errors in run(
                score, patterns_of(lower, upper, self._ease)
            ):
                log_prob[rows], error[rows] = total, errors
        return log_prob, error

    def _score_samples(self, X):
        return self._scores_and_errors(X)[0]

    def score_samples_error(self, X):
        """Compute the standard error of each row's `score_samples`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        error : ndarray of shape (n_samples,)
            In nats, from eight independent scramblings of the points; zero where the
            score is exact. It falls about as 1 / n_points.
        """
        return self._scores_and_errors(self._check_scored_rows(X))[1]

    def _sample(self, n_samples, rng):
        factor = np.linalg.cholesky(self.correlation_)
        return self._from_normal(
            rng.standard_normal((n_samples, len(factor))) @ factor.T
        )

    def _from_normal(self, z):
        X = np.empty_like(z)
        for j, marginal in enumerate(self.marginals_):
            seen = ~np.isnan(z[:, j])
            X[:, j] = np.nan
            X[seen, j] = marginal.from_normal(z[seen, j])
        return X

    def _sample_conditional(self, X, rng):
        with workers(self.n_jobs) as run:
            lower, upper, _ = self._latents(X, run)
            drawn = np.full(X.shape, np.nan)
            for rows, known, wide, missing in patterns_of(lower, upper, self._ease):
                if len(missing) == 0:
                    continue
                seen = np.concatenate([known, wide])
                z = np.empty((len(rows), len(seen)))
                z[:, : len(known)] = lower[np.ix_(rows, known)]
                if len(wide):
                    given = given_scores(
                        self.correlation_, z[:, : len(known)], known, wide
                    )
                    z[:, len(known) :] = given.means + _draw_inside(
                        lower[np.ix_(rows, wide)] - given.means,
                        upper[np.ix_(rows, wide)] - given.means,
                        given.factor,
                        rng,
                    )
                given = given_scores(self.correlation_, z, seen, missing)
                noise = rng.standard_normal((len(rows), len(missing)))
                drawn[np.ix_(rows, missing)] = given.means + noise @ given.factor.T
        return self._from_normal(drawn)

    def marginal(self, columns):
        """Return the copula of some columns.

        Parameters
        ----------
        columns : array-like of int, str or bool
            Indices or names, in the order wanted, or a mask.

        Returns
        -------
        copula : GaussianCopula
            Fitted, of ``len(columns)`` features.

        Raises
        ------
        ValueError
            If a column is unknown or named twice.
        """
        check_is_fitted(self)
        columns = self.schema_.column_indices(columns, "columns")
        derived = clone(self)
        derived.marginals_ = [self.marginals_[j] for j in columns]
        derived.families_ = [self.families_[j] for j in columns]
        derived.base_measure_ = tuple(self.base_measure_[j] for j in columns)
        derived._ease = self._ease[columns]
        derived.correlation_ = self.correlation_[np.ix_(columns, columns)]
        derived.schema_ = self.schema_.select(columns)
        derived.n_features_in_ = len(columns)
        if hasattr(self, "feature_names_in_"):
            derived.feature_names_in_ = self.feature_names_in_[columns]
        return derived


def _draw_inside(lower, upper, factor, rng):
    """Draw scores inside rectangles, one of many weighted draws for each row."""
    n, d = lower.shape
    drawn = np.empty((n, d))
    n_paths = 1 if d == 1 else _PATHS
    for start in range(0, n, 128):
        part = slice(start, start + 128)
        points = rng.random((len(lower[part]), n_paths, d))
        log_mass, noise = walk(lower[part], upper[part], factor, points, keep=True)
        share = np.exp(log_mass - log_mass.max(axis=1, keepdims=True))
        below = np.cumsum(share, axis=1)
        target = rng.random((len(share), 1)) * below[:, -1:]
        chosen = np.minimum((below < target).sum(axis=1), n_paths - 1)
        e = noise[:, np.arange(len(share)), chosen]
        drawn[part] = (factor @ e).T
    return drawn
