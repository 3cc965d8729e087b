"""RobustGaussianMixture: its density, prior and pruning by hand; outliers; batches."""

import warnings
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from sklearn_gen.base import DegenerateDataWarning
from sklearn_gen.mixture import GaussianMixture, RobustGaussianMixture
from sklearn_gen.mixture._shrunken import ShrunkenGaussianMixture
from tests.mixture.test_em import Recorder
from tests.mixture.test_gaussian_mixture import mixed_rows

EXACT = 1e-9
SMALL = {"n_components": (2, 3), "n_members": 2, "random_state": 0}
# One plain mixture behind the arsinh.
PLAIN = {"n_members": 1, "kept_weight": 1.0, "prior_weight": 0.0, "random_state": 0}


def rows_with_holes():
    X = mixed_rows(300, 3, 3) * [1.0, 20.0, 0.1] + [0.0, 500.0, -3.0]
    X[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
    X[7] = np.nan
    return X


@pytest.fixture(scope="module", name="X")
def rows():
    return rows_with_holes()


def brute_force(model, X):
    """Mean density of the pruned members, row by row, from public attributes."""
    log_prob = np.empty(len(X))
    for i, x in enumerate(X):
        seen = np.flatnonzero(~np.isnan(x))
        t = (x[seen] - model.center_[seen]) / model.scale_[seen]
        density = 0.0
        for member in model.members_:
            kept = []
            for k in np.argsort(-member.weights_, kind="stable"):
                kept.append(k)
                if member.weights_[kept].sum() > model.kept_weight - EXACT:
                    break
            for k in kept if len(seen) else ():
                covariance = member.covariances_[k][np.ix_(seen, seen)]
                normal = multivariate_normal(member.means_[k][seen], covariance)
                share = member.weights_[k] / member.weights_[kept].sum()
                density += share * normal.pdf(np.arcsinh(t)) / len(model.members_)
        jacobian = np.prod(1.0 / (model.scale_[seen] * np.sqrt(1 + t**2)))
        log_prob[i] = np.log(density * jacobian) if len(seen) else 0.0
    return log_prob


@pytest.mark.parametrize("kept_weight", [0.3, 0.7, 1.0])
def test_density_is_the_mean_of_pruned_members(X, kept_weight):
    model = RobustGaussianMixture(**SMALL, kept_weight=kept_weight).fit(X)
    at = X[:100]
    np.testing.assert_allclose(
        model.score_samples(at), brute_force(model, at), atol=EXACT
    )
    observed = [column[~np.isnan(column)] for column in X.T]
    low, center, high = (
        [np.quantile(c, q, method="inverted_cdf") for c in observed]
        for q in (0.25, 0.5, 0.75)
    )
    np.testing.assert_array_equal(model.center_, center)
    spread = np.subtract(high, low) / (norm.ppf(0.75) - norm.ppf(0.25))
    np.testing.assert_allclose(model.scale_, spread, rtol=1e-12)


@pytest.mark.filterwarnings("ignore:reg_covar:sklearn_gen.base.DegenerateDataWarning")
@pytest.mark.parametrize("n_components", [1, 3])
def test_one_unpruned_member_is_a_mixture_of_transformed_rows(X, n_components):
    model = RobustGaussianMixture(n_components, **PLAIN).fit(X)
    Z = np.arcsinh((X - model.center_) / model.scale_)
    plain = GaussianMixture(
        n_components,
        reg_covar=1e-2,
        tol=model.tol,
        random_state=model.members_[0].random_state,
    ).fit(Z)
    found = model.mixture_
    order, same = np.argsort(found.weights_), np.argsort(plain.weights_)
    for name in ("weights_", "means_", "covariances_"):
        np.testing.assert_allclose(
            getattr(found, name)[order], getattr(plain, name)[same], rtol=EXACT
        )


@pytest.mark.parametrize("prior_weight", [0.5, 3.0])
def test_prior_counts_as_rows_of_a_diagonal_covariance(prior_weight):
    rng = np.random.default_rng(0)
    Z = np.r_[rng.normal(size=(200, 3)), rng.normal(4, 0.01, size=(5, 3))]
    weight = rng.integers(1, 3, len(Z)).astype(float)
    model = RobustGaussianMixture(
        2, n_members=1, prior_weight=prior_weight, tol=1e-13, max_iter=2000,
        random_state=0,
    ).fit(Z, sample_weight=weight)  # fmt: skip
    Z = np.arcsinh((Z - model.center_) / model.scale_)
    (member,) = model.members_
    densities = np.transpose([
        w * multivariate_normal(m, S).pdf(Z)
        for w, m, S in zip(
            member.weights_, member.means_, member.covariances_, strict=True
        )
    ])  # fmt: skip
    resp = weight[:, None] * densities / densities.sum(axis=1, keepdims=True)
    mean = np.average(Z, axis=0, weights=weight)
    variances = np.average((Z - mean) ** 2, axis=0, weights=weight)
    prior_rows, prior = 3 * prior_weight, np.diag(variances / 2 ** (2 / 3))
    for k, rows in enumerate(resp.sum(axis=0)):
        mean = resp[:, k] @ Z / rows
        scatter = (resp[:, k, None] * (Z - mean)).T @ (Z - mean)
        ridge = rows * 1e-2 * np.eye(3)
        expected = (scatter + ridge + prior_rows * prior) / (rows + prior_rows)
        np.testing.assert_allclose(member.means_[k], mean, rtol=1e-5)
        np.testing.assert_allclose(member.covariances_[k], expected, rtol=1e-5)


@pytest.mark.parametrize(
    "weights", [[0.25] * 4, [0.1] * 10, [0.5, 0.3, 0.2], [0.05, 0.9, 0.05], [1.0, 0.0]]
)
@pytest.mark.parametrize("kept_weight", [0.05, 0.3, 0.5, 0.7, 0.8, 1.0])
def test_pruning_keeps_the_fewest_components(weights, kept_weight):
    K = len(weights)
    member = ShrunkenGaussianMixture.from_parameters(
        weights, np.arange(K)[:, None], np.ones((K, 1, 1))
    )
    kept = member.largest_components(kept_weight)
    fewest = next(
        size
        for size in range(1, K + 1)
        if max(map(sum, combinations(weights, size))) > kept_weight - EXACT
    )
    # of equal ones the first
    first = sorted(range(K), key=lambda k: -weights[k])[:fewest]
    np.testing.assert_array_equal(kept.means[:, 0], first)
    np.testing.assert_allclose(
        kept.weights, np.take(weights, first) / np.take(weights, first).sum()
    )
    assert len(kept.covariances) == len(kept.precisions_cholesky) == fewest


def test_group_of_outliers_ranks_last():
    rng = np.random.default_rng(0)
    clean = rng.normal(size=(460, 2))
    X = np.r_[clean, rng.normal(5, 0.05, size=(40, 2))]
    plain = GaussianMixture(3, random_state=0).fit(X)
    assert plain.score(X[460:]) > plain.score_samples(clean).max()
    for seed in range(3):
        robust = RobustGaussianMixture(random_state=seed).fit(X)
        assert robust.score_samples(X[460:]).max() < robust.score_samples(clean).min()


def test_two_components_withstand_a_group_of_three_tenths():
    rng = np.random.default_rng(0)
    clean = rng.normal(size=(420, 3))
    X = np.r_[clean, rng.normal(6, 0.3, size=(180, 3))]
    model = RobustGaussianMixture(2, random_state=0).fit(X)
    assert model.score_samples(X[420:]).max() < model.score_samples(clean).min()


def test_quarter_of_outliers_at_a_million_leaves_the_bulk():
    rng = np.random.default_rng(0)
    clean, test = rng.normal(size=(2, 600, 3))
    X = np.r_[clean, 1e6 * rng.normal(size=(200, 3))]
    model = RobustGaussianMixture(random_state=0).fit(X)
    assert np.abs(model.center_).max() < 0.2
    assert model.scale_.max() < 2.0
    assert model.score_samples(X[600:]).max() < model.score_samples(clean).min() - 10
    truth = norm.logpdf(test).sum(axis=1).mean()
    assert model.score(test) > truth - 3  # the prior has seen the outliers' spread


def test_cauchy_columns_keep_finite_parameters():
    rng = np.random.default_rng(0)
    X = rng.standard_cauchy(size=(2000, 2)) * [1.0, 1e3]
    assert np.abs(X).max() > 1e5
    model = RobustGaussianMixture(**SMALL).fit(X)
    np.testing.assert_allclose(model.center_ / [1.0, 1e3], 0.0, atol=0.2)
    # quartiles of a Cauchy lie at -1 and 1
    np.testing.assert_allclose(model.scale_, [1.48, 1483], rtol=0.1)
    assert np.isfinite(model.mixture_.covariances_).all()
    assert np.isfinite(model.score_samples(X)).all()
    unpruned = RobustGaussianMixture(3, **PLAIN).fit(X)
    held_out = rng.standard_cauchy(size=(2000, 2)) * [1.0, 1e3]
    entropy = 2 * np.log(4 * np.pi) + np.log(1e3)
    assert unpruned.score(held_out) > -entropy - 0.2


@pytest.mark.parametrize(
    ("n_rows", "n_features", "size"),
    [(200, 2, 8), (20, 2, 5), (12, 3, 2), (4, 10, 2), (1, 1, 2)],
)
def test_few_rows_give_few_components(n_rows, n_features, size):
    X = mixed_rows(n_rows, n_features, 1)
    weight = np.full(2 * n_rows, 0.5)  # as many rows, not more
    weighted = {"X": np.repeat(X, 2, axis=0), "sample_weight": weight}
    for data in ({"X": X}, weighted):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DegenerateDataWarning)
            model = RobustGaussianMixture([1, 8], random_state=0).fit(**data)
        sizes = [len(member.weights_) for member in model.members_]
        assert sizes == [1] * 3 + [size] * 3
        assert np.isfinite(model.score_samples(X)).all()


def test_sizes_of_members():
    X = mixed_rows(300, 2, 3)

    def sizes(n_components, n_members):
        model = RobustGaussianMixture(n_components, n_members=n_members)
        return [len(member.weights_) for member in model.fit(X).members_]

    assert sizes(4, 2) == [4, 4]
    assert sizes((2, 5), 2) == [2, 2, 5, 5]
    assert sizes(range(1, 4), 1) == [1, 2, 3]
    starts = [m.random_state for m in RobustGaussianMixture(**SMALL).fit(X).members_]
    assert len(set(starts)) == 4


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("n_components", 0),
        ("n_components", []),
        ("n_components", ["a"]),
        ("n_components", "23"),
        ("n_components", 2.5),
        ("n_components", [2, 0]),
        ("n_components", [2, 3.0]),
        ("n_components", [[2, 3], [4, 5]]),
        ("n_components", [[2], [3, 4]]),
        ("n_components", None),
        ("n_members", 0),
        ("kept_weight", 0.0),
        ("kept_weight", 1.1),
        ("prior_weight", -1.0),
        ("reg_covar", -1.0),
        ("max_samples", 0),
    ],
)
def test_bad_parameters_are_named(parameter, value):
    model = RobustGaussianMixture(**SMALL).set_params(**{parameter: value})
    with pytest.raises(ValueError, match=rf"\b{parameter}\b") as raised:
        model.fit(mixed_rows(20, 2, 1))
    assert repr(value) in str(raised.value)


def test_large_tables_are_sampled_by_weight():
    rng = np.random.default_rng(0)
    X = np.r_[rng.normal(size=(3000, 1)), rng.normal(30, size=(3000, 1)), [[1e9]] * 50]
    weight = np.r_[np.ones(3000), np.full(3000, 3.0), np.zeros(50)]
    order = rng.permutation(len(X))
    model = RobustGaussianMixture(2, max_samples=500, **PLAIN)
    model.fit(X[order], sample_weight=weight[order])
    Z = model.members_[0].means_[:, 0]
    means = model.center_ + model.scale_ * np.sinh(Z)
    assert means.max() < 40  # a weight of zero: never in
    # 5 deviations of 500 independent draws: a false alarm in 10^6 runs
    error = 5 * np.sqrt(0.75 * 0.25 / 500)
    assert model.members_[0].weights_[means.argmax()] == pytest.approx(0.75, abs=error)
    model.set_params(n_members=3).fit(X[order], sample_weight=weight[order])
    assert len({m.means_[0, 0] for m in model.members_}) == 3  # each its own sample
    few = RobustGaussianMixture(1, max_samples=500, **PLAIN).fit(X[:3000])
    whole = RobustGaussianMixture(1, max_samples=3000, **PLAIN).fit(X[:3000])
    assert few.members_[0].means_ != whole.members_[0].means_
    Z = np.arcsinh((X[:3000] - whole.center_) / whole.scale_)
    np.testing.assert_allclose(whole.members_[0].means_[0], Z.mean(axis=0))


def test_same_bytes_for_every_n_jobs(X):
    many = np.tile(X, (8, 1))
    models = [RobustGaussianMixture(**SMALL, n_jobs=n).fit(many) for n in (1, 2, 8)]
    for other in models[1:]:
        for name in ("weights_", "means_", "covariances_"):
            ours, theirs = (
                getattr(models[0].mixture_, name),
                getattr(other.mixture_, name),
            )
            assert ours.tobytes() == theirs.tobytes()
        scores = [model.score_samples(many).tobytes() for model in (models[0], other)]
        assert scores[0] == scores[1]
        cells = [model.score_cells(many).tobytes() for model in (models[0], other)]
        assert cells[0] == cells[1]
        assert other.mixture_.n_jobs == other.n_jobs


def test_three_passes_of_batches_end_near_fit():
    X = mixed_rows(4000, 3, 3)
    kwargs = SMALL | {"kept_weight": 1.0}
    whole = RobustGaussianMixture(**kwargs, max_samples=4000).fit(X)
    stepwise = RobustGaussianMixture(**kwargs)
    rng = np.random.default_rng(0)
    for _ in range(3):
        for rows in np.array_split(rng.permutation(len(X)), 10):
            stepwise.partial_fit(X[rows])
    assert stepwise.score(X) == pytest.approx(whole.score(X), abs=0.03)
    assert len(stepwise.members_) == 4


def test_prior_counts_against_the_rows_of_all_batches():
    rng = np.random.default_rng(0)
    X = rng.multivariate_normal([0, 0], [[1.0, 0.9], [0.9, 1.0]], size=4000)
    model = RobustGaussianMixture(1, n_members=1, prior_weight=50.0, random_state=0)

    def correlation():
        S = model.members_[0].covariances_[0]
        return S[0, 1] / np.sqrt(S[0, 0] * S[1, 1])

    batches = np.array_split(X, 40)
    model.partial_fit(batches[0])
    assert correlation() < 0.6  # 100 rows beside 100 of the prior
    for batch in batches[1:]:
        model.partial_fit(batch)
    assert correlation() > 0.84  # 4,000 beside 100


class Interrupts(Recorder):
    """Raises when the second member of a task has ended."""

    def on_fit_task_end(self, estimator, context, **kwargs):
        self.ended.append(context.task_name)
        if self.ended.count("member") == 2:
            raise ZeroDivisionError


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_failure_leaves_the_model_as_it_was(X, method):
    model = RobustGaussianMixture(**SMALL).fit(X)
    before, members = model.score_samples(X), model.members_
    weights = [member.weights_.copy() for member in members]
    model.set_callbacks(Interrupts())
    with pytest.raises(ZeroDivisionError):
        getattr(model, method)(X + 100)
    with pytest.raises(ValueError, match="infinity"):
        getattr(model, method)(X * np.inf)
    with pytest.raises(ValueError, match="3 features"):
        model.partial_fit(X[:, :2])
    assert model.members_ is members
    for member, weight in zip(members, weights, strict=True):
        np.testing.assert_array_equal(member.weights_, weight)
    np.testing.assert_array_equal(model.score_samples(X), before)
    model.set_callbacks()
    twin = RobustGaussianMixture(**SMALL).fit(X)  # never failed
    np.testing.assert_array_equal(
        model.partial_fit(X).score_samples(X), twin.partial_fit(X).score_samples(X)
    )


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_callbacks_see_the_members_end(X, method, n_jobs):
    recorder = Recorder()
    model = RobustGaussianMixture(**SMALL, n_jobs=n_jobs)
    getattr(model.set_callbacks(recorder), method)(X)
    assert recorder.is_set_up
    assert recorder.is_torn_down
    assert recorder.ended == ["member"] * 4 + [method if method == "fit" else "fit"]
    assert not [name for name in vars(model.members_[0]) if "callback" in name]
