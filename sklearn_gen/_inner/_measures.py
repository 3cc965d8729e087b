"""What the densities of classes measure: probabilities compare where that is one."""

from sklearn_gen._validation import warn


def warn_of_measures(densities, remedy):
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
            f"Round such columns, or {remedy}.",
            UserWarning,
        )
