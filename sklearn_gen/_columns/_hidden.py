"""What a row tells of modelled columns that it doesn't hold.

Both kinds give log probabilities for each component, to be added to those of the
columns observed, and draws.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp
from scipy.stats import qmc

from sklearn_gen._columns._family import select

# Nodes of an integral over one column not observed; of more, of all together.
_N_NODES = 128
_N_NODES_MANY = 1024
# A column of cells is summed over all of them, if there are no more.
_MAX_CELLS = 4096
_TAIL = 1e-10


@dataclass(frozen=True, eq=False)
class PartialLevels:
    """Rows of which only some columns of a fixed combination are observed.

    Attributes
    ----------
    column : int
        The modelled column of combinations, NaN in these rows.
    rows : ndarray of shape (n_affected,)
        Indices of the rows.
    allowed : ndarray of shape (n_affected, n_levels)
        Which levels agree with what is observed; one at least.
    """

    column: int
    rows: np.ndarray
    allowed: np.ndarray

    def log_prob(self, log_levels):
        """Log probability of what is observed.

        Parameters
        ----------
        log_levels : ndarray of shape (n_levels, K)
            Log probability of each level under each component.

        Returns
        -------
        log_prob : ndarray of shape (n_affected, K)
        """
        peak = log_levels.max(axis=0)
        with np.errstate(divide="ignore"):
            return np.log(self.allowed @ np.exp(log_levels - peak)) + peak

    def draw(self, log_levels, component, rng):
        """Draw a level for each row.

        Parameters
        ----------
        log_levels : ndarray of shape (n_levels, K)
            Log probability of each level under each component.
        component : ndarray of shape (n_affected,)
            Each row's component.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        codes : ndarray of shape (n_affected,)
            float64, as in the encoded column.
        """
        log_prob = np.where(self.allowed, log_levels[:, component].T, -np.inf)
        return draw_rows(log_prob, rng).astype(np.float64)


@dataclass(frozen=True, eq=False)
class HiddenSums:
    """Rows that observe sums of modelled columns, but not the columns.

    Of ``start < end`` with only `end` observed that is start + gap; of a total of which
    several parts are missing, the sum of these. The columns `free` can have any values;
    those `solved` follow: ``constants - free @ coefficients.T``. Hence for a component

    .. math::
        p(sums) = E_{free} \\prod_j p_j(constant_j - coefficients_j \\cdot free),

    a sum over all cells where one free column lies on a grid, else an integral over
    quantiles of the component (of several free columns: a Sobol sequence, whose error
    is some hundredths of a nat). Given the component, columns must be independent.

    Attributes
    ----------
    free, solved : tuple of int
        Modelled columns, NaN in these rows.
    rows : ndarray of shape (n_affected,)
        Indices of the rows.
    coefficients : ndarray of shape (n_solved, n_free)
        See above.
    constants : ndarray of shape (n_affected, n_solved)
        See above.
    lower : ndarray of shape (n_solved,)
        Least value of the solved columns: 0 for gaps.
    lower_of_free : ndarray of shape (n_free,)
        The same of the free ones.
    tidy : callable
        Of a modelled column and values: these within its limits, and on its grid.
    """

    free: tuple
    solved: tuple
    rows: np.ndarray
    coefficients: np.ndarray
    constants: np.ndarray
    lower: np.ndarray
    lower_of_free: np.ndarray
    tidy: Callable

    def log_prob(self, families, params):
        """Log density of the sums under each component.

        Parameters
        ----------
        families : sequence of Family
            Of all modelled columns.
        params : sequence of NamedTuple
            Their parameters, with the components along the last axis.

        Returns
        -------
        log_prob : ndarray of shape (n_affected, K)
        """
        n_components = params[self.free[0]][0].shape[-1]
        return np.column_stack(
            [
                logsumexp(self._nodes_of_rows(families, params, k)[1], axis=1)
                for k in range(n_components)
            ]
        )

    def draw(self, families, params, component, rng):
        """Draw the columns that are not observed, given the sums.

        Parameters
        ----------
        families, params
            As in `log_prob`.
        component : ndarray of shape (n_affected,)
            Each row's component.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        values : ndarray of shape (n_affected, n_free + n_solved)
            Of the columns (*free, *solved); they add up to what is observed.
        """
        drawn = np.empty((len(self.rows), len(self.free) + len(self.solved)))
        for k in np.unique(component):
            rows = np.flatnonzero(component == k)
            nodes, log_weight = self._nodes_of_rows(families, params, k, rows)
            node = draw_rows(log_weight, rng)
            which = np.arange(len(rows)) if len(nodes) > 1 else 0
            drawn[rows, : len(self.free)] = nodes[which, node]
        return self._with_solved(drawn[:, : len(self.free)])

    def mean(self, families, params, resp):
        """Expectations of the columns that are not observed, given the sums.

        Parameters
        ----------
        families, params
            As in `log_prob`.
        resp : ndarray of shape (n_affected, K)
            Probability of each component given all that is observed.

        Returns
        -------
        values : ndarray of shape (n_affected, n_free + n_solved)
            Of the columns (*free, *solved); they add up to what is observed.
        """
        free = np.zeros((len(self.rows), len(self.free)))
        for k in np.flatnonzero(resp.max(axis=0, initial=0.0) > 1e-9):
            nodes, log_weight = self._nodes_of_rows(families, params, k)
            # where a component can't have these sums it has no part in the row
            peak = log_weight.max(axis=1, keepdims=True)
            weight = np.exp(log_weight - np.where(np.isfinite(peak), peak, 0.0))
            weight /= np.maximum(weight.sum(axis=1, keepdims=True), 1e-300)
            free += resp[:, k, None] * np.einsum("nm,nmf->nf", weight, nodes)
        return self._with_solved(free)

    def _with_solved(self, free):
        """Put the columns solved beside the free ones, all of them tidy.

        The nodes of an integral can miss the few values that a sum at the end of what
        was seen leaves: free columns then move to where those solved are possible.
        """
        columns = zip(self.free, free.T, strict=True)
        free = np.column_stack([self.tidy(j, x) for j, x in columns])
        for i, j in enumerate(self.solved):
            rates = self.coefficients[i]
            solved = self.constants[:, i] - free @ rates
            beyond = solved - self.tidy(j, solved)
            for f in np.flatnonzero(rates):
                moved = self.tidy(self.free[f], free[:, f] + beyond / rates[f])
                beyond -= rates[f] * (moved - free[:, f])
                free[:, f] = moved
        return np.hstack([free, self.constants - free @ self.coefficients.T])

    def _nodes_of_rows(self, families, params, k, rows=slice(None)):
        """Nodes (n_rows or 1, n_nodes, n_free) and log weights (n_rows, n_nodes)."""
        constants, used = self.constants[rows], (*self.free, *self.solved)
        own = {j: select(params[j], np.array([k])) for j in used}
        densities = all(families[j].base_measure == "lebesgue" for j in used)
        if len(used) == 2 and densities:
            return self._nodes_of_both(families, own, constants[:, 0, None])
        nodes, log_weight = _nodes(
            [families[j] for j in self.free], [own[j] for j in self.free]
        )
        log_weight = np.tile(log_weight, (len(constants), 1))
        for i, j in enumerate(self.solved):
            x = constants[:, i, None] - nodes @ self.coefficients[i]
            x[np.abs(x - self.lower[i]) < 1e-9] = self.lower[i]  # rounding
            log_weight += _log_prob(families[j], own[j], x, self.lower[i])
        return nodes[None], log_weight

    def _nodes_of_both(self, families, params, constant):
        """One free column and one solved, both with densities p and q.

        Half of the nodes are quantiles of p, half those of q, since either may be the
        narrower; weighted as if drawn from (p + q) / 2, p q is smooth.
        """
        (f,), (s,), rate = self.free, self.solved, self.coefficients[0, 0]
        shares, log_share = _shares()
        component = np.zeros(len(shares), dtype=np.intp)
        own = families[f].ppf(shares, params[f], component)
        other = families[s].ppf(shares, params[s], component)
        size = (len(constant), len(shares))
        free = np.hstack([np.broadcast_to(own, size), (constant - other) / rate])
        solved = np.hstack([constant - rate * own, np.broadcast_to(other, size)])
        log_p = _log_prob(families[f], params[f], free, self.lower_of_free[0])
        log_q = _log_prob(families[s], params[s], solved, self.lower[0])
        possible = np.isfinite(log_p) & np.isfinite(log_q)
        log_p, log_q = (np.where(possible, x, 0.0) for x in (log_p, log_q))
        both = log_p + log_q - np.logaddexp(log_p, log_q + np.log(np.abs(rate)))
        log_weight = np.where(possible, both + np.tile(log_share, 2), -np.inf)
        return free[:, :, None], log_weight


def _log_prob(family, params, x, lower):
    log_prob = np.full(x.shape, -np.inf)
    possible = x >= lower
    log_prob[possible] = family.log_prob(x[possible], params)[:, 0]
    return log_prob


def _shares():
    """Middles of shares of a distribution, finer and finer at its ends, and logs."""
    edges = np.arange(1, _N_NODES) / _N_NODES
    tail = edges[0] * 0.5 ** np.arange(24, 0, -1)
    edges = np.r_[0.0, tail, edges, 1.0 - tail[::-1], 1.0]
    return 0.5 * (edges[1:] + edges[:-1]), np.log(np.diff(edges))


def _nodes(families, params):
    """Nodes (n_nodes, n_columns) and log weights for an expectation."""
    if len(families) == 1 and families[0].resolution > 0:
        (family,), (own,) = families, params
        low, high = family.ppf(np.array([_TAIL, 1 - _TAIL]), own, np.zeros(2, int))
        n_cells = int(np.rint((high - low) / family.resolution)) + 1
        if n_cells <= _MAX_CELLS:
            beyond = n_cells + 10  # what is that far out weighs nothing
            cells = low + family.resolution * np.arange(-beyond, n_cells + beyond)
            log_prob = family.log_prob(cells, own)[:, 0]
            possible = log_prob > -np.inf
            return cells[possible, None], log_prob[possible]
    if len(families) == 1:
        shares, log_share = _shares()
        shares = shares[:, None]
    else:
        sobol = qmc.Sobol(len(families), rng=np.random.default_rng(0))
        shares = np.clip(sobol.random(_N_NODES_MANY), _TAIL, 1 - _TAIL)
        log_share = np.full(len(shares), -np.log(len(shares)))
    component = np.zeros(len(shares), dtype=np.intp)
    nodes = [
        family.ppf(share, own, component)
        for family, own, share in zip(families, params, shares.T, strict=True)
    ]
    return np.column_stack(nodes), log_share


def draw_rows(log_prob, rng):
    """Draw a column index for each row, by log weights; the largest if all are -inf."""
    peak = log_prob.max(axis=1, keepdims=True)
    weight = np.exp(log_prob - np.where(np.isfinite(peak), peak, 0.0))
    total = weight.cumsum(axis=1)
    uniform = rng.random(len(log_prob))[:, None] * total[:, -1:]
    return np.minimum((total <= uniform).sum(axis=1), log_prob.shape[1] - 1)


def hidden_sums(equations, columns, tidy):
    """Put equations that share open columns together.

    Parameters
    ----------
    equations : list of (solved, terms, rows, values)
        In `rows` the modelled column `solved` is `values` less the `terms`, a dict from
        open column to coefficient.
    columns : sequence of ModelledColumn
        All of them.
    tidy : callable
        As of `HiddenSums`.

    Returns
    -------
    hidden : list of HiddenSums
    """
    groups = {}
    for rows in {id(rows): rows for _, _, rows, _ in equations}.values():
        for group in _joined([e for e in equations if e[2] is rows]):
            free = tuple(sorted({j for _, terms, _, _ in group for j in terms}))
            solved = tuple(j for j, _, _, _ in group)
            rates = tuple(terms.get(j, 0.0) for _, terms, _, _ in group for j in free)
            values = np.column_stack([values for _, _, _, values in group])
            groups.setdefault((free, solved, rates), []).append((rows, values))
    return [
        HiddenSums(
            free=free,
            solved=solved,
            rows=np.concatenate([rows for rows, _ in parts]),
            coefficients=np.reshape(rates, (len(solved), len(free))),
            constants=np.concatenate([values for _, values in parts]),
            lower=np.array([columns[j].lower for j in solved]),
            lower_of_free=np.array([columns[j].lower for j in free]),
            tidy=tidy,
        )
        for (free, solved, rates), parts in groups.items()
    ]


def _joined(equations):
    """Group the equations of the same rows by the open columns that they share."""
    groups = []
    for equation in equations:
        group, apart = [equation], []
        for other in groups:
            if any(set(terms) & set(equation[1]) for _, terms, _, _ in other):
                group = other + group
            else:
                apart.append(other)
        groups = [*apart, group]
    return groups
