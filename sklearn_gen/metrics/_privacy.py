"""Privacy of synthetic rows: how near they are to the rows that were learned from."""

from typing import NamedTuple

import numpy as np

from sklearn_gen._validation import as_generator
from sklearn_gen.metrics._distances import embed, nearest
from sklearn_gen.metrics._permutation import permutation_p_value, permuted_counts
from sklearn_gen.metrics._ranks import auc_interval, rank_test
from sklearn_gen.metrics._tables import encode_tables, row_ids

# Distances that differ by less than rounding of their sums are equal.
_ROUNDING = 1e-12


class ClosestRecordShare(NamedTuple):
    """Share of synthetic rows that are nearer to the fitted half."""

    share: float
    p_value: float
    tied: float  # share of rows that are as near to both


class MembershipTest(NamedTuple):
    """How well scores tell rows that were fitted from rows that were not."""

    auc: float
    interval: tuple
    p_value: float


def closest_record_distances(
    real, synthetic, *, categorical_features="from_dtype", n_jobs=None
):
    """Compute how far each synthetic row is from its closest real record.

    Parameters
    ----------
    real : array-like of shape (n_real, n_features)
        Real rows, whose ranges are the units of the distance.
    synthetic : array-like of shape (n_synthetic, n_features)
        Synthetic rows, or any others.
    categorical_features : "from_dtype", list or mask, default="from_dtype"
        Which columns are categories: those of such a dtype, or names or indices.
    n_jobs : int or None, default=None
        Threads; None means 1, -1 all cores.

    Returns
    -------
    distances : ndarray of shape (n_synthetic,)
        0 for exact copies. Numbers count in units of the range of the middle nine
        tenths of the real values, categories that differ as 1; squares are added.

    Raises
    ------
    ValueError
        If the tables have different columns, too few rows, columns that are all
        missing, or infinities.

    See Also
    --------
    closest_record_share : Says whether distances are suspiciously small.
    membership_auc : Takes, for instance, minus distances to synthetic rows.

    Examples
    --------
    >>> from sklearn_gen.metrics import closest_record_distances
    >>> real = [[0.0, 1.0], [1.0, 3.0], [2.0, 2.0]]
    >>> closest_record_distances(real, [[1.0, 3.0], [0.0, 2.0]]).round(2)
    array([0.  , 0.56])
    """
    columns, real, synthetic = encode_tables(
        categorical_features, real=real, synthetic=synthetic, min_rows=1
    )
    (x, y), n_numeric = embed(columns, real, real, synthetic)
    return np.sqrt(nearest(y, x, n_numeric, n_jobs=n_jobs)[0][:, 0])


def neighbor_distance_ratios(
    real, synthetic, *, categorical_features="from_dtype", n_jobs=None
):
    """Compute each synthetic row's distance to its first over its second real record.

    Parameters
    ----------
    real : array-like of shape (n_real, n_features)
        Real rows.
    synthetic : array-like of shape (n_synthetic, n_features)
        Synthetic rows.
    categorical_features : "from_dtype", list or mask, default="from_dtype"
        Which columns are categories: those of such a dtype, or names or indices.
    n_jobs : int or None, default=None
        Threads; None means 1, -1 all cores.

    Returns
    -------
    ratios : ndarray of shape (n_synthetic,)
        Between 0, a copy of one record that has no twin, and 1. Where both distances
        are 0 the ratio is 1: such a row singles nobody out.

    Raises
    ------
    ValueError
        As in :func:`closest_record_distances`.

    See Also
    --------
    closest_record_distances : The first distance alone.

    Notes
    -----
    Compare them with those of fresh real rows: there are no values that are good in
    themselves.

    Examples
    --------
    >>> from sklearn_gen.metrics import neighbor_distance_ratios
    >>> real = [[0.0], [1.0], [3.0]]
    >>> neighbor_distance_ratios(real, [[0.1], [2.0], [3.0]]).round(2)
    array([0.11, 1.  , 0.  ])
    """
    columns, real, synthetic = encode_tables(
        categorical_features, real=real, synthetic=synthetic
    )
    (x, y), n_numeric = embed(columns, real, real, synthetic)
    first, second = np.sqrt(nearest(y, x, n_numeric, k=2, n_jobs=n_jobs)[0]).T
    return np.divide(first, second, out=np.ones_like(first), where=second > 0)


def closest_record_share(
    real,
    synthetic,
    holdout,
    *,
    categorical_features="from_dtype",
    n_jobs=None,
    random_state=0,
):
    """Compute the share of synthetic rows nearer to fitted than to held-out rows.

    Split the real rows in two halves at random and fit the model to one of them. A
    model that learned the distribution is as near to either, share 1/2; one that
    remembers its rows is nearer to those.

    Parameters
    ----------
    real : array-like of shape (n_real, n_features)
        The half that the model was fitted to.
    synthetic : array-like of shape (n_synthetic, n_features)
        Rows that it drew.
    holdout : array-like of shape (n_real, n_features)
        The other half, as many rows: with more, it would be nearer by its size.
    categorical_features : "from_dtype", list or mask, default="from_dtype"
        Which columns are categories: those of such a dtype, or names or indices.
    n_jobs : int or None, default=None
        Threads; None means 1, -1 all cores.
    random_state : None, int, RandomState or Generator, default=0
        Seed of the p-value: which of equally near records comes first, and the
        permutations.

    Returns
    -------
    result : named tuple
        `share`, in which rows as near to both halves count half; `p_value`, small where
        the share is above 1/2 by more than chance; `tied`, the share of such rows.

    Raises
    ------
    ValueError
        If the halves differ in size; and as in :func:`closest_record_distances`.

    See Also
    --------
    membership_auc : Asks of each real row whether it was fitted.
    exact_copy_share : Only distance 0.

    Notes
    -----
    The p-value is that of a permutation test: were the model blind to which half it
    got, every assignment of the real rows to the halves would be as probable. So it
    allows for many synthetic rows lying near one record, by which binomial tests call
    too many models leaky. Where records of both halves are equally near, one of them
    counts for the p-value, in an order of the records drawn beforehand.

    A share near 1/2 is not a proof of privacy: it is a mean, and one row copied among
    thousands doesn't move it. It assumes that the halves were drawn alike; a model that
    was fitted to all rows can't be judged by them.

    Costs O(n_synthetic n_real) distances: 100,000 synthetic and twice 100,000 real rows
    of 20 columns take about 25 seconds on two cores.

    References
    ----------
    M. Platzer and T. Reutterer, "Holdout-based empirical assessment of mixed-type
    synthetic data", 2021. doi:10.3389/fdata.2021.679939

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.metrics import closest_record_share
    >>> rng = np.random.default_rng(0)
    >>> fitted, holdout, fresh = rng.normal(size=(3, 500, 4))
    >>> closest_record_share(fitted, fresh, holdout).share
    0.508
    >>> remembered = fitted + 0.1 * rng.normal(size=(500, 4))
    >>> result = closest_record_share(fitted, remembered, holdout)
    >>> print(f"share {result.share:.2f}, p-value {result.p_value:.3f}")
    share 0.97, p-value 0.001
    """
    columns, real, synthetic, holdout = encode_tables(
        categorical_features, real=real, synthetic=synthetic, holdout=holdout
    )
    n = len(real)
    if len(holdout) != n:
        raise ValueError(
            f"real has {n} rows and holdout {len(holdout)}: the halves must be of the "
            "same size, since the larger is nearer by its size alone. Give equally "
            "many rows of each, drawn at random."
        )
    rng = as_generator(random_state)
    # Of equally near records the first in a random order of all counts.
    place = rng.permutation(2 * n)
    orders = np.argsort(place[:n]), np.argsort(place[n:])
    space = embed(columns, real, synthetic, real[orders[0]], holdout[orders[1]])
    (y, fitted, held_out), n_numeric = space
    (near, i), (far, j) = (
        nearest(y, rows, n_numeric, n_jobs=n_jobs) for rows in (fitted, held_out)
    )
    near, far = near[:, 0], far[:, 0]
    tied = np.abs(near - far) <= _ROUNDING * (near + far)
    share = np.mean(np.where(tied, 0.5, near < far))
    i, j = orders[0][i[:, 0]], n + orders[1][j[:, 0]]
    first = np.where(tied, place[i] < place[j], near < far)
    followers = np.bincount(np.where(first, i, j), minlength=2 * n)
    # Rows of all records with c followers are alike: draw how many of them are fitted.
    sizes, records = np.unique(followers, return_counts=True)
    permuted = permuted_counts(records, n, rng) @ sizes
    p_value = permutation_p_value(followers[:n].sum(), permuted)
    return ClosestRecordShare(float(share), p_value, float(np.mean(tied)))


def exact_copy_share(real, synthetic, *, categorical_features="from_dtype"):
    """Compute the share of synthetic rows that equal a real row in every cell.

    Parameters
    ----------
    real : array-like of shape (n_real, n_features)
        Rows that the model was fitted to.
    synthetic : array-like of shape (n_synthetic, n_features)
        Rows that it drew.
    categorical_features : "from_dtype", list or mask, default="from_dtype"
        Which columns are categories: those of such a dtype, or names or indices.

    Returns
    -------
    share : float
        Between 0 and 1. Missing cells are equal to one another.

    Raises
    ------
    ValueError
        As in :func:`closest_record_distances`.

    See Also
    --------
    closest_record_share : Near copies too.

    Notes
    -----
    In a table of few categories equal rows come by chance: compare with the share among
    real rows that the model didn't see.

    Examples
    --------
    >>> from sklearn_gen.metrics import exact_copy_share
    >>> exact_copy_share([[1, 2], [3, 4]], [[3, 4], [3, 4], [1, 4], [1, 3]])
    0.5
    """
    _, real, synthetic = encode_tables(
        categorical_features, real=real, synthetic=synthetic, min_rows=1
    )
    seen, drawn = row_ids(real, synthetic)
    return float(np.isin(drawn, seen).mean())


def membership_auc(member_scores, other_scores, *, confidence=0.95):
    """Compute how well a score tells fitted rows from rows that were not fitted.

    The attack: who sees a model, or rows that it drew, guesses that a person was among
    the fitted rows where the score is high.

    Parameters
    ----------
    member_scores : array-like of shape (n_members,)
        Scores of fitted rows: for instance ``model.score_samples(fitted)``, or minus
        ``closest_record_distances(synthetic, fitted)``, which needs no model.
    other_scores : array-like of shape (n_others,)
        The same scores of real rows that were not fitted.
    confidence : float, default=0.95
        Confidence of the interval.

    Returns
    -------
    result : named tuple
        `auc`, 1/2 where the score tells nothing; its `interval` (DeLong); `p_value` for
        an AUC above 1/2 (Mann and Whitney, ties included).

    Raises
    ------
    ValueError
        If scores aren't 1-D, finite or infinite but not NaN, or fewer than 2.

    See Also
    --------
    closest_record_share : Asks of synthetic rows where they are from.

    References
    ----------
    D. Chen, N. Yu, Y. Zhang and M. Fritz, "GAN-Leaks: a taxonomy of membership
    inference attacks against generative models", 2020. doi:10.1145/3372297.3417238

    E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, "Comparing the areas under two
    or more correlated receiver operating characteristic curves", 1988.
    doi:10.2307/2531595

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.metrics import membership_auc
    >>> from sklearn_gen.mixture import GaussianMixture
    >>> fitted, fresh = np.random.default_rng(0).normal(size=(2, 200, 5))
    >>> model = GaussianMixture(n_components=5, random_state=0).fit(fitted)
    >>> scores = model.score_samples(fitted), model.score_samples(fresh)
    >>> print(f"{membership_auc(*scores).auc:.2f}")
    0.68
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be above 0 and below 1, got {confidence!r}.")
    members = _check_scores("member_scores", member_scores)
    others = _check_scores("other_scores", other_scores)
    test = rank_test(members, others)
    interval = auc_interval(members, others, confidence)
    return MembershipTest(test.auc, interval, test.p_value)


def _check_scores(name, scores):
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 1 or len(scores) < 2:
        raise ValueError(
            f"{name} must be 1-D with at least 2 scores, got an array of shape "
            f"{scores.shape}."
        )
    if np.isnan(scores).any():
        raise ValueError(
            f"{name}[{int(np.flatnonzero(np.isnan(scores))[0])}] is NaN: leave rows "
            "without a score out."
        )
    return scores
