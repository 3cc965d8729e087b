"""Multinomial emissions: how often each of several things came, of a total."""

from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, logsumexp, xlogy
from scipy.stats import poisson

from sklearn_gen._columns import UNSEEN_MASS

# What has probability 0, times how often it came: no NaN where it never did.
_IMPOSSIBLE = -1e250
_AT_ONCE = 2**18  # terms of sums over totals


class MultinomialParams(NamedTuple):
    """Probabilities of each column."""

    probabilities: np.ndarray  # (K, D), rows sum to 1


class MultinomialStats(NamedTuple):
    """Expected sums of counts."""

    counts: np.ndarray  # (K, D)


class Totals(NamedTuple):
    """Distribution of rows' totals, the same in all states: values seen, and Poisson.

    Attributes
    ----------
    values : ndarray of shape (U,)
    log_share : ndarray of shape (U,)
    log_other : float
        Log probability that the total is Poisson's; -inf: it never is.
    rate : float
        Poisson's mean.
    """

    values: np.ndarray
    log_share: np.ndarray
    log_other: float
    rate: float

    @classmethod
    def known(cls, n_trials):
        """All rows have one total."""
        return cls(np.array([float(n_trials)]), np.zeros(1), -np.inf, 1.0)

    @classmethod
    def of_rows(cls, X, weight):
        """Totals of the complete rows; others are a little possible."""
        total = X.sum(axis=1)  # NaN where a cell is missing
        there = ~np.isnan(total) & (weight > 0.0)
        values, index = np.unique(total[there], return_inverse=True)
        shares = np.bincount(index, weight[there], minlength=len(values))
        observed = np.where(np.isnan(X), 0.0, weight[:, None])
        means = (observed * np.nan_to_num(X)).sum(axis=0)
        rate = (means / np.maximum(observed.sum(axis=0), 1e-300)).sum()
        if not len(values):
            return cls(values, values, 0.0, max(rate, 1e-3))
        other = np.log(UNSEEN_MASS)
        log_share = np.log(shares / shares.sum()) + np.log1p(-UNSEEN_MASS)
        return cls(values, log_share, other, max(rate, 1e-3))

    def log_prob(self, total):
        """Log probability of each total, (n,)."""
        own = np.full(len(total), -np.inf)
        if len(self.values):
            place = np.searchsorted(self.values, total)
            place = np.minimum(place, len(self.values) - 1)
            own = np.where(self.values[place] == total, self.log_share[place], own)
        return np.logaddexp(own, self.log_other + poisson.logpmf(total, self.rate))

    def rest(self, seen, share):
        """What rows say whose cells are not all observed.

        Parameters
        ----------
        seen : ndarray of shape (n,)
            Sum of the observed cells.
        share : ndarray of shape (n, K)
            Probability of the cells that are missing.

        Returns
        -------
        log_terms : ndarray of shape (n, K, U + 1)
            Of each total, Poisson's last: log of its probability times what the
            multinomial's coefficient and missing cells add to the observed ones'.
        """
        more = self.values - seen[:, None]  # (n, U)
        ways = gammaln(self.values + 1.0) - gammaln(np.maximum(more, 0.0) + 1.0)
        log_terms = np.where(more >= 0.0, ways + self.log_share, -np.inf)[:, None]
        log_terms = log_terms + xlogy(np.maximum(more, 0.0)[:, None], share[..., None])
        other = seen[:, None] * np.log(self.rate) - self.rate * (1.0 - share)
        return np.concatenate([log_terms, (self.log_other + other)[..., None]], axis=2)

    def draw(self, n, rng):
        """Draw n totals."""
        seen = np.exp(self.log_share)
        which = rng.choice(len(seen) + 1, n, p=_shares(np.append(seen, self._other)))
        return np.append(self.values, 0.0)[which] + (
            (which == len(seen)) * rng.poisson(self.rate, n)
        )

    @property
    def _other(self):
        return np.exp(self.log_other)


class MultinomialEmission:
    """Counts of a row are multinomial given its state and total.

    Parameters
    ----------
    totals : Totals
        Their distribution.
    """

    def __init__(self, totals):
        self.totals = totals

    def code(self, X):
        """Rows with a last column: the part of the log mass that needs no state."""
        total = X.sum(axis=1)
        own = -gammaln(np.nan_to_num(X) + 1.0).sum(axis=1)
        complete = ~np.isnan(total)
        own[complete] += gammaln(total[complete] + 1.0)
        own[complete] += self.totals.log_prob(total[complete])
        return np.column_stack([X, own])

    def log_prob(self, rows, params):
        """Log mass of each row's observed cells under each state.

        Parameters
        ----------
        rows : ndarray of shape (n, D + 1)
            As `code` gives; NaN is not observed.
        params : MultinomialParams
            Of K states.

        Returns
        -------
        log_prob : ndarray of shape (n, K)
        """
        X, p = rows[:, :-1], params.probabilities
        log_p = np.where(p > 0.0, np.log(np.where(p > 0.0, p, 1.0)), _IMPOSSIBLE)
        if _is_complete(rows):
            out = (log_p @ X.T + rows[:, -1]).T
        else:
            out = (log_p @ np.nan_to_num(X).T + rows[:, -1]).T
            for part in self._incomplete(X, len(p)):
                missing = np.isnan(X[part])
                seen, share = np.nansum(X[part], axis=1), missing @ p.T
                out[part] += logsumexp(self.totals.rest(seen, share), axis=2)
        if not p.all():
            out[out < 0.5 * _IMPOSSIBLE] = -np.inf
        return out

    def stats(self, rows, gamma, params=None):
        """Expected sums of counts; without parameters of the observed ones alone.

        Parameters
        ----------
        rows : ndarray of shape (n, D + 1)
            As `code` gives.
        gamma : ndarray of shape (n, K)
            Probabilities of the states, times weights.
        params : MultinomialParams or None
            Current ones; None before the first M-step.

        Returns
        -------
        stats : MultinomialStats
        """
        X = rows[:, :-1]
        if _is_complete(rows):
            return MultinomialStats(gamma.T @ X)
        counts = gamma.T @ np.nan_to_num(X)
        if params is None:
            return MultinomialStats(counts)
        p = params.probabilities
        for part in self._incomplete(X, len(p)):
            missing = np.isnan(X[part])
            seen, share = np.nansum(X[part], axis=1), missing @ p.T
            post = np.exp(_normalised(self.totals.rest(seen, share)))
            more = np.maximum(self.totals.values - seen[:, None], 0.0)
            rest = np.einsum("nku,nu->nk", post[..., :-1], more)
            rest += post[..., -1] * self.totals.rate * share
            each = np.where(share > 0.0, rest / np.where(share > 0.0, share, 1.0), 0.0)
            counts += p * ((gamma[part] * each).T @ missing)
        return MultinomialStats(counts)

    def m_step(self, stats, params=None, pseudo_counts=0.0):
        """Parameters that maximise the expected log-likelihood, or with a prior.

        Parameters
        ----------
        stats : MultinomialStats
            Sums over all rows.
        params : MultinomialParams or None
            Those of the E-step, kept for states without counts.
        pseudo_counts : float or ndarray of shape (K, D)
            A Dirichlet prior's parameters less one.

        Returns
        -------
        params : MultinomialParams
        """
        counts = np.maximum(stats.counts + pseudo_counts, 0.0)
        total = counts.sum(axis=1, keepdims=True)
        flat = 1.0 / max(1, counts.shape[1])  # no column: nothing was observed
        before = flat if params is None else params.probabilities
        shares = counts / np.where(total > 0.0, total, 1.0)
        return MultinomialParams(np.where(total > 0.0, shares, before))

    def draw(self, params, states, X, rng):
        """Draw the missing cells of rows of given states.

        Parameters
        ----------
        params : MultinomialParams
            Of all states.
        states : ndarray of shape (n,)
            State of each row.
        X : ndarray of shape (n, D)
            NaN is drawn.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        X : ndarray of shape (n, D)
        """
        X, p = X.copy(), params.probabilities
        if p.shape[1] == 0:
            return X
        nothing = np.flatnonzero(np.isnan(X).all(axis=1))
        total = self.totals.draw(len(nothing), rng).astype(np.int64)
        X[nothing] = rng.multinomial(total, _shares(p[states[nothing]]))
        for part in self._incomplete(X, 1):
            missing = np.isnan(X[part])
            own = np.where(missing, p[states[part]], 0.0)
            seen, share = np.nansum(X[part], axis=1), own.sum(axis=1)
            post = np.exp(_normalised(self.totals.rest(seen, share[:, None])))[:, 0]
            which = (np.cumsum(post, axis=1) < rng.random(len(part))[:, None]).sum(1)
            which = np.minimum(which, post.shape[1] - 1)
            known = np.append(self.totals.values, 0.0)[which] - seen
            more = np.where(
                which < len(self.totals.values),
                np.maximum(known, 0.0),
                rng.poisson(self.totals.rate * share),
            )
            drawn = rng.multinomial(more.astype(np.int64), _shares(own))
            X[part] = np.where(missing, drawn, X[part])
        return X

    def _incomplete(self, X, n_states):
        """Rows of which some cells are missing, not all, some at once."""
        missing = np.isnan(X)
        rows = np.flatnonzero(missing.any(axis=1) & ~missing.all(axis=1))
        size = max(1, _AT_ONCE // (n_states * (len(self.totals.values) + 1)))
        return [rows[start : start + size] for start in range(0, len(rows), size)]


def _is_complete(rows):
    return not np.isnan(rows.sum())


def _shares(p):
    """Make probabilities sum to one; of nothing, all alike."""
    total = p.sum(axis=-1, keepdims=True)
    flat = 1.0 / p.shape[-1]
    return np.where(total > 0.0, p / np.where(total > 0.0, total, 1.0), flat)


def _normalised(log_terms):
    total = logsumexp(log_terms, axis=2, keepdims=True)
    return log_terms - np.where(np.isfinite(total), total, 0.0)
