"""An integer weight is that many rows; weight zero is no row."""

import numpy as np

from sklearn_gen.testing._check import check
from sklearn_gen.testing._data import assert_same_scores, example_rows, seeded
from sklearn_gen.testing._traits import (
    has,
    keeps_copies_together,
    leaves_repeats_to_others,
    set_deep,
    starting_values,
    starts_follow_weights,
    takes,
    takes_starting_values,
    takes_weights,
    weighs_rows,
)

# EM steps from given starts: enough that a misplaced weight shows, few enough that
# rounding has not grown.
_N_STEPS = 20


@check(
    takes_weights,
    takes_starting_values,
    leaves_repeats_to_others,
    has("score_samples"),
)
def check_weights_are_repeats_from_given_start(estimator):
    """From the same starting values, weights and repeated rows give the same model.

    Exempt, here and below: models set to spread repeated values (`dequantize`), to
    which a repeated row says more than a weight.
    """
    X = example_rows(estimator)
    weights = np.random.default_rng(1).integers(0, 4, size=len(X))
    start = _given_start(estimator, X)
    weighted = seeded(start).fit(X, sample_weight=weights)
    repeated = seeded(start).fit(np.repeat(X, weights, axis=0))
    assert_same_scores(
        weighted.score_samples(X),
        repeated.score_samples(X),
        "integer weights against repeated rows, given starting values",
    )


@check(takes_weights, takes_starting_values, has("score_samples"))
def check_zero_weight_drops_from_given_start(estimator):
    """From the same starting values, rows of weight zero might as well be absent."""
    X, weights, kept = _rows_to_drop(estimator)
    start = _given_start(estimator, X[kept])
    weighted = seeded(start).fit(X, sample_weight=weights)
    dropped = seeded(start).fit(X[kept], sample_weight=weights[kept])
    assert_same_scores(
        weighted.score_samples(X[kept]),
        dropped.score_samples(X[kept]),
        "weight zero against dropped rows, given starting values",
    )


def _given_start(estimator, X):
    """Three components where there are components, from a short fit's parameters."""
    model = set_deep(seeded(estimator), n_components=3, max_iter=2)
    model.fit(X[: len(X) // 2])
    values = {
        name: getattr(model, name.removesuffix("init"))
        for name in starting_values(estimator)
    }
    return set_deep(model, max_iter=_N_STEPS, tol=0.0).set_params(**values)


def _rows_to_drop(estimator):
    X = example_rows(estimator)
    rng = np.random.default_rng(2)
    weights = rng.uniform(0.5, 2.0, size=len(X))
    weights[rng.random(len(X)) < 0.3] = 0.0
    kept = weights > 0
    # Values that would show in any moment, start or scale.
    X[~kept] = np.where(X[~kept] > 0, X.max(), X.min())
    X[~kept, -1] = X.max()
    return X, weights, kept


@check(
    takes_weights,
    starts_follow_weights,
    keeps_copies_together,
    leaves_repeats_to_others,
    has("score_samples"),
)
def check_weights_are_repeats_from_default_start(estimator):
    """With its own start, same row order: weights and repeated rows agree.

    Exempt: starts that draw a number for each row and component (``init_params=
    "random"``), and splits at random (`calibration_size`).
    """
    X = example_rows(estimator)
    weights = np.random.default_rng(1).integers(0, 4, size=len(X))
    weighted = seeded(estimator).fit(X, sample_weight=weights)
    repeated = seeded(estimator).fit(np.repeat(X, weights, axis=0))
    assert_same_scores(
        weighted.score_samples(X),
        repeated.score_samples(X),
        "integer weights against repeated rows, default start",
    )


@check(takes_weights, has("score_samples"))
def check_zero_weight_drops_from_default_start(estimator):
    """With its own start, rows of weight zero might as well be absent."""
    X, weights, kept = _rows_to_drop(estimator)
    weighted = seeded(estimator).fit(X, sample_weight=weights)
    dropped = seeded(estimator).fit(X[kept], sample_weight=weights[kept])
    assert_same_scores(
        weighted.score_samples(X[kept]),
        dropped.score_samples(X[kept]),
        "weight zero against dropped rows, default start",
    )


@check(takes_weights, has("score_samples"))
def check_weights_matter(estimator):
    """Rows that weigh more become more probable."""
    X = example_rows(estimator)
    heavy = X[:, 0] > np.median(X[:, 0])
    low = seeded(estimator).fit(X, sample_weight=np.where(heavy, 0.01, 1.0))
    high = seeded(estimator).fit(X, sample_weight=np.where(heavy, 1.0, 0.01))
    gain = np.mean(high.score_samples(X[heavy]) - low.score_samples(X[heavy]))
    assert gain > 0.1, f"Weighing rows up changes their mean log p by {gain:.3g} only."


@check(takes("score", "sample_weight"), has("score_samples"))
def check_score_takes_weights(estimator):
    """`score` with weights is the weighted mean of `score_samples`."""
    model = seeded(estimator).fit(example_rows(estimator))
    X = example_rows(estimator, seed=1)
    weights = np.random.default_rng(3).integers(0, 4, size=len(X))
    expected = np.average(model.score_samples(X), weights=weights)
    actual = model.score(X, sample_weight=weights)
    assert_same_scores([actual], [expected], "weighted score")


@check(takes("bic", "sample_weight"), has("aic", "score"), weighs_rows)
def check_criteria_take_weights(estimator):
    """`bic` and `aic` count a row of weight two as two rows."""
    model = seeded(estimator).fit(example_rows(estimator))
    X = example_rows(estimator, seed=1)
    weights = np.random.default_rng(3).integers(0, 4, size=len(X))
    rows = np.repeat(X, weights, axis=0)
    for method in ("bic", "aic"):
        criterion = getattr(model, method)
        actual = criterion(X, sample_weight=weights)
        assert_same_scores([actual], [criterion(rows)], f"weighted {method}")
