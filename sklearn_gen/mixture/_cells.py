"""Scores of single cells, and of pairs, given the rest of their row."""

from functools import partial

import numpy as np

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._blocks import row_blocks, workers


class CellScores:
    """Full conditionals of a Gaussian mixture: each cell given all others."""

    def score_cells(self, X, *, pairs=False):
        r"""Compute the log density of each cell given the rest of its row.

        These are the full conditionals :math:`\log p(x_j \mid x_{-j}) = \log p(x) -
        \log p(x_{-j})`: low where a cell doesn't fit the others. Their sum over a row
        is its log pseudo-likelihood.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN cells are not observed, and all is given the observed ones.
        pairs : bool, default=False
            Whether to score pairs of cells as well.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_features)
            In nats; 0 for cells that aren't observed. With `pairs`, of shape
            (n_samples, n_features, n_features): entry (i, j) is :math:`\log p(x_i, x_j
            \mid x_{-ij})`, the diagonal is the single cells', and a pair of which one
            cell is observed scores as that cell.

        See Also
        --------
        sklearn_gen.outlier.DensityOutlierDetector.explain : Relative to usual rows.

        Notes
        -----
        Exact, in O(n K D^2) for all cells and for all pairs: from the components'
        precision matrices, without any marginal. NaN adds K D^3 per pattern. Rows are
        taken in blocks, over `n_jobs` threads. A subclass that changes `score_samples`
        must change this too.

        References
        ----------
        Besag (1975), "Statistical analysis of non-lattice data",
        doi:10.2307/2987782 (pseudo-likelihood). Rasmussen & Williams (2006),
        "Gaussian processes for machine learning", appendix A.3 (the closed form).

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_gen.mixture import GaussianMixture
        >>> X = np.random.default_rng(0).normal(size=(500, 2))
        >>> X[:, 1] += 10 * X[:, 0]
        >>> model = GaussianMixture().fit(X)
        >>> model.score_cells([[1.0, 10.0], [1.0, 0.0]]).round(1)
        array([[  1.4,  -0.9],
               [-52.6, -54.3]])
        """
        rows = self._check_scored_rows(X)
        params = self._fitted_params()
        function = partial(
            gaussian.leave_out, self._structure, params=params, pairs=pairs
        )
        blocks = row_blocks(rows)
        n_rows, d = rows.shape
        scores = np.empty((n_rows, d, d) if pairs else (n_rows, d), rows.dtype)
        # what single precision can't hold is -inf, as in score_samples
        with workers(self.n_jobs) as run, np.errstate(over="ignore"):
            for block, result in zip(blocks, run(function, blocks), strict=True):
                scores[block.rows] = result
        if self._noise is not None:
            log_prob, _ = self._posterior(rows, with_resp=False, noise=False)
            scores = self._noise.leave_out(rows, params, log_prob, scores, pairs)
        return scores.astype(rows.dtype, copy=False)
