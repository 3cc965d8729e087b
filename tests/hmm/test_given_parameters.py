"""from_parameters of all models: scores beside hmmlearn's, draws, what is refused."""

import copy
import io
import pickle

import joblib
import numpy as np
import pytest
from hmmlearn import hmm as peers
from sklearn.exceptions import NotFittedError

from sklearn_gen.hmm import (
    BernoulliHMM,
    CategoricalHMM,
    GaussianHMM,
    GaussianMixtureHMM,
    MultinomialHMM,
    PoissonHMM,
    StudentTHMM,
    VariationalGaussianHMM,
)
from tests.hmm import densities
from tests.hmm.enumeration import all_paths

CHAIN = ([0.7, 0.3], [[0.9, 0.1], [0.4, 0.6]])
SHARES = [[0.6, 0.3, 0.1], [0.1, 0.1, 0.8]]
RATES = [[2.0, 5.0], [9.0, 1.0]]
WEIGHTS = [[0.5, 0.5], [0.2, 0.8]]
MIXED_MEANS = [[[0.0, 1.0], [3.0, -1.0]], [[-4.0, 2.0], [5.0, 5.0]]]
MATRIX = np.array([[2.0, 0.5], [0.5, 1.0]])
MATRICES = {
    "full": np.array([[MATRIX, 2 * MATRIX], [0.5 * MATRIX, MATRIX]]),
    "tied": np.array([MATRIX, 2 * MATRIX]),
    "diag": np.array([[[1.0, 2.0], [0.5, 0.1]], [[1.0, 1.0], [0.3, 2.0]]]),
    "spherical": np.array([[1.0, 4.0], [0.5, 2.0]]),
}
# a level that was never seen keeps a millionth
KEPT = np.log1p(-1e-6)


def student(covariance_type="diag"):
    scales = MATRICES[covariance_type]
    scales = scales[0] if covariance_type != "tied" else scales[1]
    means = MIXED_MEANS[0]
    return StudentTHMM.from_parameters(
        *CHAIN, means, scales, [3.0, 9.0], covariance_type=covariance_type
    )


def mixture(covariance_type="diag"):
    return GaussianMixtureHMM.from_parameters(
        *(*CHAIN, WEIGHTS, MIXED_MEANS, MATRICES[covariance_type]),
        covariance_type=covariance_type,
    )


MODELS = {
    "categorical": lambda: CategoricalHMM.from_parameters(*CHAIN, SHARES),
    "multinomial": lambda: MultinomialHMM.from_parameters(*CHAIN, SHARES, n_trials=7),
    "poisson": lambda: PoissonHMM.from_parameters(*CHAIN, RATES),
    "bernoulli": lambda: BernoulliHMM.from_parameters(*CHAIN, [[0.1, 0.5], [0.9, 0.3]]),
    "mixture": mixture,
    "student": student,
    "gaussian": lambda: GaussianHMM.from_parameters(*CHAIN, RATES, np.ones((2, 2))),
}


@pytest.mark.parametrize(
    ("name", "peer", "attributes", "per_row"),
    [
        ("categorical", peers.CategoricalHMM, {"emissionprob_": SHARES}, KEPT),
        ("multinomial", peers.MultinomialHMM, {"emissionprob_": SHARES}, 0.0),
        ("poisson", peers.PoissonHMM, {"lambdas_": RATES}, 0.0),
    ],
)
def test_scores_are_those_of_hmmlearn(name, peer, attributes, per_row):
    ours, theirs = MODELS[name](), peer(2, implementation="scaling", init_params="")
    theirs.startprob_, theirs.transmat_ = map(np.array, CHAIN)
    for attribute, value in attributes.items():
        theirs.n_features = np.shape(value)[1]
        setattr(theirs, attribute, np.array(value))
        np.testing.assert_allclose(getattr(ours, attribute), value, rtol=1e-14)
    theirs.n_trials = 7
    X = ours.sample(300, random_state=0)
    found = ours.score_samples(X).sum() - per_row * len(X)
    assert found == pytest.approx(theirs.score(X), rel=1e-12)
    np.testing.assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(X), atol=1e-12
    )


@pytest.mark.parametrize("kind", MATRICES)
def test_mixtures_score_as_hmmlearn(kind):
    ours = mixture(kind)
    theirs = peers.GMMHMM(
        2, 2, covariance_type=kind, implementation="scaling", init_params=""
    )
    theirs.startprob_, theirs.transmat_ = map(np.array, CHAIN)
    theirs.weights_, theirs.means_ = np.array(WEIGHTS), np.array(MIXED_MEANS)
    theirs.covars_, theirs.n_features = MATRICES[kind], 2
    np.testing.assert_allclose(ours.covars_, MATRICES[kind], rtol=1e-14)
    X = ours.sample(300, random_state=0)
    assert ours.score_samples(X).sum() == pytest.approx(theirs.score(X), rel=1e-12)


@pytest.mark.parametrize("kind", MATRICES)
def test_t_states_score_as_their_definition(kind):
    model = student(kind)
    X = model.sample(6, random_state=0)
    log_prob = densities.of_student(model, X)
    oracle = all_paths(log_prob, model.startprob_, model.transmat_)
    assert model.score_samples(X).sum() == pytest.approx(oracle.log_prob, rel=1e-12)


def test_zeros_and_ones_score_as_levels():
    ones = MODELS["bernoulli"]()
    levels = CategoricalHMM.from_parameters(
        *CHAIN, [[[0.9, 0.1], [0.1, 0.9]], [[0.5, 0.5], [0.7, 0.3]]]
    )
    X = ones.sample(50, random_state=0)
    found = ones.score_samples(X)
    np.testing.assert_allclose(found, levels.score_samples(X) - 2 * KEPT, rtol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_draws_pickles_and_a_fit_from_there(name):
    model = MODELS[name]()
    X, states = model.sample(2000, random_state=0, return_states=True)
    assert (model.predict(X) == states).mean() > 0.75
    # the share of rows in state 0 is 0.8; deviation 0.02, six of them
    assert abs((states == 0).mean() - 0.8) < 0.12
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    buffer.seek(0)
    for again in (pickle.loads(pickle.dumps(model)), joblib.load(buffer)):
        np.testing.assert_array_equal(again.score_samples(X), model.score_samples(X))
    before = model.score(X)
    assert model.set_params(warm_start=True).fit(X).score(X) > before
    assert model.bic(X) > model.aic(X)


def test_levels_of_columns_may_differ_in_number():
    model = CategoricalHMM.from_parameters(*CHAIN, [SHARES, [[0.5, 0.5], [0.9, 0.1]]])
    X = model.sample(300, random_state=0)
    assert X.max(axis=0).tolist() == [2, 1]
    assert X.dtype.kind == "i"


def test_large_counts_are_drawn():
    model = PoissonHMM.from_parameters([1.0], [[1.0]], [[1e4]])
    assert abs(model.sample(100, random_state=0).mean() - 1e4) < 60


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PoissonHMM.from_parameters(*CHAIN, [[1.0], [0.0]]), "above zero"),
        (lambda: PoissonHMM.from_parameters(*CHAIN, [1.0, 2.0]), "lambdas must have"),
        (lambda: PoissonHMM.from_parameters([1.0], CHAIN[1], RATES), "startprob must"),
        (
            lambda: BernoulliHMM.from_parameters(*CHAIN, [[1.2], [0.0]]),
            "from 0 to 1, got 0 to 1.2",
        ),
        (
            lambda: CategoricalHMM.from_parameters(*CHAIN, [[0.5, 0.6], [0.5, 0.5]]),
            "emissionprob must be probabilities",
        ),
        (
            lambda: CategoricalHMM.from_parameters(*CHAIN, [SHARES, [[1.0]]]),
            r"emissionprob .* \(2, n_levels\); got shape \(1, 1\)",
        ),
        (
            lambda: MultinomialHMM.from_parameters(*CHAIN, SHARES, n_trials=0),
            "n_trials must be",
        ),
        (
            lambda: StudentTHMM.from_parameters(*CHAIN, RATES, RATES, [1.0, 0.0]),
            "dof must be",
        ),
        (
            lambda: StudentTHMM.from_parameters(*CHAIN, RATES, [1.0, 2.0], 3),
            r"scales must have shape \(2, 2\)",
        ),
        (
            lambda: GaussianMixtureHMM.from_parameters(
                *(*CHAIN, [[1.0, 0.5], [0.5, 0.5]], MIXED_MEANS, MATRICES["diag"])
            ),
            "weights must be probabilities",
        ),
        (
            lambda: GaussianMixtureHMM.from_parameters(
                *(*CHAIN, WEIGHTS, MIXED_MEANS, MATRICES["full"])
            ),
            r"covars must have shape \(2, 2, 2\), got \(2, 2, 2, 2\)",
        ),
    ],
)
def test_messages(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("name", MODELS)
def test_attributes_that_were_set_are_refused(name):
    """They'd be shown, and not be what scores are of."""
    model = MODELS[name]()
    X = model.sample(20, random_state=0)
    shown = [key for key in vars(model) if key.endswith(("prob_", "means_"))]
    shown += ["transmat_"]
    for attribute in shown:
        changed, value = copy.deepcopy(model), np.array(getattr(model, attribute))
        setattr(changed, attribute, value)  # the same numbers
        changed.score(X)
        setattr(changed, attribute, value[::-1])
        kind = type(model).__name__
        advice = f"{attribute} was set after fit.*{kind}.from_parameters"
        for use in (
            lambda m: m.score(X),
            lambda m: m.sample(2),
            lambda m: m.forecast(X),
            lambda m: m.predict(X),
            lambda m: m.set_params(warm_start=True).fit(X),
        ):
            with pytest.raises(ValueError, match=advice):
                use(changed)
    with pytest.raises(ValueError, match="read-only"):
        model.transmat_[0, 0] = 1.0
    loaded = pickle.loads(pickle.dumps(model))
    if loaded.transmat_.flags.writeable:
        loaded.transmat_[0] = loaded.transmat_[1]
        with pytest.raises(ValueError, match="transmat_ was set after fit"):
            loaded.score(X)
    model.fit(X)  # learns anew whatever was shown


def test_attributes_without_a_fit():
    model = GaussianHMM(2)
    model.startprob_ = model.means_ = np.array([0.5, 0.5])
    for use in (lambda: model.score([[0.0]]), lambda: model.sample(2)):
        with pytest.raises(NotFittedError, match=r"startprob_, means_ .*from_param"):
            use()
    learned = VariationalGaussianHMM(1, random_state=0).fit([[0.0], [1.0], [2.0]])
    learned.means_ = np.zeros((1, 1))
    with pytest.raises(ValueError, match="learns them from rows"):
        learned.score([[0.0]])
