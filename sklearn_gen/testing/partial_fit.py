"""Learning from batches, where it is offered."""

import numpy as np

from sklearn_gen.testing._check import check
from sklearn_gen.testing._data import (
    assert_same_bytes,
    assert_same_scores,
    example_rows,
    seeded,
)
from sklearn_gen.testing._traits import has, has_partial_fit_weights

_N_PASSES = 5
# What batches may lose against a fit on all rows, in nats per row.
_LOSS = 0.5


@check(has("partial_fit", "score"))
def check_partial_fit_learns(estimator):
    """Batches of shuffled rows come near a fit on all rows; each one counts."""
    X = example_rows(estimator, n_samples=600)
    whole = seeded(estimator).fit(X).score(X)
    model = seeded(estimator)
    rng = np.random.default_rng(0)
    for _ in range(_N_PASSES):
        for batch in np.array_split(rng.permutation(X), 3):
            assert model.partial_fit(batch) is model, "partial_fit returns no self."
    loss = whole - model.score(X)
    assert loss < _LOSS, f"{_N_PASSES} passes in batches end {loss:.3g} nats below fit."
    before = model.score_samples(X)
    moved = model.partial_fit(X[:50] + X.std(axis=0)).score_samples(X)
    assert not np.array_equal(before, moved), "another batch changes nothing."


@check(has("partial_fit", "score_samples"))
def check_partial_fit_repeats_under_a_seed(estimator):
    """Two runs over the same batches under one seed agree bit by bit."""
    X = example_rows(estimator)
    models = [seeded(estimator).partial_fit(X).partial_fit(X[:60]) for _ in range(2)]
    scores = [model.score_samples(X) for model in models]
    assert_same_bytes(*scores, "scores after the same batches")


@check(has("partial_fit", "score_samples"))
def check_partial_fit_goes_on_from_fit(estimator):
    """partial_fit after fit starts from what fit learned."""
    X = example_rows(estimator)
    model = seeded(estimator).fit(X)
    fitted_score = model.score_samples(X).mean()
    continued = model.partial_fit(X).score_samples(X).mean()
    assert continued > fitted_score - _LOSS, (
        f"partial_fit on the rows just fitted falls from {fitted_score:.3g} to "
        f"{continued:.3g} nats."
    )


@check(has("partial_fit"), has_partial_fit_weights)
def check_partial_fit_takes_weights(estimator):
    """A batch with zero weights equals the batch without those rows."""
    X = example_rows(estimator)
    weights = (np.arange(len(X)) % 3).astype(float)
    kept = weights > 0
    models = (
        seeded(estimator).partial_fit(X, sample_weight=weights),
        seeded(estimator).partial_fit(X[kept], sample_weight=weights[kept]),
    )
    scores = [model.score_samples(X) for model in models]
    assert_same_scores(*scores, "zero weights against dropped rows of a batch")
