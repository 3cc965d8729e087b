"""EM of mixtures whose components have independent columns of any family."""

from functools import partial
from typing import NamedTuple

import numpy as np

from sklearn_gen._columns import Tabulated
from sklearn_gen._kernels import table as kernels
from sklearn_gen.mixture._table_layout import TableLayout

# Rows of a block: enough that adding up its counts is cheap beside making them.
_BLOCK_ROWS = 8192
# The kernel takes components by 32.
_PAD = 32
# Of a row, 32 components that share less than this get none of it.
_CUTOFF = 1e-5


class TableBlock(NamedTuple):
    """Some rows, encoded.

    Attributes
    ----------
    codes : ndarray of shape (n_rows, n_lookups), int32
    offset : float
        Weighted sum of the log densities given the codes.
    X : ndarray of shape (n_rows, n_features)
        Encoded cells, NaN where missing.
    sample_weight : ndarray of shape (n_rows,) or (0,)
    """

    codes: np.ndarray
    offset: float
    X: np.ndarray
    sample_weight: np.ndarray

    @property
    def weight(self):
        """Sum of the weights."""
        w = self.sample_weight
        return float(w.sum()) if w.size else float(len(self.X))


class TableParams(NamedTuple):
    """Parameters of a mixture of independent columns.

    Attributes
    ----------
    weights : ndarray of shape (K,)
    missing : tuple of ndarray of shape (2^size, K)
        Of each group of columns, probabilities of which are missing together.
    columns : tuple
        Each column's parameters, None for columns that take no part.
    """

    weights: np.ndarray
    missing: tuple
    columns: tuple


class TableStats(NamedTuple):
    """Expected sufficient statistics.

    Attributes
    ----------
    log_likelihood : float
    weight : float
    resp : ndarray of shape (K,)
        Sum of responsibilities.
    counts : ndarray of shape (n_table_rows, K)
        Of every combination of codes.
    moments : ndarray of shape (n_moments, K)
        Statistics of the columns that are no tables, one after the other.
    """

    log_likelihood: float
    weight: float
    resp: np.ndarray
    counts: np.ndarray
    moments: np.ndarray


class Columns:
    """The columns of a table, each of a family, and EM's three functions on them.

    Attributes
    ----------
    families : tuple of Family, Tabulated or None
        None for columns that take no part.
    masks : list of list of int
        Groups of columns whose cells are missing together.
    """

    def __init__(self, families, masks):
        self.families = tuple(families)
        self.masks = masks
        self.layout = TableLayout(families, masks)
        self.plain = [
            j
            for j, family in enumerate(families)
            if family is not None and not isinstance(family, Tabulated)
        ]
        sizes = [len(families[j].overall) for j in self.plain]
        self._ends = np.cumsum([0, *sizes])

    def blocks(self, X, sample_weight=None):
        """Encode rows in blocks of a fixed size."""
        found = []
        for start in range(0, len(X), _BLOCK_ROWS):
            rows = X[start : start + _BLOCK_ROWS]
            codes, offset = self.layout.encode(rows, masks=True)
            weight = np.empty(0)
            if sample_weight is not None:
                weight = sample_weight[start : start + _BLOCK_ROWS].astype(float)
            total = float(weight @ offset) if weight.size else float(offset.sum())
            found.append(TableBlock(codes, total, rows, weight))
        return found

    def tables(self, params):
        """What the kernels take of the parameters: tables and log weights, padded."""
        n_components = len(params.weights)
        padded = -(-n_components // _PAD) * _PAD
        log_weights = np.full(padded, -np.inf)
        with np.errstate(divide="ignore"):
            log_weights[:n_components] = np.log(params.weights)
        return self.layout.stack(params.columns, padded), log_weights

    def _others(self, X, params, n_padded):
        """Log densities of the columns that are no tables, (n, n_padded) or (0, ...)."""
        if not self.plain:
            return np.empty((0, n_padded))
        others = np.zeros((len(X), n_padded))
        n_components = len(params.weights)
        for j in self.plain:
            observed = ~np.isnan(X[:, j])
            log_prob = self.families[j].log_prob(X[observed, j], params.columns[j])
            if observed.all():
                others[:, :n_components] += log_prob
            else:
                others[observed, :n_components] += log_prob
        return others

    def e_step(self, params):
        """E-step as a function of a block."""
        return partial(self.suff_stats, params=params, tables=self.tables(params))

    def suff_stats(self, block, params, tables):
        """Expected sufficient statistics of a block."""
        stacked, log_weights = tables
        n_components = len(params.weights)
        sums = kernels.table_moments(
            stacked,
            log_weights,
            block.codes,
            self._others(block.X, params, len(log_weights)),
            block.sample_weight,
            _CUTOFF if n_components > _PAD else 0.0,
            bool(self.plain),
        )
        moments = np.empty((self._ends[-1], n_components))
        for place, j in enumerate(self.plain):
            observed = ~np.isnan(block.X[:, j])
            moments[self._ends[place] : self._ends[place + 1]] = self.families[j].stats(
                block.X[observed, j],
                sums.resp[observed, :n_components],
                params.columns[j],
            )
        return TableStats(
            float(sums.log_likelihood) + block.offset,
            block.weight,
            sums.s0[:n_components],
            sums.counts[:, :n_components],
            moments,
        )

    def m_step(self, stats, smoothing, previous=None):
        """Parameters of highest posterior density.

        Every component has `smoothing` pseudo-rows of the whole table's distribution.
        """
        counts = self.layout.columns(stats.counts)
        columns = []
        for j, family in enumerate(self.families):
            if family is None:
                columns.append(None)
                continue
            own = counts[j] if j in counts else self._moments(stats, j)
            before = None if previous is None else previous.columns[j]
            prior = family.prior(smoothing) if smoothing else None
            columns.append(family.m_step(own, prior, before))
        missing = tuple(
            _shares(own, smoothing) for own in self.layout.missing(stats.counts)
        )
        # A component that lost all its rows stays a little possible.
        resp = stats.resp + 1e-10 * stats.resp.mean()
        return TableParams(resp / resp.sum(), missing, tuple(columns))

    def _moments(self, stats, j):
        place = self.plain.index(j)
        return stats.moments[self._ends[place] : self._ends[place + 1]]

    def n_parameters(self, n_components):
        """Free parameters of the densities of K components, without their weights."""
        families = [family for family in self.families if family is not None]
        return n_components * sum(int(family.n_parameters) for family in families)

    def posterior(self, X, params, map_blocks, with_resp):
        """Log densities and, if asked for, p(k | x) of rows."""
        stacked, log_weights = self.tables(params)

        def of_block(start):
            rows = X[start : start + _BLOCK_ROWS]
            codes, offset = self.layout.encode(rows)
            others = self._others(rows, params, len(log_weights))
            found = kernels.table_posterior(
                stacked, log_weights, codes, others, with_resp
            )
            return found.log_prob + offset, found.resp[:, : len(params.weights)]

        parts = list(map_blocks(of_block, range(0, len(X), _BLOCK_ROWS)))
        log_prob = np.concatenate([part[0] for part in parts])
        return log_prob, np.concatenate([part[1] for part in parts])

    def draw(self, params, component, rng, wanted=None):
        """Draw rows, one of each component named; NaN in columns not wanted.

        Parameters
        ----------
        component : ndarray of shape (n,)
        wanted : ndarray of shape (n, n_features) or None
            Cells to draw; None is all.
        """
        X = np.full((len(component), len(self.families)), np.nan)
        for j, family in enumerate(self.families):
            if family is None:
                continue
            rows = slice(None) if wanted is None else np.flatnonzero(wanted[:, j])
            X[rows, j] = family.draw(params.columns[j], component[rows], rng)
        return X

    def hide(self, X, params, component, rng):
        """Make cells missing as they were in fit, given the rows' components."""
        for mask, shares in zip(self.masks, params.missing, strict=True):
            cumulative = np.cumsum(shares, axis=0)[:, component]
            which = (cumulative <= rng.random(len(X)) * cumulative[-1]).sum(axis=0)
            hidden = (which[:, None] >> np.arange(len(mask))) & 1
            X[:, mask] = np.where(hidden, np.nan, X[:, mask])
        return X


def _shares(counts, smoothing):
    overall = counts.sum(axis=1, keepdims=True)
    overall = overall / max(overall.sum(), np.finfo(float).tiny)
    counts = counts + max(smoothing, 1e-10) * overall
    return counts / np.maximum(counts.sum(axis=0), np.finfo(float).tiny)
