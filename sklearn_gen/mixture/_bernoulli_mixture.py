"""Mixture of products of Bernoulli distributions."""

from numbers import Real
from typing import ClassVar

import numpy as np

from sklearn_gen.mixture._discrete_mixture import DiscreteMixture


class BernoulliMixture(DiscreteMixture):
    r"""Mixture of Bernoullis: p(x) of rows of zeros and ones.

    .. math:: p(x) = \sum_k w_k \prod_j \theta_{kj}^{x_j} (1 - \theta_{kj})^{1 - x_j}

    Parameters
    ----------
    n_components : int, default=1
        Number of components K.
    binarize : float or None, default=0.0
        Values above it are ones, others zeros, as in
        :class:`~sklearn.naive_bayes.BernoulliNB`. None: all are zeros and ones already.
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
    probabilities_ : ndarray of shape (n_components, n_features)
        P(one) of each column in each component.
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
    MixtureOfTrees : Columns that depend on one another within components.
    CategoricalMixture : More than two levels.

    Notes
    -----
    ``density_kind`` and ``conditional_kind`` are "exact": scores are log masses. NaN
    means "not observed". One EM iteration costs O(n D K) additions and n K
    exponentials, as :class:`TableMixture`, whose thin special case this is.

    References
    ----------
    Everitt & Hand (1981), "Finite mixture distributions",
    doi:10.1007/978-94-009-5897-5.

    Examples
    --------
    >>> from sklearn_gen.mixture import BernoulliMixture
    >>> X = [[0, 0, 1], [0, 0, 1], [1, 1, 0], [1, 1, 0]]
    >>> model = BernoulliMixture(n_components=2, random_state=0).fit(X)
    >>> model.predict([[0, 0, 0]]) == model.predict(X[:1])
    array([ True])
    >>> model.sample_conditional([[1, float("nan"), 0]], random_state=0)
    array([[1., 1., 0.]])
    """

    families = "bernoulli"
    _parameter_constraints: ClassVar[dict] = {
        **DiscreteMixture._parameter_constraints,
        "binarize": [Real, None],
    }

    def __init__(
        self,
        n_components=1,
        *,
        binarize=0.0,
        smoothing=1.0,
        tol=1e-3,
        max_iter=100,
        n_init=1,
        random_state=None,
        warm_start=False,
        verbose=0,
        verbose_interval=10,
        n_jobs=None,
    ):
        super().__init__(
            n_components,
            smoothing=smoothing,
            tol=tol,
            max_iter=max_iter,
            n_init=n_init,
            random_state=random_state,
            warm_start=warm_start,
            verbose=verbose,
            verbose_interval=verbose_interval,
            n_jobs=n_jobs,
        )
        self.binarize = binarize

    def _coerce(self, X):
        if self.binarize is None:
            return X
        return np.where(np.isnan(X), X, self.binarize < X)

    @property
    def probabilities_(self):
        """P(one) of each column in each component."""
        return self._stack_columns(lambda params: np.exp(params.log_p[1]))
