"""Four covariance structures: full, tied, diag, spherical.

Each says how its components are scored, summed over rows, estimated, restricted to
some columns, and completed where columns are missing.
"""

from sklearn_gen._gaussian._diag import Diag, Spherical
from sklearn_gen._gaussian._full import Full, Tied

STRUCTURES = {"full": Full(), "tied": Tied(), "diag": Diag(), "spherical": Spherical()}
