"""E-steps at equal parameters against hmmlearn's scaling mode."""

import numpy as np
import pytest
from hmmlearn import hmm as peers

from sklearn_gen import _gaussian as gaussian
from sklearn_gen.hmm._emissions_categorical import (
    CategoricalEmission,
    CategoricalParams,
)
from sklearn_gen.hmm._emissions_gaussian import GaussianEmission
from sklearn_gen.hmm._layout import lay_out
from sklearn_gen.hmm._paths import simulate
from sklearn_gen.hmm._recursions import Recursions
from sklearn_gen.hmm._sequences import groups_from_lengths, sequences_of
from tests.hmm.problems import random_chain

LENGTHS = {"one": [9000], "many": [1, 2, 30, 400, 7] * 5}
K, D, V = 5, 3, 6


def peer_of(kind, chain, **values):
    """The model of hmmlearn with these parameters."""
    common = {"implementation": "scaling", "init_params": ""}
    if kind == "categorical":
        model = peers.CategoricalHMM(K, **common)
        model.n_features = V
    else:
        model = peers.GaussianHMM(K, kind, **common)
        model.n_features = D
    for name, value in (values | chain._asdict()).items():
        names = {"start": "startprob_", "transitions": "transmat_"}
        setattr(model, names.get(name, name), value)
    return model


def recursions_of(X, chain, lengths, emission, params):
    layout = lay_out(sequences_of(groups_from_lengths(lengths), len(X)), K, np.float64)
    return Recursions(
        layout,
        chain,
        lambda rows: X[rows],
        lambda block: emission.log_prob(block, params),
    )


def assert_chain(runs, got, model, X, lengths):
    """Compare what knows of no emission; returns the peer's statistics."""
    stats, log_likelihood = model._do_estep(X, lengths)
    assert got.log_likelihood == pytest.approx(log_likelihood, rel=1e-12)
    close = {"rtol": 1e-11, "atol": 1e-11}
    np.testing.assert_allclose(got.start, stats["start"], **close)
    np.testing.assert_allclose(got.transitions, stats["trans"], **close)
    _, gamma = model.score_samples(X, lengths)
    np.testing.assert_allclose(runs.smooth(), gamma, rtol=0, atol=1e-12)
    best, states = model.decode(X, lengths)
    ours, scores = runs.viterbi()
    assert scores.sum() == pytest.approx(best, rel=1e-12)
    np.testing.assert_array_equal(ours, states)
    return stats


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("kind", ["spherical", "diag", "tied", "full"])
def test_gaussian(kind, lengths):
    rng = np.random.default_rng(0)
    chain = random_chain(K, rng, sticky=2.0)
    means = 1.5 * rng.normal(size=(K, D))
    X = means[simulate(chain, lengths, rng)] + rng.normal(size=(sum(lengths), D))
    roots = rng.normal(size=(K, D, D)) + 2 * np.eye(D)
    full = roots @ roots.swapaxes(1, 2)
    covariances = {
        "full": full,
        "tied": full[0],
        "diag": np.diagonal(full, axis1=1, axis2=2).copy(),
        "spherical": full[:, 0, 0].copy(),
    }[kind]
    structure = gaussian.STRUCTURES[kind]
    estimate = structure.cholesky(covariances, np.zeros(D))
    params = gaussian.GaussianParams(np.full(K, 1 / K), means, *estimate)
    emission = GaussianEmission(structure)
    runs = recursions_of(X, chain, lengths, emission, params)
    model = peer_of(kind, chain, means_=means, covars_=covariances)
    got, sums = runs.expect(lambda block, gamma: emission.stats(block, gamma, params))
    stats = assert_chain(runs, got, model, X, lengths)
    close = {"rtol": 1e-11, "atol": 1e-9}
    np.testing.assert_allclose(sums.s0, stats["post"], rtol=1e-11)
    first = sums.s1 + sums.s0[:, None] * means
    np.testing.assert_allclose(first, stats["obs"], **close)
    centers = np.zeros_like(means)
    second = structure.shift(sums.s2, sums.s1, sums.s0, centers - means)
    if kind in ("spherical", "diag"):
        np.testing.assert_allclose(second, stats["obs**2"], **close)
    else:
        peer = stats["obs*obs.T"]
        peer = peer.sum(axis=0) if peer.ndim > second.ndim else peer
        np.testing.assert_allclose(second, peer, **close)


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
def test_categorical(lengths):
    rng = np.random.default_rng(1)
    chain = random_chain(K, rng, sticky=2.0)
    tables = rng.dirichlet(np.ones(V), K)
    states = simulate(chain, lengths, rng)
    draws = rng.random((sum(lengths), 1)) > np.cumsum(tables, axis=1)[states]
    X = np.minimum(draws.sum(axis=1), V - 1)[:, None].astype(np.int32)
    params = CategoricalParams(np.log(tables), np.array([0, V]))
    emission = CategoricalEmission()
    runs = recursions_of(X, chain, lengths, emission, params)
    model = peer_of("categorical", chain, emissionprob_=tables)
    got, sums = runs.expect(lambda block, gamma: emission.stats(block, gamma, params))
    stats = assert_chain(runs, got, model, X, lengths)
    np.testing.assert_allclose(sums.counts, stats["obs"], rtol=1e-11, atol=1e-11)
