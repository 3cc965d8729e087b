"""The only file that imports scikit-learn's private names.

When scikit-learn moves one of them, this is the file to mend.
"""

import numpy as np
from sklearn.base import _fit_context as fit_context
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._param_validation import Interval, StrOptions

__all__ = [
    "Interval",
    "StrOptions",
    "column_transformer_indices",
    "fit_context",
    "power_transformer_scaling",
    "power_transformer_spread",
    "safe_indexing",
]


def power_transformer_spread(transformer):
    """Standard deviation of a fitted PowerTransformer's powers in units of their mean.

    None where it doesn't standardise, and so knows neither.
    """
    if not transformer.standardize:
        return None
    mean, variance = transformer._scaler.mean_, transformer._scaler.var_
    size = np.maximum(np.abs(mean), np.finfo(float).tiny)
    return np.sqrt(variance) / size


def power_transformer_scaling(transformer):
    """Mean and scale that a fitted PowerTransformer standardises its powers with."""
    if not transformer.standardize:
        n_features = transformer.n_features_in_
        return np.zeros(n_features), np.ones(n_features)
    return transformer._scaler.mean_, transformer._scaler.scale_


def column_transformer_indices(transformer):
    """Input columns of each transformer of a fitted ColumnTransformer, as positions."""
    return transformer._transformer_to_input_indices
