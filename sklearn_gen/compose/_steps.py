"""What the scores and the draws of a pipeline both need: its steps, looked through."""

import threading
import warnings
from contextlib import contextmanager

import numpy as np
from sklearn.exceptions import NotFittedError

from sklearn_gen.base import DegenerateDataWarning, DiscreteColumnWarning
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
        try:
            with _showing_warnings(self._name_warning):
                yield
        except NotFittedError:
            raise
        except (TypeError, ValueError) as error:
            # In place: the class is the caller's to catch.
            if self._step_in_fit is not None and len(error.args) == 1:
                error.args = (f"{step_label(*self._step_in_fit)}: {error}",)
            raise
        finally:
            del self._step_in_fit

    def _name_warning(self, message, category):
        ours = issubclass(category, DegenerateDataWarning | DiscreteColumnWarning)
        if not ours or self._step_in_fit is None:
            return message
        label = step_label(*self._step_in_fit)
        return category(f"{label}, columns counted in its input: {message}")

    def _range(self):
        return OutputRange.of(self.steps[:-1], self.n_features_in_)

    def _push_inside(self, X):
        Z, log_det = push(self.steps[:-1], X)
        outside = np.flatnonzero(log_det == -np.inf)
        if len(outside):
            raise ValueError(
                f"{len(outside)} row(s), the first at {outside[0]}, lie outside the "
                "transformers' domain (score_samples is -inf there), so nothing can "
                "be predicted or drawn given them."
            )
        return Z


@contextmanager
def _showing_warnings(rewrite):
    """Rewrite warnings as they are shown; filters see them as they were raised.

    `warnings.showwarning` is the whole process's, and threads that replace it and put
    it back in another order would leave it replaced. So only the main thread does, and
    in others warnings come as they are.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    show = warnings.showwarning

    def show_rewritten(message, category, *where, **more):
        show(rewrite(message, category), category, *where, **more)

    warnings.showwarning = show_rewritten
    try:
        yield
    finally:
        warnings.showwarning = show
