"""How a density takes sample weights."""

import inspect

from sklearn import get_config


def weight_params(density, sample_weight):
    """Name the parameters of `density.fit` that carry the weights.

    Parameters
    ----------
    density : estimator instance
        A model, a pipeline of transformers and a model, or a search.
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
    steps = getattr(density, "steps", None)
    if steps is not None and _takes_weights(steps[-1][1]):
        weighted = [name for name, step in steps if _takes_weights(step)]
        return {f"{name}__sample_weight": sample_weight for name in weighted}
    if steps is None and (_takes_weights(density) or _takes_anything(density)):
        return {"sample_weight": sample_weight}
    model = density if steps is None else steps[-1][1]
    raise ValueError(
        f"sample_weight was given, but {type(model).__name__}.fit takes none. Leave it "
        "out, or use a density that takes weights."
    )


def _takes_weights(step):
    return hasattr(step, "fit") and "sample_weight" in _fit_parameters(step)


def _takes_anything(step):
    return any(p.kind is p.VAR_KEYWORD for p in _fit_parameters(step).values())


def _fit_parameters(step):
    return inspect.signature(step.fit).parameters
