"""GaussianHMM.from_parameters: what it scores, refuses, and goes on from."""

import pickle

import numpy as np
import pytest

from sklearn_gen.hmm import GaussianHMM
from tests.hmm.enumeration import all_paths
from tests.hmm.test_gaussian_hmm import log_densities

START = [0.7, 0.3]
TRANSITIONS = [[0.9, 0.1], [0.4, 0.6]]
MEANS = [[0.0, 1.0], [3.0, -1.0]]
MATRIX = np.array([[2.0, 0.5], [0.5, 1.0]])
COVARIANCES = {
    "full": [MATRIX, 3.0 * MATRIX],
    "tied": MATRIX,
    "diag": [[1.0, 2.0], [0.5, 0.1]],
    "spherical": [1.0, 4.0],
}


def known(covariance_type="diag", **changed):
    given = {
        "startprob": START,
        "transmat": TRANSITIONS,
        "means": MEANS,
        "covars": COVARIANCES[covariance_type],
        **changed,
    }
    return GaussianHMM.from_parameters(**given, covariance_type=covariance_type)


@pytest.mark.parametrize("covariance_type", COVARIANCES)
def test_it_is_a_fitted_model(covariance_type):
    model = known(covariance_type)
    X, states = model.sample(400, random_state=0, return_states=True)
    oracle = all_paths(log_densities(model, X[:6]), np.array(START), model.transmat_)
    assert model.score_samples(X[:6]).sum() == pytest.approx(oracle.log_prob)
    assert (model.predict(X) == states).mean() > 0.8
    np.testing.assert_array_equal(model.covars_, COVARIANCES[covariance_type])
    assert model.bic(X) > model.aic(X)
    assert model.n_features_in_ == 2
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.score_samples(X), model.score_samples(X))
    hidden = X.copy()
    hidden[3, 1] = np.nan
    assert np.isfinite(model.sample_conditional(hidden, random_state=0)).all()


def test_a_fit_goes_on_from_there():
    X = known().sample(3000, random_state=0)
    model = known().set_params(warm_start=True, max_iter=50).fit(X)
    np.testing.assert_allclose(model.means_, MEANS, atol=0.2)
    assert model.score(X) >= known().score(X)
    cold = known().fit(X)
    assert cold.n_iter_ >= model.n_iter_


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"startprob": [0.7, 0.4]}, "startprob must be probabilities"),
        ({"startprob": [1.0]}, r"startprob must have shape \(2,\), got \(1,\)"),
        ({"transmat": [[1.0, 0.0], [0.5, 0.6]]}, "transmat must be probabilities"),
        ({"transmat": [[np.nan, 0.0], [0.5, 0.5]]}, "transmat must be probabilities"),
        ({"means": [0.0, 1.0]}, r"means must have shape .* got \(2,\)"),
        ({"covars": [1.0, 1.0]}, r"covars must have shape \(2, 2\)"),
        ({"covars": [[1.0, 0.0], [1.0, 1.0]]}, "covars must be positive, got 0"),
        ({"covars": [[1.0, np.inf], [1.0, 1.0]]}, "covars must be finite"),
    ],
)
def test_messages(changed, message):
    with pytest.raises(ValueError, match=message):
        known(**changed)


def test_matrices_must_be_definite():
    wrong = [MATRIX, np.array([[1.0, 2.0], [2.0, 1.0]])]
    with pytest.raises(ValueError, match="matrix 1 is not"):
        known("full", covars=wrong)
    with pytest.raises(ValueError, match="covariance_type must be one of"):
        GaussianHMM.from_parameters(
            START, TRANSITIONS, MEANS, MATRIX, covariance_type="round"
        )
