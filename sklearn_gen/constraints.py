"""Constraints between the columns of a table that hold in every draw."""

from sklearn_gen._columns._constraints import FixedCombinations, Inequality, Sum

__all__ = ["FixedCombinations", "Inequality", "Sum"]
