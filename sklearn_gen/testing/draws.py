"""Draws follow the density that scores them, conditional draws too."""

from importlib import import_module

import numpy as np

from sklearn_gen.testing._check import check
from sklearn_gen.testing._data import (
    assert_same_bytes,
    example_rows,
    fitted_alone,
    hide_cells,
    seeded,
)
from sklearn_gen.testing._measure import (
    assert_draws_follow,
    cell_masses,
    column_nodes,
    grid,
)
from sklearn_gen.testing._traits import (
    has,
    has_exact_conditional,
    has_exact_density,
    installed,
    is_continuous,
    takes,
)

_N_DRAWS = 4000
_CELLS_PER_COLUMN = {1: 40, 2: 12, 3: 4}


@check(has("sample"), has_exact_density)
def check_draws_match_scores_in_1d(estimator):
    """Draws of one column fall into cells as often as the density says."""
    _assert_draws_match(*fitted_alone(estimator, n_features=1))


@check(has("sample"), has_exact_density)
def check_draws_match_scores_in_2d(estimator):
    """Draws of two columns fall into cells as often as the density says."""
    _assert_draws_match(*fitted_alone(estimator, n_features=2))


def _assert_draws_match(model, X):
    draws = model.sample(_N_DRAWS, random_state=1)
    edges, masses = _cells(model, X)
    assert_draws_follow(draws, edges, masses, f"sample, {X.shape[1]} columns")


def _cells(model, X):
    points, weights, nodes = grid(model, X)
    masses = weights * np.exp(model.score_samples(points))
    return cell_masses(nodes, masses, _CELLS_PER_COLUMN[X.shape[1]])


@check(has("sample"))
def check_draws_have_the_shape_of_rows(estimator):
    """`sample(n)` is an array of n finite rows, one row by default, never a tuple."""
    for n_features in (1, 2, 3):
        model, _ = fitted_alone(estimator, n_features=n_features)
        for n_samples in (1, 2, np.int64(7)):
            draws = model.sample(n_samples)
            assert isinstance(draws, np.ndarray), (
                f"sample returns {type(draws).__name__} after fit on an ndarray."
            )
            assert draws.shape == (n_samples, n_features), (
                f"sample({n_samples}) has shape {draws.shape} for {n_features} columns."
            )
            assert np.isfinite(draws).all(), "sample returns values that aren't finite."
        assert model.sample().shape == (1, n_features), "sample() is not one row."
        if hasattr(model, "score_samples"):
            scores = model.score_samples(model.sample(50))
            assert np.isfinite(scores).all(), "some draws have no finite score."


@check(has_exact_conditional)
def check_conditional_draws_match_scores(estimator):
    """Draws of b given a fall into cells as often as p(a, b) / p(a) says."""
    model, X = fitted_alone(estimator)
    for observed, hidden in ((0, 1), (1, 0)):
        # From the tails as well as the middle: where components trade places.
        for row in np.argsort(X[:, observed])[[2, len(X) // 2, -3]]:
            rows = np.full((_N_DRAWS, 2), np.nan)
            rows[:, observed] = X[row, observed]
            draws = model.sample_conditional(rows, random_state=2)
            nodes, weights = column_nodes(model, X[:, hidden])
            points = np.full((len(nodes), 2), X[row, observed])
            points[:, hidden] = nodes
            masses = weights * np.exp(model.score_samples(points))
            edges, masses = cell_masses([nodes], masses, _CELLS_PER_COLUMN[1])
            assert_draws_follow(
                draws[:, [hidden]],
                edges,
                masses,
                f"sample_conditional, column {hidden} given "
                f"column {observed} = {X[row, observed]:.4g}",
            )


@check(has_exact_conditional, has("sample"))
def check_completed_draws_are_draws(estimator):
    """Hiding cells of draws and drawing them again leaves their distribution as it was.

    Rows with unlike cells missing are mixed: a draw that lands in another row's cell
    shows.
    """
    model, X = fitted_alone(estimator)
    draws = model.sample(_N_DRAWS, random_state=3)
    holes = np.random.default_rng(4).random(draws.shape) < 0.5
    completed = model.sample_conditional(np.where(holes, np.nan, draws), random_state=5)
    edges, masses = _cells(model, X)
    what = "draws with hidden cells drawn again"
    assert_draws_follow(completed, edges, masses, what)


@check(has("sample_conditional"))
def check_observed_cells_stay(estimator):
    """`sample_conditional` fills every NaN and changes nothing else."""
    X = example_rows(estimator, n_features=3)
    model = fitted_alone(estimator, n_features=3)[0]
    rows = hide_cells(X)
    rows[5] = np.nan
    completed = model.sample_conditional(rows)
    assert isinstance(completed, np.ndarray), "sample_conditional returns no ndarray."
    assert completed.shape == rows.shape, f"completed rows: shape {completed.shape}."
    assert np.isfinite(completed).all(), "sample_conditional leaves cells unfilled."
    seen = ~np.isnan(rows)
    assert_same_bytes(completed[seen], rows[seen], "observed cells")
    whole = model.sample_conditional(X)
    assert_same_bytes(whole, X, "rows with nothing missing")
    assert not np.shares_memory(whole, X), "sample_conditional returns its input."


@check(takes("sample", "conditions"))
def check_conditions_are_conditional_draws(estimator):
    """`sample(n, conditions=...)` completes rows of which these cells are given.

    The very bytes of `sample_conditional`, and so its distribution.
    """
    model, X = fitted_alone(estimator, n_features=3)
    for columns in ([1], [2, 0], [0, 1, 2]):
        rows = np.full((40, 3), np.nan)
        rows[:, columns] = X[7, columns]
        what = f"sample given columns {columns}"
        draws = model.sample(
            40, conditions={j: X[7, j] for j in columns}, random_state=6
        )
        assert isinstance(draws, np.ndarray), f"{what} is no ndarray."
        assert draws.shape == rows.shape, f"{what} has shape {draws.shape}."
        assert_same_bytes(draws[:, columns], rows[:, columns], f"{what}: these")
        assert_same_bytes(draws, model.sample_conditional(rows, random_state=6), what)
    for nothing in (None, {}):
        free = model.sample(5, conditions=nothing, random_state=6)
        what = f"sample(conditions={nothing})"
        assert_same_bytes(free, model.sample(5, random_state=6), what)


@check(takes("sample", "conditions"), installed("pandas"))
def check_conditions_by_name(estimator):
    """Conditions name columns of a frame by name or by index, to the same effect."""
    pandas = import_module("pandas")
    X = example_rows(estimator, n_features=3)
    model = seeded(estimator).fit(pandas.DataFrame(X, columns=["a", "b", "c"]))
    value = X[7, 2]
    named = model.sample(9, conditions={"c": value}, random_state=6)
    assert list(named) == ["a", "b", "c"], f"sample has columns {list(named)}."
    assert (named["c"] == value).all(), "sample doesn't keep the value of 'c'."
    counted = model.sample(9, conditions={2: value}, random_state=6)
    assert_same_bytes(named, counted, "sample given 'c', and given column 2")


@check(has("conditional_mean", "sample_conditional"))
def check_conditional_means_fill(estimator):
    """`conditional_mean` fills every NaN and changes nothing else."""
    model, X = fitted_alone(estimator, n_features=3)
    rows = hide_cells(X)
    rows[5] = np.nan
    filled = model.conditional_mean(rows)
    assert filled.shape == rows.shape, f"conditional_mean has shape {filled.shape}."
    assert np.isfinite(filled).all(), "conditional_mean leaves cells unfilled."
    seen = ~np.isnan(rows)
    assert_same_bytes(filled[seen], rows[seen], "observed cells")


@check(has("conditional_mean"), has_exact_conditional, is_continuous)
def check_conditional_means_are_means(estimator):
    """`conditional_mean` is what conditional draws are on average."""
    model, X = fitted_alone(estimator, n_features=3)
    for row in np.argsort(X[:, 0])[[2, len(X) // 2, -3]]:
        rows = np.full((_N_DRAWS, 3), np.nan)
        rows[:, 0] = X[row, 0]
        draws = model.sample_conditional(rows, random_state=2)[:, 1:]
        gap = np.abs(model.conditional_mean(rows[:1])[0, 1:] - draws.mean(axis=0))
        error = draws.std(axis=0) / np.sqrt(_N_DRAWS)
        assert (gap < 5.0 * error).all(), (  # of six, once in 3e5
            f"conditional_mean given column 0 = {X[row, 0]:.4g} is {gap / error} "
            "standard errors from the mean of draws."
        )
