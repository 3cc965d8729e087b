"""TableMixture's columns that are jointly Gaussian within each component."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import logsumexp, softmax

from sklearn_gen.base import DiscreteColumnWarning
from sklearn_gen.mixture import GaussianMixture, TableMixture
from tests.mixture.block_tables import BLOCK, HOLES, fitted, table

# False alarms of the tests of draws, which have fixed seeds: one seed in a thousand.
ALPHA = 1e-3
pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::sklearn_gen.base.DegenerateDataWarning",
)


@pytest.fixture(scope="module")
def model():
    return fitted()


def gaussians(model):
    """Means (K, d) and covariances (K, d, d) of the block, in the order named."""
    columns = model._columns
    (lead,) = set(columns.block_of.values())
    block, params = columns.families[lead], model._params.columns[lead]
    means = block.center + block.spread * params.mean.T
    units = np.outer(block.spread, block.spread)
    return means, units * np.moveaxis(params.covariance, -1, 0)


def log_density(x, mean, covariance):
    """Of the cells of one row that are observed."""
    seen = ~np.isnan(x)
    if not seen.any():
        return 0.0
    part = stats.multivariate_normal(mean[seen], covariance[np.ix_(seen, seen)])
    return part.logpdf(x[seen])


def naive_joint(model, frame):
    """Log of w_k p(x | k) by the formula, (n, K)."""
    means, covariances = gaussians(model)
    columns, params = model._columns, model._params.columns
    joint = np.tile(np.log(model.weights_), (len(frame), 1))
    cells = frame[BLOCK].to_numpy()
    for row, x in zip(joint, cells, strict=True):
        row += [log_density(x, *one) for one in zip(means, covariances, strict=True)]
    levels = frame["pet"].map({"cat": 0.0, "dog": 1.0}).to_numpy(dtype=float)
    for j, x in ((1, levels), (3, frame["age"].to_numpy())):
        there = ~np.isnan(x)
        joint[there] += columns.families[j].log_prob(x[there], params[j])
    return joint


def regression(x, mean, covariance):
    """Mean and covariance of a row's missing cells given the others."""
    seen, hidden = np.flatnonzero(~np.isnan(x)), np.flatnonzero(np.isnan(x))
    slopes = np.linalg.solve(
        covariance[np.ix_(seen, seen)], covariance[np.ix_(seen, hidden)]
    )
    center = mean[hidden] + (x[seen] - mean[seen]) @ slopes
    left = covariance[np.ix_(hidden, seen)] @ slopes
    return center, covariance[np.ix_(hidden, hidden)] - left


def test_one_component_is_the_normal_distribution():
    X = table()[BLOCK].to_numpy()
    model = fitted(X, 1, gaussian_block=[2, 0, 1], smoothing=0.0)
    whole = stats.multivariate_normal(X.mean(axis=0), np.cov(X.T, bias=True))
    np.testing.assert_allclose(model.score_samples(X), whole.logpdf(X), atol=1e-9)
    holes = np.where(np.random.default_rng(2).random(X.shape) < 0.5, np.nan, X)
    wanted = [log_density(x, whole.mean, whole.cov) for x in holes]
    np.testing.assert_allclose(model.score_samples(holes), wanted, atol=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_all_columns_are_a_gaussian_mixture(share):
    X = table(share=share)[BLOCK].to_numpy()
    X[:, 0] -= 1e4  # where GaussianMixture's floors are small, too
    exact = {"tol": 1e-9, "max_iter": 2000}
    model = fitted(X, 2, gaussian_block=[0, 1, 2], smoothing=0.0, **exact)
    means, covariances = gaussians(model)
    same = GaussianMixture.from_parameters(model.weights_, means, covariances)
    np.testing.assert_allclose(model.score_samples(X), same.score_samples(X), atol=1e-9)
    np.testing.assert_allclose(model.predict_proba(X), same.predict_proba(X), atol=1e-9)
    # an optimum of one is an optimum of the other
    on = GaussianMixture(
        2,
        weights_init=model.weights_,
        means_init=means,
        precisions_init=np.linalg.inv(covariances),
        reg_covar=0.0,
        **exact,
    ).fit(X)
    assert on.score(X) == pytest.approx(model.score(X), abs=1e-5)
    assert model.bic(X) == pytest.approx(same.bic(X))


@pytest.mark.parametrize("n_components", [1, 4])
def test_em_never_loses_likelihood(n_components):
    model = fitted(n_components=n_components, smoothing=0.0, tol=1e-9, max_iter=60)
    assert len(model.lower_bounds_) > 3
    assert np.diff(model.lower_bounds_).min() > -1e-10


def test_scores_follow_the_formula(model):
    joint = naive_joint(model, HOLES)
    wanted = logsumexp(joint, axis=1)
    np.testing.assert_allclose(model.score_samples(HOLES), wanted, atol=1e-9)
    wanted = softmax(joint, axis=1)
    np.testing.assert_allclose(model.predict_proba(HOLES), wanted, atol=1e-9)


def test_an_em_step_by_hand():
    """Means and covariances from each row's own regression."""
    first = fitted(smoothing=0.0, max_iter=3, tol=0.0)
    (before, after), cells = (gaussians(first), None), HOLES[BLOCK].to_numpy()
    second = fitted(smoothing=0.0, max_iter=4, tol=0.0)
    resp = softmax(naive_joint(first, HOLES), axis=1)
    resp[np.isnan(cells).all(axis=1)] = 0.0
    after = gaussians(second)
    for k in range(2):
        filled, left = cells.copy(), np.zeros((3, 3))
        for x, r in zip(filled, resp[:, k], strict=True):
            hidden = np.flatnonzero(np.isnan(x))
            if len(hidden) < 3:
                x[hidden], rest = regression(x, before[0][k], before[1][k])
                left[np.ix_(hidden, hidden)] += r * rest
        filled = np.nan_to_num(filled)
        mean = resp[:, k] @ filled / resp[:, k].sum()
        scatter = (resp[:, k, None] * (filled - mean)).T @ (filled - mean) + left
        np.testing.assert_allclose(after[0][k], mean, rtol=1e-8)
        np.testing.assert_allclose(
            after[1][k], scatter / resp[:, k].sum(), rtol=1e-6, atol=1e-9
        )


def test_draws_given_other_cells(model):
    """A mixture of regressions: weights by Bayes' rule, also from other columns."""
    row = pd.DataFrame(
        {"weight": [np.nan], "pet": ["cat"], "height": [40.0], "age": [3.0]}
    ).assign(girth=np.nan)[list(HOLES.columns)]
    share = softmax(naive_joint(model, row), axis=1)[0]
    parts = [
        regression(np.array([np.nan, 40.0, np.nan]), *one)
        for one in zip(*gaussians(model), strict=True)
    ]
    for drawn in (
        model.sample_conditional(pd.concat([row] * 4000), random_state=0),
        model.sample(
            4000, conditions={"pet": "cat", "height": 40, "age": 3.0}, random_state=0
        ),
    ):
        assert (drawn["height"] == 40).all()
        cells = drawn[["weight", "girth"]].to_numpy()
        # of every direction, also those in which the two depend on each other
        for direction in ([1.0, 0.0], [0.0, 1.0], [1.0, 20.0], [1.0, -20.0]):
            a = np.array(direction)

            def cdf(x, a=a):
                normals = [stats.norm(m @ a, np.sqrt(a @ S @ a)) for m, S in parts]
                return sum(s * p.cdf(x) for s, p in zip(share, normals, strict=True))

            assert stats.kstest(cells @ a, cdf).pvalue > ALPHA / 8


def test_draws_of_whole_rows(model):
    drawn = model.sample(4000, random_state=1)
    means, covariances = gaussians(model)
    a = np.array([1.0, 0.1, -20.0])
    normals = [
        stats.norm(m @ a, np.sqrt(a @ S @ a))
        for m, S in zip(means, covariances, strict=True)
    ]

    def cdf(x):
        return sum(w * p.cdf(x) for w, p in zip(model.weights_, normals, strict=True))

    assert stats.kstest(drawn[BLOCK].to_numpy() @ a, cdf).pvalue > ALPHA
    assert not drawn.isna().any(axis=None)
    holes = model.sample(2000, reproduce_missing=True, random_state=1)
    shares = holes.isna().mean() - HOLES.isna().mean()
    assert np.abs(shares).max() < 3.3 * np.sqrt(0.25 * 0.75 * (1 / 2000 + 1 / 600))


def test_expected_cells(model):
    filled = model.conditional_mean(HOLES)
    resp = softmax(naive_joint(model, HOLES), axis=1)
    wanted = HOLES[BLOCK].to_numpy().copy()
    for x, r in zip(wanted, resp, strict=True):
        hidden = np.isnan(x)
        pairs = zip(*gaussians(model), strict=True)
        if hidden.all():
            x[:] = r @ gaussians(model)[0]
        elif hidden.any():
            x[hidden] = sum(
                share * regression(x, *one)[0]
                for share, one in zip(r, pairs, strict=True)
            )
    np.testing.assert_allclose(filled[BLOCK], wanted, rtol=1e-9)


def test_most_probable_cells(model):
    """Each is a component's expectation, and none of these is more likely."""
    row = HOLES.iloc[[0]].assign(
        weight=np.nan, pet="cat", height=5.0, age=np.nan, girth=-3.0
    )
    best = model.conditional_mode(row)["weight"].item()
    x = np.array([np.nan, 5.0, -3.0])
    means = [regression(x, *one)[0][0] for one in zip(*gaussians(model), strict=True)]
    assert np.isclose(means, best, rtol=1e-12).any()
    scores = model.score_samples(pd.concat([row] * 3).assign(weight=[*means, best]))
    assert scores[2] == pytest.approx(scores.max())


def test_marginals(model):
    some = ["girth", "pet", "weight"]
    part = model.marginal(some)
    wanted = model.score_samples(HOLES.assign(height=np.nan, age=np.nan))
    np.testing.assert_allclose(part.score_samples(HOLES[some]), wanted, atol=1e-9)
    assert part.families_["girth"] == "gaussian_block"
    assert list(part.sample(3).columns) == some
    # two means and three covariances of two columns, a level, and the weight
    assert part.bic(HOLES[some]) - part.aic(HOLES[some]) == pytest.approx(
        (2 * (5 + 1) + 1) * (np.log(len(HOLES)) - 2)
    )


@pytest.mark.filterwarnings("ignore::sklearn_gen.base.DiscreteColumnWarning")
def test_weights_are_repeats_and_threads_change_nothing():
    weight = np.random.default_rng(3).integers(0, 4, len(HOLES))
    repeated = fitted(HOLES.loc[HOLES.index.repeat(weight)], smoothing=1.0)
    weighted = TableMixture(**repeated.get_params()).fit(HOLES, sample_weight=weight)
    np.testing.assert_allclose(
        weighted.score_samples(HOLES), repeated.score_samples(HOLES), atol=1e-7
    )
    threaded = TableMixture(**repeated.get_params()).set_params(n_jobs=2)
    threaded.fit(HOLES, sample_weight=weight)
    pd.testing.assert_frame_equal(
        threaded.sample(50, random_state=0),
        weighted.sample(50, random_state=0),
        check_exact=True,
    )


def test_batches_learn_as_much():
    X = table(3000)
    batches = TableMixture(2, gaussian_block=BLOCK, smoothing=0.5, random_state=0)
    for start in range(0, 3000, 500):
        batches.partial_fit(X[start : start + 500])
    test = table(1000, seed=7)
    assert batches.score(test) > fitted(X, families="auto").score(test) - 0.1


def test_choices_by_rows_held_out():
    """One component has all that is linear; independent columns need many."""
    X = table()[BLOCK]
    X["height"] = 3.0 * X["weight"] + X["girth"]
    X += np.random.default_rng(0).normal(size=X.shape)
    together = TableMixture(gaussian_block=BLOCK, random_state=0).fit(X)
    apart = TableMixture(random_state=0).fit(X)
    assert together.n_components_ == 1 < apart.n_components_
    test = (table(seed=9)[BLOCK] + 0.0).assign(
        height=lambda t: 3.0 * t["weight"] + t["girth"]
    )
    test += np.random.default_rng(1).normal(size=X.shape)
    whole = stats.multivariate_normal(X.mean(), np.cov(X.T))
    assert together.score(test) > whole.logpdf(test).mean() - 0.02
    chosen = fitted(smoothing="auto", n_components=8).smoothing_
    assert chosen[0] == chosen[2] == chosen[4]


def test_strong_smoothing_is_the_whole_table():
    X = table()[BLOCK].to_numpy()
    model = fitted(X, 3, gaussian_block=[0, 1, 2], smoothing=1e9)
    whole = stats.multivariate_normal(X.mean(axis=0), np.cov(X.T, bias=True))
    # its own pseudo-rows: three of independent columns beside 600
    np.testing.assert_allclose(model.score_samples(X), whole.logpdf(X), atol=0.1)


@pytest.mark.parametrize("smoothing", [0.0, 0.5])
def test_columns_that_say_the_same(smoothing):
    X = table()[BLOCK].assign(twice=lambda t: 2.0 * t["height"], one=1.0)
    X.loc[::5, "twice"] = np.nan
    block = [*BLOCK, "twice", "one"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiscreteColumnWarning)
        model = fitted(X, 3, gaussian_block=block, smoothing=smoothing)
    assert np.isfinite(model.score_samples(X)).all()
    filled = model.conditional_mean(X)
    spread = X["twice"].std()
    assert np.abs(filled["twice"] - 2.0 * X["height"]).max() < 0.01 * spread
    assert np.isfinite(model.sample(20)).all(axis=None)


def test_components_without_rows_are_the_whole_table(model):
    block = next(f for f in model._columns.families if f.name == "gaussian_block")
    lost = block.m_step(np.zeros((len(block.overall), 2)))
    whole = block.m_step(block.prior(1.0)[:, None])
    for own, of_all in zip(lost, whole, strict=True):
        np.testing.assert_array_equal(own, np.repeat(of_all, 2, axis=-1))


def test_more_columns_than_rows():
    X = np.random.default_rng(0).normal(size=(12, 30))
    model = fitted(X, 2, gaussian_block="continuous")
    test = np.random.default_rng(1).normal(size=(50, 30))
    assert model.score(test) > -200.0  # independent columns: about -60
