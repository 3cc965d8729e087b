"""Hidden Markov model with multinomial emissions."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np

from sklearn_gen._compat import Interval
from sklearn_gen._validation import DegenerateDataWarning, warn
from sklearn_gen.hmm._base import HiddenMarkovModel, MarkovParams
from sklearn_gen.hmm._emissions_multinomial import (
    MultinomialEmission,
    MultinomialParams,
    Totals,
)
from sklearn_gen.hmm._known_parameters import given_chain, given_table
from sklearn_gen.hmm._numbers import Counts
from sklearn_gen.hmm._segments import SegmentStarts
from sklearn_gen.hmm._transitions import dirichlet


class MultinomialHMM(Counts, SegmentStarts, HiddenMarkovModel):
    r"""Hidden Markov model of counts that share a total: multinomials by state.

    .. math:: p(x_t | z_t = k) = q(n_t) \frac{n_t!}{\prod_j x_{tj}!}
        \prod_j B_{kj}^{x_{tj}}, \qquad n_t = \sum_j x_{tj}

    A row is a time step, in which things of each column came so often; `groups` says
    which rows are one sequence.

    Parameters
    ----------
    n_components : int, default=1
        Number of states K.
    n_trials : int or None, default=None
        The total of all rows. None: rows have totals of their own, distributed as those
        of fit in all states.
    emissionprob_prior : float or array-like, default=1.0
        Parameters of the Dirichlet priors of `emissionprob_`, a number or of its
        shape; 1 is flat.
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
    emissionprob_ : ndarray of shape (n_components, n_features)
        Probability of each column in each state; NaN where nothing was observed.
    n_trials_ : int or None
        The total of all rows, if they have but one.
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
    CategoricalHMM : A level in each row.
    PoissonHMM : Counts without a total.

    Notes
    -----
    ``density_kind`` and ``conditional_kind`` are "exact": scores are log masses. NaN
    means "not observed": missing cells, and the total with them, are summed out. q
    gives a millionth to totals that fit never saw, by a Poisson distribution. It tells
    nothing of the state; scores without it are those of hmmlearn. An iteration costs
    O(n K (K + D)). Values between counts are rounded, with a warning.

    References
    ----------
    Rabiner (1989), "A tutorial on hidden Markov models", doi:10.1109/5.18626.

    Examples
    --------
    >>> from sklearn_gen.hmm import MultinomialHMM
    >>> X = [[5, 1, 0], [4, 2, 0], [6, 0, 0], [0, 1, 5], [1, 0, 5], [0, 0, 6]]
    >>> model = MultinomialHMM(n_components=2, random_state=0).fit(X)
    >>> states = model.predict(X)
    >>> (states == states[0]).astype(int)
    array([1, 1, 1, 0, 0, 0])
    >>> model.sample(random_state=0).sum()
    np.int64(6)
    """

    _parameter_constraints: ClassVar[dict] = {
        **HiddenMarkovModel._parameter_constraints,
        "n_trials": [Interval(Integral, 0, None, closed="left"), None],
        "emissionprob_prior": [
            Interval(Real, 0.0, None, closed="neither"),
            "array-like",
        ],
    }

    def __init__(
        self,
        n_components=1,
        *,
        n_trials=None,
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
        self.n_trials = n_trials
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
    def from_parameters(cls, startprob, transmat, emissionprob, *, n_trials):
        """Make a fitted model of known parameters.

        Parameters
        ----------
        startprob : array-like of shape (n_components,)
            Probabilities of the first state.
        transmat : array-like of shape (n_components, n_components)
            Probability of the state in each column after that in each row.
        emissionprob : array-like of shape (n_components, n_features)
            Probability of each column in each state.
        n_trials : int
            The total of all rows.

        Returns
        -------
        model : MultinomialHMM
            Fitted; with ``warm_start=True`` a fit goes on from there.

        Raises
        ------
        ValueError
            If shapes don't fit each other, probabilities don't sum to 1, or a value is
            out of range.

        Examples
        --------
        >>> from sklearn_gen.hmm import MultinomialHMM
        >>> chain = [0.5, 0.5], [[0.9, 0.1], [0.1, 0.9]]
        >>> model = MultinomialHMM.from_parameters(
        ...     *chain, [[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]], n_trials=5
        ... )
        >>> model.predict([[4, 1, 0], [0, 1, 4]])
        array([0, 1])
        """
        if not isinstance(n_trials, Integral) or n_trials < 1:
            raise ValueError(
                f"n_trials must be an integer of at least 1, got {n_trials!r}."
            )
        shares = given_table(emissionprob, "emissionprob")
        model = cls(len(shares), n_trials=int(n_trials))
        model._show(n_trials * np.eye(shares.shape[1], dtype=int))
        chain = given_chain(startprob, transmat, len(shares))
        model._known(MarkovParams(chain, MultinomialParams(shares)))
        return model

    def _describe(self, X, series):
        empty = self.schema_.empty_columns
        self._columns = np.delete(np.arange(X.shape[1]), empty)
        if X.shape[1] == 1:
            warn(
                "X has one column, whose probability is 1 in every state: nothing can "
                "be learned. Columns are counts of levels; for a column of symbols "
                "take CategoricalHMM.",
                DegenerateDataWarning,
            )
        # Whatever was seen, counts may be any whole numbers.
        widths = dict.fromkeys(range(X.shape[1]), 1.0)
        self.schema_ = self.schema_.without_clipping(widths)
        totals = Totals.of_rows(
            X[:, self._columns], series.weight[series.sequences.of_rows]
        )
        if self.n_trials is not None:
            self._refuse_other_totals(X[:, self._columns])
            totals = Totals.known(self.n_trials)
        self._emission = MultinomialEmission(totals)

    def _refuse_other_totals(self, X):
        complete = ~np.isnan(X).any(axis=1)
        total = np.nansum(X, axis=1)
        wrong = np.where(complete, total != self.n_trials, total > self.n_trials)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ValueError(
                f"Row {row} has the total {total[row]:g}; n_trials={self.n_trials} is "
                "that of all rows. Leave n_trials out where totals differ."
            )

    def _prepare(self, X, series, rng, first=True):
        X = super()._prepare(X, series, rng, first)
        shape = self.n_components, X.shape[1]
        prior = dirichlet(self.emissionprob_prior, shape, "emissionprob_prior")
        self._pseudo_counts = prior[:, self._columns] - 1.0
        return X

    def _coded(self, X, sequences):
        return self._emission.code(X[:, self._columns])

    def _starting_emission(self, X, resp):
        return self._emission_m_step(self._emission.stats(X, resp), None)

    def _emission_m_step(self, stats, params):
        pseudo_counts = self._prior_share * self._pseudo_counts
        return self._emission.m_step(stats, params, pseudo_counts)

    def _opened_emission(self, params, share):
        p = params.probabilities
        return params._replace(probabilities=(1.0 - share) * p + share / p.shape[1])

    def _emission_attributes(self, params):
        found = np.full((len(params.probabilities), self.n_features_in_), np.nan)
        found[:, self._columns] = params.probabilities
        totals = self._emission.totals.values
        only = int(totals[0]) if len(totals) == 1 else None
        return {"emissionprob_": found, "n_trials_": only}

    def _n_emission_parameters(self):
        return self.n_components * max(0, len(self._columns) - 1)

    def _draw_rows(self, states, sequences, before, rng):
        nothing = np.full((len(states), self.n_features_in_), np.nan)
        return self._fill_rows(nothing, states, rng)

    def _fill_rows(self, X, states, rng):
        params, X = self._params.emission, X.copy()
        cells = X[:, self._columns]
        X[:, self._columns] = self._emission.draw(params, states, cells, rng)
        return X
