"""Information criteria as scorers."""

from functools import update_wrapper

from sklearn.utils.metadata_routing import MetadataRequest

from sklearn_gen._inner._sequences import rows_are_steps

# Ids of sequences are requested as the models do; the others for the user to say.
_REQUESTS = {"groups": True, "sample_weight": None, "sequence_weight": None}


class Scorer:
    """A function that scores a fitted model, and what metadata it requests.

    Parameters
    ----------
    function : callable
        From an estimator, X, y and metadata to a number.
    requests : dict or None, default=None
        Metadata by name: True, False, None or an alias, as scikit-learn has it.
    """

    def __init__(self, function, requests=None):
        update_wrapper(self, function)
        self._requests = requests

    def __call__(self, estimator, X, y=None, **params):
        return self.__wrapped__(estimator, X, y, **params)

    def get_metadata_routing(self):
        """Say what is requested, where metadata routing is on."""
        routing = MetadataRequest(owner=self.__name__)
        for name, alias in (self._requests or _REQUESTS).items():
            routing.score.add_request(param=name, alias=alias)
        return routing

    def set_score_request(self, **requests):
        """Make a scorer that requests other metadata.

        Parameters
        ----------
        **requests : dict
            Of `groups`, `sample_weight` and `sequence_weight`: True, False, None or an
            alias, as in scikit-learn.

        Returns
        -------
        scorer : Scorer
            A new one; this one stays as it is.

        Raises
        ------
        TypeError
            If there is no such metadata.
        """
        for name in requests:
            if name not in _REQUESTS:
                raise TypeError(
                    f"{self.__name__} takes no {name!r}: it can request "
                    f"{', '.join(_REQUESTS)}."
                )
        return Scorer(
            self.__wrapped__, {**_REQUESTS, **(self._requests or {}), **requests}
        )

    def __repr__(self):
        return self.__name__

    def __reduce__(self):
        if self._requests is None:
            return self.__name__  # pickled as functions are, by name
        return _requesting, (self.__name__, self._requests)


def _requesting(name, requests):
    return globals()[name].set_score_request(**requests)


@Scorer
def neg_bic_scorer(
    estimator, X, y=None, *, sample_weight=None, groups=None, sequence_weight=None
):
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
        Weights, where the model's `bic` takes them. With metadata routing on, request
        them by ``neg_bic_scorer.set_score_request(sample_weight=True)``.
    groups : array-like of shape (n_samples,) or None, default=None
        Of models of sequences, the id of each row's sequence; requested by default
        where metadata routing is on. Other models ignore it.
    sequence_weight : array-like of shape (n_sequences,) or None, default=None
        Weights of sequences, where the model's `bic` takes them.

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
    params = (sample_weight, groups, sequence_weight)
    return _negative_criterion("bic", estimator, X, *params)


@Scorer
def neg_aic_scorer(
    estimator, X, y=None, *, sample_weight=None, groups=None, sequence_weight=None
):
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
        Weights, where the model's `aic` takes them; with metadata routing on, request
        them.
    groups : array-like of shape (n_samples,) or None, default=None
        Of models of sequences, the id of each row's sequence, as in
        :func:`neg_bic_scorer`.
    sequence_weight : array-like of shape (n_sequences,) or None, default=None
        Weights of sequences, where the model's `aic` takes them.

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
    params = (sample_weight, groups, sequence_weight)
    return _negative_criterion("aic", estimator, X, *params)


def _negative_criterion(name, estimator, X, sample_weight, groups, sequence_weight):
    if not hasattr(estimator, name):
        raise TypeError(
            f"neg_{name}_scorer needs an estimator with {name}, which "
            f"{type(estimator).__name__} doesn't have. A GenerativePipeline (not "
            "scikit-learn's Pipeline) has it where its model does; "
            "sklearn_gen.all_estimators('information_criteria') lists models."
        )
    params = {"sample_weight": sample_weight, "sequence_weight": sequence_weight}
    if rows_are_steps(estimator):  # else they are the splitter's alone
        params["groups"] = groups
    given = {key: value for key, value in params.items() if value is not None}
    return -float(getattr(estimator, name)(X, **given))
