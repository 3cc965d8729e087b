"""Splits that test every row once, by a model that didn't see it."""

import numpy as np


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
