"""StudentTHMM beside outliers, and as tails get light."""

import numpy as np
import pytest

from sklearn_gen.hmm import GaussianHMM, StudentTHMM


def runs(n=600, seed=0):
    """Rows at 0 and 6 in runs of 30."""
    states = np.repeat(np.arange(n // 30) % 2, 30)
    noise = np.random.default_rng(seed).normal(size=(n, 2))
    return 6.0 * states[:, None] + noise, states


@pytest.mark.filterwarnings("ignore:A component has no variance")
@pytest.mark.parametrize("far", [50.0, 1e4, 1e8])
def test_outliers_move_nothing(far):
    """A fortieth of the rows far out: the rest is found as without them."""
    X, states = runs()
    clean = StudentTHMM(2, random_state=0).fit(X)
    dirty = X.copy()
    dirty[::40] += far
    model = StudentTHMM(2, dof=3.0, random_state=0).fit(dirty)
    order, clean_order = (np.argsort(m.means_[:, 0]) for m in (model, clean))
    np.testing.assert_allclose(model.means_[order], clean.means_[clean_order], atol=0.2)
    assert model.scales_.max() < 2.0
    found = order.argsort()[model.predict(dirty)]
    assert (found != states).mean() < 0.01
    assert np.isfinite(model.score_samples(dirty)).all()
    # the Gaussian model spends a state on them
    means = GaussianHMM(2, random_state=0).fit(dirty).means_
    assert means.max() > 0.1 * far


def test_large_dof_is_gaussian():
    X, _ = runs()
    options = {"reg_covar": 0.0, "tol": 1e-12, "random_state": 0}
    for covariance_type in ("full", "tied", "diag", "spherical"):
        t = StudentTHMM(2, covariance_type=covariance_type, dof=1e9, **options).fit(X)
        normal = GaussianHMM(2, covariance_type=covariance_type, **options).fit(X)
        expected, scales = normal.covars_, t.scales_
        if covariance_type != "tied":
            expected = expected[np.argsort(normal.means_[:, 0])]
            scales = scales[np.argsort(t.means_[:, 0])]
        np.testing.assert_allclose(scales, expected, rtol=1e-5)
        np.testing.assert_allclose(
            t.score_samples(X), normal.score_samples(X), rtol=1e-5
        )


def test_degrees_of_freedom_are_found():
    rng = np.random.default_rng(0)
    states = np.repeat(np.arange(200) % 2, 50)
    dof = np.array([3.0, 100.0])[states]
    X = 20.0 * states[:, None] + rng.standard_t(dof)[:, None]
    model = StudentTHMM(2, random_state=0).fit(X)
    heavy, light = model.dof_[np.argsort(model.means_[:, 0])]
    assert 2.5 < heavy < 3.6
    assert light > 10.0  # the likelihood is nearly flat there
    fixed = StudentTHMM(2, dof=3.0, random_state=0).fit(X)
    np.testing.assert_array_equal(fixed.dof_, [3.0, 3.0])
    assert fixed.score(X) < model.score(X)
    assert model.bic(X) < fixed.bic(X)
