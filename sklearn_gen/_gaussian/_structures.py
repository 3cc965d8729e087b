"""Covariance structures by name: scikit-learn's four, and mclust's fourteen.

Each says how its components are scored, summed over rows, estimated, restricted to
some columns, and completed where columns are missing.
"""

from sklearn_gen._gaussian._diag import Diag, Spherical
from sklearn_gen._gaussian._full import Full, Tied
from sklearn_gen._gaussian._parsimonious import FAMILIES

_FULL, _TIED, _DIAG, _SPHERICAL = Full(), Tied(), Diag(), Spherical()
STRUCTURES = {
    "full": _FULL,
    "tied": _TIED,
    "diag": _DIAG,
    "spherical": _SPHERICAL,
    "VVV": _FULL,
    "EEE": _TIED,
    "VVI": _DIAG,
    "VII": _SPHERICAL,
    **FAMILIES,
}
