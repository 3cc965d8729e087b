"""What comes next, in units of a pipeline's input."""

import numpy as np

from sklearn_gen.compose._composite import pull
from sklearn_gen.compose._linear import SCALERS

# Where means and quantiles are of draws, so many, and always the same ones.
_DRAWS = 2000


class PipelineForecast:
    """Distribution of the rows that follow sequences, behind transformers.

    Parameters
    ----------
    pipeline : GenerativePipeline
        Fitted.
    forecast : Forecast
        That of its last step.

    Attributes
    ----------
    groups : ndarray of shape (n_rows,)
        Id of each row's sequence, 0 where there were none.
    state_proba : ndarray of shape (n_rows, n_components)
        Probabilities of the states.
    steps : int
        How many rows it looks ahead.
    exact : bool
        Whether `mean` and `quantile` are exact: where the last step's are, and a
        straight line for each column leads back. Else they are of 2000 draws.
    """

    def __init__(self, pipeline, forecast):
        self._pipeline, self._forecast, self._drawn = pipeline, forecast, None
        self.groups, self.steps = forecast.groups, forecast.steps
        self.state_proba = forecast.state_proba
        self.exact = forecast.exact and all(
            step in (None, "passthrough") or isinstance(step, SCALERS)
            for _, step in pipeline.steps[:-1]
        )

    def mean(self):
        """Compute expectations of the columns.

        Returns
        -------
        mean : ndarray or DataFrame of shape (n_rows, n_features)
            In the container that the pipeline's `fit` saw.
        """
        if self.exact:
            return self._pulled(self._forecast.mean())
        return self._pipeline._restore(self._draws.mean(axis=0))

    def quantile(self, q):
        """Compute a quantile of each column.

        Parameters
        ----------
        q : float
            Between 0 and 1, both excluded; 0.5 is the median.

        Returns
        -------
        quantile : ndarray or DataFrame of shape (n_rows, n_features)
            In the container that the pipeline's `fit` saw.

        Raises
        ------
        ValueError
            If `q` isn't between 0 and 1.
        """
        behind = self._forecast.quantile(q)  # also says what is wrong with q
        if self.exact:
            return self._pulled(behind)
        return self._pipeline._restore(np.quantile(self._draws, q, axis=0))

    def sample(self, n_draws=1, *, random_state=None):
        """Draw what comes next, whole paths.

        Parameters
        ----------
        n_draws : int, default=1
            Number of draws of all rows.
        random_state : None, int, RandomState or Generator, default=None
            None uses the last step's own `random_state`.

        Returns
        -------
        X : ndarray or DataFrame of shape (n_draws * n_rows, n_features)
            One draw after the other, in the container that the pipeline's `fit` saw.
        """
        return self._pulled(self._forecast.sample(n_draws, random_state=random_state))

    def score_samples(self, X, *, at=None):
        """Compute log p(row to come | rows up to now), each row for itself.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            What came, row by row; or, with `at`, any number of rows.
        at : int or None, default=None
            Hold all of X against this row of the forecast: 0 is the next one.

        Returns
        -------
        log_prob : ndarray of shape (n_rows,)
            In nats, of the input space; -inf outside the transformers' domain.
        """
        X, _ = self._pipeline._take_groups(X)
        Z, inside, change = self._pipeline._push(X)
        log_prob = np.full(len(inside), -np.inf)
        if inside.any():
            Z = self._pipeline._in_place(Z, inside)
            scores = self._forecast.score_samples(Z, at=at)
            log_prob[inside] = scores[inside] + change
        return log_prob

    @property
    def _draws(self):
        if self._drawn is None:
            rows = self._forecast.sample(_DRAWS, random_state=0)
            rows = np.asarray(pull(self._pipeline.steps[:-1], rows))
            self._drawn = rows.reshape(_DRAWS, len(self.state_proba), -1)
        return self._drawn

    def _pulled(self, Z):
        return self._pipeline._restore(pull(self._pipeline.steps[:-1], Z))
