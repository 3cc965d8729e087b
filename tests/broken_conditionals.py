"""Models with one defect each: draws on conditions, and conditional means."""

import numpy as np

from tests.broken_models import caught_by
from tests.reference_models import ReferenceGaussian


@caught_by("check_conditions_are_conditional_draws", "check_conditions_by_name")
class IgnoresConditions(ReferenceGaussian):
    def sample(self, n_samples=1, *, conditions=None, random_state=None):
        return super().sample(n_samples, random_state=random_state)


@caught_by("check_conditions_are_conditional_draws")
class WritesConditionsOver(ReferenceGaussian):
    def sample(self, n_samples=1, *, conditions=None, random_state=None):
        rows = super().sample(n_samples, random_state=random_state)
        for column, value in (conditions or {}).items():
            rows[:, column] = value
        return rows


@caught_by("check_conditions_by_name")
class CountsFromTheEnd(ReferenceGaussian):
    def _given(self, conditions):
        given, stored = super()._given(conditions)
        return given[:, ::-1] if "c" not in conditions else given, stored


class Expects(ReferenceGaussian):
    """Fills in expectations."""

    def conditional_mean(self, X):
        filled = np.array(X)
        for row in filled:
            row[np.isnan(row)] = self._conditional(row)[0]
        return filled


@caught_by("check_conditional_means_are_means")
class ExpectsTheUsual(Expects):
    def conditional_mean(self, X):
        return np.where(np.isnan(X), self.means_, X)


@caught_by("check_conditional_means_fill")
class ExpectsOtherwise(Expects):
    def conditional_mean(self, X):
        return super().conditional_mean(X) * (1.0 + 1e-12)
