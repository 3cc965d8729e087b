"""The EM loop: threads, restarts, interruption, callbacks, progress."""

import numpy as np
import pytest
from sklearn.callback import ProgressBar
from sklearn.exceptions import ConvergenceWarning

from sklearn_gen._blocks import effective_n_jobs, row_blocks, sum_blocks, workers
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
