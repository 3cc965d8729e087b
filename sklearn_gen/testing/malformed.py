"""Every malformed input gets an error that says what, what was got, and what to do."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from sklearn.exceptions import NotFittedError

from sklearn_gen.testing._check import check, check_each
from sklearn_gen.testing._data import example_rows, fitted, seeded
from sklearn_gen.testing._malformed_rows import (
    ROW_CASES,
    SCORED_CASES,
    column_cases,
)
from sklearn_gen.testing._traits import (
    ROW_METHODS,
    deep_parameters,
    has,
    is_model,
    refuses_nan,
    set_deep,
    takes,
    takes_weights,
)


@dataclass(frozen=True)
class Malformed:
    """One malformed call.

    Attributes
    ----------
    name : str
        Stands in the name of the check.
    call : callable
        Called with the estimator; must raise ValueError or TypeError.
    says : tuple of str
        Regular expressions (case ignored) that the message must contain: what is
        meant, what was got, what to do. Only the first is asked of estimators that
        leave validation to what they wrap.
    applies_to : callable
        As for a check.
    """

    name: str
    call: Callable = field(repr=False)
    says: tuple
    applies_to: Callable = field(repr=False, default=has("fit"))


def assert_refused(estimator, case):
    """Assert that the call of `case` raises, with the message it should have."""
    try:
        case.call(estimator)
    except (ValueError, TypeError) as error:
        message = str(error)
    else:
        raise AssertionError(f"{case.name}: no error.")
    wanted = case.says if is_model(estimator) else case.says[:1]
    absent = [say for say in wanted if not re.search(say, message, re.IGNORECASE)]
    assert not absent, (
        f"{case.name}: the error must contain {absent}, but says: {message}"
    )


def _fit_rows(spoil):
    """Fit on example rows spoiled by a function."""

    def call(estimator):
        seeded(estimator).fit(spoil(example_rows(estimator, 20, n_features=2)))

    return call


def _score_rows(spoil):
    """Give spoiled rows to every method that takes rows; all must refuse them."""

    def call(estimator):
        model, X = fitted(estimator)
        spoiled = spoil(X[:20])
        errors = []
        for method in ROW_METHODS:
            if not hasattr(model, method):
                continue
            try:
                getattr(model, method)(spoiled)
            except (ValueError, TypeError) as error:
                errors.append(error)
            else:
                raise AssertionError(f"{method} accepts the rows.")
        raise errors[0]

    return call


@check_each(
    [
        Malformed(name, _fit_rows(spoil), says, applies_to)
        for name, spoil, says, applies_to in ROW_CASES
    ],
    has("fit"),
)
def check_fit_refuses(estimator, case):
    """fit refuses rows that are no table of numbers."""
    assert_refused(estimator, case)


@check_each(
    [
        Malformed(name, _score_rows(spoil), says, applies_to)
        for name, spoil, says, applies_to in SCORED_CASES
    ],
    has("score_samples"),
)
def check_scoring_refuses(estimator, case):
    """Every method that takes rows refuses those fit would, and other columns."""
    assert_refused(estimator, case)


@check_each(
    [
        Malformed(name, call, says, applies_to)
        for name, call, says, applies_to in column_cases()
    ],
    has("score_samples"),
)
def check_columns_refused(estimator, case):
    """Columns of frames are known by their names and types."""
    assert_refused(estimator, case)


def _weigh(*weights):
    def fit(estimator):
        X = example_rows(estimator, 20)
        seeded(estimator).fit(X, sample_weight=_spoiled_weights(weights))

    def score(estimator):
        model, X = fitted(estimator)
        model.score(X[:20], sample_weight=_spoiled_weights(weights))

    return fit, score


def _spoiled_weights(weights):
    good = np.ones(20 - len(weights)).tolist()
    return [*weights, *good]


def _weight_cases():
    table = [
        ("negative weight", _weigh(1.0, -1.5), ("sample_weight", "negative", r"-1\.5")),
        ("NaN weight", _weigh(1.0, np.nan), ("sample_weight", "nan")),
        ("infinite weight", _weigh(1.0, np.inf), ("sample_weight", "inf")),
        ("text weight", _weigh(1.0, "heavy"), ("sample_weight", "heavy")),
        (
            "weights all zero",
            tuple(
                lambda est, run=run: run(est)
                for run in _whole_weights(lambda n: np.zeros(n))
            ),
            ("sample_?weight|sample weight", "zero", "positive|non-?zero"),
        ),
        (
            "too few weights",
            _whole_weights(lambda n: np.ones(n - 3)),
            ("sample_weight", "17", "20"),
        ),
        (
            "2-D weights",
            _whole_weights(lambda n: np.ones((n, 2))),
            (
                "sample_?weight|sample weight",
                "2-?D|2 dim|two dim",
                "1-?D|one dim|1 dim",
            ),
        ),
    ]
    for name, (fit, score), says in table:
        yield Malformed(f"{name} in fit", fit, says, takes_weights)
        yield Malformed(
            f"{name} in score", score, says, takes("score", "sample_weight")
        )


def _whole_weights(make):
    def fit(estimator):
        X = example_rows(estimator, 20)
        seeded(estimator).fit(X, sample_weight=make(len(X)))

    def score(estimator):
        model, X = fitted(estimator)
        model.score(X[:20], sample_weight=make(20))

    return fit, score


@check_each(list(_weight_cases()))
def check_weights_refused(estimator, case):
    """Weights are one non-negative number for each row, not all zero."""
    assert_refused(estimator, case)


def _sample_cases():
    for n_samples in (0, -1, 2.5, "3", None):
        yield Malformed(
            f"n_samples={n_samples!r}",
            lambda est, n=n_samples: fitted(est)[0].sample(n),
            ("n_samples", re.escape(repr(n_samples)), "integer|positive|at least 1"),
            has("sample"),
        )
    for seed in ("seven", 1.5, -1):
        says = ("random_state", re.escape(repr(seed)), "int|Generator")
        yield Malformed(
            f"sample with random_state={seed!r}",
            lambda est, seed=seed: fitted(est)[0].sample(random_state=seed),
            says,
            has("sample"),
        )
        yield Malformed(
            f"sample_conditional with random_state={seed!r}",
            lambda est, seed=seed: _conditional_with(est, seed),
            says,
            has("sample_conditional"),
        )
        yield Malformed(
            f"fit with random_state={seed!r}",
            lambda est, seed=seed: set_deep(est, random_state=seed).fit(
                example_rows(est)
            ),
            says,
            lambda est: bool(deep_parameters(est, "random_state")) and is_model(est),
        )


def _conditional_with(estimator, seed):
    model, X = fitted(estimator)
    X[0, 0] = np.nan
    model.sample_conditional(X, random_state=seed)


@check_each(list(_sample_cases()))
def check_draws_refused(estimator, case):
    """Counts of draws are positive integers; seeds are seeds."""
    assert_refused(estimator, case)


@check(takes("sample", "conditions"))
def check_conditions_refused(estimator):
    """Conditions are a dict of columns, each once, and values that they can have."""
    model, _ = fitted(estimator)
    column = "conditions|column 1"
    for conditions, says in (
        ([0], ("conditions", "dict")),
        (3, ("conditions", "dict")),
        ({7: 1.0}, ("conditions", "7", "column")),
        ({"amount": 1.0}, ("conditions", "amount", "column")),
        ({0: 1.0, -2: 1.0}, ("conditions", "twice")),
        ({1: "red"}, (column, "red", "number|levels")),
        ({1: np.nan}, (column, "nan", "leave")),
        ({1: None}, (column, "None", "leave")),
        ({1: np.inf}, (column, "inf", "finite|levels")),
    ):
        case = Malformed(
            f"sample(conditions={conditions!r})",
            lambda _, given=conditions: model.sample(conditions=given),
            says,
        )
        assert_refused(estimator, case)


@check(is_model)
def check_parameters_refused(estimator):
    """An alien value of any constructor parameter is refused by fit, by name."""

    class Alien:
        def __repr__(self):
            return "Alien()"

    X = example_rows(estimator)
    for name in estimator.get_params(deep=False):
        model = seeded(estimator).set_params(**{name: Alien()})
        case = Malformed(f"{name}=Alien()", lambda m: m.fit(X), (name, r"Alien"))
        assert_refused(model, case)


@check(has("fit"))
def check_unfitted_use_refused(estimator):
    """Every method but fit asks for fit first, by NotFittedError."""
    X = example_rows(estimator)
    for method in (*ROW_METHODS, "sample", "inverse_transform"):
        if not hasattr(estimator, method):
            continue
        arguments = () if method == "sample" else (X,)
        try:
            getattr(seeded(estimator), method)(*arguments)
        except NotFittedError as error:
            message = str(error)
        else:
            raise AssertionError(f"{method} works before fit.")
        assert "fit" in message, f"{method} before fit says only: {message}"


@check(has("score_samples"), refuses_nan, is_model)
def check_missing_values_refused(estimator):
    """Models that take no NaN say where it is and what to do, in fit and scoring."""
    model, X = fitted(estimator)
    spoiled = X.copy()
    spoiled[3, 1] = np.nan
    says = ("NaN", "column 1", "row 3", "impute|drop")
    empty = np.full_like(X, np.nan)
    for what, call, wanted in (
        ("NaN in fit", lambda est: seeded(est).fit(spoiled), says),
        ("NaN in score_samples", lambda _: model.score_samples(spoiled), says),
        ("only NaN in fit", lambda est: seeded(est).fit(empty), ("NaN", "column 0")),
    ):
        assert_refused(estimator, Malformed(what, call, wanted))
