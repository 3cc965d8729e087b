"""Forecasts against their definitions: mixtures of states to come, and draws."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad
from scipy.stats import norm, poisson

from sklearn_gen.hmm import (
    AutoregressiveHMM,
    CategoricalHMM,
    GaussianHMM,
    GaussianMixtureHMM,
    MixedHMM,
    PoissonHMM,
    StudentTHMM,
    groups_from_lengths,
)

# A true statement of a share of draws fails with a probability below 1e-4.
SIGMAS = 4.0


@pytest.fixture(scope="module")
def walk():
    rng = np.random.default_rng(0)
    states = np.repeat(rng.integers(2, size=40), rng.integers(3, 12, size=40))
    X = np.array([[0.0, 1.0], [5.0, -1.0]])[states] + rng.normal(size=(len(states), 2))
    return X, groups_from_lengths([len(X) - 90, 90])


@pytest.fixture(scope="module")
def model(walk):
    X, groups = walk
    model = GaussianHMM(2, covariance_type="full", random_state=0)
    return model.fit(X, groups=groups)


def test_states_to_come(model, walk):
    X, groups = walk
    found = model.forecast(X, 3, groups=groups)
    assert_array_equal(found.groups, [0, 0, 0, 1, 1, 1])
    filtered = model.predict_proba(X, groups=groups, method="filter")
    for i, last in enumerate((len(X) - 91, len(X) - 1)):
        proba = filtered[last]
        for h in range(3):
            proba = proba @ model.transmat_
            assert_allclose(found.state_proba[3 * i + h], proba, rtol=1e-12)
    # two rows that nobody saw say the same
    gap = np.r_[X, np.full((3, 2), np.nan)]
    ahead = model.predict_proba(gap[90:], method="predict")[-3:]
    assert_allclose(model.forecast(X[90:], 3).state_proba, ahead, atol=1e-12)


def test_mean_quantile_and_density_are_of_one_mixture(model, walk):
    found = model.forecast(walk[0], 4)
    assert found.exact
    proba, sd = found.state_proba, np.sqrt(np.diagonal(model.covars_, 0, 1, 2))
    assert_allclose(found.mean(), proba @ model.means_, rtol=1e-12)
    for q in (0.001, 0.3, 0.5, 0.99):
        x = found.quantile(q)
        below = (proba[:, :, None] * norm.cdf(x[:, None], model.means_, sd)).sum(axis=1)
        assert_allclose(below, q, rtol=1e-9)

    def density(x):
        return np.exp(found.score_samples([[x, np.nan]], at=2)[0])

    assert quad(density, -20, 30)[0] == pytest.approx(1.0, abs=1e-6)
    mean = quad(lambda x: x * density(x), -20, 30)[0]
    assert mean == pytest.approx(found.mean()[2, 0], abs=1e-6)
    rows = model.sample(4, random_state=1)
    each = [found.score_samples(rows[[h]], at=h)[0] for h in range(4)]
    assert_allclose(found.score_samples(rows), each)
    first = model.score_samples(np.r_[walk[0], rows])[len(walk[0])]
    assert found.score_samples(rows)[0] == pytest.approx(first, rel=1e-9)


def test_draws_are_paths_with_these_marginals(model, walk):
    X, groups = walk
    found = model.forecast(X, 3, groups=groups)
    n = 8000
    drawn = found.sample(n, random_state=0).reshape(n, 6, 2)
    for q in (0.1, 0.5, 0.9):
        below = (drawn <= found.quantile(q)).mean(axis=0)
        assert np.abs(below - q).max() < SIGMAS * np.sqrt(q * (1 - q) / n)
    error = drawn.std(axis=0) / np.sqrt(n)
    assert (np.abs(drawn.mean(axis=0) - found.mean()) < SIGMAS * error).all()
    # paths, not rows by themselves: states persist, so neighbours are alike
    assert np.corrcoef(drawn[:, 1, 0], drawn[:, 2, 0])[0, 1] > 0.3
    assert_array_equal(found.sample(2, random_state=0), found.sample(2, random_state=0))


@pytest.mark.parametrize("covariance_type", ["tied", "diag", "spherical"])
def test_other_covariances_and_mixtures(walk, covariance_type):
    X = walk[0]
    for cls in (GaussianHMM, GaussianMixtureHMM, StudentTHMM):
        model = cls(2, covariance_type=covariance_type, random_state=0).fit(X)
        found = model.forecast(X, 2)
        n = 8000
        drawn = found.sample(n, random_state=0).reshape(n, 2, 2)
        error = drawn.std(axis=0) / np.sqrt(n)
        assert (np.abs(drawn.mean(axis=0) - found.mean()) < SIGMAS * error).all()
        below = (drawn <= found.quantile(0.2)).mean(axis=0)
        assert np.abs(below - 0.2).max() < SIGMAS * np.sqrt(0.16 / n)


def test_counts():
    """Quantiles of counts are the least that reach q; means aren't rounded."""
    X = np.repeat([2, 20, 3, 25], 30)[:, None]
    X = np.random.default_rng(0).poisson(X)
    model = PoissonHMM(2, random_state=0).fit(X)
    found = model.forecast(X, 5)
    proba, rates = found.state_proba, model.lambdas_[:, 0]
    assert_allclose(found.mean()[:, 0], proba @ rates)
    for q in (0.05, 0.5, 0.95):
        x = found.quantile(q)
        assert_array_equal(x, np.round(x))
        assert (np.einsum("hk,hk->h", proba, poisson.cdf(x, rates)) >= q).all()
        assert (np.einsum("hk,hk->h", proba, poisson.cdf(x - 1, rates)) < q).all()
    masses = np.exp(found.score_samples(np.arange(90)[:, None], at=4))
    assert masses.sum() == pytest.approx(1.0)


def test_tables():
    """Levels have no mean; the container is that of fit."""
    X = pd.DataFrame(
        {
            "sky": ["clear"] * 20 + ["rain"] * 20,
            "id": "a",
            "visitors": np.r_[np.arange(20) + 30.0, np.arange(20) % 5],
            "open": np.random.default_rng(0).random(40) < 0.5,
        }
    )
    model = MixedHMM(2, group_column="id", smoothing=0.1, n_init=5, random_state=0)
    model.fit(X)
    found = model.forecast(X, 2)
    mean = found.mean()
    assert list(mean.columns) == ["sky", "visitors", "open"]
    assert mean["sky"].isna().all()
    assert mean["visitors"].between(0, 20).all()
    assert mean["open"].between(0.2, 0.8).all()
    assert set(found.sample(20, random_state=0)["sky"]) <= {"clear", "rain"}
    assert (found.groups == "a").all()
    levels = CategoricalHMM(2, random_state=0).fit(X[["sky"]])
    found = levels.forecast(X[["sky"]], 2)
    seen = pd.DataFrame({"sky": ["clear", "rain"]})
    assert np.exp(found.score_samples(seen, at=1)).sum() == pytest.approx(1, abs=1e-5)
    assert found.quantile(0.5).isna().all(axis=None)


@pytest.mark.parametrize("marginals", [True, False])
def test_without_marginals_draws_say_it(model, walk, monkeypatch, marginals):
    exact = model.forecast(walk[0], 3)
    if marginals:  # whose rows depend on rows: no row's density is a mixture of states
        monkeypatch.setattr(GaussianHMM, "_rows_need_earlier", True)
    else:
        monkeypatch.setattr(
            "sklearn_gen.hmm._forecast.marginals_of", lambda *given: None
        )
    found = model.forecast(walk[0], 3)
    assert not found.exact
    error = SIGMAS * 3.5 / np.sqrt(2000)
    assert np.abs(found.mean() - exact.mean()).max() < error
    assert np.abs(found.quantile(0.5) - exact.quantile(0.5)).max() < 3 * error
    if marginals:
        with pytest.raises(ValueError, match="depend on those before"):
            found.score_samples(walk[0][:3])


def test_rows_that_depend_on_rows():
    """Draws go on from the last rows: the next mean is each state's regression."""
    rng = np.random.default_rng(0)
    X = np.zeros((600, 1))
    for t in range(1, 600):
        X[t] = (0.9 if t < 300 else -0.9) * X[t - 1] + rng.normal()
    X[-1] = 4.0
    model = AutoregressiveHMM(2, random_state=0).fit(X)
    found = model.forecast(X, 2)
    assert not found.exact
    slopes, shifts = model.coefficients_.ravel(), model.intercepts_.ravel()
    mean = found.state_proba[0] @ (slopes * 4.0 + shifts)
    spread = found.sample(2000, random_state=0)[::2].std()
    assert abs(found.mean()[0, 0] - mean) < SIGMAS * spread / np.sqrt(2000)
    assert mean < -3.0


def test_messages(model, walk):
    with pytest.raises(ValueError, match="steps must be an integer"):
        model.forecast(walk[0], 0)
    with pytest.raises(ValueError, match="X has probability 0"):
        model.forecast([[1e200, 0.0]])
    found = model.forecast(walk[0], 3)
    with pytest.raises(ValueError, match="q must be between"):
        found.quantile(1.0)
    with pytest.raises(ValueError, match="X has 2 rows, the forecast 3"):
        found.score_samples(walk[0][:2])
    for at in (3, -1):
        with pytest.raises(ValueError, match=f"at must be from 0 to 2, .* got {at}"):
            found.score_samples(walk[0], at=at)
