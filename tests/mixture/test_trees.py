"""Trees of discrete columns against enumeration: every state, tree and completion."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from sklearn_gen.mixture import ChowLiuTree, MixtureOfTrees
from tests.mixture.enumeration import (
    UNSEEN,
    agrees,
    all_states,
    hide,
    masses,
    spanning_trees,
    table,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# Log masses computed twice differ by the order of sums.
SAME = 1e-9
MODELS = [
    ChowLiuTree(),
    MixtureOfTrees(3, edge_penalty=0.0, smoothing=1.0, random_state=0),
    MixtureOfTrees(2, n_init=3, pool=True, random_state=0),
]


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_masses_marginals_and_conditionals_by_enumeration(model):
    X = table()
    model.fit(X)
    states = all_states(X)
    p = masses(model, states)
    assert p.sum() == pytest.approx(1.0, abs=SAME)
    for row in hide(X, share=0.5)[:40]:
        expected = p[agrees(states, row)].sum()
        assert masses(model, row[None])[0] == pytest.approx(expected, rel=SAME)
    row = np.array([1.0, np.nan, 0.0, np.nan])
    rest = model.conditional(row[None])
    inside = agrees(states, row)
    np.testing.assert_allclose(
        masses(rest, states[inside][:, [1, 3]]), p[inside] / p[inside].sum(), rtol=SAME
    )
    part = model.marginal([3, 0])
    for a, b in product(range(4), range(2)):
        expected = p[(states[:, 3] == a) & (states[:, 0] == b)].sum()
        found = masses(part, np.array([[a, b]]))[0]
        assert found == pytest.approx(expected, rel=SAME)
    # a view of a view
    again = part.conditional([[np.nan, 1.0]])
    expected = p[(states[:, 0] == 1) & (states[:, 3] == 2)].sum()
    expected /= p[states[:, 0] == 1].sum()
    assert masses(again, np.array([[2.0]]))[0] == pytest.approx(expected, rel=SAME)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_draws_follow_the_masses(model):
    X = table()
    model.fit(X)
    states = all_states(X)
    p = masses(model, states)
    n_draws = 20_000
    draws = model.sample(n_draws, random_state=0)
    row = np.array([np.nan, 2.0, np.nan, np.nan])
    rows = np.repeat(row[None], n_draws, axis=0)
    given_row = model.sample_conditional(rows, random_state=1)
    inside = agrees(states, row)
    for sample, chance in ((draws, p), (given_row, np.where(inside, p, 0.0))):
        chance = chance / chance.sum()
        shares = (sample[:, None] == states).all(axis=2).mean(axis=0)
        # 5 deviations in each of 48 states: false alarm below 3e-5
        deviation = np.sqrt(chance * (1.0 - chance) / n_draws) + 2e-4
        assert (np.abs(shares - chance) < 5.0 * deviation).all()


def information(X, weight, u, v):
    counts = pd.crosstab(X[:, u], X[:, v], weight, aggfunc="sum").fillna(0.0).to_numpy()
    p = counts / counts.sum()
    independent = np.outer(p.sum(axis=1), p.sum(axis=0))
    return np.sum(p[p > 0] * np.log(p[p > 0] / independent[p > 0]))


def test_the_tree_is_the_best_of_all_spanning_trees():
    for seed in range(5):
        X = table(seed=seed)
        weight = np.random.default_rng(seed).random(len(X))
        tree = ChowLiuTree(smoothing=0.0).fit(X, sample_weight=weight)
        worth = {e: information(X, weight, *e) for e in combinations(range(4), 2)}
        entropy = 0.0
        for x in X.T:
            p = np.bincount(x.astype(int), weight) / weight.sum()
            entropy -= np.sum(p[p > 0] * np.log(p[p > 0]))
        trees = list(spanning_trees(4))
        assert len(trees) == 16
        best = max(sum(worth[e] for e in chosen) for chosen in trees)
        score = tree.score(X, sample_weight=weight)
        assert score == pytest.approx(best - entropy, abs=5 * UNSEEN)
        found = {tuple(sorted(e)) for e in tree.edges_.tolist()}
        assert sum(worth[e] for e in found) == pytest.approx(best, abs=SAME)
        np.testing.assert_allclose(
            tree.edge_information_,
            sorted((worth[e] for e in found), reverse=True),
            atol=SAME,
        )


# -- the M-step, from enumerated completions -----------------------------------------


def enumerated_m_step(model, rows, resp, states, X):
    """Masses of all states after an M-step from weighted complete rows, by the book."""
    n_columns = X.shape[1]
    n_trees = resp.shape[1]
    levels = [np.unique(x) for x in states.T]
    hot = [(rows[:, [j]] == levels[j]).astype(float) for j in range(n_columns)]
    total = resp.sum()
    overall = [
        (resp.sum(axis=1) @ hot[j] + 1.0 / len(levels[j])) / (total + 1.0)
        for j in range(n_columns)
    ]
    p = np.zeros(len(states))
    for k in range(n_trees):
        pair, single = {}, {}
        for u, v in product(range(n_columns), repeat=2):
            prior = np.outer(overall[u], overall[v])
            everything = hot[u].T @ (resp.sum(axis=1)[:, None] * hot[v])
            prior = (everything + prior) / (total + 1.0)
            counts = hot[u].T @ (resp[:, [k]] * hot[v]) + model.smoothing * prior
            pair[u, v] = counts / counts.sum()
        for u in range(n_columns):
            single[u] = pair[u, (u + 1) % n_columns].sum(axis=1)

        def gain(e, pair=pair, single=single, k=k):
            u, v = e
            joint, apart = pair[e], np.outer(single[u], single[v])
            worth = np.sum(joint * np.log(joint / apart))
            free = (len(single[u]) - 1) * (len(single[v]) - 1)
            n_rows = resp[:, k].sum() + model.smoothing
            return n_rows * worth - model.edge_penalty * free

        edges = max(
            (
                chosen
                for tree in spanning_trees(n_columns)
                for size in range(n_columns)
                for chosen in combinations(tree, size)
            ),
            key=lambda chosen: sum(map(gain, chosen)),
        )
        index = [np.searchsorted(levels[j], states[:, j]) for j in range(n_columns)]
        q = np.prod([single[j][index[j]] for j in range(n_columns)], axis=0)
        for u, v in edges:
            q *= pair[u, v][index[u], index[v]] / single[u][index[u]]
            q /= single[v][index[v]]
        p += resp[:, k].sum() / total * q
    return p


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("edge_penalty", [0.0, 2.0])
def test_em_step_equals_one_that_enumerates_completions(missing, edge_penalty):
    X = table(120, sizes=(2, 3, 2, 3))
    states = all_states(X)
    X = hide(X, share=0.4) if missing else X
    weight = np.random.default_rng(3).random(len(X))
    args = {"edge_penalty": edge_penalty, "smoothing": 2.0, "tol": 0.0}
    for steps in (0, 1, 4):
        before = MixtureOfTrees(3, max_iter=steps, random_state=0, **args)
        after = MixtureOfTrees(3, max_iter=steps + 1, random_state=0, **args)
        before.fit(X, sample_weight=weight)
        after.fit(X, sample_weight=weight)
        # p(k, state | row) for every completion of every row
        joint = before.predict_proba(states) * masses(before, states)[:, None]
        rows, resp = [], []
        for row, w in zip(X, weight, strict=True):
            inside = agrees(states, row)
            rows.append(states[inside])
            resp.append(w * joint[inside] / joint[inside].sum())
        rows, resp = np.concatenate(rows), np.concatenate(resp)
        expected = enumerated_m_step(after, rows, resp, states, X)
        np.testing.assert_allclose(masses(after, states), expected, rtol=1e-7)
        total = weight @ (before.score_samples(X) - _unseen(X))
        assert after.lower_bound_ == pytest.approx(total / weight.sum(), abs=SAME)


def _unseen(X):
    return (~np.isnan(X)).sum(axis=1) * np.log1p(-UNSEEN)


@pytest.mark.parametrize("missing", [False, True])
def test_likelihood_never_falls_without_smoothing(missing):
    X = hide(table(400)) if missing else table(400)
    for seed in range(3):
        model = MixtureOfTrees(
            4, smoothing=0.0, edge_penalty=0.0, tol=1e-6, random_state=seed
        ).fit(X)
        assert len(model.lower_bounds_) > 5
        assert np.diff(model.lower_bounds_).min() > -1e-9


# -- symmetries ------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_weights_are_repeats_and_columns_have_no_order(data):
    X = hide(table(60), share=data.draw(st.sampled_from([0.0, 0.2])))
    weight = np.array(data.draw(st.lists(st.integers(0, 3), min_size=60, max_size=60)))
    if not weight.any():
        return
    states = all_states(table(60))
    weighted = ChowLiuTree(tol=0.0, max_iter=20)
    repeated = ChowLiuTree(tol=0.0, max_iter=20)
    moved = ChowLiuTree(tol=0.0, max_iter=20)
    order = np.array(data.draw(st.permutations(range(4))))
    with np.errstate(all="raise"):
        weighted.fit(X, sample_weight=weight)
        repeated.fit(np.repeat(X, weight, axis=0))
        moved.fit(X[:, order], sample_weight=weight)
    expected = weighted.score_samples(states)
    np.testing.assert_allclose(repeated.score_samples(states), expected, atol=1e-8)
    np.testing.assert_allclose(
        moved.score_samples(states[:, order]), expected, atol=1e-8
    )


def test_batches_add_up():
    X = table(500)
    whole = ChowLiuTree().fit(X)
    batches = ChowLiuTree()
    for batch in np.array_split(X, [200, 230]):
        batches.partial_fit(batch)
    states = all_states(X)
    np.testing.assert_allclose(
        batches.score_samples(states), whole.score_samples(states), atol=SAME
    )
    np.testing.assert_array_equal(batches.parents_, whole.parents_)


def test_pooled_fits_are_the_mean_of_their_masses():
    X = table()
    states = all_states(X)
    rng = np.random.default_rng(0)
    fits = [MixtureOfTrees(2, random_state=rng).fit(X) for _ in range(3)]
    pooled = MixtureOfTrees(
        2, n_init=3, pool=True, random_state=np.random.default_rng(0)
    ).fit(X)
    scores = [model.score_samples(states) for model in fits]
    np.testing.assert_allclose(
        pooled.score_samples(states), logsumexp(scores, axis=0) - np.log(3), atol=SAME
    )
    assert len(pooled.weights_) == 6
    assert pooled.converged_
