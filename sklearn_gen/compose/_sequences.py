"""What a pipeline says of sequences, where its model's rows are steps in time."""

import numpy as np
from sklearn import get_config
from sklearn.utils.metaestimators import available_if

from sklearn_gen._columns import TakenIds
from sklearn_gen._compat import safe_indexing
from sklearn_gen._inner._gaps import hide_rows
from sklearn_gen._inner._sequences import starts_of
from sklearn_gen._validation import check_weights
from sklearn_gen.compose._forecast import PipelineForecast
from sklearn_gen.compose._steps import PipelineSteps, model_has, refuse_outside

# What fit of a model of sequences takes, and no transformer does.
_OF_SEQUENCES = ("groups", "states", "sequence_weight")


class PipelineSequences(PipelineSteps):
    """Densities, paths and forecasts of sequences, in units of the input."""

    @available_if(model_has("score_sequences"))
    def score_sequences(self, X, *, groups=None):
        """Compute the log-likelihood of each sequence of rows of the input space.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps.
        groups : array-like of shape (n_samples,) or None, default=None
            Id of each row's sequence; None: one sequence, or the last step's
            `group_column` says.

        Returns
        -------
        log_prob : ndarray of shape (n_sequences,)
            In nats; -inf where a row is outside the transformers' domain.
        """
        X, ids = self._take_groups(X, groups)
        Z, inside, change = self._push(X)
        changes = np.full(len(inside), -np.inf)
        changes[inside] = change
        changes = np.add.reduceat(changes, _starts(ids))
        if not inside.any():
            return changes
        with self._naming_model():
            scores = self._model.score_sequences(self._in_place(Z, inside), **ids)
        return scores + changes

    @available_if(model_has("decode"))
    def decode(self, X, *, groups=None, **params):
        """Find the most probable paths of states of each sequence.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps.
        groups : array-like of shape (n_samples,) or None, default=None
            Ids, as in `score_sequences`.
        **params : dict
            Further keywords of the last step's `decode`, such as `k`.

        Returns
        -------
        log_prob : ndarray of shape (n_sequences,), or (n_sequences, k)
            Of rows of the input space together with each path, in nats.
        states : ndarray of shape (n_samples,), or (k, n_samples)
            As the last step gives them.
        """
        X, ids = self._take_groups(X, groups)
        Z, inside, change = self._push(X)
        refuse_outside(inside)
        change = np.add.reduceat(change, _starts(ids))
        with self._naming_model():
            log_prob, states = self._model.decode(Z, **params, **ids)
        return log_prob + change.reshape(-1, *[1] * (log_prob.ndim - 1)), states

    @available_if(model_has("sample_states"))
    def sample_states(self, X, *, groups=None, random_state=None):
        """Draw a path of states given the rows of each sequence.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps.
        groups : array-like of shape (n_samples,) or None, default=None
            Ids, as in `score_sequences`.
        random_state : None, int, RandomState or Generator, default=None
            None uses the last step's own `random_state`.

        Returns
        -------
        states : ndarray of shape (n_samples,)
            As the last step draws them.
        """
        X, ids = self._take_groups(X, groups)
        Z = self._push_inside(X)
        with self._naming_model():
            return self._model.sample_states(Z, random_state=random_state, **ids)

    @available_if(model_has("forecast"))
    def forecast(self, X, steps=1, *, groups=None):
        """Find the distribution of the rows that follow each sequence.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps of whole sequences up to now.
        steps : int, default=1
            How many rows to look ahead.
        groups : array-like of shape (n_samples,) or None, default=None
            Ids, as in `score_sequences`.

        Returns
        -------
        forecast : PipelineForecast
            As :class:`~sklearn_gen.hmm.Forecast`, in units of the input. Its `mean`
            and `quantile` are exact where the model's are and all transformers are
            scalers; else those of 2000 draws.
        """
        X, ids = self._take_groups(X, groups)
        Z = self._push_inside(X)
        with self._naming_model():
            return PipelineForecast(self, self._model.forecast(Z, steps, **ids))

    def _in_place(self, Z, inside):
        """Put rows outside the domain between the others again, not observed."""
        if inside.all():
            return Z
        Z = safe_indexing(Z, np.maximum(np.cumsum(inside) - 1, 0))
        return hide_rows(Z, ~inside)


def of_last_step(name, params):
    """Name parameters of fit that only a model of sequences takes by its step."""
    params = {
        key: value
        for key, value in params.items()
        if key not in _OF_SEQUENCES or value is not None
    }
    if get_config()["enable_metadata_routing"]:
        return params
    return {
        f"{name}__{key}" if key in _OF_SEQUENCES else key: value
        for key, value in params.items()
    }


def weights_of_rows(sequence_weight, ids, n_rows):
    """Give each row the weight of its sequence."""
    lengths = np.diff(np.r_[_starts(ids), n_rows])
    weight = check_weights(sequence_weight, len(lengths), name="sequence_weight")
    return np.repeat(weight, lengths)


def _starts(ids):
    """First row of each sequence."""
    groups = ids.get("groups")
    if groups is None:
        return np.zeros(1, dtype=int)
    return starts_of(np.asarray(groups.ids if isinstance(groups, TakenIds) else groups))
