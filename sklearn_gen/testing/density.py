"""Scores are log densities: they integrate to one, and marginals are integrals."""

import numpy as np
from scipy.special import logsumexp

from sklearn_gen.testing._check import check
from sklearn_gen.testing._data import assert_same_scores, fitted, fitted_alone
from sklearn_gen.testing._measure import column_nodes, grid
from sklearn_gen.testing._traits import (
    allows_nan,
    has,
    has_exact_density,
    is_continuous,
    is_discrete,
)

# Error of the quadrature for a smooth density, and the most that a kink or a jump may
# add (as far as two shifted rules disagree) before the check gives up.
_SMOOTH = 1e-6
_ROUGH = 0.02


@check(has_exact_density, is_continuous)
def check_density_integrates_to_one_in_1d(estimator):
    """The integral of exp(score_samples) over the line is one."""
    _assert_total_mass(*fitted_alone(estimator, n_features=1))


@check(has_exact_density, is_continuous)
def check_density_integrates_to_one_in_2d(estimator):
    """The integral of exp(score_samples) over the plane is one."""
    _assert_total_mass(*fitted_alone(estimator, n_features=2))


@check(has_exact_density, is_discrete)
def check_masses_sum_to_one(estimator):
    """The sum of exp(score_samples) over all states is one."""
    # of five columns of counts there would be 24 million rows
    most = 3 if getattr(estimator, "_counts", False) else 5
    for n_features in (1, 2, most):
        _assert_total_mass(*fitted_alone(estimator, n_features=n_features))


def _assert_total_mass(model, X):
    totals = []
    for shift in (0.0, 0.5):
        points, weights, _ = grid(model, X, shift)
        totals.append(np.sum(weights * np.exp(model.score_samples(points))))
    rough = abs(totals[0] - totals[1])
    assert rough <= _ROUGH, (
        f"The integral of exp(score_samples) over {X.shape[1]} columns is not "
        f"resolved: two rules give {totals[0]:.6g} and {totals[1]:.6g}."
    )
    total = np.mean(totals)
    assert abs(total - 1.0) <= _SMOOTH + 2.0 * rough, (
        f"exp(score_samples) over {X.shape[1]} columns has total mass {total:.8g} and "
        f"not 1 (the rules agree within {rough:.1e})."
    )


@check(has_exact_density, allows_nan)
def check_marginal_scores_are_integrals(estimator):
    """log p(a) of a row (a, NaN) is the integral of p(a, b) over b.

    With p(b | a) as what `sample_conditional` draws from (a check of its own), this
    is log p(a, b) = log p(a) + log p(b | a).
    """
    for n_features, kept in ((2, [0]), (2, [1]), (3, [1]), (3, [0, 2])):
        model, X = fitted_alone(estimator, n_features=n_features)
        # One cell at a time: (a, NaN, NaN) against the integral of (a, b, NaN).
        summed = next(j for j in range(n_features) if j not in kept)
        rows = np.full((6, n_features), np.nan)
        rows[:, kept] = X[:6, kept]
        joint, weights = _along(model, rows, summed, X)
        integral = logsumexp(joint, b=weights, axis=1)
        marginal = model.score_samples(rows)
        # The same allowance for roughness as for the total mass.
        joint, weights = _along(model, rows, summed, X, shift=0.5)
        rough = np.max(np.abs(logsumexp(joint, b=weights, axis=1) - integral))
        assert rough <= _ROUGH, "The integral over one column is not resolved."
        assert_same_scores(
            marginal,
            integral,
            f"log p(observed) with columns {kept} of {n_features} observed, against "
            f"the integral of p over column {summed}",
            tolerance=_SMOOTH + 2.0 * rough,
        )


def _along(model, rows, column, X, shift=0.0):
    nodes, weights = column_nodes(model, X[:, column], 1, shift)
    if len(nodes) > 4001:  # smooth in one column: a tenth of the nodes will do
        nodes, weights = nodes[::10], 10.0 * weights[::10]
    filled = np.repeat(rows, len(nodes), axis=0)
    filled[:, column] = np.tile(nodes, len(rows))
    return model.score_samples(filled).reshape(len(rows), -1), weights


@check(has("score_samples", "marginal", "conditional"), allows_nan)
def check_chain_rule(estimator):
    """log p(a, b) = log p(a) + log p(b | a), with models of the marginal and the rest.

    And the marginal model scores what a row with NaN scores.
    """
    model, X = fitted_alone(estimator, n_features=3)
    for observed in ([0], [2], [0, 1], [2, 1]):
        hidden = [j for j in range(3) if j not in observed]
        rows = X[:5].copy()
        joint = model.score_samples(rows)
        part = model.marginal(observed).score_samples(rows[:, observed])
        hidden_cells = rows[:, hidden].copy()
        rows[:, hidden] = np.nan
        assert_same_scores(
            part, model.score_samples(rows), f"marginal({observed}) against NaN"
        )
        rest = [
            model.conditional(row[None]).score_samples(cells[None])[0]
            for row, cells in zip(rows, hidden_cells, strict=True)
        ]
        assert_same_scores(
            part + rest, joint, f"log p(a) + log p(b | a), a in columns {observed}"
        )


@check(has_exact_density, allows_nan)
def check_nothing_observed_scores_zero(estimator):
    """A row with no observed cell has log p = 0: the integral over everything."""
    model, X = fitted_alone(estimator)
    rows = X[:3].copy()
    rows[1] = np.nan
    scores = model.score_samples(rows)
    assert abs(scores[1]) < 1e-12, (
        f"The row of NaN scores {scores[1]!r}; nothing observed has log p = 0."
    )
    assert_same_scores(
        scores[[0, 2]], model.score_samples(X[[0, 2]]), "rows beside a row of NaN"
    )


@check(has("score_samples"))
def check_scores_each_row_by_itself(estimator):
    """A row's score depends on no other row, nor on how many there are."""
    model, X = fitted_alone(estimator)
    together = model.score_samples(X)
    order = np.random.default_rng(0).permutation(len(X))
    assert_same_scores(model.score_samples(X[order]), together[order], "permuted rows")
    alone = np.concatenate([model.score_samples(X[i : i + 1]) for i in range(10)])
    assert_same_scores(alone, together[:10], "rows scored one at a time")
    repeated = model.score_samples(np.tile(X, (20, 1)))
    assert_same_scores(repeated, np.tile(together, 20), "rows scored 20 times over")


@check(has("score_samples", "score"))
def check_score_is_the_mean(estimator):
    """`score` is the (weighted) mean of `score_samples`, as a float; y is ignored."""
    model, X = fitted(estimator)
    scores = model.score_samples(X)
    assert scores.shape == (len(X),), f"score_samples has shape {scores.shape}."
    assert np.isfinite(scores).all(), "score_samples of training rows is not finite."
    score = model.score(X)
    assert isinstance(score, float), f"score returns {type(score).__name__}, not float."
    assert_same_scores([score], [scores.mean()], "score against the mean")
    labels = np.array(["a", "b"])[np.arange(len(X)) % 2]
    assert model.score(X, labels) == score, "score changes with y."


@check(has("score_samples", "bic", "aic"))
def check_information_criteria(estimator):
    """aic = -2 log L + 2 p and bic = -2 log L + p log n, for one whole p."""
    model, X = fitted_alone(estimator)
    n_rows = len(X)
    twice = 2.0 * n_rows * model.score(X)
    n_parameters = (model.aic(X) + twice) / 2.0
    fraction = abs(n_parameters - round(n_parameters))
    assert fraction < 1e-6, f"aic implies {n_parameters!r} parameters."
    assert n_parameters > 0, f"aic implies {n_parameters!r} parameters."
    expected = -twice + n_parameters * np.log(n_rows)
    assert_same_scores([model.bic(X)], [expected], "bic against aic's parameters")
