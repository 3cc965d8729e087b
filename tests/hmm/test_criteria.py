"""Information criteria count parameters that are free, each model's by hand."""

import numpy as np
import pytest

from sklearn_gen.hmm import (
    BernoulliHMM,
    CategoricalHMM,
    GaussianHMM,
    GaussianMixtureHMM,
    MultinomialHMM,
    PoissonHMM,
    StudentTHMM,
    groups_from_lengths,
)

N_ROWS = 60
# Of K = 3 states and D = 2 columns of numbers or counts from 0 to 2.
CASES = {
    "full": (GaussianHMM(covariance_type="full"), 3 * 2 + 3 * 3),
    "tied": (GaussianHMM(covariance_type="tied"), 3 * 2 + 3),
    "diag": (GaussianHMM(), 3 * 2 + 3 * 2),
    "spherical": (GaussianHMM(covariance_type="spherical"), 3 * 2 + 3),
    "mixture": (GaussianMixtureHMM(n_mix=2), 3 * 2 * (2 + 2) + 3),
    "t": (StudentTHMM(), 3 * 2 + 3 * 2 + 3),
    "poisson": (PoissonHMM(), 3 * 2),
    "bernoulli": (BernoulliHMM(), 3 * 2),
    "levels": (CategoricalHMM(), 3 * 2 * (3 - 1)),
    "counts of levels": (MultinomialHMM(), 3 * (2 - 1)),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("topology", "of_chain"),
    [
        ("ergodic", 2 + 3 * 2),
        ("left-right", 0 + 2 + 1),
        ("linear", 0 + 1 + 1),
        ("cyclic", 2 + 3),
        ([[1, 1, 1], [0, 1, 1], [1, 0, 1]], 2 + 2 + 1 + 1),
    ],
)
def test_free_parameters(case, topology, of_chain):
    model, of_emission = CASES[case]
    X = np.random.default_rng(0).integers(3, size=(N_ROWS, 2)).astype(float)
    X = np.minimum(X, 1.0) if case == "bernoulli" else X
    groups = groups_from_lengths([20, 25, 15])
    model.set_params(n_components=3, topology=topology, max_iter=3, random_state=0)
    model.fit(X, groups=groups)
    minus_two = -2.0 * N_ROWS * model.score(X, groups=groups)
    free = of_chain + of_emission
    assert model.aic(X, groups=groups) == pytest.approx(minus_two + 2 * free)
    bic = minus_two + np.log(N_ROWS) * free
    assert model.bic(X, groups=groups) == pytest.approx(bic)
