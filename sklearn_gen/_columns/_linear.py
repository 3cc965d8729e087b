"""Inequalities and sums as a linear map from modelled columns to those of the table."""

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from sklearn_gen._columns._cells import NUMBERS, TICKS_PER_DAY, TIMES
from sklearn_gen._columns._constraints import FixedCombinations, Inequality
from sklearn_gen._columns._resolution import cell_width, decimal_width

# Differences of sums this small, relative to their terms, are rounding.
_ROUNDING = 1e-12


class Equation(NamedTuple):
    """`target` = sum of coefficient × source + constant + sign × gap, as encoded."""

    target: int
    sources: tuple
    coefficients: tuple
    constant: float
    sign: int  # of the gap; 0 for a sum, which has none
    is_open: bool  # whether a gap of zero violates it
    cell: float  # width of the cells that a gap is scored by, 0.0 for none
    grid: float  # width of the grid that gaps lie on, 0.0 for none
    number: int  # of the constraint


def equations_of(schema, constraints, encoded):
    """Choose for each constraint the column that follows from the others.

    Returns
    -------
    equations : dict from encoded column to Equation
        In an order in which columns can be computed.

    Raises
    ------
    ValueError
        If columns aren't comparable, or a constraint has no column left to determine.
    """
    chosen = {}
    for number, constraint in enumerate(constraints):
        if isinstance(constraint, FixedCombinations):
            continue
        columns = [
            int(schema.column_indices([column], str(constraint))[0])
            for column in constraint.columns
        ]
        if len(set(columns)) < len(columns):
            raise ValueError(f"{constraint} names a column twice.")
        for target in reversed(columns):
            rest = [j for j in columns if j != target]
            if target not in chosen and not _lead_to(target, rest, chosen):
                break
        else:
            raise ValueError(
                f"{constraint} can't be kept beside the constraints before it: each of "
                "its columns follows from others already. Leave out what they imply."
            )
        make = _gap if isinstance(constraint, Inequality) else _sum
        chosen[target] = make(schema, constraint, columns, target, number, encoded)
    ordered = {}
    while len(ordered) < len(chosen):
        for target, equation in chosen.items():
            if all(j in ordered or j not in chosen for j in equation.sources):
                ordered.setdefault(target, equation)
    return ordered


def _lead_to(target, columns, chosen):
    """Whether any of some columns is computed from `target`."""
    return any(
        j == target or (j in chosen and _lead_to(target, chosen[j].sources, chosen))
        for j in columns
    )


def _gap(schema, constraint, columns, target, number, encoded):
    (source,) = (j for j in columns if j != target)
    scale, shift = map(float, _on_scale_of(schema, source, target, constraint))
    sign = 1 if target == columns[1] else -1
    gaps = sign * (encoded[:, target] - scale * encoded[:, source] - shift)
    gaps, cell, grid = gaps[~np.isnan(gaps)], schema.resolution[target], 0.0
    if cell and schema.resolution[source]:  # two grids: is one part of the other?
        if (np.abs(gaps - cell * np.rint(gaps / cell)) > 1e-6 * cell).any():
            cell = cell_width(gaps) or cell
        grid = cell
    # Between columns of cells "above" means by one cell at least.
    apart = constraint.is_strict and grid and not (gaps < grid * (1 - 1e-9)).any()
    return Equation(
        target,
        (source,),
        (scale,),
        shift + sign * (grid if apart else 0.0),
        sign,
        constraint.is_strict and not apart,
        float(cell),
        float(grid),
        number,
    )


def _sum(schema, constraint, columns, target, number, encoded):
    total = columns[-1]
    for j in columns:
        if schema.kinds[j] not in ("continuous", "integer", "timedelta"):
            raise ValueError(
                f"{constraint}: {schema.label(j)} is {schema.kinds[j]}; columns that "
                "add up are numbers or durations."
            )
    sources, coefficients, constant = [], [], Fraction(0)
    for j in columns:
        if j != target:
            scale, shift = _on_scale_of(schema, j, target, constraint)
            sign = 1 if total in (target, j) else -1
            sources.append(j)
            coefficients.append(float(sign * scale))
            constant += sign * shift
    # each shift took off the target's origin; the sum has it once
    surplus = sum(1 if total in (target, j) else -1 for j in sources) - 1
    constant += surplus * schema.columns[target].origin
    return Equation(
        target,
        tuple(sources),
        tuple(coefficients),
        float(constant),
        sign=0,
        is_open=False,
        cell=0.0,
        grid=0.0,
        number=number,
    )


def _on_scale_of(schema, source, target, constraint):
    """Scale and shift that turn an encoded column into the units of another one.

    As fractions: origins may be larger than what float64 tells apart.
    """
    have, want = schema.columns[source], schema.columns[target]
    if have.kind in NUMBERS and want.kind in NUMBERS:
        return Fraction(1), Fraction(have.origin - want.origin)
    comparable = have.kind == want.kind and have.kind in TIMES
    if comparable and "period" in (have.unit, want.unit):
        comparable = have.dtype == want.dtype
    if not comparable or (have.zone is None) != (want.zone is None):
        raise ValueError(
            f"{constraint} compares {schema.label(source)} ({have.kind}, dtype "
            f"{have.dtype}) with {schema.label(target)} ({want.kind}, dtype "
            f"{want.dtype}): both must be numbers, dates or durations."
        )
    if have.unit == want.unit:
        ratio = Fraction(1)
    else:
        ratio = Fraction(TICKS_PER_DAY[want.unit], TICKS_PER_DAY[have.unit])
    shift = (have.origin * ratio - want.origin) / want.step
    return have.step * ratio / want.step, shift


def widths_of(schema, equations):
    """What columns that follow from others are rounded to, by column; 0 is not at all.

    A total is rounded to the decimals of its parts, not to the grid that those seen lie
    on: parts may add up to other ones.
    """
    widths = {}
    for j, equation in equations.items():
        widths[j] = schema.columns[j].resolution
        if equation.sign or schema.kinds[j] != "continuous":
            continue
        parts = [(i, schema.columns[i]) for i in equation.sources]
        own = [widths.get(i, column.resolution) for i, column in parts]
        lows = [column.bounds[0] for _, column in parts]
        widths[j] = decimal_width([*own, *lows]) if all(own) else 0.0
    return widths


def linear_maps(equations, resolution):
    """One LinearMap for each group of columns that hang together."""
    groups = []
    for equation in equations.values():  # each after those that it needs
        group = {equation.target: equation}
        used = {equation.target, *equation.sources}
        apart = []
        for columns, other in groups:
            if columns & used:
                used, group = columns | used, other | group
            else:
                apart.append((columns, other))
        groups = [*apart, (used, group)]
    ordered = [{j: e for j, e in equations.items() if j in g} for _, g in groups]
    return tuple(LinearMap.from_equations(group, resolution) for group in ordered)


@dataclass(frozen=True, eq=False)
class LinearMap:
    """Encoded columns = matrix @ modelled columns + constants.

    Attributes
    ----------
    columns : tuple of int
        The encoded columns, each after those that it is computed from.
    variables : tuple of int
        The encoded columns that have a modelled one in their place: themselves, or
        their gap; a total has none.
    matrix : ndarray of shape (n_columns, n_variables)
    constants : ndarray of shape (n_columns,)
    on_grid : ndarray of shape (n_columns,)
        Which encoded columns have a resolution.
    gaps : ndarray of shape (n_variables,)
        Which variables are gaps.
    """

    columns: tuple
    variables: tuple
    matrix: np.ndarray
    constants: np.ndarray
    on_grid: np.ndarray
    gaps: np.ndarray

    @classmethod
    def from_equations(cls, equations, resolution):
        """Chain the equations."""
        used = {j for e in equations.values() for j in (e.target, *e.sources)}
        columns = (*sorted(used - set(equations)), *equations)
        sums = {j for j, e in equations.items() if e.sign == 0}
        variables = tuple(j for j in columns if j not in sums)
        rows, constants = {}, {}
        for j in columns:
            own = np.array([float(j == v) for v in variables])
            if j not in equations:
                rows[j], constants[j] = own, 0.0
                continue
            e = equations[j]
            terms = list(zip(e.coefficients, e.sources, strict=True))
            rows[j] = e.sign * own + sum(c * rows[i] for c, i in terms)
            constants[j] = e.constant + sum(c * constants[i] for c, i in terms)
        return cls(
            columns=columns,
            variables=variables,
            matrix=np.array([rows[j] for j in columns]),
            constants=np.array([constants[j] for j in columns]),
            on_grid=resolution[list(columns)] > 0,
            gaps=np.array([j in equations for j in variables]),
        )

    def solve(self, seen, cells):
        """Say what some rows tell of the variables.

        Parameters
        ----------
        seen : ndarray of bool, shape (n_columns,)
            Which columns these rows observe.
        cells : ndarray of shape (n_rows, n_seen)
            What they hold.

        Returns
        -------
        known : list of (variable, values)
            Variables that follow.
        sums : list of (variable, terms, values)
            One per equation that leaves more than one variable open: the variable is
            `values` less the `terms`, coefficients of others.
        wrong : list of (column, rows)
            Columns at odds with others, and in which rows.
        """
        cells = cells - self.constants[seen]
        # of two cells the difference has the right sign, however small
        size = np.abs(cells).max(axis=1, initial=0.0) * (cells.shape[1] > 2)
        reduced, wrong = [], []  # (pivot, row of the matrix, right-hand sides)
        for i, values in zip(np.flatnonzero(seen), cells.T, strict=True):
            row = self.matrix[i].copy()
            for pivot, other, known in reduced:
                row, values = row - row[pivot] * other, values - row[pivot] * known
            row[np.abs(row) < 1e-9] = 0.0
            if not row.any():
                bad = np.abs(values) > 1e3 * _ROUNDING * size
                wrong.append((self.columns[i], bad))
                continue
            pivot = self._pivot(row, self.on_grid[i])
            row, values = row / row[pivot], values / row[pivot]
            reduced = [
                (p, other - other[pivot] * row, known - other[pivot] * values)
                for p, other, known in reduced
            ]
            reduced.append((pivot, row, values))
        known, sums = [], []
        for pivot, row, values in reduced:
            free = [v for v in np.flatnonzero(np.abs(row) > 1e-9) if v != pivot]
            values = np.where(np.abs(values) <= _ROUNDING * size, 0.0, values)
            if free:
                terms = {v: float(row[v]) for v in free}
                sums.append((pivot, terms, values))
            else:
                known.append((pivot, values))
        return known, sums, wrong

    def _pivot(self, row, on_grid):
        """Choose what an equation is solved for: its density is the equation's own.

        A mass where what is observed has cells, and then the gap, so that the other
        end is summed over; else a density, and of the end, which is smoother than a
        gap that may pile up at zero.
        """
        cells = self.on_grid[[self.columns.index(v) for v in self.variables]]
        ranks = [
            (cells[v] != on_grid, self.gaps[v] != on_grid, -v)
            for v in np.flatnonzero(row)
        ]
        return -min(ranks)[2]
