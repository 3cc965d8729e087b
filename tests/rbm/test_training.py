"""Steps are those of the gradient; chains leave the machine's distribution alone."""

import numpy as np
import pytest
from scipy.special import expit, logsumexp
from scipy.stats import chi2

from sklearn_gen._kernels import boltzmann_training as kernels
from sklearn_gen._kernels.randomness import seed_streams
from sklearn_gen.rbm import _machine as machines
from sklearn_gen.rbm._training import Options, Trainer, learning_rate, pack, unpack
from sklearn_gen.rbm._training_start import (
    feature_means,
    independent_biases,
    rows_in_order,
)
from sklearn_gen.rbm._training_stop import hold_out
from sklearn_gen.rbm._units import features, make_units, values
from tests.rbm import enumeration

GAUSSIAN = enumeration.with_gaussian()
OPTIONS = Options(
    method="exact",
    n_gibbs_steps=1,
    n_chains=10,
    n_temperatures=4,
    optimizer="sgd",
    momentum=0.0,
    centered=False,
    l1=0.0,
    l2=0.0,
    sparsity_target=None,
    sparsity_cost=0.0,
    batch_size=50,
)


def _trainer(machine, units, mean=None, seed=0, **changes):
    options = OPTIONS._replace(**changes)
    if mean is None:
        mean = np.zeros(units.n_features)
    rng = np.random.default_rng(seed)
    return Trainer.start(options, units, machine, mean, rng)


def _rows(units, machine, n_rows, seed=0):
    rng = np.random.default_rng(seed)
    T = np.tile(machine.visible, (n_rows, 1))
    F = machines.draw_visible(T, units, machine, rng).astype(np.float64)
    return np.ascontiguousarray(F)


def _log_likelihood(theta, F, units, n_hidden):
    machine = unpack(theta, n_hidden)
    h = enumeration.all_hidden(n_hidden)
    log_z = logsumexp(machines.unnormalised_hidden(h, units, machine))
    return machines.unnormalised(F, units, machine).mean() - log_z


@pytest.mark.parametrize(
    ("units", "n_hidden"),
    [
        (enumeration.BINARY, 3),  # all hidden states
        (enumeration.BINARY, 8),  # all visible states
        (enumeration.MIXED, 3),
        (enumeration.MIXED, 9),
        (GAUSSIAN, 4),
    ],
)
def test_exact_steps_are_finite_differences(units, n_hidden):
    machine = enumeration.random_machine(units, n_hidden)
    F = _rows(units, machine, 50)
    trainer = _trainer(machine, units)
    before = trainer.learned.theta
    trainer.epoch(F, None, np.arange(50), 1.0, 1.0)
    step = trainer.learned.theta - before
    wanted = np.empty_like(step)
    for i in range(len(step)):
        shift = np.zeros_like(step)
        shift[i] = 1e-5
        up, down = (
            _log_likelihood(before + sign * shift, F, units, n_hidden)
            for sign in (1.0, -1.0)
        )
        wanted[i] = (up - down) / 2e-5
    is_free = np.ones(len(step), bool)  # precisions of other units stay as they are
    is_free[-units.n_features :] = units.feature_kinds == 1
    np.testing.assert_allclose(step[is_free], wanted[is_free], atol=1e-8)
    assert not step[~is_free].any()


def test_centred_steps_are_gradients_of_the_centred_machine():
    units = enumeration.BINARY
    machine = enumeration.random_machine(units, 3)
    F = _rows(units, machine, 50)
    mu = F.mean(axis=0)
    trainer = _trainer(machine, units, mu, centered=True)
    trainer.epoch(F, None, np.arange(50), 1.0, 1.0)
    plain = _trainer(machine, units)
    plain.epoch(F, None, np.arange(50), 1.0, 1.0)
    g = [a - b for a, b in zip(plain.machine, machine, strict=True)]
    lam = machines.hidden_mean(mu[None], machine)[0]
    weights = g[0] - np.outer(lam, g[1]) - np.outer(g[2], mu)
    np.testing.assert_allclose(trainer.machine.weights - machine.weights, weights)
    np.testing.assert_allclose(
        trainer.machine.visible - machine.visible, g[1] - lam @ weights
    )
    np.testing.assert_allclose(
        trainer.machine.hidden - machine.hidden, g[2] - weights @ mu
    )
    active = machines.hidden_mean(F, machine).mean(axis=0)
    np.testing.assert_allclose(trainer.learned.hidden_mean, 0.99 * lam + 0.01 * active)


def test_swapping_zeros_and_ones_changes_nothing_for_centred_machines():
    units = enumeration.BINARY
    machine = enumeration.random_machine(units, 3)
    F = _rows(units, machine, 50)
    swapped = machines.Machine(
        -machine.weights,
        -machine.visible,
        machine.hidden + machine.weights.sum(axis=1),
        machine.precision,
    )
    one = _trainer(machine, units, F.mean(axis=0), centered=True)
    other = _trainer(swapped, units, 1.0 - F.mean(axis=0), centered=True)
    for _ in range(20):
        one.epoch(F, None, np.arange(50), 0.5, 0.5)
        other.epoch(1.0 - F, None, np.arange(50), 0.5, 0.5)
    np.testing.assert_allclose(one.machine.weights, -other.machine.weights)
    np.testing.assert_allclose(one.machine.visible, -other.machine.visible)


def _two_epochs(**changes):
    units = enumeration.BINARY
    machine = enumeration.random_machine(units, 3)
    F, rate = _rows(units, machine, 50), 0.1
    trainer, gradients = _trainer(machine, units, **changes), []
    for _ in range(2):
        plain = _trainer(trainer.machine, units)
        plain.epoch(F, None, np.arange(50), 1.0, 1.0)
        gradients.append(plain.learned.theta - trainer.learned.theta)
        trainer.epoch(F, None, np.arange(50), rate, rate)
    return pack(machine), gradients, trainer.learned.theta


def test_momentum_repeats_a_share_of_the_last_step():
    start, (g1, g2), end = _two_epochs(momentum=0.7)
    np.testing.assert_allclose(end, start + 0.1 * g1 + (0.07 * g1 + 0.1 * g2))


def test_adam_is_that_of_the_paper():
    start, gradients, end = _two_epochs(optimizer="adam")
    m = v = 0.0
    for t, g in enumerate(gradients, 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        start = start + 0.1 * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    is_free = slice(0, -enumeration.BINARY.n_features)
    np.testing.assert_allclose(end[is_free], start[is_free], rtol=1e-9)


def test_penalties_shrink_weights_only():
    units = enumeration.BINARY
    machine = enumeration.random_machine(units, 3)
    F, moved = _rows(units, machine, 50), {}
    for name in ("none", "l1", "l2"):
        changes = {} if name == "none" else {name: 0.3}
        trainer = _trainer(machine, units, **changes)
        trainer.epoch(F, None, np.arange(50), 0.1, 0.1)
        moved[name] = trainer.machine
    W = machine.weights
    l1, l2 = (moved[name].weights - moved["none"].weights for name in ("l1", "l2"))
    np.testing.assert_allclose(l1, -0.03 * np.sign(W), atol=1e-12)
    np.testing.assert_allclose(l2, -0.03 * W, atol=1e-12)
    for name in ("l1", "l2"):
        np.testing.assert_array_equal(moved[name].visible, moved["none"].visible)


def test_sparsity_moves_hidden_biases_towards_the_target():
    units = enumeration.BINARY
    machine = enumeration.random_machine(units, 3)
    F = _rows(units, machine, 50)
    with_target = _trainer(machine, units, sparsity_target=0.1, sparsity_cost=2.0)
    without = _trainer(machine, units)
    for trainer in (with_target, without):
        trainer.epoch(F, None, np.arange(50), 0.1, 0.1)
    extra = with_target.machine.hidden - without.machine.hidden
    active = machines.hidden_mean(F, machine).mean(axis=0)
    np.testing.assert_allclose(extra, 0.1 * 2.0 * (0.1 - active))


def test_a_short_batch_moves_by_its_share():
    units = enumeration.BINARY
    machine = enumeration.random_machine(units, 3)
    F = _rows(units, machine, 50)
    whole = _trainer(machine, units, batch_size=30)
    whole.epoch(F, None, np.arange(50), 0.1, 0.1)
    first = _trainer(machine, units, batch_size=30)
    first.epoch(F, None, np.arange(30), 0.1, 0.1)
    rest = _trainer(first.machine, units, batch_size=20)
    rest.epoch(F, None, np.arange(30, 50), 0.1 * 20 / 30, 0.1 * 20 / 30)
    np.testing.assert_allclose(whole.learned.theta, rest.learned.theta)


@pytest.mark.parametrize("method", ["pcd", "tempering"])
@pytest.mark.parametrize("units", [enumeration.BINARY, enumeration.MIXED])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_chains_leave_the_distribution_invariant(method, units, dtype):
    # Chains start from the enumerated p(h) and learn nothing (rate 0): hidden states
    # still follow p(h) after some steps. False-alarm rate 1e-5 for each case.
    n_hidden, n_chains = 3, 8000
    machine = enumeration.random_machine(units, n_hidden, seed=5, dtype=dtype)
    h = enumeration.all_hidden(n_hidden)
    log_p = machines.unnormalised_hidden(h, units, machine)
    p, rng = np.exp(log_p - logsumexp(log_p)), np.random.default_rng(1)
    trainer = _trainer(
        machine, units, method=method, n_chains=n_chains, n_gibbs_steps=2
    )
    blocks, n_levels = [], 4 if method == "tempering" else 1
    for beta in np.linspace(1.0, 0.0, n_levels)[::-1]:
        # between the reference and the machine: b + beta h W - beta (b - b) = all b
        inner = machines.Machine(
            beta * machine.weights, machine.visible, beta * machine.hidden, machine[3]
        )
        log_q = machines.unnormalised_hidden(h, units, inner)
        q = np.exp(log_q - logsumexp(log_q))
        blocks.append(h[rng.choice(len(h), n_chains, p=q)])
    chains = np.concatenate(blocks).astype(dtype)
    trainer.learned = trainer.learned._replace(chains=chains)
    F = _rows(units, machine, 30).astype(dtype)
    trainer.epoch(F, None, np.arange(30), 0.0, 0.0)
    end = trainer.learned.chains[-n_chains:]
    assert not np.array_equal(end, chains[-n_chains:])
    seen = np.bincount((end @ [4, 2, 1]).astype(int), minlength=8)
    statistic = ((seen - n_chains * p) ** 2 / (n_chains * p)).sum()
    assert chi2.sf(statistic, 7) > 1e-5


def test_contrastive_divergence_starts_at_the_data():
    # The machine is far from the data and its chains hardly mix: after one step from
    # the data its rows are still near them, so weights move less than PCD's.
    units = enumeration.BINARY
    machine = enumeration.random_machine(units, 3)
    sticky = machine._replace(
        weights=np.tile([[8.0], [-8.0], [0.0]], (1, 6)), visible=np.zeros(6)
    )
    F, moved = np.ones((50, 6)), {}
    for method in ("cd", "pcd"):
        trainer = _trainer(sticky, units, method=method, n_chains=50)
        trainer.epoch(F, None, np.arange(50), 1.0, 1.0)
        moved[method] = np.abs(trainer.machine.visible).max()
    assert moved["cd"] < 0.05 < 0.3 < moved["pcd"]


@pytest.mark.parametrize("units", [enumeration.BINARY, enumeration.MIXED])
def test_missing_cells_are_drawn_given_observed_ones(units):
    # Rate 0: after epochs the missing cells of many equal rows follow p(mis | obs),
    # enumerated. False-alarm rate 1e-5.
    machine, n_rows = enumeration.random_machine(units, 3, seed=2), 3000
    X = np.zeros((n_rows, units.n_units))
    missing = np.zeros(units.n_units, bool)
    missing[[0, 3]] = True
    F = features(X, units)
    observed = np.tile(~missing[units.of_feature], (n_rows, 1))
    trainer = _trainer(machine, units, batch_size=100)
    for _ in range(12):
        trainer.epoch(F, observed, np.arange(n_rows), 0.0, 0.0)
    drawn = values(trainer.learned.X, units)
    np.testing.assert_array_equal(drawn[:, ~missing], X[:, ~missing])
    rows = enumeration.all_rows(units)
    rows = rows[(rows[:, ~missing] == 0.0).all(axis=1)]
    log_p = machines.unnormalised(features(rows, units), units, machine)
    expected = n_rows * np.exp(log_p - logsumexp(log_p))
    seen = [(drawn == row).all(axis=1).sum() for row in rows]
    assert sum(seen) == n_rows
    statistic = ((np.array(seen) - expected) ** 2 / expected).sum()
    assert chi2.sf(statistic, len(rows) - 1) > 1e-5


def test_learning_a_machine_comes_back_to_its_likelihood():
    units = enumeration.BINARY
    machine = enumeration.random_machine(units, 2, scale=1.5)
    X = enumeration.all_rows(units)
    log_p = machines.unnormalised(X, units, machine)
    log_p -= logsumexp(log_p)
    rng = np.random.default_rng(0)
    F = X[rng.choice(len(X), 4000, p=np.exp(log_p))]
    entropy = -(np.exp(log_p) @ log_p)
    mean, count = feature_means(F, np.arange(len(F)))
    start = machines.Machine(
        rng.normal(0.0, 0.01, (2, 6)),
        independent_biases(mean, count, units),
        np.zeros(2),
        np.ones(6),
    )
    for method in ("exact", "pcd", "tempering"):
        trainer = _trainer(
            start, units, mean, method=method, centered=True, n_chains=50
        )
        for epoch in range(30):
            order = rng.permutation(len(F))
            rate = learning_rate("linear", 0.5, 30, epoch)
            trainer.epoch(F, None, order, rate, rate)
        reached = _log_likelihood(trainer.learned.theta, F, units, 2)
        # the machine itself has -entropy, up to sampling noise of 0.03
        assert reached > -entropy - 0.05, method


def test_weights_repeats_and_orders_give_one_sequence_of_values():
    rng = np.random.default_rng(0)
    X = rng.random((20, 3)).round(1)
    X[3, 1] = X[[5, 7], 0] = X[9] = X[11] = np.nan
    weight = rng.integers(1, 4, 20).astype(float)
    sequence = X[rows_in_order(X, weight)]
    repeated = np.repeat(X, weight.astype(int), axis=0)[
        rng.permutation(int(weight.sum()))
    ]
    np.testing.assert_array_equal(sequence, repeated[rows_in_order(repeated, None)])
    shuffled = rng.permutation(20)
    other = X[shuffled][rows_in_order(X[shuffled], 0.25 * weight[shuffled])]
    assert len(other) == 20  # at least as many as there are rows


def test_biases_of_independent_columns_have_their_means():
    units = make_units([0, 2, 3], n_levels=[1, 3, 1], trials=[1, 1, 4])
    mean = np.array([0.25, 0.2, 0.3, 0.5, 3.0])
    b = independent_biases(mean, np.full(5, 1e9), units)
    np.testing.assert_allclose(expit(b[[0, 4]]), [0.25, 0.75], rtol=1e-6)
    np.testing.assert_allclose(np.exp(b[1:4]), [0.2, 0.3, 0.5], rtol=1e-6)


def test_kernels_equal_their_python():
    units = enumeration.MIXED
    machine = enumeration.random_machine(units, 3)
    F = _rows(units, machine, 25)
    observed = np.random.default_rng(0).random(F.shape) < 0.9
    for method in ("pcd", "cd", "tempering", "exact"):
        learned = []
        for train in (kernels.train, kernels.train.py_func):
            trainer = _trainer(machine, units, method=method, batch_size=10)
            original, kernels.train = kernels.train, train
            try:
                trainer.epoch(F, observed, np.arange(25), 0.1, 0.1)
            finally:
                kernels.train = original
            learned.append(trainer.learned)
        for compiled, python in zip(*learned, strict=True):
            np.testing.assert_allclose(compiled, python, rtol=1e-9, err_msg=method)


def test_streams_of_other_seeds_learn_otherwise():
    units = enumeration.BINARY
    machine = enumeration.random_machine(units, 3)
    F = _rows(units, machine, 50)
    ends = []
    for seed in (0, 0, 1):
        trainer = _trainer(machine, units, method="pcd", seed=2)
        streams = seed_streams(np.random.default_rng(seed))
        trainer.learned = trainer.learned._replace(streams=streams)
        trainer.epoch(F, None, np.arange(50), 0.1, 0.1)
        ends.append(trainer.learned.theta)
    np.testing.assert_array_equal(ends[0], ends[1])
    assert not np.array_equal(ends[0], ends[2])


def test_rows_held_out_are_a_share_with_all_their_copies():
    rows = np.repeat(np.arange(20), 3)
    learned, held = hold_out(rows, 0.1, np.random.default_rng(0))
    assert len(np.unique(held)) == 2
    assert not set(learned) & set(held)
    assert len(learned) + len(held) == 60
