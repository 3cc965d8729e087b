"""Column types of a table: what went in, so that what comes out is the same."""

from sklearn_gen._columns._cells import Table, as_array
from sklearn_gen._columns._conditions import Given, read_conditions, refuse_level
from sklearn_gen._columns._containers import column_label, container_of, rewrap
from sklearn_gen._columns._families import FAMILIES, family_for
from sklearn_gen._columns._families_of_columns import (
    describe_family,
    families_of_kind,
    refuse_levels,
    wanted_families,
)
from sklearn_gen._columns._family import MIN_SPREAD, Family, weighted_spread
from sklearn_gen._columns._group_column import GroupColumn, TakenIds
from sklearn_gen._columns._hidden import HiddenSums, PartialLevels
from sklearn_gen._columns._histogram import Histogram
from sklearn_gen._columns._layout import Layout, Modelled
from sklearn_gen._columns._limits import draw_within
from sklearn_gen._columns._modelled import ModelledColumn
from sklearn_gen._columns._resolution import REPEAT_SHARE, grid_width
from sklearn_gen._columns._schema import TableSchema
from sklearn_gen._columns._tabulated import (
    UNSEEN_MASS,
    Bernoulli,
    Categorical,
    Tabulated,
)

__all__ = [
    "FAMILIES",
    "MIN_SPREAD",
    "REPEAT_SHARE",
    "UNSEEN_MASS",
    "Bernoulli",
    "Categorical",
    "Family",
    "Given",
    "GroupColumn",
    "HiddenSums",
    "Histogram",
    "Layout",
    "Modelled",
    "ModelledColumn",
    "PartialLevels",
    "Table",
    "TableSchema",
    "Tabulated",
    "TakenIds",
    "as_array",
    "column_label",
    "container_of",
    "describe_family",
    "draw_within",
    "families_of_kind",
    "family_for",
    "grid_width",
    "read_conditions",
    "refuse_level",
    "refuse_levels",
    "rewrap",
    "wanted_families",
    "weighted_spread",
]
