"""Detectors that learn from batches."""

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data

from sklearn_gen._columns import TableSchema
from sklearn_gen._compat import fit_context
from sklearn_gen._validation import check_weights, chosen
from sklearn_gen.outlier._rows import Rows, count_rows

# Rows kept to set the threshold by: its share of them is off by 0.3 % of 10 %.
_RESERVOIR_ROWS = 10_000
# Multiples of it spread evenly over (0, 1): the least of them are a sample of all rows
# so far that needs no seed.
_GOLDEN = 0.6180339887498949


def _learns_from_batches(self):
    chosen(self._density()).partial_fit  # noqa: B018 (available_if reads the error)
    return True


class StreamingMixin:
    """Threshold and density from batches."""

    @available_if(_learns_from_batches)
    @fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Learn from one batch, and set the threshold anew.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            One batch of numbers. The first one is where the density starts from: give
            it at least some hundred rows in random order.
        y : array-like or None, default=None
            Handed to the inner model.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Non-negative weights.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            As `fit`.

        Notes
        -----
        The threshold is that of an even sample of at most 10,000 rows of all batches,
        scored by the present density. After `fit`, which keeps no rows, it starts anew.
        Where the threshold is that of held-out rows (see `threshold`), a share of each
        batch is held out for good.
        """
        goes_on = hasattr(self, "estimator_")
        validate_data(self, X, reset=not goes_on, skip_check_array=True)
        n_rows = count_rows(X)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, n_rows)
        rows = Rows(X, y, sample_weight)
        to_learn, to_judge = self._split(rows, n_rows)
        batch = rows.select(to_learn)
        if goes_on:
            learned = self._learned()
            for density in (learned.density, learned.background):
                if hasattr(density, "partial_fit"):
                    density.partial_fit(batch.X, batch.y, **batch.weights_for(density))
        else:
            learned = self._learn(batch)
        judged = rows.select(to_judge)
        self._keep(self._calibrate(learned, *self._add_to_reservoir(judged)))
        return self

    def _add_to_reservoir(self, rows):
        """Keep an even sample of all rows so far: them, and their weights."""
        X = np.array(rows.X, dtype=np.float64)
        weight = rows.sample_weight
        weight = np.ones(len(X)) if weight is None else weight
        seen, *held = getattr(self, "_reservoir", (0, X[:0], weight[:0], weight[:0]))
        keys = (np.arange(seen, seen + len(X)) * _GOLDEN) % 1.0
        held = [
            np.concatenate(pair) for pair in zip(held, (X, weight, keys), strict=True)
        ]
        least = np.sort(np.argsort(held[2], kind="stable")[:_RESERVOIR_ROWS])
        held = [part[least] for part in held]
        self._reservoir = (seen + len(X), *held)
        container = TableSchema.from_data(rows.X, X[:0])
        return container.restore(held[0]), held[1]
