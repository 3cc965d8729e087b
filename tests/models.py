"""The registry: every public estimator in the variants that the contract is run on.

A new model adds one line to MODELS. EXPECTED_FAILURES is the only list of
scikit-learn's checks that fail, each with why the check contradicts what the estimator
is; a check listed here that passes is an error (xfail_strict).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from sklearn.preprocessing import PowerTransformer, StandardScaler

from sklearn_gen.classifier import GenerativeClassifier
from sklearn_gen.compose import (
    BijectiveTransformer,
    GenerativePipeline,
    make_generative_pipeline,
)
from sklearn_gen.copula import GaussianCopula
from sklearn_gen.hmm import (
    AutoregressiveHMM,
    BernoulliHMM,
    CategoricalHMM,
    GaussianHMM,
    GaussianMixtureHMM,
    MixedHMM,
    MultinomialHMM,
    PoissonHMM,
    SequenceClassifier,
    StudentTHMM,
    VariationalCategoricalHMM,
    VariationalGaussianHMM,
)
from sklearn_gen.imputer import GenerativeImputer
from sklearn_gen.mixture import (
    AdaptiveKernelDensity,
    BayesianGaussianMixture,
    BernoulliMixture,
    CategoricalMixture,
    ChowLiuTree,
    GaussianMixture,
    MixtureOfFactorAnalyzers,
    MixtureOfTrees,
    PoissonMixture,
    RobustGaussianMixture,
    StudentTMixture,
    TableMixture,
)
from sklearn_gen.outlier import (
    ConformalOutlierDetector,
    DensityOutlierDetector,
    TrimmedDensity,
)
from sklearn_gen.rbm import (
    RBM,
    BernoulliRBM,
    CategoricalRBM,
    ClassificationRBM,
    DeepBeliefNetwork,
    GaussianRBM,
)
from sklearn_gen.regressor import GenerativeRegressor
from sklearn_gen.resampler import GenerativeResampler


class LogDerivativeOfArcsinh:
    """A function whose name holds no address: tests run in several processes."""

    def __call__(self, X):
        return -0.5 * np.log1p(X * X)

    def __repr__(self):
        return "log_derivative_of_arcsinh"


MODELS = [
    GaussianMixture(),
    GaussianMixture(n_components=3, covariance_type="full"),
    GaussianMixture(n_components=2, covariance_type="tied"),
    GaussianMixture(n_components=2, covariance_type="diag"),
    GaussianMixture(n_components=2, covariance_type="spherical"),
    GaussianMixture(n_components=2, init_params="k-means++", reg_covar="scale"),
    GaussianMixture(n_components=2, init_params="random", n_init=2),
    GaussianMixture(n_components=2, dequantize="auto"),
    GaussianMixture(n_components=3, covariance_type="VEI"),
    GaussianMixture(n_components=3, covariance_type="EEV"),
    GaussianMixture(n_components=2, noise=0.1),
    GaussianMixture(n_components="auto"),
    RobustGaussianMixture(n_components=(2, 3), n_members=2),
    AdaptiveKernelDensity(),
    StudentTMixture(n_components=2),
    StudentTMixture(n_components=2, covariance_type="diag", dof=4.0),
    MixtureOfFactorAnalyzers(n_components=2, n_factors=1),
    MixtureOfFactorAnalyzers(n_components=2, n_factors=2, noise="isotropic"),
    # A component without rows has the tails of its prior, Cauchy's: with the default
    # weight a millionth of the mass lies beyond the grid of the check.
    BayesianGaussianMixture(n_components=2, weight_concentration_prior=0.01),
    BayesianGaussianMixture(
        n_components=2,
        covariance_type="tied",
        weight_concentration_prior_type="dirichlet_distribution",
    ),
    GaussianCopula(),
    GaussianCopula("gaussian"),
    TableMixture(),
    TableMixture(n_components=3, families="gaussian", smoothing=0.3),
    TableMixture(
        n_components=2,
        families="gaussian",
        gaussian_block="continuous",
        smoothing=0.3,
    ),
    BernoulliMixture(n_components=2),
    CategoricalMixture(n_components=2),
    PoissonMixture(n_components=2),
    ChowLiuTree(max_levels=8),
    MixtureOfTrees(n_components=2, max_levels=8),
    GaussianHMM(n_components=2),
    GaussianHMM(n_components=2, covariance_type="full", topology="cyclic"),
    AutoregressiveHMM(n_components=2),
    AutoregressiveHMM(n_components=2, order=2, covariance_type="full"),
    MultinomialHMM(n_components=2),
    # at 1e-6 nats a row the checks of this class took 70 s, an eighth of all
    StudentTHMM(n_components=2, tol=1e-4),
    StudentTHMM(n_components=2, covariance_type="full", dof=4.0, tol=1e-4),
    GaussianMixtureHMM(n_components=2),
    GaussianMixtureHMM(n_components=2, n_mix=3, covariance_type="tied"),
    MixedHMM(n_components=2),
    CategoricalHMM(n_components=2),
    BernoulliHMM(n_components=2),
    PoissonHMM(n_components=2),
    VariationalCategoricalHMM(n_components=2),
    VariationalGaussianHMM(n_components=2),
    BernoulliRBM(),
    BernoulliRBM(n_components=4, optimizer="adam", learning_rate=0.01, l2=1e-3),
    BernoulliRBM(method="tempering", binarize=0.5, n_temperatures=4),
    GaussianRBM(n_components=3),
    CategoricalRBM(),
    RBM(n_components=3),
    ClassificationRBM(),
    ClassificationRBM(n_components=4, objective="generative"),
    DeepBeliefNetwork(),
    # scikit-learn's checks don't reach the seed of a step.
    make_generative_pipeline(
        StandardScaler(), GaussianMixture(n_components=2, random_state=0)
    ),
    make_generative_pipeline(PowerTransformer(), GaussianMixture()),
    DensityOutlierDetector(),
    DensityOutlierDetector(regime="novelty"),
    TrimmedDensity(GaussianMixture(), n_refits=10),
    DensityOutlierDetector(
        make_generative_pipeline(StandardScaler(), GaussianMixture()), contamination=0.1
    ),
    ConformalOutlierDetector(),
    ConformalOutlierDetector(
        GaussianMixture(n_components=2, random_state=0), method="cross", cv=3
    ),
    BijectiveTransformer(np.arcsinh, np.sinh, LogDerivativeOfArcsinh()),
    GenerativeClassifier(GaussianMixture(reg_covar=1e-3)),
    GenerativeClassifier(unlabeled="unknown"),
    # The check's rows as sequences of one row, whose ids are its first column.
    SequenceClassifier(GaussianHMM(n_components=2, random_state=0), group_column=0),
    GenerativeRegressor(GaussianMixture(reg_covar=1e-3)),
    GenerativeRegressor(),
    GenerativeResampler(),
    GenerativeImputer(),
    GenerativeImputer(GaussianMixture(), strategy="draw", add_indicator=True),
]


class Expected(NamedTuple):
    """A check of scikit-learn that contradicts what an estimator is."""

    check: str
    applies_to: Callable
    reason: str


def is_pipeline(estimator):
    return isinstance(estimator, GenerativePipeline)


def starts_with_powers(estimator):
    return is_pipeline(estimator) and isinstance(
        estimator.steps[0][1], PowerTransformer
    )


def is_conformal(estimator):
    return isinstance(estimator, ConformalOutlierDetector)


def is_for_novelty(estimator):
    return getattr(estimator, "regime", None) == "novelty"


def classifies_sequences(estimator):
    return isinstance(estimator, SequenceClassifier)


IDS = (
    "The first column holds ids of sequences: it is no feature, and ids that are "
    "missing, no scalars, or return after others are refused."
)
POWERS = (
    "The check's rows are 100 +- 1, where PowerTransformer's powers differ by less "
    "than floating point can tell: such a fit is refused (a scaler must come first)."
)
STEPS = (
    "A pipeline fits its steps in place, as scikit-learn's Pipeline does, which "
    "expects the same failure."
)
SPLIT = (
    "Rows are split at random into those to fit to and those to calibrate with: copies "
    "of a row may part, which a weight can't."
)
NOVELTY = (
    "Clean training rows are learned whole, and rows held out set the threshold: no "
    "training row is an outlier, where the check wants some."
)
TRIALS = (
    "The default's size is chosen by cross-validation: copies of a row may part "
    "between what is learned from and what is predicted, which a weight can't."
)
BEFORE = "A row is regressed on those before it: in another order on others."
EXPECTED_FAILURES = [
    *(
        Expected(check, lambda e: isinstance(e, AutoregressiveHMM), BEFORE)
        for check in (
            "check_methods_sample_order_invariance",
            "check_methods_subset_invariance",
        )
    ),
    *(
        Expected(check, classifies_sequences, IDS)
        for check in (
            "check_classifier_data_not_an_array",
            "check_dtype_object",
            "check_estimators_dtypes",
            "check_estimators_pickle",
            "check_fit2d_1feature",
            "check_n_features_in",
            "check_n_features_in_after_fitting",
            "check_positive_only_tag_during_fit",
        )
    ),
    Expected(
        "check_classifiers_train",
        classifies_sequences,
        "Of the check's two features the first holds ids of sequences: the other alone "
        "doesn't tell its three classes apart.",
    ),
    Expected(
        "check_sample_weight_equivalence_on_dense_data",
        lambda e: isinstance(e, TableMixture) and getattr(e, "smoothing", 0) == "auto",
        "Random rows are held out to choose the number of components and the "
        "smoothing: a repeated row may be on both sides, its weight is not.",
    ),
    Expected(
        "check_sample_weight_equivalence_on_dense_data",
        lambda estimator: (
            isinstance(estimator, GenerativeClassifier | GenerativeRegressor)
            and estimator.estimator is None
        ),
        TRIALS,
    ),
    Expected("check_sample_weight_equivalence_on_dense_data", is_conformal, SPLIT),
    Expected(
        "check_outliers_train",
        lambda estimator: is_conformal(estimator) and estimator.method == "cross",
        "The check wants one offset between scores and decisions; each fold's model "
        "has its own calibration scores, and a row is judged by all folds' counts.",
    ),
    Expected("check_dont_overwrite_parameters", is_pipeline, STEPS),
    Expected("check_estimators_overwrite_params", is_pipeline, STEPS),
    Expected("check_fit_idempotent", starts_with_powers, POWERS),
    Expected("check_fit_check_is_fitted", starts_with_powers, POWERS),
    Expected("check_n_features_in", starts_with_powers, POWERS),
    Expected(
        "check_sample_weight_equivalence_on_dense_data",
        lambda estimator: getattr(estimator, "init_params", None) == "random",
        "init_params='random' draws a number for each row and component, as "
        "scikit-learn has it: repeating a row draws more and moves the stream.",
    ),
    Expected("check_outliers_train", is_for_novelty, NOVELTY),
    Expected("check_outliers_fit_predict", is_for_novelty, NOVELTY),
    Expected(
        "check_sample_weight_equivalence_on_dense_data",
        is_for_novelty,
        "A random quarter of the rows is held out to set the threshold: a repeated row "
        "may be on both sides, its weight is not.",
    ),
    Expected(
        "check_sample_weight_equivalence_on_dense_data",
        lambda estimator: getattr(estimator, "dequantize", None) == "auto",
        "dequantize='auto' spreads repeated values over the grid they lie on: a "
        "repeated row is evidence of a grid, which its weight is not.",
    ),
]


def expected_failures(estimator):
    """Look up what `parametrize_with_checks` should expect to fail."""
    return {
        expected.check: expected.reason
        for expected in EXPECTED_FAILURES
        if expected.applies_to(estimator)
    }
