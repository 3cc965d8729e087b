"""What the methods beside density and draws promise."""

import numpy as np

from sklearn_gen.testing._check import check
from sklearn_gen.testing._data import assert_same_scores, fitted, fitted_alone
from sklearn_gen.testing._traits import has


@check(has("density_kind"))
def check_density_kind(estimator):
    """`density_kind` is known before fit, one of three words, and read-only."""
    kinds = ("exact", "lower_bound", "estimate")
    assert estimator.density_kind in kinds, (
        f"density_kind is {estimator.density_kind!r}, none of {kinds}."
    )
    try:
        estimator.density_kind = "estimate"
    except AttributeError:
        return
    raise AssertionError("density_kind can be overwritten.")


@check(has("sample_conditional"))
def check_conditional_kind(estimator):
    """`conditional_kind` is 'exact' or 'estimate'."""
    kind = getattr(estimator, "conditional_kind", None)
    assert kind in ("exact", "estimate"), f"conditional_kind is {kind!r}."


@check(has("predict_proba", "predict", "fit_predict"))
def check_components(estimator):
    """Posterior probabilities sum to one; `predict` names the largest.

    As an index: -1 is the last column, where that is noise.
    """
    model, X = fitted_alone(estimator)
    posterior = model.predict_proba(X)
    assert posterior.ndim == 2, f"predict_proba has shape {posterior.shape}."
    assert len(posterior) == len(X), f"predict_proba has {len(posterior)} rows."
    assert (posterior >= 0).all(), "predict_proba has negative entries."
    assert_same_scores(posterior.sum(axis=1), np.ones(len(X)), "sum of predict_proba")
    labels = model.predict(X)
    named = labels % posterior.shape[1]
    assert np.array_equal(named, posterior.argmax(axis=1)), (
        "predict differs from the largest predict_proba."
    )
    model, X = fitted(estimator)
    again = fitted(estimator)[0].fit_predict(X)
    what = "fit_predict differs from fit and predict."
    assert np.array_equal(again, model.predict(X)), what


@check(has("transform", "inverse_transform"))
def check_latent_round_trip(estimator):
    """`inverse_transform` decodes one row per code, with the columns of fit."""
    model, X = fitted(estimator, n_features=3)
    codes = model.transform(X)
    assert len(codes) == len(X), f"transform: {len(codes)} codes of {len(X)} rows."
    decoded = model.inverse_transform(codes)
    assert decoded.shape == X.shape, f"inverse_transform has shape {decoded.shape}."
    assert np.isfinite(decoded).all(), "inverse_transform returns non-finite values."


@check(has("decision_function", "score_samples", "predict", "fit_predict"))
def check_outlier_decisions(estimator):
    """decision_function is score_samples - offset_, and predict its sign.

    Detectors that judge a row by several models have no one `offset_`.
    """
    model, X = fitted(estimator)
    decision = model.decision_function(X)
    if hasattr(model, "offset_"):
        assert_same_scores(
            decision, model.score_samples(X) - model.offset_, "decision_function"
        )
    labels = model.predict(X)
    assert np.array_equal(labels, np.where(decision >= 0, 1, -1)), (
        "predict is not the sign of decision_function."
    )
    again = fitted(estimator)[0].fit_predict(X)
    assert np.array_equal(again, labels), "fit_predict differs from fit and predict."


@check(has("explain", "score_samples"))
def check_explanations(estimator):
    """`explain` gives one finite number for each cell."""
    model, X = fitted(estimator, n_features=3)
    parts = np.asarray(model.explain(X[:10]))
    assert parts.shape == (10, 3), f"explain has shape {parts.shape}."
    assert np.isfinite(parts).all(), "explain returns values that aren't finite."
