"""Which families suit a column, by what a user wants and by its kind."""

import numpy as np

from sklearn_gen._columns._families import family_for

# A single value in more than this share of the rows is an atom.
_ATOM = 0.1


def describe_family(name, column, x, weight):
    """Describe a modelled column as a family, as `family_for` does.

    Parameters
    ----------
    name : str or tuple
        The family.
    column : ModelledColumn
        What is known of the column.
    x : ndarray of shape (n_samples,)
        Its observed values.
    weight : ndarray of shape (n_samples,) or None
        Weights.

    Raises
    ------
    ValueError
        Naming the column, if the family doesn't suit it.
    """
    options = {}
    if name == "categorical" and column.categories is not None:
        options["n_levels"] = len(column.categories)
    if name == "histogram" and column.is_gap:
        options["lower"] = column.lower
    try:
        return family_for(name, x, weight, _resolution(column), **options)
    except ValueError as error:
        raise ValueError(f"families, column {column.name!r}: {error}") from error


def refuse_levels(name, column):
    """Raise a ValueError where levels are wanted to be of a family of numbers."""
    if column.kind == "categorical" and name not in (
        "auto",
        "categorical",
        "bernoulli",
    ):
        raise ValueError(
            f"families, column {column.name!r}: its values are categories, for which "
            f"there is 'categorical', got {name!r}. Leave it out, or encode it."
        )


def _refuse_family(table, column, name):
    """Refuse a family for a column that is not modelled as such."""
    schema = table.schema
    kind, can_be = schema.kinds[column], "has no family. Leave it out of families"
    if column in table.equations:
        kind = f"{kind} and follows from others by a constraint: it"
    elif kind == "identifier":
        kind, can_be = "an identifier: it", f"{can_be}, or out of identifiers"
    elif column in schema.empty_columns:
        kind = "empty: it"
    else:
        if name == "categorical":
            return
        kind, can_be = f"{kind}, in fixed combinations: it", "can be 'categorical' only"
    raise ValueError(
        f"families, {schema.label(column)}, got {name!r}: it is {kind} {can_be}."
    )


def wanted_families(table, wanted):
    """Names of the families of the modelled columns; 'auto' where a user names none.

    Parameters
    ----------
    table : Layout
        The columns modelled.
    wanted : str, tuple or dict
        The family of all columns, or of those named.

    Raises
    ------
    ValueError
        If there is no such column, or none that is modelled as such.
    """
    names = dict.fromkeys(range(len(table.columns)), "auto")
    of_each = isinstance(wanted, dict)
    if not of_each:
        wanted = dict.fromkeys(range(len(table.schema.kinds)), wanted)
    places = {c.sources: m for m, c in enumerate(table.columns)}
    columns = table.schema.column_indices(list(wanted), "families")
    for column, name in zip(columns, wanted.values(), strict=True):
        place = places.get((int(column),))
        if place is not None:
            names[place] = name
        elif of_each and name != "auto":
            _refuse_family(table, column, name)
    return list(names.values())


def _resolution(column):
    return column.resolution or (0.0 if column.kind == "continuous" else 1.0)


def families_of_kind(column, x):
    """The family of a column by its kind, and what else it may be."""
    resolution = _resolution(column)
    if column.kind == "categorical":
        return "categorical", []
    if column.kind == "boolean":
        return "bernoulli", []
    if column.kind in ("datetime", "timedelta"):
        return "histogram", []
    lowest = x.min()
    if resolution == 0.0:
        bases, atom = _around_atom(column, x)
        if bases:  # a mass, with which densities don't compare
            return "histogram", [("zero_inflated", base, atom) for base in bases]
    candidates = ["histogram"]
    if resolution > 0.0 and len(np.unique(x)) <= 2:
        return "histogram", candidates  # two shares say all there is
    # Amounts aren't drawn below zero, unless that is many deviations away.
    unit = x / (np.abs(x).max() or 1.0)  # its squares don't overflow
    if not column.is_gap and (lowest < 0.0 or unit.mean() > 4.0 * unit.std()):
        candidates.append("gaussian")
        if resolution == 0.0:
            candidates.append("student_t")
    if lowest > 0.0:
        candidates += ["lognormal", "gamma"]
    if lowest >= 0.0 and resolution == 1.0 and (x == np.floor(x)).all():
        candidates += ["poisson", "negative_binomial"]
    if lowest == 0.0 and _ATOM < np.mean(x == 0.0) < 1.0:
        candidates += ["zero_inflated_gamma", "zero_inflated_lognormal"]
    return "histogram", candidates


def _around_atom(column, x):
    """Families of what lies beside a value that many rows have, and that value."""
    values, counts = np.unique(x, return_counts=True)
    atom, often = float(values[counts.argmax()]), counts.max()
    # not where all rows repeat
    is_atom = often > _ATOM * len(x) and often > 5.0 * np.median(counts)
    if not is_atom or (column.is_gap and atom != 0.0):
        return [], atom
    positive = values[values != atom].min() > 0.0
    either = [] if column.is_gap else ["gaussian", "student_t"]
    return (["gamma", "lognormal"] if positive else []) + either, atom
