"""What the scores and the draws of a pipeline both need: its steps, looked through."""

import numpy as np

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
