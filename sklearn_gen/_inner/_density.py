"""What wrappers ask of the density inside them."""

import numpy as np
from sklearn.base import clone
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity
from sklearn.utils import get_tags

from sklearn_gen._validation import chosen, refuse_plain_pipeline

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
    if not declares_kind(model):
        raise AttributeError(
            f"The inner model, {type(model).__name__}, doesn't declare "
            "density_kind, so whether its scores are exact isn't known. Models of "
            "sklearn_gen declare it; in your own, set density_kind to 'exact', "
            "'lower_bound' or 'estimate'."
        )
    return model.density_kind


def declares_kind(density):
    """Say whether a model's scores are known to be log densities of some kind."""
    model = chosen(density)
    return type(model) in _KNOWN_EXACT or hasattr(model, "density_kind")


def log_density(density, X):
    """Return a density's scores of rows.

    Returns
    -------
    log_prob : ndarray of float64 of shape (n_samples,)
    """
    return np.asarray(density.score_samples(X), dtype=np.float64)


def new_density(density, name="estimator"):
    """Clone a density to fit.

    Raises
    ------
    TypeError
        If it isn't one.
    """
    refuse_without_scores(density, name, "a density", "log density, nats per row")
    refuse_plain_pipeline(density)
    return clone(density)


def refuse_without_scores(model, name, what, meaning):
    """Raise where a model can't be fitted, or can't score rows.

    Raises
    ------
    TypeError
        Saying what is missing, and the meaning that scores must have.
    """
    missing = [m for m in ("fit", "score_samples") if not hasattr(model, m)]
    if missing or isinstance(model, type):
        lacks = f" without {' and '.join(missing)}" if missing else ", a class"
        raise TypeError(
            f"{name} must be {what}, an estimator instance with fit and "
            f"score_samples ({meaning}); got {model!r}{lacks}. "
            "sklearn_gen.all_estimators('density') lists some."
        )


def allows_gaps(density):
    """Whether a density takes NaN, and so has marginals."""
    model = chosen(density)
    return hasattr(model, "__sklearn_tags__") and get_tags(model).input_tags.allow_nan


def with_input_tags_of(model, tags):
    """Tags of an estimator that takes the rows which a model inside it takes."""
    if hasattr(model, "__sklearn_tags__"):
        inner = get_tags(model).input_tags
        tags.input_tags.allow_nan = inner.allow_nan
        tags.input_tags.sparse = inner.sparse
    return tags


def refuse_without_marginals(density, purpose):
    """Raise where a density can't leave columns out.

    Raises
    ------
    TypeError
        If it doesn't allow NaN.
    """
    model = chosen(density)
    if hasattr(model, "steps"):  # transformers say themselves where NaN stops them
        model = model.steps[-1][1]
    if not allows_gaps(model):
        raise TypeError(
            f"{purpose} needs a density that scores rows with cells left out, and "
            f"{model!r} doesn't allow NaN. Fit the detector "
            "with one that does: sklearn_gen.all_estimators('missing') lists them."
        )
