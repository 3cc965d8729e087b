"""The only EM loop: restarts, tolerance, history, callbacks; and its stepwise form.

A model gives ``_suff_stats(block, params)`` and ``_m_step(stats)``; weights, threads,
missing values, restarts, warm starts, ``partial_fit``, progress and interruption come
from here.
"""

import time
from abc import abstractmethod
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from sklearn.callback import with_callbacks
from sklearn.exceptions import ConvergenceWarning

from sklearn_gen._blocks import add, row_blocks, scale, sum_blocks, workers
from sklearn_gen._compat import fit_context
from sklearn_gen._validation import warn
from sklearn_gen.base import GenerativeModel, as_generator


@dataclass
class Run:
    """One run of EM from one start, as far as it got."""

    params: tuple
    lower_bounds: list = field(default_factory=list)
    converged: bool = False
    stopped: bool = False  # by a callback, so no ConvergenceWarning
    ends_all: bool = False  # a callback wants no more restarts
    label: str = ""  # what messages begin with, where others go on beside it
    last: tuple = None  # statistics of the last E-step, and its parameters
    # Where models of several sizes are compared: by what, how closely they are
    # fitted, how long at most, and to which rows. None: likelihood, the model's tol
    # and max_iter, all rows.
    merit: float | None = None
    tol: float | None = None
    max_iter: int | None = None
    blocks: list | None = None

    @property
    def lower_bound(self):
        """Mean log-likelihood before the last M-step, nats per row."""
        return self.lower_bounds[-1] if self.lower_bounds else -np.inf

    @property
    def rank(self):
        """What the best run has most of."""
        return self.lower_bound if self.merit is None else self.merit


def _best(runs):
    """The one of highest rank, the first of equals; none of none."""
    return [max(runs, key=lambda run: run.rank)] if runs else []


class EMModel(GenerativeModel):
    """A model fitted by expectation-maximisation.

    Children have the parameters `tol`, `max_iter`, `n_init`, `warm_start`, `verbose`,
    `verbose_interval`, `n_jobs` and `random_state`. Statistics are NamedTuples with
    the fields `log_likelihood` and `weight`; parameters are NamedTuples too.
    """

    @abstractmethod
    def _initial_params(self, X, sample_weight, rng):
        """Choose starting parameters."""

    @abstractmethod
    def _suff_stats(self, block, params):
        """E-step of one block: expected sufficient statistics."""

    def _e_step(self, params):
        """E-step as a function of a block; here what blocks share is computed once."""
        return partial(self._suff_stats, params=params)

    @abstractmethod
    def _m_step(self, stats, params):
        """Parameters that maximise the expected log-likelihood.

        `params` are those of the E-step.
        """

    @abstractmethod
    def _fitted_attributes(self, params):
        """Public attributes, as a dict."""

    @abstractmethod
    def _fitted_params(self):
        """Parameters from the public attributes."""

    def _check_training_rows(self, X, sample_weight, reset=True):
        # Parameters are of levels by their codes: a fit that goes on keeps the schema.
        if self._mixed_columns and self.warm_start and hasattr(self, "converged_"):
            reset = False
        return super()._check_training_rows(X, sample_weight, reset)

    def _prepare(self, X, sample_weight, rng, first=True):
        """Look at the data once before EM; return the rows to learn from.

        `first` is False for all batches of `partial_fit` but the first.
        """
        return X

    def _blocks(self, X, sample_weight):
        """Cut the rows into blocks, each with a `weight`."""
        return row_blocks(X, sample_weight)

    def _check_goes_on(self, n_features):
        """Raise where fitted parameters don't fit the model's parameters or X."""

    def _warn_of_degeneracy(self, params):
        """Say what the data left undetermined."""

    _bound_name = "mean log-likelihood per row"

    def _bound(self, stats, params, updated):
        """What EM raises: here the log-likelihood of `params`, those of the E-step."""
        return float(stats.log_likelihood / stats.weight)

    def _em_step(self, params, sum_stats):
        """One iteration; `sum_stats(function)` adds function(block) over the data."""
        stats = sum_stats(self._e_step(params))
        return self._m_step(stats, params), stats

    def _em_steps(self, params, sum_stats):
        """One iteration of each of several runs."""
        return [self._em_step(own, sum_stats) for own in params]

    def _fit(self, X, sample_weight, rng):
        self._learn(self._prepare(X, sample_weight, rng), sample_weight, rng)

    def _learn(self, X, sample_weight, rng):
        """Run EM from every start, on prepared rows, and keep the best."""
        warm = self.warm_start and hasattr(self, "converged_")
        if warm:
            self._check_goes_on(X.shape[1])
        blocks = self._blocks(X, sample_weight)
        if warm:
            groups, bound = [[Run(self._fitted_params())]], self.lower_bound_
        else:
            groups, bound = self._side_by_side(X, sample_weight, rng), -np.inf
        root = self._init_callback_context(max_subtasks=1 if warm else self._n_starts())
        root.call_on_fit_task_begin(estimator=self, X=X)
        runs = []
        with workers(self.n_jobs) as map_blocks:
            sum_stats = partial(sum_blocks, map_blocks)
            try:
                for group in groups:
                    runs = [*_best(runs), *group]
                    over = partial(sum_stats, blocks=group[0].blocks or blocks)
                    if self._advance(group, bound, over, root, X):
                        break
            except KeyboardInterrupt:
                # Nothing is lost: warm_start=True goes on from here.
                for best in _best(runs):
                    self._keep(best)
                raise
        (best,) = _best(runs)
        self._keep(best)
        self._warn_of_degeneracy(best.params)
        self._warn_unless_converged(best)
        root.call_on_fit_task_end(estimator=self, X=X, reconstruction_attributes=dict)

    def _n_starts(self):
        """Number of runs, None where it isn't known."""
        return self.n_init

    def _starts(self, X, sample_weight, rng):
        """Yield runs that have not begun; when asked for the next, one has ended."""
        for i in range(self.n_init):
            self._say(f"Initialization {i}")
            yield Run(self._initial_params(X, sample_weight, rng))

    def _side_by_side(self, X, sample_weight, rng):
        """Yield runs as `_starts` does, in groups that go side by side."""
        for run in self._starts(X, sample_weight, rng):
            yield [run]

    def _advance(self, runs, bound, sum_stats, root, X):
        """Run EM from all `run.params`; return whether a callback ends all restarts."""
        ways = [self._iterate(run, bound, root, X) for run in runs]
        while going := [run for run in (next(way, None) for way in ways) if run]:
            before = [run.params for run in going]
            steps = self._em_steps(before, sum_stats)
            for run, own, (params, stats) in zip(going, before, steps, strict=True):
                run.params, run.last = params, (stats, own)
        return any(run.ends_all for run in runs)

    def _iterate(self, run, bound, root, X):
        """Yield `run` whenever it needs the next step, until it has ended."""
        max_iter = self.max_iter if run.max_iter is None else run.max_iter
        task = root.subcontext("restart", max_subtasks=max_iter)
        task.call_on_fit_task_begin(estimator=self, X=X)
        began = time.perf_counter()
        tol = self.tol if run.tol is None else run.tol
        for n_iter in range(1, max_iter + 1):
            step = task.subcontext("iteration")
            step.call_on_fit_task_begin(estimator=self, X=X)
            yield run
            stats, before = run.last
            previous, bound = bound, self._bound(stats, before, run.params)
            run.lower_bounds.append(bound)
            run.converged = abs(bound - previous) < tol
            if n_iter % self.verbose_interval == 0:
                text = f"{run.label}  Iteration {n_iter}"
                self._say(text, bound, bound - previous, began)
            run.stopped = self._end_task(step, run, X)
            if run.converged or run.stopped:
                break
        verdict = "converged" if run.converged else "did not converge"
        if run.max_iter is not None and not run.converged:
            verdict = f"was tried for {run.max_iter} iterations"
        self._say(f"{run.label}Initialization {verdict}.", bound, None, began)
        run.ends_all = self._end_task(task, run, X)

    def _end_task(self, task, run, X):
        return task.call_on_fit_task_end(
            estimator=self,
            X=X,
            reconstruction_attributes=partial(self._fitted_attributes, run.params),
        )

    def _warn_unless_converged(self, result):
        if result.converged or result.stopped or self.max_iter == 0:
            return
        if len(result.lower_bounds) < 2:
            changed = f"after one the {self._bound_name} can't be compared"
        else:
            change = result.lower_bounds[-1] - result.lower_bounds[-2]
            changed = f"the {self._bound_name} still changed by {change:.2g} nats"
        warn(
            f"EM did not converge in max_iter={self.max_iter} iterations: "
            f"{changed}, tol={self.tol:g}. Increase max_iter or tol, or check for "
            "degenerate data (duplicates, constant columns, too many components); with "
            "warm_start=True another fit goes on from here.",
            ConvergenceWarning,
        )

    def _keep(self, result):
        for name, value in self._fitted_attributes(result.params).items():
            setattr(self, name, value)
        self.converged_ = result.converged
        self.n_iter_ = len(result.lower_bounds)
        self.lower_bound_ = result.lower_bound
        self.lower_bounds_ = result.lower_bounds
        self._running = None
        if result.last is not None:
            stats, before = result.last
            self._running = self._per_weight(stats, before, result.params, stats.weight)

    def _say(self, text, bound=None, change=None, began=None):
        if self.verbose >= 2 and bound is not None:
            text += f"\t {self._bound_name} {bound:.5f}"
            text += "" if change is None else f"\t change {change:.5f}"
            text += f"\t time {time.perf_counter() - began:.3f}s"
        if self.verbose:
            print(text)  # noqa: T201 (what verbose is for)

    # Stepwise EM (Cappe & Moulines 2009, doi:10.1111/j.1467-9868.2009.00698.x): the
    # statistics of each batch, per unit of weight, are blended into the running ones
    # with step (t + delay) ** -decay, decay in (1/2, 1] for convergence. Time t is what
    # was seen before in units of this batch, so that a small batch moves little.
    _step_decay, _step_delay = 0.6, 2.0

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Learn from one batch of rows by a step of stepwise EM.

        The first call chooses starting parameters from its rows, so make it a batch
        of at least some hundred rows in random order.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            One batch.
        y : Ignored
            Present for API consistency.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Non-negative weights.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            As `fit`; the earlier fitted state is then kept.
        """
        with self._kept_on_failure():
            first = not hasattr(self, "converged_")
            X, sample_weight = self._check_training_rows(X, sample_weight, reset=first)
            self._learn_batch(X, sample_weight, first)
        return self

    def _learn_batch(self, X, sample_weight, first):
        rng = as_generator(self.random_state)
        X = self._prepare(X, sample_weight, rng, first)
        with workers(self.n_jobs) as map_blocks:
            if first:
                params = self._initial_params(X, sample_weight, rng)
            else:
                self._check_goes_on(X.shape[1])
                params = self._fitted_params()
            self._update(params, self._blocks(X, sample_weight), map_blocks)

    def _opened(self, params):
        """Parameters to see a batch by: nothing that may come is ruled out."""
        return params

    def _update(self, params, blocks, map_blocks):
        batch = sum_blocks(map_blocks, self._e_step(self._opened(params)), blocks)
        weight = batch.weight
        stats = scale(batch, 1.0 / weight)
        seen = 0.0
        if getattr(self, "_running", None) is not None:
            running, seen = self._running
            step = (seen / weight + self._step_delay) ** -self._step_decay
            stats = add(scale(type(stats)(*running), 1.0 - step), scale(stats, step))
        updated = self._m_step(stats, params)
        bound = self._bound(batch, params, updated)
        self._keep(Run(updated, [*getattr(self, "lower_bounds_", []), bound]))
        self._running = self._per_weight(stats, params, updated, seen + weight)

    def _per_weight(self, stats, params, updated, weight):
        """Statistics per unit of weight relative to new parameters, and the weight.

        A plain tuple: pickles of it name no class of ours.
        """
        stats = self._recenter(scale(stats, 1.0 / stats.weight), params, updated)
        return tuple(stats), weight

    def _recenter(self, stats, params, updated):
        """Re-express statistics that are relative to parameters."""
        return stats
