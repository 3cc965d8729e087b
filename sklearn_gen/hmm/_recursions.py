"""Recursions over hidden states, in pieces of rows that stay in the cache.

Emissions and recursions meet here and know nothing of each other: for the rows of a
piece, log densities (n, K) come in, and expected states (n, K) go out.

- ``take(rows)`` gives the rows of these indices, in any form;
- ``log_prob(block)`` gives log p(x | z = k), (n, K), of what `take` gave: best as the
  transpose of a C-contiguous array. -inf is a state that can't have emitted the row, a
  row of zeros one that says nothing: a gap in time.
- ``stats(block, gamma)`` gives a NamedTuple of sums over rows weighted by gamma (n, K),
  the transpose of a C-contiguous array.
"""

from functools import partial, reduce
from typing import NamedTuple

import numpy as np

from sklearn_gen._blocks import add, workers
from sklearn_gen._kernels import markov, markov_exact, markov_paths
from sklearn_gen.hmm._borders import agreeing, part_of


class Chain(NamedTuple):
    """Probabilities of hidden states."""

    start: np.ndarray  # (K,)
    transitions: np.ndarray  # (K, K), rows sum to 1

    def logarithms(self):
        """The same in logarithms; -inf for what can't be."""
        with np.errstate(divide="ignore"):
            return Chain(np.log(self.start), np.log(self.transitions))

    def arguments(self, dtype):
        """What kernels take, start as (1, K)."""
        start, transitions = (np.asarray(x, dtype) for x in self)
        return start[None], transitions


class MarkovStats(NamedTuple):
    """Expected states and transitions, summed over weighted sequences."""

    log_likelihood: float
    weight: float  # of all rows
    start: np.ndarray  # (K,)
    transitions: np.ndarray  # (K, K)


class SequenceStats(NamedTuple):
    """The same, and what `stats` gave of the emission."""

    log_likelihood: float
    weight: float
    start: np.ndarray
    transitions: np.ndarray
    emission: tuple


class Recursions:
    """Recursions of one chain over the rows of a table.

    Parameters
    ----------
    layout : Layout
        How the sequences were cut.
    chain : Chain
        Start and transition probabilities.
    take, log_prob : callable
        See the top of this file.
    n_jobs : int or None
        Number of threads; results are the same bytes for every number.
    """

    def __init__(self, layout, chain, take, log_prob, n_jobs=None):
        self.layout, self.chain = layout, chain
        self.take, self.log_prob = take, log_prob
        self.n_jobs = n_jobs

    # -- sums over paths ---------------------------------------------------------

    def expect(self, stats, sequence_weight=None):
        """Sums of the E-step.

        Parameters
        ----------
        stats : callable or None
            See the top of this file.
        sequence_weight : ndarray of shape (n_sequences,) or None
            Weights of sequences. One of weight 0 counts nothing, however impossible.

        Returns
        -------
        markov : MarkovStats
            Sums of the chain. An impossible sequence adds -inf to the log-likelihood
            and nothing to the others.
        emissions : NamedTuple or None
            The sum of what `stats` gave.
        """
        lengths = self.layout.sequences.lengths
        if sequence_weight is None:
            sequence_weight = np.ones(len(lengths))
        weight = np.asarray(sequence_weight, np.float64)
        unused = np.flatnonzero(weight == 0.0)
        work = partial(self._expect_piece, stats, weight, unused)
        exact = partial(self._expect_exactly, stats, weight)
        sums = reduce(_add_pair, self._run(work, exact))
        markov_sums = sums[0]._replace(weight=float(weight @ lengths))
        return markov_sums, sums[1]

    def _expect_piece(self, stats, weight, unused, piece, entry=None, leave=None):
        piece = piece.without(unused) if len(unused) else piece
        block, log_prob = self._densities(piece.rows())
        got = self._smooth(piece, log_prob, weight, entry, leave)
        lanes = piece.own
        sums = MarkovStats(
            float(got.log_likelihood[lanes] @ weight[piece.sequence[lanes]]),
            0.0,
            got.start,
            got.transitions,
        )
        emission = None if stats is None else stats(block, got.gamma.T)
        return part_of(piece, (sums, emission), got, got.before)

    def _expect_exactly(self, stats, weight, s):
        block, got, _ = self._exact(s)
        possible = np.isfinite(got.log_prob[-1])
        gamma = (weight[s] * got.gamma).astype(self.layout.dtype)
        sums = MarkovStats(
            float(weight[s] * got.log_prob.sum()),
            0.0,
            gamma[0] if possible else np.zeros(gamma.shape[1]),
            weight[s] * got.transitions,
        )
        return sums, None if stats is None else stats(block, gamma)

    def smooth(self):
        """Smooth: p(z_t | whole sequence), (n, K); zeros where that is impossible."""
        out = self._empty()
        weight = np.ones(len(self.layout.sequences.lengths))

        def work(piece, entry=None, leave=None):
            _, log_prob = self._densities(piece.rows())
            got = self._smooth(piece, log_prob, weight, entry, leave)
            at, rows = piece.counted()
            out[rows] = got.gamma.T[at]
            return part_of(piece, (), got, got.before)

        def exact(s):
            _, got, rows = self._exact(s)
            out[rows] = got.gamma
            return ()

        list(self._run(work, exact))
        return out

    def filter(self, with_states=True):
        """What each row says given the rows of its sequence before it.

        Parameters
        ----------
        with_states : bool
            Whether to return p(z_t | x_<=t).

        Returns
        -------
        log_prob : ndarray of shape (n,)
            Of each row, log p(x_t | x_<t); -inf from the row on that makes a sequence
            impossible.
        states : ndarray of shape (n, K) or None
            Of each row, p(z_t | x_<=t); zeros where log_prob is -inf.
        """
        scores = np.empty(self.layout.sequences.n_rows, self.layout.dtype)
        out = self._empty() if with_states else None

        def work(piece, entry=None, leave=None):
            _, log_prob = self._densities(piece.rows())
            piece, entries, _ = self._given(piece, entry, None)
            got = markov.filtered(
                log_prob,
                *(piece.first, piece.lengths, piece.enter),
                *self.chain.arguments(self.layout.dtype),
                *(entries, with_states),
            )
            at, rows = piece.counted()
            scores[rows] = got.log_prob[at]
            if with_states:
                out[rows] = got.states.T[at]
            return part_of(piece, (), got)

        def exact(s):
            _, got, rows = self._exact(s)
            scores[rows] = got.log_prob
            if with_states:
                out[rows] = np.exp(got.log_filtered)
            return ()

        list(self._run(work, exact))
        return scores, out

    def predict(self):
        """Predict: p(z_t | x_<t), (n, K), from the filter, one transition on."""
        _, filtered = self.filter()
        out = np.empty_like(filtered)
        start, transitions = self.chain.arguments(self.layout.dtype)
        np.matmul(filtered[:-1], transitions, out=out[1:])
        out[self.layout.sequences.starts] = start
        return out

    # -- single paths ------------------------------------------------------------

    def viterbi(self):
        """Most probable path of each sequence.

        Returns
        -------
        states : ndarray of shape (n,), int64
            -1 where a sequence is impossible.
        log_prob : ndarray of shape (n_sequences,)
            Of each path, log p(x, path).
        """
        chain = self.chain.logarithms().arguments(self.layout.dtype)
        scores = np.zeros(len(self.layout.sequences.lengths))
        states = np.empty(self.layout.sequences.n_rows, np.int64)
        self._paths(markov_paths.viterbi, chain, (), None, states, scores)
        impossible = np.isneginf(scores)
        if impossible.any():
            states[impossible[self.layout.sequences.of_rows]] = -1
        return states, scores

    def sample_paths(self, uniforms):
        """Draw a path of each sequence given all its rows.

        Parameters
        ----------
        uniforms : ndarray of shape (n,)
            One per row, in [0, 1).

        Returns
        -------
        states : ndarray of shape (n,), int64
            -1 where a sequence is impossible.
        """
        uniforms = uniforms.astype(self.layout.dtype)
        # rounding to single precision may give 1
        largest = np.nextafter(self.layout.dtype.type(1), self.layout.dtype.type(0))
        np.minimum(uniforms, largest, out=uniforms)
        log_transitions = self.chain.logarithms().transitions

        def exact(s):
            _, got, rows = self._exact(s)
            u = uniforms[rows].astype(np.float64)
            states[rows] = (
                markov_exact.draw_exactly(got.log_filtered, log_transitions, u)
                if np.isfinite(got.log_prob[-1])
                else -1
            )
            return ()

        chain = self.chain.arguments(self.layout.dtype)
        states = np.empty(self.layout.sequences.n_rows, np.int64)
        kernel = markov_paths.drawn_paths
        return self._paths(kernel, chain, (uniforms,), exact, states)

    def _paths(self, kernel, chain, per_row, exact, states, scores=None):
        def work(piece, entry=None, leave=None):
            rows = piece.rows()
            _, log_prob = self._densities(rows)
            piece, entries, exits = self._given(piece, entry, leave)
            got = kernel(
                log_prob,
                *(piece.first, piece.lengths, piece.enter, piece.leave),
                *(*chain, entries, exits.astype(np.int64).ravel()),
                *(x[rows] for x in per_row),
            )
            at, counted = piece.counted()
            states[counted] = got.states[at]
            lanes = np.arange(piece.lengths.shape[1])
            firsts = got.states[piece.first[:-1, None] + lanes][:, None]
            scored = piece.sequence[piece.own], got.log_prob[piece.own]
            return part_of(piece, scored, got, firsts, kernel is markov_paths.viterbi)

        for result in self._run(work, exact):
            if scores is not None:
                np.add.at(scores, *result)
        return states

    # -- pieces ------------------------------------------------------------------

    def _empty(self):
        shape = self.layout.sequences.n_rows, len(self.chain.start)
        return np.empty(shape, self.layout.dtype)

    def _densities(self, rows):
        """The block of some rows, and their log densities, (K, n)."""
        block = self.take(rows)
        log_prob = np.asarray(self.log_prob(block), self.layout.dtype)
        return block, np.ascontiguousarray(log_prob.T)

    def _exact(self, s):
        """One sequence by way of logarithms: block, sums, and rows."""
        start, length = (int(x[s]) for x in self.layout.sequences)
        block = self.take(np.arange(start, start + length))
        log_prob = np.ascontiguousarray(self.log_prob(block), np.float64)
        start_, transitions = self.chain.logarithms().arguments(np.float64)
        got = markov_exact.smooth_exactly(log_prob, start_[0], transitions)
        return block, got, slice(start, start + length)

    def _given(self, piece, entry, leave):
        """The piece with what is known of its neighbours, and vectors for kernels."""
        shape, dtype = (1, len(self.chain.start)), self.layout.dtype
        entries, exits = np.full(shape, 1.0 / shape[1], dtype), np.ones(shape, dtype)
        if entry is not None:
            enter = piece.enter.copy()
            enter[0, 1] = 0
            piece, entries = piece._replace(enter=enter), entry
        if leave is not None:
            leaves = piece.leave.copy()
            leaves[0, -2] = 0
            piece, exits = piece._replace(leave=leaves), leave
        return piece, entries, exits

    def _smooth(self, piece, log_prob, weight, entry, leave):
        piece, entries, exits = self._given(piece, entry, leave)
        lane_weight = np.where(piece.sequence < 0, 0.0, weight[piece.sequence])
        return markov.smooth(
            log_prob,
            *(piece.first, piece.lengths, piece.enter, piece.leave, piece.own),
            lane_weight.astype(self.layout.dtype),
            *self.chain.arguments(self.layout.dtype),
            *(entries, exits),
        )

    def _run(self, work, exact):
        """Results of all pieces and, where those fail, of sequences, in order."""
        # of one piece, starting threads would take as long as the work
        with workers(self.n_jobs if len(self.layout.pieces) > 1 else 1) as run:
            parts = iter(run(work, self.layout.pieces))
            for pieces in self.layout.chains():
                some = [next(parts) for _ in pieces]
                yield from self._settled(pieces, some, work, exact)

    def _settled(self, pieces, parts, work, exact):
        """Results of the pieces of one chain, repeated where borders disagree."""
        if not any(len(part.troubled) for part in parts):
            yield from (part.result for part in agreeing(pieces, parts, work))
            return
        troubled = np.unique(np.concatenate([part.troubled for part in parts]))
        if len(pieces) == 1:
            yield work(pieces[0].without(troubled)).result
        yield from map(exact, troubled)


def _add_pair(left, right):
    emissions = None if left[1] is None else add(left[1], right[1])
    return add(left[0], right[0]), emissions
