"""Scores of a pipeline: densities of its input."""

import numpy as np
from sklearn import get_config
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_gen._inner._sequences import rows_are_steps
from sklearn_gen._validation import check_weights, weighted_sum
from sklearn_gen.compose._composite import push
from sklearn_gen.compose._sequences import weights_of_rows
from sklearn_gen.compose._steps import PipelineSteps, model_has
from sklearn_gen.compose._tables import take_rows


class PipelineScores(PipelineSteps):
    """Scores, information criteria and component posteriors."""

    @property
    def density_kind(self):
        """Nature of `score_samples`, as the last step reports it."""
        return self._model.density_kind

    def _push(self, X):
        """Send rows to the model.

        Returns
        -------
        Z : array-like of shape (n_inside, n_features)
            What the model sees of the rows inside the transformers' domain.
        inside : ndarray of bool, shape (n_samples,)
        change : ndarray of shape (n_inside,)
            log p(x) - log q(z).
        """
        check_is_fitted(self)
        Z, log_det = push(self.steps[:-1], X)
        inside = log_det > -np.inf
        change = log_det[inside]
        if inside.any():
            change += self._range().log_change(self._model, Z)
        return Z, inside, change

    @available_if(model_has("score_samples"))
    def score_samples(self, X, *, groups=None):
        """Compute log p(x) of each row of the input space.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is not observed, where all steps allow it.
        groups : array-like of shape (n_samples,) or None, default=None
            Of models of sequences, the id of each row's sequence; None: one sequence,
            or the last step's `group_column` says.

        Returns
        -------
        log_prob : ndarray of shape (n_samples,)
            In nats; -inf outside the transformers' domain.
        """
        return self._log_prob(*self._take_groups(X, groups))

    def _log_prob(self, X, ids):
        Z, inside, change = self._push(X)
        log_prob = np.full(len(inside), -np.inf)
        if not inside.any():
            return log_prob
        with self._naming_model():
            if rows_are_steps(self._model):
                Z = self._in_place(Z, inside)
                scores = self._model.score_samples(Z, **ids)[inside]
            else:
                scores = self._model.score_samples(Z, **ids)
        log_prob[inside] = scores + change
        return log_prob

    @available_if(model_has("score"))
    def score(self, X, y=None, sample_weight=None, **params):
        """Compute the weighted mean of `score_samples`; of a classifier, its score.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : array-like or None, default=None
            For classifiers; otherwise ignored, and present for searches.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Non-negative weights; with metadata routing enabled, the last step must
            request them.
        **params : dict
            Of models of sequences `groups` and `sequence_weight`; further metadata
            with metadata routing enabled.

        Returns
        -------
        score : float
            Mean log-likelihood, nats per row; of a classifier the share of labels that
            are right.
        """
        if sample_weight is not None:
            params["sample_weight"] = sample_weight
        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, "score", **params)
            params = routed[self.steps[-1][0]]["score"]
        X, ids = self._take_groups(X, params.pop("groups", None))
        if not hasattr(self._model, "score_samples"):
            Z = self._push_inside(X)
            with self._naming_model():
                return self._model.score(Z, y, **params, **ids)
        weight = params.pop("sample_weight", None)
        of_sequences = params.pop("sequence_weight", None)
        if params and not get_config()["enable_metadata_routing"]:
            raise TypeError(
                f"score got {', '.join(params)}, which need metadata routing "
                "(sklearn.set_config(enable_metadata_routing=True))."
            )
        log_prob = self._log_prob(X, ids)
        if of_sequences is not None:
            weight = weights_of_rows(of_sequences, ids, len(log_prob))
        total, weight = weighted_sum(log_prob, weight)
        return total / weight

    @available_if(model_has("bic"))
    def bic(self, X, sample_weight=None, **params):
        """Compute the Bayesian information criterion of the density of the input.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights, or one number for all rows; their sum is the number of rows.
        **params : dict
            Of models of sequences `groups` and `sequence_weight`.

        Returns
        -------
        bic : float
            In nats, lower is better; it counts the last step's parameters only.
        """
        return self._criterion("bic", X, sample_weight, params)

    @available_if(model_has("aic"))
    def aic(self, X, sample_weight=None, **params):
        """Compute Akaike's information criterion of the density of the input.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights, or one number for all rows; their sum is the number of rows.
        **params : dict
            Of models of sequences `groups` and `sequence_weight`.

        Returns
        -------
        aic : float
            In nats, lower is better; it counts the last step's parameters only.
        """
        return self._criterion("aic", X, sample_weight, params)

    def _criterion(self, name, X, sample_weight, params):
        X, ids = self._take_groups(X, params.pop("groups", None))
        params, weight = {**params, **ids}, 1.0
        if sample_weight is not None:
            # A row of weight zero counts nothing, also outside the domain.
            weight = check_weights(sample_weight, np.shape(X)[0])
            X, weight = take_rows(X, weight > 0), weight[weight > 0]
            params["sample_weight"] = weight
        Z, inside, change = self._push(X)
        if not inside.all():
            return np.inf
        with self._naming_model():
            latent = getattr(self._model, name)(Z, **params)
        if params.get("sequence_weight") is not None:
            weight = weights_of_rows(params["sequence_weight"], ids, len(change))
        return float(latent - 2.0 * np.sum(weight * change))

    # -- components --------------------------------------------------------------------

    @available_if(model_has("predict"))
    def predict(self, X, **params):
        """Predict with the last step on the transformed rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        **params : dict
            Further parameters of the last step's `predict`.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            What the last step predicts.

        Notes
        -----
        For rows with NaN in a bounded column, see the notes of `predict_proba`.
        """
        return self._apply_model("predict", X, params)

    @available_if(model_has("predict_proba"))
    def predict_proba(self, X, **params):
        """Compute p(component | x) with the last step on the transformed rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        **params : dict
            Further parameters of the last step's `predict_proba`.

        Returns
        -------
        resp : ndarray of shape (n_samples, n_components)
            Posterior probabilities; rows sum to one.

        Notes
        -----
        Where transformers map onto a bounded range and a cell of a bounded column is
        NaN, this is the last step's posterior given the observed cells alone. It does
        not use that the missing cell lies in the range, which `score_samples` and
        draws do, so the two differ a little. Without NaN it is exact.
        """
        return self._apply_model("predict_proba", X, params)

    @available_if(model_has("predict_log_proba"))
    def predict_log_proba(self, X, **params):
        """Compute log p(class | x) with the last step on the transformed rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        **params : dict
            Further parameters of the last step's `predict_log_proba`.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            In nats.
        """
        return self._apply_model("predict_log_proba", X, params)

    def _apply_model(self, method, X, params):
        check_is_fitted(self)
        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, method, **params)
            params = routed[self.steps[-1][0]][method]
        X, ids = self._take_groups(X, params.pop("groups", None))
        Z = self._push_inside(X)
        with self._naming_model():
            return getattr(self._model, method)(Z, **{**params, **ids})
