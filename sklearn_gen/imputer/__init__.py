"""Missing cells, completed by any density that knows conditionals."""

from sklearn_gen.imputer._imputer import GenerativeImputer
from sklearn_gen.imputer._pooling import PooledEstimates, pool_estimates

__all__ = ["GenerativeImputer", "PooledEstimates", "pool_estimates"]
