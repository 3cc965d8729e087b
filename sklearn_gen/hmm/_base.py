"""What all hidden Markov models share: sequences in, EM, and what follows from it.

A model gives an emission, the density of a row given its state; chains, sequences and
everything that is asked of them are here.
"""

from abc import abstractmethod
from numbers import Integral, Real
from typing import ClassVar, NamedTuple

import numpy as np
from sklearn.callback import with_callbacks

from sklearn_gen._columns import GroupColumn, TakenIds
from sklearn_gen._compat import Interval, StrOptions, fit_context
from sklearn_gen._em import EMModel
from sklearn_gen._kernels import markov
from sklearn_gen._validation import as_generator
from sklearn_gen.hmm._decoding import Decoding
from sklearn_gen.hmm._drawing import Drawing
from sklearn_gen.hmm._forecast import Forecasting
from sklearn_gen.hmm._known_parameters import KnownParameters
from sklearn_gen.hmm._layout import lay_out
from sklearn_gen.hmm._recursions import Chain, Recursions, SequenceStats
from sklearn_gen.hmm._revival import Revival
from sklearn_gen.hmm._series import (
    refuse_lengths,
    series_of,
    warn_of_single_rows,
)
from sklearn_gen.hmm._starts import starting_states, transitions_of
from sklearn_gen.hmm._transitions import (
    TOPOLOGIES,
    allowed_steps,
    dirichlet,
    given_probabilities,
    most_probable,
)


class MarkovParams(NamedTuple):
    """Parameters of a hidden Markov model."""

    chain: Chain
    emission: tuple


class Steps(NamedTuple):
    """The rows of all sequences, as recursions take them."""

    X: np.ndarray
    layout: tuple
    weight: np.ndarray  # of sequences
    states: np.ndarray  # known ones, -1: unknown; or empty


class HiddenMarkovModel(
    KnownParameters, Revival, Decoding, Drawing, Forecasting, EMModel
):
    """A model of sequences whose rows depend on hidden states, a Markov chain.

    Children have `_emission` with ``log_prob(X, params)`` and ``stats(X, gamma,
    params)``, and the hooks below.
    """

    # Requested wherever metadata routing is on.
    __metadata_request__fit: ClassVar[dict] = {"groups": True}
    __metadata_request__partial_fit: ClassVar[dict] = {"groups": True}
    # scikit-learn's Pipeline offers weights to score; there are none of rows
    __metadata_request__score: ClassVar[dict] = {"groups": True, "sample_weight": None}
    __metadata_request__predict: ClassVar[dict] = {"groups": True}
    __metadata_request__predict_proba: ClassVar[dict] = {"groups": True}

    _start_by = "kmeans"
    _parameter_constraints: ClassVar[dict] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "startprob_prior": [Interval(Real, 0.0, None, closed="neither"), "array-like"],
        "transmat_prior": [Interval(Real, 0.0, None, closed="neither"), "array-like"],
        "sticky": [Interval(Real, 0.0, None, closed="left")],
        "topology": [StrOptions(set(TOPOLOGIES)), "array-like"],
        "startprob_init": ["array-like", None],
        "transmat_init": ["array-like", None],
        "group_column": [Integral, str, None],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "verbose_interval": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
    }

    @abstractmethod
    def _describe(self, X, series):
        """Set `_emission`, from the rows to learn from."""

    def _coded(self, X, sequences):
        """Rows as the emission takes them."""
        return X

    def _shared(self, X, params):
        """Parameters as `log_prob` takes them: what pieces of coded rows X share."""
        return params

    @abstractmethod
    def _starting_emission(self, X, resp):
        """Emission parameters of coded rows with responsibilities (n, K)."""

    @abstractmethod
    def _emission_m_step(self, stats, params):
        """Emission parameters that maximise the expected log-likelihood."""

    @abstractmethod
    def _emission_attributes(self, params):
        """Public attributes of the emission, as a dict."""

    @abstractmethod
    def _n_emission_parameters(self):
        """Number of free parameters of the emission."""

    @abstractmethod
    def _draw_rows(self, states, sequences, before, rng):
        """Draw rows of given states (n,); `before` are rows that precede, or None."""

    @abstractmethod
    def _fill_rows(self, X, states, rng):
        """Rows whose NaN cells are drawn given the others and the states."""

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X, y=None, *, groups=None, states=None, sequence_weight=None, **unknown
    ):
        """Learn from sequences.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps of all sequences, one after the other. NaN is not observed; a
            row of NaN is a gap in time.
        y : Ignored
            Present for pipelines and searches.
        groups : array-like of shape (n_samples,) or None, default=None
            Id of each row's sequence; rows of a sequence are consecutive. None: all
            rows are one sequence (or `group_column` says).
        states : array-like of shape (n_samples,) or None, default=None
            State of each row where it is known, from 0, else -1.
        sequence_weight : array-like of shape (n_sequences,) or None, default=None
            Non-negative weights, in the order of the sequences.
        **unknown : dict
            Nothing; an error that names what to write instead of `lengths`.

        Returns
        -------
        self : object

        Raises
        ------
        TypeError
            If sequences are given by `lengths`.
        ValueError
            If a parameter, column, id, state or weight is invalid; the message names
            it. The earlier fitted state is then kept.
        """
        with self._kept_on_failure():
            X, series = self._check_series(
                X, y, groups, states, sequence_weight, unknown
            )
            self._fit(X, series, as_generator(self.random_state))
        return self

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X, y=None, *, groups=None, states=None, sequence_weight=None, **unknown
    ):
        """Learn from some sequences by a step of stepwise EM.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps of whole sequences.
        y : Ignored
            Present for API consistency.
        groups, states, sequence_weight : array-like or None, default=None
            As in `fit`.
        **unknown : dict
            Nothing, as in `fit`.

        Returns
        -------
        self : object
        """
        with self._kept_on_failure():
            first = not hasattr(self, "converged_")
            X, series = self._check_series(
                X, y, groups, states, sequence_weight, unknown, reset=first
            )
            self._learn_batch(X, series, first)
        return self

    def _check_series(self, X, y, groups, states, sequence_weight, unknown, reset=True):
        if reset:
            inside = self.group_column is not None and not isinstance(groups, TakenIds)
            self._ids = GroupColumn.find(X, self.group_column) if inside else None
        X, groups = self._take_groups(X, groups)
        rows, _ = self._check_training_rows(X, None, reset)
        refuse_lengths(y, unknown, len(rows))
        series = series_of(
            groups, len(rows), states, sequence_weight, self.n_components
        )
        return rows, series

    def _take_groups(self, X, groups):
        """The columns to model, and ids of the rows (None: one sequence)."""
        if isinstance(groups, TakenIds):
            return X, groups.ids
        if self._ids is None:
            return X, groups
        if groups is not None:
            raise ValueError(
                f"Ids of sequences come in group_column={self.group_column!r} and as "
                "groups: give one of them."
            )
        return self._ids.take(X)

    def _scored(self, X, groups):
        """Rows to score, as recursions take them."""
        self._check_in_force()
        X, groups = self._take_groups(X, groups)
        rows = self._check_scored_rows(X)
        return rows, self._steps(rows, series_of(groups, len(rows)))

    def _steps(self, X, series):
        coded = self._coded(X, series.sequences)
        if isinstance(coded, np.ndarray):
            coded = np.ascontiguousarray(coded)  # else every kernel call copies all
        dtype = coded.dtype if coded.dtype.kind == "f" else np.dtype(np.float64)
        layout = lay_out(series.sequences, self.n_components, dtype)
        return Steps(coded, layout, series.weight, series.states)

    def _prepare(self, X, series, rng, first=True):
        K, self._n_rows = self.n_components, len(X)
        warn_of_single_rows(series.sequences)
        self._starts_at, self._allowed = allowed_steps(self.topology, K)
        self._start_prior = dirichlet(self.startprob_prior, (K,), "startprob_prior")
        self._step_prior = dirichlet(self.transmat_prior, (K, K), "transmat_prior")
        self._step_prior = self._step_prior + self.sticky * np.eye(K)
        n_rows = float(series.weight @ series.sequences.lengths)
        self._rows_seen = n_rows + (0.0 if first else self._rows_seen)
        self._prior_share = 1.0
        if first and not (self.warm_start and hasattr(self, "converged_")):
            self._describe(X, series)
        return X

    def _score_samples(self, X):
        return self.score_samples(X)

    def _sample(self, n_samples, rng):
        return self.sample(n_samples, random_state=rng)

    def _blocks(self, X, series):
        return [self._steps(X, series)]

    def _starting_rows(self, X, series):
        """Rows as the choice of starting states sees them."""
        return X

    def _initial_params(self, X, series, rng):
        rows, K = self._starting_rows(X, series), self.n_components
        resp = starting_states(rows, series, K, self.topology, self._start_by, rng)
        return self._params_of(X, series, resp)

    def _params_of(self, X, series, resp):
        """Parameters that EM starts from, of rows with responsibilities (n, K)."""
        K = self.n_components
        resp = np.where(resp.any(axis=0), resp, 1.0 / K)  # nobody's is like all rows
        start, transitions = transitions_of(resp, series)
        given = (
            given_probabilities(
                self.startprob_init, (K,), self._starts_at, "startprob_init"
            ),
            given_probabilities(
                self.transmat_init, (K, K), self._allowed, "transmat_init"
            ),
        )
        # A start should rule nothing out: every allowed step has a pseudo-count.
        first = self._starts_at / self._starts_at.sum()
        flat = self._allowed / self._allowed.sum(axis=1, keepdims=True)
        chain = Chain(
            most_probable(start + first, 1.0, self._starts_at, first),
            most_probable(transitions + flat, 1.0, self._allowed, flat),
        )
        chain = Chain(
            *(
                own if one is None else one
                for own, one in zip(chain, given, strict=True)
            )
        )
        coded = self._coded(X, series.sequences)
        weight = series.weight[series.sequences.of_rows]
        emission = self._starting_emission(coded, weight[:, None] * resp)
        return MarkovParams(chain, emission)

    def _recursions(self, steps, params):
        """Recursions of given parameters over rows."""
        known = steps.states.size > 0
        shared = self._shared(steps.X, params.emission)

        def take(rows):
            # tables lane by lane: a tenth of the time of an iteration less
            table = isinstance(steps.X, np.ndarray)
            X = markov.taken(steps.X, rows) if table else steps.X[rows]
            return X, steps.states[rows] if known else None

        def log_prob(block):
            X, states = block
            found = self._emission.log_prob(X, shared)
            return found if states is None else _only(found, states)

        return Recursions(steps.layout, params.chain, take, log_prob, self.n_jobs)

    def _suff_stats(self, steps, params):
        found = self._stats_of_one(steps, params)
        if found is not None:
            return found

        def stats(block, gamma):
            return self._emission.stats(block[0], gamma, params.emission)

        recursions = self._recursions(steps, params)
        chain, emission = recursions.expect(stats, steps.weight)
        if chain.log_likelihood == -np.inf:
            _refuse_impossible(recursions.filter(with_states=False)[0], steps)
        return SequenceStats(*chain, emission)

    def _m_step(self, stats, params):
        # Priors are pseudo-counts: `partial_fit` gives statistics per unit of weight.
        self._prior_share = share = stats.weight / self._rows_seen
        chain = Chain(
            most_probable(
                *(stats.start, 1.0 + share * (self._start_prior - 1.0)),
                *(self._starts_at, params.chain.start),
            ),
            most_probable(
                *(stats.transitions, 1.0 + share * (self._step_prior - 1.0)),
                *(self._allowed, params.chain.transitions),
            ),
        )
        emission = self._emission_m_step(stats.emission, params.emission)
        return MarkovParams(chain, emission)

    def _opened(self, params):
        # A pseudo-row of all that is allowed: what the batches before never had is
        # not ruled out by it.
        share = 1.0 / self._rows_seen
        flat = Chain(
            self._starts_at / self._starts_at.sum(),
            self._allowed / self._allowed.sum(axis=1, keepdims=True),
        )
        chain = (
            (1.0 - share) * own + share * one
            for own, one in zip(params.chain, flat, strict=True)
        )
        emission = self._opened_emission(params.emission, share)
        return params._replace(chain=Chain(*chain), emission=emission)

    def _opened_emission(self, params, share):
        """Emission parameters of which a share is alike for all that may come."""
        return params

    def _fitted_attributes(self, params):
        return {
            "startprob_": params.chain.start,
            "transmat_": params.chain.transitions,
            "_params": params,
            **self._emission_attributes(params.emission),
        }


def _refuse_impossible(log_prob, steps):
    """Raise where a sequence has probability 0: nothing is learned from it."""
    counts = steps.weight[steps.layout.sequences.of_rows] > 0.0
    row = int(np.argmax(counts & np.isneginf(log_prob)))
    raise ValueError(
        f"Row {row} has probability 0 after the rows before it in its sequence, under "
        "the parameters that EM goes on from: no state that can come there can emit "
        "it. See to zeros in startprob_init or transmat_init, to topology and to known "
        "states; or, where an earlier fit ruled it out, fit anew with "
        "warm_start=False."
    )


def _only(log_prob, states):
    """Log densities with other states than the known ones made impossible."""
    other = (states[:, None] >= 0) & (states[:, None] != np.arange(log_prob.shape[1]))
    return np.where(other, -np.inf, log_prob)
