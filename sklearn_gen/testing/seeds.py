"""Same seed, same bytes; no global state."""

import random

import numpy as np
from sklearn.base import clone

from sklearn_gen.testing._check import check
from sklearn_gen.testing._data import (
    assert_same_bytes,
    example_rows,
    fitted,
    hide_cells,
    seeded,
)
from sklearn_gen.testing._traits import has, is_random, is_threaded, set_deep

# Enough rows for several blocks of any block size in use.
_N_ROWS_THREADED = 20_000


def _results(model, X):
    """Everything a fitted model says, under a fixed seed."""
    results = {}
    for method in ("score_samples", "predict", "predict_proba", "transform"):
        if hasattr(model, method):
            results[method] = getattr(model, method)(X)
    if hasattr(model, "sample"):
        results["sample"] = model.sample(200, random_state=7)
    if hasattr(model, "sample_conditional"):
        rows = hide_cells(X[:200])
        results["sample_conditional"] = model.sample_conditional(rows, random_state=7)
    return results


def _assert_same_results(actual, expected, what):
    for name, value in expected.items():
        assert_same_bytes(actual[name], value, f"{name}, {what}")


@check(has("fit"))
def check_same_seed_same_bytes(estimator):
    """Two fits under one seed agree bit by bit, whatever numpy's global state."""
    X = example_rows(estimator)
    first = _results(seeded(estimator, 3).fit(X), X)
    state = np.random.get_state()  # noqa: NPY002
    try:
        np.random.seed(12345)  # noqa: NPY002
        second = _results(seeded(estimator, 3).fit(X), X)
    finally:
        np.random.set_state(state)  # noqa: NPY002
    _assert_same_results(second, first, "second fit under the same seed")


@check(is_threaded)
def check_same_bytes_for_any_n_jobs(estimator):
    """n_jobs of 1, 2 and 8 give the same bytes."""
    X = example_rows(estimator, _N_ROWS_THREADED)
    few_steps = set_deep(seeded(estimator), max_iter=3, n_init=1)
    expected = None
    for n_jobs in (1, 2, 8):
        model = set_deep(clone(few_steps), n_jobs=n_jobs).fit(X)
        results = _results(model, X)
        if expected is None:
            expected = results
        _assert_same_results(results, expected, f"n_jobs={n_jobs} against 1")


@check(has("fit"))
def check_global_random_state_untouched(estimator):
    """No call moves numpy's or Python's global random state."""
    X = example_rows(estimator)
    before, before_python = np.random.get_state(), random.getstate()  # noqa: NPY002
    model = seeded(estimator, None).fit(X)
    _results(model, X)
    if hasattr(model, "sample"):
        model.sample(5)
    after = np.random.get_state()  # noqa: NPY002
    same = before[2:] == after[2:] and np.array_equal(before[1], after[1])
    assert same, "numpy's global random state has moved."
    assert before_python == random.getstate(), "random's global state has moved."


@check(has("sample"), is_random)
def check_global_random_state_unread(estimator):
    """Without a seed, draws come from fresh entropy: no global seed repeats them."""
    X = example_rows(estimator, n_features=3)
    state = np.random.get_state()  # noqa: NPY002
    try:
        draws = []
        for _ in range(2):
            np.random.seed(0)  # noqa: NPY002
            draws.append(seeded(estimator, None).fit(X).sample(40))
    finally:
        np.random.set_state(state)  # noqa: NPY002
    assert not np.array_equal(*draws), "np.random.seed repeats draws without a seed."


@check(has("sample"), is_random)
def check_draws_repeat_with_a_seed_only(estimator):
    """An int repeats its draws; None, a moving Generator and another int don't."""
    model, _ = fitted(estimator, n_features=3, seed=11)
    assert_same_bytes(model.sample(40), model.sample(40), "sample under an int seed")
    assert_same_bytes(
        model.sample(40, random_state=5),
        model.sample(40, random_state=5),
        "sample(random_state=5)",
    )
    rng = np.random.default_rng(5)
    legacy = np.random.RandomState(5)
    _forget_seeds(model)
    pairs = {
        "None": (model.sample(40), model.sample(40)),
        "unlike ints": (
            model.sample(40, random_state=5),
            model.sample(40, random_state=6),
        ),
        "one Generator": (
            model.sample(40, random_state=rng),
            model.sample(40, random_state=rng),
        ),
        "one RandomState": (
            model.sample(40, random_state=legacy),
            model.sample(40, random_state=legacy),
        ),
    }
    for seed, (first, second) in pairs.items():
        assert not np.array_equal(first, second), f"two draws with {seed} are equal."
    assert_same_bytes(
        model.sample(40, random_state=np.random.default_rng(5)),
        model.sample(40, random_state=np.random.default_rng(5)),
        "sample under equal Generators",
    )


def _forget_seeds(model):
    """Of a wrapper, the fitted clone inside has a seed of its own."""
    for each in (model, getattr(model, "estimator_", None)):
        if each is not None:
            set_deep(each, random_state=None)


@check(has("sample_conditional"), is_random)
def check_conditional_draws_repeat_with_a_seed_only(estimator):
    """`sample_conditional` follows its seed as `sample` does."""
    model, X = fitted(estimator, n_features=3, seed=11)
    rows = hide_cells(X)
    rows[:20] = np.nan
    assert_same_bytes(
        model.sample_conditional(rows),
        model.sample_conditional(rows),
        "sample_conditional under an int seed",
    )
    _forget_seeds(model)
    first, second = model.sample_conditional(rows), model.sample_conditional(rows)
    assert not np.array_equal(first, second), "draws without a seed are equal."
