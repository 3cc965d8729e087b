"""Mixture of trees: weights, missing values, conditionals, pooled starts."""

from numbers import Integral
from typing import ClassVar

import numpy as np

from sklearn_gen._compat import Interval, StrOptions
from sklearn_gen._seeding import starting_responsibilities
from sklearn_gen.base import ComponentMixin
from sklearn_gen.mixture import _trees as trees
from sklearn_gen.mixture._tree_model import TreeModel


class MixtureOfTrees(ComponentMixin, TreeModel):
    r"""Mixture of trees: p(x) is a weighted sum of tree-shaped distributions.

    .. math:: p(x) = \sum_k w_k \prod_j p_k(x_j \mid x_{\mathrm{pa}_k(j)})

    For tables of discrete columns: zeros and ones, integers, categories.

    Parameters
    ----------
    n_components : int, default=8
        Number of trees K per start.
    smoothing : float, default=5.0
        Pseudo-rows of the overall distribution of pairs of columns that are added to
        each tree's counts. 0 is maximum likelihood.
    edge_penalty : float, default=4.0
        Nats of training log-likelihood that an edge must gain for each free parameter
        it adds; 0 makes every tree a spanning tree.
    pool : bool, default=False
        Whether all `n_init` fits are kept, as one mixture of ``n_init * n_components``
        trees, instead of the best alone. Unlike as many trees fitted together, which
        memorise rows, pooled fits give better scores to new rows the more there are.
    max_levels : int, default=64
        Columns with more levels have them grouped, with a warning: neighbours of
        numbers, the rarest of categories. Within a group levels keep their overall
        shares.
    tol : float, default=1e-2
        EM stops when the mean log-likelihood changes by less, nats per row.
    max_iter : int, default=100
        Most EM iterations per start.
    n_init : int, default=1
        Number of starts.
    init_params : str, default='random_from_data'
        How starts are chosen: 'random_from_data', 'kmeans', 'k-means++' or 'random'.
    random_state : None, int, RandomState or Generator, default=None
        Seeds starts and draws. None is fresh entropy.
    warm_start : bool, default=False
        Whether fit goes on from the last parameters, with the levels known then.
    verbose : int, default=0
        1 prints starts and iterations, 2 also likelihoods and times.
    verbose_interval : int, default=10
        Iterations between prints.
    n_jobs : int or None, default=None
        Threads; None is 1, -1 all cores. Results are the same bytes for every number.

    Attributes
    ----------
    weights_ : ndarray of shape (n_trees,)
        Weight of each tree; there are `n_components`, or ``n_init * n_components`` with
        `pool`.
    parents_ : ndarray of shape (n_trees, n_features)
        Index of each column's parent in each tree, -1 for roots.
    edges_ : list of ndarray of shape (n_edges, 2)
        Parent and child of each edge of each tree, of most mutual information first.
    levels_ : list of ndarray
        Sorted values of each column.
    converged_ : bool
        True only if the last change was below `tol`, with `pool` of all starts.
    n_iter_ : int
        Iterations of the best start.
    lower_bound_ : float
        Mean log-likelihood at the last E-step of the best start, nats per row, also
        with `pool`.
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
    ChowLiuTree : One tree.

    Notes
    -----
    ``density_kind`` and ``conditional_kind`` are "exact". Scores are log masses. One EM
    iteration on n complete rows of zeros and ones costs O(n K (D + d^2) + K D^2), with
    d the mean number of columns in which a row differs from the most frequent levels;
    EM maximises the likelihood times a Dirichlet prior, the pseudo-rows.

    NaN means "not observed": messages along each tree sum such cells out, and EM adds
    up expected counts of all pairs. A value that no training row has counts as not
    observed, times its chance of 1e-6; known levels share the rest.

    `partial_fit` is stepwise EM; levels are those of the first batch.

    References
    ----------
    Meila & Jordan (2000), "Learning with mixtures of trees", Journal of Machine
    Learning Research 1. Chow & Liu (1968), doi:10.1109/TIT.1968.1054142. Cappe &
    Moulines (2009), doi:10.1111/j.1467-9868.2009.00698.x (`partial_fit`).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.mixture import MixtureOfTrees
    >>> rng = np.random.default_rng(0)
    >>> kind = rng.integers(2, size=(500, 1))
    >>> X = rng.random((500, 6)) < np.where(kind, 0.8, 0.1)
    >>> model = MixtureOfTrees(n_components=2, random_state=0).fit(X)
    >>> labels = model.predict([[1, 1, 1, 1, np.nan, 1], [0, 0, 0, 0, 0, np.nan]])
    >>> bool(labels[0] == labels[1])
    False
    >>> model.sample(2, random_state=0).shape
    (2, 6)
    """

    _parameter_constraints: ClassVar[dict] = {
        **TreeModel._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "pool": ["boolean"],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "init_params": [
            StrOptions({"kmeans", "k-means++", "random", "random_from_data"})
        ],
    }

    def __init__(
        self,
        n_components=8,
        *,
        smoothing=5.0,
        edge_penalty=4.0,
        pool=False,
        max_levels=64,
        tol=1e-2,
        max_iter=100,
        n_init=1,
        init_params="random_from_data",
        random_state=None,
        warm_start=False,
        verbose=0,
        verbose_interval=10,
        n_jobs=None,
    ):
        self.n_components = n_components
        self.smoothing = smoothing
        self.edge_penalty = edge_penalty
        self.pool = pool
        self.max_levels = max_levels
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval
        self.n_jobs = n_jobs

    def _n_trees(self):
        return self.n_components

    def _initial_params(self, X, sample_weight, rng):
        first = self._coding.first
        hot = trees.one_hot(X, first)
        if hot.shape[1]:
            rows, resp = starting_responsibilities(
                self.init_params, hot, sample_weight, self.n_components, rng
            )
        else:  # all columns are constant
            rows, resp = hot[:1], np.ones((1, self.n_components))
        return trees.m_step(
            trees.starting_stats(rows, resp), first, self.smoothing, self.edge_penalty
        )

    def _starts(self, X, sample_weight, rng):
        ended = []
        for run in super()._starts(X, sample_weight, rng):
            yield run
            if self.pool:
                ended.append(run)
        if len(ended) > 1:
            best = max(ended, key=lambda run: run.rank)
            best.params = trees.pooled_params([run.params for run in ended])
            best.converged = all(run.converged for run in ended)
            if self.max_iter:
                stats = trees.pooled_stats([run.last[0] for run in ended])
                best.last = (stats, best.params)

    def _fitted_attributes(self, params):
        found = [
            trees.edges(*tree)[0]
            for tree in zip(params.parents, params.information, strict=True)
        ]
        return {**trees.attributes(params), "edges_": found}

    def _predict_proba(self, X):
        return self._posterior(self._coded(X).X, with_resp=True)[1]
