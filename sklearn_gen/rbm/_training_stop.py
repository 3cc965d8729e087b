"""When learning should stop: what rows held out say of it."""

from functools import partial

import numpy as np

from sklearn_gen import _splits
from sklearn_gen.rbm._machine import unnormalised
from sklearn_gen.rbm._partition import log_observed, log_partition

# Few chains and temperatures tell epochs apart: the estimate of the end has more.
_CHAINS, _TEMPERATURES = 50, 200
_MOST_ROWS = 2000  # of those learned from, for the gap
_ERRORS = 2.0


def hold_out(rows, fraction, rng):
    """Split a sequence of rows: all copies of a row are on one side.

    Parameters
    ----------
    rows : ndarray of shape (N,)
        Rows, repeated by their weights.
    fraction : float
        Share of the rows to hold out, at least one.
    rng : numpy.random.Generator
        Chooses them.

    Returns
    -------
    learned, held : ndarray
        The two parts of the sequence.
    """
    unique = np.unique(rows)
    n_held = min(max(1, round(fraction * len(unique))), len(unique) - 1)
    held = np.isin(rows, _splits.hold_out(unique, n_held, rng)[1])
    return rows[~held], rows[held]


class LikelihoodWatch:
    """Stop when rows held out have got no likelier for some epochs; keep the best.

    Parameters
    ----------
    F : ndarray of shape (n, P)
        Features of the rows held out; NaN where not observed.
    patience : int
        Number of epochs.
    """

    def __init__(self, F, patience):
        self._F, self._patience = np.asarray(F, dtype=np.float64), patience
        self.scores, self.best = [], None

    def stops(self, trainer):
        """Look at the machine after an epoch; say whether it was enough."""
        machine, units = trainer.machine_64, trainer.units
        reference = trainer.reference.astype(np.float64)
        log_z = log_partition(
            machine,
            units,
            reference,
            np.random.default_rng(0),
            n_chains=_CHAINS,
            n_temperatures=_TEMPERATURES,
        )
        log_p = log_observed(self._F, units, machine, reference, log_z)
        self.scores.append(float(log_p.mean() - log_z.value))
        if self.scores[-1] == max(self.scores):
            self.best = trainer.learned
        return len(self.scores) - 1 - np.argmax(self.scores) >= self._patience

    def result(self, trainer):
        """What was learned by the best epoch."""
        return trainer.learned if self.best is None else self.best


class FreeEnergyWatch:
    """Stop when free energies tell rows held out from others, more with each epoch.

    The last machine is kept: unlike likelihoods, gaps don't say which was the best.

    Parameters
    ----------
    F : ndarray of shape (n, P)
        Features of the rows held out, missing ones filled.
    learned : ndarray of shape (m, P)
        Features of rows that are learned from.
    patience : int
        Number of epochs.
    """

    def __init__(self, F, learned, patience):
        self._F, self._learned, self._patience = F, learned[:_MOST_ROWS], patience
        self.scores, self._growing = [], 0

    def stops(self, trainer):
        """Look at the machine after an epoch; say whether it was enough."""
        log_p = partial(unnormalised, units=trainer.units, machine=trainer.machine_64)
        held, learned = log_p(self._F), log_p(self._learned)
        gap = learned.mean() - held.mean()
        error = np.sqrt(held.var() / len(held) + learned.var() / len(learned))
        grows = bool(self.scores) and -gap < self.scores[-1] and gap > _ERRORS * error
        self._growing = self._growing + 1 if grows else 0
        self.scores.append(float(-gap))
        return self._growing >= self._patience

    def result(self, trainer):
        """What was learned."""
        return trainer.learned
