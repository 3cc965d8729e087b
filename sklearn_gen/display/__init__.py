"""Pictures of densities, of draws and of fits; needs matplotlib."""

from sklearn_gen.display._convergence import ConvergenceDisplay
from sklearn_gen.display._density import DensityDisplay
from sklearn_gen.display._samples import SamplesDisplay

__all__ = ["ConvergenceDisplay", "DensityDisplay", "SamplesDisplay"]
