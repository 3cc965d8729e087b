"""BernoulliMixture, CategoricalMixture, PoissonMixture against EM written out."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import logsumexp

from sklearn_gen.base import DegenerateDataWarning
from sklearn_gen.mixture import BernoulliMixture, CategoricalMixture, PoissonMixture

N, D, K = 300, 5, 3
CLASSES = [BernoulliMixture, CategoricalMixture, PoissonMixture]


def groups(seed=0):
    return np.random.default_rng(seed).integers(K, size=N)


def ones_and_zeros(missing=0.0):
    rng = np.random.default_rng(1)
    shares = rng.uniform(0.05, 0.95, (K, D))
    return holes((rng.random((N, D)) < shares[groups()]).astype(float), missing)


def words(missing=0.0):
    rng = np.random.default_rng(2)
    shares = rng.dirichlet(np.full(4, 0.5), (K, D))
    u = rng.random((N, D, 1))
    codes = (shares[groups()].cumsum(axis=2) < u).sum(axis=2).clip(0, 3)
    X = np.array(["a", "b", "c", "d"], dtype=object)[codes]
    X[np.random.default_rng(3).random(X.shape) < missing] = None
    return X


def counts(missing=0.0):
    rng = np.random.default_rng(4)
    return holes(
        rng.poisson(rng.gamma(1.0, 5.0, (K, D))[groups()]).astype(float), missing
    )


def holes(X, missing):
    X[np.random.default_rng(3).random(X.shape) < missing] = np.nan
    return X


def log_likelihood_of_cells(model, X):
    """log p(x_ij | k) by scipy, zero where missing: (n, D, K)."""
    out = np.zeros((len(X), X.shape[1], len(model.weights_)))
    for i, j, k in np.ndindex(out.shape):
        x = X[i, j]
        if x is None or x != x:
            continue
        if isinstance(model, BernoulliMixture):
            out[i, j, k] = stats.bernoulli.logpmf(x, model.probabilities_[k, j])
        elif isinstance(model, PoissonMixture):
            out[i, j, k] = stats.poisson.logpmf(x, model.rates_[k, j])
        else:
            level = list(model.categories_[j]).index(x)
            out[i, j, k] = np.log(model.probabilities_[j][k, level])
    return out


def indicators(model, X, j):
    """Sufficient statistics of a column, and which rows have it."""
    seen = np.array([x is not None and x == x for x in X[:, j]])
    if isinstance(model, CategoricalMixture):
        return seen, (X[seen, j, None] == model.categories_[j]).astype(float)
    return seen, X[seen, j, None].astype(float)


def estimates(model, j):
    if isinstance(model, CategoricalMixture):
        return model.probabilities_[j]
    both = model.rates_ if isinstance(model, PoissonMixture) else model.probabilities_
    return both[:, j, None]


DATA = {
    BernoulliMixture: ones_and_zeros,
    CategoricalMixture: words,
    PoissonMixture: counts,
}


@pytest.mark.parametrize("smoothing", [0.0, 1.0])
@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize("mixture", CLASSES)
@pytest.mark.filterwarnings("ignore:EM did not converge")
def test_an_iteration_written_out(mixture, missing, smoothing):
    X = DATA[mixture](missing)
    weight = np.random.default_rng(5).uniform(0.2, 2.0, N)
    model = mixture(K, smoothing=1.0, max_iter=2, tol=0.0, random_state=0)
    model.fit(X, sample_weight=weight)
    joint = np.log(model.weights_) + log_likelihood_of_cells(model, X).sum(axis=1)
    log_prob = logsumexp(joint, axis=1)
    np.testing.assert_allclose(model.score_samples(X), log_prob, atol=1e-9)
    resp = np.exp(joint - log_prob[:, None])
    np.testing.assert_allclose(model.predict_proba(X), resp, atol=1e-9)
    r = resp * weight[:, None]
    model.set_params(warm_start=True, max_iter=1, smoothing=smoothing)
    model.fit(X, sample_weight=weight)
    np.testing.assert_allclose(model.weights_, r.sum(axis=0) / r.sum(), rtol=1e-8)
    assert model.lower_bound_ == pytest.approx(weight @ log_prob / weight.sum())
    for j in range(D):
        seen, x = indicators(model, X, j)
        overall = weight[seen] @ x / weight[seen].sum()
        total = r[seen].T @ x + smoothing * overall
        want = total / (r[seen].sum(axis=0) + smoothing)[:, None]
        np.testing.assert_allclose(estimates(model, j), want, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("mixture", CLASSES)
def test_likelihood_never_falls_without_smoothing(mixture):
    model = mixture(4, smoothing=0.0, tol=1e-6, max_iter=1000, random_state=0)
    model.fit(DATA[mixture](0.2))
    assert np.diff(model.lower_bounds_).min() > -1e-9
    assert model.converged_


@pytest.mark.parametrize("mixture", CLASSES)
def test_shapes_and_measures(mixture):
    model = mixture(K, random_state=0).fit(DATA[mixture]())
    assert model.weights_.shape == (K,)
    if mixture is CategoricalMixture:
        for shares, levels in zip(model.probabilities_, model.categories_, strict=True):
            assert shares.shape == (K, len(levels))
            np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=2e-6)
    else:
        assert np.hstack([estimates(model, j) for j in range(D)]).shape == (K, D)
    assert set(model.base_measure_.values()) == {"counting"}
    drawn = model.sample(4000, random_state=0)
    X = DATA[mixture]()
    assert set(np.unique(drawn)) <= set(np.unique(X)) or mixture is PoissonMixture
    if mixture is not CategoricalMixture:
        error = 5 * X.std(axis=0) / np.sqrt(4000)
        assert (np.abs(drawn.mean(axis=0) - X.mean(axis=0)) < error + 0.02).all()


@pytest.mark.parametrize("mixture", [BernoulliMixture, PoissonMixture])
def test_marginals_have_their_own_columns(mixture):
    X = DATA[mixture]()
    model = mixture(K, random_state=0).fit(X)
    part = model.marginal([3, 1])
    hidden = np.full_like(X, np.nan)
    hidden[:, [3, 1]] = X[:, [3, 1]]
    np.testing.assert_allclose(
        part.score_samples(X[:, [3, 1]]), model.score_samples(hidden)
    )
    want = [estimates(model, 3), estimates(model, 1)]
    got = part.rates_ if mixture is PoissonMixture else part.probabilities_
    np.testing.assert_array_equal(got, np.hstack(want))


def test_marginals_of_categories():
    model = CategoricalMixture(K, random_state=0).fit(words())
    part = model.marginal([2, 0])
    assert len(part.categories_) == len(part.probabilities_) == 2
    np.testing.assert_array_equal(part.probabilities_[0], model.probabilities_[2])
    np.testing.assert_array_equal(part.categories_[1], model.categories_[0])


def test_groups_are_found():
    rng = np.random.default_rng(0)
    kind = rng.integers(3, size=600)
    X = rng.random((600, 12)) < np.where(np.arange(12) // 4 == kind[:, None], 0.9, 0.1)
    model = BernoulliMixture(3, smoothing=0.5, random_state=0).fit(X)
    table = pd.crosstab(model.predict(X), kind).to_numpy()
    assert table.max(axis=1).sum() > 0.97 * 600
    shares = np.sort(model.probabilities_, axis=1)
    np.testing.assert_allclose(shares[:, :8].mean(axis=1), 0.1, atol=0.03)
    np.testing.assert_allclose(shares[:, 8:].mean(axis=1), 0.9, atol=0.03)
    assert model.sample(3).dtype == bool


# Values


@pytest.mark.parametrize("binarize", [0.0, 0.5, -1.0])
def test_binarize_as_in_naive_bayes(binarize):
    X = np.random.default_rng(0).normal(size=(200, 3))
    X[0, 0] = np.nan
    model = BernoulliMixture(2, binarize=binarize, random_state=0).fit(X)
    bits = np.where(np.isnan(X), np.nan, binarize < X)
    other = BernoulliMixture(2, binarize=None, random_state=0).fit(bits)
    np.testing.assert_array_equal(model.score_samples(X), other.score_samples(bits))
    assert set(np.unique(model.sample(50))) <= {0.0, 1.0}
    X[1, 1] = np.nan
    drawn = model.sample_conditional(X, random_state=0)
    seen = ~np.isnan(X)
    np.testing.assert_array_equal(drawn[seen], X[seen])
    assert set(drawn[~seen]) <= {0.0, 1.0}
    given = model.sample(40, conditions={0: 7.5}, random_state=0)
    np.testing.assert_array_equal(given[:, 0], np.ones(40))
    same = model.sample(40, conditions={0: 1.0}, random_state=0)
    np.testing.assert_array_equal(given, same)


def test_without_binarize_only_bits_will_do():
    X = np.array([[0.0, 1.0], [1.0, 2.0], [0.0, 1.0]])
    with pytest.raises(ValueError, match=r"column 1: .*zeros and ones, got 2"):
        BernoulliMixture(binarize=None).fit(X)
    model = BernoulliMixture(binarize=None).fit(X[[0, 2]])
    assert model.score_samples(X)[1] == -np.inf


def test_bits_sum_to_one():
    model = BernoulliMixture(K, random_state=0).fit(ones_and_zeros())
    every = np.array(list(itertools.product([0.0, 1.0], repeat=D)))
    assert np.exp(model.score_samples(every)).sum() == pytest.approx(1.0, abs=1e-10)
    every[:, 0] = np.nan
    assert np.exp(model.score_samples(every)).sum() == pytest.approx(2.0, abs=1e-10)


def test_levels_sum_to_one():
    model = CategoricalMixture(2, random_state=0).fit(words()[:, :3])
    levels = [[*own, "another"] for own in model.categories_]
    every = np.array(list(itertools.product(*levels)), dtype=object)
    assert np.exp(model.score_samples(every)).sum() == pytest.approx(1.0, abs=1e-9)


def test_numbers_may_be_levels():
    X = np.random.default_rng(0).choice([1.5, 7.0, 9.0], size=(100, 2))
    model = CategoricalMixture(2, random_state=0).fit(X)
    np.testing.assert_array_equal(model.categories_[0], [1.5, 7.0, 9.0])
    assert np.isin(model.sample(100), X).all()
    assert np.isfinite(model.score_samples([[2.0, np.nan]])).all()


def test_counts_sum_to_one():
    model = PoissonMixture(K, random_state=0).fit(counts()[:, :2])
    top = int(model.rates_.max() * 5) + 60
    every = np.array(list(itertools.product(range(top), repeat=2)), dtype=float)
    assert np.exp(model.score_samples(every)).sum() == pytest.approx(1.0, abs=1e-8)
    drawn = model.sample(500)
    assert (drawn == np.round(drawn)).all()
    assert drawn.min() >= 0


def test_values_that_are_no_counts():
    X = counts()
    X[4, 2] = -1.0
    with pytest.raises(
        ValueError, match=r"Negative values.*column 2, row 4 is -1.*Count"
    ):
        PoissonMixture().fit(X)
    X[4, 2] = 2.5
    with pytest.warns(DegenerateDataWarning, match=r"row 4 is 2.5.*rounded"):
        PoissonMixture().fit(X)
    with pytest.raises(ValueError, match="Negative values"):
        PoissonMixture().fit(counts()).score_samples([[-1.0] * D])


@pytest.mark.parametrize("mixture", CLASSES)
def test_a_column_without_values(mixture):
    X = DATA[mixture]().astype(object)
    X[:, 1] = None
    with pytest.warns(DegenerateDataWarning, match="column 1"):
        model = mixture(2, random_state=0).fit(X)
    if mixture is CategoricalMixture:
        assert model.probabilities_[1] is None
    else:
        assert np.isnan(estimates(model, 1)).all()
    assert np.isfinite(model.score(X))


@pytest.mark.parametrize("model", [BernoulliMixture(), PoissonMixture()])
def test_text_is_refused(model):
    with pytest.raises(ValueError, match=r"'a' is of kind 'categorical'.*Categ"):
        model.fit(pd.DataFrame({"a": ["x", "y"] * 20}))
