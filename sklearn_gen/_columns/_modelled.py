"""The columns that a model of a table sees."""

from dataclasses import dataclass

import numpy as np

from sklearn_gen._columns._cells import TIMES


@dataclass(frozen=True, eq=False)
class ModelledColumn:
    """One column as a model sees it.

    Attributes
    ----------
    name : str or int
        The column's name, or its index where it has none; of a gap that of the column
        in whose place it is; of a combination those of its columns, joined by " × ".
    kind : str
        As in TableSchema; the gap between two dates is a 'timedelta'.
    resolution : float
        Width of the cells that the values are scored by; 0.0 for none.
    grid : float
        Width of the grid that draws are rounded to; 0.0 for none. The gap between a
        number without a grid and one with a grid has a resolution, but no grid.
    lower : float
        No value is below: 0.0 for gaps, else -inf.
    categories : tuple or None
        Levels of a categorical column; of a combination tuples of encoded cells.
    sources : tuple of int
        The encoded columns it stands for.
    limits : tuple of float
        What draws are clipped to: of integers, dates and their gaps the bounds seen;
        so too of numbers on a grid. Families may leave them (`limits_of_family`).
    """

    name: str | int
    kind: str
    resolution: float
    grid: float
    lower: float
    categories: tuple | None
    sources: tuple
    limits: tuple = (-np.inf, np.inf)

    @property
    def is_gap(self):
        """Whether it is the distance between two columns."""
        return self.lower == 0.0


def modelled_columns(schema, equations, levels, left_out):
    """Columns of a table that are modelled, and what stands in the others' place."""
    columns = []
    firsts = {sources[0]: sources for sources in levels}
    inside = {j for sources in levels for j in sources}
    for j, kind in enumerate(schema.kinds):
        name = j if schema.names is None else schema.names[j]
        width, categories = float(schema.resolution[j]), schema.categories[j]
        if j in firsts:
            sources = firsts[j]
            names = [i if schema.names is None else schema.names[i] for i in sources]
            joined = tuple(map(tuple, levels[sources].tolist()))
            columns.append(
                ModelledColumn(
                    " × ".join(map(str, names)),
                    "categorical",
                    1.0,
                    1.0,
                    -np.inf,
                    joined,
                    sources,
                )
            )
        elif j in equations and equations[j].sign:
            kind = "timedelta" if kind in TIMES else kind
            kind = "integer" if kind == "boolean" else kind
            cell, grid = equations[j].cell, equations[j].grid
            columns.append(ModelledColumn(name, kind, cell, grid, 0.0, None, (j,)))
        elif not (j in equations or j in inside or j in left_out):
            columns.append(
                ModelledColumn(name, kind, width, width, -np.inf, categories, (j,))
            )
    return tuple(columns)
