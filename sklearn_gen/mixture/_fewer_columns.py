"""What marginals and conditionals of a fitted model take over from it."""

import numpy as np


def gaps_of_one_row(rows):
    """Say which cells of the one row are missing.

    Parameters
    ----------
    rows : ndarray of shape (1, n_features)
        NaN is missing.

    Returns
    -------
    missing : ndarray of bool, shape (n_features,)

    Raises
    ------
    ValueError
        If there isn't one row, or nothing or everything is missing.
    """
    missing = np.isnan(rows)
    if len(rows) != 1 or missing.all() or not missing.any():
        raise ValueError(
            "conditional takes one row with some cells observed and some NaN, got "
            f"{len(rows)} row(s) with {int(missing.sum())} of {rows.size} cells "
            "NaN. For draws of many rows use sample_conditional."
        )
    return missing[0]


def take_columns(derived, model, columns):
    """Give a model the names and types of some columns of another."""
    derived.schema_ = model.schema_.select(columns)
    derived.n_features_in_ = len(columns)
    if hasattr(model, "feature_names_in_"):
        derived.feature_names_in_ = model.feature_names_in_[columns]


def take_convergence(derived, model):
    """Give a model what another's EM said of itself."""
    for name in ("converged_", "n_iter_", "lower_bound_", "lower_bounds_"):
        setattr(derived, name, getattr(model, name))
