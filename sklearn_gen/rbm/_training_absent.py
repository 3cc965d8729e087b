"""Learning where most cells are absent: units that are not there, row by row."""

import numpy as np

from sklearn_gen._blocks import one_blas_thread
from sklearn_gen._kernels.boltzmann_steps import Layers
from sklearn_gen.rbm import _machine as machines
from sklearn_gen.rbm._machine import Machine
from sklearn_gen.rbm._training_steps import SteppingTrainer, layers_of

_HIDDEN_MEAN_RATE = 0.01


class AbsentTrainer(SteppingTrainer):
    r"""Contrastive divergence of machines of the observed levels of each row.

    Absent units are held at their mean features, in the data as in the chains: in
    centred coordinates, :math:`(F - \mu) = 0`, they are not there, and nothing is
    learned of them.

    Parameters
    ----------
    trainer : Trainer
        Learning as far as it got.
    """

    def __init__(self, trainer):
        super().__init__(trainer)
        self.visible_mean = mean_features(self.reference, self.units).astype(
            self.learned.theta.dtype
        )
        self._rng = np.random.default_rng(self.learned.streams.ravel())

    def epoch(self, F, observed, rows, first_rate, last_rate):
        """Pass over the rows once; parameters as `Trainer`'s."""
        learned, options = self.learned, self.options
        theta, hidden_mean = learned.theta.copy(), learned.hidden_mean.copy()
        layers = layers_of(theta, len(hidden_mean))
        n_batches = -(-len(rows) // options.batch_size)
        for batch in range(n_batches):
            at = batch * options.batch_size
            picked = rows[at : at + options.batch_size]
            there = np.ones((len(picked), F.shape[1]), bool)
            if observed is not None:
                there = observed[picked]
            rate = first_rate + (batch + 0.5) / n_batches * (last_rate - first_rate)
            rate *= len(picked) / options.batch_size
            with one_blas_thread():
                gradient, active = self._gradient(F[picked], there, layers, hidden_mean)
                self.move(layers, gradient, rate, self.visible_mean, hidden_mean)
            if options.centered:
                hidden_mean += _HIDDEN_MEAN_RATE * (active - hidden_mean)
        self.learned = learned._replace(theta=theta, hidden_mean=hidden_mean)
        self.n_steps += n_batches

    def _gradient(self, V, there, layers, hidden_mean):
        """Of the chains' divergence, and the mean of each hidden unit."""
        machine = Machine(
            layers.weights.T,
            layers.visible,
            layers.hidden,
            np.exp(layers.log_precision),
        )
        mean = machines.hidden_mean(V, machine)
        drawn, chance = V, mean
        for _ in range(self.options.n_gibbs_steps):
            h = (self._rng.random(chance.shape, chance.dtype) < chance).astype(V.dtype)
            T = machines.visible_input(h, machine)
            drawn = np.tile(self.visible_mean, (len(V), 1))
            self._draw(machines.visible_mean(T, self.units, machine), there, drawn)
            chance = machines.hidden_mean(drawn, machine)
        n, mu = V.dtype.type(len(V)), self.visible_mean
        weights = (V - mu).T @ (mean - hidden_mean)
        weights -= (drawn - mu).T @ (chance - hidden_mean)
        options, active = self.options, mean.mean(axis=0)
        hidden = (mean - chance).mean(axis=0)
        if options.sparsity_target is not None:
            hidden += options.sparsity_cost * (options.sparsity_target - active)
        visible = (V - drawn).mean(axis=0)
        return Layers(weights / n, visible, hidden, np.zeros_like(mu)), active

    def _draw(self, chance, there, out):
        """Draw one level of each unit that is there, by its distribution function."""
        row, feature = np.nonzero(there)  # units whole, one after the other
        begins = np.isin(feature, self.units.first[:-1])
        unit = np.cumsum(begins) - 1
        ends = np.cumsum(chance[row, feature], dtype=np.float64)
        starts = np.append(0.0, ends[:-1])
        base = starts[begins]
        total = np.append(base[1:], ends[-1:]) - base
        point = (base + self._rng.random(len(base)) * total)[unit]
        out[row, feature] = (starts <= point) & (point < ends)


def mean_features(reference, units):
    """Mean features of independent units, shape (P,).

    Parameters
    ----------
    reference : ndarray of shape (P,)
        Visible biases of independent units.
    units : Units
        Visible units.
    """
    ones = np.ones_like(reference)
    machine = Machine(None, None, None, ones)
    return machines.visible_mean(reference[None], units, machine)[0]
