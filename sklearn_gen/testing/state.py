"""What calls leave behind: nothing in their inputs, everything in the model."""

import pickle

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import sklearn_gen
from sklearn_gen.testing._check import check
from sklearn_gen.testing._data import (
    assert_same_bytes,
    assert_same_scores,
    example_rows,
    fitted,
    hide_cells,
    seeded,
)
from sklearn_gen.testing._traits import (
    ROW_METHODS,
    has,
    installed,
    is_model,
    takes_weights,
)


def _call_all(model, X):
    """Call every method that takes rows."""
    for method in ROW_METHODS:
        if hasattr(model, method):
            getattr(model, method)(X)
    if hasattr(model, "sample_conditional"):
        model.sample_conditional(hide_cells(X))
    if hasattr(model, "inverse_transform") and hasattr(model, "transform"):
        model.inverse_transform(model.transform(X))
    if hasattr(model, "sample"):
        model.sample(3)


@check(has("fit"))
def check_inputs_untouched(estimator):
    """No call writes to its rows or weights, and read-only ones will do."""
    X = example_rows(estimator, n_features=3)
    weights = np.linspace(0.5, 2.0, len(X))
    before = X.copy(), weights.copy()
    fit_arguments = {"sample_weight": weights} if takes_weights(estimator) else {}
    model = seeded(estimator).fit(X, **fit_arguments)
    _call_all(model, X)
    assert_same_bytes(X, before[0], "rows after the calls")
    assert_same_bytes(weights, before[1], "weights after the calls")
    X.flags.writeable = weights.flags.writeable = False
    frozen = seeded(estimator).fit(X, **fit_arguments)
    _call_all(frozen, X)
    assert_same_bytes(
        _scores(frozen, X), _scores(model, X), "scores from read-only rows"
    )
    X_later = X.copy()
    model = seeded(estimator).fit(X_later, **fit_arguments)
    X_later[:] = X_later[::-1] * 2.0
    assert_same_bytes(
        _scores(model, X),
        _scores(frozen, X),
        "scores after the training rows were overwritten",
    )


@check(has("fit"))
def check_parameters_untouched(estimator):
    """fit and the calls after it leave constructor parameters as they were."""
    model = seeded(estimator)
    before = {key: _frozen(value) for key, value in model.get_params().items()}
    X = example_rows(estimator, n_features=3)
    _call_all(model.fit(X), X)
    after = {key: _frozen(value) for key, value in model.get_params().items()}
    changed = [key for key in before if before[key] != after.get(key)]
    assert not changed, f"constructor parameters {changed} have changed."


def _frozen(value):
    """Bytes of a parameter; estimators inside it without what they have learned."""
    return pickle.dumps(clone(value, safe=False))


@check(has("fit"))
def check_fit_returns_self(estimator):
    """fit returns the estimator, and ignores labels in y."""
    X = example_rows(estimator)
    model = seeded(estimator)
    assert model.fit(X) is model, "fit doesn't return self."
    labels = np.array(["a", "b"])[np.arange(len(X)) % 2]
    with_labels = seeded(estimator).fit(X, labels)
    assert_same_bytes(_scores(with_labels, X), _scores(model, X), "fit with labels")


@check(has("fit"))
def check_fit_forgets(estimator):
    """A second fit on other rows equals a first fit on them."""
    first = example_rows(estimator, n_samples=80, n_features=3)
    second = example_rows(estimator, seed=5)
    again = seeded(estimator).fit(first).fit(second)
    fresh = seeded(estimator).fit(second)
    assert_same_bytes(_scores(again, second), _scores(fresh, second), "second fit")


@check(has("fit"), is_model)
def check_failed_fit_keeps_the_model(estimator):
    """After a fit that raises, the earlier model answers as before."""
    model, X = fitted(estimator)
    before = _scores(model, X)
    broken = np.where(np.arange(len(X))[:, None] == 7, np.inf, X)
    attempts = [lambda: model.fit(broken[:, [0]]), lambda: model.fit(X[:, :0])]
    if takes_weights(estimator):
        weights = np.full(len(X), -1.0)
        wide = np.hstack([X, X])
        attempts.append(lambda: model.fit(wide, sample_weight=weights))
    if hasattr(estimator, "partial_fit"):
        attempts.append(lambda: model.partial_fit(broken))
    for attempt in attempts:
        _assert_raises(attempt)
        assert model.n_features_in_ == X.shape[1], "a failed fit changed the columns."
        assert_same_bytes(_scores(model, X), before, "scores after a failed fit")


def _assert_raises(attempt):
    try:
        attempt()
    except ValueError:
        return
    raise AssertionError("a malformed fit raises no ValueError.")


@check(has("fit"))
def check_clone_is_unfitted_and_equal(estimator):
    """clone of a fitted model is unfitted and fits to the same model."""
    model, X = fitted(estimator)
    copy = clone(model)
    leftover = [key for key in vars(copy) if key.endswith("_") and key[0] != "_"]
    assert not leftover, f"clone keeps fitted attributes {leftover}."
    assert_same_bytes(_scores(copy.fit(X), X), _scores(model, X), "scores of a clone")


@check(has("fit"))
def check_pickle_round_trip(estimator):
    """pickle keeps scores and draws, bit by bit."""
    model, X = fitted(estimator)
    _assert_same_model(pickle.loads(pickle.dumps(model)), model, X, "pickle")
    fresh = pickle.loads(pickle.dumps(seeded(estimator)))
    assert_same_bytes(
        _scores(fresh.fit(X), X), _scores(model, X), "pickled before the fit"
    )


@check(has("fit"), installed("skops"))
def check_skops_round_trip(estimator):
    """skops, trusting `sklearn_gen.trusted_types()`, keeps scores and draws."""
    from skops import io

    model, X = fitted(estimator)
    data = io.dumps(model)
    trusted = sklearn_gen.trusted_types()
    found = io.get_untrusted_types(data=data)
    # A user's own class, and what a user puts into its parameters (functions, say), are
    # the user's to trust.
    given = [type(estimator), *estimator.get_params(deep=False).values()]
    own = {
        name
        for name in io.get_untrusted_types(data=io.dumps(given))
        if not name.startswith("sklearn_gen.")
    }
    unknown = set(found) - own - set(trusted)
    assert not unknown, f"sklearn_gen.trusted_types() lacks {sorted(unknown)}."
    loaded = io.loads(data, trusted=sorted({*trusted, *found}))
    _assert_same_model(loaded, model, X, "skops")


def _assert_same_model(actual, expected, X, what):
    assert_same_bytes(_scores(actual, X), _scores(expected, X), f"scores after {what}")
    if hasattr(expected, "sample"):
        draws = [model.sample(20, random_state=3) for model in (actual, expected)]
        assert_same_bytes(*draws, f"draws after {what}")


def _scores(model, X):
    method = "score_samples" if hasattr(model, "score_samples") else "transform"
    return getattr(model, method)(X)


@check(has("fit", "score"))
def check_searches_by_likelihood(estimator):
    """GridSearchCV needs no `scoring`, and reports mean held-out log-likelihood."""
    X = example_rows(estimator)
    half = len(X) // 2
    folds = [(np.arange(half), np.arange(half, len(X)))]
    search = GridSearchCV(seeded(estimator), {}, cv=folds, error_score="raise").fit(X)
    held_out = seeded(estimator).fit(X[:half]).score(X[half:])
    assert_same_scores([search.best_score_], [held_out], "best_score_ of a search")
