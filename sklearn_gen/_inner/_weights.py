"""How a density takes sample weights."""

import inspect

from sklearn import get_config

from sklearn_gen._validation import is_search


def weight_params(density, sample_weight):
    """Name the parameters of `density.fit` that carry the weights.

    Parameters
    ----------
    density : estimator instance
        A model, a pipeline of transformers and a model, or a search over either.
    sample_weight : ndarray of shape (n_samples,)
        Weights.

    Returns
    -------
    params : dict
        For a pipeline, one entry for each step that takes weights.

    Raises
    ------
    ValueError
        If the density takes none.
    """
    if get_config()["enable_metadata_routing"]:
        return {"sample_weight": sample_weight}
    return dict.fromkeys(_weight_names(density), sample_weight)


def takes_weights(density):
    """Say whether a density's fit takes sample weights, also inside a pipeline."""
    if get_config()["enable_metadata_routing"]:
        return True
    try:
        return bool(_weight_names(density))
    except ValueError:
        return False


def _weight_names(density):
    if is_search(density):  # hands what its fit gets to that of its estimator
        return _weight_names(density.estimator)
    if hasattr(density, "steps"):
        *transformers, (last, model) = density.steps
        weighted = [name for name, step in transformers if _takes_weights(step)]
        return [f"{name}__sample_weight" for name in weighted] + [
            f"{last}__{name}" for name in _weight_names(model)
        ]
    if _takes_weights(density) or _takes_anything(density):
        return ["sample_weight"]
    raise ValueError(
        f"sample_weight was given, but {type(density).__name__}.fit takes none. Leave "
        "it out, or use a density that takes weights."
    )


def _takes_weights(step):
    return hasattr(step, "fit") and "sample_weight" in _fit_parameters(step)


def _takes_anything(step):
    return any(p.kind is p.VAR_KEYWORD for p in _fit_parameters(step).values())


def _fit_parameters(step):
    return inspect.signature(step.fit).parameters
