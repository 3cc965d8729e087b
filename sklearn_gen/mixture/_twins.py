"""Columns that say the same as another: a level's number beside its name."""

from itertools import permutations
from typing import NamedTuple

import numpy as np

from sklearn_gen._columns import UNSEEN_MASS

# Pairs are looked for among columns of at most so many values, each of which comes in
# at least so many rows on average: of fewer, pairs may go together by chance.
_MOST_VALUES = 256
_ROWS_PER_VALUE = 10
# The first rows refuse most pairs, in 20 us each.
_FIRST_ROWS = 512


class Twins(NamedTuple):
    """A column whose values follow one to one from those of another.

    Attributes
    ----------
    leader, follower : int
        Columns.
    values, followers : ndarray of shape (n_values,)
        Values of the leader, ascending, and those of the follower beside them.
    shares : ndarray of shape (n_values,)
        Overall distribution of the follower.
    """

    leader: int
    follower: int
    values: np.ndarray
    followers: np.ndarray
    shares: np.ndarray

    def forward(self, X):
        """Write the leader where only its follower is observed; score the follower.

        Returns
        -------
        offset : ndarray of shape (n_samples,)
            Log p(follower | leader): next to nothing unless they go together.
        """
        leader, follower = X[:, self.leader], X[:, self.follower]
        order = np.argsort(self.followers)
        place = np.searchsorted(self.followers[order], follower)
        place = order[np.minimum(place, len(order) - 1)]
        known = self.followers[place] == follower
        alone = np.isnan(leader) & known
        X[alone, self.leader] = self.values[place[alone]]
        agree = known & (X[:, self.leader] == self.values[place])
        share = np.where(known, self.shares[place], UNSEEN_MASS)
        # Of a leader that fit never saw nothing follows.
        strange = ~np.isnan(leader) & ~np.isin(leader, self.values)
        certain = 1.0 - UNSEEN_MASS
        log_prob = np.where(agree, certain, 0.0) + (1.0 - certain) * share
        log_prob = np.log(np.where(strange, share, log_prob))
        observed = ~np.isnan(follower)
        X[:, self.follower] = np.nan
        return np.where(observed, log_prob, 0.0)

    def inverse(self, X, rng=None):
        """Write the follower beside its leader.

        Beside leaders that fit never saw it is drawn, or without `rng` the most
        frequent.
        """
        leader = X[:, self.leader]
        place = np.searchsorted(self.values, leader)
        place = np.minimum(place, len(self.values) - 1)
        strange = np.flatnonzero(self.values[place] != leader)
        place[strange] = self.shares.argmax()
        if rng is not None:
            place[strange] = rng.choice(len(self.shares), len(strange), p=self.shares)
        X[:, self.follower] = self.followers[place]


def find_twins(X, leads, sample_weight=None):
    """Find pairs of columns that say the same in every row in which both are observed.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_columns)
        Rows of the table, NaN where missing.
    leads : list of bool
        Columns that may be leaders: those of levels, of which no other value is drawn.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights; None is ones.

    Returns
    -------
    twins : list of Twins
        No leader follows another column.
    """
    few, codes = {}, {}
    for j, x in enumerate(X.T):
        observed = x[~np.isnan(x)]
        values = np.unique(observed[: 100 * _MOST_VALUES])
        if 2 <= len(values) <= _MOST_VALUES:
            values = np.unique(observed)
            if len(values) * _ROWS_PER_VALUE <= len(observed):
                few.setdefault(len(values), []).append(j)
                first = x[:_FIRST_ROWS]
                code = np.searchsorted(values, first)
                codes[j] = np.where(np.isnan(first), -1, code)
    twins, followers = [], set()
    for columns in few.values():
        for leader, follower in permutations(columns, 2):
            if {leader, follower} & followers or not leads[leader]:
                continue
            if follower in {t.leader for t in twins}:
                continue
            if not _may_follow(codes[leader], codes[follower]):
                continue
            pair = _pair(X, leader, follower, sample_weight)
            if pair is not None:
                twins.append(pair)
                followers.add(follower)
    return twins


def _may_follow(leader, follower):
    """Whether equal codes of one column come with equal ones of another."""
    both = (leader >= 0) & (follower >= 0)
    leader, follower = leader[both], follower[both]
    beside = np.full(leader.max(initial=0) + 1, -1)
    beside[leader] = follower
    return bool((beside[leader] == follower).all())


def _pair(X, leader, follower, sample_weight):
    both = ~(np.isnan(X[:, leader]) | np.isnan(X[:, follower]))
    pairs, inverse = np.unique(
        X[both][:, [leader, follower]], axis=0, return_inverse=True
    )
    values = np.unique(X[~np.isnan(X[:, leader]), leader])
    one_to_one = len(np.unique(pairs[:, 1])) == len(pairs) == len(values)
    if not one_to_one or not np.array_equal(pairs[:, 0], values):
        return None
    weight = None if sample_weight is None else sample_weight[both]
    counts = np.bincount(inverse.ravel(), weight, len(pairs)).astype(float)
    if len(pairs) == 2 and counts.min() < _ROWS_PER_VALUE:
        return None  # one rare level goes together with another by chance
    return Twins(
        leader, follower, pairs[:, 0].copy(), pairs[:, 1].copy(), counts / counts.sum()
    )
