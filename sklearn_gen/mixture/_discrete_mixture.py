"""What mixtures of discrete columns of one family share."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np

from sklearn_gen._compat import Interval
from sklearn_gen.mixture._table_mixture import TableMixture

_NUMBERS = ("continuous", "integer", "boolean")


class DiscreteMixture(TableMixture):
    """A mixture of tables whose columns are all of one family of masses."""

    _base_measure = "counting"
    _takes_levels = False
    # What TableMixture leaves to its users.
    categorical_features = "from_dtype"
    constraints = identifiers = gaussian_block = None
    _parameter_constraints: ClassVar[dict] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "smoothing": [Interval(Real, 0.0, None, closed="left")],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "verbose_interval": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_components=1,
        *,
        smoothing=1.0,
        tol=1e-3,
        max_iter=100,
        n_init=1,
        random_state=None,
        warm_start=False,
        verbose=0,
        verbose_interval=10,
        n_jobs=None,
    ):
        self.n_components = n_components
        self.smoothing = smoothing
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval
        self.n_jobs = n_jobs

    def _check_training_rows(self, X, sample_weight, reset=True):
        rows, sample_weight = super()._check_training_rows(X, sample_weight, reset)
        for j, kind in enumerate(self.schema_.kinds):
            some = kind not in _NUMBERS and j not in self.schema_.empty_columns
            if some and not self._takes_levels:
                raise ValueError(
                    f"{self.schema_.label(j)} is of kind {kind!r}, where "
                    f"{type(self).__name__} needs numbers or booleans. Take "
                    "CategoricalMixture for levels, TableMixture for mixed columns."
                )
        return self._coerce(rows), sample_weight

    def _check_scored_rows(self, X):
        return self._coerce(super()._check_scored_rows(X))

    def _own_params(self):
        """Parameters of each of this model's columns, None where nothing is known."""
        columns = self._columns.table.columns
        found = [None] * self._columns.n_features
        for column, params in zip(columns, self._params.columns, strict=True):
            found[column.sources[0]] = params
        chosen = self._columns.chosen
        return found if chosen is None else [found[j] for j in chosen]

    def _stack_columns(self, of_column):
        """Make an array (n_components, n_features) of a value of each column's."""
        unknown = np.full(self.n_components_, np.nan)
        return np.stack(
            [unknown if p is None else of_column(p) for p in self._own_params()], axis=1
        )
