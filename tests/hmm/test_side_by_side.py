"""Restarts side by side equal those one after another; their kernel, all paths."""

import warnings

import numpy as np
import pytest

from sklearn_gen._kernels.markov_runs import smooth_runs
from sklearn_gen.hmm import (
    AutoregressiveHMM,
    CategoricalHMM,
    GaussianHMM,
    GaussianMixtureHMM,
    MixedHMM,
    PoissonHMM,
    StudentTHMM,
    VariationalGaussianHMM,
    _side_by_side,
)
from tests.hmm.enumeration import all_paths
from tests.hmm.problems import random_chain, slices_of

# relative for sums, absolute for probabilities
TOLERANCE = {np.float64: 1e-12, np.float32: 2e-5}


@pytest.fixture
def one_after_another(monkeypatch):
    """A function after which restarts, and all else, take the way of large data."""

    def switch():
        monkeypatch.setattr(_side_by_side, "_MOST_STATES", 0)
        monkeypatch.setattr(_side_by_side, "_ONE_RUN", 0)

    return switch


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize(("K", "R"), [(1, 3), (2, 1), (3, 19), (5, 8)])
def test_every_lane_is_a_sum_over_all_paths(K, R, zeros, dtype):
    rng = np.random.default_rng(10 * K + R)
    lengths = np.array([1, 2, 6, 5, 1, 4])
    n, weight = lengths.sum(), rng.uniform(0.5, 2.0, len(lengths))
    log_prob = 2.0 * rng.normal(size=(R, K, n)) - 50.0
    log_prob[:, :, 4] = 0.0  # a gap
    chains = [random_chain(K, rng) for _ in range(R)]
    if zeros:
        log_prob[:, 0, 5::3] = -np.inf
        log_prob[-1, :, 7] = -np.inf  # impossible for the last run
        weight[3] = 0.0
    got = smooth_runs(
        *(log_prob.reshape(R * K, n).astype(dtype), lengths, weight.astype(dtype)),
        *(np.array(part, dtype) for part in zip(*chains, strict=True)),
    )
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    for r, chain in enumerate(chains):
        rows = slices_of(lengths)
        want = [all_paths(log_prob[r, :, part].T, *chain) for part in rows]
        possible = all(
            np.isfinite(one.log_prob) or not w
            for one, w in zip(want, weight, strict=True)
        )
        assert got.trouble[r] == (not possible)
        if not possible:
            continue
        each = list(zip(weight, want, strict=True))
        gamma = np.concatenate([w * one.gamma for w, one in each]).T
        np.testing.assert_allclose(got.gamma.reshape(R, K, n)[r], gamma, **close)
        for mine, theirs in (
            (got.start[r], sum(w * one.gamma[0] for w, one in each)),
            (got.transitions[r], sum(w * one.transitions for w, one in each)),
            (got.log_likelihood[r], sum(w * one.log_prob for w, one in each if w)),
        ):
            np.testing.assert_allclose(mine, theirs, **close)


def counts(rng):
    return rng.poisson(np.repeat(rng.choice([3.0, 12.0, 25.0], 30), 5))[:, None] * 1.0


def rows_with_gaps(rng):
    X = np.repeat(rng.normal(scale=3.0, size=(30, 2)), 5, axis=0)
    X += rng.normal(size=X.shape)
    X[[3, 80]] = np.nan
    X[[7, 50], [0, 1]] = np.nan
    return X


MODELS = [
    (PoissonHMM(3), counts),
    (CategoricalHMM(3), lambda rng: np.minimum(counts(rng) // 8, 3)),
    (GaussianHMM(3), rows_with_gaps),
    (GaussianHMM(2, covariance_type="full", means_weight=1.0), rows_with_gaps),
    (GaussianHMM(2, covariance_type="tied"), rows_with_gaps),
    (GaussianMixtureHMM(2, n_mix=2), rows_with_gaps),
    (StudentTHMM(2), rows_with_gaps),
    (MixedHMM(2, families="gaussian"), rows_with_gaps),
    (VariationalGaussianHMM(3), rows_with_gaps),
    (AutoregressiveHMM(2), rows_with_gaps),
]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("model", "data"), MODELS, ids=[type(model).__name__ for model, _ in MODELS]
)
def test_restarts_equal_those_one_after_another(model, data, one_after_another):
    X = data(np.random.default_rng(0))
    groups = np.repeat(np.arange(5), len(X) // 5)
    states = np.where(np.arange(len(X)) % 40 == 0, 1, -1)
    given = {"groups": groups, "states": states, "sequence_weight": [1, 2, 0, 1, 0.5]}
    model.set_params(n_init=10, max_iter=15, tol=1e-3, random_state=0)
    found = []
    for _ in range(2):
        model.fit(X, **given)
        scores = model.score_samples(X, groups=groups)
        found.append([model.lower_bounds_, scores, model.transmat_])
        n_iter, converged = model.n_iter_, model.converged_
        one_after_another()
    assert (model.n_iter_, model.converged_) == (n_iter, converged)
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


def test_all_restarts_are_those_one_after_another(one_after_another):
    """Each run's history, not only the best one's, by what callbacks are told."""
    X = counts(np.random.default_rng(1))
    model, histories = PoissonHMM(3, n_init=11, random_state=0), []
    for _ in range(2):
        recorder = Recorder()
        model.set_callbacks(recorder).fit(X)
        histories.append(recorder.bounds)
        one_after_another()
    together, apart = histories
    assert list(together) == list(apart) == list(range(11))
    for restart, bounds in together.items():
        np.testing.assert_allclose(bounds, apart[restart], rtol=1e-12)


class Recorder:
    """A callback that keeps the scores of each restart's iterations; or interrupts."""

    def __init__(self, interrupt_at=None):
        self.interrupt_at, self.bounds, self.best = interrupt_at, {}, -np.inf

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
        if context.task_name == "iteration":
            bounds = self.bounds.setdefault(context.parent.task_id, [])
            bounds.append(fitted_estimator.score(X))
            if sum(map(len, self.bounds.values())) == self.interrupt_at:
                raise KeyboardInterrupt


def test_an_interrupted_fit_keeps_the_best_so_far():
    X = counts(np.random.default_rng(1))
    recorder = Recorder(interrupt_at=47)
    model = PoissonHMM(3, n_init=10, tol=0.0, random_state=0).set_callbacks(recorder)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X)
    assert [len(bounds) for bounds in recorder.bounds.values()] == [5] * 7 + [4] * 3
    # a run's bound is that of the parameters before its last step
    before = {r: bounds[-2] for r, bounds in recorder.bounds.items()}
    best = max(before, key=before.get)
    assert model.lower_bound_ == pytest.approx(before[best], rel=1e-12)
    assert model.score(X) == pytest.approx(recorder.bounds[best][-1], rel=1e-12)


def test_messages_say_which_restart_they_are_of(capsys):
    X = counts(np.random.default_rng(1))
    model = PoissonHMM(2, n_init=9, verbose=1, verbose_interval=2, random_state=0)
    model.fit(X)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:9] == [f"Initialization {i}" for i in range(9)]
    assert "4:   Iteration 2" in lines
    for i in range(9):
        assert f"{i}: Initialization converged." in lines


class Recorded(GaussianHMM):
    """A model that keeps the bounds of all its runs."""

    def _bound(self, *args):
        self.bounds.append(super()._bound(*args))
        return self.bounds[-1]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_run_in_trouble_goes_the_exact_way(one_after_another):
    """A state that can't be reached is the only one near a row: numbers underflow."""
    X = np.r_[np.random.default_rng(0).normal(size=60), 200.0, [0.0] * 20][:, None]
    start, steps = [1.0, 0.0], [[1.0, 0.0], [0.5, 0.5]]
    model = Recorded(2, startprob_init=start, transmat_init=steps, n_init=9)
    found = []
    for _ in range(2):
        model.bounds = []
        model.set_params(random_state=0, max_iter=3).fit(X)
        found.append(np.sort(model.bounds))
        one_after_another()
    np.testing.assert_allclose(*found, rtol=1e-9)


def test_restarts_are_the_same_bytes_for_all_numbers_of_threads():
    X = rows_with_gaps(np.random.default_rng(0))
    model = GaussianHMM(3, n_init=9, max_iter=20, tol=0.0, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [model.set_params(n_jobs=n).fit(X).means_.tobytes() for n in (1, 2, 8)]
    assert found[0] == found[1] == found[2]
