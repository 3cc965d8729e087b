"""TableMixture as mathematics: likelihoods, EM, conditionals, expectations."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import logsumexp
from sklearn.mixture import GaussianMixture as Reference

from sklearn_gen._columns import Tabulated
from sklearn_gen.mixture import TableMixture

# False alarms of the tests of draws, which have fixed seeds: one seed in a thousand.
ALPHA = 1e-3
N = 400


def mixed_table(n=N, seed=0):
    """Three kinds of rows, told apart by every column."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    return pd.DataFrame(
        {
            "pet": np.array(["cat", "dog", "emu"])[(kind + (rng.random(n) < 0.2)) % 3],
            "kilos": rng.normal(kind * 6, 1 + kind),
            "age": rng.poisson(2 + 5 * kind),
            "sold": rng.random(n) < 0.2 + 0.3 * kind,
            "price": np.round(rng.lognormal(kind, 0.5), 2),
            "width": rng.gamma(1.0 + kind),
        }
    )


def with_holes(table, share=0.25, seed=1):
    hidden = np.random.default_rng(seed).random(table.shape) < share
    return table.astype({"age": "Int64", "sold": "boolean"}).mask(hidden)


TABLE = mixed_table()
HOLES = with_holes(TABLE)
FAMILIES = {
    "kilos": "gaussian",
    "age": "poisson",
    "price": "histogram",
    "width": "gamma",
}


def fitted(X=HOLES, **parameters):
    defaults = {"families": FAMILIES, "smoothing": 1.0, "tol": 1e-6, "max_iter": 300}
    parameters = {"n_components": 3, "random_state": 0} | defaults | parameters
    return TableMixture(**parameters).fit(X)


@pytest.fixture(scope="module")
def model():
    return fitted()


def naive_joint(model, encoded):
    """log p(x, k), column by column, row by row."""
    params = model._params
    joint = np.tile(np.log(params.weights), (len(encoded), 1))
    for j, family in enumerate(model._columns.families):
        for i, x in enumerate(encoded[:, j]):
            if not np.isnan(x):
                joint[i] += family.log_prob(np.array([x]), params.columns[j])[0]
    return joint


@pytest.mark.parametrize("X", [TABLE, HOLES], ids=["complete", "missing"])
@pytest.mark.parametrize("n_components", [1, 3, 40])
def test_scores_are_those_of_a_mixture(X, n_components):
    model = fitted(X, n_components=n_components, max_iter=20, tol=0.5)
    encoded = model.schema_.encode(HOLES)
    joint = naive_joint(model, encoded)
    log_prob = logsumexp(joint, axis=1)
    np.testing.assert_allclose(model.score_samples(HOLES), log_prob, rtol=1e-10)
    resp = np.exp(joint - log_prob[:, None])
    np.testing.assert_allclose(model.predict_proba(HOLES), resp, atol=1e-10)
    assert model.weights_.sum() == pytest.approx(1.0)
    nothing = HOLES[:1].mask(np.ones((1, 6), bool))
    assert model.score_samples(nothing)[0] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.filterwarnings("ignore:EM did not converge")
def test_one_iteration_is_that_of_the_textbook():
    """From the same parameters, responsibilities in full, then weighted fits."""
    model = fitted(max_iter=3, tol=0.0, smoothing=0.7)
    weight = np.random.default_rng(0).uniform(0.5, 2.0, N)
    encoded = model.schema_.encode(HOLES)
    joint = naive_joint(model, encoded)
    resp = np.exp(joint - logsumexp(joint, axis=1, keepdims=True)) * weight[:, None]
    families, before = model._columns.families, model._params
    model.set_params(warm_start=True, max_iter=1).fit(HOLES, sample_weight=weight)
    np.testing.assert_allclose(model.weights_, resp.sum(0) / resp.sum(), rtol=1e-9)
    log_likelihood = weight @ logsumexp(joint, axis=1) / weight.sum()
    assert model.lower_bound_ == pytest.approx(log_likelihood, rel=1e-10)
    for j, family in enumerate(families):
        seen = ~np.isnan(encoded[:, j])
        params = before.columns[j]
        sums = family.stats(encoded[seen, j], resp[seen], params)
        want = family.m_step(sums, family.prior(0.7), params)
        for a, b in zip(model._params.columns[j], want, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_em_never_falls_without_smoothing(seed):
    table = with_holes(mixed_table(300, seed), seed=seed)
    for families in ({**FAMILIES, "price": "lognormal"}, "auto"):
        model = TableMixture(
            4, families=families, smoothing=0.0, tol=0.0, max_iter=40, random_state=seed
        )
        with pytest.warns(UserWarning, match="did not converge"):
            model.fit(table)
        steps = np.diff(model.lower_bounds_)
        assert steps.min() > -1e-7, families
        assert model.lower_bounds_[-1] > model.lower_bounds_[0] + 0.1


@pytest.mark.filterwarnings("ignore:EM did not converge")
def test_em_raises_the_posterior_with_smoothing():
    """Its prior: pseudo-rows of every column's values in each component."""
    strength = 0.5
    model = fitted(max_iter=1, warm_start=True, smoothing=strength, tol=0.0)
    encoded, objective = model.schema_.encode(HOLES), []
    for _ in range(25):
        log_prior = 0.0
        for x, family, params in zip(
            encoded.T, model._columns.families, model._params.columns, strict=True
        ):
            log_prob = family.log_prob(x[~np.isnan(x)], params)
            log_prior += strength * log_prob.mean(axis=0).sum()
        objective.append(N * model.score(HOLES) + log_prior)
        model.fit(HOLES)
    assert np.diff(objective).min() > -1e-5
    assert objective[-1] > objective[0] + 1.0


def test_gaussians_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    X = np.vstack(
        [rng.normal(m, s, size=(150, 2)) for m, s in ((0, 1), (8, 2), (-9, 3))]
    )
    model = TableMixture(
        3, families="gaussian", smoothing=0.0, tol=1e-12, max_iter=500, random_state=0
    ).fit(X)
    reference = Reference(
        3,
        covariance_type="diag",
        tol=1e-12,
        reg_covar=0.0,
        max_iter=500,
        random_state=0,
    ).fit(X)
    np.testing.assert_allclose(
        model.score_samples(X), reference.score_samples(X), atol=1e-4
    )
    np.testing.assert_allclose(
        np.sort(model.weights_), np.sort(reference.weights_), atol=1e-5
    )
    assert model.bic(X) == pytest.approx(reference.bic(X), rel=1e-6)
    assert model.aic(X) == pytest.approx(reference.aic(X), rel=1e-6)
    assert set(model.families_.values()) == {"gaussian"}
    assert set(model.base_measure_.values()) == {"lebesgue"}


# Probabilities


def levels_table(n=500, seed=0):
    rng = np.random.default_rng(seed)
    kind = rng.integers(3, size=n)
    noise = rng.random((n, 3)) < 0.25
    return pd.DataFrame(
        {
            "a": np.array(["x", "y", "z"])[(kind + noise[:, 0]) % 3],
            "b": (kind == 1) ^ noise[:, 1],
            "c": pd.Categorical(
                np.array(["l", "m", "h"])[(kind + 2 * noise[:, 2]) % 3]
            ),
        }
    )


@pytest.fixture(scope="module")
def levels():
    table = levels_table()
    return TableMixture(3, smoothing=0.3, random_state=0).fit(table), table


def every_row(model):
    """All rows of levels there are, and those of levels not seen."""
    rows = itertools.product(["x", "y", "z", "new"], [False, True], ["l", "m", "h"])
    return pd.DataFrame(rows, columns=["a", "b", "c"])


def test_masses_of_all_rows_sum_to_one(levels):
    model, _ = levels
    rows = every_row(model)
    mass = np.exp(model.score_samples(rows))
    # of the ordered categories one more level is possible, which a table can't hold
    assert mass.sum() == pytest.approx(1.0, abs=3e-6)
    unseen = mass[rows["a"] == "new"].sum()
    assert 0 < unseen < 2e-6


@pytest.mark.parametrize("column", ["a", "b", "c"])
def test_missing_is_the_sum_over_levels(levels, column):
    model, _ = levels
    rows = every_row(model)
    rows = rows[rows["a"] != "new"]
    others = [c for c in rows if c != column]
    total = np.exp(model.score_samples(rows))
    sums = pd.Series(total, rows.index).groupby([rows[c] for c in others]).sum()
    hidden = rows.astype({"b": "boolean"})
    hidden[column] = None
    got = np.exp(model.score_samples(hidden))
    keys = [tuple(row) for row in rows[others].to_numpy()]
    want = np.array([sums[key] for key in keys])
    np.testing.assert_allclose(got, want, rtol=5e-6)


def test_missing_is_the_integral_over_numbers(model):
    row = HOLES.iloc[[0]].copy()
    row["kilos"] = np.nan
    grid = np.linspace(-40, 60, 20001)
    many = pd.concat([row] * len(grid), ignore_index=True).assign(kilos=grid)
    density = np.exp(model.score_samples(many))
    mass = np.exp(model.score_samples(row))[0]
    assert density.sum() * 0.005 == pytest.approx(mass, rel=1e-6)
    row["age"] = pd.array([pd.NA], dtype="Int64")
    ages = pd.concat([row] * 200, ignore_index=True).assign(age=np.arange(200))
    mass = np.exp(model.score_samples(row))[0]
    assert np.exp(model.score_samples(ages)).sum() == pytest.approx(mass, rel=1e-6)


@pytest.mark.parametrize("chosen", [["age"], ["price", "pet"], [5, 0, 3], [1, 2, 3, 4]])
def test_marginals_score_as_if_the_rest_were_missing(model, chosen):
    names = [TABLE.columns[c] if isinstance(c, int) else c for c in chosen]
    marginal = model.marginal(chosen)
    hidden = HOLES.copy()
    for name in set(TABLE) - set(names):
        hidden[name] = hidden[name].mask(hidden[name].notna())
    got = marginal.score_samples(HOLES[names])
    np.testing.assert_allclose(got, model.score_samples(hidden), rtol=1e-12)
    drawn = marginal.sample(50, random_state=0)
    pd.testing.assert_series_equal(drawn.dtypes, HOLES[names].dtypes)
    assert list(marginal.feature_names_in_) == names
    assert set(marginal.families_) == set(names)
    again = marginal.marginal([names[-1]])
    np.testing.assert_allclose(
        again.score_samples(HOLES[[names[-1]]]),
        model.marginal([names[-1]]).score_samples(HOLES[[names[-1]]]),
    )
    given = marginal.sample_conditional(HOLES[names], random_state=0)
    assert not given.isna().to_numpy().any()
    assert marginal.bic(HOLES[names]) < model.bic(HOLES)


def test_draws_follow_the_masses(levels):
    model, table = levels
    rows = every_row(model)
    rows = rows[rows["a"] != "new"]
    n = 20_000
    drawn = model.sample(n, random_state=3)
    pd.testing.assert_series_equal(drawn.dtypes, table.dtypes)
    counts = drawn.value_counts()
    counts = np.array([counts.get(tuple(row), 0) for row in rows.to_numpy()])
    assert counts.sum() == n
    expected = np.exp(model.score_samples(rows))
    expected *= n / expected.sum()
    assert expected.min() > 5
    assert stats.chisquare(counts, expected).pvalue > ALPHA


def test_draws_of_numbers_follow_the_density(model):
    drawn = model.sample(3000, random_state=0)
    for name, low, high in (("kilos", -40, 60), ("width", 1e-9, 40)):
        marginal = model.marginal([name])
        grid = np.linspace(low, high, 40_001)
        density = np.exp(marginal.score_samples(pd.DataFrame({name: grid})))
        cdf = np.cumsum(density) * (grid[1] - grid[0])
        assert cdf[-1] == pytest.approx(1.0, abs=1e-3)
        u = np.interp(drawn[name].to_numpy(), grid, cdf / cdf[-1])
        assert stats.kstest(u, "uniform").pvalue > ALPHA


@pytest.mark.parametrize("given", [{"a": "x"}, {"b": True, "c": "h"}, {"c": "m"}])
def test_conditional_draws_follow_bayes(levels, given):
    model, _ = levels
    rows = every_row(model)
    rows = rows[rows["a"] != "new"]
    mass = np.exp(model.score_samples(rows))
    agree = np.all([rows[c] == value for c, value in given.items()], axis=0)
    expected = mass[agree] / mass[agree].sum()
    n = 8000
    hidden = pd.DataFrame({"a": [None] * n, "b": [None] * n, "c": [None] * n})
    for name, value in given.items():
        hidden[name] = value
    for drawn in (
        model.sample_conditional(hidden, random_state=1),
        model.sample(n, conditions=given, random_state=2),
    ):
        for name, value in given.items():
            assert (drawn[name] == value).all()
        counts = drawn.value_counts()
        counts = [counts.get(tuple(row), 0) for row in rows[agree].to_numpy()]
        assert sum(counts) == n
        assert stats.chisquare(counts, n * expected).pvalue > ALPHA


def test_observed_cells_are_kept(model):
    drawn = model.sample_conditional(HOLES, random_state=0)
    pd.testing.assert_series_equal(drawn.dtypes, HOLES.dtypes)
    assert not drawn.isna().to_numpy().any()
    seen = HOLES.notna()
    for name in HOLES:
        assert (drawn[name][seen[name]] == HOLES[name][seen[name]]).all()
    pd.testing.assert_frame_equal(model.sample_conditional(TABLE), TABLE)


# Expectations


def test_conditional_mean_is_the_average_of_draws(model):
    holes = HOLES[:6].copy()
    filled = model.conditional_mean(holes)
    many = pd.concat([holes] * 4000, ignore_index=True)
    drawn = model.sample_conditional(many, random_state=0)
    n_checked = 0
    for name in ("kilos", "price", "width"):
        for i in np.flatnonzero(holes[name].isna()):
            own = drawn[name].to_numpy()[i::6]
            error = own.std() / np.sqrt(len(own))
            assert abs(filled[name].iloc[i] - own.mean()) < 4 * error
            n_checked += 1
    assert n_checked >= 3
    assert (filled["pet"].isin(["cat", "dog", "emu"])).all()


def test_conditional_mode_is_the_most_probable(levels, model):
    tree, _ = levels
    rows = pd.DataFrame({"a": ["x", "y", "z"], "b": [None] * 3, "c": ["m"] * 3})
    filled = tree.conditional_mode(rows)
    for i in range(3):
        both = rows.iloc[[i, i]].assign(b=[False, True])
        best = bool(tree.score_samples(both).argmax())
        assert filled["b"].iloc[i] == best
    holes = HOLES.iloc[[0, 1, 2]].assign(price=np.nan)
    j = list(TABLE).index("price")
    assert isinstance(model._columns.families[j], Tabulated)
    filled = model.conditional_mode(holes)
    cells = np.round(np.arange(0.0, 60.0, 0.01), 2)
    for i in range(3):
        many = pd.concat([holes.iloc[[i]]] * len(cells), ignore_index=True)
        scores = model.score_samples(many.assign(price=cells))
        got = model.score_samples(
            filled.iloc[[i]].assign(
                **{c: holes[c].iloc[[i]] for c in holes if c != "price"}
            )
        )[0]
        assert got == pytest.approx(scores.max(), abs=1e-9)
