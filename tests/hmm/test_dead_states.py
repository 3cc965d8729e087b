"""States that no row visits, and rows so far away that nothing explains them."""

import numpy as np
import pytest

from sklearn_gen import DegenerateDataWarning
from sklearn_gen.hmm import (
    AutoregressiveHMM,
    BernoulliHMM,
    CategoricalHMM,
    GaussianHMM,
    GaussianMixtureHMM,
    MixedHMM,
    MultinomialHMM,
    PoissonHMM,
    StudentTHMM,
    VariationalCategoricalHMM,
    VariationalGaussianHMM,
    groups_from_lengths,
)
from tests.hmm.problems import Chain, recursions_of, row_stats


def three_places(n=300):
    """Rows at 0, 10 and 20, in runs of 10."""
    rng = np.random.default_rng(0)
    places = np.repeat(rng.integers(3, size=n // 10), 10)
    return 10.0 * places[:, None] + rng.normal(size=(n, 1)), places


def test_a_dead_state_is_revived(monkeypatch):
    """A start far from all rows has no rows; the rows of two places share a state."""
    X, places = three_places()
    start = GaussianHMM._initial_params

    def far_away(self, X, series, rng):
        monkeypatch.setattr(GaussianHMM, "_initial_params", start)
        resp = np.eye(3)[np.where(places == 2, 1, places)]
        resp[:, 2] = 1e-9
        params = self._params_of(X, series, resp)
        means = params.emission.means.copy()
        means[2] = 1e6
        emission = params.emission._replace(means=means, covariances=np.ones((3, 1)))
        return params._replace(emission=emission)

    monkeypatch.setattr(GaussianHMM, "_initial_params", far_away)
    with pytest.warns(DegenerateDataWarning, match="No row visited state 2, which"):
        model = GaussianHMM(3, random_state=0).fit(X)
    np.testing.assert_allclose(np.sort(model.means_.ravel()), [0, 10, 20], atol=0.5)
    reference = GaussianHMM(3, random_state=0).fit(X)
    assert model.lower_bound_ == pytest.approx(reference.lower_bound_, abs=1e-3)


def test_a_state_that_cannot_be_reached_is_named():
    X, _ = three_places()
    transitions = [[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [1 / 3] * 3]
    model = GaussianHMM(3, startprob_init=[0.5, 0.5, 0], transmat_init=transitions)
    with pytest.warns(DegenerateDataWarning, match="No row visits state 2: "):
        model.set_params(random_state=0).fit(X)
    assert model.covars_[2] > 1e-3
    assert np.isfinite(model.score_samples(X)).all()
    assert not model.transmat_[:2, 2].any()


def test_sequences_shorter_than_the_topology():
    """Two steps never get to the third state; draws may."""
    X, _ = three_places()
    groups = groups_from_lengths([2] * 150)
    with pytest.warns(DegenerateDataWarning, match="No row visits state 2: "):
        model = GaussianHMM(3, topology="linear", random_state=0).fit(X, groups=groups)
    assert np.isfinite(model.sample(50, random_state=0)).all()


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
@pytest.mark.parametrize(
    "X",
    [
        np.zeros((1, 2)),
        np.arange(6.0).reshape(3, 2),  # fewer rows than states
        np.ones((30, 2)),
        np.repeat([[0.0, 1.0], [1.0, 0.0]], 10, axis=0),
        np.c_[np.arange(30.0), np.full(30, 1e8)],
        np.c_[np.arange(30.0), 2.0 * np.arange(30.0)],
    ],
    ids=["row", "rows", "constant", "two rows", "constant column", "line"],
)
def test_degenerate_data(X, covariance_type):
    model = GaussianHMM(5, covariance_type=covariance_type, random_state=0).fit(X)
    assert np.isfinite(model.score_samples(X)).all()
    assert np.isfinite(model.sample(20, random_state=0)).all()
    np.testing.assert_allclose(model.transmat_.sum(axis=1), 1.0)
    eigenvalues = {
        "full": lambda: np.linalg.eigvalsh(model.covars_),
        "tied": lambda: np.linalg.eigvalsh(model.covars_),
    }.get(covariance_type, lambda: model.covars_)()
    assert (eigenvalues > 0.0).all()


@pytest.mark.parametrize("deviations", [1e2, 1e4, 1e8])
@pytest.mark.parametrize("n_before", [0, 37, 299])
def test_a_far_outlier_leaves_other_rows_alone(deviations, n_before):
    """The states of other rows are those they have beside a row that nobody saw."""
    X, _ = three_places()
    model = GaussianHMM(3, random_state=0).fit(X)
    outlier, gap = X.copy(), X.copy()
    outlier[n_before], gap[n_before] = deviations, np.nan
    scores = model.score_samples(outlier)
    assert np.isfinite(scores).all()
    assert scores[n_before] < -0.1 * deviations**2 / model.covars_.max()
    others = np.abs(np.arange(len(X)) - n_before) > 15
    found = model.predict_proba(outlier)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    np.testing.assert_allclose(
        found[others], model.predict_proba(gap)[others], atol=1e-6
    )
    np.testing.assert_array_equal(
        model.predict(outlier)[others], model.predict(gap)[others]
    )


@pytest.mark.filterwarnings("ignore:A component has no variance")
@pytest.mark.parametrize("covariance_type", ["full", "diag", "spherical"])
def test_a_far_outlier_takes_a_state_and_leaves_the_others(covariance_type):
    X, places = three_places()
    X[37] = 1e8
    model = GaussianHMM(4, covariance_type=covariance_type, n_init=5, random_state=0)
    model.fit(X)
    np.testing.assert_allclose(np.sort(model.means_.ravel())[:3], [0, 10, 20], atol=0.5)
    assert model.means_.max() == pytest.approx(1e8)
    assert np.isfinite(model.score_samples(X)).all()
    found = np.argsort(np.argsort(model.means_.ravel()))[model.predict(X)]
    others = np.arange(len(X)) != 37
    assert (found == places)[others].all()


@pytest.mark.filterwarnings("ignore:More than 20%")
@pytest.mark.parametrize(
    "model",
    [
        AutoregressiveHMM(),
        BernoulliHMM(),
        CategoricalHMM(),
        GaussianMixtureHMM(),
        MixedHMM(),
        PoissonHMM(),
        StudentTHMM(),
    ],
    ids=lambda model: type(model).__name__,
)
def test_every_emission_names_its_dead_states(model):
    X = np.random.default_rng(0).poisson(np.repeat([1.0, 6.0, 15.0], 60))[:, None]
    if isinstance(model, BernoulliHMM):
        X = X > 4
    transitions = [[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [1 / 3] * 3]
    model.set_params(
        n_components=3, startprob_init=[0.5, 0.5, 0], transmat_init=transitions
    )
    with pytest.warns(DegenerateDataWarning, match="No row visits state 2: "):
        model.set_params(random_state=0).fit(X.astype(float))
    assert np.isfinite(model.score_samples(X.astype(float))).all()


@pytest.mark.parametrize("nats", [300.0, 600.0, 1e3, 1e5])
def test_rows_that_only_a_state_without_entry_explains(nats):
    """What underflows is worked out again; nothing of it is left in the sums."""
    chain = Chain(np.array([0.5, 0.5, 0.0]), np.array([[0.5, 0.5, 0.0]] * 3))
    log_prob = np.random.default_rng(0).normal(size=(60, 3))
    log_prob[[7, 33, 34, 35], :2] -= nats
    sums, emission = recursions_of(log_prob, chain, [10] * 6).expect(row_stats)
    reachable = recursions_of(
        log_prob[:, :2], Chain(chain.start[:2], chain.transitions[:2, :2]), [10] * 6
    )
    expected, of_two = reachable.expect(row_stats)
    assert sums.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-12)
    np.testing.assert_allclose(emission.s0, [*of_two.s0, 0.0], atol=1e-9)
    np.testing.assert_allclose(emission.s1, [*of_two.s1, 0.0], atol=1e-9)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "model",
    [
        *(AutoregressiveHMM(3), BernoulliHMM(3), CategoricalHMM(3), GaussianHMM(3)),
        *(GaussianMixtureHMM(3), MixedHMM(3), MultinomialHMM(3), PoissonHMM(3)),
        *(StudentTHMM(3), VariationalCategoricalHMM(3), VariationalGaussianHMM(3)),
    ],
    ids=lambda model: type(model).__name__,
)
def test_nothing_is_observed(model):
    """Whatever is fitted to gaps alone explains them, and anything else somehow."""
    gaps = np.full((10, 2), np.nan)
    model.set_params(random_state=0).fit(gaps)
    np.testing.assert_allclose(model.score_samples(gaps), 0.0, atol=1e-8)
    assert np.isfinite(model.score_samples(np.ones((3, 2)))).all()
    assert model.sample_conditional(gaps).shape == model.sample(10).shape == (10, 2)
    np.testing.assert_allclose(model.transmat_.sum(axis=1), 1.0)
