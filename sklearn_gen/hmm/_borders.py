"""Borders between the pieces of one sequence: what one assumed of the next."""

from typing import NamedTuple

import numpy as np

# Relative difference from which on vectors at a border count as different.
_SAME = {8: 1e-13, 4: 1e-5}
# Probabilities below this may be rounded to 0.
_ZERO = {8: 1e-290, 4: 1e-29}
_NOTHING = np.empty(0, np.int64)


class Part(NamedTuple):
    """What came of a piece; what its groups found at their borders, and assumed there.

    Borders of G groups, where these belong to one sequence; else None.
    """

    result: tuple
    troubled: np.ndarray  # indices of sequences whose sums can't be trusted
    ends: np.ndarray = None  # what the next group should be entered with, (G, K)
    entered: np.ndarray = None  # what each was entered with
    begins: np.ndarray = None  # what the group before should leave to
    left: np.ndarray = None  # what each left to
    logarithms: bool = False  # whether `ends` and `entered` are


def part_of(piece, result, got, before=None, logarithms=False):
    """What a piece and its groups found.

    Parameters
    ----------
    piece : Piece
        What a kernel worked on.
    result : tuple
        Kept.
    got : NamedTuple
        What a kernel returned.
    before : ndarray of shape (G, any, L) or None
        What left neighbours of lanes leave to; None: nobody needs that.
    logarithms : bool
        Whether ``got.last`` are logarithms.
    """
    # also in lanes that are there for their neighbours: what overflows there spoils all
    troubled = got.trouble & (piece.lengths > 0)
    troubled = np.unique(piece.sequence[troubled]) if troubled.any() else _NOTHING
    if not piece.chained:
        return Part(result, troubled)
    # of the lanes beside those that are shared, where there are such
    ends, entered = got.last[:, :, -2].copy(), got.last[:, :, 0].copy()
    if not piece.goes_on:
        ends[-1] = got.last[-1, :, -1]
    if before is None:
        return Part(result, troubled, ends, entered, logarithms=logarithms)
    begins, left = before[:, :, 1].copy(), before[:, :, -1].copy()
    if not piece.follows:
        begins[0] = before[0, :, 0]
    return Part(result, troubled, ends, entered, begins, left, logarithms)


def _same(x, y, logarithms=False):
    """Whether rows are equal up to rounding; states (integers) exactly."""
    if x.dtype.kind == "i":
        return np.array_equal(x, y)
    tolerance = _SAME[x.itemsize]
    if logarithms:
        return np.allclose(x, y, rtol=10 * tolerance, atol=10 * tolerance)
    x, y = (a / np.maximum(a.sum(axis=1, keepdims=True), 1e-300) for a in (x, y))
    return bool(np.all(np.abs(x - y) <= tolerance * y + _ZERO[x.itemsize]))


def agreeing(pieces, parts, work):
    """Repeat groups of a sequence until all found what their neighbours assumed.

    From left to right for what they are entered with, then from right to left: the
    result is that of one pass over the whole sequence.

    Parameters
    ----------
    pieces : list of Piece
        All pieces of the sequence, in order.
    parts : list of Part
        What `work` made of them.
    work : callable
        work(piece, entry, leave) gives a Part, with what is known of the neighbours of
        a piece of one group, (1, K) each.

    Returns
    -------
    parts : list of Part
        The same, or one for each group.
    """
    fields = [[getattr(part, name) for part in parts] for name in Part._fields[2:6]]
    ends, entered, begins, left = (
        None if field[0] is None else np.concatenate(field) for field in fields
    )
    if ends is None:
        return parts
    backward, logarithms = begins is not None, parts[0].logarithms
    if _same(ends[:-1], entered[1:], logarithms) and not (
        backward and not _same(begins[1:], left[:-1])
    ):
        return parts
    pieces = [group for piece in pieces for group in piece.groups()]
    entries, parts = [None] * len(pieces), [work(pieces[0])]
    for a in range(1, len(pieces)):
        entries[a] = parts[a - 1].ends
        parts.append(work(pieces[a], entries[a]))
    for a in range(len(pieces) - 2 if backward else -1, -1, -1):
        if not _same(parts[a + 1].begins, parts[a].left):
            parts[a] = work(pieces[a], entries[a], parts[a + 1].begins)
    return parts
