"""Each row's log density under a model that didn't see it."""

from inspect import signature

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import check_cv
from sklearn.utils import indexable
from sklearn.utils.parallel import Parallel, delayed

from sklearn_gen._compat import safe_indexing
from sklearn_gen._splits import as_indices, check_partition
from sklearn_gen._validation import chosen, refuse_plain_pipeline


def cross_val_score_samples(
    estimator, X, y=None, *, groups=None, cv=None, n_jobs=None, params=None
):
    """Compute each row's log density under a model that didn't see the row.

    Parameters
    ----------
    estimator : estimator instance
        Has `fit` and `score_samples`; it is cloned, never fitted.
    X : array-like of shape (n_samples, n_features)
        Rows: numpy, pandas or polars.
    y : array-like of shape (n_samples,) or None, default=None
        Handed to `fit` and to the splitter, which stratifies by it if it says so.
    groups : array-like of shape (n_samples,) or None, default=None
        Handed to the splitter: rows of one group stay together. A model of sequences
        gets its ids in `params`.
    cv : int, splitter or iterable of (train, test), default=None
        As in scikit-learn; None is 5 folds of consecutive rows, which needs rows in
        random order: otherwise use ``KFold(5, shuffle=True, random_state=0)``. The
        test sets must partition the rows.
    n_jobs : int or None, default=None
        Folds fitted at a time; None is 1, -1 all cores.
    params : dict or None, default=None
        Parameters of `fit`, such as ``{"sample_weight": weights}`` (in a pipeline
        ``{"gaussianmixture__sample_weight": weights}``). Those with one value per row
        are split like X, and reach `score_samples` as well where it takes them, as
        ids of sequences do: ``{"groups": ids}``.

    Returns
    -------
    log_prob : ndarray of shape (n_samples,)
        In nats, in the order of X. The mean over rows is the cross-validated
        log-likelihood; the difference of two models' arrays, row by row, gives its
        standard error.

    Raises
    ------
    TypeError
        If `estimator` lacks `fit` or `score_samples`, or is scikit-learn's Pipeline
        with a transformer (also inside a search).
    ValueError
        If the test sets of `cv` don't hold each row exactly once, or a training set
        holds a row of its test set.

    See Also
    --------
    sklearn.model_selection.cross_val_score : One number per fold.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.mixture import GaussianMixture
    >>> from sklearn_gen.model_selection import cross_val_score_samples
    >>> rng = np.random.default_rng(0)
    >>> X = rng.permutation(np.r_[rng.normal(size=(80, 1)), rng.normal(6, 1, (80, 1))])
    >>> one, two = (
    ...     cross_val_score_samples(GaussianMixture(k, random_state=0), X)
    ...     for k in (1, 2)
    ... )
    >>> gain = two - one
    >>> print(f"{gain.mean():.2f} ± {gain.std() / len(X) ** 0.5:.2f} nats per row")
    0.45 ± 0.06 nats per row
    """
    missing = [m for m in ("fit", "score_samples") if not hasattr(estimator, m)]
    if missing:
        raise TypeError(
            "estimator must have fit and score_samples (log density, nats per row); "
            f"{estimator!r} has no {' and no '.join(missing)}."
        )
    refuse_plain_pipeline(estimator)
    X, y, groups = indexable(X, y, groups)
    n_samples = X.shape[0] if hasattr(X, "shape") else len(X)
    splits = list(check_cv(cv, y).split(X, y, groups))
    splits = [as_indices(train, test, n_samples) for train, test in splits]
    check_partition(splits, n_samples)
    scores = Parallel(n_jobs=n_jobs)(
        delayed(_score_fold)(clone(estimator), X, y, params or {}, train, test)
        for train, test in splits
    )
    log_prob = np.empty(n_samples)
    for (_, test), fold in zip(splits, scores, strict=True):
        log_prob[test] = fold
    return log_prob


def _score_fold(estimator, X, y, params, train, test):
    y_train = None if y is None else safe_indexing(y, train)
    n_samples = X.shape[0] if hasattr(X, "shape") else len(X)
    per_row = {name for name, value in params.items() if _per_row(value, n_samples)}
    known, asked = (
        {
            name: safe_indexing(value, rows) if name in per_row else value
            for name, value in params.items()
        }
        for rows in (train, test)
    )
    estimator.fit(safe_indexing(X, train), y_train, **known)
    model = chosen(estimator)  # a search's own method takes nothing but X
    taken = signature(model.score_samples).parameters
    asked = {name.rpartition("__")[2]: asked[name] for name in per_row}
    asked = {name: value for name, value in asked.items() if name in taken}
    return model.score_samples(safe_indexing(X, test), **asked)


def _per_row(value, n_samples):
    shape = np.shape(value) if hasattr(value, "__len__") else ()
    return len(shape) > 0 and shape[0] == n_samples
