"""Rows that leave a model undetermined fit, with a warning, to finite scores."""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sklearn_gen.base import DegenerateDataWarning, DiscreteColumnWarning
from sklearn_gen.testing._check import check, check_each
from sklearn_gen.testing._data import example_rows, fitted, hide_cells, seeded
from sklearn_gen.testing._traits import (
    allows_nan,
    has,
    is_continuous,
    is_model,
    leaves_repeats_to_others,
    set_deep,
    takes_mixed_columns,
    takes_numbers_only,
    takes_weights,
)


@dataclass(frozen=True)
class Degenerate:
    """A table that leaves parameters undetermined.

    Attributes
    ----------
    name : str
        Stands in the name of the check.
    make : callable
        Makes the rows from a Generator.
    n_components : int or None
        Number of components to ask for, where there are components.
    says : str or None
        What the warnings must say (a regular expression); None where a well-scaled
        model has nothing to warn of.
    """

    name: str
    make: Callable = field(repr=False)
    n_components: int | None = None
    says: str | None = None
    applies_to: Callable = field(repr=False, default=has("fit"))


def _one_hot(rng):
    return np.eye(4)[rng.integers(4, size=60)]


def _constant_column(rng):
    X = rng.normal(size=(60, 3))
    X[:, 1] = 5.0
    return X


def _with_outlier(rng):
    X = rng.normal(size=(60, 2))
    X[0] = 1e8
    return X


CASES = [
    Degenerate("a constant column", _constant_column, 2, "column 1"),
    Degenerate("only one value", lambda rng: np.full((30, 2), 3.0), 2, "column 0"),
    Degenerate("one-hot columns", _one_hot, 3, "column 0"),
    Degenerate(
        "a column that copies another",
        lambda rng: np.repeat(rng.normal(size=(60, 1)), 2, axis=1),
        2,
    ),
    Degenerate(
        "rows repeated",
        lambda rng: np.repeat(rng.normal(size=(8, 2)), 8, axis=0),
        2,
        "column 0",
    ),
    Degenerate(
        "fewer distinct rows than components",
        lambda rng: np.repeat(rng.normal(size=(3, 2)), 10, axis=0),
        5,
        "column 0",
    ),
    Degenerate("as many rows as components", lambda rng: rng.normal(size=(4, 2)), 4),
    Degenerate(
        "copied columns beside an outlier",
        lambda rng: np.repeat(_with_outlier(rng), 3, axis=1),
        1,
    ),
    Degenerate("fewer rows than components", lambda rng: rng.normal(size=(3, 2)), 5),
    Degenerate("more columns than rows", lambda rng: rng.normal(size=(6, 15)), 2),
    Degenerate("values of 1e-8", lambda rng: 1e-8 * rng.normal(size=(60, 3)), 2),
    Degenerate("values of 1e8", lambda rng: 1e8 * rng.normal(size=(60, 3)), 2),
    Degenerate("far from zero", lambda rng: 1e8 + rng.normal(size=(60, 3)), 2),
    Degenerate(
        "unlike scales",
        lambda rng: rng.normal(size=(60, 3)) * np.array([1e-8, 1.0, 1e8]),
        2,
    ),
    Degenerate("outliers at 1e8", _with_outlier, 2),
]


@check_each(CASES, is_continuous, has("score_samples"))
def check_degenerate_rows_fit(estimator, case):
    """Scores and draws stay finite; what was undetermined is said, by column."""
    X = case.make(np.random.default_rng(0))
    model = seeded(estimator)
    if case.n_components is not None:
        set_deep(model, n_components=case.n_components)
    messages = _warnings_of(lambda: model.fit(X), UserWarning)
    _assert_finite(model, X, case.name)
    narrow = X.astype(np.float32)
    _assert_finite(clone(model).fit(narrow), narrow, f"{case.name} in float32")
    says_it = (
        is_model(estimator)
        and leaves_repeats_to_others(estimator)
        and takes_numbers_only(estimator)  # a mass of repeated values is no surprise
    )
    if says_it and case.says is not None:
        assert case.says in messages, (
            f"{case.name}: no warning says '{case.says}', only: {messages or 'nothing'}"
        )
    if is_model(estimator) and _n_parameters(model, X) > X.size:
        found = _warnings_of(
            lambda: seeded(model).fit(X), DegenerateDataWarning, DiscreteColumnWarning
        )
        assert found, (
            f"{case.name}: {X.size} values can't determine "
            f"{_n_parameters(model, X):.0f} parameters, and no warning says so."
        )


def _n_parameters(model, X):
    """Number of free parameters, where it is known: aic + 2 log L = 2 p."""
    if not hasattr(model, "aic"):
        return 0
    return model.aic(X) / 2.0 + len(X) * model.score(X)


def _assert_finite(model, X, what):
    for method in ("score_samples", "predict_proba", "transform"):
        if hasattr(model, method):
            found = np.asarray(getattr(model, method)(X))
            assert np.isfinite(found).all(), f"{what}: {method} is not finite."
    if hasattr(model, "sample"):
        draws = model.sample(50)
        assert np.isfinite(draws).all(), f"{what}: draws are not finite."
    if hasattr(model, "sample_conditional"):
        completed = model.sample_conditional(hide_cells(X))
        assert np.isfinite(completed).all(), f"{what}: conditional draws aren't finite."


def _warnings_of(call, *categories):
    """Run `call`; join the messages of its warnings of these categories."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        call()
    return "; ".join(
        str(item.message)
        for item in caught
        if issubclass(item.category, categories)
        and not issubclass(item.category, ConvergenceWarning)
    )


@check(is_continuous, has("score_samples"))
def check_single_row_fits(estimator):
    """One row fits with one component, with a warning."""
    X = example_rows(estimator, n_samples=1, n_features=2)
    model = set_deep(seeded(estimator), n_components=1)
    try:
        messages = _warnings_of(lambda: model.fit(X), UserWarning)
    except ValueError as error:
        if re.search("1 sample|one row", str(error)):
            return  # an estimator that needs two rows may say so
        raise
    _assert_finite(model, X, "one row")
    assert messages or not is_model(estimator), (
        "one row determines nothing; no warning."
    )


@check(
    is_continuous,
    is_model,
    has("score_samples"),
    leaves_repeats_to_others,
    takes_numbers_only,
)
def check_repeated_values_warn(estimator):
    """A column on a grid warns of its base measure, by name, and how to go on."""
    X = example_rows(estimator, n_features=3)
    X[:, 1] = np.round(X[:, 1])
    messages = _warnings_of(lambda: seeded(estimator).fit(X), DiscreteColumnWarning)
    for wanted in ("column 1", "dequantize", "discrete columns"):
        assert wanted in messages, (
            f"integers in column 1: DiscreteColumnWarning must contain {wanted!r}, "
            f"but says: {messages or 'nothing'}"
        )
    for other in ("column 0", "column 2"):
        assert other not in messages, f"distinct values in {other} warn: {messages}"


@check(is_continuous, has("fit"))
def check_healthy_rows_raise_no_warning(estimator):
    """Distinct, well-scaled rows give no warning but that of convergence."""

    def use():
        model, X = fitted(estimator, n_features=3)
        _assert_finite(model, X, "healthy rows")

    messages = _warnings_of(use, UserWarning)
    assert not messages, f"healthy rows warn: {messages}"


@check(allows_nan, has("score"))
def check_fit_with_missing_values(estimator):
    """Rows with a tenth of their cells missing teach nearly what whole rows do."""
    X = example_rows(estimator, n_samples=300)
    whole = seeded(estimator).fit(X)
    holes = hide_cells(X, share=0.1)
    model = seeded(estimator).fit(holes)
    loss = whole.score(X) - model.score(X)
    assert loss < 0.5, f"a tenth of the cells missing costs {loss:.3g} nats per row."
    _assert_finite(model, holes, "missing cells")
    holes[5] = np.nan
    model = seeded(estimator).fit(holes)
    _assert_finite(model, holes, "a row with nothing observed")


@check(allows_nan, is_model, has("score_samples"))
def check_column_without_values(estimator):
    """A column with nothing observed is an error or a warning that names it."""
    X = example_rows(estimator, n_features=3)
    X[:, 1] = np.nan
    model = seeded(estimator)
    try:
        messages = _warnings_of(lambda: model.fit(X), UserWarning)
    except ValueError as error:
        messages = str(error)
    else:
        if takes_mixed_columns(estimator):  # as in the table, drawn as missing
            assert np.isfinite(model.score_samples(X)).all(), "scores aren't finite."
        else:
            _assert_finite(model, X, "a column without values")
    assert "column 1" in messages, (
        f"a column without values is not named: {messages or 'nothing'}"
    )


@check(takes_weights, has("score_samples"), is_continuous)
def check_extreme_weights_fit(estimator):
    """Weights from 1e-8 to 1e8 fit to finite scores."""
    X = example_rows(estimator)
    for weights in (
        10.0 ** np.linspace(-8, 8, len(X)),
        np.full(len(X), 1e-8),
        np.full(len(X), 1e8),
    ):
        model = seeded(estimator).fit(X, sample_weight=weights)
        _assert_finite(model, X, "extreme weights")
