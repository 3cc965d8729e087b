"""Starts from short stretches of rows, which states mostly last longer than.

As greedy k-means++, but centers are segments of sequences, and how near another segment
is says the density of its rows under an emission fitted to the center: columns of all
kinds count by what they tell. Drawing segments that are far more often, or giving all
to the nearest and fitting again, as k-means goes on, made starts no better on nine
planted chains.
"""

from functools import partial

import numpy as np

from sklearn_gen._blocks import sum_blocks
from sklearn_gen.hmm._starts import ORDERED

# A start has segments of one of these lengths: long ones tell more of their state,
# short ones are more often of a single one.
_LENGTHS = (2, 4, 8, 16)
_ROWS = 4096  # of segments that are looked at
_TRIES = 4  # for each state: the one that explains most is taken
# Of many starts so many are from single rows: where sequences are short they find other
# maxima. Earthquakes' four states: a quarter of k-means' starts, one in 100 of these.
_OTHERS = 0.5
# A single start is of the kind that these iterations show to be better. Of 80 Gaussian
# ones, ten for each of eight planted chains, k-means' reach the optimum in 58 cases,
# segments in 62, the better of the two in 73; two iterations or thirty change little.
_AHEAD = 5


class SegmentStarts:
    """EM starts from states that segments of the sequences have, each as a whole."""

    # Whether all starts, not a single one alone, are of the better kind.
    _compares_starts = False
    _ahead = _AHEAD

    def _initial_params(self, X, series, rng):
        ordered = isinstance(self.topology, str) and self.topology in ORDERED
        if self.n_components == 1 or ordered or series.states.size:
            return super()._initial_params(X, series, rng)
        if self.n_init > 1 and not self._compares_starts:
            own = rng.random() >= _OTHERS
            kind = self._of_segments if own else super()._initial_params
            return kind(X, series, rng)
        starts = (
            super()._initial_params(X, series, rng),
            self._of_segments(X, series, rng),
        )
        over = partial(sum_blocks, map, blocks=self._blocks(X, series))
        return max(starts, key=partial(self._bound_ahead, over))

    def _bound_ahead(self, sum_stats, params):
        """What some iterations of EM raise from a start."""
        for _ in range(self._ahead):
            updated, stats = self._em_step(params, sum_stats)
            bound, params = self._bound(stats, params, updated), updated
        return bound

    def _of_segments(self, X, series, rng):
        coded = self._coded(X, series.sequences)
        weight = series.weight[series.sequences.of_rows]
        length = min(rng.choice(_LENGTHS), max(1, len(X) // (2 * self.n_components)))
        starts = _cut(series.sequences, length)
        ends = np.append(starts[1:], len(X))
        order = rng.permutation(np.flatnonzero(weight[starts] > 0.0))
        looked_at = np.sort(order[: max(self.n_components, _ROWS // length)])
        rows = np.concatenate([np.arange(starts[i], ends[i]) for i in looked_at])
        sizes = ends[looked_at] - starts[looked_at]
        emission = self._emission_of_segments(coded[rows], weight[rows], sizes, rng)
        resp = _shares(self._log_probs(coded, emission, starts))
        return self._params_of(X, series, np.repeat(resp, ends - starts, axis=0))

    def _emission_of_segments(self, rows, weight, sizes, rng):
        """Emission parameters, each state's of one of the segments of these sizes."""
        K, S = self.n_components, len(sizes)
        starts = np.cumsum(sizes) - sizes
        fit = self._rough()[1]
        # Beside its segments, every state has one row of the whole table.
        whole = np.repeat(weight[:, None] / weight.sum(), K, axis=1)

        def fitted(shares):
            resp = weight[:, None] * np.repeat(shares, sizes, axis=0)
            return fit(rows, resp + whole)

        def most(tried, best):
            emission = fitted(_one_each(tried, S, K))
            found = self._log_probs(rows, emission, starts)[:, : len(tried)]
            reached = np.maximum(found, best[:, None])
            at = reached.sum(axis=0).argmax()
            return tried[at], reached[:, at]

        best, chosen = np.full(S, -np.inf), []
        for _ in range(K):
            segment, reached = most(rng.choice(S, min(K, _TRIES)), best)
            if np.allclose(reached, best):  # a copy: EM would never part the two
                segment, reached = most([(best / sizes).argmin()], best)
            chosen.append(segment)
            best = reached
        return fitted(_one_each(chosen, S, K))

    def _log_probs(self, rows, emission, starts):
        """Log density of each segment under each state, (S, K)."""
        shared = self._shared(rows, emission)
        return np.add.reduceat(self._rough()[0].log_prob(rows, shared), starts, axis=0)

    def _rough(self):
        """What says how near segments are: an emission, and what fits it to rows."""
        return self._emission, self._starting_emission


def _cut(sequences, length):
    """First rows of the segments of all sequences, in order."""
    counts = -(-sequences.lengths // length)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(sequences.starts, counts) + length * place


def _one_each(segments, n_segments, n_components):
    """Shares of states in segments: state k is all of the k-th segment named."""
    shares = np.zeros((n_segments, n_components))
    shares[segments, np.arange(len(segments))] = 1.0
    return shares


def _shares(log_probs):
    """Probabilities of states; alike where none is possible."""
    top = log_probs.max(axis=1, keepdims=True)
    shares = np.exp(log_probs - np.where(np.isfinite(top), top, 0.0))
    shares[~np.isfinite(top[:, 0])] = 1.0
    return shares / shares.sum(axis=1, keepdims=True)
