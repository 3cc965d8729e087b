"""Fits that go on from earlier ones, and what those have to have in common."""

from copy import copy


def goes_on(density):
    """Whether a density can be fitted further, from the parameters it has."""
    return "warm_start" in density.get_params(deep=False)


def going_on(density):
    """Copy a density for a fit that starts where its last one ended.

    What that learned stays: fits replace attributes, they don't change their values.
    """
    return copy(density).set_params(warm_start=True)


def learns_measures(density):
    """Whether its rows decide how a density scores, and fits can keep that."""
    return goes_on(density) and getattr(density, "_mixed_columns", False)
