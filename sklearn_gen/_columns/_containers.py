"""Containers of tables: numpy, pandas, polars."""

import importlib
import sys


def container_of(X):
    """Name the container of `X`: 'pandas', 'polars' or 'numpy' (anything else)."""
    for library in ("pandas", "polars"):
        module = sys.modules.get(library)  # never import what the caller didn't
        if module is not None and isinstance(X, module.DataFrame):
            return library
    return "numpy"


def column_label(names, index):
    """Say which column is meant, by name where there is one."""
    name = names[index] if names is not None else None
    return f"column {index}" if name is None else f"column {name!r}"


def at_start(label):
    """Say it at the start of a sentence; the name stays as it is."""
    return f"{label[0].upper()}{label[1:]}"


def rewrap(values, like):
    """Put an array into the container, column names and index of `like`."""
    container = container_of(like)
    if container == "numpy":
        return values
    return in_container(values, container, like.columns, getattr(like, "index", None))


def in_container(values, container, names, index=None):
    """Put an array into a container, with column names and, in pandas, an index."""
    if container == "numpy":
        return values
    library = importlib.import_module(container)
    if container == "pandas":
        return library.DataFrame(values, columns=list(names), index=index)
    return library.DataFrame(values, schema=list(names))
