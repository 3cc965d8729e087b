"""Models of sequences whose columns are numbers of which each has a probability."""

from abc import abstractmethod

import numpy as np

from sklearn_gen._validation import warn
from sklearn_gen.base import DegenerateDataWarning

_NUMBERS = ("continuous", "integer", "boolean")


class Numbers:
    """Columns are numbers or booleans, whose types draws restore."""

    _mixed_columns = True
    _base_measure = "counting"

    @abstractmethod
    def _coerce(self, X):
        """Rows as the emission takes them, or an error."""

    def _check_training_rows(self, X, sample_weight, reset=True):
        rows, sample_weight = super()._check_training_rows(X, sample_weight, reset)
        for j, kind in enumerate(self.schema_.kinds):
            if kind not in _NUMBERS and j not in self.schema_.empty_columns:
                raise ValueError(
                    f"{self.schema_.label(j)} is of kind {kind!r}, where "
                    f"{type(self).__name__} needs numbers or booleans. Take "
                    "CategoricalHMM for levels, MixedHMM for mixed columns."
                )
        return self._coerce(rows), sample_weight

    def _check_scored_rows(self, X):
        return self._coerce(super()._check_scored_rows(X))


class Counts(Numbers):
    """Columns are counts."""

    _counts = True

    def _coerce(self, X):
        if np.any(X < 0):
            row, column = np.argwhere(X < 0)[0]
            raise ValueError(
                f"Negative values in data passed to {type(self).__name__}: "
                f"{self.schema_.label(column)}, row {row} is {X[row, column]:g}. "
                "Counts are 0, 1, 2, ...; take MixedHMM for other numbers."
            )
        counts = np.rint(X)
        if not np.array_equal(counts, X, equal_nan=True):
            row, column = np.argwhere((counts != X) & ~np.isnan(X))[0]
            warn(
                f"{self.schema_.label(column)}, row {row} is {X[row, column]:g}, which "
                "is no count: such values are rounded. For amounts take MixedHMM with "
                "the family 'gamma' or 'lognormal'.",
                DegenerateDataWarning,
            )
        return counts

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags
