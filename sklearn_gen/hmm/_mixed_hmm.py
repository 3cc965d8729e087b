"""Hidden Markov model of tables of mixed columns."""

from typing import ClassVar

import numpy as np

from sklearn_gen._columns import families_of_kind, refuse_levels, wanted_families
from sklearn_gen._compat import StrOptions
from sklearn_gen.hmm._families_hmm import FamiliesHMM

# What 'auto' takes of the families that suit the numbers of a column.
_PREFERRED = ("gaussian", "negative_binomial", "gamma")
# Columns of more levels say nothing to starts, which count all levels as columns.
_MOST_LEVELS = 32


class MixedHMM(FamiliesHMM):
    r"""Hidden Markov model of tables: columns of any types, each of its family.

    .. math:: p(x_t | z_t = k) = \prod_j f_j(x_{tj}; \theta_{kj})

    A row is a time step; `groups` says which rows are one sequence.

    Parameters
    ----------
    n_components : int, default=1
        Number of states K.
    families : str or dict, default='auto'
        Family of all columns, or of those named, as in
        :class:`~sklearn_gen.mixture.TableMixture`: 'gaussian', 'student_t',
        'lognormal', 'gamma', 'poisson', 'negative_binomial', 'zero_inflated_<base>',
        ('zero_inflated', base, atom), 'bernoulli', 'categorical', 'histogram'. 'auto',
        and columns not named: see Notes.
    categorical_features : array-like or 'from_dtype', default='from_dtype'
        Columns whose values are levels, by name, index or mask, beside those of text
        and categories.
    smoothing : float, default=1.0
        Pseudo-rows of the whole table's distribution in each state.
    startprob_prior : float or array-like of shape (n_components,), default=1.0
        Parameters of the Dirichlet prior of `startprob_`; 1 is flat.
    transmat_prior : float or array-like, default=1.0
        Parameters of the Dirichlet priors of the rows of `transmat_`, a number or of
        its shape.
    sticky : float, default=0.0
        Pseudo-counts of staying in a state, added to the prior's diagonal.
    topology : str or array-like, default='ergodic'
        Which steps are possible: 'ergodic', 'left-right', 'linear', 'cyclic' or a mask,
        as in :class:`GaussianHMM`.
    startprob_init : array-like of shape (n_components,) or None, default=None
        Where EM starts; zeros stay zero.
    transmat_init : array-like or None, default=None
        Of the shape of `transmat_`: where EM starts; zeros stay zero.
    group_column : int, str or None, default=None
        Column of X with the ids of the sequences, for pipelines and searches.
    tol : float, default=1e-6
        EM stops when the mean log-likelihood changes by less, nats per row.
    max_iter : int, default=1000
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
    families_ : dict
        Family of each column, by name or index; None where nothing was observed.
    base_measure_ : dict
        What each column is scored by: 'lebesgue' (density) or 'counting' (mass).
    startprob_ : ndarray of shape (n_components,)
        Probabilities of the first state.
    transmat_ : ndarray of shape (n_components, n_components)
        Probability of the state in each column after that in each row.
    converged_ : bool
        True only if the last change was below `tol`.
    n_iter_ : int
        Iterations of the best start.
    lower_bound_ : float
        Mean log-likelihood at the last E-step, nats per row.
    lower_bounds_ : list of float
        Its history.
    n_features_in_ : int
        Number of columns, without `group_column`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.
    schema_ : TableSchema
        Column names and types.

    See Also
    --------
    GaussianHMM : Numbers that depend on one another within states.
    sklearn_gen.mixture.TableMixture : Rows without order.

    Notes
    -----
    ``density_kind`` and ``conditional_kind`` are "exact". Numbers that have a
    resolution are scored by the mass of their cell. NaN means "not observed". An
    iteration costs O(n K (K + D)).

    'auto' goes by kind: categories are 'categorical', booleans 'bernoulli', dates and
    durations 'histogram'. Numbers are 'gaussian' where some are negative or their mean
    is above four deviations; else counts are 'negative_binomial' (Poisson's are among
    them), positive numbers 'gamma', and others 'histogram'. Numbers without a grid, of
    which more than a tenth are one value, are zero-inflated there.

    Leave out a column that tells when a row was: its values never come again, and
    states would be spans of time.

    With `smoothing` above zero EM maximises the posterior density, so `lower_bounds_`
    may fall a little.

    References
    ----------
    Zucchini & MacDonald (2009), "Hidden Markov models for time series",
    doi:10.1201/9781420010893.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_gen.hmm import MixedHMM
    >>> X = pd.DataFrame(
    ...     {
    ...         "sky": ["clear"] * 8 + ["rain"] * 8 + ["clear"] * 8,
    ...         "visitors": [31, 28, 35, 30, 29, 33, 36, 30] + [2, 5, 3, 1, 4, 3, 2, 5]
    ...         + [27, 34, 30, 31, 32, 29, 28, 33],
    ...     }
    ... )
    >>> model = MixedHMM(n_components=2, smoothing=0.1, random_state=0).fit(X)
    >>> model.families_
    {'sky': 'categorical', 'visitors': 'negative_binomial'}
    >>> unknown = pd.DataFrame({"sky": [None, "rain"], "visitors": [30.0, None]})
    >>> model.sample_conditional(unknown, random_state=0)["sky"].tolist()
    ['clear', 'rain']
    """

    _bounds_repeats = True
    _parameter_constraints: ClassVar[dict] = {
        **FamiliesHMM._parameter_constraints,
        "families": [str, dict],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like"],
    }

    def __init__(
        self,
        n_components=1,
        *,
        families="auto",
        categorical_features="from_dtype",
        smoothing=1.0,
        startprob_prior=1.0,
        transmat_prior=1.0,
        sticky=0.0,
        topology="ergodic",
        startprob_init=None,
        transmat_init=None,
        group_column=None,
        tol=1e-6,
        max_iter=1000,
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
        self.smoothing = smoothing
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.sticky = sticky
        self.topology = topology
        self.startprob_init = startprob_init
        self.transmat_init = transmat_init
        self.group_column = group_column
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval
        self.n_jobs = n_jobs

    def _families_of(self, table, X, weight):
        chosen = []
        names = wanted_families(table, self.families)
        for column, x, name in zip(table.columns, X.T, names, strict=True):
            refuse_levels(name, column)
            chosen.append(_by_kind(column, x) if name == "auto" else name)
        return chosen

    def _starting_rows(self, X, sequences):
        """Levels as columns of zeros and ones."""
        parts = []
        for x, levels in zip(X.T, self.schema_.categories, strict=True):
            if levels is None:
                parts.append(x[:, None])
            elif len(levels) <= _MOST_LEVELS:
                parts.append(x[:, None] == np.arange(len(levels)))
        return np.hstack(parts, dtype=np.float64) if parts else X

    def _emission_attributes(self, params):
        names = self.schema_.names or range(len(self.schema_.kinds))
        families, measures = dict.fromkeys(names), dict.fromkeys(names)
        names = list(names)
        columns = zip(self._table.columns, self._emission.families, strict=True)
        for column, family in columns:
            name = names[column.sources[0]]
            families[name], measures[name] = family.name, family.base_measure
        return {"families_": families, "base_measure_": measures}


def _by_kind(column, x):
    """The family that 'auto' takes for a column."""
    family, candidates = families_of_kind(column, x[~np.isnan(x)])
    preferred = [name for name in _PREFERRED if name in candidates]
    if candidates and family not in candidates:  # zero-inflated
        preferred = candidates[:1]
    return [*preferred, family][0]
