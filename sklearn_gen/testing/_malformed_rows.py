"""Tables of malformed rows and what the errors about them must say."""

from importlib import import_module

import numpy as np
import scipy.sparse

from sklearn_gen.testing._data import example_rows, seeded
from sklearn_gen.testing._traits import has, installed, is_model, takes_numbers_only


def _put(value, dtype=np.float64):
    """Spoil the cell of row 3, column 1."""

    def spoil(X):
        X = X.astype(dtype)
        X[3, 1] = value
        return X

    return spoil


_WHERE = ("column 1", "row 3")
_ANY = has("fit")

# name, function that spoils rows, what the error says, to whom it applies
_NO_TABLE = [
    ("infinity", _put(np.inf), ("infinit", *_WHERE, "clip|drop|replace"), _ANY),
    ("minus infinity", _put(-np.inf), ("infinit", *_WHERE), _ANY),
    ("text in an array", _put("red", object), ("red", "column 1", "encod|drop"), _ANY),
    (
        "an array of text",
        lambda X: X.astype(str).astype("U9") + "x",
        ("x'",),
        takes_numbers_only,
    ),
    ("1-D rows", lambda X: X[:, 0], ("2-?D", "1-?D|shape", "reshape"), _ANY),
    ("3-D rows", lambda X: X[:, :, None], ("dim 3|3-?D|3 dim", "2"), _ANY),
    ("no rows", lambda X: X[:0], (r"\b0 sample|no rows", r"\(0, 2\)|minimum"), _ANY),
    ("complex rows", lambda X: X + 1j, ("complex",), _ANY),
    (
        "a sparse matrix",
        scipy.sparse.csr_array,
        ("sparse", r"toarray|dense"),
        _ANY,
    ),
    (
        "dates",
        lambda X: np.full(X.shape, np.datetime64("2026-01-01")),
        ("date",),
        lambda estimator: is_model(estimator) and takes_numbers_only(estimator),
    ),
]
ROW_CASES = [
    *_NO_TABLE,
    ("no columns", lambda X: X[:, :0], (r"\b0 feature|no columns",), _ANY),
]
SCORED_CASES = [
    *_NO_TABLE,
    (
        "too many columns",
        lambda X: np.hstack([X, X[:, :1]]),
        (r"\b3\b", r"\b2\b"),
        _ANY,
    ),
    ("too few columns", lambda X: X[:, :1], (r"\b1\b", r"\b2\b"), _ANY),
]


def _frame(X, names, library="pandas"):
    module = import_module(library)
    columns = dict(zip(names, X.T, strict=True))
    return module.DataFrame(columns)


def _after_fit_on_ab(library, spoil):
    def call(estimator):
        X = example_rows(estimator, 20, n_features=2)
        model = seeded(estimator).fit(_frame(X, ["a", "b"], library))
        model.score_samples(spoil(X))

    return call


def _fit_frame(make):
    def call(estimator):
        seeded(estimator).fit(make(example_rows(estimator, 20, n_features=2)))

    return call


def column_cases():
    """List name, call, what the error says and to whom it applies."""
    for library in ("pandas", "polars"):
        there = installed(library)
        yield (
            f"renamed column, {library}",
            _after_fit_on_ab(library, lambda X, by=library: _frame(X, ["a", "z"], by)),
            ("feature names", r"\bz\b", r"\bb\b"),
            there,
        )
        yield (
            f"reordered columns, {library}",
            _after_fit_on_ab(
                library, lambda X, by=library: _frame(X[:, ::-1], ["b", "a"], by)
            ),
            ("feature names", "order"),
            there,
        )
        yield (
            f"missing column, {library}",
            _after_fit_on_ab(library, lambda X, by=library: _frame(X[:, :1], "a", by)),
            ("feature names", r"\bb\b"),
            there,
        )
        yield (
            f"column of text, {library}",
            _fit_frame(lambda X, by=library: _with_column(X, "red", by)),
            ("colour|red", "'colour'", "str|object", "encode", "drop"),
            _all(there, is_model, takes_numbers_only),
        )
        yield (
            f"column of dates, {library}",
            _fit_frame(
                lambda X, by=library: _with_column(X, np.datetime64("2026-01-01"), by)
            ),
            ("'colour'", "date", "encode|drop"),
            _all(there, is_model, takes_numbers_only),
        )
    yield (
        "two columns of one name, pandas",
        _fit_frame(_twice_named),
        ("'a'", "unique|twice|duplicate|repeat|same name"),
        _all(installed("pandas"), is_model),
    )


def _twice_named(X):
    return import_module("pandas").DataFrame(X, columns=["a", "a"])


def _with_column(X, value, library):
    module = import_module(library)
    return module.DataFrame({"a": X[:, 0], "colour": np.full(len(X), value)})


def _all(*predicates):
    return lambda estimator: all(predicate(estimator) for predicate in predicates)
