"""Borders between the pieces of one sequence: what one assumed of the next."""

from typing import NamedTuple

import numpy as np

# Relative difference from which on vectors at a border count as different.
_SAME = {8: 1e-13, 4: 1e-6}


class Part(NamedTuple):
    """What came of a piece; what it found at its borders, and what it assumed there."""

    result: tuple
    troubled: np.ndarray  # indices of sequences whose sums can't be trusted
    ends: np.ndarray  # what the next piece should be entered with, (K,)
    entered: np.ndarray  # what this one was entered with
    begins: object = None  # what the piece before should leave to
    left: object = None  # what this one left to
    logarithms: bool = False  # whether `ends` and `entered` are


def part_of(piece, result, got, before=None, logarithms=False):
    """What a piece, of one group where it has neighbours, found at its borders.

    Parameters
    ----------
    piece : Piece
    result : tuple
        Kept.
    got : NamedTuple
        What a kernel returned.
    before : ndarray of shape (1, any, L) or None
        What left neighbours of lanes leave to; None: nobody needs that.
    logarithms : bool
        Whether ``got.last`` are logarithms.
    """
    first, last = (1 if piece.follows else 0), (-2 if piece.goes_on else -1)
    begins = left = None
    if before is not None:
        begins, left = before[0, :, first].copy(), before[0, :, -1].copy()
    return Part(
        result,
        np.unique(piece.sequence[got.trouble & piece.own]),
        got.last[0, :, last].copy(),
        got.last[0, :, 0].copy(),
        begins,
        left,
        logarithms,
    )


def _same(x, y, logarithms=False):
    """Whether vectors are equal up to rounding; states (integers) exactly."""
    if x.dtype.kind == "i":
        return np.array_equal(x, y)
    tolerance = _SAME[x.itemsize]
    if logarithms:
        return np.allclose(x, y, rtol=10 * tolerance, atol=10 * tolerance)
    x, y = x / max(x.sum(), 1e-300), y / max(y.sum(), 1e-300)
    return bool(np.all(np.abs(x - y) <= tolerance * y + 1e-290))


def agreeing(pieces, parts, work):
    """Repeat the pieces of a sequence until all found what their neighbours assumed.

    From left to right for what they are entered with, then from right to left: the
    result is that of one pass over the whole sequence.

    Parameters
    ----------
    pieces : list of Piece
    parts : list of Part
        What `work` made of them; overwritten.
    work : callable
        work(piece, entry, leave) gives a Part, with what is known of the neighbours.

    Returns
    -------
    parts : list of Part
    """
    entries = [None] * len(pieces)
    for a in range(1, len(pieces)):
        if not _same(parts[a - 1].ends, parts[a].entered, parts[a].logarithms):
            entries[a] = parts[a - 1].ends
            parts[a] = work(pieces[a], entries[a])
    if parts[0].begins is None:
        return parts
    for a in range(len(pieces) - 2, -1, -1):
        if not _same(parts[a + 1].begins, parts[a].left):
            parts[a] = work(pieces[a], entries[a], parts[a + 1].begins)
    return parts
