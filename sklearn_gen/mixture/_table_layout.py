"""How the columns of a table share lookups."""

from typing import NamedTuple

import numpy as np

from sklearn_gen._columns import Tabulated

# Columns are looked up together while they have at most this many combinations of
# codes: four columns of two levels cost what one does, and 100,000 rows of 100 booleans
# take 28 ms instead of 83 per iteration (32 components, one thread).
_MOST_COMBINED = 64


class Lookup(NamedTuple):
    """Some columns that are looked up together.

    Attributes
    ----------
    columns : tuple of int
        Which ones.
    sizes : tuple of int
        Codes of each, the last of which means missing.
    start : int
        First of their rows among all tables stacked.
    """

    columns: tuple
    sizes: tuple
    start: int

    @property
    def stop(self):
        """Row after the last one."""
        return self.start + int(np.prod(self.sizes))


class TableLayout:
    """The columns' tables, combined where they are small, and stacked.

    A column that is no table has one of two codes, observed and missing, if
    `count_missing` says so.
    """

    def __init__(self, families, count_missing):
        self.families = families
        sizes = {}
        for j, family in enumerate(families):
            if isinstance(family, Tabulated):
                sizes[j] = family.n_codes + 1
            elif family is not None and count_missing[j]:
                sizes[j] = 2
        self.sizes = sizes
        self.lookups = []
        group, product = [], 1
        for j in sorted(sizes, key=lambda j: (sizes[j], j)):
            if group and product * sizes[j] > _MOST_COMBINED:
                self._append(group)
                group, product = [], 1
            group.append(j)
            product *= sizes[j]
        if group:
            self._append(group)

    def _append(self, group):
        sizes = tuple(self.sizes[j] for j in group)
        self.lookups.append(Lookup(tuple(group), sizes, self.n_rows))

    @property
    def n_rows(self):
        """Rows of all tables stacked."""
        return self.lookups[-1].stop if self.lookups else 0

    def encode(self, X):
        """Rows of the tables that each row of X looks up, and what is the same for all.

        Returns
        -------
        codes : ndarray of shape (n_samples, n_lookups), int32
        offset : ndarray of shape (n_samples,)
            Log density given the codes.
        """
        codes = np.empty((len(X), len(self.lookups)), dtype=np.int32)
        offset = np.zeros(len(X))
        for i, lookup in enumerate(self.lookups):
            code = np.zeros(len(X), dtype=np.intp)
            for j, size in zip(lookup.columns, lookup.sizes, strict=True):
                own = np.full(len(X), size - 1)
                observed = ~np.isnan(X[:, j])
                if isinstance(self.families[j], Tabulated):
                    x = X[observed, j]
                    own[observed] = self.families[j].code(x)
                    offset[observed] += self.families[j].offset(x)
                else:
                    own[observed] = 0
                code = code * size + own
            codes[:, i] = lookup.start + code
        return codes, offset

    def stack(self, params, n_padded):
        """Stack log probabilities of all combinations, zero where missing."""
        tables = np.zeros((self.n_rows, n_padded))
        for lookup in self.lookups:
            block = tables[lookup.start : lookup.stop]
            block = block.reshape(*lookup.sizes, n_padded)
            for axis, j in enumerate(lookup.columns):
                if isinstance(self.families[j], Tabulated):
                    shape = [1] * len(lookup.sizes) + [-1]
                    log_p = params[j].log_p
                    shape[axis], shape[-1] = lookup.sizes[axis] - 1, log_p.shape[1]
                    own = [slice(None)] * (len(lookup.sizes) + 1)
                    own[axis] = slice(0, lookup.sizes[axis] - 1)
                    own[-1] = slice(0, log_p.shape[1])
                    block[tuple(own)] += log_p.reshape(shape)
        return tables

    def columns(self, counts):
        """Counts of each column's codes, {column: (size, K)}; the last is missing."""
        found = {}
        for lookup in self.lookups:
            block = counts[lookup.start : lookup.stop]
            block = block.reshape(*lookup.sizes, counts.shape[1])
            for axis, j in enumerate(lookup.columns):
                others = tuple(a for a in range(len(lookup.sizes)) if a != axis)
                found[j] = block.sum(axis=others)
        return found
