"""Deep belief networks: bounds against enumeration, draws, learning up and down."""

from itertools import product

import numpy as np
import pytest
from scipy.special import expit, logsumexp
from scipy.stats import chisquare
from sklearn.datasets import load_digits

from sklearn_gen.rbm import BernoulliRBM, DeepBeliefNetwork
from sklearn_gen.rbm._up_down import Layer, log_bernoulli, up_down


def states(n):
    return np.array(list(product([0.0, 1.0], repeat=n)))


def log_p(model, n_columns):
    """Exact log p(x) of all rows of a network of two hidden layers."""
    (_, _, down, bias), h = model.layers_[0], states(len(model.layers_[0][1]))
    log_h = model.machine_.score_samples(h)
    rows = states(n_columns)
    given = np.stack(
        [log_bernoulli(rows, np.tile(h1 @ down + bias, (len(rows), 1))) for h1 in h]
    )
    return rows, logsumexp(given + log_h[:, None], axis=0)


def rows_of_causes(n=600, seed=0):
    rng = np.random.default_rng(seed)
    causes = rng.random((n, 2)) < 0.5
    return (rng.random((n, 6)) < np.where(np.repeat(causes, 3, 1), 0.9, 0.1)) * 1.0


@pytest.fixture(scope="module", params=[0, 5])
def fitted(request):
    template = BernoulliRBM(n_iter=15)
    return DeepBeliefNetwork(
        (5, 3), estimator=template, n_fine_tuning=request.param, random_state=0
    ).fit(rows_of_causes())


def test_scores_are_bounds_that_draws_tighten(fitted):
    rows, exact = log_p(fitted, 6)
    assert np.exp(exact).sum() == pytest.approx(1.0, abs=1e-9)
    p = np.exp(exact)
    gap = exact - fitted.score_samples(rows)
    assert -0.1 < p @ gap < 0.5  # 20 draws, the same for all rows
    many = DeepBeliefNetwork((5, 3), n_draws=2000)
    vars(many).update({k: v for k, v in vars(fitted).items() if k != "n_draws"})
    many._uniforms = np.random.default_rng(1).random((2000, 5))
    np.testing.assert_allclose(p @ (exact - many.score_samples(rows)), 0, atol=0.01)


def test_draws_have_the_exact_probabilities(fitted):
    """Chi-square; a false alarm in 1e4."""
    _, exact = log_p(fitted, 6)
    drawn = fitted.sample(5000, random_state=1)
    found = np.bincount((drawn @ 2 ** np.arange(6)[::-1]).astype(int), minlength=64)
    expected = 5000 * np.exp(exact)
    common = expected > 5
    assert common.all()
    assert chisquare(found, expected).pvalue > 1e-4


def test_likelihood_is_learned(fitted):
    X = rows_of_causes(2000, seed=1)
    _, exact = log_p(fitted, 6)
    at = (X @ 2 ** np.arange(6)[::-1]).astype(int)
    rate = np.clip(rows_of_causes().mean(axis=0), 1e-3, 1 - 1e-3)
    alone = log_bernoulli(X, np.tile(np.log(rate / (1 - rate)), (len(X), 1)))
    assert exact[at].mean() > alone.mean() + 0.5


def test_codes_go_up_and_down(fitted):
    X = rows_of_causes(50)
    (up, up_bias, down, bias), top = fitted.layers_[0], fitted.machine_
    h = expit(X @ up + up_bias)
    Z = fitted.transform(X)
    np.testing.assert_allclose(Z, top.transform(h), rtol=1e-12)
    back = expit(top.inverse_transform(Z) @ down + bias)
    np.testing.assert_allclose(fitted.inverse_transform(Z), back, rtol=1e-12)
    assert list(fitted.get_feature_names_out()) == [
        f"deepbeliefnetwork{j}" for j in range(3)
    ]


def test_fine_tuning_raises_the_bound():
    X = (load_digits().data > 7).astype(float)
    kinds = {}
    for n in (0, 20):
        model = DeepBeliefNetwork((40, 15), n_fine_tuning=n, random_state=0)
        kinds[n] = model.fit(X[:1000]).score(X[1000:])
    assert kinds[20] > kinds[0] + 0.1


def test_one_layer_is_a_machine():
    X = rows_of_causes()
    model = DeepBeliefNetwork((4,), random_state=0).fit(X)
    np.testing.assert_array_equal(
        model.score_samples(X), model.machine_.score_samples(X)
    )


@pytest.mark.parametrize("sizes", [(), (3, 0), (2.5,)])
def test_sizes_are_whole_numbers(sizes):
    with pytest.raises(ValueError, match="hidden_layer_sizes="):
        DeepBeliefNetwork(sizes).fit(rows_of_causes())


def test_a_step_up_and_down_by_hand():
    # Odds of exp(+-50) leave nothing to chance: awake all units are off, asleep on.
    off, on = -50.0, 50.0
    layer = Layer(
        np.full((2, 1), 25.25), np.array([off]), np.zeros((1, 2)), np.full(2, on)
    )
    W, c = np.array([[0.4, -0.3]]), np.array([0.2, -0.1])
    top = Layer(W.copy(), c.copy(), W.T.copy(), np.array([on]))
    up_down(np.zeros((4, 2)), [layer], top, 0.1, 1, np.random.default_rng(0))
    awake, asleep = expit(c), expit(W[0] + c)
    np.testing.assert_allclose(top.up, W - 0.1 * asleep)
    np.testing.assert_array_equal(top.down, top.up.T)
    np.testing.assert_allclose(top.up_bias, c + 0.1 * (awake - asleep))
    np.testing.assert_allclose(top.down_bias, on - 0.1)
    np.testing.assert_array_equal(layer.down, np.zeros((1, 2)))
    np.testing.assert_allclose(layer.down_bias, on - 0.1)
    missed = 0.1 * (1.0 - expit(0.5))
    np.testing.assert_allclose(layer.up, 25.25 + missed)
    np.testing.assert_allclose(layer.up_bias, off + missed)
