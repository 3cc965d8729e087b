"""What fit and scores are given of sequences: ids, known states, weights."""

from functools import wraps
from typing import NamedTuple

import numpy as np

from sklearn_gen._validation import DegenerateDataWarning, check_weights, warn
from sklearn_gen.hmm._sequences import Sequences, sequences_of

_ADVICE = (
    "sequences are named by groups=, one id per row: "
    "groups=groups_from_lengths(lengths), from sklearn_gen.hmm"
)


class Series(NamedTuple):
    """Sequences in the rows of a table, and what is known of them.

    Attributes
    ----------
    sequences : Sequences
    weight : ndarray of shape (n_sequences,)
    states : ndarray of shape (n_rows,), int64, or (0,)
        State of each row, -1 where it isn't known; empty where none is.
    """

    sequences: Sequences
    weight: np.ndarray
    states: np.ndarray


def refuse_lengths(y, unknown, n_rows):
    """Raise where lengths of sequences come as hmmlearn takes them.

    Raises
    ------
    TypeError
        For a keyword `lengths`, or any other that isn't known.
    ValueError
        For lengths in the place of `y`.
    """
    if "lengths" in unknown:
        raise TypeError(f"got a keyword argument 'lengths': {_ADVICE}.")
    for name in unknown:
        raise TypeError(f"got an unexpected keyword argument {name!r}.")
    if y is None or np.ndim(y) != 1 or len(y) >= n_rows:
        return
    lengths = np.asarray(y)
    if lengths.dtype.kind in "iuf" and np.array_equal(lengths, np.floor(lengths)):
        raise ValueError(
            f"y is ignored, but {len(lengths)} whole numbers (sum {lengths.sum():g}) "
            f"for {n_rows} rows look like lengths of sequences: {_ADVICE}."
        )


def warn_of_single_rows(sequences):
    """Say where no sequence has a step."""
    if len(sequences.lengths) > 1 and sequences.lengths.max() == 1:
        warn(
            f"All {len(sequences.lengths)} sequences have one row: nothing can be "
            "learned of steps from state to state. groups and group_column name "
            "the sequence of each row, and rows of one sequence have the same id; "
            "rows without order are for sklearn_gen.mixture.",
            DegenerateDataWarning,
        )


def without_lengths(method):
    """Make a method that takes rows say what to write instead of `lengths`."""

    @wraps(method)
    def checked(self, *rows, **keywords):
        if "lengths" in keywords:
            raise TypeError(f"got a keyword argument 'lengths': {_ADVICE}.")
        if len(rows) > 1 and method.__name__ != "score":  # which takes y
            only = "n_samples" if method.__name__ == "sample" else "X"
            raise TypeError(
                f"{method.__name__} takes nothing but {only} by position; {_ADVICE}."
            )
        return method(self, *rows, **keywords)

    return checked


def series_of(groups, n_rows, states=None, sequence_weight=None, n_states=None):
    """Check what is given of sequences.

    Parameters
    ----------
    groups : array-like of shape (n_rows,) or None
        Ids; None: one sequence.
    n_rows : int
        Rows of the table.
    states : array-like of shape (n_rows,) or None
        Known states, -1 where unknown.
    sequence_weight : array-like of shape (n_sequences,) or None
        Weights, in the order of the sequences.
    n_states : int or None
        How many states there are.

    Returns
    -------
    series : Series

    Raises
    ------
    ValueError
        Naming what is wrong.
    """
    sequences = sequences_of(groups, n_rows)
    n_sequences = len(sequences.lengths)
    weight = np.ones(n_sequences)
    if sequence_weight is not None:
        if np.shape(sequence_weight) not in ((), (n_sequences,)):
            raise ValueError(
                f"sequence_weight has shape {np.shape(sequence_weight)} for "
                f"{n_sequences} sequences: give one per sequence, in their order."
            )
        weight = check_weights(sequence_weight, n_sequences, name="sequence_weight")
    known = np.empty(0, dtype=np.int64)
    if states is not None:
        known = np.asarray(states)
        if known.shape != (n_rows,):
            raise ValueError(
                f"states has shape {known.shape}; give one per row, ({n_rows},), -1 "
                "where a state isn't known."
            )
        wrong = ~np.isin(known, np.arange(-1, n_states))
        if wrong.any():
            first = known[wrong].tolist()[0]
            raise ValueError(
                f"states[{int(np.argmax(wrong))}] is {first!r}: states are "
                f"integers from 0 to n_components - 1 = {n_states - 1}, or -1."
            )
        known = known.astype(np.int64)
    return Series(sequences, weight, known)
