"""Information criteria as scorers."""


def neg_bic_scorer(estimator, X, y=None, sample_weight=None):
    """Score a fitted model by minus its Bayesian information criterion on X.

    A scorer for ``scoring=`` in searches, of models and of
    :class:`~sklearn_gen.compose.GenerativePipeline`. Searches hand a scorer the test
    fold, but the criterion is meant for the rows of the fit: give them one split that
    trains and tests on all rows, as in the example.

    Parameters
    ----------
    estimator : estimator instance
        Fitted, with `bic`.
    X : array-like of shape (n_samples, n_features)
        Rows; their number sets the penalty.
    y : Ignored
        Present for searches.
    sample_weight : array-like of shape (n_samples,) or None, default=None
        Weights, where the model's `bic` takes them.

    Returns
    -------
    score : float
        Minus BIC, in nats; higher is better.

    Raises
    ------
    TypeError
        If the estimator has no `bic`.

    See Also
    --------
    neg_aic_scorer : A milder penalty, for prediction.
    cross_val_score_samples : Held-out likelihood, which needs no penalty.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn_gen.mixture import GaussianMixture
    >>> from sklearn_gen.model_selection import neg_bic_scorer
    >>> rng = np.random.default_rng(0)
    >>> X = np.r_[rng.normal(size=(90, 1)), rng.normal(6, 1, (60, 1))]
    >>> rows = np.arange(len(X))
    >>> search = GridSearchCV(
    ...     GaussianMixture(random_state=0),
    ...     {"n_components": [1, 2, 3]},
    ...     scoring=neg_bic_scorer,
    ...     cv=[(rows, rows)],  # BIC is computed on the rows of the fit
    ... )
    >>> search.fit(X).best_params_
    {'n_components': 2}
    """
    return _negative_criterion("bic", estimator, X, sample_weight)


def neg_aic_scorer(estimator, X, y=None, sample_weight=None):
    """Score a fitted model by minus Akaike's information criterion on X.

    A scorer for ``scoring=`` in searches, used like :func:`neg_bic_scorer`: with one
    split that trains and tests on all rows.

    Parameters
    ----------
    estimator : estimator instance
        Fitted, with `aic`.
    X : array-like of shape (n_samples, n_features)
        Rows.
    y : Ignored
        Present for searches.
    sample_weight : array-like of shape (n_samples,) or None, default=None
        Weights, where the model's `aic` takes them.

    Returns
    -------
    score : float
        Minus AIC, in nats; higher is better.

    Raises
    ------
    TypeError
        If the estimator has no `aic`.

    See Also
    --------
    neg_bic_scorer : A penalty that grows with the number of rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.mixture import GaussianMixture
    >>> from sklearn_gen.model_selection import neg_aic_scorer
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> one, two = (GaussianMixture(k, random_state=0).fit(X) for k in (1, 2))
    >>> neg_aic_scorer(one, X) > neg_aic_scorer(two, X)
    True
    """
    return _negative_criterion("aic", estimator, X, sample_weight)


def _negative_criterion(name, estimator, X, sample_weight):
    if not hasattr(estimator, name):
        raise TypeError(
            f"neg_{name}_scorer needs an estimator with {name}, which "
            f"{type(estimator).__name__} doesn't have. A GenerativePipeline (not "
            "scikit-learn's Pipeline) has it where its model does; "
            "sklearn_gen.all_estimators('information_criteria') lists models."
        )
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    return -float(getattr(estimator, name)(X, **weights))
