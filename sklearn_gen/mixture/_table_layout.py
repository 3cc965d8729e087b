"""How the columns of a table share lookups."""

from math import prod
from typing import NamedTuple

import numpy as np

from sklearn_gen._columns import Tabulated

# Columns are looked up together while they have at most this many combinations of
# codes: four columns of two levels cost what one does, and 100,000 rows of 100 booleans
# take 28 ms instead of 83 per iteration (32 components, one thread).
_MOST_COMBINED = 64
# Columns whose missing cells correlate by more than this are drawn missing together, at
# most so many.
_TOGETHER = 0.2
_MOST_MASKED = 6


class Lookup(NamedTuple):
    """Some columns that are looked up together.

    Attributes
    ----------
    columns : tuple of int
        Which ones.
    sizes : tuple of int
        Codes of each, the last of which means missing where cells may be.
    start : int
        First of their rows among all tables stacked.
    """

    columns: tuple
    sizes: tuple
    start: int

    @property
    def stop(self):
        """Row after the last one."""
        return self.start + prod(self.sizes)


class TableLayout:
    """The columns' tables, combined where they are small, and stacked.

    Behind them are tables of zeros, one for each group of columns whose cells are
    missing together: they say nothing of a row, and only count which are missing.

    Attributes
    ----------
    grids : dict of int to ndarray
        Columns of other families that have few values: these, ascending.
    complete : tuple of int
        Columns of which no cell is missing, and so have no code for that.
    """

    def __init__(self, families, masks=(), grids=None, complete=()):
        self.families = families
        self.masks = masks
        self.grids = {} if grids is None else grids
        self.complete = tuple(complete)
        self.sizes = {
            j: family.n_codes + (j not in self.complete)
            for j, family in enumerate(families)
            if isinstance(family, Tabulated)
        }
        for j, values in self.grids.items():
            self.sizes[j] = len(values) + (j not in self.complete)
        sizes = self.sizes
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
        """Rows of the columns' tables."""
        return self.lookups[-1].stop if self.lookups else 0

    @property
    def n_counted(self):
        """Rows of all tables, those that count missing cells included."""
        return self.n_rows + sum(2 ** len(mask) for mask in self.masks)

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
        columns = np.ascontiguousarray(X.T)
        missing = np.isnan(columns)
        for i, lookup in enumerate(self.lookups):
            code = np.zeros(len(X), dtype=np.intp)
            for j, size in zip(lookup.columns, lookup.sizes, strict=True):
                there = slice(None)
                if missing[j].any():
                    there = np.flatnonzero(~missing[j])
                own = np.full(len(X), size - 1)
                x = columns[j, there]
                if j in self.grids:
                    own[there] = np.searchsorted(self.grids[j], x)
                else:
                    own[there] = self.families[j].code(x)
                    offset[there] += self.families[j].offset(x)
                code = code * size + own
            codes[:, i] = lookup.start + code
        return codes, offset

    def encode_missing(self, X):
        """Rows of the tables that count which cells are missing, (n, n_masks)."""
        codes = np.empty((len(X), len(self.masks)), dtype=np.int32)
        start = self.n_rows
        for i, mask in enumerate(self.masks):
            codes[:, i] = start + np.isnan(X[:, mask]) @ (1 << np.arange(len(mask)))
            start += 2 ** len(mask)
        return codes

    def stack(self, params, n_padded):
        """Stack log probabilities of all combinations, zero where missing."""
        tables = np.zeros((self.n_counted, n_padded))
        for lookup in self.lookups:
            block = tables[lookup.start : lookup.stop]
            block = block.reshape(*lookup.sizes, n_padded)
            for axis, j in enumerate(lookup.columns):
                if j in self.grids:
                    log_p = self.families[j].log_prob(self.grids[j], params[j])
                else:
                    log_p = params[j].log_p
                shape = [1] * len(lookup.sizes) + [log_p.shape[1]]
                shape[axis] = len(log_p)
                own = [slice(None)] * len(lookup.sizes)
                own[axis] = slice(0, len(log_p))
                block[(*own, slice(0, log_p.shape[1]))] += log_p.reshape(shape)
        return tables

    def columns(self, counts):
        """Counts of each column's observed codes, {column: (n_codes, K)}."""
        found = {}
        for lookup in self.lookups:
            block = counts[lookup.start : lookup.stop]
            block = block.reshape(*lookup.sizes, counts.shape[1])
            for axis, j in enumerate(lookup.columns):
                others = tuple(a for a in range(len(lookup.sizes)) if a != axis)
                codes = block.sum(axis=others)
                found[j] = codes if j in self.complete else codes[:-1]
        return found

    def missing(self, counts):
        """Counts of which cells of each group are missing together, (2^size, K)."""
        start, found = self.n_rows, []
        for mask in self.masks:
            found.append(counts[start : start + 2 ** len(mask)])
            start += 2 ** len(mask)
        return found


def mask_groups(missing, sample_weight=None):
    """Group columns by whether their cells are missing together.

    Parameters
    ----------
    missing : ndarray of shape (n_samples, n_features), bool
        Which cells are missing.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights; None is ones.

    Returns
    -------
    groups : list of list of int
        Columns with missing cells; each once.
    """
    shares = np.average(missing, axis=0, weights=sample_weight)
    some = np.flatnonzero((shares > 0.0) & (shares < 1.0))
    if len(some) < 2:
        return [[int(j)] for j in some]
    rest = missing[:, some] - shares[some]
    weighted = rest if sample_weight is None else rest * sample_weight[:, None]
    covariance = np.abs(weighted.T @ rest)
    deviation = np.sqrt(covariance.diagonal())
    together = np.triu(covariance / np.outer(deviation, deviation), 1)
    groups = {k: [k] for k in range(len(some))}
    for flat in np.argsort(-together, axis=None, kind="stable"):
        i, k = np.unravel_index(flat, together.shape)
        if together[i, k] < _TOGETHER:
            break
        joined = groups[i] + groups[k]
        if groups[i] is not groups[k] and len(joined) <= _MOST_MASKED:
            for member in joined:
                groups[member] = joined
    unique = {id(group): group for group in groups.values()}
    return [[int(some[k]) for k in sorted(group)] for group in unique.values()]
