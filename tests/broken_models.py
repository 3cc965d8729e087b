"""Models with one defect each; `DEFECTS` maps a check to those it must catch."""

import random
from collections import defaultdict
from contextlib import nullcontext

import numpy as np

from sklearn_gen.base import as_generator
from tests.reference_models import ReferenceBernoulli, ReferenceGaussian

DEFECTS = defaultdict(list)


def caught_by(*checks, raises=AssertionError):
    """Register a broken class with the checks that must fail on it, and how."""

    def register(cls):
        for check in checks:
            DEFECTS[check].append((cls, raises))
        return cls

    return register


# Density


@caught_by(
    "check_density_integrates_to_one_in_1d", "check_density_integrates_to_one_in_2d"
)
class Unnormalised(ReferenceGaussian):
    def _score_samples(self, X):
        return super()._score_samples(X) + 1e-5


@caught_by("check_masses_sum_to_one")
class UnnormalisedMass(ReferenceBernoulli):
    def _score_samples(self, X):
        return super()._score_samples(X) - 1e-5


@caught_by("check_marginal_scores_are_integrals")
class MeanForMissing(ReferenceGaussian):
    def _score_samples(self, X):
        return super()._score_samples(np.where(np.isnan(X), self.means_, X))


class Derived(ReferenceGaussian):
    """Has models of the marginal and of the rest given it."""

    def _derive(self, columns, mean, covariance):
        derived = ReferenceGaussian().fit(np.zeros((9, len(columns))))
        derived.means_, derived.covariance_ = mean, covariance
        return derived

    def marginal(self, columns):
        block = self.covariance_[np.ix_(columns, columns)]
        return self._derive(columns, self.means_[columns], block)

    def conditional(self, X):
        hidden = np.flatnonzero(np.isnan(X[0]))
        return self._derive(hidden, *self._conditional(X[0]))


@caught_by("check_chain_rule")
class ForgetsTheOrderOfColumns(Derived):
    def marginal(self, columns):
        return super().marginal(sorted(columns))


@caught_by("check_chain_rule")
class ConditionsOnNothing(Derived):
    def _conditional(self, row):
        hidden = np.isnan(row)
        return self.means_[hidden], self.covariance_[np.ix_(hidden, hidden)]


@caught_by("check_nothing_observed_scores_zero")
class NothingObserved(ReferenceGaussian):
    def _score_samples(self, X):
        return super()._score_samples(X) - np.isnan(X).all(axis=1)


@caught_by("check_scores_each_row_by_itself")
class ScoresTheBatch(ReferenceGaussian):
    def _score_samples(self, X):
        return super()._score_samples(X) + 1e-6 * len(X)


@caught_by("check_score_is_the_mean")
class ScoreIsTheSum(ReferenceGaussian):
    def score(self, X, y=None, sample_weight=None):
        return float(self.score_samples(X).sum())


@caught_by("check_information_criteria")
class CriterionOfHalves(ReferenceGaussian):
    def bic(self, X, sample_weight=None):
        return super().bic(X, sample_weight) + self._n_parameters()


@caught_by("check_criteria_take_weights")
class CriterionWithoutWeights(ReferenceGaussian):
    def bic(self, X, sample_weight=None):
        return super().bic(X)


# Draws


@caught_by("check_draws_match_scores_in_1d")
class WideDraws(ReferenceGaussian):
    def _sample(self, n_samples, rng):
        return self.means_ + 1.1 * (super()._sample(n_samples, rng) - self.means_)


@caught_by("check_draws_match_scores_in_2d")
class UncorrelatedDraws(ReferenceGaussian):
    def _sample(self, n_samples, rng):
        variances = np.diag(np.diag(self.covariance_))
        return self._draw(self.means_, variances, rng, n_samples)


@caught_by("check_draws_match_scores_in_1d", "check_draws_match_scores_in_2d")
class FlippedDraws(ReferenceBernoulli):
    def _sample(self, n_samples, rng):
        return 1.0 - super()._sample(n_samples, rng)


@caught_by("check_draws_have_the_shape_of_rows")
class DrawsATuple(ReferenceGaussian):
    def sample(self, n_samples=1, *, random_state=None):
        rows = super().sample(n_samples, random_state=random_state)
        return rows, np.zeros(n_samples, dtype=int)


@caught_by("check_conditional_draws_match_scores")
class WideConditionalDraws(ReferenceGaussian):
    def _conditional(self, row):
        mean, covariance = super()._conditional(row)
        return mean, 1.3 * covariance


@caught_by("check_completed_draws_are_draws")
class DrawsForTheWrongRow(ReferenceGaussian):
    def _sample_conditional(self, X, rng):
        return super()._sample_conditional(X[::-1], rng)[:, ::-1]


@caught_by("check_completed_draws_are_draws")
class SwappedRows(ReferenceGaussian):
    def _sample_conditional(self, X, rng):
        completed = super()._sample_conditional(X, rng)
        for j in range(X.shape[1]):
            hidden = np.flatnonzero(np.isnan(X[:, j]) & ~np.isnan(X).all(axis=1))
            completed[hidden, j] = completed[hidden[::-1], j]
        return completed


@caught_by("check_observed_cells_stay")
class RoundsObservedCells(ReferenceGaussian):
    def sample_conditional(self, X, *, random_state=None):
        rows = super().sample_conditional(X, random_state=random_state)
        return np.round(rows, 12)


@caught_by("check_observed_cells_stay")
class ReturnsItsInput(ReferenceGaussian):
    def sample_conditional(self, X, *, random_state=None):
        if not np.isnan(np.asarray(X, dtype=float)).any():
            return X
        return super().sample_conditional(X, random_state=random_state)


# Weights


@caught_by(
    "check_weights_are_repeats_from_default_start",
    "check_zero_weight_drops_from_given_start",
    "check_zero_weight_drops_from_default_start",
    "check_weights_matter",
    "check_partial_fit_takes_weights",
)
class IgnoresWeights(ReferenceGaussian):
    def _check_training_rows(self, X, sample_weight, reset=True):
        super()._check_training_rows(X, sample_weight, reset)
        return np.asarray(X, dtype=float), None


@caught_by("check_weights_are_repeats_from_given_start")
class StartsWithoutWeights(ReferenceGaussian):
    def _fit(self, X, sample_weight, rng):
        ignored = self.means_init is not None
        super()._fit(X, None if ignored else sample_weight, rng)


@caught_by("check_zero_weight_drops_from_default_start")
class FloorsWeights(ReferenceGaussian):
    def fit(self, X, y=None, sample_weight=None):
        if sample_weight is not None:
            sample_weight = np.maximum(sample_weight, 1e-6)
        return super().fit(X, y, sample_weight)


@caught_by("check_weights_are_repeats_from_default_start")
class NormalisesWeights(ReferenceGaussian):
    def _fit(self, X, sample_weight, rng):
        super()._fit(X, sample_weight, rng)
        n_rows = len(X)  # and not the sum of weights
        self.covariance_ = self.covariance_ * n_rows / (n_rows - 1.0)


@caught_by("check_score_takes_weights")
class ScoreIgnoresWeights(ReferenceGaussian):
    def score(self, X, y=None, sample_weight=None):
        return super().score(X)


# Seeds


@caught_by("check_same_seed_same_bytes", "check_global_random_state_untouched")
class GlobalRandomness(ReferenceGaussian):
    def _fit(self, X, sample_weight, rng):
        super()._fit(X, sample_weight, rng)
        self.means_ = self.means_ + 1e-12 * np.random.normal()


@caught_by("check_global_random_state_untouched")
class PythonRandomness(ReferenceGaussian):
    def _sample(self, n_samples, rng):
        return super()._sample(n_samples, rng) + 1e-12 * random.random()


@caught_by("check_same_bytes_for_any_n_jobs")
class ThreadsChangeSums(ReferenceGaussian):
    def _fit(self, X, sample_weight, rng):
        super()._fit(X, sample_weight, rng)
        parts = np.array_split(X, self.n_jobs or 1)
        self.means_ = np.sum([part.sum(axis=0) for part in parts], axis=0) / len(X)


@caught_by("check_global_random_state_unread")
class LegacySeed(ReferenceGaussian):
    def _draw_generator(self, random_state):
        seed = self.random_state if random_state is None else random_state
        return as_generator(np.random.randint(2**31) if seed is None else seed)


@caught_by(
    "check_draws_repeat_with_a_seed_only",
    "check_conditional_draws_repeat_with_a_seed_only",
)
class IgnoresSeeds(ReferenceGaussian):
    def _draw_generator(self, random_state):
        return as_generator(None)


@caught_by(
    "check_draws_repeat_with_a_seed_only",
    "check_conditional_draws_repeat_with_a_seed_only",
)
class AlwaysTheSame(ReferenceGaussian):
    def _draw_generator(self, random_state):
        return as_generator(0)


# State


@caught_by("check_inputs_untouched")
class WritesToRows(ReferenceGaussian):
    def _score_samples(self, X):
        if X.flags.writeable:
            X *= 1.0 + 1e-12
        return super()._score_samples(X)


@caught_by("check_inputs_untouched", raises=ValueError)
class NeedsWriteableRows(ReferenceGaussian):
    def _score_samples(self, X):
        X[0] = X[0]
        return super()._score_samples(X)


@caught_by("check_inputs_untouched")
class KeepsTheRows(ReferenceGaussian):
    def _fit(self, X, sample_weight, rng):
        super()._fit(X, sample_weight, rng)
        self.rows_ = X

    def _score_samples(self, X):
        return super()._score_samples(X) + 1e-9 * self.rows_[0, 0]


@caught_by("check_parameters_untouched")
class WritesParameters(ReferenceGaussian):
    def _fit(self, X, sample_weight, rng):
        super()._fit(X, sample_weight, rng)
        self.means_init = self.means_


@caught_by("check_fit_returns_self")
class ReturnsNothing(ReferenceGaussian):
    def fit(self, X, y=None, sample_weight=None):
        super().fit(X, y, sample_weight)


@caught_by("check_fit_returns_self")
class UsesLabels(ReferenceGaussian):
    def fit(self, X, y=None, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.means_ = self.means_ + 0.1 * (y is not None)
        return self


@caught_by("check_fit_forgets")
class Remembers(ReferenceGaussian):
    def _fit(self, X, sample_weight, rng):
        before = getattr(self, "means_", 0.0)
        super()._fit(X, sample_weight, rng)
        if np.shape(before) == np.shape(self.means_):
            self.means_ = self.means_ + 1e-9 * before

    def fit(self, X, y=None, sample_weight=None):
        self.n_fits_ = getattr(self, "n_fits_", 0) + 1
        super().fit(X, y, sample_weight)
        self.means_ = self.means_ + 1e-9 * self.n_fits_
        return self


@caught_by("check_failed_fit_keeps_the_model")
class LosesTheModel(ReferenceGaussian):
    def _kept_on_failure(self):
        return nullcontext()


@caught_by("check_failed_fit_keeps_the_model", raises=AttributeError)
class ClearsTheModel(ReferenceGaussian):
    def fit(self, X, y=None, sample_weight=None):
        for key in [key for key in vars(self) if key.endswith("_")]:
            delattr(self, key)
        return super().fit(X, y, sample_weight)


@caught_by("check_pickle_round_trip", "check_skops_round_trip")
class LosesPrecision(ReferenceGaussian):
    def __setstate__(self, state):
        super().__setstate__(state)
        if hasattr(self, "means_"):
            self.means_ = np.round(self.means_, 6)


class Secret:
    """A type that nobody was told to trust."""


@caught_by("check_skops_round_trip")
class UnlistedType(ReferenceGaussian):
    def _fit(self, X, sample_weight, rng):
        super()._fit(X, sample_weight, rng)
        self.history_ = Secret()


@caught_by("check_clone_is_unfitted_and_equal")
class ClonesItsFit(ReferenceGaussian):
    def __sklearn_clone__(self):
        copy = type(self)(**self.get_params())
        vars(copy).update(vars(self))
        return copy


@caught_by("check_searches_by_likelihood", raises=TypeError)
class NeedsLabels(ReferenceGaussian):
    def score(self, X, y, sample_weight=None):
        return super().score(X, y, sample_weight)
