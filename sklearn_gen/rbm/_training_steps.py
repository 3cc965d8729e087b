"""Steps of learning that don't run inside a kernel."""

import numpy as np

from sklearn_gen._kernels.boltzmann_steps import Layers
from sklearn_gen.rbm._training import Trainer

_DECAY_1, _DECAY_2, _EPSILON = 0.9, 0.999, 1e-8  # Adam's


class SteppingTrainer(Trainer):
    """Learning whose children have gradients of their own.

    Parameters
    ----------
    trainer : Trainer
        Learning as far as it got.
    """

    def __init__(self, trainer):
        super().__init__(
            trainer.options,
            trainer.units,
            trainer.learned,
            trainer.visible_mean,
            trainer.reference,
            trainer.n_steps,
        )
        # what an optimizer keeps of one objective is not the other's
        self._moment = np.zeros_like(self.learned.theta)
        self._scale = np.zeros_like(self.learned.theta)
        self._own_steps = 0

    def move(self, layers, gradient, rate, visible_mean, hidden_mean):
        """Move a machine by a gradient in centred coordinates.

        Parameters
        ----------
        layers : Layers
            Views of the parameters, which are moved.
        gradient : Layers
            Of what is to rise.
        rate : float
            Learning rate.
        visible_mean, hidden_mean : ndarray of shape (P,) and (H,)
            Offsets.
        """
        options = self.options
        step = self._step(np.concatenate([part.ravel() for part in gradient]), rate)
        step = layers_of(step, len(hidden_mean))
        W = layers.weights
        moved = step.weights - rate * (options.l2 * W + options.l1 * np.sign(W))
        W += moved.astype(W.dtype)
        layers.visible[:] += step.visible - moved @ hidden_mean
        layers.hidden[:] += step.hidden - visible_mean @ moved

    def _step(self, gradient, rate):
        """Turn a gradient into a step, by what was kept of those before."""
        options = self.options
        self._own_steps += 1
        if options.optimizer == "sgd":
            self._moment = options.momentum * self._moment + rate * gradient
            return self._moment
        self._moment = _DECAY_1 * self._moment + (1.0 - _DECAY_1) * gradient
        self._scale = _DECAY_2 * self._scale + (1.0 - _DECAY_2) * gradient**2
        mean = self._moment / (1.0 - _DECAY_1**self._own_steps)
        square = self._scale / (1.0 - _DECAY_2**self._own_steps)
        return rate * mean / (np.sqrt(square) + _EPSILON)


def layers_of(theta, n_hidden):
    """Views of the parts of a vector of parameters, as `pack` has them.

    Parameters
    ----------
    theta : ndarray of shape (P H + P + H + P,)
        Parameters of a machine.
    n_hidden : int
        Number of hidden units H.

    Returns
    -------
    layers : Layers
    """
    n_features = (len(theta) - n_hidden) // (n_hidden + 2)
    cuts = np.cumsum([n_hidden * n_features, n_features, n_hidden])
    weights, visible, hidden, log_precision = np.split(theta, cuts)
    return Layers(weights.reshape(-1, n_hidden), visible, hidden, log_precision)
