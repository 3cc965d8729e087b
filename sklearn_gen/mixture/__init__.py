"""Mixture models: p(x) is a weighted sum of simple densities."""

from sklearn_gen.mixture._adaptive_kernel_density import AdaptiveKernelDensity
from sklearn_gen.mixture._bayesian_gaussian_mixture import BayesianGaussianMixture
from sklearn_gen.mixture._bernoulli_mixture import BernoulliMixture
from sklearn_gen.mixture._categorical_mixture import CategoricalMixture
from sklearn_gen.mixture._chow_liu_tree import ChowLiuTree
from sklearn_gen.mixture._factor_analyzers import MixtureOfFactorAnalyzers
from sklearn_gen.mixture._gaussian_mixture import GaussianMixture
from sklearn_gen.mixture._mixture_of_trees import MixtureOfTrees
from sklearn_gen.mixture._poisson_mixture import PoissonMixture
from sklearn_gen.mixture._robust_gaussian_mixture import RobustGaussianMixture
from sklearn_gen.mixture._student_t_mixture import StudentTMixture
from sklearn_gen.mixture._table_mixture import TableMixture

__all__ = [
    "AdaptiveKernelDensity",
    "BayesianGaussianMixture",
    "BernoulliMixture",
    "CategoricalMixture",
    "ChowLiuTree",
    "GaussianMixture",
    "MixtureOfFactorAnalyzers",
    "MixtureOfTrees",
    "PoissonMixture",
    "RobustGaussianMixture",
    "StudentTMixture",
    "TableMixture",
]
