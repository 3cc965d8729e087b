"""Outlier detectors made of densities."""

from sklearn_gen.outlier._detector import DensityOutlierDetector

__all__ = ["DensityOutlierDetector"]
