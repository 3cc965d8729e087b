"""Sequences cut into groups of lanes, which kernels work on side by side.

Depends on the lengths of the sequences, the number of states and the precision alone,
so that results are the same bytes for every number of threads.
"""

from typing import NamedTuple

import numpy as np

from sklearn_gen._kernels import markov
from sklearn_gen._kernels.markov import EDGE, NEIGHBOUR

# A piece has as many rows as fit a core's cache (2 MB) with two arrays of (states,
# rows): with half as many, what surrounds kernel calls takes a tenth of an iteration,
# and threads wait for one another there.
_PIECE_BYTES = 2**20
_MIN_ROWS = 4096
# Twice as many rows where that leaves so many pieces: threads share them evenly.
_MANY = 8
# What one array of a group should take where sequences are cut anyway, and the fewest
# rows of a lane, which the group beside it repeats.
_GROUP_BYTES = 2**19
_MIN_SHARED = 96
# Lanes of fewer rows than this repeat too much of their work to link up.
_MIN_LANE = 32


class Piece(NamedTuple):
    """Some groups of lanes; fields are (G, L) but for `first`, (G + 1,)."""

    first: np.ndarray  # where each group's (time, lane) rows start, and their number
    starts: np.ndarray  # row of the table that a lane starts with
    lengths: np.ndarray
    sequence: np.ndarray  # index of the lane's sequence, -1: unused
    enter: np.ndarray
    leave: np.ndarray
    own: np.ndarray  # False: a neighbour of the piece's lanes, for their sake
    # Where a sequence has many groups: groups follow one another, and share lanes.
    # The first (last) lane belongs to the group before (after), if there is one.
    chained: bool = False
    follows: bool = False
    goes_on: bool = False

    def rows(self):
        """Row of the table at each (time, lane); some are there to fill the group."""
        return markov.rows_of_lanes(self.first, self.starts, self.lengths)

    def counted(self):
        """Which (time, lane) count, each row of the table once, and these rows."""
        return markov.counted_rows(self.first, self.starts, self.lengths, self.own)

    def groups(self):
        """Pieces of one group each."""
        G = len(self.lengths)
        return [
            self._replace(
                first=self.first[g : g + 2] - self.first[g],
                **{name: getattr(self, name)[g : g + 1] for name in _LANES},
                follows=self.follows or g > 0,
                goes_on=self.goes_on or g < G - 1,
            )
            for g in range(G)
        ]

    def without(self, sequences):
        """The piece with the lanes of some sequences empty."""
        kept = ~np.isin(self.sequence, sequences)
        return self._replace(
            own=self.own & kept, lengths=np.where(kept, self.lengths, 0)
        )


_LANES = ("starts", "lengths", "sequence", "enter", "leave", "own")


class Layout(NamedTuple):
    """How the rows of sequences are worked on.

    Attributes
    ----------
    sequences : Sequences
        What was cut.
    pieces : list of Piece
        The pieces of a sequence that has several are neighbours, in order.
    dtype : dtype
        Of all numbers.
    """

    sequences: object
    pieces: list
    dtype: np.dtype

    def chains(self):
        """Lists of pieces, in order: neighbours whose sequence goes on, or single."""
        chains = []
        for piece in self.pieces:
            if piece.follows:
                chains[-1].append(piece)
            else:
                chains.append([piece])
        return chains


def lay_out(sequences, n_components, dtype):
    """Cut sequences into pieces.

    Parameters
    ----------
    sequences : Sequences
        Where they start, and their lengths.
    n_components : int
        Number of hidden states.
    dtype : dtype
        Of the densities: float64 or float32.

    Returns
    -------
    layout : Layout
        Where a sequence has more parts than a group has lanes, its pieces have no
        other sequence.
    """
    size = np.dtype(dtype).itemsize
    L = 256 // size
    n_rows = max(_PIECE_BYTES // (size * n_components), _MIN_ROWS)
    shared = max(_GROUP_BYTES // (256 * n_components), _MIN_SHARED)
    n, S = sequences.n_rows, len(sequences.lengths)
    n_rows = max(n_rows, min(2 * n_rows, n // _MANY))
    # parts of a few sequences should fill the lanes of one group
    target = -(-n // max(L - S, L // 2))
    target = min(max(target, _MIN_LANE), n_rows // L)
    n_parts = -(-sequences.lengths // target)
    n_parts[sequences.lengths > L * shared] = L + 1
    longest = -(-sequences.lengths // np.maximum(n_parts, 1))
    pieces, group, groups, held = [], [], [], 0
    # lists: there may be a sequence per row, and an array's element takes 100 ns
    starts, lengths, parts = (
        x.tolist() for x in (sequences.starts, sequences.lengths, n_parts)
    )
    for s in np.argsort(-longest, kind="stable").tolist():
        count = parts[s]
        if count > L:
            pieces += _span(sequences, s, shared, n_rows, L)
            continue
        if len(group) + count > L:
            groups.append(group)
            group = []
        if count == 1:
            group.append((starts[s], lengths[s], s, EDGE, EDGE, True))
        elif count:
            group += _linked(sequences, s, count)
    groups += [group] if group else []
    few = []
    for group in groups:
        few.append(group)
        held += L * max(lane[1] for lane in group)
        if held >= n_rows:
            pieces.append(_piece(few, L))
            few, held = [], 0
    if few:
        pieces.append(_piece(few, L))
    return Layout(sequences, pieces, np.dtype(dtype))


def _parts(sequences, s, count):
    """Starts and lengths of nearly equal parts of a sequence."""
    length, start = sequences.lengths[s], sequences.starts[s]
    edges = start + np.arange(count + 1) * length // count
    return edges[:-1], np.diff(edges)


def _linked(sequences, s, count):
    """Lanes (start, length, sequence, enter, leave, own) of a whole sequence."""
    starts, lengths = _parts(sequences, s, count)
    return [
        (
            starts[i],
            lengths[i],
            s,
            NEIGHBOUR if i else EDGE,
            NEIGHBOUR if i < count - 1 else EDGE,
            True,
        )
        for i in range(count)
    ]


def _span(sequences, s, target, n_rows, L):
    """Pieces of a sequence that has more parts than lanes.

    Neighbouring groups share two parts: the last that one owns is the first of the
    other, so that both find out what they are entered and left with.
    """
    n_groups = max(2, -(-(-(-sequences.lengths[s] // target) - 2) // (L - 2)))
    lanes = _linked(sequences, s, n_groups * (L - 2) + 2)
    groups = []
    for g in range(n_groups):
        group = lanes[g * (L - 2) : g * (L - 2) + L]
        if g > 0:
            start, length, _, _, leave, _ = group[0]
            group[0] = start, length, s, 0, leave, False
        if g < n_groups - 1:
            start, length, _, enter, _, _ = group[-1]
            group[-1] = start, length, s, enter, 0, False
        groups.append(group)
    count = max(1, n_rows // (L * lanes[-1][1]))
    return [
        _piece(groups[g : g + count], L)._replace(
            chained=True, follows=g > 0, goes_on=g + count < n_groups
        )
        for g in range(0, n_groups, count)
    ]


def _piece(groups, L):
    shape = len(groups), L
    fields = [np.zeros(shape, np.int64), np.zeros(shape, np.int64)]
    fields += [np.full(shape, value, np.int64) for value in (-1, EDGE, EDGE)]
    fields.append(np.zeros(shape, bool))
    for g, group in enumerate(groups):
        for field, values in zip(fields, zip(*group, strict=True), strict=True):
            field[g, : len(group)] = values
            if field is fields[0]:
                field[g, len(group) :] = values[0]
    first = np.r_[0, np.cumsum(L * fields[1].max(axis=1))].astype(np.int64)
    for field in (first, *fields):
        field.flags.writeable = False  # as kernels see them: a call less for each
    return Piece(first, *fields)
