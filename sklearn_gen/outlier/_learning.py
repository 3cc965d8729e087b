"""What a detector learns of rows: densities, what is usual, the threshold."""

from functools import partial
from numbers import Integral, Real

import numpy as np

from sklearn_gen._inner._density import new_density
from sklearn_gen._inner._sequences import rows_are_steps, sequence_starts
from sklearn_gen._validation import as_generator, chosen
from sklearn_gen.outlier._calibration import one_split
from sklearn_gen.outlier._score_types import (
    Learned,
    check_background,
    judge_rows,
    mean_log_density,
    usual_cells,
)
from sklearn_gen.outlier._threshold import cut

# Where the fields of Learned are kept.
_LEARNED = ("estimator_", "background_", "usual_", "_mean_log_density", "offset_")
# Share of the rows that threshold="holdout" keeps from a first fit.
_HELD_OUT = 0.25


class LearningMixin:
    """From rows to what the fitted attributes hold; nothing is kept on the way."""

    def _split(self, rows, n_rows):
        """Indices to learn from and to set the threshold by; None is all."""
        used = np.arange(n_rows)
        if rows.sample_weight is not None:
            used = np.flatnonzero(rows.sample_weight)
        held_out = self._rule() == "holdout" or self.regime == "novelty"
        if not held_out or len(used) < 2:
            return None, None
        starts = None
        density = self._unfitted()
        if rows_are_steps(density):
            starts = sequence_starts(density, rows.X)
        rng = as_generator(self.random_state)
        return one_split(used, _HELD_OUT, rng, starts)[0]

    def _learn(self, rows, task=None):
        """Fit densities to rows."""
        density = new_density(self._unfitted())
        if self.estimator is None and not isinstance(self.random_state, Integral):
            # A generator moves on, and no copy of it is used instead.
            seed = int(as_generator(self.random_state).integers(2**31))
            density.set_params(random_state=seed)
        background = self.background
        check_background(background, self.score_type)
        if not isinstance(background, str):
            background = new_density(background, "background")
            background.fit(rows.X, rows.y, **rows.weights_for(background))
        fit = partial(density.fit, rows.X, rows.y, **rows.weights_for(density))
        if task is None:
            fit()
            return Learned(density, background)
        subtask = task.subcontext(task_name="fit-density")
        with subtask.propagate_callback_context(density):
            subtask.call_on_fit_task_begin(estimator=self, X=rows.X, y=rows.y)
            fit()
            subtask.call_on_fit_task_end(estimator=self, X=rows.X, y=rows.y)
        return Learned(density, background)

    def _calibrate(self, learned, X, sample_weight):
        """Set what is usual, and the threshold, by the scores of rows."""
        cells = usual_cells(learned.density, X, sample_weight)
        learned = learned._replace(usual_cells=cells)
        if self.score_type == "typicality":
            mean = mean_log_density(learned, X, sample_weight)
            learned = learned._replace(mean_log_density=mean)
        own = getattr(learned.density, "offset_", None)
        plain = (self._rule(), self.contamination, self.score_type)
        if (
            plain == ("quantile", "auto", "nll")
            and isinstance(own, Real)
            and np.isfinite(own)
        ):
            return learned._replace(offset=float(own))
        scores = judge_rows(self.score_type, learned, X)
        shares = (self.contamination, self.false_alarm_rate)
        offset = cut(self._rule(), scores, *shares, sample_weight)
        if not np.isfinite(offset):
            raise ValueError(
                f"{type(learned.density).__name__} gives {np.sum(~np.isfinite(scores))}"
                f" of {len(scores)} training rows a score that isn't finite, so no "
                f"threshold is below a share of them (threshold={self._rule()!r}, "
                f"contamination={self.contamination!r}). Choose a density that is "
                "positive on the training rows, or raise contamination."
            )
        return learned._replace(offset=offset)

    def _rule(self):
        if self.threshold != "auto":
            return self.threshold
        clean = self.regime == "novelty" and self.contamination == "auto"
        return "holdout" if clean or self.false_alarm_rate is not None else "quantile"

    def _keep(self, learned):
        for name, value in zip(_LEARNED, learned, strict=True):
            setattr(self, name, value)
        if self.score_type != "ratio":
            del self.background_

    def _learned(self):
        return Learned(*(getattr(self, name, None) for name in _LEARNED))

    def _density(self):
        if hasattr(self, "estimator_"):
            return chosen(self.estimator_)
        return self._unfitted()

    def _unfitted(self):
        if self.estimator is not None:
            return self.estimator
        return default_density(self.regime, self.random_state, self.n_jobs)


def default_density(regime, random_state, n_jobs):
    """Make the density of a regime."""
    from sklearn_gen import mixture

    default = mixture.RobustGaussianMixture
    if regime == "novelty":
        default = mixture.AdaptiveKernelDensity
    return default(random_state=random_state, n_jobs=n_jobs)
