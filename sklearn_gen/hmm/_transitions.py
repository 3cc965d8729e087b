"""Initial and transition probabilities: topologies, priors, their M-step."""

import numpy as np

from sklearn_gen._columns import as_array

TOPOLOGIES = ("ergodic", "left-right", "linear", "cyclic")


def allowed_steps(topology, n_components):
    """Which states may begin a sequence, and which may follow which.

    Parameters
    ----------
    topology : str or array-like of shape (n_components, n_components)
        A name of `TOPOLOGIES`, or a mask: True (or not zero) where a state (row) may
        be followed by another (column).
    n_components : int
        Number of states.

    Returns
    -------
    starts : ndarray of bool, shape (n_components,)
    steps : ndarray of bool, shape (n_components, n_components)

    Raises
    ------
    ValueError
        If it is no such name or mask, or a state may be followed by none.
    """
    every = np.ones(n_components, dtype=bool)
    if isinstance(topology, str):
        if topology not in TOPOLOGIES:
            raise ValueError(
                f"topology must be one of {', '.join(map(repr, TOPOLOGIES))} or a mask "
                f"of shape ({n_components}, {n_components}), got {topology!r}."
            )
        if topology == "ergodic":
            return every, np.ones((n_components, n_components), dtype=bool)
        if topology == "cyclic":
            stay = np.eye(n_components, dtype=bool)
            return every, stay | np.roll(stay, 1, axis=1)
        furthest = 1 if topology == "linear" else n_components
        steps = np.triu(np.tri(n_components, k=furthest, dtype=bool))
        return np.arange(n_components) == 0, steps
    steps = as_array(topology)
    if steps.shape != (n_components, n_components):
        raise ValueError(
            f"topology has shape {steps.shape}; a mask of {n_components} states has "
            f"({n_components}, {n_components})."
        )
    steps = steps.astype(bool)
    if not steps.any(axis=1).all():
        state = int(np.argmin(steps.any(axis=1)))
        raise ValueError(
            f"topology lets no state follow state {state}. Let it at least stay: put "
            f"True at [{state}, {state}]."
        )
    return every, steps


def most_probable(counts, prior, allowed, previous):
    """Probabilities of highest posterior density, along the last axis.

    Parameters
    ----------
    counts : ndarray
        Expected counts.
    prior : ndarray
        Parameters of Dirichlet priors of the same shape; 1 is flat.
    allowed : ndarray of bool
        What may have a probability above zero.
    previous : ndarray
        Kept where nothing was counted.

    Returns
    -------
    probabilities : ndarray
    """
    mass = np.where(allowed, np.maximum(counts + prior - 1.0, 0.0), 0.0)
    total = mass.sum(axis=-1, keepdims=True)
    if total.all():  # of few states and rows, what follows takes longest in an M-step
        return mass / total
    return np.where(total > 0.0, mass / np.where(total > 0.0, total, 1.0), previous)


def dirichlet(prior, shape, name):
    """Parameters of Dirichlet priors as an array; None is one over their number.

    Raises
    ------
    ValueError
        If they don't have the shape, or aren't positive.
    """
    values = shaped(1.0 / max(1, shape[-1]) if prior is None else prior, shape, name)
    if not (np.isfinite(values).all() and (values > 0.0).all()):
        raise ValueError(
            f"{name} must be positive numbers (1 is flat), got {values.min():g}."
        )
    return values


def shaped(values, shape, name):
    """Numbers as an array of this shape: one number, or all.

    Raises
    ------
    ValueError
        If they have another shape.
    """
    try:
        return np.broadcast_to(np.asarray(values, dtype=np.float64), shape)
    except ValueError as error:
        raise ValueError(
            f"{name} must be a number or of shape {shape}, got shape "
            f"{np.shape(values)}."
        ) from error


def given_probabilities(values, shape, allowed, name):
    """Check probabilities that were given: rows of numbers with sum 1, or None.

    Raises
    ------
    ValueError
        If their shape is another, one is negative, sums aren't 1, or the topology
        forbids what they say.
    """
    if values is None:
        return None
    values = np.asarray(values, dtype=np.float64)
    if values.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {values.shape}.")
    if not (values >= 0.0).all() or not np.allclose(values.sum(axis=-1), 1.0):
        raise ValueError(
            f"{name} must be probabilities: not negative, with sum 1 along the last "
            f"axis; the least is {values.min():g}, sums are from "
            f"{values.sum(axis=-1).min():g} to {values.sum(axis=-1).max():g}."
        )
    if values[~allowed].any():
        raise ValueError(
            f"{name} gives a probability to a step that the topology forbids. Set it "
            "to 0, or allow the step."
        )
    return values
