"""Draws of mixtures of tables."""

import numpy as np

from sklearn_gen._columns import PartialLevels, draw_within
from sklearn_gen.mixture._gaussian_block import GaussianBlock


class TableDraws:
    """Draws of rows given their components, and of which of their cells are missing."""

    def draw(self, params, component, rng, X=None):
        """Draw rows, one of each component named.

        Parameters
        ----------
        params : TableParams
            Parameters of all components.
        component : ndarray of shape (n,)
            A component for each row.
        rng : numpy.random.Generator
            Source of randomness.
        X : ndarray of shape (n, n_features) or None
            Rows whose NaN cells to draw; None is all cells.
        """
        if X is None:
            values = np.full((len(component), len(self.families)), np.nan)
        else:
            values = self._reveal(self.rows(X), params, component, rng)
        for j, family in enumerate(self.families):
            if isinstance(family, GaussianBlock):
                x = values[:, family.columns]
                wanted = np.flatnonzero(np.isnan(x).any(axis=1))
                values[np.ix_(wanted, family.columns)] = family.draw(
                    params.columns[j], component[wanted], rng, x[wanted]
                )
            elif family is not None:
                wanted = np.flatnonzero(np.isnan(values[:, j]))
                values[wanted, j] = self._within_limits(
                    j, params.columns[j], component[wanted], rng
                )
        return self.finish(values, rng, None if X is None else ~np.isnan(X))

    def _within_limits(self, j, params, component, rng):
        """Draw values of a column again that its limits would cut off."""
        family = self.families[j]
        if self.table is None:
            return family.draw(params, component, rng)
        limits = self.table.columns[j].limits
        return draw_within(limits, family, params, component, rng)

    def _reveal(self, rows, params, component, rng):
        """Draw modelled columns of which rows tell something, but not all."""
        values = rows.X.copy()
        for part in rows.hidden:
            own = component[part.rows]
            if isinstance(part, PartialLevels):
                levels = self._log_levels(part, params)
                values[part.rows, part.column] = part.draw(levels, own, rng)
            else:
                found = part.draw(self.families, params.columns, own, rng)
                values[np.ix_(part.rows, (*part.free, *part.solved))] = found
        return values

    def finish(self, values, rng=None, observed=None):
        """Rows of the table from complete rows of the columns modelled.

        Cells `observed` of the table stay as they are, unless they can't.
        """
        for twins in self.twins:
            twins.inverse(values, rng)
        if self.table is not None:
            if observed is not None:
                observed = self._inner(observed)
            values = self.table.inverse(values, observed)
        return self._outer(values)

    def hidden(self, params, component, rng):
        """Draw which cells are missing, as in fit, given the rows' components."""
        hidden = np.zeros((len(component), self.n_features), dtype=bool)
        for mask, shares in zip(self.masks, params.missing, strict=True):
            cumulative = np.cumsum(shares, axis=0)[:, component]
            u = rng.random(len(component)) * cumulative[-1]
            which = (cumulative <= u).sum(axis=0)
            hidden[:, mask] = (which[:, None] >> np.arange(len(mask))) & 1
        return self._outer(hidden)
