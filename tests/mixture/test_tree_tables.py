"""Trees of real tables: levels, groups, text and frames, views, penalties."""

import numpy as np
import pandas as pd
import pytest

from sklearn_gen.base import DegenerateDataWarning
from sklearn_gen.mixture import ChowLiuTree, MixtureOfTrees
from tests.mixture.enumeration import UNSEEN, all_states, hide, masses, table

SAME = 1e-9


def test_penalty_cuts_edges_and_smoothing_pulls_to_independence():
    X = table()
    apart = ChowLiuTree(edge_penalty=1e6).fit(X)
    assert len(apart.edges_) == 0
    np.testing.assert_array_equal(apart.parents_, [[-1, -1, -1, -1]])
    expected = 0.0
    for x in X.T:
        counts = np.bincount(x.astype(int)) + 1.0 / (x.max() + 1.0)
        p = counts / counts.sum()
        n = len(X) + 1.0  # a pseudo-row of the marginal changes nothing
        expected += np.log((np.bincount(x.astype(int))[0] + p[0]) / n)
    found = apart.score_samples(np.zeros((1, 4)))[0] - 4 * np.log1p(-UNSEEN)
    assert found == pytest.approx(expected, abs=1e-9)
    smooth = ChowLiuTree(smoothing=1e9).fit(X)
    states = all_states(X)
    near = ChowLiuTree(edge_penalty=1e6, smoothing=1e9).fit(X)
    np.testing.assert_allclose(
        smooth.score_samples(states), near.score_samples(states), atol=1e-5
    )


def test_levels_never_seen_score_and_change_no_draw():
    X = table()
    model = MixtureOfTrees(2, random_state=0).fit(X)
    row = X[:1].copy()
    row[0, 3] = 17.0
    hidden = X[:1].copy()
    hidden[0, 3] = np.nan
    gap = model.score_samples(row) - model.score_samples(hidden)
    assert gap[0] == pytest.approx(np.log(UNSEEN), abs=SAME)
    row[0, 0] = np.nan
    assert model.sample_conditional(row)[0, 3] == 17.0


def test_many_levels_are_grouped_and_masses_sum_to_one():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(40, size=500), rng.integers(3, size=500)])
    X[:, 0] += 10 * X[:, 1]
    with pytest.warns(DegenerateDataWarning, match=r"max_levels=6 levels in column 0:"):
        model = ChowLiuTree(max_levels=6).fit(X)
    states = all_states(X.astype(float))
    assert masses(model, states).sum() == pytest.approx(1.0, abs=SAME)
    draws = model.sample(4000, random_state=0)
    assert set(draws[:, 0]) <= set(X[:, 0])
    # within a deviation of 12, over sqrt(4000) draws: 5 standard errors
    assert draws[:, 0].mean() == pytest.approx(X[:, 0].mean(), abs=1.0)


def test_text_categories_booleans_and_frames_come_back():
    rng = np.random.default_rng(0)
    n_rows = 400
    rain = rng.random(n_rows) < 0.3
    sky = np.where(rain, "grey", rng.choice(["blue", "grey"], n_rows, p=[0.9, 0.1]))
    X = pd.DataFrame(
        {
            "sky": sky,
            "rain": rain,
            "size": pd.Categorical(
                rng.choice(["S", "L"], n_rows), ["S", "L", "XL"], ordered=True
            ),
            "visits": rng.poisson(2.0, n_rows),
        }
    )
    X.loc[:20, "sky"] = None
    model = MixtureOfTrees(2, random_state=0).fit(X)
    draws = model.sample(200, random_state=0)
    assert draws.dtypes.equals(X.dtypes)
    assert set(draws["sky"]) == {"grey", "blue"}
    filled = model.sample_conditional(X, random_state=0)
    assert filled["sky"].notna().all()
    pd.testing.assert_frame_equal(filled[21:], X[21:])
    new = X[30:31].assign(sky="green", size="XL")
    scores = model.score_samples(new.astype({"size": X["size"].dtype}))
    assert -40.0 < scores[0] < np.log(UNSEEN)
    part = model.marginal(["rain", "sky"])
    wet = part.conditional(pd.DataFrame({"rain": [True], "sky": [None]}))
    chance = np.exp(wet.score_samples(pd.DataFrame({"sky": ["grey", "blue"]})))
    assert chance[0] > 0.9
    assert chance.sum() == pytest.approx(1.0, abs=1e-4)


def test_views_cannot_learn():
    model = ChowLiuTree().fit(table())
    part = model.marginal([0, 2])
    with pytest.raises(ValueError, match="can't learn"):
        part.partial_fit(table()[:, [0, 2]])
    with pytest.raises(ValueError, match="one row with some cells observed"):
        model.conditional(table()[:1])
    fresh = part.fit(table()[:, :3])
    assert fresh.n_features_in_ == 3
    assert np.isfinite(fresh.score(table()[:, :3]))


def test_column_without_values_and_impossible_rows():
    X = np.column_stack([table()[:, :2], np.full(300, np.nan)])
    with pytest.warns(DegenerateDataWarning, match=r"[Nn]othing .* in column 2"):
        model = ChowLiuTree(smoothing=0.0).fit(X)
    without = ChowLiuTree(smoothing=0.0).fit(X[:, :2])
    np.testing.assert_allclose(
        model.score_samples(X), without.score_samples(X[:, :2]), atol=SAME
    )
    sure = np.repeat([[0.0, 0.0], [1.0, 1.0]], 50, axis=0)
    model = ChowLiuTree(smoothing=0.0).fit(sure)
    scores = model.score_samples([[0.0, 1.0], [np.nan, np.nan], [0.0, np.nan]])
    assert scores[0] < -20.0
    assert scores[1] == 0.0
    assert scores[2] == pytest.approx(np.log(0.5), abs=2 * UNSEEN)


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_same_bytes_for_every_n_jobs(share):
    X = hide(table(5000, sizes=(2,) * 12), share)
    fits = [
        MixtureOfTrees(3, max_iter=3, tol=1.0, random_state=0, n_jobs=n).fit(X)
        for n in (1, 3)
    ]
    assert fits[0]._tables.tobytes() == fits[1]._tables.tobytes()
    scores = [model.score_samples(X) for model in fits]
    assert scores[0].tobytes() == scores[1].tobytes()
