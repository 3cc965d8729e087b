"""Mixture models: p(x) is a weighted sum of simple densities."""

from sklearn_gen.mixture._gaussian_mixture import GaussianMixture

__all__ = ["GaussianMixture"]
