"""EM of mixtures whose components have independent columns of any family."""

from contextlib import contextmanager
from copy import copy
from functools import partial
from itertools import accumulate

import numpy as np

from sklearn_gen._columns import PartialLevels, Tabulated
from sklearn_gen._kernels import table as kernels
from sklearn_gen.mixture._gaussian_block import GaussianBlock
from sklearn_gen.mixture._table_draws import TableDraws
from sklearn_gen.mixture._table_layout import TableLayout
from sklearn_gen.mixture._table_types import Rows, TableBlock, TableParams, TableStats

# Rows of a block: enough that adding up its counts is cheap beside making them.
_BLOCK_ROWS = 8192
# The kernel takes components by 32.
_PAD = 32
# Of a row, 32 components that share less than this get none of it.
_CUTOFF = 1e-5
# Columns of at most so many values are looked up in fit, whatever their family, if the
# values repeat: 1,000 rows of 200 columns, all different, take twice as long so.
_MOST_VALUES = 1024


class Columns(TableDraws):
    """The columns of a table, each of a family, and EM's three functions on them.

    Attributes
    ----------
    families : tuple of Family, Tabulated, GaussianBlock or None
        None for columns that take no part, and of a block for all but the first.
    masks : list of list of int
        Groups of columns whose cells are missing together.
    twins : list of Twins
        Columns that follow from others.
    table : Layout or None
        How the columns modelled follow from those of the table; None if they are the
        same.
    chosen : ndarray of int or None
        Columns of the table that rows have, None for all.
    """

    def __init__(self, families, masks=(), twins=(), table=None):
        self.families = tuple(families)
        self.masks = masks
        self.twins = twins
        self.table = table
        self.chosen = None
        self.block_of = {
            member: j
            for j, family in enumerate(families)
            if isinstance(family, GaussianBlock)
            for member in family.columns
        }
        self.layout = TableLayout(families)
        self.plain = [
            j
            for j, family in enumerate(families)
            if family is not None and not isinstance(family, Tabulated)
        ]
        self.tables_of = [
            j for j, family in enumerate(families) if isinstance(family, Tabulated)
        ]
        self._moment_rows = _spans(len(families[j].overall) for j in self.plain)
        self._count_rows = _spans(
            [families[j].n_codes for j in self.tables_of]
            + [2 ** len(mask) for mask in masks]
        )
        self.training = TableLayout(families, masks)

    def described(self):
        """Family and base measure of each column of the table, by name or index."""
        names = self.table.schema.names or tuple(range(self.n_features))
        leaders = {pair.follower: pair.leader for pair in self.twins}
        families, measures = dict.fromkeys(names), dict.fromkeys(names)
        for m, column in enumerate(self.table.columns):
            family = self.families[leaders.get(m, self.block_of.get(m, m))]
            for j in column.sources:
                name = family.name
                if m in leaders:
                    name = f"same as {self.table.columns[leaders[m]].name}"
                families[names[j]], measures[names[j]] = name, family.base_measure
        for j in self.table.schema.identifier_columns:
            families[names[j]] = "identifier"
        for j in self.table.equations:
            if families[names[j]] is None:
                families[names[j]] = measures[names[j]] = "follows"
        return families, measures

    def twins_of_table(self):
        """Pairs of columns of X, a leader and what says the same."""
        chosen = np.arange(self.n_features) if self.chosen is None else self.chosen
        for pair in self.twins:
            ends = [self.table.columns[m].sources for m in (pair.leader, pair.follower)]
            if np.isin(np.concatenate(ends), chosen).all():
                yield [int(np.flatnonzero(chosen == end[0])[0]) for end in ends]

    def select(self, chosen):
        """The same model where X has but the columns chosen."""
        selected = copy(self)
        selected.chosen = chosen if self.chosen is None else self.chosen[chosen]
        return selected

    def _inner(self, X):
        """Rows of all columns, where X has but those chosen."""
        if self.chosen is None:
            return X
        rows = np.full((len(X), self.n_features), np.nan)
        rows[:, self.chosen] = X
        return rows

    @property
    def n_features(self):
        """Number of columns of the whole table."""
        return len(self.families if self.table is None else self.table.schema.kinds)

    def _outer(self, rows):
        return rows if self.chosen is None else rows[:, self.chosen]

    @contextmanager
    def looked_up(self, X):
        """Meanwhile look values up of columns that have few, whatever their family.

        Only of these rows: others may hold other values.
        """
        X, grids = self.rows(X).X, {}
        for j in self.plain:
            if j in self.block_of:
                continue
            values = np.unique(X[~np.isnan(X[:, j]), j])
            if len(values) <= min(_MOST_VALUES, len(X) // 2):
                grids[j] = values
        before = self.training
        complete = np.flatnonzero(~np.isnan(X).any(axis=0)).tolist()
        self.training = TableLayout(self.families, self.masks, grids, complete)
        try:
            yield
        finally:
            self.training = before

    def rows(self, X, layout=None):
        """Take rows of the table as the model does."""
        layout = layout or self.layout
        offset = np.zeros(len(X))
        X, hidden = self._inner(X), []
        if self.table is not None:
            X, violated, partial_levels, sums = self.table.forward(X)
            offset[violated >= 0] = -np.inf
            hidden = [*partial_levels, *sums]
        if self.twins:
            X = X.copy()
        for twins in self.twins:
            offset += twins.forward(X)
        codes, within = layout.encode(X)
        return Rows(X, codes, offset + within, hidden)

    def violated(self, X):
        """The constraint that the first row violates, None if it keeps all."""
        number = self.table.forward(self._inner(X)).violated[0]
        return self.table.constraints[number] if number >= 0 else None

    def blocks(self, X, sample_weight=None):
        """Cut rows into blocks of a fixed size."""
        found = []
        for start in range(0, len(X), _BLOCK_ROWS):
            part = slice(start, start + _BLOCK_ROWS)
            rows = self.rows(X[part], self.training)
            if self.masks:
                missing = self.training.encode_missing(self._inner(X[part]))
                rows = rows._replace(codes=np.hstack([rows.codes, missing]))
            weight = np.empty(0)
            if sample_weight is not None:
                weight = sample_weight[part].astype(float)
            found.append(TableBlock(rows, weight))
        return found

    def tables(self, params, layout):
        """What the kernels take of the parameters: tables and log weights, padded."""
        n_components = len(params.weights)
        padded = -(-n_components // _PAD) * _PAD
        log_weights = np.full(padded, -np.inf)
        with np.errstate(divide="ignore"):
            log_weights[:n_components] = np.log(params.weights)
        return layout.stack(params.columns, padded), log_weights

    def _others(self, rows, params, n_padded, plain):
        """What columns `plain` and hidden ones add, (n, n_padded), or (0, n_padded)."""
        if not plain and not rows.hidden:
            return np.empty((0, n_padded))
        others = np.zeros((len(rows.X), n_padded))
        added = others[:, : len(params.weights)]
        for j in plain:
            there, x = self.observed(rows.X, j)
            log_prob = self.families[j].log_prob(x, params.columns[j])
            if len(there) == len(added):
                added += log_prob
            else:
                added[there] += log_prob
        for part in rows.hidden:
            if isinstance(part, PartialLevels):
                added[part.rows] += part.log_prob(self._log_levels(part, params))
            else:
                added[part.rows] += part.log_prob(self.families, params.columns)
        return others

    def observed(self, X, j):
        """Rows that observe a column, or some of its block, and what they observe."""
        if j in self.block_of:
            x = X[:, self.families[j].columns]
            there = np.flatnonzero(~np.isnan(x).all(axis=1))
        else:
            x = X[:, j]
            there = np.flatnonzero(x == x)  # not NaN
        return there, x[there]

    def learned_from(self, X, sample_weight):
        """The same columns, but smoothing pulls to what these rows say.

        Else rows held out would praise the smoothing that has seen them.
        """
        families, rows = list(self.families), self.rows(X).X
        for j in {self.block_of.get(j, j) for j in range(len(families))}:
            there, x = self.observed(rows, j)
            if families[j] is not None and len(there):
                weight = None if sample_weight is None else sample_weight[there]
                families[j] = families[j].learned_from(x, weight)
        learned = copy(self)
        learned.families = tuple(families)
        return learned

    def _log_levels(self, part, params):
        return params.columns[part.column].log_p[: part.allowed.shape[1]]

    def e_step(self, params):
        """E-step as a function of a block."""
        tables = self.tables(params, self.training)
        return partial(self.suff_stats, params=params, tables=tables)

    def suff_stats(self, block, params, tables):
        """Expected sufficient statistics of a block."""
        stacked, log_weights = tables
        n_components = len(params.weights)
        rows, grids = block.rows, self.training.grids
        plain = [j for j in self.plain if j not in grids]
        sums = kernels.table_moments(
            stacked,
            log_weights,
            rows.codes,
            self._others(rows, params, len(log_weights), plain),
            block.sample_weight,
            _CUTOFF if n_components > _PAD else 0.0,
            bool(plain),
        )
        counts = sums.counts[:, :n_components]
        by_column = self.training.columns(counts)
        moments = np.empty((self._moment_rows[-1].stop, n_components))
        for span, j in zip(self._moment_rows[:-1], self.plain, strict=True):
            if j in grids:
                x, resp = grids[j], by_column[j]
            else:
                there, x = self.observed(rows.X, j)
                resp = sums.resp[there, :n_components]
            moments[span] = self.families[j].stats(x, resp, params.columns[j])
        return TableStats(
            float(sums.log_likelihood) + block.offset,
            block.weight,
            sums.s0[:n_components],
            np.concatenate(
                [np.empty((0, n_components))]
                + [by_column[j] for j in self.tables_of]
                + self.training.missing(counts)
            ),
            moments,
        )

    def one_row_each(self, X, params):
        """Statistics of as many components as rows, each of one row."""
        rows, resp = self.rows(X).X, np.eye(len(X))
        parts, moments = [np.empty((0, len(X)))], [np.empty((0, len(X)))]
        for j, family in enumerate(self.families):
            if family is None:
                continue
            there, x = self.observed(rows, j)
            own = family.stats(x, resp[there], params.columns[j])
            (parts if j in self.tables_of else moments).append(own)
        codes = self.training.encode_missing(X) - self.training.n_rows
        missing = np.zeros((self.training.n_counted - self.training.n_rows, len(X)))
        missing[codes, np.arange(len(X))[:, None]] = 1.0
        counts = np.concatenate([*parts, missing])
        return TableStats(
            0.0, float(len(X)), np.ones(len(X)), counts, np.concatenate(moments)
        )

    def m_step(self, stats, smoothing, previous=None):
        """Parameters of highest posterior density.

        Every component has `smoothing` pseudo-rows of the whole table's distribution:
        a number, or one for each column.
        """
        strength = np.broadcast_to(smoothing, len(self.families))
        n_tables = len(self.tables_of)
        moments = [stats.moments[rows] for rows in self._moment_rows[:-1]]
        counts = [stats.counts[rows] for rows in self._count_rows[:-1]]
        parts = dict(zip(self.plain, moments, strict=True))
        parts |= dict(zip(self.tables_of, counts[:n_tables], strict=True))
        columns = []
        for j, family in enumerate(self.families):
            if family is None:
                columns.append(None)
                continue
            before = None if previous is None else previous.columns[j]
            prior = family.prior(strength[j]) if strength[j] else None
            columns.append(family.m_step(parts[j], prior, before))
        missing = tuple(_shares(own, strength.min()) for own in counts[n_tables:])
        # A component that lost all its rows stays a little possible.
        resp = stats.resp + 1e-10 * stats.resp.mean()
        return TableParams(resp / resp.sum(), missing, tuple(columns))

    def n_parameters(self, n_components):
        """Free parameters of the densities of K components, without their weights."""
        free = [
            int(family.n_parameters)
            for j, family in enumerate(self.families)
            if family is not None and j not in self.block_of and self._is_chosen(j)
        ]
        for j in set(self.block_of.values()):
            n_chosen = sum(map(self._is_chosen, self.families[j].columns))
            free.append(self.families[j].n_parameters_of(n_chosen))
        return n_components * sum(free)

    def is_number(self, j):
        """Whether means of a modelled column mean something."""
        numbers = ("continuous", "integer", "timedelta")
        return self.table is None or self.table.columns[j].kind in numbers

    def _is_chosen(self, j):
        """Whether a modelled column has to do with the columns chosen."""
        if self.chosen is None:
            return True
        followers = [pair.follower for pair in self.twins if pair.leader == j]
        sources = [j, *followers]
        if self.table is not None:
            sources = [c for i in sources for c in self.table.columns[i].sources]
        return not set(sources).isdisjoint(self.chosen.tolist())

    def posterior(self, X, params, map_blocks, with_resp):
        """Log densities and, if asked for, p(k | x) of rows."""
        stacked, log_weights = self.tables(params, self.layout)

        def of_block(start):
            rows = self.rows(X[start : start + _BLOCK_ROWS])
            others = self._others(rows, params, len(log_weights), self.plain)
            found = kernels.table_posterior(
                stacked, log_weights, rows.codes, others, with_resp
            )
            return found.log_prob + rows.offset, found.resp[:, : len(params.weights)]

        parts = list(map_blocks(of_block, range(0, len(X), _BLOCK_ROWS)))
        log_prob = np.concatenate([part[0] for part in parts])
        return log_prob, np.concatenate([part[1] for part in parts])


def _spans(sizes):
    """Slices one after the other, and an empty one at the end."""
    ends = [0, *accumulate(sizes)]
    return [slice(*ends[i : i + 2]) for i in range(len(ends) - 1)] + [
        slice(ends[-1], ends[-1])
    ]


def _shares(counts, smoothing):
    overall = counts.sum(axis=1, keepdims=True)
    overall = overall / max(overall.sum(), np.finfo(float).tiny)
    counts = counts + max(smoothing, 1e-10) * overall
    return counts / np.maximum(counts.sum(axis=0), np.finfo(float).tiny)
