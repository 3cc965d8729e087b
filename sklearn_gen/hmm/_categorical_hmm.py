"""Hidden Markov model with categorical emissions."""

from dataclasses import replace
from numbers import Integral, Real
from typing import ClassVar

import numpy as np

from sklearn_gen._columns import UNSEEN_MASS
from sklearn_gen._compat import Interval
from sklearn_gen._validation import DegenerateDataWarning, warn
from sklearn_gen.hmm._base import HiddenMarkovModel, MarkovParams
from sklearn_gen.hmm._emissions_categorical import (
    CategoricalEmission,
    CategoricalParams,
)
from sklearn_gen.hmm._known_parameters import given_chain, given_table
from sklearn_gen.hmm._segments import SegmentStarts
from sklearn_gen.hmm._transitions import dirichlet

# Numbers with fractions of which so many of the rows have one of their own.
_MANY_LEVELS, _FEW_ROWS = 0.5, 20


class CategoricalHMM(SegmentStarts, HiddenMarkovModel):
    r"""Hidden Markov model of levels: independent columns, their shares by state.

    .. math:: p(x_t | z_t = k) = \prod_j B^{(j)}_{k x_{tj}}

    A row is a time step; `groups` says which rows are one sequence. Every column is
    one of levels, whatever its type.

    Parameters
    ----------
    n_components : int, default=1
        Number of states K.
    n_features : int or None, default=None
        Levels are 0, 1, ..., `n_features` - 1 in all columns, as in hmmlearn, also
        where fit sees but some. None: those that fit sees, or that the column's type
        declares.
    emissionprob_prior : float or array-like, default=1.0
        Parameters of the Dirichlet priors of `emissionprob_`; 1 is flat. A number, or
        of shape (n_components, n_levels) with all columns' levels.
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
    emissionprob_ : ndarray of shape (n_components, n_levels), or list of them
        Probabilities of the levels that fit saw in each state, one by one of them; of
        several columns a list.
    categories_ : list of ndarray of shape (n_levels,)
        Of each column, its levels.
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
    MixedHMM : Numbers beside levels.
    MultinomialHMM : Rows of counts of levels.
    sklearn_gen.mixture.CategoricalMixture : Rows without order.

    Notes
    -----
    ``density_kind`` and ``conditional_kind`` are "exact": scores are log masses. NaN
    and None mean "not observed"; -1 is a level as any other. An iteration costs
    O(n K (K + D)). A level that fit never saw has mass 1e-6 in every state, so that it
    says nothing of the state; the others share the rest.

    References
    ----------
    Rabiner (1989), "A tutorial on hidden Markov models", doi:10.1109/5.18626.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.hmm import CategoricalHMM
    >>> X = np.array([["walk"], ["walk"], ["shop"], ["clean"], ["clean"], ["clean"]])
    >>> model = CategoricalHMM(n_components=2, random_state=0).fit(X)
    >>> model.emissionprob_.shape
    (2, 3)
    >>> bool(np.isfinite(model.score([["walk"], ["swim"]])))
    True
    """

    _mixed_columns = True
    _open_levels = True
    _base_measure = "counting"
    _start_by = "random"
    _parameter_constraints: ClassVar[dict] = {
        **HiddenMarkovModel._parameter_constraints,
        "n_features": [Interval(Integral, 1, None, closed="left"), None],
        "emissionprob_prior": [
            Interval(Real, 0.0, None, closed="neither"),
            "array-like",
        ],
    }

    def __init__(
        self,
        n_components=1,
        *,
        n_features=None,
        emissionprob_prior=1.0,
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
        self.n_features = n_features
        self.emissionprob_prior = emissionprob_prior
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

    @classmethod
    def from_parameters(cls, startprob, transmat, emissionprob):
        """Make a fitted model of known parameters, of levels 0, 1, ...

        Parameters
        ----------
        startprob : array-like of shape (n_components,)
            Probabilities of the first state.
        transmat : array-like of shape (n_components, n_components)
            Probability of the state in each column after that in each row.
        emissionprob : array-like of shape (n_components, n_levels), or list of them
            Probability of each level in each state; of several columns a list.

        Returns
        -------
        model : CategoricalHMM
            Fitted; with ``warm_start=True`` a fit goes on from there.

        Raises
        ------
        ValueError
            If shapes don't fit each other, probabilities don't sum to 1, or a value is
            out of range.

        Examples
        --------
        >>> from sklearn_gen.hmm import CategoricalHMM
        >>> model = CategoricalHMM.from_parameters(
        ...     [0.5, 0.5], [[0.9, 0.1], [0.1, 0.9]], [[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]]
        ... )
        >>> model.predict([[0], [0], [2], [2]])
        array([0, 0, 1, 1])
        """
        if np.ndim(emissionprob[0][0]) == 0:
            emissionprob = [emissionprob]
        tables = [given_table(table, "emissionprob") for table in emissionprob]
        K, sizes = len(tables[0]), [table.shape[1] for table in tables]
        tables = [given_table(table, "emissionprob", K) for table in tables]
        chain = given_chain(startprob, transmat, K)
        model = cls(K, n_features=sizes[0] if len(set(sizes)) == 1 else None)
        model._show(np.arange(max(sizes))[:, None] % sizes)
        unseen = np.zeros((K, 1))
        with np.errstate(divide="ignore"):
            logs = np.log(np.hstack([x for own in tables for x in (own, unseen)]))
        model._known(MarkovParams(chain, CategoricalParams(logs, model._first)))
        return model

    @property
    def categorical_features(self):
        """All columns."""
        return np.ones(self.n_features_in_, dtype=bool)

    @property
    def categories_(self):
        """Of each column, its levels."""
        return [np.array(levels) for levels in self.schema_.categories]

    def _check_training_rows(self, X, sample_weight, reset=True):
        before = getattr(self, "schema_", None)
        rows, sample_weight = super()._check_training_rows(X, sample_weight, reset)
        if self.n_features is not None and self.schema_ is not before:
            rows = self._with_symbols(rows)
        return rows, sample_weight

    def _with_symbols(self, rows):
        """Give all columns the levels 0, ..., n_features - 1; recode their rows."""
        symbols, columns, recoded = tuple(range(self.n_features)), [], rows.copy()
        for j, column in enumerate(self.schema_.columns):
            seen = np.array(
                [np.nan if isinstance(x, str) else x for x in column.levels]
            )
            if not np.isin(seen, symbols).all():
                wrong = column.levels[int(np.argmin(np.isin(seen, symbols)))]
                raise ValueError(
                    f"{self.schema_.label(j)} has the value {wrong!r}; with n_features="
                    f"{self.n_features} symbols are 0 to {self.n_features - 1}. Leave "
                    "n_features out: levels are then those of the column."
                )
            observed = ~np.isnan(rows[:, j])
            recoded[observed, j] = seen[rows[observed, j].astype(np.intp)]
            columns.append(replace(column, levels=symbols))
        levels = (symbols,) * len(columns)
        self.schema_ = replace(self.schema_, columns=tuple(columns), categories=levels)
        return recoded

    def _warn_of_numbers(self, n_rows):
        """Say where levels are numbers that never come again."""
        for j, levels in enumerate(self.schema_.categories):
            fractions = [x for x in levels if isinstance(x, float) and x != int(x)]
            if len(fractions) > _MANY_LEVELS * max(n_rows, _FEW_ROWS):
                warn(
                    f"{self.schema_.label(j)} has {len(levels)} levels in {n_rows} "
                    "rows, numbers such as "
                    f"{fractions[0]:g}: what hardly comes again tells nothing of "
                    "states. Take GaussianHMM or MixedHMM, or cut it into bins.",
                    DegenerateDataWarning,
                )

    def _describe(self, X, series):
        self._warn_of_numbers(len(X))
        sizes = [len(levels) + 1 for levels in self.schema_.categories]
        self._first = np.cumsum([0, *sizes]).astype(np.int64)
        # the last code of each column is for levels that fit never saw
        self._unseen = self._first[1:] - 1
        self._emission = CategoricalEmission()

    def _prepare(self, X, series, rng, first=True):
        X = super()._prepare(X, series, rng, first)
        self._pseudo_counts = np.zeros((self.n_components, self._first[-1]))
        seen = np.delete(np.arange(self._first[-1]), self._unseen)
        shape = self.n_components, len(seen)
        prior = dirichlet(self.emissionprob_prior, shape, "emissionprob_prior")
        self._pseudo_counts[:, seen] = prior - 1.0
        return X

    def _coded(self, X, sequences):
        return np.where(np.isnan(X), -1.0, X).astype(np.int32)

    def _shared(self, X, params):
        tables = params.log_tables + np.log1p(-UNSEEN_MASS)
        tables[:, self._unseen] = np.log(UNSEEN_MASS)
        return params._replace(log_tables=tables)

    def _starting_emission(self, X, resp):
        flat = np.zeros((self.n_components, self._first[-1]))
        params = CategoricalParams(flat, self._first)
        return self._emission_m_step(self._emission.stats(X, resp, params), params)

    def _emission_m_step(self, stats, params):
        counts = stats.counts + self._prior_share * self._pseudo_counts
        counts = np.maximum(
            counts, 0.0
        )  # of the posterior's mode, with a prior below 1
        counts[:, self._unseen] = 0.0
        return self._emission.m_step(stats._replace(counts=counts), params)

    def _opened_emission(self, params, share):
        sizes = np.diff(self._first) - 1
        flat = np.repeat(share / np.maximum(sizes, 1), sizes + 1)
        with np.errstate(divide="ignore"):
            tables = np.log((1.0 - share) * np.exp(params.log_tables) + flat)
        return params._replace(log_tables=tables)

    def _emission_attributes(self, params):
        tables = self._tables(params)
        return {"emissionprob_": tables[0] if len(tables) == 1 else tables}

    def _n_emission_parameters(self):
        return self.n_components * int((np.diff(self._first) - 2).sum())

    def _tables(self, params):
        """Of each column, probabilities of its levels in each state."""
        spans = zip(self._first[:-1], self._unseen, strict=True)
        return [np.exp(params.log_tables[:, start:end]) for start, end in spans]

    def _draw_rows(self, states, sequences, before, rng):
        X = np.full((len(states), len(self._unseen)), np.nan)
        for j, shares in enumerate(self._tables(self._params.emission)):
            for k, own in enumerate(shares):
                rows = np.flatnonzero(states == k)
                if len(own):
                    X[rows, j] = rng.choice(len(own), len(rows), p=own)
        return X

    def _fill_rows(self, X, states, rng):
        return self._draw_rows(states, None, None, rng)
