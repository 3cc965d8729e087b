"""More models with one defect each: containers, batches, malformed and scarce rows."""

import warnings

import numpy as np

from sklearn_gen.base import ComponentMixin, DiscreteColumnWarning, LatentMixin
from tests.broken_models import caught_by
from tests.reference_models import ReferenceGaussian


class Deaf(ReferenceGaussian):
    """Accepts whatever it is given."""

    def fit(self, X=None, y=None, sample_weight=None):
        self.n_features_in_ = 2
        return self

    def _zeros(self, X=None, *args, **kwargs):
        return np.zeros(1)

    score_samples = score = sample = sample_conditional = bic = aic = _zeros
    partial_fit = fit


class Mumbles(ReferenceGaussian):
    """Refuses what it should without saying what, why or what to do."""

    def __getattribute__(self, name):
        value = super().__getattribute__(name)
        if name in {"fit", "score_samples", "score", "sample", "sample_conditional"}:
            return _mumbling(value)
        return value


def _mumbling(method):
    def call(*args, **kwargs):
        try:
            return method(*args, **kwargs)
        except (ValueError, TypeError, AttributeError):
            raise ValueError("bad input") from None

    return call


@caught_by("check_unfitted_use_refused")
class WorksUnfitted(Deaf):
    pass


@caught_by("check_parameters_refused")
class AcceptsAnyParameter(ReferenceGaussian):
    _parameter_constraints = {}  # noqa: RUF012  as scikit-learn has it


class TakesNoMissingValues(ReferenceGaussian):
    _allow_nan = False


@caught_by("check_missing_values_refused")
class ImputesSilently(TakesNoMissingValues):
    def fit(self, X, y=None, sample_weight=None):
        return super().fit(np.nan_to_num(X), y, sample_weight)


@caught_by("check_missing_values_refused")
class MumblesOfMissingValues(TakesNoMissingValues):
    fit = _mumbling(ReferenceGaussian.fit)


# Capabilities


@caught_by("check_density_kind")
class UnknownKind(ReferenceGaussian):
    density_kind = property(lambda self: "approximate")


@caught_by("check_density_kind")
class WriteableKind(ReferenceGaussian):
    density_kind = "exact"


@caught_by("check_conditional_kind")
class UnknownConditionalKind(ReferenceGaussian):
    conditional_kind = "rejection"


@caught_by("check_components")
class ComponentsDontSum(ComponentMixin, ReferenceGaussian):
    def _predict_proba(self, X):
        return np.full((len(X), 2), [0.5, 0.5 + 1e-6])


@caught_by("check_components")
class PredictsTheSmallest(ComponentMixin, ReferenceGaussian):
    def _predict_proba(self, X):
        return np.full((len(X), 2), [0.4, 0.6])

    def predict(self, X):
        return self.predict_proba(X).argmin(axis=1)


@caught_by("check_latent_round_trip")
class DropsColumns(LatentMixin, ReferenceGaussian):
    def _transform(self, X):
        return X - self.means_

    def _inverse_transform(self, Z):
        return (Z + self.means_)[:, :-1]


class Detector(ReferenceGaussian):
    offset_ = -3.0

    def decision_function(self, X):
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def fit_predict(self, X, y=None):
        return self.fit(X).predict(X)

    def explain(self, X):
        return X - self.means_


@caught_by("check_outlier_decisions")
class OppositeSigns(Detector):
    def predict(self, X):
        return -super().predict(X)


@caught_by("check_outlier_decisions")
class ForgetsItsOffset(Detector):
    def decision_function(self, X):
        return self.score_samples(X)


@caught_by("check_explanations")
class ExplainsRows(Detector):
    def explain(self, X):
        return super().explain(X).sum(axis=1)


# Batches


@caught_by("check_partial_fit_learns")
class LearnsOnce(ReferenceGaussian):
    def partial_fit(self, X, y=None, sample_weight=None):
        if hasattr(self, "means_"):
            return self
        return super().partial_fit(X, y, sample_weight)


@caught_by("check_partial_fit_goes_on_from_fit", "check_partial_fit_learns")
class DriftsAway(ReferenceGaussian):
    def partial_fit(self, X, y=None, sample_weight=None):
        super().partial_fit(X, y, sample_weight)
        self.means_ = self.means_ + 3.0 * np.std(X, axis=0)
        return self


@caught_by("check_partial_fit_repeats_under_a_seed")
class RandomBatches(ReferenceGaussian):
    def partial_fit(self, X, y=None, sample_weight=None):
        noise = 1e-9 * np.random.default_rng().normal(size=np.shape(X))
        return super().partial_fit(X + noise, y, sample_weight)


# Containers


@caught_by("check_memory_layouts")
class ReadsMemoryOrder(ReferenceGaussian):
    def score_samples(self, X):
        if isinstance(X, np.ndarray):
            X = X.ravel("K").reshape(X.shape)
        return super().score_samples(X)


@caught_by("check_float32_rows")
class HalfPrecision(ReferenceGaussian):
    def _score_samples(self, X):
        if X.dtype == np.float32:
            X = X.astype(np.float16)
        return super()._score_samples(X)


@caught_by("check_pandas", "check_polars")
class ForgetsTheFrame(ReferenceGaussian):
    def sample(self, n_samples=1, *, random_state=None):
        return np.asarray(super().sample(n_samples, random_state=random_state))


@caught_by("check_pandas")
class LosesTheIndex(ReferenceGaussian):
    def sample_conditional(self, X, *, random_state=None):
        rows = super().sample_conditional(X, random_state=random_state)
        return rows.reset_index(drop=True) if hasattr(rows, "reset_index") else rows


@caught_by("check_polars")
class PandasOnly(ReferenceGaussian):
    def sample_conditional(self, X, *, random_state=None):
        rows = super().sample_conditional(X, random_state=random_state)
        return rows.to_numpy() if hasattr(rows, "to_dicts") else rows


@caught_by("check_missing_values_in_frames")
class NullsAreZero(ReferenceGaussian):
    def score_samples(self, X):
        return super().score_samples(X.fillna(0.0) if hasattr(X, "fillna") else X)


@caught_by("check_weights_in_series")
class AlignsWeights(ReferenceGaussian):
    def fit(self, X, y=None, sample_weight=None):
        if hasattr(sample_weight, "sort_index"):
            sample_weight = sample_weight.sort_index()
        return super().fit(X, y, sample_weight)


# Scarce and degenerate rows


@caught_by(
    "check_degenerate_rows_fit[a constant column]",
    "check_degenerate_rows_fit[only one value]",
    "check_degenerate_rows_fit[one-hot columns]",
    "check_degenerate_rows_fit[a column that copies another]",
    "check_degenerate_rows_fit[copied columns beside an outlier]",
    "check_degenerate_rows_fit[more columns than rows]",
    "check_single_row_fits",
    raises=np.linalg.LinAlgError,
)
class Unregularised(ReferenceGaussian):
    def _set(self, mean, covariance):
        np.linalg.cholesky(covariance - 1e-12 * np.diag(np.diag(covariance)))
        super()._set(mean, covariance)


@caught_by("check_degenerate_rows_fit[values of 1e-8]", raises=np.linalg.LinAlgError)
class AbsoluteThreshold(ReferenceGaussian):
    def _set(self, mean, covariance):
        if np.linalg.det(covariance) < 1e-30:
            raise np.linalg.LinAlgError("singular")
        super()._set(mean, covariance)


@caught_by("check_degenerate_rows_fit[far from zero]", raises=np.linalg.LinAlgError)
class CancelsMoments(ReferenceGaussian):
    def _set(self, mean, covariance):
        square = np.outer(mean, mean)
        self.means_, self.covariance_ = mean, (covariance + square) - square


@caught_by(
    "check_degenerate_rows_fit[values of 1e8]",
    "check_degenerate_rows_fit[unlike scales]",
    "check_degenerate_rows_fit[outliers at 1e8]",
    raises=RuntimeWarning,
)
class Overflows(ReferenceGaussian):
    def _score_samples(self, X):
        largest = np.abs(np.nan_to_num(X)).max()
        return super()._score_samples(X) + 0.0 * np.exp(np.float64(largest) / 1e4)


@caught_by(
    "check_degenerate_rows_fit[as many rows as components]",
    "check_degenerate_rows_fit[fewer distinct rows than components]",
    "check_degenerate_rows_fit[fewer rows than components]",
    raises=np.linalg.LinAlgError,
)
class NeedsManyRows(ReferenceGaussian):
    def _fit(self, X, sample_weight, rng):
        if len(np.unique(X, axis=0)) < 5:
            raise np.linalg.LinAlgError("leading minor not positive definite")
        super()._fit(X, sample_weight, rng)


@caught_by(
    "check_degenerate_rows_fit[a constant column]",
    "check_degenerate_rows_fit[only one value]",
    "check_degenerate_rows_fit[one-hot columns]",
    "check_degenerate_rows_fit[rows repeated]",
    "check_degenerate_rows_fit[more columns than rows]",
    "check_single_row_fits",
    "check_repeated_values_warn",
)
class SaysNothing(ReferenceGaussian):
    def _dequantized_columns(self):
        return range(self.n_features_in_)

    def _set(self, mean, covariance):
        self.means_ = mean
        self.covariance_ = covariance + 1e-6 * np.eye(len(mean))


@caught_by("check_healthy_rows_raise_no_warning", "check_repeated_values_warn")
class CriesWolf(ReferenceGaussian):
    def _fit(self, X, sample_weight, rng):
        super()._fit(X, sample_weight, rng)
        labels = ", ".join(self.schema_.label(j) for j in range(X.shape[1]))
        message = f"Values repeat in {labels}: set dequantize= or use TableMixture."
        warnings.warn(message, DiscreteColumnWarning, stacklevel=2)


@caught_by("check_fit_with_missing_values")
class ZerosForMissing(ReferenceGaussian):
    def _fill(self, X):
        return np.where(np.isnan(X), -50.0, X)


@caught_by("check_column_without_values")
class SilentOnEmptyColumns(ReferenceGaussian):
    def _fill(self, X):
        return np.nan_to_num(X)

    def _set(self, mean, covariance):
        self.means_ = mean
        self.covariance_ = covariance + 1e-6 * np.eye(len(mean))


@caught_by("check_extreme_weights_fit")
class ForgetsToNormalise(ReferenceGaussian):
    def _set(self, mean, covariance):
        if self.total_ < 10.0:
            covariance = covariance * np.nan
        super()._set(mean, covariance)
