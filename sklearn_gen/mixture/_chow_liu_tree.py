"""Chow-Liu tree: the best tree-shaped distribution of discrete columns."""

from sklearn_gen.mixture import _trees as trees
from sklearn_gen.mixture._tree_model import TreeModel


class ChowLiuTree(TreeModel):
    r"""Tree of discrete columns: each column depends on one other, its parent.

    .. math:: p(x) = \prod_j p(x_j \mid x_{\mathrm{pa}(j)})

    Of all trees, the fitted one has the highest likelihood: the spanning tree whose
    edges have the largest mutual information.

    Parameters
    ----------
    smoothing : float, default=1.0
        Pseudo-rows of independent columns that are added to the counts of each pair of
        columns. 0 is maximum likelihood.
    edge_penalty : float, default=0.0
        Nats of training log-likelihood that an edge must gain for each free parameter
        it adds; with others the fit is a forest. ``log(n) / 2`` chooses edges by BIC.
    max_levels : int, default=64
        Columns with more levels have them grouped, with a warning: neighbours of
        numbers, the rarest of categories. Within a group levels keep their overall
        shares.
    tol : float, default=1e-3
        EM, which is needed where cells are missing, stops when the mean
        log-likelihood changes by less, nats per row.
    max_iter : int, default=100
        Most EM iterations; complete rows take three.
    random_state : None, int, RandomState or Generator, default=None
        Seeds draws. None is fresh entropy.
    warm_start : bool, default=False
        Whether fit goes on from the last parameters, with the levels known then.
    verbose : int, default=0
        1 prints iterations, 2 also likelihoods and times.
    verbose_interval : int, default=10
        Iterations between prints.
    n_jobs : int or None, default=None
        Threads; None is 1, -1 all cores. Results are the same bytes for every number.

    Attributes
    ----------
    parents_ : ndarray of shape (1, n_features)
        Index of each column's parent, -1 for roots.
    edges_ : ndarray of shape (n_edges, 2)
        Parent and child of each edge, of most mutual information first.
    edge_information_ : ndarray of shape (n_edges,)
        Mutual information of the (smoothed) columns that each edge joins, in nats.
    levels_ : list of ndarray
        Sorted values of each column.
    weights_ : ndarray of shape (1,)
        One: a tree is a mixture of one component.
    converged_ : bool
        True only if the last change was below `tol`.
    n_iter_ : int
        Iterations.
    lower_bound_ : float
        Mean log-likelihood at the last E-step, nats per row.
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
    MixtureOfTrees : A weighted sum of trees.

    Notes
    -----
    ``density_kind`` and ``conditional_kind`` are "exact". Scores are log masses. A fit
    to zeros and ones costs O(n d^2) with d the mean number of columns in which a row
    differs from the most frequent levels, plus O(D^2) for the tree.

    NaN means "not observed": messages along the tree sum such cells out, and EM adds up
    expected counts of all pairs. A value that no training row has counts as not
    observed, times its chance of 1e-6; known levels share the rest.

    `partial_fit` adds up counts, so batches of complete rows give the tree of all their
    rows; levels are those of the first batch.

    References
    ----------
    Chow & Liu (1968), "Approximating discrete probability distributions with dependence
    trees", doi:10.1109/TIT.1968.1054142.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.mixture import ChowLiuTree
    >>> rng = np.random.default_rng(0)
    >>> rain = rng.random(1000) < 0.3
    >>> wet = rain | (rng.random(1000) < 0.2)
    >>> slippery = wet & (rng.random(1000) < 0.9)
    >>> tree = ChowLiuTree().fit(np.column_stack([rain, slippery, wet]))
    >>> tree.edges_
    array([[2, 1],
           [0, 2]])
    >>> given_rain = tree.conditional([[1, np.nan, np.nan]])
    >>> np.exp(given_rain.score_samples([[1, np.nan]])).round(2)
    array([0.9])
    """

    _parameter_constraints = TreeModel._parameter_constraints
    n_init = 1  # there is one start: independent columns
    # step w / (seen + w): partial_fit adds up counts
    _step_decay, _step_delay = 1.0, 1.0

    def __init__(
        self,
        *,
        smoothing=1.0,
        edge_penalty=0.0,
        max_levels=64,
        tol=1e-3,
        max_iter=100,
        random_state=None,
        warm_start=False,
        verbose=0,
        verbose_interval=10,
        n_jobs=None,
    ):
        self.smoothing = smoothing
        self.edge_penalty = edge_penalty
        self.max_levels = max_levels
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval
        self.n_jobs = n_jobs

    def _n_trees(self):
        return 1

    def _initial_params(self, X, sample_weight, rng):
        return trees.independent_columns(X, sample_weight, self._coding.first)

    def _fitted_attributes(self, params):
        edges, information = trees.edges(params.parents[0], params.information[0])
        return {
            **trees.attributes(params),
            "edges_": edges,
            "edge_information_": information,
        }
