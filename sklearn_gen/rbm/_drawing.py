"""Draws of machines, and what their two layers say of each other."""

from functools import partial

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_gen._blocks import workers
from sklearn_gen._validation import check_n_samples
from sklearn_gen.rbm import _machine as machines
from sklearn_gen.rbm._chains import (
    diagnose,
    draw,
    draw_chains,
    draw_missing,
    draws_are_exact,
    mean_hidden,
    mean_missing,
)
from sklearn_gen.rbm._units import values


class Drawing:
    """Draws, conditional draws and means, codes of rows and rows of codes."""

    @property
    def conditional_kind(self):
        """Nature of `sample_conditional`: 'exact' or 'estimate'.

        It is "exact" where the hidden or the visible units have no more than 2^14
        states; before fit, too.
        """
        if not hasattr(self, "components_"):
            return "exact"
        exact = draws_are_exact(self._units, len(self.components_))
        return "exact" if exact else "estimate"

    def _sample(self, n_samples, rng):
        F = self._by_chains(draw, n_samples, rng)
        return self._encoded(values(F, self._units))

    def _by_chains(self, function, n_samples, rng):
        """Apply `draw` or `draw_chains` to this machine."""
        starts = self._particles(rng)
        with workers(self.n_jobs) as run:
            return function(
                self._machine,
                self._units,
                self._reference,
                n_samples,
                rng,
                burn_in=self.burn_in,
                thinning=self.thinning,
                starts=starts,
                run=run,
            )

    def diagnose_draws(self, n_samples=1000, *, random_state=None):
        """Compare the chains that `sample` draws from where it can't enumerate.

        Parameters
        ----------
        n_samples : int, default=1000
            Number of draws, of 100 chains: at least 400.
        random_state : None, int, RandomState or Generator, default=None
            None uses the estimator's own `random_state`.

        Returns
        -------
        diagnostics : ChainDiagnostics
            With `r_hat`, `effective_sample_size`, `n_draws` and `exchange_rates`.
        """
        check_is_fitted(self)
        n_samples = max(400, check_n_samples(n_samples))
        rng = self._draw_generator(random_state)
        kept, accepted = self._by_chains(draw_chains, n_samples, rng)
        return diagnose(kept, accepted, self._units, self._machine)

    def _given_observed(self, X, function, *args):
        """Apply `draw_missing` or `mean_missing` to encoded rows."""
        F, betas = self._features_of(X), np.empty(0)
        if self.density_kind == "estimate" and np.isnan(F).any():
            betas = self._log_partition.betas
        with workers(self.n_jobs) as run:
            return function(
                F,
                self._units,
                self._machine,
                self._reference,
                betas,
                *args,
                run=run,
            )

    def _sample_conditional(self, X, rng):
        F = self._given_observed(X, draw_missing, rng)
        return self._encoded(values(F, self._units))

    def conditional_mean(self, X):
        """Replace every NaN of X by its expectation given the row's other cells.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            NaN is not observed.

        Returns
        -------
        X_filled : ndarray or DataFrame of shape (n_samples, n_features)
            In the container of `X`; of a column of levels the likeliest.
        """
        rows = self._check_scored_rows(X)
        F = self._given_observed(rows, mean_missing)
        filled = np.where(np.isnan(rows), self._encoded(values(F, self._units)), rows)
        return self.schema_.restore(filled, like=X)

    def _transform(self, X):
        F, machine = self._features_of(X), self._machine
        missing = np.isnan(F).any(axis=1)
        Z = np.empty((len(F), len(machine.hidden)))
        if missing.any():
            Z[missing] = self._given_observed(X[missing], mean_hidden)
        if not missing.all():
            hidden_mean = partial(machines.hidden_mean, machine=machine)
            Z[~missing] = self._by_blocks(hidden_mean, F[~missing])
        return Z

    def _inverse_transform(self, Z):
        T = machines.visible_input(np.asarray(Z, dtype=np.float64), self._machine)
        mean = machines.visible_mean(T, self._units, self._machine)
        return self._encoded(values(mean, self._units))

    def gibbs(self, v, *, random_state=None):
        """Make one Gibbs step: draw the hidden units given rows, then rows given them.

        A chain of such steps needs a Generator, which goes on: an int, here or as the
        estimator's own, repeats the same random numbers at every step.

        Parameters
        ----------
        v : array-like of shape (n_samples, n_features)
            Rows to start from; missing cells are drawn first.
        random_state : None, int, RandomState or Generator, default=None
            None uses the estimator's own `random_state`.

        Returns
        -------
        v_new : ndarray or DataFrame of shape (n_samples, n_features)
            Rows after the step.
        """
        X, rng = self._check_scored_rows(v), self._draw_generator(random_state)
        F, machine = self._given_observed(X, draw_missing, rng), self._machine
        h = machines.draw_hidden(F, machine, rng)
        T = machines.visible_input(h, machine)
        drawn = machines.draw_visible(T, self._units, machine, rng)
        return self.schema_.restore(self._encoded(values(drawn, self._units)))
