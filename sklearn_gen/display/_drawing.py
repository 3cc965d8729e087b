"""What the displays share: colours, axes, and columns by name."""

import numpy as np

from sklearn_gen._columns import TableSchema

# Okabe and Ito's palette, told apart under every common colour blindness.
DATA_COLOR = "#0072B2"
MODEL_COLOR = "#D55E00"
LINE_COLORS = (MODEL_COLOR, DATA_COLOR, "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


def import_pyplot():
    """Import matplotlib.pyplot, or say how to get it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Displays need matplotlib: python -m pip install 'sklearn-gen[plot]'."
        ) from error
    return plt


def pale_oranges():
    """Colours of a density: the model's hue, pale enough for the data to show."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(
        "pale_oranges", ["#FFFFFF", "#FBE3CE", "#F2B27C", "#E08A3C"]
    )


def blue_to_orange():
    """Colours around zero: the model's hue below it, the data's above."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(
        "blue_to_orange", [MODEL_COLOR, "#F2B27C", "#FFFFFF", "#8FC1E3", DATA_COLOR]
    )


def shortened(text, length):
    """Cut the middle out of a long name."""
    if len(text) <= length:
        return text
    tail = (length - 1) // 3
    return f"{text[: length - 1 - tail]}…{text[-tail:]}"


def axes_or_new(ax):
    """Return `ax`, or the axes of a new figure."""
    if ax is not None:
        return ax
    return import_pyplot().subplots(layout="constrained")[1]


def unwrap(estimator):
    """List an estimator, what it wraps, and so on down to the model."""
    layers = [estimator]
    while True:
        outer = layers[-1]
        if hasattr(outer, "best_estimator_"):
            layers.append(outer.best_estimator_)
        elif hasattr(outer, "steps"):
            layers.append(outer.steps[-1][1])
        elif hasattr(outer, "estimator_"):
            layers.append(outer.estimator_)
        else:
            return layers


def select_columns(X, columns, *, at_most=None):
    """Find columns by name or position.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        numpy, pandas or polars.
    columns : sequence of str or int, mask, or None
        Names (DataFrames) or positions; None means all.
    at_most : int or None, default=None
        Where `columns` is None, only as many, the first ones.

    Returns
    -------
    positions : list of int
        Where they are.
    names : list of str
        What to write on an axis.

    Raises
    ------
    ValueError
        If there is no such column, or one is given twice.
    """
    n_features = np.shape(X)[1]
    schema = TableSchema.from_data(X, np.empty((0, n_features)))  # only the names
    if columns is None:  # not looked up: names may be numbers
        positions = list(range(n_features))[:at_most]
    else:
        positions = schema.column_indices(columns, "columns").tolist()
    if schema.names is None:
        return positions, [f"column {j}" for j in positions]
    return positions, [str(schema.names[j]) for j in positions]
