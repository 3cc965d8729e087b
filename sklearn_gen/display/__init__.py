"""Pictures of densities, draws, fits, outliers, segments, states; needs matplotlib."""

from sklearn_gen.display._clusters import ClustersDisplay
from sklearn_gen.display._convergence import ConvergenceDisplay
from sklearn_gen.display._density import DensityDisplay
from sklearn_gen.display._explanation import ExplanationDisplay
from sklearn_gen.display._filters import FiltersDisplay
from sklearn_gen.display._samples import SamplesDisplay
from sklearn_gen.display._states import StatesDisplay
from sklearn_gen.display._transitions import TransitionDisplay

__all__ = [
    "ClustersDisplay",
    "ConvergenceDisplay",
    "DensityDisplay",
    "ExplanationDisplay",
    "FiltersDisplay",
    "SamplesDisplay",
    "StatesDisplay",
    "TransitionDisplay",
]
