"""Machines of tables: a unit for each column that is modelled."""

from abc import abstractmethod
from dataclasses import replace

import numpy as np

from sklearn_gen._columns import UNSEEN_MASS, Layout
from sklearn_gen.rbm._base import BaseRBM
from sklearn_gen.rbm._training_start import feature_means
from sklearn_gen.rbm._units import BINOMIAL, CATEGORICAL, GAUSSIAN, make_units


class TableRBM(BaseRBM):
    """A machine of a table of mixed columns; children say which unit each one is.

    A level or count that fit never saw has a small mass of its own, and says nothing
    of the other columns: it counts as missing. What is no count has mass 0.
    """

    _mixed_columns = True
    _bounds_repeats = True

    @abstractmethod
    def _kinds_of(self, table, V):
        """Kind of unit of each modelled column, of values V (n, U)."""

    def _describe(self, X, rows):
        table = Layout.fit(self.schema_, X, None, self.schema_.identifier_columns)
        V = table.forward(X).values
        kinds = np.asarray(self._kinds_of(table, V), dtype=np.int64)
        largest = np.nanmax(V, axis=0, initial=0.0)
        categorical = kinds == CATEGORICAL
        n_levels = np.ones(len(kinds), np.int64)
        for u in np.flatnonzero(categorical):
            levels = table.columns[u].categories
            n_levels[u] = largest[u] + 1 if levels is None else len(levels)
        trials = np.where(kinds == BINOMIAL, np.maximum(largest, 1.0), 1.0)
        self._table = _unclipped(table, kinds, trials)
        self.schema_ = self._table.schema
        location, scale = _standardisation(V, rows, kinds == GAUSSIAN)
        widths = np.array([column.resolution for column in table.columns])
        self._widths = np.where(kinds == GAUSSIAN, widths, 0.0)
        return make_units(kinds, n_levels, trials), location, scale

    @property
    def _column_units(self):
        """Units of the columns; children may have others after them."""
        return self._units

    @property
    def _most(self):
        """Largest value of each discrete unit, infinite for Gaussian ones."""
        units = self._column_units
        most = np.where(units.kinds == CATEGORICAL, units.n_levels - 1.0, units.trials)
        return np.where(units.kinds == GAUSSIAN, np.inf, most)

    def _modelled(self, X):
        V = self._table.forward(X).values
        unknown = (self._most < V) | self._impossible(V)
        return (np.where(unknown, np.nan, V) - self._location) / self._scale

    @property
    def _modelled_columns(self):
        return [column.sources[0] for column in self._table.columns]

    def _impossible(self, V):
        """Where a discrete unit has no such value: below 0, or no whole number."""
        return ~np.isinf(self._most) & ((V < 0.0) | (V % 1.0 > 0.0))

    def _encoded(self, V):
        return self._table.inverse(V * self._scale + self._location)

    def _log_volume(self, X):
        """What a row's log p has beside that of the units' values.

        Standardisation, masses of cells of a resolution, and of values never seen:
        those of counts N + k are halved with each k.
        """
        V, most = self._table.forward(X).values, self._most
        discrete = ~np.isinf(most)
        own = np.where(
            self._widths > 0.0, np.log(self._widths + (self._widths == 0.0)), 0.0
        )
        own = own - np.log(self._scale)
        own[discrete] = np.log1p(-UNSEEN_MASS)
        terms = np.where(np.isnan(V), 0.0, own)
        beyond = most < V
        if beyond.any():
            excess = np.where(self._column_units.kinds == CATEGORICAL, 1.0, 0.0)
            halvings = np.where(excess > 0, 0.0, V - np.where(discrete, most, 0.0))
            unseen = np.log(UNSEEN_MASS) - halvings * np.log(2.0)
            terms = np.where(beyond, unseen, terms)
        return np.where(self._impossible(V), -np.inf, terms).sum(axis=1)


def _unclipped(table, kinds, trials):
    """The layout, with limits and grids of draws that suit the units."""
    columns, widths = [], {}
    for column, kind, n in zip(table.columns, kinds, trials, strict=True):
        if kind == BINOMIAL:
            columns.append(replace(column, grid=1.0, limits=(0.0, float(n))))
        elif kind == GAUSSIAN:
            columns.append(replace(column, limits=(-np.inf, np.inf)))
        else:
            columns.append(column)
            continue
        for j in column.sources:
            widths[j] = table.schema.columns[j].resolution
    schema = table.schema.without_clipping(widths)
    return replace(table, columns=tuple(columns), schema=schema)


def _standardisation(V, rows, gaussian):
    """Mean and deviation of Gaussian columns; 0 and 1 for the others."""
    location, scale = np.zeros(V.shape[1]), np.ones(V.shape[1])
    if gaussian.any():
        x = V[:, gaussian]
        mean, _ = feature_means(x, rows)
        variance, _ = feature_means((x - mean) ** 2, rows)
        location[gaussian] = mean
        scale[gaussian] = np.where(variance > 0.0, np.sqrt(variance), 1.0)
    return location, scale
