"""What the detector asks of the density inside it."""

import numpy as np
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity

from sklearn_gen._validation import chosen

# scikit-learn's own, which declare nothing. Not their subclasses, which may differ.
_KNOWN_EXACT = (GaussianMixture, KernelDensity)


def density_kind_of(density):
    """Return the nature of a density's `score_samples`.

    Returns
    -------
    kind : str
        'exact', 'lower_bound' or 'estimate'.

    Raises
    ------
    AttributeError
        If the model doesn't declare it.
    """
    model = chosen(density)
    if type(model) in _KNOWN_EXACT:
        return "exact"
    if not hasattr(model, "density_kind"):
        raise AttributeError(
            f"The detector's inner model, {type(model).__name__}, doesn't declare "
            "density_kind, so whether its scores are exact isn't known. Models of "
            "sklearn_gen declare it; in your own, set density_kind to 'exact', "
            "'lower_bound' or 'estimate'."
        )
    return model.density_kind


def log_density(density, X):
    """Return a density's scores of rows.

    Returns
    -------
    log_prob : ndarray of float64 of shape (n_samples,)
    """
    return np.asarray(density.score_samples(X), dtype=np.float64)
