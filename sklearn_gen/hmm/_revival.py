"""States that no row visits: EM begins once more where rows are explained worst."""

from dataclasses import dataclass

import numpy as np

from sklearn_gen._column_moments import column_variances
from sklearn_gen._em import Run
from sklearn_gen._validation import DegenerateDataWarning, warn
from sklearn_gen.hmm._side_by_side import SideBySide

# A state that so many rows visit, by expectation and all together, is dead. EM alone
# would not bring it back: its parameters stay as they are without rows.
_DEAD_ROWS = 0.01


@dataclass
class RevivedRun(Run):
    """A run that begins where another ended, but for the states that were dead."""

    revived: tuple = ()


class Revival(SideBySide):
    """Runs of EM that end with dead states are followed by one that revives them.

    The dead state's parameters are then those of the row that the others explain worst
    and of its neighbours, a 2K-th of all. As with all starts, the run of highest
    likelihood is kept.
    """

    def _n_starts(self):
        return 2 * self.n_init

    def _side_by_side(self, X, series, rng):
        for runs in super()._side_by_side(X, series, rng):
            yield runs
            revived = [self._revived(X, series, run) for run in runs]
            if again := [run for run in revived if run]:
                yield again

    def _revived(self, X, series, run):
        """What follows a run that ended with dead states; or None."""
        dead = self._dead_states(run)
        resp = self._shared_out(X, series, run.params, dead) if dead else None
        if resp is None:
            return None
        params = self._params_of(X, series, resp)
        # Rows may be left that only a state could emit to which no step leads.
        recursions = self._recursions(self._steps(X, series), params)
        impossible = np.isneginf(recursions.filter(with_states=False)[0])
        if impossible[series.weight[series.sequences.of_rows] > 0.0].any():
            return None
        names = ", ".join(map(str, dead))
        self._say(f"{run.label}States without rows ({names}) begin again")
        return RevivedRun(params, label=run.label, revived=dead)

    def _dead_states(self, run):
        """Indices of the states that no row visits."""
        if run.last is None:
            return ()
        stats = run.last[0]
        visits = stats.start + stats.transitions.sum(axis=0)
        few = visits < _DEAD_ROWS * stats.weight / self._n_rows
        return tuple(np.flatnonzero(few).tolist())

    def _shared_out(self, X, series, params, dead):
        """Posterior of the states, with the worst rows given to dead ones; or None.

        Rows whose states are known, or that nobody saw, stay as they are.
        """
        recursions = self._recursions(self._steps(X, series), params)
        scores, _ = recursions.filter(with_states=False)
        free = ~np.isnan(X).all(axis=1)
        if series.states.size:
            free &= series.states < 0
        weight = np.where(free, series.weight[series.sequences.of_rows], 0.0)
        if not weight.any():
            return None
        resp = recursions.smooth().astype(np.float64)
        variance = column_variances(X, weight)
        spread = np.sqrt(np.where(variance > 0.0, variance, 1.0))
        share = weight.sum() / (2 * self.n_components)
        for state in dead:
            worst = np.argmin(np.where(weight > 0.0, scores, np.inf))
            away = np.nan_to_num((X - X[worst]) / spread)
            order = np.argsort((away**2).sum(axis=1), kind="stable")
            near = order[np.cumsum(weight[order]) <= max(share, weight[worst])]
            resp[near[weight[near] > 0.0]] = np.eye(self.n_components)[state]
            weight[near] = 0.0
            if not weight.any():
                break
        return resp

    def _warn_unless_converged(self, result):
        dead = self._dead_states(result)
        revived = set(getattr(result, "revived", ())).difference(dead)
        if revived:
            warn(
                f"No row visited {_named(revived)}, which began again near the "
                "row that the others explained worst. Fewer n_components, or a larger "
                "n_init, make for a fit that doesn't depend on this.",
                DegenerateDataWarning,
            )
        if dead:
            warn(
                f"No row visits {_named(dead)}: rows of others explain the data as "
                "well, or the topology, starting probabilities or known states keep "
                "rows away. Parameters there are those of the start. Use fewer "
                "n_components.",
                DegenerateDataWarning,
            )
        super()._warn_unless_converged(result)


def _named(states):
    names = ", ".join(map(str, sorted(states)))
    return f"state {names}" if len(states) == 1 else f"states {names}"
