"""The EM loop: threads, restarts, interruption, callbacks, progress."""

from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.special import logsumexp
from sklearn.callback import ProgressBar
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_gen._blocks import effective_n_jobs, row_blocks, sum_blocks, workers
from sklearn_gen._em import EMModel
from sklearn_gen.mixture import GaussianMixture


@pytest.fixture(scope="module", name="X")
def rows():
    rng = np.random.default_rng(0)
    centers = rng.normal(scale=3.0, size=(3, 40))
    return centers[rng.integers(3, size=9000)] + rng.normal(size=(9000, 40))


def fitted(X, **kwargs):
    return GaussianMixture(3, random_state=0, **kwargs).fit(X)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag"])
def test_same_bytes_for_every_n_jobs(X, covariance_type):
    assert len(row_blocks(X)) > 2
    holes = X.copy()
    holes[::5, 3] = np.nan
    for data in (X, holes):
        models = [
            fitted(data, covariance_type=covariance_type, n_jobs=n) for n in (1, 2, 8)
        ]
        for other in models[1:]:
            assert other.covariances_.tobytes() == models[0].covariances_.tobytes()
            assert (
                other.score_samples(data).tobytes()
                == models[0].score_samples(data).tobytes()
            )


def test_blocks_are_summed_in_order_and_errors_arrive(X):
    blocks = row_blocks(X)
    seen = []

    def first_row(block):
        return (block.rows.start,)

    with workers(4) as run:
        seen = [start for (start,) in run(first_row, blocks)]
    assert seen == [block.rows.start for block in blocks]

    def fail(block):
        raise RuntimeError("broken block")

    with workers(2) as run, pytest.raises(RuntimeError, match="broken block"):
        sum_blocks(run, fail, blocks)


def test_n_jobs_follows_joblib():
    import joblib

    assert effective_n_jobs(None) == 1
    assert effective_n_jobs(3) == 3
    assert effective_n_jobs(-1) == joblib.cpu_count()
    inner = joblib.Parallel(n_jobs=2)(joblib.delayed(effective_n_jobs)(8) for _ in "ab")
    assert inner == [1, 1]  # the cores are taken already


def test_more_starts_are_never_worse(X):
    one = fitted(X[:500, :3], n_init=1, init_params="random_from_data")
    many = fitted(X[:500, :3], n_init=6, init_params="random_from_data")
    assert many.lower_bound_ >= one.lower_bound_
    assert len(many.lower_bounds_) == many.n_iter_


def test_converged_is_honest(X):
    data = X[:500, :3]
    with pytest.warns(ConvergenceWarning, match="Increase max_iter or tol"):
        short = fitted(data, max_iter=2, tol=1e-12)
    assert not short.converged_
    whole = fitted(data, tol=1e-5, max_iter=500)
    assert whole.converged_
    assert abs(np.diff(whole.lower_bounds_)[-1]) < 1e-5
    started = fitted(data, max_iter=0)
    assert not started.converged_
    assert started.n_iter_ == 0


class Recorder:
    """A callback that counts tasks and may stop the fit."""

    def __init__(self, stop_at=None, raise_at=None):
        self.stop_at, self.raise_at = stop_at, raise_at
        self.ended, self.scores = [], []

    def setup(self, estimator, context):
        self.is_set_up = True

    def teardown(self, estimator, context):
        self.is_torn_down = True

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
        self.ended.append(context.task_name)
        n_iterations = self.ended.count("iteration")
        if context.task_name != "iteration":
            return False
        self.scores.append(fitted_estimator.score(X))
        if n_iterations == self.raise_at:
            raise KeyboardInterrupt
        return n_iterations == self.stop_at


def test_callbacks_see_iterations_and_can_stop(X):
    data = X[:500, :3]
    recorder = Recorder(stop_at=3)
    model = GaussianMixture(3, random_state=0, tol=0.0).set_callbacks(recorder)
    model.fit(data)
    assert recorder.is_set_up
    assert recorder.is_torn_down
    assert recorder.ended == ["iteration"] * 3 + ["restart", "fit"]
    assert model.n_iter_ == 3
    assert not model.converged_
    # what a callback sees is the model as it would be if fit stopped here
    assert recorder.scores[-1] == pytest.approx(model.score(data))


def test_interrupted_fit_can_go_on(X):
    data = X[:500, :3]
    kwargs = {"n_components": 3, "random_state": 0, "tol": 1e-6, "max_iter": 500}
    model = GaussianMixture(warm_start=True, **kwargs)
    model.set_callbacks(Recorder(raise_at=4))
    with pytest.raises(KeyboardInterrupt):
        model.fit(data)
    assert model.n_iter_ == 4
    assert not model.converged_
    assert np.isfinite(model.score(data))
    model.set_callbacks()
    model.fit(data)
    whole = GaussianMixture(**kwargs).fit(data)
    assert model.n_iter_ + 4 == whole.n_iter_
    np.testing.assert_allclose(model.means_, whole.means_, rtol=1e-12)


def test_progress_bar(X, capsys):
    pytest.importorskip("rich")
    model = GaussianMixture(2, random_state=0).set_callbacks(ProgressBar())
    model.fit(X[:300, :2])
    assert "GaussianMixture" in capsys.readouterr().out


def test_verbose_says_where_it_is(X, capsys):
    fitted(X[:500, :3], verbose=2, verbose_interval=1)
    out = capsys.readouterr().out
    assert "Initialization 0" in out
    assert "Iteration 1" in out
    assert "mean log-likelihood" in out
    assert "converged" in out


def test_failed_fit_keeps_the_earlier_state(X):
    model = fitted(X[:300, :3])
    before = model.score_samples(X[:10, :3])
    with pytest.raises(ValueError, match="infinity"):
        model.fit(np.array([[np.inf, 1.0], [1.0, 2.0]]))
    with pytest.raises(ValueError, match="weights_init"):
        model.set_params(weights_init=[2.0]).fit(X[:300, :2])
    np.testing.assert_array_equal(model.score_samples(X[:10, :3]), before)


class ExponentialMixture(EMModel):
    """A second model on the loop: what a new one has to write."""

    Params = namedtuple("Params", "weights rates")
    Stats = namedtuple("Stats", "log_likelihood weight s0 s1")

    def __init__(self, n_components=2, random_state=None):
        self.n_components, self.random_state = n_components, random_state
        self.tol, self.max_iter, self.n_init, self.warm_start = 1e-9, 500, 1, False
        self.verbose, self.verbose_interval, self.n_jobs = 0, 10, None

    def _initial_params(self, X, sample_weight, rng):
        rates = rng.uniform(0.5, 2.0, size=self.n_components) / X.mean()
        return self.Params(np.full(self.n_components, 1 / self.n_components), rates)

    def _log_joint(self, X, params):
        return np.log(params.weights) + np.log(params.rates) - X * params.rates

    def _suff_stats(self, block, params):
        joint = self._log_joint(block.X, params)
        log_prob = logsumexp(joint, axis=1)
        w = block.sample_weight if block.sample_weight.size else np.ones(len(joint))
        resp = w[:, None] * np.exp(joint - log_prob[:, None])
        s1 = (resp * block.X).sum(axis=0)
        return self.Stats(w @ log_prob, block.weight, resp.sum(axis=0), s1)

    def _m_step(self, stats, params):
        return self.Params(stats.s0 / stats.s0.sum(), stats.s0 / stats.s1)

    def _fitted_attributes(self, params):
        return {"weights_": params.weights, "rates_": params.rates}

    def _fitted_params(self):
        return self.Params(self.weights_, self.rates_)

    def _score_samples(self, X):
        return logsumexp(self._log_joint(X, self._fitted_params()), axis=1)

    def _sample(self, n_samples, rng):
        labels = rng.choice(len(self.weights_), p=self.weights_, size=n_samples)
        return rng.exponential(1.0 / self.rates_[labels])[:, None]


def test_a_model_of_three_functions_gets_the_rest():
    rng = np.random.default_rng(0)
    X = rng.exponential(np.where(rng.random(5000) < 0.3, 10.0, 0.5))[:, None]
    model = ExponentialMixture(random_state=0).fit(X)
    np.testing.assert_allclose(np.sort(1 / model.rates_), [0.5, 10.0], rtol=0.1)
    assert np.diff(model.lower_bounds_).min() > -1e-12
    weights = rng.integers(0, 3, size=len(X))
    weighted = ExponentialMixture(random_state=0).fit(X, sample_weight=weights)
    repeated = ExponentialMixture(random_state=0).fit(np.repeat(X, weights, axis=0))
    assert weighted.score(X) == pytest.approx(repeated.score(X), abs=1e-6)
    before = model.score(X)
    assert model.partial_fit(X[:500]).score(X) > before - 0.02


def test_a_small_batch_after_fit_moves_little(X):
    data = X[:500, :3]
    model = fitted(data)
    before = model.score(data)
    model.partial_fit(data[:1])
    assert model.score(data) > before - 0.5


@pytest.mark.parametrize(
    "change", [{"n_components": 4}, {"covariance_type": "diag"}, {"columns": 2}]
)
def test_going_on_after_a_change_is_an_error(X, change):
    columns = change.pop("columns", 3)
    model = fitted(X[:500, :3], warm_start=True).set_params(**change)
    with pytest.raises(ValueError, match=r"Can't go on from the last fit: means_"):
        model.fit(X[:500, :columns])


def test_concurrent_fits_restore_the_threads_of_blas(X):
    def n_threads():
        return [p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"]

    with threadpool_limits(2, user_api="blas"):
        before = n_threads()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda i: fitted(X[i::8], max_iter=3, tol=1e9), range(8)))
        assert n_threads() == before


def test_n_jobs_zero_is_refused(X):
    with pytest.raises(ValueError, match="n_jobs must not be 0"):
        fitted(X[:100, :2], n_jobs=0)


def test_warnings_point_at_the_users_line(X):
    with pytest.warns(ConvergenceWarning) as caught:
        fitted(X[:500, :3], max_iter=2, tol=1e-12)
    assert all(warning.filename == __file__ for warning in caught)
