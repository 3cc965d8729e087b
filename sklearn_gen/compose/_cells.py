"""Scores of single cells through transformers that act on each column by itself."""

import numpy as np
from sklearn.utils.metaestimators import available_if

from sklearn_gen._columns import rewrap
from sklearn_gen.compose._composite import push
from sklearn_gen.compose._steps import PipelineSteps, model_has
from sklearn_gen.compose._tables import as_floats


class PipelineCells(PipelineSteps):
    """Full conditionals: each cell given all others."""

    @available_if(model_has("score_cells"))
    def score_cells(self, X, *, pairs=False):
        r"""Compute the log density of each cell given the rest of its row.

        That is the last step's score of the transformed cell plus the logarithm of the
        column's derivative.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN cells are not observed, and all is given the observed ones.
        pairs : bool, default=False
            Whether to score pairs of cells as well.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_features)
            :math:`\log p(x_j \mid x_{-j})` in nats, 0 for cells that aren't observed;
            with `pairs`, :math:`\log p(x_i, x_j \mid x_{-ij})` of shape (n_samples,
            n_features, n_features), the single cells' on the diagonal. Where a cell is
            outside the transformers' domain, -inf for what includes all such cells of
            its row and 0 for the rest.

        Raises
        ------
        ValueError
            If a transformer mixes columns.
        """
        Z, inside, _ = self._push(X)
        derivatives, places = self._by_column(X)
        outside = np.isneginf(derivatives)
        if pairs:
            diagonal = np.eye(len(places), dtype=bool)
            n_outside = outside[:, :, None] + np.where(diagonal, 0, outside[:, None])
            scores = derivatives[:, :, None] + np.where(
                diagonal, 0.0, derivatives[:, None]
            )
            picked = (slice(None), places[:, None], places)
        else:
            n_outside, scores = outside.astype(int), derivatives
            picked = (slice(None), places)
        if inside.any():
            with self._naming_model():
                latent = self._model.score_cells(Z, pairs=pairs)
            latent = latent + self._range().log_change_of_cells(self._model, Z, pairs)
            scores[inside] += latent[picked]
        total = outside.sum(axis=1).reshape(-1, *[1] * (1 + pairs))
        possible = np.where(n_outside == total, -np.inf, 0.0)
        return np.where(total > 0, possible, scores)

    def _by_column(self, X):
        """Send each column alone through the transformers.

        Returns
        -------
        derivatives : ndarray of shape (n_samples, n_features)
            log |dz/dx| of each cell, -inf outside the domain, 0 where not observed.
        places : ndarray of shape (n_features,)
            The column of the output that each becomes.
        """
        rows = as_floats(X)
        derivatives = np.empty(rows.shape)
        places = np.arange(rows.shape[1])
        for j in range(rows.shape[1]):
            alone = np.full(rows.shape, np.nan)
            alone[:, j] = rows[:, j]
            Z, derivatives[:, j] = push(self.steps[:-1], rewrap(alone, like=X))
            seen = ~np.isnan(as_floats(Z)).all(axis=0)
            if seen.any():  # else there is nothing to be found there
                places[j] = np.flatnonzero(seen)[0]
        return derivatives, places
