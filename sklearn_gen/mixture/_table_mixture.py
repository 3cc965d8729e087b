"""Mixture of tables: columns of any type, missing cells, conditionals."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np

from sklearn_gen._blocks import workers
from sklearn_gen._columns import Layout
from sklearn_gen._compat import Interval, StrOptions
from sklearn_gen._components import draw_components
from sklearn_gen._em import EMModel
from sklearn_gen._validation import warn
from sklearn_gen.base import (
    ComponentMixin,
    ConditionalMixin,
    DegenerateDataWarning,
    InformationCriteriaMixin,
)
from sklearn_gen.mixture._block_columns import block_columns, warn_of_repeats
from sklearn_gen.mixture._table_families import choose_families
from sklearn_gen.mixture._table_growth import FEWEST_ROWS, TableGrowth
from sklearn_gen.mixture._table_layout import mask_groups
from sklearn_gen.mixture._table_seeding import single, sprout
from sklearn_gen.mixture._table_views import TableViews
from sklearn_gen.mixture._tables import Columns
from sklearn_gen.mixture._twins import find_twins


class TableMixture(
    TableViews,
    ComponentMixin,
    ConditionalMixin,
    InformationCriteriaMixin,
    TableGrowth,
    EMModel,
):
    r"""Mixture of tables: p(x) of columns of any type, cells missing or not.

    .. math:: p(x) = \sum_k w_k \prod_j p_j(x_j \mid \theta_{jk})

    Within a component columns are independent, each of the family that suits it, but
    for those of `gaussian_block`; the components carry what they have to do with one
    another. Takes a DataFrame (pandas, polars) or array as it is, with text, booleans,
    categories, dates, numbers and missing cells, and draws rows of the same types.

    Parameters
    ----------
    n_components : int or 'auto', default='auto'
        Number of components K. 'auto' doubles it, splitting components, as long as
        rows held out (a tenth; more of small tables) gain likelihood.
    families : 'auto', str or dict, default='auto'
        Family of all columns, or ``{column: family}``: 'gaussian', 'student_t',
        'lognormal', 'gamma', 'poisson', 'negative_binomial', 'bernoulli',
        'categorical', 'histogram', 'zero_inflated_gamma' (and of other bases; the atom
        is 0) or ``('zero_inflated', base, atom)``. 'auto', also for columns not named:
        categories are 'categorical', booleans 'bernoulli', dates 'histogram', and
        numbers what scores rows held out best, by the mass of cells where values
        repeat.
    categorical_features : 'from_dtype', or array-like, default='from_dtype'
        Columns whose values are categories, by name, index or mask, beside those of
        text and categorical dtype.
    gaussian_block : array-like, 'continuous' or None, default=None
        Columns of numbers, by name, index or mask, that are jointly Gaussian, with a
        full covariance, within each component. 'continuous': all scored by a density
        that have no constraint and no family in a dict `families`.
    identifiers : 'auto', array-like or None, default='auto'
        Columns that only name rows, by name, index or mask: they take no part in the
        density, and draws get new names of the same pattern, never one of fit's. 'auto'
        finds columns of nearly distinct numbers or codes.
    smoothing : float or 'auto', default='auto'
        Pseudo-rows of the whole table's distribution in each component. It keeps
        components from memorising rows and every seen value possible. 'auto' chooses
        it for each column, 0.1 to 1000, by the rows held out.
    max_components : int, default=1024
        Most components for ``n_components='auto'``.
    constraints : list or None, default=None
        What holds in every row and every draw: instances of
        :class:`~sklearn_gen.constraints.Inequality`,
        :class:`~sklearn_gen.constraints.Sum` and
        :class:`~sklearn_gen.constraints.FixedCombinations`.
    tol : float, default=1e-3
        EM stops when the mean log-likelihood changes by less, nats per row.
    max_iter : int, default=100
        Most EM iterations per start.
    n_init : int, default=1
        Number of starts, for a given `n_components`.
    random_state : None, int, RandomState or Generator, default=None
        Seeds starts, rows held out and draws. None is fresh entropy.
    warm_start : bool, default=False
        Whether fit goes on from the last parameters, also after an interruption.
    verbose : int, default=0
        1 prints sizes, starts and iterations, 2 also likelihoods and times.
    verbose_interval : int, default=10
        Iterations between prints.
    n_jobs : int or None, default=None
        Threads; None is 1, -1 all cores. Results are the same bytes for every number.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
        Weight of each component.
    n_components_ : int
        Number of components.
    smoothing_ : ndarray
        Smoothing of each column that is modelled.
    families_ : dict
        Family of each column by its name, or index. A column whose values follow one
        to one from another's is "same as" that one; None where nothing is observed.
    base_measure_ : dict
        What the density is with respect to, for each column: 'lebesgue' for densities,
        'counting' for masses.
    identifier_columns_ : list
        Names, or indices, of the columns that only name rows.
    trials_ : list of (n_components, held_out)
        Sizes tried, and mean log-likelihoods of the rows held out; where something is
        'auto'.
    converged_ : bool
        True only if the last change was below `tol`.
    n_iter_ : int
        Iterations of the best start.
    lower_bound_ : float
        Mean log-likelihood at the last E-step, nats per row.
    lower_bounds_ : list of float
        Its history.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.
    schema_ : TableSchema
        Column names, types and levels.

    See Also
    --------
    CategoricalMixture : Levels only.
    GaussianMixture : Numbers only, with covariances of many kinds.
    sklearn_gen.metrics.generative_report : What draws are worth.

    Notes
    -----
    ``density_kind`` and ``conditional_kind`` are "exact". Columns that have a
    resolution (integers, decimals that repeat, dates) are scored by the mass of a
    value's cell under every family, others by density, so that scores of tables with
    the same columns compare. Histograms have about equal mass in each of up to 64 bins;
    within a bin all components share one distribution, in which values that came once
    count for nothing. Levels that fit never saw, and values beyond a histogram's bins,
    have mass 1e-6; values that a family doesn't have (0 in a lognormal, -1 in counts)
    have density zero.

    NaN, None and NaT mean "not observed": EM and scores leave these cells out, exactly.
    Which cells are missing together is learned beside it, for
    ``sample(reproduce_missing=True)``.

    One EM iteration costs O(n D K) additions and n K exponentials: 32,561 rows of 15
    columns and 128 components take 30 ms in one thread. Groups of 32 components that
    share less than 1e-5 of a row are left out of its statistics, so that thousands of
    components are practical. Memory beside the rows is O(K sum of levels).

    Columns of `gaussian_block` are scored by density, whatever their resolution: there
    is a DiscreteColumnWarning where values repeat. In units of their deviations no
    component is thinner than 1e-3 in any direction. Each pattern of missing cells costs
    an iteration a matrix inverse per component.

    With `smoothing` above zero EM maximises the posterior density, so `lower_bounds_`
    may fall a little.

    References
    ----------
    McLachlan & Peel (2000), "Finite mixture models", doi:10.1002/0471721182. Cappe &
    Moulines (2009), doi:10.1111/j.1467-9868.2009.00698.x (`partial_fit`).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.mixture import TableMixture
    >>> rng = np.random.default_rng(0)
    >>> pet = rng.choice(["cat", "dog"], size=200)
    >>> kilos = np.where(pet == "cat", 4, 20) + rng.normal(size=200).round(1)
    >>> X = np.column_stack([pet.astype(object), kilos.astype(object)])
    >>> model = TableMixture(n_components=2, smoothing=0.1, random_state=0).fit(X)
    >>> model.sample(2, conditions={0: "dog"}).shape
    (2, 2)
    >>> unknown = np.array([[None, 21.3], ["cat", None]], dtype=object)
    >>> model.sample_conditional(unknown, random_state=0)[0, 0]
    'dog'
    """

    _mixed_columns = True
    _bounds_repeats = True
    _parameter_constraints: ClassVar[dict] = {
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "families": [str, dict],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like"],
        "gaussian_block": [StrOptions({"continuous"}), "array-like", None],
        "identifiers": [StrOptions({"auto"}), "array-like", None],
        "smoothing": [
            Interval(Real, 0.0, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "max_components": [Interval(Integral, 1, None, closed="left")],
        "constraints": ["array-like", None],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "verbose_interval": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_components="auto",
        *,
        families="auto",
        categorical_features="from_dtype",
        gaussian_block=None,
        identifiers="auto",
        smoothing="auto",
        max_components=1024,
        constraints=None,
        tol=1e-3,
        max_iter=100,
        n_init=1,
        random_state=None,
        warm_start=False,
        verbose=0,
        verbose_interval=10,
        n_jobs=None,
    ):
        self.n_components = n_components
        self.families = families
        self.categorical_features = categorical_features
        self.gaussian_block = gaussian_block
        self.identifiers = identifiers
        self.smoothing = smoothing
        self.max_components = max_components
        self.constraints = constraints
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval
        self.n_jobs = n_jobs

    def _prepare(self, X, sample_weight, rng, first=True):
        goes_on = not first or (self.warm_start and hasattr(self, "converged_"))
        if not goes_on:
            self._describe(X, sample_weight, rng)
        if self.smoothing != "auto" or not goes_on:
            smoothing = 1.0 if self.smoothing == "auto" else self.smoothing
            self.smoothing_ = np.full(len(self._columns.families), float(smoothing))
        weight = float(len(X) if sample_weight is None else sample_weight.sum())
        self._n_cells = int(np.count_nonzero(~np.isnan(X)))
        self._weight_seen = weight + (0.0 if first else self._weight_seen)
        return X

    def _learn(self, X, sample_weight, rng):
        with self._columns.looked_up(X):
            super()._learn(X, sample_weight, rng)

    def _describe(self, X, sample_weight, rng):
        """Choose the columns' families."""
        table = Layout.fit(
            self.schema_, X, self.constraints, self.schema_.identifier_columns
        )
        modelled = table.forward(X).values
        leads = [column.kind in ("categorical", "boolean") for column in table.columns]
        twins = find_twins(modelled, leads, sample_weight)
        block = block_columns(table, self.gaussian_block, self.families)
        warn_of_repeats(table, modelled, block)
        twins = [pair for pair in twins if pair.follower not in block]
        followers = {pair.follower for pair in twins}
        families = choose_families(
            table,
            self.families,
            modelled,
            sample_weight,
            rng,
            followers,
            self.n_components,
            block,
        )
        table = table.with_families(families, block)
        masks = mask_groups(np.isnan(X), sample_weight)
        self._columns = Columns(families, masks, twins, table)
        self.families_, self.base_measure_ = self._columns.described()
        names = self.schema_.names or range(X.shape[1])
        self.identifier_columns_ = [names[j] for j in self.schema_.identifier_columns]
        self.schema_ = table.schema

    def _blocks(self, X, sample_weight):
        return self._columns.blocks(X, sample_weight)

    def _initial_params(self, X, sample_weight, rng):
        n_components = self.n_components
        if n_components == "auto":
            if len(X) >= FEWEST_ROWS:
                # of `partial_fit`: its first batch says how many there are
                self._learn(X, sample_weight, rng)
                return self._fitted_params()
            n_components = 1
        stats, nothing = single(self._columns, self._blocks(X, sample_weight))
        whole = self._columns.m_step(stats, 1.0, nothing)
        if n_components == 1:
            return whole
        return sprout(
            self._columns,
            stats,
            whole,
            X,
            sample_weight,
            n_components,
            rng,
            keep=False,
        )

    def _e_step(self, params):
        return self._columns.e_step(params)

    def _suff_stats(self, block, params):
        return self._columns.e_step(params)(block)

    def _m_step(self, stats, params):
        # Pseudo-rows are per row: partial_fit gives statistics per unit of weight.
        smoothing = self.smoothing_ * stats.weight / self._weight_seen
        return self._columns.m_step(stats, smoothing, params)

    def _warn_of_degeneracy(self, params):
        n_parameters = self._n_parameters()
        if n_parameters > self._n_cells:
            warn(
                f"{self._n_cells} observed cells can't determine {n_parameters} "
                "parameters: components lean on the whole table's distribution. Fit "
                "to more rows, or with fewer components or simpler families.",
                DegenerateDataWarning,
            )

    def _fitted_attributes(self, params):
        return {
            "weights_": params.weights,
            "n_components_": len(params.weights),
            "_params": params,
        }

    def _fitted_params(self):
        return self._params

    def _check_goes_on(self, n_features):
        if self.n_components not in ("auto", self.n_components_):
            raise ValueError(
                f"Can't go on from the last fit: it has {self.n_components_} "
                f"components, n_components={self.n_components}. Set it back, or fit a "
                "clone of the model."
            )

    def _n_parameters(self):
        free = self._columns.n_parameters(self.n_components_)
        return free + self.n_components_ - 1

    def _posterior(self, X, with_resp):
        with workers(self.n_jobs) as map_blocks:
            return self._columns.posterior(X, self._params, map_blocks, with_resp)

    def _score_samples(self, X):
        return self._posterior(X, with_resp=False)[0]

    def _predict_proba(self, X):
        resp = self._posterior(X, with_resp=True)[1]
        # Where a row is impossible, the weights are all there is.
        resp[~resp.any(axis=1)] = self.weights_
        return resp

    def _sample(self, n_samples, rng):
        return self._draw(n_samples, rng)[0]

    def _draw(self, n_samples, rng):
        """Draw rows, and the components they come from."""
        component = rng.choice(len(self.weights_), n_samples, p=self.weights_)
        return self._columns.draw(self._params, component, rng), component

    def _components_of(self, X, rng):
        """Draw a component of each row from p(k | observed cells)."""
        return draw_components(self._predict_proba(X), rng)

    def _sample_conditional(self, X, rng):
        component = self._components_of(X, rng)
        return self._columns.draw(self._params, component, rng, X)
