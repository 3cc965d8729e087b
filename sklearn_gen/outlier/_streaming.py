"""Detectors that learn from batches."""

import copy

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_array
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data

from sklearn_gen._columns import TableSchema
from sklearn_gen._compat import fit_context
from sklearn_gen._inner._rows import Rows, count_rows, even_places
from sklearn_gen._inner._sequences import rows_are_steps
from sklearn_gen._validation import check_weights, chosen, warn

# Rows kept to set the threshold by: its share of them is off by 0.3 % of 10 %.
_RESERVOIR_ROWS = 10_000
# Fewer are no start for a density.
_FEW_ROWS = 50


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
        The threshold is that of an even sample of at most 10,000 rows of all batches
        (of a model of sequences, the last ones), scored by the present density. After
        `fit`, which keeps no rows, it starts anew.
        Where the threshold is that of held-out rows (see `threshold`), a share of each
        batch is held out for good.
        """
        goes_on = hasattr(self, "estimator_")
        if goes_on:
            validate_data(self, X, reset=False, skip_check_array=True)
        n_rows = count_rows(X)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, n_rows)
        rows = Rows(X, y, sample_weight)
        to_learn, to_judge = self._split(rows, n_rows)
        # A batch that fails, wherever, leaves all as it was.
        reservoir = self._reservoir_with(rows.select(to_judge))
        if goes_on:
            learned = copy.deepcopy(self._learned())
            for density in (learned.density, learned.background):
                _learn_batch(density, rows.select(to_learn))
        else:
            self._warn_of_few(n_rows)
            learned = self._learn(rows.select(to_learn))
        container = TableSchema.from_data(X, reservoir[1][:0])
        learned = self._calibrate(
            learned, container.restore(reservoir[1]), reservoir[2]
        )
        if not goes_on:
            validate_data(self, X, reset=True, skip_check_array=True)
        self._keep(learned)
        self._reservoir = reservoir
        return self

    def _warn_of_few(self, n_rows):
        if n_rows < _FEW_ROWS:
            warn(
                f"The first batch has {n_rows} rows, and the density starts from them: "
                "its scale and its components stay near what they show. Begin with "
                "some hundred rows in random order.",
                UserWarning,
            )

    def _reservoir_with(self, rows):
        """Rows seen, and an even sample of them: cells, weights and keys."""
        X = check_array(rows.X, dtype=np.float64, ensure_all_finite=False)
        weight = rows.sample_weight
        weight = np.ones(len(X)) if weight is None else weight
        seen, *held = getattr(self, "_reservoir", (0, X[:0], weight[:0], weight[:0]))
        keys = even_places(seen, seen + len(X))
        held = [
            np.concatenate(pair) for pair in zip(held, (X, weight, keys), strict=True)
        ]
        order = np.argsort(held[2], kind="stable")
        if rows_are_steps(self._density()):  # the last ones: they have no meaning alone
            order = np.arange(len(order))[::-1]
        least = np.sort(order[:_RESERVOIR_ROWS])
        return (seen + len(X), *(part[least] for part in held))


def _learn_batch(density, rows):
    """One step of a density that takes batches; one that is frozen stays as it is."""
    model = chosen(density)
    if hasattr(model, "partial_fit") and not isinstance(density, FrozenEstimator):
        model.partial_fit(rows.X, rows.y, **rows.weights_for(model))
