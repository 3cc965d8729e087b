"""Outlier detectors made of densities."""

from sklearn_gen.outlier._conformal import ConformalOutlierDetector
from sklearn_gen.outlier._conformal_p_values import (
    conformal_p_values,
    weighted_selection,
)
from sklearn_gen.outlier._detector import DensityOutlierDetector
from sklearn_gen.outlier._multiple_testing import (
    benjamini_hochberg,
    false_discovery_bound,
    null_proportion,
)
from sklearn_gen.outlier._trimmed import TrimmedDensity

__all__ = [
    "DensityOutlierDetector",
    "ConformalOutlierDetector",
    "TrimmedDensity",
    "conformal_p_values",
    "benjamini_hochberg",
    "null_proportion",
    "weighted_selection",
    "false_discovery_bound",
]
