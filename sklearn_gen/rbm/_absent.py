"""Machines of the observed units of each row: cells that are missing are not there."""

import numpy as np

from sklearn_gen.rbm import _machine as machines
from sklearn_gen.rbm._chains import mean_missing
from sklearn_gen.rbm._partition import log_observed
from sklearn_gen.rbm._training_absent import AbsentTrainer, mean_features


class AbsentUnits:
    """What `missing='absent'` changes: absent units stay at their mean features."""

    def _by_objective(self, trainer):
        if self.missing == "free":
            return super()._by_objective(trainer)
        if self.method not in ("auto", "cd") or self.early_stopping == "likelihood":
            raise ValueError(
                "missing='absent' learns by contrastive divergence, each row with a "
                f"machine of its own: it needs method='cd' or 'auto', which is 'cd', "
                f"and no early_stopping='likelihood', got method={self.method!r} and "
                f"early_stopping={self.early_stopping!r}."
            )
        return AbsentTrainer(trainer)

    def _with_means(self, F):
        return np.where(np.isnan(F), mean_features(self._reference, self._units), F)

    def _score_samples(self, X):
        if self.missing == "free":
            return super()._score_samples(X)
        F, log_z = self._features_of(X), self._log_partition
        absent = np.isnan(F)
        held = np.where(absent, mean_features(self._reference, self._units), np.nan)
        log_p = machines.unnormalised(self._with_means(F), self._units, self._machine)
        # Z of the row's own machine: the sum over what is observed
        log_p -= log_observed(held, self._units, self._machine, self._reference, log_z)
        return log_p + self._log_volume(X)

    def _given_observed(self, X, function, *args):
        if self.missing == "free":
            return super()._given_observed(X, function, *args)
        F, machine = self._features_of(X), self._machine
        chance = machines.hidden_mean(self._with_means(F), machine)
        if args:  # a generator to draw with
            rng = args[0]
            h = (rng.random(chance.shape) < chance).astype(np.float64)
            T = machines.visible_input(h, machine)
            filled = machines.draw_visible(T, self._units, machine, rng)
        else:
            T = machines.visible_input(chance, machine)
            filled = machines.visible_mean(T, self._units, machine)
        return np.where(np.isnan(F), filled, F)

    def _transform(self, X):
        if self.missing == "free":
            return super()._transform(X)
        return machines.hidden_mean(
            self._with_means(self._features_of(X)), self._machine
        )

    def expected_values(self, X):
        """Replace missing cells by their means given the row: levels are numbers.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, such as users' ratings.

        Returns
        -------
        means : ndarray of shape (n_samples, n_features)
            Observed cells as they are; NaN in columns of which fit saw no cell.

        Raises
        ------
        ValueError
            If a level of a column is no number.
        """
        rows, columns = self._check_scored_rows(X), self._table.columns
        levels = np.concatenate([_numbers(column) for column in columns])
        F = self._given_observed(rows, mean_missing)
        means = np.full(rows.shape, np.nan)
        modelled = [column.sources[0] for column in columns]
        means[:, modelled] = np.add.reduceat(F * levels, self._units.first[:-1], axis=1)
        return means


def _numbers(column):
    try:
        return np.array(column.categories).astype(np.float64)
    except ValueError as error:
        raise ValueError(
            f"expected_values needs numbers as levels; column {column.name!r} has "
            f"{list(column.categories)}. conditional_mean has the likeliest level."
        ) from error
