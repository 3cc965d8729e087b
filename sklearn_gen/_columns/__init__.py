"""Column types of a table: what went in, so that what comes out is the same."""

from sklearn_gen._columns._containers import column_label, container_of, rewrap
from sklearn_gen._columns._resolution import REPEAT_SHARE, grid_width
from sklearn_gen._columns._schema import TableSchema

__all__ = [
    "REPEAT_SHARE",
    "TableSchema",
    "column_label",
    "container_of",
    "grid_width",
    "rewrap",
]
