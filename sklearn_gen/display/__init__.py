"""Pictures of densities, of draws, of fits and of outliers; needs matplotlib."""

from sklearn_gen.display._convergence import ConvergenceDisplay
from sklearn_gen.display._density import DensityDisplay
from sklearn_gen.display._explanation import ExplanationDisplay
from sklearn_gen.display._samples import SamplesDisplay

__all__ = [
    "ConvergenceDisplay",
    "DensityDisplay",
    "ExplanationDisplay",
    "SamplesDisplay",
]
