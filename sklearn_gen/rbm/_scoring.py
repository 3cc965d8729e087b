"""Scores of machines: log p(x), which needs log Z, and the free energy."""

from functools import partial

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_gen._blocks import workers
from sklearn_gen.rbm import _machine as machines
from sklearn_gen.rbm._partition import MAX_STATES, log_observed, log_partition
from sklearn_gen.rbm._partition_annealed import LogPartition
from sklearn_gen.rbm._partition_states import n_hidden_states, n_visible_states
from sklearn_gen.rbm._units import GAUSSIAN

_BLOCK_ROWS = 1024  # of a task for a thread


class Scoring:
    """What follows from log Z, which is computed when it is first asked for."""

    @property
    def density_kind(self):
        """Nature of `score_samples`: 'exact' or 'estimate'.

        It is "exact" where the hidden or the visible units have no more than 2^22
        states, all of which are summed; before fit, too.
        """
        if not hasattr(self, "components_"):
            return "exact"
        n_hidden = n_hidden_states(len(self.components_))
        n_states = min(n_hidden, n_visible_states(self._units))
        return "exact" if n_states <= MAX_STATES else "estimate"

    @property
    def _log_partition(self):
        check_is_fitted(self)
        known = self._partition  # of this fit; later calls find it there
        if "log_z" not in known:
            rng = np.random.default_rng(self._partition_seed)
            starts = self._particles(rng)
            with workers(self.n_jobs) as run:
                log_z = log_partition(
                    self._machine,
                    self._units,
                    self._reference,
                    rng,
                    n_chains=self.partition_chains,
                    n_temperatures=self.partition_temperatures,
                    starts=starts,
                    run=run,
                )
            known["log_z"] = tuple(log_z)  # pickles of it name no class of ours
        return LogPartition(*known["log_z"])

    def _particles(self, rng):
        """Features drawn given the chains that learning left; None if Z is summed.

        They are where the machine's modes were looked for longest.
        """
        if self.density_kind != "estimate":
            return None
        h, machine = self.h_samples_.astype(np.float64), self._machine
        T = machines.visible_input(h, machine)
        return machines.draw_visible(T, self._units, machine, rng)

    @property
    def log_partition_(self):
        """Logarithm of Z, which normalises `score_samples`, in nats."""
        return self._log_partition.value

    @property
    def log_partition_interval_(self):
        """Bounds of `log_partition_`: equal where it is exact."""
        return self._log_partition.interval

    @property
    def log_partition_standard_error_(self):
        """Standard error of `log_partition_`: 0 where it is exact."""
        return self._log_partition.standard_error

    def _by_blocks(self, function, rows):
        """Apply a function to blocks of rows, on threads, in order."""
        blocks = [
            rows[start : start + _BLOCK_ROWS]
            for start in range(0, len(rows), _BLOCK_ROWS)
        ]
        with workers(self.n_jobs) as run:
            return np.concatenate(list(run(function, blocks)))

    def _score_samples(self, X):
        F, log_z = self._features_of(X), self._log_partition
        unnormalised = partial(
            machines.unnormalised, units=self._units, machine=self._machine
        )
        complete = ~np.isnan(F).any(axis=1)
        log_p = np.empty(len(F))
        if complete.any():
            log_p[complete] = self._by_blocks(unnormalised, F[complete])
        if not complete.all():
            with workers(self.n_jobs) as run:
                log_p[~complete] = log_observed(
                    F[~complete],
                    self._units,
                    self._machine,
                    self._reference,
                    log_z,
                    run=run,
                )
        return log_p - log_z.value + self._log_volume(X)

    def free_energy(self, X):
        r"""Compute :math:`-\log \sum_h \tilde p(x, h)`, which needs no log Z.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows without missing cells.

        Returns
        -------
        free_energy : ndarray of shape (n_samples,)
            Nats; ``-score_samples(X) - log_partition_``.

        Raises
        ------
        ValueError
            If a cell is missing, or has a value that fit never saw.
        """
        return -self._unnormalised(self._check_complete_rows(X, "the free energy"))

    def _unnormalised(self, X):
        unnormalised = partial(
            machines.unnormalised, units=self._units, machine=self._machine
        )
        log_p = self._by_blocks(unnormalised, self._features_of(X))
        return log_p + self._log_volume(X)

    def pseudo_log_likelihood(self, X):
        r"""Compute :math:`\sum_j \log p(x_j \mid x_{-j})`, which needs no log Z.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows without missing cells; of probabilities of ones the expectation.

        Returns
        -------
        log_prob : ndarray of shape (n_samples,)
            Nats, in O(H) for each row and each value of each column. No bound of
            `score_samples`, and deterministic, unlike scikit-learn's estimate of it.

        Raises
        ------
        ValueError
            If a cell is missing, or has a value that fit never saw, or a column has a
            Gaussian unit: its density given the others has no closed form.
        """
        X = self._check_complete_rows(X, "the pseudo-likelihood")
        if (self._units.kinds == GAUSSIAN).any():
            raise ValueError(
                "The pseudo-likelihood is that of discrete columns, and some have "
                "Gaussian units. Take free_energy or score_samples."
            )
        return self._by_blocks(self._conditionals, self._features_of(X))

    def _conditionals(self, F):
        return machines.log_conditionals(F, self._units, self._machine)

    def _check_complete_rows(self, X, what):
        X, columns = self._check_scored_rows(X), self._modelled_columns
        unknown = np.isnan(self._modelled(X)[:, : len(columns)])
        for row, u in np.argwhere(unknown)[:1]:
            raise ValueError(
                f"{self.schema_.label(columns[u])}, row {row} is missing, or has a "
                f"value that fit never saw: {what} is that of complete rows. "
                "score_samples takes others as well."
            )
        return X
