"""Runs of EM side by side: where rows are few, one E-step for all of them.

What takes time there is not arithmetic but what surrounds it, once for all runs instead
of once for each. The states of all runs are then those of one emission, and a vector's
lanes in the recursions are runs, each with a chain of its own. M-steps, and all else,
are those of runs one after another, and results equal theirs up to rounding.
"""

from functools import partial
from itertools import count, islice

import numpy as np

from sklearn_gen._gaussian import is_shared
from sklearn_gen._kernels.markov_runs import smooth_runs
from sklearn_gen.hmm._emissions_categorical import CategoricalEmission
from sklearn_gen.hmm._emissions_families import FamiliesEmission, FamiliesParams
from sklearn_gen.hmm._emissions_gaussian import GaussianEmission
from sklearn_gen.hmm._emissions_mixture import MixtureEmission
from sklearn_gen.hmm._emissions_multinomial import MultinomialEmission
from sklearn_gen.hmm._emissions_student import StudentEmission
from sklearn_gen.hmm._recursions import SequenceStats

# Rows times states of all runs together: their log densities, and what the recursions
# keep of a vector of runs, fit into a core's cache (2 MB).
_MOST_STATES = 2**17
_FEWEST = 8  # runs that could go side by side: a vector of them
# Up to so many rows times states a single run, too, is faster as a lane of one.
_ONE_RUN = 2**10

# Emissions whose states may be those of many runs, and fields with an axis of states.
_JOINED = (
    CategoricalEmission,
    FamiliesEmission,
    GaussianEmission,
    MixtureEmission,
    MultinomialEmission,
    StudentEmission,
)
_OF_STATES = {
    **dict.fromkeys(("weights", "means", "covariances", "precisions_cholesky"), 0),
    **dict.fromkeys(("dof", "log_weights", "log_tables", "probabilities"), 0),
    **dict.fromkeys(("s0", "s1", "s2", "su", "sl", "counts"), 0),
    "moments": 1,
}


class SideBySide:
    """EM of several starts at a time, as many as fit the cache."""

    def _side_by_side(self, X, series, rng):
        starts, size = self._starts(X, series, rng), self._n_at_once(len(X))
        numbers = count()
        while runs := list(islice(starts, size)):
            if size > 1:
                for run in runs:
                    run.label = f"{next(numbers)}: "
            yield runs

    def _n_at_once(self, n_rows):
        """Number of runs that go side by side."""
        structure = getattr(self._emission, "structure", None)
        apart = structure is not None and is_shared(structure)
        if apart or not isinstance(self._emission, _JOINED):
            return 1
        size = _MOST_STATES // (n_rows * self.n_components)
        return min(self.n_init, size) if size >= _FEWEST else 1

    def _em_steps(self, params, sum_stats):
        """One iteration of each run; exactly where numbers of one are too small."""
        found = [None] * len(params)
        if len(params) > 1:
            found = sum_stats(partial(self._stats_of_runs, params=params))
        return [
            self._em_step(own, sum_stats)
            if stats is None
            else (self._m_step(stats, own), stats)
            for own, stats in zip(params, found, strict=True)
        ]

    def _stats_of_one(self, steps, params):
        """Statistics of a single run over few rows; None of many, or in trouble."""
        if steps.layout.sequences.n_rows * self.n_components > _ONE_RUN:
            return None
        return self._stats_of_runs(steps, [params])[0]

    def _stats_of_runs(self, steps, params):
        """Statistics under each run's parameters; None where there is trouble."""
        emission = joined([own.emission for own in params])
        shared = self._shared(steps.X, emission)
        log_prob = self._emission.log_prob(steps.X, shared)
        if steps.states.size:
            own = np.arange(log_prob.shape[1]) % self.n_components
            other = (steps.states[:, None] >= 0) & (steps.states[:, None] != own)
            log_prob = np.where(other, -np.inf, log_prob)
        dtype, lengths = steps.layout.dtype, steps.layout.sequences.lengths
        got = smooth_runs(
            np.asarray(log_prob.T, dtype),
            *(lengths, steps.weight.astype(dtype)),
            np.array([own.chain.start for own in params], dtype),
            np.array([own.chain.transitions for own in params], dtype),
        )
        sums = self._emission.stats(steps.X, got.gamma.T, emission)
        weight = float(steps.weight @ lengths)
        return [
            None if trouble else SequenceStats(likelihood, weight, start, pairs, own)
            for trouble, likelihood, start, pairs, own in zip(
                *(got.trouble, got.log_likelihood.tolist(), got.start),
                *(got.transitions, parted(sums, len(params))),
                strict=True,
            )
        ]


def joined(params):
    """Emission parameters of several runs as those of one with all their states."""
    first = params[0]
    if len(params) == 1:
        return first
    if isinstance(first, FamiliesParams):
        columns = zip(*(own.columns for own in params), strict=True)
        return FamiliesParams(
            sum(own.n_states for own in params),
            tuple(
                type(own[0])(*(np.concatenate(x, -1) for x in zip(*own, strict=True)))
                for own in columns
            ),
        )
    fields = {
        name: np.concatenate([getattr(own, name) for own in params], _OF_STATES[name])
        for name in first._fields
        if name in _OF_STATES
    }
    return first._replace(**fields)


def parted(stats, n_runs):
    """Statistics of the states of several runs, each run's on its own."""
    if n_runs == 1:
        return [stats]
    parts = []
    for name, value in zip(stats._fields, stats, strict=True):
        axis = _OF_STATES.get(name)
        if axis is None:  # a number, the same for all
            parts.append([value / n_runs] * n_runs)
            continue
        shape = value.shape
        each = n_runs, shape[axis] // n_runs
        own = value.reshape(*shape[:axis], *each, *shape[axis + 1 :])
        parts.append(own if axis == 0 else own.swapaxes(0, axis))
    return [type(stats)(*own) for own in zip(*parts, strict=True)]
