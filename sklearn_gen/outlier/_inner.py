"""What the detector asks of the density inside it."""

from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import Pipeline

# scikit-learn's own, which declare nothing. Not their subclasses, which may differ.
_KNOWN_EXACT = (GaussianMixture, KernelDensity)


def chosen(density):
    """Look into a search for its model: the one it chose, or will clone."""
    while True:
        if hasattr(density, "best_estimator_"):
            density = density.best_estimator_
        elif is_search(density):
            density = density.estimator
        else:
            return density


def is_search(estimator):
    """Say whether an estimator searches the parameters of another."""
    return hasattr(estimator, "estimator") and hasattr(estimator, "refit")


def refuse_plain_pipeline(density):
    """Raise where transformers' Jacobians are left out, also inside a search.

    Raises
    ------
    TypeError
        If the density is scikit-learn's Pipeline, with a transformer.
    """
    density = chosen(density)
    if not isinstance(density, Pipeline):
        return
    *transformers, (_, model) = density.steps
    declares = hasattr(type(density), "density_kind")
    if not declares and any(t not in (None, "passthrough") for _, t in transformers):
        raise TypeError(
            f"estimator is or holds a scikit-learn {type(density).__name__}, whose "
            "score_samples leaves out the Jacobian of the transformers and so is "
            "no density of the input. Use make_generative_pipeline or "
            "GenerativePipeline from sklearn_gen.compose with the same steps."
        )
    refuse_plain_pipeline(model)


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
