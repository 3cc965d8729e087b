"""Mixture of products of Poisson distributions."""

import numpy as np

from sklearn_gen._validation import warn
from sklearn_gen.base import DegenerateDataWarning
from sklearn_gen.mixture._discrete_mixture import DiscreteMixture


class PoissonMixture(DiscreteMixture):
    r"""Mixture of Poissons: p(x) of rows of counts.

    .. math::
        p(x) = \sum_k w_k \prod_j \lambda_{kj}^{x_j} e^{-\lambda_{kj}} / x_j!

    Parameters
    ----------
    n_components : int, default=1
        Number of components K.
    smoothing : float, default=1.0
        Pseudo-rows of the whole table's distribution in each component. At 0, what a
        component never saw is impossible under it.
    tol : float, default=1e-3
        EM stops when the mean log-likelihood changes by less, nats per row.
    max_iter : int, default=100
        Most EM iterations per start.
    n_init : int, default=1
        Number of starts; the one with the highest likelihood is kept.
    random_state : None, int, RandomState or Generator, default=None
        Seeds starts and draws. None is fresh entropy.
    warm_start : bool, default=False
        Whether fit goes on from the last parameters.
    verbose : int, default=0
        1 prints starts and iterations, 2 also likelihoods and times.
    verbose_interval : int, default=10
        Iterations between prints.
    n_jobs : int or None, default=None
        Threads; None is 1, -1 all cores. Results are the same bytes for every number.

    Attributes
    ----------
    rates_ : ndarray of shape (n_components, n_features)
        Mean count of each column in each component.
    weights_ : ndarray of shape (n_components,)
        Weight of each component.
    converged_ : bool
        True only if the last change was below `tol`.
    n_iter_ : int
        Iterations of the best start.
    lower_bound_ : float
        Mean log-likelihood at the last E-step, nats per row.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.
    schema_ : TableSchema
        Column names, types and levels.

    See Also
    --------
    TableMixture : Also counts that vary more than Poisson's ('negative_binomial').

    Notes
    -----
    ``density_kind`` and ``conditional_kind`` are "exact": scores are log masses. NaN
    means "not observed". One EM iteration costs O(n D K) additions and n K
    exponentials, as :class:`TableMixture`, whose thin special case this is.
    Values between counts are rounded, with a warning.

    References
    ----------
    Karlis & Meligkotsidou (2007), doi:10.1016/j.jspi.2006.07.014.

    Examples
    --------
    >>> from sklearn_gen.mixture import PoissonMixture
    >>> X = [[0, 9], [1, 11], [0, 10], [7, 1], [9, 0], [8, 1]]
    >>> model = PoissonMixture(n_components=2, smoothing=0.1, random_state=0).fit(X)
    >>> model.predict([[1, 9]]) == model.predict(X[:1])
    array([ True])
    """

    families = "poisson"
    _counts = True

    def _coerce(self, X):
        if np.any(X < 0):
            row, column = np.argwhere(X < 0)[0]
            raise ValueError(
                f"Negative values in data passed to PoissonMixture: "
                f"{self.schema_.label(column)}, row {row} is {X[row, column]:g}. "
                "Counts are 0, 1, 2, ...; take TableMixture for other numbers."
            )
        counts = np.rint(X)
        if not np.array_equal(counts, X, equal_nan=True):
            row, column = np.argwhere((counts != X) & ~np.isnan(X))[0]
            warn(
                f"{self.schema_.label(column)}, row {row} is {X[row, column]:g}, which "
                "is no count: such values are rounded. For amounts take "
                "TableMixture with the family 'gamma' or 'lognormal'.",
                DegenerateDataWarning,
            )
        return counts

    @property
    def rates_(self):
        """Mean count of each column in each component."""
        return self._stack_columns(lambda params: params.mean)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags
