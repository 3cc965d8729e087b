"""What a Gaussian mixture says of rows: densities, components, draws."""

from functools import partial

import numpy as np

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._blocks import one_blas_thread
from sklearn_gen.mixture._noise import share_of_noise
from sklearn_gen.mixture._posterior import posterior_of_rows


class Inference:
    """Scores, responsibilities and draws, with or without uniform noise."""

    def predict(self, X):
        """Name the most probable component of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Component indices; -1 is the uniform noise, the last column of
            `predict_proba`.
        """
        labels = super().predict(X)
        return np.where(labels == len(self.weights_), -1, labels)

    def _posterior(self, X, with_resp, noise=True):
        params = self._fitted_params()
        args = self._structure.kernel_args(params, X.dtype)
        noise = self._noise if noise else None

        def function(block):
            given = gaussian.posterior(self._structure, block, params, args, with_resp)
            return given if noise is None else noise.posterior(block, params, given)

        n_columns = len(params.weights) + (noise is not None)
        return posterior_of_rows(function, X, n_columns, self.n_jobs, with_resp)

    def _score_samples(self, X):
        return self._posterior(X, with_resp=False)[0]

    def _predict_proba(self, X):
        resp = self._posterior(X, with_resp=True)[1]
        # Where every component's density underflows, the weights are all there is.
        resp[~resp.any(axis=1), : len(self.weights_)] = self.weights_
        return resp

    def _sample(self, n_samples, rng):
        params = self._fitted_params()
        with one_blas_thread():
            draws = gaussian.draw(self._structure, params, n_samples, rng)
        if self._noise is not None:
            is_noise = rng.random(n_samples) < share_of_noise(params)
            draws[is_noise] = self._noise.draw(n_samples, rng)[is_noise]
        return draws.astype(self._dtype)

    def _sample_conditional(self, X, rng):
        resp = self._predict_proba(X)
        K = len(self.weights_)
        draw = partial(gaussian.draw_missing, self._structure, self._fitted_params())
        with one_blas_thread():  # thousands of small systems: threads would wait
            drawn = draw(X, resp[:, :K], rng)
        if self._noise is not None:
            is_noise = rng.random(len(X)) < resp[:, K]
            drawn[is_noise] = self._noise.draw(len(X), rng)[is_noise]
        return drawn
