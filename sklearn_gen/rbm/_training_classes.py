"""Learning p(class | x): steps between those that learn p(x, class)."""

import numpy as np
from scipy.special import expit, softmax

from sklearn_gen._blocks import one_blas_thread
from sklearn_gen._kernels.boltzmann_steps import Layers
from sklearn_gen.rbm._machine import softplus
from sklearn_gen.rbm._training_steps import SteppingTrainer, layers_of

# An epoch is so many turns of both objectives: more would only cost calls.
_TURNS = 20


class ClassTrainer(SteppingTrainer):
    r"""Learning of which classes the rows are, and of the rows.

    The last unit is the class. By turns, minibatches move the parameters along the
    gradient of log p(class | x), and, at a rate that is smaller by a factor, along that
    of log p(x, class): together that of the sum, with the factor as weight.

    Parameters
    ----------
    trainer : Trainer
        Learning of p(x, class).
    weight : float
        Of log p(x, class); 0 leaves its steps out.
    """

    def __init__(self, trainer, weight):
        super().__init__(trainer)
        self._weight = weight

    def epoch(self, F, observed, rows, first_rate, last_rate):
        """Pass over the rows once, by both objectives; parameters as `Trainer`'s."""
        size = self.options.batch_size
        n_batches = -(-len(rows) // size)
        n_turns = min(_TURNS, n_batches)
        turns = np.split(rows, np.arange(1, n_turns) * n_batches // n_turns * size)
        rates = np.linspace(first_rate, last_rate, len(turns) + 1)
        for turn, first, last in zip(turns, rates[:-1], rates[1:], strict=True):
            if self._weight > 0.0:
                weight = self._weight
                super().epoch(F, observed, turn, weight * first, weight * last)
            known = slice(None) if observed is None else observed[turn, -1]
            with one_blas_thread():
                self._tell_classes_apart(F, turn[known], first, last)

    def _tell_classes_apart(self, F, rows, first_rate, last_rate):
        learned, options = self.learned, self.options
        X = learned.X if len(learned.X) else F  # with missing cells drawn
        theta = learned.theta.copy()  # a watch may have kept the other
        layers = layers_of(theta, len(learned.hidden_mean))
        n_classes = int(self.units.n_levels[-1])
        n_batches = -(-len(rows) // options.batch_size)
        for batch in range(n_batches):
            at = batch * options.batch_size
            V = X[rows[at : at + options.batch_size]]
            rate = first_rate + (batch + 0.5) / n_batches * (last_rate - first_rate)
            rate *= len(V) / options.batch_size
            offsets = self.visible_mean, learned.hidden_mean
            gradient = class_gradient(V, layers, n_classes, *offsets)
            self.move(layers, gradient, rate, *offsets)
        self.learned = learned._replace(theta=theta)


def class_gradient(F, layers, n_classes, visible_mean, hidden_mean):
    r"""Gradient of the mean log p(class | x), in centred coordinates.

    With :math:`a_k = [y = k] - p(k | x)` and the hidden means :math:`\sigma_k` if the
    class were k, it is :math:`\sum_k a_k (\sigma_k - \lambda) (F_k - \mu)`
    (Larochelle & Bengio 2008, eq. 5).

    Parameters
    ----------
    F : ndarray of shape (n, P)
        Features; the last `n_classes` are the class.
    layers : Layers
        Parameters.
    n_classes : int
        Number of classes K.
    visible_mean : ndarray of shape (P,)
        Offsets mu.
    hidden_mean : ndarray of shape (H,)
        Offsets lambda.

    Returns
    -------
    gradient : Layers
    """
    Fx, y = F[:, :-n_classes], F[:, -n_classes:]
    inputs = class_inputs(Fx, layers.weights, layers.hidden)
    log_p = layers.visible[-n_classes:] + softplus(inputs).sum(axis=2)
    a = (y - softmax(log_p, axis=1)) / F.dtype.type(len(F))
    weighted = a[:, :, None] * (expit(inputs) - hidden_mean)
    by_row = weighted.sum(axis=1)
    weights = np.empty_like(layers.weights)
    mean = visible_mean[-n_classes:, None]
    np.matmul((Fx - visible_mean[:-n_classes]).T, by_row, out=weights[:-n_classes])
    weights[-n_classes:] = weighted.sum(axis=0) - mean * by_row.sum(axis=0)
    visible = np.zeros_like(visible_mean)
    visible[-n_classes:] = a.sum(axis=0)
    zeros = np.zeros_like(visible_mean)
    return Layers(weights, visible, by_row.sum(axis=0), zeros)


def class_inputs(Fx, weights, hidden):
    """Inputs of the hidden units under each class.

    Parameters
    ----------
    Fx : ndarray of shape (n, P - K)
        Features of the other units.
    weights : ndarray of shape (P, H)
        One row for each feature, those of the K classes last.
    hidden : ndarray of shape (H,)
        Biases.

    Returns
    -------
    inputs : ndarray of shape (n, K, H)
    """
    n_others = Fx.shape[1]
    return (Fx @ weights[:n_others] + hidden)[:, None] + weights[n_others:]
