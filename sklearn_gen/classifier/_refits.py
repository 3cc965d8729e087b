"""Fits that go on from earlier ones, and what those have to have in common."""

from copy import copy

from sklearn_gen._validation import warn


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


def warn_of_measures(densities):
    """Warn where one class has a density of a column, and another has masses."""
    measures = [getattr(density, "base_measure_", None) for density in densities]
    if not all(isinstance(measure, dict) for measure in measures):
        return
    differ = [
        column
        for column, measure in measures[0].items()
        if any(other[column] != measure for other in measures)
    ]
    if differ:
        warn(
            f"Classes are scored by different measures in the columns {differ}: their "
            "values lie on a grid in the rows of one class and not in those of "
            "another, so that probabilities of classes compare densities with masses. "
            "Round such columns, or give a TableMixture itself as the estimator.",
            UserWarning,
        )
