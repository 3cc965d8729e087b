"""Mixture of products of categorical distributions: latent class analysis."""

import numpy as np

from sklearn_gen.mixture._discrete_mixture import DiscreteMixture


class CategoricalMixture(DiscreteMixture):
    r"""Mixture of categoricals: p(x) of rows of levels (latent class analysis).

    .. math:: p(x) = \sum_k w_k \prod_j \theta_{kj x_j}

    Every column is one of levels, whatever its type.

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
    probabilities_ : list of ndarray of shape (n_components, n_levels)
        Of each column, its levels' probabilities in each component; None where nothing
        is observed.
    categories_ : list of ndarray of shape (n_levels,)
        Of each column, its levels.
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
    TableMixture : Numbers beside levels.

    Notes
    -----
    ``density_kind`` and ``conditional_kind`` are "exact": scores are log masses. NaN
    means "not observed". One EM iteration costs O(n D K) additions and n K
    exponentials, as :class:`TableMixture`, whose thin special case this is.
    A level that fit never saw has mass 1e-6.

    References
    ----------
    Lazarsfeld & Henry (1968), "Latent structure analysis". Goodman (1974),
    doi:10.1093/biomet/61.2.215.

    Examples
    --------
    >>> from sklearn_gen.mixture import CategoricalMixture
    >>> X = [["red", "round"], ["red", "round"], ["green", "long"], ["green", "long"]]
    >>> model = CategoricalMixture(n_components=2, random_state=0).fit(X)
    >>> model.sample_conditional([["green", None]], random_state=0)
    array([['green', 'long']], dtype=object)
    """

    families = "categorical"
    _open_levels = True
    _takes_levels = True

    @property
    def categorical_features(self):
        """All columns."""
        return np.ones(self.n_features_in_, dtype=bool)

    @property
    def categories_(self):
        """Of each column, its levels."""
        return [np.array(levels) for levels in self.schema_.categories]

    @property
    def probabilities_(self):
        """Of each column, its levels' probabilities in each component."""
        return [p and np.exp(p.log_p[:-1]).T for p in self._own_params()]
