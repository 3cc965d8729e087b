"""Hidden Markov models of tables: independent columns, each of a family."""

from abc import abstractmethod
from dataclasses import replace
from numbers import Real
from typing import ClassVar

import numpy as np

from sklearn_gen._columns import Layout, describe_family
from sklearn_gen._compat import Interval
from sklearn_gen._validation import warn
from sklearn_gen.base import DegenerateDataWarning
from sklearn_gen.hmm._base import HiddenMarkovModel
from sklearn_gen.hmm._emissions_families import FamiliesEmission
from sklearn_gen.hmm._segments import SegmentStarts


class FamiliesHMM(SegmentStarts, HiddenMarkovModel):
    """Given the state, columns are independent, each of a family.

    Children name the families in `_families_of`, and have the parameter `smoothing` or
    another `_emission_m_step`.
    """

    _mixed_columns = True
    _parameter_constraints: ClassVar[dict] = {
        **HiddenMarkovModel._parameter_constraints,
        "smoothing": [Interval(Real, 0.0, None, closed="left")],
    }

    @abstractmethod
    def _families_of(self, table, X, weight):
        """Name the family of each modelled column."""

    def _describe(self, X, series):
        weight = series.weight[series.sequences.of_rows]
        table = Layout.fit(self.schema_, X, None, self.schema_.identifier_columns)
        values, families = table.forward(X).values, []
        names = self._families_of(table, values, weight)
        for column, x, name in zip(table.columns, values.T, names, strict=True):
            seen = ~np.isnan(x) & (weight > 0.0)
            families.append(describe_family(name, column, x[seen], weight[seen]))
        self._table = table.with_families(families)
        self.schema_ = self._table.schema
        self._emission = FamiliesEmission(families)
        self._n_cells = int(np.count_nonzero(~np.isnan(values[weight > 0.0])))

    def _coded(self, X, sequences):
        return self._emission.code(self._table.forward(X).values)

    def _shared(self, X, params):
        return self._emission.tabulate(X, params)

    def _starting_emission(self, X, resp):
        return self._emission_m_step(self._emission.stats(X, resp), None)

    def _emission_m_step(self, stats, params):
        smoothing = self.smoothing * self._prior_share
        return self._emission.m_step(stats, params, smoothing)

    def _n_emission_parameters(self):
        return self.n_components * self._emission.n_parameters

    def _warn_of_degeneracy(self, params):
        n_parameters = self._n_parameters()
        if n_parameters > self._n_cells:
            warn(
                f"{self._n_cells} observed cells can't determine {n_parameters} "
                "parameters. Fit to more rows, or with fewer states or simpler "
                "families.",
                DegenerateDataWarning,
            )

    def _draw_rows(self, states, sequences, before, rng):
        limits = [column.limits for column in self._table.columns]
        params = self._params.emission
        return self._table.inverse(self._emission.draw(params, states, limits, rng))

    def _fill_rows(self, X, states, rng):
        drawn, rows = X.copy(), np.flatnonzero(np.isnan(X).any(axis=1))
        drawn[rows] = self._draw_rows(states[rows], None, None, rng)
        return drawn

    def _stack_columns(self, params, of_column):
        """Make an array (n_components, n_features) of a value of each column's."""
        n_features = len(self.schema_.kinds)
        found = np.full((params.n_states, n_features), np.nan)
        for column, own in zip(self._table.columns, params.columns, strict=True):
            found[:, column.sources[0]] = of_column(own)
        return found


class OneFamilyHMM(FamiliesHMM):
    """All columns are of one family of whole numbers, `_family`."""

    def _describe(self, X, series):
        super()._describe(X, series)
        # Whatever was seen, counts may be any whole numbers.
        widths = dict.fromkeys(range(X.shape[1]), 1.0)
        self.schema_ = self.schema_.without_clipping(widths)
        columns = (replace(column, grid=1.0) for column in self._table.columns)
        self._table = replace(self._table, columns=tuple(columns), schema=self.schema_)

    def _families_of(self, table, X, weight):
        return [self._family] * len(table.columns)
