"""What a machine of rows and classes says: p(x, y), p(y | x), p(x), and draws."""

import numpy as np
from scipy.special import expit, logsumexp, softmax
from sklearn.utils.validation import check_is_fitted

from sklearn_gen._inner._labels import codes_of
from sklearn_gen._validation import check_n_samples
from sklearn_gen.rbm import _machine as machines
from sklearn_gen.rbm._chains import draw_missing
from sklearn_gen.rbm._machine import Machine
from sklearn_gen.rbm._partition import log_observed
from sklearn_gen.rbm._training_classes import class_inputs
from sklearn_gen.rbm._units import values


class ClassPosteriors:
    """Machines whose last unit is the class of the row."""

    def _log_joint(self, X):
        r"""log \tilde p(x, y) of encoded rows, for each class, shape (n, K).

        `_log_volume`, which all classes have, is left out.
        """
        F, n_classes = self._features_of(X), len(self.classes_)
        others = slice(F.shape[1] - n_classes)
        complete = ~np.isnan(F[:, others]).any(axis=1)
        out = np.empty((len(F), n_classes))
        if complete.any():
            out[complete] = self._by_blocks(self._log_joint_complete, F[complete])
        if not complete.all():
            missing = F[~complete]
            log_z = self._log_partition
            for k in range(n_classes):
                missing[:, -n_classes:] = np.arange(n_classes) == k
                out[~complete, k] = log_observed(
                    missing, self._units, self._machine, self._reference, log_z
                )
        return out

    def _log_joint_complete(self, F):
        machine, n_classes = self._machine, len(self.classes_)
        F = np.where(np.isnan(F), 0.0, F)  # the classes add what is theirs
        common = machines.base(F, self._units, machine) + F @ machine.visible
        return (
            common[:, None]
            + machine.visible[-n_classes:]
            + machines.softplus(self._class_inputs(F)).sum(axis=2)
        )

    def _class_inputs(self, F):
        """Inputs of the hidden units under each class, shape (n, K, H)."""
        others = F[:, : F.shape[1] - len(self.classes_)]
        return class_inputs(others, self._machine.weights.T, self._machine.hidden)

    def predict_joint_log_proba(self, X):
        """Compute log p(x, y) of each row and class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        log_joint : ndarray of shape (n_samples, n_classes)
            In nats; columns follow `classes_`.
        """
        X = self._check_scored_rows(X)
        joint = self._log_joint(X) + self._log_volume(X)[:, None]
        return joint - self.log_partition_

    def predict_log_proba(self, X):
        """Compute log p(y | x).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            In nats; columns follow `classes_`.
        """
        joint = self._log_joint(self._check_scored_rows(X))
        return joint - logsumexp(joint, axis=1, keepdims=True)

    def predict_proba(self, X):
        """Compute p(y | x).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Rows sum to one; columns follow `classes_`.
        """
        return softmax(self._log_joint(self._check_scored_rows(X)), axis=1)

    def predict(self, X):
        """Name the most probable class of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Of `classes_`.
        """
        joint = self._log_joint(self._check_scored_rows(X))
        return self.classes_[joint.argmax(axis=1)]

    def _score_samples(self, X):
        return self._unnormalised(X) - self.log_partition_

    def _unnormalised(self, X):
        return logsumexp(self._log_joint(X), axis=1) + self._log_volume(X)

    def _conditionals(self, F):
        """log p(x_u | the other columns), summed: the class is summed out as well."""
        n, machine = F.shape[1] - len(self.classes_), self._machine
        of_classes, d = machine.weights[:, n:].T, machine.visible[n:]

        def log_hidden(inputs):
            terms = machines.softplus(inputs[:, None] + of_classes).sum(axis=2)
            return logsumexp(d + terms, axis=1)

        columns = Machine(
            machine.weights[:, :n],
            machine.visible[:n],
            machine.hidden,
            machine.precision[:n],
        )
        units = self._column_units
        return machines.log_conditionals(F[:, :n], units, columns, log_hidden)

    def _transform(self, X):
        complete = ~np.isnan(self._features_of(X)[:, : -len(self.classes_)]).any(axis=1)
        Z = np.empty((len(X), len(self.components_)))
        if not complete.all():
            Z[~complete] = super()._transform(X[~complete])
        if complete.any():  # exact: the mean over classes
            F = self._features_of(X[complete])
            proba = softmax(self._log_joint_complete(F), axis=1)
            Z[complete] = np.einsum("nk,nkh->nh", proba, expit(self._class_inputs(F)))
        return Z

    def sample(self, n_samples=1, *, y=None, conditions=None, random_state=None):
        """Draw rows, of all classes or of those wanted, or given values of columns.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows; with an array of labels, ignored.
        y : label or array-like of labels, default=None
            The class of all rows, or of each. None draws from p(x).
        conditions : dict or None, default=None
            ``{column: value}``, columns by name or index: these have exactly these
            values in every row; the others are drawn given them.
        random_state : None, int, RandomState or Generator, default=None
            None uses the estimator's own `random_state`.

        Returns
        -------
        X : ndarray or DataFrame of shape (n_samples, n_features)
            In the container that `fit` saw.

        Raises
        ------
        ValueError
            If a label is none of the classes, `n_samples` no positive integer, or
            `conditions` names an unknown column or a value that it can't have.
        TypeError
            If `conditions` is no dict.
        """
        if y is None:
            return super().sample(
                n_samples, conditions=conditions, random_state=random_state
            )
        check_is_fitted(self)
        n_samples, codes = check_n_samples(n_samples), codes_of(y, self.classes_)
        codes = np.full(n_samples, codes[0]) if np.ndim(y) == 0 else codes
        given, stored = np.full((1, len(self.schema_.kinds)), np.nan), {}
        if conditions is not None:
            given, stored = self._given(conditions)
        rng = self._draw_generator(random_state)
        rows = np.repeat(given, len(codes), axis=0)
        F = self._given_observed(np.column_stack([rows, codes]), draw_missing, rng)
        drawn = self._encoded(values(F, self._units))
        drawn = np.where(np.isnan(rows), drawn, rows)
        return self.schema_.restore(drawn, rng=rng, stored=stored)
