"""Small tables the checks fit on, and comparisons of what comes out."""

import numpy as np
from sklearn.base import clone
from sklearn.utils import get_tags

from sklearn_gen._inner._sequences import rows_are_steps
from sklearn_gen.testing._traits import is_discrete, set_deep

# Scores of the same density computed twice may differ by the order of a sum:
# |a - b| <= SAME_SCORE * (1 + |b|), in nats.
SAME_SCORE = 1e-9


def example_rows(estimator, n_samples=120, n_features=2, seed=0):
    """Make rows that any healthy model of their kind can learn.

    Three correlated blobs, all values distinct; dependent zeros and ones for discrete
    models; positive values where the tags ask for them.
    """
    rng = np.random.default_rng([seed, n_features])
    label = rng.choice(3, size=n_samples, p=[0.5, 0.3, 0.2])
    if is_discrete(estimator):
        chance = np.array([0.2, 0.5, 0.9])[label, None]
        return (rng.random((n_samples, n_features)) < chance).astype(np.float64)
    centers = np.random.default_rng(99).normal(scale=3.0, size=(3, n_features))
    mixing = np.tril(np.full((n_features, n_features), 0.6)) + 0.4 * np.eye(n_features)
    rows = centers[label] + rng.normal(size=(n_samples, n_features)) @ mixing.T
    if get_tags(estimator).input_tags.positive_only:
        rows = np.exp(0.3 * rows)
    return rows


def hide_cells(X, share=0.3, seed=0):
    """Copy X with a share of its cells NaN, at least one cell of each row kept."""
    rng = np.random.default_rng(seed)
    hidden = rng.random(X.shape) < share
    hidden[np.arange(len(X)), rng.integers(X.shape[1], size=len(X))] = False
    return np.where(hidden, np.nan, X)


def seeded(estimator, seed=0):
    """Clone with every random_state set to `seed`."""
    return set_deep(clone(estimator), random_state=seed)


def fitted(estimator, n_features=2, seed=0, n_samples=120):
    """Fit a seeded clone to the example rows; return it and them."""
    X = example_rows(estimator, n_samples, n_features)
    return seeded(estimator, seed).fit(X), X


def fitted_alone(estimator, n_features=2, seed=0, n_samples=120):
    """As `fitted`, but rows that are steps in time are first steps, each by itself."""
    model, X = fitted(estimator, n_features, seed, n_samples)
    return _FirstSteps(model) if rows_are_steps(model) else model, X


class _FirstSteps:
    """A model of sequences, each row a sequence of its own."""

    def __init__(self, model):
        self._model = model

    def __getattr__(self, name):
        return getattr(self._model, name)

    def score_samples(self, X):
        return self._model.score_samples(X, groups=np.arange(len(X)))

    def predict(self, X):
        return self._model.predict(X, groups=np.arange(len(X)))

    def predict_proba(self, X):
        return self._model.predict_proba(X, groups=np.arange(len(X)))

    def sample(self, n_samples=1, **options):
        return self._model.sample(n_samples, groups=np.arange(n_samples), **options)

    def sample_conditional(self, X, **options):
        return self._model.sample_conditional(X, groups=np.arange(len(X)), **options)


def assert_same_scores(actual, expected, what, tolerance=SAME_SCORE):
    """Compare log densities row by row."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, (
        f"{what}: shapes {actual.shape} and {expected.shape} differ."
    )
    with np.errstate(invalid="ignore"):
        gap = np.abs(actual - expected) / (1.0 + np.abs(expected))
    gap[actual == expected] = 0.0  # -inf on both sides
    worst = int(np.argmax(np.where(np.isnan(gap), np.inf, gap)))
    assert gap[worst] <= tolerance, (
        f"{what}: entry {worst} is {actual[worst]!r} and not "
        f"{expected[worst]!r} (relative gap {gap[worst]:.2e}, allowed {tolerance:.0e})."
    )


def assert_same_bytes(actual, expected, what):
    """Compare two arrays or frames bit by bit."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    kinds = [(array.dtype, array.shape) for array in (actual, expected)]
    assert kinds[0] == kinds[1], f"{what}: {kinds[0]} and not {kinds[1]}."
    assert actual.tobytes() == expected.tobytes(), f"{what}: the values differ."
