"""Containers: whatever holds the rows, the numbers are the same and come back in it."""

from importlib import import_module

import numpy as np

from sklearn_gen.testing._check import check
from sklearn_gen.testing._data import (
    assert_same_scores,
    example_rows,
    hide_cells,
    seeded,
)
from sklearn_gen.testing._traits import (
    allows_nan,
    has,
    installed,
    is_discrete,
    takes_weights,
)

_NAMES = ["a", "b", "c"]
# Rounding rows to float32 moves a density; this is what may remain after that, from
# the arithmetic: SAME_SCORE for the precision of a float.
_SAME_SCORE_FLOAT32 = 1e-4
# Draws under one seed from models that agree to SAME_SCORE.
_SAME_CELL = 1e-7


@check(has("fit", "score_samples"))
def check_memory_layouts(estimator):
    """Lists, Fortran order, strided views and integers score as C-ordered floats do."""
    X = example_rows(estimator, n_features=3)
    expected = seeded(estimator).fit(X).score_samples(X)
    wide = np.repeat(X, 2, axis=1)
    layouts = {
        "a list of lists": X.tolist(),
        "Fortran order": np.asfortranarray(X),
        "a strided view": wide[:, ::2],
        "a reversed view": X[::-1].copy()[::-1],
        "big-endian floats": X.astype(">f8"),
    }
    for what, rows in layouts.items():
        model = seeded(estimator).fit(rows)
        assert_same_scores(model.score_samples(rows), expected, f"rows in {what}")
    whole = X if is_discrete(estimator) else np.round(X * 10.0)
    model = seeded(estimator).fit(whole)
    assert_same_scores(
        seeded(estimator).fit(whole.astype(np.int32)).score_samples(whole.astype(int)),
        model.score_samples(whole),
        "integer rows",
    )


@check(has("fit", "score_samples"))
def check_float32_rows(estimator):
    """float32 rows score as the same rows in float64, to the precision of a float."""
    X = example_rows(estimator, n_features=3).astype(np.float32)
    model = seeded(estimator).fit(X.astype(np.float64))
    scores = model.score_samples(X)
    assert_same_scores(
        scores,
        model.score_samples(X.astype(np.float64)),
        "float32 rows",
        _SAME_SCORE_FLOAT32,
    )
    narrow = seeded(estimator).fit(X).score_samples(X)
    assert np.isfinite(narrow).all(), "a fit to float32 rows scores non-finite values."


@check(has("fit", "score_samples"), installed("pandas"))
def check_pandas(estimator):
    """A pandas frame scores as its array and comes back from every draw."""
    pandas = import_module("pandas")
    X = example_rows(estimator, n_features=3)
    index = [f"row {i}" for i in range(len(X))]
    frame = pandas.DataFrame(X, columns=_NAMES, index=index)
    _assert_frame_contract(estimator, X, frame, pandas.DataFrame)
    if hasattr(estimator, "sample_conditional"):
        model = seeded(estimator).fit(frame)
        holes = pandas.DataFrame(hide_cells(X), columns=_NAMES, index=index)
        kept = list(model.sample_conditional(holes).index)
        assert kept == index, "sample_conditional loses the index."
    nullable = frame.convert_dtypes()
    model = seeded(estimator).fit(nullable)
    expected = seeded(estimator).fit(X).score_samples(X)
    assert_same_scores(model.score_samples(nullable), expected, "nullable columns")


@check(has("fit", "score_samples"), installed("polars"))
def check_polars(estimator):
    """A polars frame scores as its array and comes back from every draw."""
    polars = import_module("polars")
    X = example_rows(estimator, n_features=3)
    frame = polars.DataFrame(X, schema=_NAMES)
    _assert_frame_contract(estimator, X, frame, polars.DataFrame)


def _assert_frame_contract(estimator, X, frame, kind):
    expected = seeded(estimator).fit(X)
    model = seeded(estimator).fit(frame)
    names = list(getattr(model, "feature_names_in_", ()))
    assert names == _NAMES, f"feature_names_in_ is {names}."
    scores = model.score_samples(frame)
    assert isinstance(scores, np.ndarray), (
        f"score_samples returns {type(scores).__name__}."
    )
    # Not bytes: a frame's columns are contiguous, and sums over them round otherwise.
    assert_same_scores(scores, expected.score_samples(X), "scores of a frame")
    if hasattr(model, "sample"):
        draws = model.sample(7, random_state=1)
        _assert_frame(draws, kind, "sample")
        _assert_same_cells(draws, expected.sample(7, random_state=1), "draws")
    if hasattr(model, "sample_conditional"):
        holes = hide_cells(X)
        completed = model.sample_conditional(
            kind(dict(zip(_NAMES, holes.T, strict=True))), random_state=1
        )
        _assert_frame(completed, kind, "sample_conditional")
        drawn = expected.sample_conditional(holes, random_state=1)
        _assert_same_cells(completed, drawn, "conditional draws")


def _assert_same_cells(frame, rows, what):
    cells = frame.to_numpy().ravel()
    assert_same_scores(cells, rows.ravel(), f"{what} in a frame", _SAME_CELL)


def _assert_frame(rows, kind, method):
    assert isinstance(rows, kind), (
        f"{method} returns {type(rows).__name__} after fit on {kind.__module__} rows."
    )
    assert list(rows.columns) == _NAMES, f"{method} has columns {list(rows.columns)}."


@check(has("fit", "score_samples"), allows_nan, installed("pandas"))
def check_missing_values_in_frames(estimator):
    """Nulls of frames mean what NaN means in arrays."""
    pandas = import_module("pandas")
    X = hide_cells(example_rows(estimator, n_features=3))
    expected = seeded(estimator).fit(X).score_samples(X)
    frames = {"pandas": pandas.DataFrame(X, columns=_NAMES).convert_dtypes()}
    if installed("polars")(estimator):
        polars = import_module("polars")
        frames["polars"] = polars.DataFrame(X, schema=_NAMES).fill_nan(None)
    for library, frame in frames.items():
        scores = seeded(estimator).fit(frame).score_samples(frame)
        assert_same_scores(scores, expected, f"nulls of {library}")


@check(has("fit", "score_samples"), takes_weights, installed("pandas"))
def check_weights_in_series(estimator):
    """Weights may be a pandas Series with an index of its own, or a list."""
    pandas = import_module("pandas")
    X = example_rows(estimator)
    weights = np.linspace(0.5, 2.0, len(X))
    expected = seeded(estimator).fit(X, sample_weight=weights).score_samples(X)
    series = pandas.Series(weights, index=range(len(X), 0, -1))
    for what, given in (("a Series", series), ("a list", weights.tolist())):
        model = seeded(estimator).fit(X, sample_weight=given)
        assert_same_scores(model.score_samples(X), expected, f"weights in {what}")
