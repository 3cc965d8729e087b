"""Draws from a fitted model of sequences: new rows, missing cells."""

import numpy as np

from sklearn_gen._validation import check_n_samples
from sklearn_gen.base import ConditionalMixin
from sklearn_gen.hmm._paths import simulate
from sklearn_gen.hmm._sequences import sequences_of
from sklearn_gen.hmm._series import without_lengths


class Drawing(ConditionalMixin):
    """Rows and cells drawn by a fitted model of sequences."""

    @without_lengths
    def sample(
        self,
        n_samples=1,
        *,
        groups=None,
        prefix=None,
        return_states=False,
        random_state=None,
    ):
        """Draw sequences.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows, at least 1.
        groups : array-like of shape (n_samples,) or None, default=None
            Id of each row's sequence; None: one sequence.
        prefix : array-like of shape (n_before, n_features) or None, default=None
            Rows of one sequence that every drawn one goes on from. They are not
            returned.
        return_states : bool, default=False
            Whether to return the states, too.
        random_state : None, int, RandomState or Generator, default=None
            None uses the estimator's own `random_state`: an int there repeats its
            draws at every call.

        Returns
        -------
        X : ndarray or DataFrame of shape (n_samples, n_features)
            In the container that `fit` saw, with the same columns; in `group_column`
            the ids, 0 where `groups` is None.
        states : ndarray of shape (n_samples,)
            Only if asked for.

        Raises
        ------
        ValueError
            If `n_samples` is no positive integer, `groups` doesn't fit it, or the
            prefix is impossible.
        """
        self._check_in_force()
        n_samples = check_n_samples(n_samples)
        sequences = sequences_of(groups, n_samples)
        rng = self._draw_generator(random_state)
        start, before = None, None
        if prefix is not None:
            before, steps = self._scored(prefix, None)
            start = self._next_states(steps, "prefix")
            start = np.repeat(start, len(sequences.lengths), axis=0)
        chain = self._params.chain
        states = simulate(chain, sequences.lengths, rng, start)
        rows = self._draw_rows(states, sequences, before, rng)
        X = self.schema_.restore(rows, rng=rng)
        if self._ids is not None:
            given = np.zeros(n_samples, dtype=int) if groups is None else groups
            X = self._ids.put(X, np.asarray(given))
        return (X, states) if return_states else X

    def _next_states(self, steps, name):
        """p(state of the row after each sequence), (n_sequences, K)."""
        sequences = steps.layout.sequences
        if len(sequences.lengths) != 1 and name == "prefix":
            raise ValueError(
                f"prefix must be rows of one sequence, got {len(sequences.lengths)}."
            )
        filtered = self._recursions(steps, self._params).filter()[1]
        last = filtered[sequences.starts + sequences.lengths - 1].astype(np.float64)
        impossible = np.flatnonzero(~last.any(axis=1))
        if len(impossible):
            raise ValueError(
                f"{name} has probability 0 under the model (sequence {impossible[0]}), "
                "so nothing can follow it."
            )
        return last @ self._params.chain.transitions

    def sample_conditional(self, X, *, groups=None, random_state=None):
        """Replace every NaN of X by a draw from p(missing | all that is observed).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps; observed cells are returned untouched.
        groups : array-like of shape (n_samples,) or None, default=None
            Ids, as in `score_samples`.
        random_state : None, int, RandomState or Generator, default=None
            None uses the estimator's own `random_state`.

        Returns
        -------
        X_drawn : ndarray or DataFrame of shape (n_samples, n_features)
            In the container of `X`.

        Raises
        ------
        ValueError
            If the observed cells of a sequence are impossible.
        """
        rows, steps = self._scored(X, groups)
        missing = np.isnan(rows)
        drawn, rng = rows.copy(), self._draw_generator(random_state)
        if missing.any():
            states = self._recursions(steps, self._params).sample_paths(
                rng.random(len(rows))
            )
            if (states < 0).any():
                raise ValueError(
                    f"Row {int(np.argmax(states < 0))} is of a sequence whose observed "
                    "cells have probability 0 under the model: nothing can be drawn."
                )
            sequences = steps.layout.sequences
            filled = self._fill_series(rows, states, sequences, rng)
            drawn[missing] = filled[missing]
        if self._ids is None:
            return self.schema_.restore(drawn, like=X, rng=rng)
        rest, ids = self._ids.take(X)
        return self._ids.put(self.schema_.restore(drawn, like=rest, rng=rng), ids)

    def _fill_series(self, X, states, sequences, rng):
        """As `_fill_rows`, for rows that depend on those before them."""
        return self._fill_rows(X, states, rng)
