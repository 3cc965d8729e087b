"""What the scores and the draws of a pipeline both need: its steps, looked through."""

from contextlib import contextmanager

import numpy as np
from sklearn.exceptions import NotFittedError

from sklearn_gen._columns import GroupColumn, TakenIds
from sklearn_gen._inner._sequences import starts_of
from sklearn_gen._validation import warning_prefix
from sklearn_gen.compose._composite import push, step_label
from sklearn_gen.compose._range import OutputRange
from sklearn_gen.compose._rules import named


def model_has(name):
    """Make a method available only where the last step has it."""

    def check(self):
        getattr(self._model, name)  # its AttributeError is the message
        return True

    return check


class PipelineSteps:
    """Access to the transformers and the model of a pipeline."""

    @property
    def _model(self):
        return self.steps[-1][1]

    @property
    def _has_groups(self):
        """Whether rows are steps of sequences that a column of X names."""
        return getattr(self._model, "group_column", None) is not None

    def _take_groups(self, X, groups=None):
        """Take the ids of sequences out of X: transformers never see them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        groups : array-like of shape (n_samples,) or None, default=None
            Ids that were given beside X.

        Returns
        -------
        X : array-like of shape (n_samples, n_features)
            What is modelled.
        ids : dict
            The model's keyword `groups`, empty where all rows are one sequence.
        """
        if not self._has_groups:
            return X, {} if groups is None else {"groups": groups}
        column = getattr(self, "_ids", None)
        if column is None:
            column = GroupColumn.find(X, self._model.group_column)
        X, ids = column.take(X)
        if groups is not None and not _name_the_same(groups, ids):
            raise ValueError(
                f"Ids of sequences come in group_column={self._model.group_column!r} "
                "of the last step and, others, as groups: give one of them."
            )
        return X, {"groups": TakenIds(ids)}

    def _naming_model(self):
        return named(step_label(*self.steps[-1]))

    def _log_message(self, step_idx):
        # scikit-learn's Pipeline asks for this text just before it fits a step, which
        # is how it is known whose error or warning comes next.
        self._step_in_fit = self.steps[step_idx]
        return super()._log_message(step_idx)

    @contextmanager
    def _naming_fits(self):
        """Say in errors and warnings of a step's fit which step it is."""
        self._step_in_fit = None
        token = warning_prefix.set(self._columns_of_step)
        try:
            yield
        except NotFittedError:
            raise
        except (TypeError, ValueError) as error:
            # In place: the class is the caller's to catch.
            if self._step_in_fit is not None and len(error.args) == 1:
                error.args = (f"{step_label(*self._step_in_fit)}: {error}",)
            raise
        finally:
            warning_prefix.reset(token)
            del self._step_in_fit

    def _columns_of_step(self):
        if self._step_in_fit is None:
            return ""
        return f"{step_label(*self._step_in_fit)}, columns counted in its input: "

    def _range(self):
        return OutputRange.of(self.steps[:-1], self.n_features_in_)

    def _push_inside(self, X):
        Z, log_det = push(self.steps[:-1], X)
        refuse_outside(log_det > -np.inf)
        return Z


def refuse_outside(inside):
    """Raise where rows lie outside the transformers' domain.

    Raises
    ------
    ValueError
        If `inside` (n_samples,) isn't True everywhere; it names the first such row.
    """
    outside = np.flatnonzero(~inside)
    if len(outside):
        raise ValueError(
            f"{len(outside)} row(s), the first at {outside[0]}, lie outside the "
            "transformers' domain (score_samples is -inf there), so nothing can "
            "be predicted or drawn given them."
        )


def _name_the_same(groups, ids):
    """Whether ids name the same sequences; searches hand on those of the splitter."""
    groups = np.asarray(groups)
    return groups.shape == ids.shape and np.array_equal(
        starts_of(groups), starts_of(ids)
    )
