"""Draws of several classes in one table."""

import numpy as np

from sklearn_gen._columns import container_of
from sklearn_gen._compat import safe_indexing
from sklearn_gen._inner._new_names import with_new_names
from sklearn_gen._inner._tables import stack_rows


def draw_classes(densities, codes, rng, names=None):
    """Draw a row for each code, from the density of that index; counted anew.

    `names`, a TableSchema, says how rows are named where all classes have names.
    """
    kinds, counts = np.unique(codes, return_counts=True)
    seeds = rng.integers(2**31, size=len(densities))
    tables = [
        densities[k].sample(int(n), random_state=int(seeds[k]))
        for k, n in zip(kinds, counts, strict=True)
    ]
    # From the order of classes to that of the codes.
    places = np.empty(len(codes), dtype=np.intp)
    places[np.argsort(codes, kind="stable")] = np.arange(len(codes))
    table = safe_indexing(stack_rows(tables), places)
    table = with_new_names(table, names, rng)
    return table.reset_index(drop=True) if container_of(table) == "pandas" else table
