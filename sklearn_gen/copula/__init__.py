"""Copulas: any marginals, tied together by correlated normal scores."""

from sklearn_gen.copula._gaussian_copula import GaussianCopula

__all__ = ["GaussianCopula"]
