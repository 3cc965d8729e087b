"""From the columns of a table to the columns that are modelled, and back."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from sklearn_gen._columns._combinations import Combination, combinations_seen
from sklearn_gen._columns._constraints import CONSTRAINTS, FixedCombinations
from sklearn_gen._columns._hidden import PartialLevels, hidden_sums
from sklearn_gen._columns._limits import hard_limits, limits_of_family, limits_seen
from sklearn_gen._columns._linear import equations_of, linear_maps, widths_of
from sklearn_gen._columns._modelled import modelled_columns
from sklearn_gen._columns._resolution import on_grid
from sklearn_gen._columns._schema import TableSchema


class Modelled(NamedTuple):
    """Rows as a model sees them.

    Attributes
    ----------
    values : ndarray of shape (n_samples, n_modelled)
        float64, NaN where not observed; codes of categorical columns, the number of
        levels for one not seen in fit.
    violated : ndarray of shape (n_samples,)
        Index of a constraint that the row violates, else -1: such a row's log density
        is -inf.
    partial : tuple of PartialLevels
        Rows that observe only some columns of a fixed combination.
    hidden : tuple of HiddenSums
        Rows that observe sums of columns that they don't hold.
    """

    values: np.ndarray
    violated: np.ndarray
    partial: tuple
    hidden: tuple


@dataclass(frozen=True, eq=False)
class Layout:
    """Which columns are modelled, and how the others follow from them.

    Columns of which nothing was observed, identifiers and those left out are no part
    of it. Constraints are a change of variables of volume 1: densities of modelled
    rows are densities of the table's rows.

    Attributes
    ----------
    schema : TableSchema
        To decode what `inverse` gives: that of fit, but columns that follow from others
        are not clipped to bounds of their own.
    columns : tuple of ModelledColumn
        In the order of the table.
    constraints : tuple
        As declared.
    equations : dict
        Encoded column to Equation, in an order of computation.
    linear : tuple of LinearMap
        The equations, chained; one for each group of columns that hang together.
    combinations : tuple of Combination
        The fixed combinations.
    free : tuple of int
        Encoded columns whose draws may leave the bounds seen.
    """

    schema: TableSchema
    columns: tuple
    constraints: tuple
    equations: dict
    linear: tuple
    combinations: tuple
    free: tuple = ()

    @classmethod
    def fit(cls, schema, encoded, constraints=None, left_out=()):
        """Find the modelled columns of a table.

        Parameters
        ----------
        schema : TableSchema
            Of the table.
        encoded : ndarray of shape (n_samples, n_features)
            Its rows, ``schema.encode(X)``.
        constraints : sequence of Inequality, Sum and FixedCombinations, or None
            What holds in every row.
        left_out : sequence of int
            Columns that aren't modelled.

        Returns
        -------
        layout : Layout

        Raises
        ------
        ValueError
            If a constraint means nothing here, or a row violates one.
        TypeError
            If a constraint is none.
        """
        constraints = _checked(constraints)
        left_out = {*left_out, *schema.empty_columns, *schema.identifier_columns}
        equations = equations_of(schema, constraints, encoded)
        sets = {
            number: tuple(map(int, schema.column_indices(c.columns, f"{c}")))
            for number, c in enumerate(constraints)
            if isinstance(c, FixedCombinations)
        }
        _refuse_shared_columns(schema, constraints, sets, equations, left_out)
        levels = {
            columns: combinations_seen(encoded[:, columns]) for columns in sets.values()
        }
        columns = modelled_columns(schema, equations, levels, left_out)
        place = {column.sources: m for m, column in enumerate(columns)}
        layout = cls(
            schema=schema.without_clipping(widths_of(schema, equations)),
            columns=columns,
            constraints=constraints,
            equations=equations,
            linear=linear_maps(equations, schema.resolution),
            combinations=tuple(
                Combination(number, place[c], c, levels[c])
                for number, c in sets.items()
            ),
        )
        modelled = layout.forward(encoded)
        layout._refuse_violations(modelled.violated)
        largest = np.max(
            modelled.values, axis=0, initial=0.0, where=modelled.values > 0
        )
        return replace(
            layout,
            columns=tuple(
                replace(column, limits=limits_seen(column, schema, top))
                for column, top in zip(columns, largest, strict=True)
            ),
        )

    def with_families(self, families, block=()):
        """The same layout, with limits that suit the families of its columns.

        Those of the `block` are of one family, and have no limits without a grid.
        """
        families = [
            families[block[0] if m in block else m] for m in range(len(families))
        ]
        columns = tuple(
            column
            if m in block and not column.grid
            else replace(column, limits=limits_of_family(column, self.schema, family))
            for m, (column, family) in enumerate(
                zip(self.columns, families, strict=True)
            )
        )
        free = {
            c.sources[0]
            for c, before in zip(columns, self.columns, strict=True)
            if c.limits != before.limits
        }
        for j, equation in self.equations.items():
            free |= {j} if free & {*equation.sources} else set()
        widths = {j: self.schema.columns[j].resolution for j in free}
        schema = self.schema.without_clipping(widths)
        return replace(self, columns=columns, schema=schema, free=tuple(sorted(free)))

    def _refuse_violations(self, violated):
        for row in np.flatnonzero(violated >= 0)[:1]:
            constraint = self.constraints[violated[row]]
            raise ValueError(
                f"Row {row} violates {constraint} (rows of weight zero not counted). "
                "Constraints hold in every row and every draw: mend or drop such rows, "
                "or leave the constraint out."
            )

    def _places(self, *, gaps):
        """Modelled column in the place of each encoded one: itself, or its gap."""
        return {
            column.sources[0]: m
            for m, column in enumerate(self.columns)
            if len(column.sources) == 1 and column.is_gap == gaps
        }

    def forward(self, encoded):
        """Turn encoded rows into modelled ones.

        Parameters
        ----------
        encoded : ndarray of shape (n_samples, n_features)
            ``schema.encode(X)``.

        Returns
        -------
        modelled : Modelled
        """
        violated = np.full(len(encoded), -1)
        if not self.constraints and len(self.columns) == encoded.shape[1]:
            return Modelled(encoded, violated, (), ())
        values = np.full((len(encoded), len(self.columns)), np.nan)
        for j, m in self._places(gaps=False).items():
            values[:, m] = encoded[:, j]
        hidden, partial = [], []
        for linear in self.linear:
            sums = self._forward_linear(linear, encoded, values, violated)
            hidden += hidden_sums(sums, self.columns, self._tidy)
        for number, m, columns, levels in self.combinations:
            combination = Combination(number, m, columns, levels)
            codes, rows, allowed, unknown = combination.codes(encoded[:, columns])
            values[:, m], violated[unknown] = codes, number
            if len(rows):
                partial.append(PartialLevels(m, rows, allowed))
        return Modelled(values, violated, tuple(partial), tuple(hidden))

    def _forward_linear(self, linear, encoded, values, violated):
        """Set bases and gaps, one pattern of missing cells at a time."""
        columns = np.array(linear.columns)
        places = self._places(gaps=False) | self._places(gaps=True)
        place = [places[j] for j in linear.variables]
        values[:, place] = np.nan
        seen = ~np.isnan(encoded[:, columns])
        patterns, which = np.unique(seen, axis=0, return_inverse=True)
        open_sums = []
        for p, pattern in enumerate(patterns):
            rows = np.flatnonzero(which.ravel() == p)
            cells = encoded[np.ix_(rows, columns[pattern])]
            known, sums, wrong = linear.solve(pattern, cells)
            for j, bad in wrong:
                violated[rows[bad]] = self.equations[j].number
            for v, solved in known:
                if linear.gaps[v]:
                    equation = self.equations[linear.variables[v]]
                    solved = on_grid(solved, equation.grid, 0.0)
                    below = solved <= 0 if equation.is_open else solved < 0
                    violated[rows[below]] = equation.number
                    solved = np.where(below, np.nan, solved)
                values[rows, place[v]] = solved
            open_sums += [
                (place[v], {place[f]: c for f, c in terms.items()}, rows, constants)
                for v, terms, constants in sums
            ]
        return open_sums

    def inverse(self, values, observed=None):
        """Turn modelled rows into encoded ones, in which every constraint holds.

        Parameters
        ----------
        values : ndarray of shape (n_samples, n_modelled)
            Numbers are rounded to their grid and clipped to the limits of their column.
        observed : ndarray of bool, shape (n_samples, n_features), or None
            Cells of the table that stay as they are, unless they can't.

        Returns
        -------
        encoded : ndarray of shape (n_samples, n_features)
            For ``layout.schema.decode``; NaN in columns that are not modelled.
        """
        encoded = np.full((len(values), len(self.schema.kinds)), np.nan)
        for combination in self.combinations:
            codes = values[:, combination.place]
            seen = np.flatnonzero(~np.isnan(codes))
            levels = combination.levels[codes[seen].astype(np.intp)]
            encoded[np.ix_(seen, combination.columns)] = levels
        for j, m in self._places(gaps=False).items():
            encoded[:, j] = self._tidy(m, values[:, m])
            if observed is not None:
                encoded[:, j] = np.where(observed[:, j], values[:, m], encoded[:, j])
        gaps = self._places(gaps=True)
        for j, equation in self.equations.items():
            end = equation.constant + sum(
                c * encoded[:, i]
                for c, i in zip(equation.coefficients, equation.sources, strict=True)
            )
            if j in gaps:
                gap = values[:, gaps[j]]
                exact = end + equation.sign * np.maximum(gap, 0.0)
                end = self._tidy_end(equation, end, self._tidy(gaps[j], gap))
                if observed is not None:
                    end = np.where(observed[:, j], exact, end)
            encoded[:, j] = end
        return encoded

    def _tidy(self, m, x):
        column = self.columns[m]
        if column.kind == "categorical":
            return x
        x = np.clip(x, *column.limits)
        low = 0.0 if column.is_gap else self.schema.columns[column.sources[0]].bounds[0]
        return np.clip(on_grid(x, column.grid, low), *column.limits)

    def _tidy_end(self, equation, bound, gap):
        """The end of an inequality: on its grid, within the bounds seen if it can be.

        `bound` is the nearest that it may come to the other end.
        """
        column, sign = self.schema.columns[equation.target], equation.sign
        end = bound + sign * gap
        if column.kind != "continuous":
            free = equation.target in self.free and column.kind != "datetime"
            near, far = (hard_limits(column) if free else column.bounds)[::sign]
            end = sign * np.maximum(sign * end, sign * near)
            end = sign * np.minimum(sign * end, np.maximum(sign * far, sign * bound))
        if column.resolution > 0:
            end = on_grid(end, column.resolution, column.bounds[0])
            short = sign * (end - bound) < -1e-6 * column.resolution
            short |= equation.is_open & (np.abs(end - bound) <= 1e-9 * np.abs(end))
            end = np.where(short, end + sign * column.resolution, end)
        elif equation.is_open:
            least = np.maximum(1e-11 * np.abs(bound), np.finfo(float).tiny)
            end = bound + sign * np.maximum(sign * (end - bound), least)
        return end


def _checked(constraints):
    for constraint in constraints or ():
        if not isinstance(constraint, CONSTRAINTS):
            raise TypeError(
                "constraints must be a list of Inequality, Sum and FixedCombinations "
                f"(sklearn_gen.constraints), got {constraint!r}."
            )
    return tuple(constraints or ())


def _refuse_shared_columns(schema, constraints, sets, equations, left_out):
    taken = {j for e in equations.values() for j in (e.target, *e.sources)}
    for j in taken & left_out:
        numbers = [e.number for e in equations.values() if j in (e.target, *e.sources)]
        raise _not_modelled(schema, constraints[numbers[0]], j)
    for number, columns in sets.items():
        for j in columns:
            if j in left_out:
                raise _not_modelled(schema, constraints[number], j)
            if j in taken:
                raise ValueError(
                    f"{constraints[number]}: {schema.label(j)} stands in another "
                    "constraint too. Columns of fixed combinations stand in no other: "
                    "join them into one FixedCombinations, or leave one out."
                )
        taken |= {*columns}


def _not_modelled(schema, constraint, j):
    return ValueError(
        f"{constraint}: {schema.label(j)} is not modelled (an identifier, or nothing "
        "is observed in it). Leave the constraint out."
    )
