"""Mixture models: p(x) is a weighted sum of simple densities."""

from sklearn_gen.mixture._adaptive_kernel_density import AdaptiveKernelDensity
from sklearn_gen.mixture._chow_liu_tree import ChowLiuTree
from sklearn_gen.mixture._gaussian_mixture import GaussianMixture
from sklearn_gen.mixture._mixture_of_trees import MixtureOfTrees
from sklearn_gen.mixture._robust_gaussian_mixture import RobustGaussianMixture

__all__ = [
    "AdaptiveKernelDensity",
    "ChowLiuTree",
    "GaussianMixture",
    "MixtureOfTrees",
    "RobustGaussianMixture",
]
