"""The registry: every public estimator in the variants that the contract is run on.

A new model adds one line to MODELS. EXPECTED_FAILURES is the only list of
scikit-learn's checks that fail, each with why the check contradicts what the estimator
is; a check listed here that passes is an error (xfail_strict).
"""

import numpy as np
from sklearn.preprocessing import PowerTransformer, StandardScaler

from sklearn_gen.compose import BijectiveTransformer, make_generative_pipeline
from sklearn_gen.mixture import GaussianMixture
from sklearn_gen.outlier import DensityOutlierDetector


def log_derivative_of_arcsinh(X):
    return -0.5 * np.log1p(X * X)


MODELS = [
    GaussianMixture(),
    GaussianMixture(n_components=3, covariance_type="full"),
    GaussianMixture(n_components=2, covariance_type="tied"),
    GaussianMixture(n_components=2, covariance_type="diag"),
    GaussianMixture(n_components=2, covariance_type="spherical"),
    GaussianMixture(n_components=2, init_params="k-means++", reg_covar="scale"),
    GaussianMixture(n_components=2, init_params="random", n_init=2),
    GaussianMixture(n_components=2, init_params="random_from_data"),
    make_generative_pipeline(StandardScaler(), GaussianMixture(n_components=2)),
    make_generative_pipeline(PowerTransformer(), GaussianMixture()),
    DensityOutlierDetector(),
    DensityOutlierDetector(
        make_generative_pipeline(StandardScaler(), GaussianMixture()), contamination=0.1
    ),
    BijectiveTransformer(np.arcsinh, np.sinh, log_derivative_of_arcsinh),
]

# class name -> {name of scikit-learn's check: reason}
EXPECTED_FAILURES = {}


def expected_failures(estimator):
    """Look up what `parametrize_with_checks` should expect to fail."""
    return EXPECTED_FAILURES.get(type(estimator).__name__, {})
