"""Densities restricted to the range of the transformers, where that is bounded.

With B the range and q the model's density, a row's density is q(z)/Q(B). Where cells m
are missing, integrating them over B leaves q(z_o) P(z_m in B_m | z_o)/Q(B).
"""

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from sklearn_gen._columns import rewrap
from sklearn_gen.compose._composite import image, step_label
from sklearn_gen.compose._tables import as_floats, take_rows

# Rounds of redrawing before giving up: at one row in a thousand inside the range, a
# row is still outside after as many rounds with probability 5e-5.
_MAX_ROUNDS = 10_000


@dataclass(frozen=True, eq=False)
class OutputRange:
    """The open box that the transformers map onto.

    Attributes
    ----------
    lower, upper : ndarray of shape (n_features,)
        Infinite where there is no bound.
    source : str
        The first step that has a bounded range, named for messages.
    """

    lower: np.ndarray
    upper: np.ndarray
    source: str = ""

    @classmethod
    def of(cls, steps, n_features):
        """Push the whole space through fitted steps."""
        lower, upper = np.full(n_features, -np.inf), np.full(n_features, np.inf)
        source = ""
        for step in steps:
            lower, upper = image([step], lower, upper)
            if not source and (np.isfinite(lower) | np.isfinite(upper)).any():
                source = step_label(*step)
        return cls(lower, upper, source)

    @property
    def bounded(self):
        """Mask of the columns with a bound, shape (n_features,)."""
        return np.isfinite(self.lower) | np.isfinite(self.upper)

    def check(self, model):
        """Raise unless the model knows the probability of the range."""
        if self.bounded.any():
            self._probability(model)

    def log_change(self, model, Z):
        """Compute log P(missing cells in range | observed) - log Q(B) of each row."""
        if not self.bounded.any():
            return np.zeros(Z.shape[0])
        change = np.full(Z.shape[0], -np.log(self._probability(model)))
        missing = np.isnan(as_floats(Z))
        asked = (missing & self.bounded).any(axis=1) & ~missing.all(axis=1)
        if asked.any():
            given = self._probability(model, take_rows(Z, asked))
            with np.errstate(divide="ignore"):
                change[asked] += np.log(given)
        change[missing.all(axis=1)] = 0.0  # nothing observed: probability one
        return change

    def log_change_of_cells(self, model, Z, pairs):
        """Compute `log_change` of each row less what it is without a cell, or two."""
        d = len(self.lower)
        changes = np.zeros((Z.shape[0], d, d) if pairs else (Z.shape[0], d))
        if not self.bounded.any():
            return changes
        values, whole = as_floats(Z), self.log_change(model, Z)
        for cells in combinations_with_replacement(range(d), 1 + pairs):
            rest = values.copy()
            rest[:, cells] = np.nan
            change = whole - self.log_change(model, rewrap(rest, like=Z))
            changes[:, *cells] = changes[:, *cells[::-1]] = change
        return changes

    def _probability(self, model, Z=None):
        """Ask the model for the mass of the box, or of the missing cells' part."""
        name = type(model).__name__
        if not hasattr(model, "interval_probability"):
            raise ValueError(
                f"{self.source} maps onto a bounded range, and {name} can't tell the "
                "probability of that range (it has no interval_probability(lower, "
                "upper, X=None)), so the density can't be normalised. Use one "
                "onto the whole real line (StandardScaler, QuantileTransformer with "
                "output_distribution='normal'), or a model that has the method, such "
                "as GaussianMixture."
            )
        if Z is not None:
            return model.interval_probability(self.lower, self.upper, Z)
        probability = model.interval_probability(self.lower, self.upper)
        if not probability > 0.0:
            raise ValueError(
                f"{self.source} maps onto a bounded range that has probability "
                f"{probability} under {name}: the model fits the transformed data too "
                "badly to be restricted to it."
            )
        return probability

    def redraw(self, Z, draw_rows):
        """Draw rows again that fall outside.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_features)
            Draws of the model.
        draw_rows : callable
            From a boolean mask over the rows of Z to that many new draws.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features)
            All inside.
        """
        Z = as_floats(Z, copy=True)
        for _ in range(_MAX_ROUNDS if self.bounded.any() else 0):
            outside = (self.lower >= Z) | (self.upper <= Z)
            outside = outside.any(axis=1)
            if not outside.any():
                return Z
            Z[outside] = as_floats(draw_rows(outside))
        if self.bounded.any():
            raise ValueError(
                f"{self.source} maps onto a bounded range that {outside.sum()} rows "
                f"had not hit after {_MAX_ROUNDS} draws: it has next to no "
                "probability under the model (given what was observed)."
            )
        return Z
