"""Classes as one more unit: posteriors by enumeration, both objectives, draws."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime
from scipy.special import logsumexp, softmax
from scipy.stats import chisquare
from sklearn.datasets import load_digits, load_iris
from sklearn.model_selection import train_test_split

from sklearn_gen._columns import UNSEEN_MASS
from sklearn_gen.rbm import RBM, ClassificationRBM
from sklearn_gen.rbm._training_classes import class_gradient
from sklearn_gen.rbm._training_steps import layers_of

LABELS = np.array(["no", "perhaps", "yes"])
CHANCES = np.array(  # of ones, in each column given the class
    [[0.9, 0.8, 0.2, 0.1], [0.5, 0.1, 0.9, 0.5], [0.1, 0.9, 0.8, 0.9]]
)
ALL = (np.arange(16)[:, None] >> np.arange(4) & 1).astype(np.float64)


def rows_of_classes(n=400, seed=0):
    """Four binary columns and a class that depends on them."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 3, n)
    chance = np.array(
        [[0.9, 0.8, 0.2, 0.1], [0.5, 0.1, 0.9, 0.5], [0.1, 0.9, 0.8, 0.9]]
    )
    return (rng.random((n, 4)) < chance[codes]).astype(float), LABELS[codes]


@pytest.fixture(scope="module")
def fitted():
    X, y = rows_of_classes()
    model = ClassificationRBM(
        5, families="bernoulli", n_iter=20, generative_weight=1.0, random_state=0
    )
    return model.fit(X, y)


def joint_by_hand(model):
    """log p(x, y) of all 16 rows and 3 classes, from energies of all hidden states."""
    H = len(model.components_)
    h = np.arange(2**H)[:, None] >> np.arange(H) & 1
    W, U = model.components_[:, :4], model.components_[:, 4:]
    b, d = model.intercept_visible_[:4], model.intercept_visible_[4:]
    terms = (
        (ALL @ b)[:, None, None]
        + d[None, :, None]
        + (h @ model.intercept_hidden_)[None, None]
        + (ALL @ W.T @ h.T)[:, None]
        + (h @ U).T[None]
    )
    log_p = logsumexp(terms.astype(np.float64), axis=2)
    return log_p - logsumexp(log_p)


def test_joint_and_posteriors_are_those_of_all_states(fitted):
    joint = joint_by_hand(fitted)
    np.testing.assert_allclose(fitted.predict_joint_log_proba(ALL), joint, atol=1e-5)
    np.testing.assert_allclose(
        fitted.score_samples(ALL), logsumexp(joint, 1), atol=1e-5
    )
    np.testing.assert_allclose(fitted.predict_proba(ALL), softmax(joint, 1), atol=1e-6)
    total = np.exp(fitted.score_samples(ALL)).sum()
    assert total == pytest.approx((1.0 - UNSEEN_MASS) ** 4, abs=1e-10)
    assert fitted.density_kind == "exact"


def test_the_base_scores_the_same_with_the_class_missing(fitted):
    np.testing.assert_allclose(
        RBM._score_samples(fitted, ALL), fitted.score_samples(ALL), rtol=1e-12
    )


def test_missing_cells_are_summed_out(fitted):
    joint = np.exp(joint_by_hand(fitted))
    row = np.array([[np.nan, 1.0, np.nan, 0.0]])
    agrees = (ALL[:, 1] == 1) & (ALL[:, 3] == 0)
    expected = joint[agrees].sum(axis=0)
    found = fitted.predict_joint_log_proba(row)[0]
    np.testing.assert_allclose(np.exp(found), expected, rtol=1e-5)
    np.testing.assert_allclose(
        fitted.predict_proba(row)[0], expected / expected.sum(), rtol=1e-5
    )
    nothing = fitted.score_samples(np.full((1, 4), np.nan))
    assert nothing[0] == pytest.approx(0.0, abs=1e-12)


def test_codes_are_means_over_classes(fitted):
    W, U = fitted.components_[:, :4], fitted.components_[:, 4:]
    inputs = ALL @ W.T + fitted.intercept_hidden_
    by_class = 1.0 / (1.0 + np.exp(-(inputs[:, None] + U.T)))
    expected = np.einsum("nk,nkh->nh", fitted.predict_proba(ALL), by_class)
    np.testing.assert_allclose(fitted.transform(ALL), expected, atol=1e-6)


@pytest.mark.parametrize("label", [None, "no", "yes"])
def test_draws_have_the_probabilities_of_scores(fitted, label):
    """Chi-square; a false alarm in 1e4 of each."""
    X = fitted.sample(4000, y=label, random_state=0)
    found = np.bincount((X @ 2 ** np.arange(4)).astype(int), minlength=16)
    p = np.exp(joint_by_hand(fitted))
    p = p.sum(axis=1) if label is None else p[:, list(LABELS).index(label)]
    assert chisquare(found, 4000 * p / p.sum()).pvalue > 1e-4


def test_draws_of_many_classes_and_conditions():
    X, y = load_iris(return_X_y=True, as_frame=True)
    model = ClassificationRBM(8, n_iter=30, random_state=0).fit(X, y)
    wanted = np.repeat([2, 0, 1], 40)
    drawn = model.sample(y=wanted, random_state=1)
    assert isinstance(drawn, pd.DataFrame)
    assert len(drawn) == 120
    given = model.sample(5, y=0, conditions={"petal width (cm)": 0.3}, random_state=1)
    assert (given["petal width (cm)"] == 0.3).all()
    with pytest.raises(ValueError, match="none of the classes"):
        model.sample(y=3)


def test_gradient_is_that_of_the_posterior():
    rng = np.random.default_rng(0)
    P, H, K = 5, 4, 3
    theta = rng.normal(0, 0.7, P * H + P + H + P)
    codes = rng.integers(0, K, 7)
    F = np.column_stack([rng.normal(size=(7, P - K)), np.eye(K)[codes]])

    def log_posterior(theta):
        W, b, c, _ = layers_of(theta, H)
        inputs = F[:, : P - K] @ W[: P - K] + c
        joint = b[-K:] + np.logaddexp(0, inputs[:, None] + W[P - K :]).sum(axis=2)
        return (joint - logsumexp(joint, 1, keepdims=True))[range(7), codes].mean()

    mu, mean = rng.random(P), rng.random(H)
    g = class_gradient(F, layers_of(theta, H), K, mu, mean)
    # back from centred coordinates: the biases go along with the weights
    weights = g.weights + np.outer(mu, g.hidden) + np.outer(g.visible, mean)
    found = np.concatenate([weights.ravel(), g.visible, g.hidden, np.zeros(P)])
    expected = approx_fprime(theta, log_posterior, 1e-7)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("objective", ["hybrid", "discriminative", "generative"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_digits_are_told_apart(objective, optimizer):
    X, y = load_digits(return_X_y=True)
    split = train_test_split((X > 7).astype(float), y, random_state=0, stratify=y)
    rate = 0.01 if optimizer == "adam" else 0.1
    model = ClassificationRBM(
        32,
        objective=objective,
        optimizer=optimizer,
        learning_rate=rate,
        momentum=0.5,
        families="bernoulli",
        n_iter=8,
        random_state=0,
    ).fit(split[0], split[2])
    assert model.score(split[1], split[3]) > 0.84


def test_rows_without_labels_help():
    """Three labels a class: p(x, y) learned from all rows tells them apart better."""
    X, y = load_digits(return_X_y=True)
    X = (X > 7).astype(float)
    X, X_test, y, y_test = train_test_split(X, y, random_state=0, stratify=y)
    known = np.zeros(len(y), bool)
    known[np.concatenate([np.flatnonzero(y == k)[:3] for k in range(10)])] = True
    model = ClassificationRBM(
        50,
        families="bernoulli",
        unlabeled=-1,
        n_iter=100,
        random_state=0,
    )
    both = model.fit(X, np.where(known, y, -1))
    assert list(both.classes_) == list(range(10))
    with_others = both.score(X_test, y_test)
    alone = model.fit(X[known], y[known]).score(X_test, y_test)
    assert with_others > alone + 0.02


def test_posteriors_are_what_discriminative_learning_raises():
    X, y = rows_of_classes(2000)
    held, held_y = rows_of_classes(1000, seed=1)

    def log_loss(objective):
        model = ClassificationRBM(
            5, objective=objective, families="bernoulli", random_state=0
        ).fit(X, y)
        codes = np.searchsorted(LABELS, held_y)
        return -model.predict_log_proba(held)[range(1000), codes].mean()

    log_p = held @ np.log(CHANCES).T + (1 - held) @ np.log(1 - CHANCES).T
    true = -(log_p - logsumexp(log_p, 1, keepdims=True))[
        range(1000), np.searchsorted(LABELS, held_y)
    ].mean()
    for objective in ("discriminative", "hybrid", "generative"):
        assert true - 0.01 < log_loss(objective) < true + 0.03


def test_batches_are_learned_from():
    X, y = rows_of_classes(600)
    model = ClassificationRBM(5, families="bernoulli", random_state=0)
    with pytest.raises(ValueError, match=r"classes=None in the first call"):
        model.partial_fit(X, y)
    for start in range(0, 600, 200):
        batch = slice(start, start + 200)
        model.partial_fit(X[batch], y[batch], classes=LABELS)
    assert model.n_iter_ == 3
    assert model.score(X, y) > 0.7
    with pytest.raises(ValueError, match="none of the classes"):
        model.partial_fit(X, np.full(600, "never"))


def test_warm_starts_have_the_same_classes():
    X, y = rows_of_classes()
    model = ClassificationRBM(3, families="bernoulli", n_iter=2, warm_start=True)
    model.fit(X, y).fit(X, y)
    with pytest.raises(ValueError, match="Can't go on from the last fit: its classes"):
        model.fit(X, np.where(y == "yes", "no", y))


def test_weight_zero_is_no_row():
    X, y = rows_of_classes(100)
    weight = np.repeat([1.0, 0.0], 50)
    model = ClassificationRBM(3, families="bernoulli", n_iter=3, random_state=0)
    some = model.fit(X[:50], y[:50]).predict_joint_log_proba(ALL)
    weighed = model.fit(X, y, sample_weight=weight).predict_joint_log_proba(ALL)
    np.testing.assert_array_equal(some, weighed)


def test_classes_are_summed_out_of_free_energies_and_conditionals(fitted):
    log_p = logsumexp(joint_by_hand(fitted), axis=1)
    np.testing.assert_allclose(
        fitted.free_energy(ALL), -fitted.score_samples(ALL) - fitted.log_partition_
    )
    expected = np.zeros(16)
    for j in range(4):
        other = np.arange(16) ^ (1 << j)
        expected += log_p - np.logaddexp(log_p, log_p[other])
    np.testing.assert_allclose(fitted.pseudo_log_likelihood(ALL), expected, atol=1e-5)


def test_values_of_no_mass_say_nothing_of_the_class(fitted):
    none = np.array([[0.5, 1.0, 0.0, 1.0], [-1.0, 1.0, 0.0, 1.0]])
    gap = np.array([[np.nan, 1.0, 0.0, 1.0]])
    assert (fitted.score_samples(none) == -np.inf).all()
    np.testing.assert_allclose(
        fitted.predict_proba(none), np.repeat(fitted.predict_proba(gap), 2, axis=0)
    )
