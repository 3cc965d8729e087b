"""Splits that test every row once, by a model that didn't see it."""

import numpy as np
from sklearn.model_selection import GroupKFold, KFold

# From so many on whole ones are held out: a quarter is then two, not one that may be
# unlike the others.
ENOUGH_SEQUENCES = 8


def as_indices(train, test, n_samples):
    """Turn what a splitter gives, indices or boolean masks, to indices.

    Returns
    -------
    train, test : ndarray of int
    """
    rows = np.arange(n_samples)
    return rows[np.asarray(train)], rows[np.asarray(test)]


def check_partition(splits, n_samples):
    """Raise unless each row is tested once, and no model is tested on its own rows.

    Parameters
    ----------
    splits : list of pairs of ndarrays of int
        Indices to train on and to test.
    n_samples : int
        Number of rows.

    Raises
    ------
    ValueError
        Naming the fold or the row.
    """
    times = np.zeros(n_samples, dtype=int)
    for fold, (train, test) in enumerate(splits):
        np.add.at(times, test, 1)
        seen = np.intersect1d(train, test)
        if len(seen):
            raise ValueError(
                f"cv: fold {fold} trains on {len(seen)} of its own test rows, the "
                f"first is row {seen[0]}. Out-of-fold scores need disjoint sets."
            )
    wrong = np.flatnonzero(times != 1)
    if len(wrong):
        raise ValueError(
            "cv must be a partition: each row in exactly one test set. Row "
            f"{wrong[0]} is in {times[wrong[0]]} ({len(wrong)} such rows of "
            f"{n_samples}). KFold and GroupKFold are partitions; ShuffleSplit, "
            "TimeSeriesSplit and repeated splitters are not."
        )


def hold_out(rows, size, rng):
    """Split rows at random.

    Parameters
    ----------
    rows : ndarray of int
        Indices, at least two.
    size : int
        How many to hold out.
    rng : Generator
        Moves on.

    Returns
    -------
    kept, held_out : ndarray of int
        Ascending.
    """
    order = rng.permutation(rows)
    return np.sort(order[size:]), np.sort(order[:size])


def hold_out_steps(starts, n_rows, size, rng):
    """Split rows that are steps in time: nothing is taken out from between others.

    A model given every other row of a sequence has more to guess than in use. Whole
    sequences are held out at random where there are enough; of few the ends.

    Parameters
    ----------
    starts : ndarray of int
        First row of each sequence.
    n_rows : int
        Number of rows, at least two.
    size : int
        How many to hold out: of whole sequences, the first number that reaches it.
    rng : Generator
        Moves on.

    Returns
    -------
    kept, held_out : ndarray of int
        Ascending.
    """
    lengths = np.diff(np.r_[starts, n_rows])
    if len(lengths) >= ENOUGH_SEQUENCES:
        order = rng.permutation(len(lengths))
        n_out = 1 + np.searchsorted(np.cumsum(lengths[order]), size)
        out = np.isin(np.arange(len(lengths)), order[: min(n_out, len(lengths) - 1)])
        is_out = np.repeat(out, lengths)
    else:
        n_out = np.round(size / n_rows * lengths).astype(int)
        if not n_out.any() or (n_out == lengths).all():
            n_out[:] = 0
            n_out[-1] = min(size, lengths[-1])
        position = np.arange(n_rows) - np.repeat(starts, lengths)
        is_out = position >= np.repeat(lengths - n_out, lengths)
    return np.flatnonzero(~is_out), np.flatnonzero(is_out)


def folds_of_steps(starts, n_rows, n_splits, seed):
    """Fold rows that are steps in time: whole sequences, or of few blocks of rows.

    Returns
    -------
    splits : list of pairs of ndarrays
        Indices to train on and to test.
    """
    if len(starts) >= max(ENOUGH_SEQUENCES, n_splits):
        lengths = np.diff(np.r_[starts, n_rows])
        ids = np.repeat(np.arange(len(starts)), lengths)
        splitter = GroupKFold(n_splits, shuffle=True, random_state=seed)
        return list(splitter.split(ids, groups=ids))
    return list(KFold(min(n_splits, n_rows)).split(np.arange(n_rows)))
