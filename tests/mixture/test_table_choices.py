"""What TableMixture chooses and how it learns: families, sizes, batches, threads."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sklearn_gen.mixture import TableMixture
from sklearn_gen.mixture._table_layout import mask_groups
from sklearn_gen.mixture._twins import find_twins


def frame(n=600, seed=0):
    """Four kinds of rows, far apart."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(4, size=n)
    return pd.DataFrame(
        {
            "x": rng.normal(10.0 * kind),
            "y": rng.normal(10.0 * (kind % 2)),
            "word": np.array(["a", "b", "c", "d"])[kind],
            "flag": (kind > 1) ^ (rng.random(n) < 0.02),
        }
    )


# Families

TRUTHS = {
    "gaussian": stats.norm(3, 2),
    "lognormal": stats.lognorm(0.8, scale=9.0),
    "gamma": stats.gamma(2.0, scale=3.0),
    "student_t": stats.t(2.5, 1.0, 0.3),
    "uniform": stats.uniform(-1.0, 5.0),
    "poisson": stats.poisson(4.0),
    "negative_binomial": stats.nbinom(2, 0.1),
}


@pytest.mark.parametrize("name", TRUTHS)
def test_a_family_is_chosen_that_scores_as_the_true_one(name):
    truth = TRUTHS[name]
    rng = np.random.default_rng(0)
    X = truth.rvs((2000, 1), random_state=rng).astype(float)
    new = truth.rvs((4000, 1), random_state=rng).astype(float)
    counts = name in ("poisson", "negative_binomial")
    X, new = (pd.DataFrame(v, columns=["v"]) for v in (X, new))
    if counts:
        X, new = X.astype(int), new.astype(int)
    model = TableMixture(1, smoothing=0.1, random_state=0).fit(X)
    log_truth = truth.logpmf if counts else truth.logpdf
    best = log_truth(new["v"].to_numpy()).mean()
    assert model.score(new) > best - 0.04, model.families_
    assert model.base_measure_ == {"v": "counting" if counts else "lebesgue"}


@pytest.mark.parametrize("scale", [1e-3, 3.0])
@pytest.mark.parametrize(("atom", "base"), [(0.0, "gamma"), (2.5, "gaussian")])
def test_atoms_are_told_from_densities(atom, base, scale):
    """A third of one value, the rest without repeats: no density describes that."""
    rng = np.random.default_rng(0)
    truth = stats.gamma(2, scale=scale) if base == "gamma" else stats.norm(2, scale)

    def draw(n):
        return np.where(rng.random(n) < 0.3, atom, truth.rvs(n, random_state=rng))

    X, new = draw(1500)[:, None], draw(3000)
    model = TableMixture(1, smoothing=0.1, random_state=0).fit(X)
    assert model.families_[0].startswith("zero_inflated")
    assert model.base_measure_[0] == f"counting at {atom}, lebesgue elsewhere"
    apart = np.log(0.7) + truth.logpdf(new)
    best = np.where(new == atom, np.log(0.3), apart).mean()
    assert model.score(new[:, None]) == pytest.approx(best, abs=0.05)
    drawn = model.sample(1000, random_state=0)
    assert np.mean(drawn == atom) == pytest.approx(0.3, abs=0.06)


def test_kinds_have_families_and_measures():
    n = 200
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "text": rng.choice(["a", "b"], n),
            "flag": rng.random(n) < 0.5,
            "day": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(rng.integers(99, size=n), "D"),
            "count": rng.integers(0, 5, n),
            "cents": np.round(rng.gamma(2, size=n), 2),
            "real": rng.normal(size=n),
        }
    )
    model = TableMixture(2, smoothing=1.0, random_state=0).fit(rows)
    families = model.families_
    assert families["text"] == "categorical"
    assert families["flag"] == "bernoulli"
    assert families["day"] == "histogram"
    assert model.base_measure_ == dict.fromkeys(rows, "counting") | {"real": "lebesgue"}
    drawn = model.sample(300, random_state=0)
    pd.testing.assert_series_equal(drawn.dtypes, rows.dtypes)
    np.testing.assert_allclose(drawn["cents"], drawn["cents"].round(2), rtol=0, atol=0)
    assert drawn["day"].between(rows["day"].min(), rows["day"].max()).all()
    assert (drawn["day"] == drawn["day"].dt.normalize()).all()


@pytest.mark.parametrize(
    ("families", "message"),
    [
        (
            "normal",
            r"families, column 'x': There is no column family 'normal'.*gaussian",
        ),
        ({"y": "gama"}, r"families, column 'y': There is no column family 'gama'"),
        ({"x": "gamma"}, r"families, column 'x': .*gamma.*positive"),
        ({"x": "bernoulli"}, r"families, column 'x': The bernoulli .*zeros and ones"),
        ({"y": "poisson"}, r"families, column 'y': .*poisson.*count"),
        ({"zip": "gamma"}, r"families names 'zip', which is no column"),
        ({"word": "gaussian"}, r"families, column 'word': .*categor"),
        ({"x": ("zero_inflated", "gamma")}, r"column 'x': There is no column family"),
    ],
)
def test_families_that_dont_suit_name_their_column(families, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        TableMixture(2, families=families).fit(frame(100))


def test_columns_by_index_and_name():
    by_name = TableMixture(1, families={"x": "gaussian"}, smoothing=1.0).fit(frame())
    by_index = TableMixture(1, families={0: "gaussian"}, smoothing=1.0).fit(frame())
    assert by_name.families_["x"] == by_index.families_["x"] == "gaussian"


# Sizes


def test_auto_finds_separated_groups():
    model = TableMixture(random_state=0).fit(frame())
    assert 4 <= model.n_components_ <= 8
    assert model.score(frame(seed=1)) > TableMixture(2, random_state=0).fit(
        frame()
    ).score(frame(seed=1))
    sizes = [trial[0] for trial in model.trials_]
    assert sorted(set(sizes))[:3] == [1, 2, 4]


def test_auto_leaves_noise_alone():
    rng = np.random.default_rng(0)
    noise = pd.DataFrame(
        {
            "a": rng.normal(size=600),
            "b": rng.choice(["p", "q"], 600),
            "c": rng.poisson(3, 600),
        }
    )
    model = TableMixture(random_state=0).fit(noise)
    assert model.n_components_ <= 2
    assert TableMixture(max_components=1).fit(frame()).n_components_ == 1


def test_a_thousand_levels_and_a_level_not_seen():
    rng = np.random.default_rng(0)
    levels = np.array([f"level {i:04}" for i in range(1000)])
    pick = rng.zipf(1.3, 3000) % 1000
    rows = pd.DataFrame({"many": levels[pick], "x": rng.normal(pick % 2 * 8.0)})
    model = TableMixture(2, smoothing=1.0, random_state=0).fit(rows)
    new = pd.DataFrame({"many": ["level 0001", "what"], "x": [8.0, 8.0]})
    scores = model.score_samples(new)
    assert np.isfinite(scores).all()
    assert scores[0] > scores[1]
    assert scores[1] - model.marginal(["x"]).score_samples(new[["x"]])[
        1
    ] == pytest.approx(np.log(1e-6), abs=0.1)
    assert model.sample(500)["many"].isin(rows["many"]).all()


# Learning


def test_same_bytes_for_any_number_of_threads():
    rows = frame(20_000)
    rows.loc[::7, "x"] = np.nan
    fits = [
        TableMixture(
            4, smoothing=0.3, random_state=0, n_jobs=n_jobs, max_iter=5, tol=1.0
        )
        for n_jobs in (1, 2)
    ]
    one, two = (model.fit(rows) for model in fits)
    np.testing.assert_array_equal(one.score_samples(rows), two.score_samples(rows))
    pd.testing.assert_frame_equal(one.sample(50), two.sample(50))
    np.testing.assert_array_equal(one.lower_bounds_, two.lower_bounds_)


def test_the_search_is_the_same_for_any_number_of_threads():
    one, two = (TableMixture(random_state=0, n_jobs=n).fit(frame()) for n in (1, 2))
    assert one.trials_ == two.trials_
    np.testing.assert_array_equal(
        one.score_samples(frame()), two.score_samples(frame())
    )


def test_batches_come_near_to_fit():
    whole = TableMixture(4, smoothing=0.3, random_state=0).fit(frame(8000))
    batches = TableMixture(4, smoothing=0.3, random_state=0)
    rows = frame(8000)
    for _ in range(3):
        for start in range(0, 8000, 800):
            batches.partial_fit(rows[start : start + 800])
    test = frame(4000, 1)
    assert batches.score(test) == pytest.approx(whole.score(test), abs=0.05)
    assert len(batches.lower_bounds_) == 30


def test_weights_are_repeats_given_families():
    rows = frame(300)
    weight = np.random.default_rng(0).integers(0, 4, 300)
    parameters = {
        "n_components": 4,
        "families": {"x": "gaussian", "y": "histogram"},
        "smoothing": 0.5,
        "tol": 1e-5,
        "max_iter": 500,
        "random_state": 0,
    }
    one = TableMixture(**parameters).fit(rows, sample_weight=weight)
    other = TableMixture(**parameters).fit(rows.loc[np.repeat(rows.index, weight)])
    np.testing.assert_allclose(
        one.score_samples(frame(50, 1)), other.score_samples(frame(50, 1)), rtol=1e-4
    )


@pytest.mark.filterwarnings("ignore:EM did not converge")
def test_warm_start_goes_on():
    rows = frame()
    families = dict.fromkeys("xy", "gaussian")
    short = TableMixture(
        4, families=families, smoothing=0.3, random_state=0, max_iter=2, tol=1e-6
    )
    short.set_params(warm_start=True).fit(rows)
    first = short.lower_bound_
    columns = short._columns
    short.set_params(max_iter=200).fit(rows)
    assert short.lower_bound_ > first
    assert short.converged_
    assert short._columns is columns
    n_iter = short.fit(rows).n_iter_
    assert n_iter <= 2
    with pytest.raises(ValueError, match="it has 4 components, n_components=5"):
        short.set_params(n_components=5).fit(rows)


class Interrupts:
    """A callback that raises after so many iterations."""

    def __init__(self, after):
        self.left = after

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, **kwargs):
        pass

    def on_fit_task_end(self, estimator, context, **kwargs):
        self.left -= context.task_name == "iteration"
        if self.left == 0:
            raise KeyboardInterrupt

    def teardown(self, estimator, context):
        pass


@pytest.mark.parametrize(
    ("n_components", "after"), [(4, 3), (4, 13), ("auto", 30), ("auto", 37)]
)
def test_an_interrupted_fit_keeps_a_model(n_components, after):
    rows = frame()
    model = TableMixture(n_components, random_state=0)
    model.set_callbacks(Interrupts(after))
    with pytest.raises(KeyboardInterrupt):
        model.fit(rows)
    assert np.isfinite(model.score(rows))
    assert model.n_components_ > 1
    assert len(model.sample(5)) == 5
    model.set_callbacks()
    before = model.score(rows)
    model.set_params(warm_start=True).fit(rows)
    assert model.score(rows) > before - 0.01


# Parts


def test_columns_that_are_missing_together_are_grouped():
    rng = np.random.default_rng(0)
    missing = np.zeros((500, 12), dtype=bool)
    missing[:, :8] = (rng.random(500) < 0.3)[:, None]  # more than one group holds
    missing[:, 8] = rng.random(500) < 0.3
    missing[:, 9] = True
    groups = mask_groups(missing)
    assert sorted(len(group) for group in groups) == [1, 2, 6]
    assert sorted(j for group in groups for j in group) == list(range(9))
    assert [8] in groups
    weight = rng.integers(1, 4, 500)
    repeated = mask_groups(np.repeat(missing, weight, axis=0))
    assert mask_groups(missing, weight.astype(float)) == repeated
    assert mask_groups(np.zeros((5, 2), bool)) == []


def test_twins_need_rows_and_levels():
    rng = np.random.default_rng(0)
    code = rng.integers(3, size=200).astype(float)
    X = np.column_stack([code, 7.0 - code**2, rng.normal(size=200), code > 0])
    (pair,) = find_twins(X, [True, False, False, False])
    assert (pair.leader, pair.follower) == (0, 1)
    np.testing.assert_array_equal(pair.followers, 7.0 - pair.values**2)
    np.testing.assert_allclose(pair.shares, np.bincount(code.astype(int)) / 200)
    assert find_twins(X, [False] * 4) == []
    assert find_twins(X[:25], [True] * 4) == []  # eight rows of a value are no evidence
    X[0, 1] = X[np.flatnonzero(code != code[0])[0], 1]
    assert find_twins(X, [True] * 4) == []
    X[0, 1] = np.nan
    assert len(find_twins(X, [True] * 4)) == 1


def test_two_levels_that_go_together_are_twins():
    rng = np.random.default_rng(0)
    alive = rng.choice(["no", "yes"], size=200)
    table = pd.DataFrame({"alive": alive, "survived": (alive == "yes") * 1})
    model = TableMixture(n_components=2, smoothing=1.0, random_state=0).fit(table)
    assert model.families_["survived"] == "same as alive"
    drawn = model.sample(500, random_state=0)
    assert ((drawn["alive"] == "yes") == (drawn["survived"] == 1)).all()
    rare = pd.DataFrame({"a": ["x"] * 99 + ["y"], "b": [0] * 99 + [1]})
    assert "same" not in TableMixture(1, smoothing=1.0).fit(rare).families_["b"]
