"""Declared constraints between columns: what users write."""

from dataclasses import dataclass

_OPERATORS = ("<", "<=", ">", ">=")


@dataclass(frozen=True)
class Inequality:
    """One column is never above another, in every row and every draw.

    The upper column is modelled by its distance to the lower one, which is never
    negative: a density of (lower, gap) is a density of (lower, upper).

    Parameters
    ----------
    left : str or int
        A column, by name or index.
    operator : {"<", "<=", ">", ">="}
        What holds between `left` and `right`.
    right : str or int
        The other column: both are numbers, both dates or both durations.

    See Also
    --------
    Sum : Columns that add up to another.
    FixedCombinations : Columns of which only the combinations seen occur.

    Examples
    --------
    >>> from sklearn_gen.constraints import Inequality
    >>> Inequality("start", "<", "end")
    Inequality(left='start', operator='<', right='end')
    """

    left: str | int
    operator: str
    right: str | int

    def __post_init__(self):
        if self.operator not in _OPERATORS:
            raise ValueError(
                f"operator of an Inequality must be one of {list(_OPERATORS)}, got "
                f"{self.operator!r}."
            )

    @property
    def columns(self):
        """Lower and upper column."""
        ends = (self.left, self.right)
        return ends if self.operator in ("<", "<=") else ends[::-1]

    @property
    def is_strict(self):
        """Whether equal values violate it."""
        return self.operator in ("<", ">")


@dataclass(frozen=True)
class Sum:
    """Columns add up to another one, in every row and every draw.

    The total is left out of the model and computed from the parts.

    Parameters
    ----------
    parts : sequence of str or int
        Columns of numbers, or of durations.
    total : str or int
        The column that they add up to.

    See Also
    --------
    Inequality : One column is never above another.
    FixedCombinations : Columns of which only the combinations seen occur.

    Examples
    --------
    >>> from sklearn_gen.constraints import Sum
    >>> Sum(["net", "tax"], "gross")
    Sum(parts=('net', 'tax'), total='gross')
    """

    parts: tuple
    total: str | int

    def __post_init__(self):
        object.__setattr__(self, "parts", _several(self.parts, "parts of a Sum"))

    @property
    def columns(self):
        """The parts, then the total."""
        return (*self.parts, self.total)


@dataclass(frozen=True)
class FixedCombinations:
    """Of some columns only those combinations occur that fit saw.

    The columns are modelled as one categorical column of their combinations. Where
    some of them are missing, all combinations that agree with the others are possible.

    Parameters
    ----------
    columns : sequence of str or int
        Columns of any type, by name or index.

    See Also
    --------
    Inequality : One column is never above another.
    Sum : Columns that add up to another.

    Examples
    --------
    >>> from sklearn_gen.constraints import FixedCombinations
    >>> FixedCombinations(["city", "state"])
    FixedCombinations(columns=('city', 'state'))
    """

    columns: tuple

    def __post_init__(self):
        columns = _several(self.columns, "columns of FixedCombinations")
        object.__setattr__(self, "columns", columns)


CONSTRAINTS = (Inequality, Sum, FixedCombinations)


def _several(columns, what):
    if isinstance(columns, str | int) or len(tuple(columns)) < 2:
        raise ValueError(f"{what} must be a list of two or more, got {columns!r}.")
    return tuple(columns)
