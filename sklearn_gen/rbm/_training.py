"""Epochs of learning: the model phase, rates, and what goes from one to the next."""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from sklearn_gen._blocks import one_blas_thread
from sklearn_gen._kernels import boltzmann_training as kernels
from sklearn_gen._kernels.boltzmann_steps import ADAM, MOMENTUM, SGD
from sklearn_gen._kernels.randomness import seed_streams
from sklearn_gen.rbm._machine import Machine
from sklearn_gen.rbm._partition_states import (
    features_of,
    hidden_states,
    n_hidden_states,
    n_visible_states,
    visible_states,
)
from sklearn_gen.rbm._units import BERNOULLI

METHODS = {
    "cd": kernels.CD,
    "pcd": kernels.PCD,
    "tempering": kernels.TEMPERED,
    "exact": kernels.ALL_VISIBLE,
}
SCHEDULES = ("decay", "linear", "constant")

# The exact gradient is the default where it costs no more than some chains.
_FEW_STATES = 256
# Most states that the exact gradient holds at a time.
_MOST_STATES = 2**17
# Variances given h of standardised Gaussian units are within 1e-3 and 1e3.
_LEAST_LOG_PRECISION = float(np.log(1e-3))
_HIDDEN_MEAN_RATE = 0.01
# The last epochs, in which schedule='decay' lowers the learning rate.
_DECAYING_SHARE = 0.25


class Options(NamedTuple):
    """How to learn: parameters of the estimators, the defaults worked out."""

    method: str
    n_gibbs_steps: int
    n_chains: int
    n_temperatures: int
    optimizer: str
    momentum: float
    centered: bool
    l1: float
    l2: float
    sparsity_target: float | None
    sparsity_cost: float
    batch_size: int

    @property
    def step(self):
        """Code of the rule that turns gradients into steps."""
        if self.optimizer == "adam":
            return ADAM
        return MOMENTUM if self.momentum else SGD


def pack(machine):
    """All parameters as the kernel has them: one row of weights for each feature."""
    parts = machine.weights.T.ravel(), machine.visible, machine.hidden
    return np.concatenate([*parts, np.log(machine.precision)])


def unpack(theta, n_hidden):
    """The machine of a vector of parameters."""
    n_features = (len(theta) - n_hidden) // (n_hidden + 2)
    cuts = np.cumsum([n_hidden * n_features, n_features, n_hidden])
    weights, visible, hidden, log_precision = np.split(theta, cuts)
    weights = np.ascontiguousarray(weights.reshape(n_features, n_hidden).T)
    return Machine(weights, visible, hidden, np.exp(log_precision))


def learning_rate(schedule, rate, n_iter, epochs):
    """Learning rate after a number of epochs."""
    left = max(0.0, 1.0 - epochs / n_iter)
    if schedule == "constant":
        return rate
    return rate * min(1.0, left / (1.0 if schedule == "linear" else _DECAYING_SHARE))


class Trainer:
    """Learning as far as it got.

    Parameters
    ----------
    options : Options
        How to learn.
    units : Units
        The visible units.
    learned : Learned
        Parameters, chains and the generator.
    visible_mean : ndarray of shape (P,)
        The visible offsets of centring; zeros where there is none.
    reference : ndarray of shape (P,)
        Visible biases of independent columns: where tempered chains are hottest.
    n_steps : int
        Steps made before.
    """

    def __init__(self, options, units, learned, visible_mean, reference, n_steps=0):
        self.options, self.units = options, units
        self.learned, self.n_steps = learned, n_steps
        self.visible_mean, self.reference = visible_mean, reference
        self._phase = self._model_phase()

    @classmethod
    def start(cls, options, units, machine, visible_mean, rng):
        """Begin with a machine of independent columns."""
        theta, dtype = pack(machine), machine.weights.dtype
        n_hidden = len(machine.hidden)
        moments = len(theta) if options.step != SGD else 0
        scales = len(theta) if options.step == ADAM else 0
        n_levels = options.n_temperatures if options.method == "tempering" else 1
        shape = n_levels * options.n_chains, n_hidden
        visible_mean = visible_mean.astype(dtype)
        if not options.centered:
            visible_mean = np.zeros_like(visible_mean)
        learned = kernels.Learned(
            theta=theta,
            moment=np.zeros(moments, dtype),
            scale=np.zeros(scales, dtype),
            hidden_mean=expit(machine.hidden + machine.weights @ visible_mean)
            if options.centered
            else np.zeros(n_hidden, dtype),
            chains=rng.integers(0, 2, shape).astype(dtype),
            X=np.empty((0, 0), dtype),
            streams=seed_streams(rng),
        )
        return cls(options, units, learned, visible_mean, machine.visible)

    @property
    def machine(self):
        """The parameters learned."""
        return unpack(self.learned.theta, len(self.learned.hidden_mean))

    @property
    def machine_64(self):
        """The same in float64, in which scores are computed."""
        return Machine(*(a.astype(np.float64) for a in self.machine))

    def _model_phase(self):
        """Code of the model phase, and the states and their terms if it is exact."""
        dtype, n_hidden = self.learned.theta.dtype, len(self.learned.hidden_mean)
        n_visible = n_visible_states(self.units)
        n_states = min(n_hidden_states(n_hidden), n_visible)
        method = self.options.method
        if method == "auto":
            method = "exact" if n_states <= _FEW_STATES else "pcd"
        if method != "exact":
            return METHODS[method], np.empty((0, 0), dtype), np.empty(0, dtype)
        if n_states > _MOST_STATES:
            raise ValueError(
                "method='exact' sums over all states of one layer: here there are "
                f"{n_states:.3g}, and {_MOST_STATES} are the most. Take fewer hidden "
                "units, or method='pcd'."
            )
        if n_hidden_states(n_hidden) <= n_visible:
            code, states = kernels.ALL_HIDDEN, hidden_states(self.machine, self.units)
        else:
            code, states = kernels.ALL_VISIBLE, visible_states(self.machine, self.units)
        numbers = np.arange(states.count)
        places = np.unravel_index(numbers, states.n_values, order="F")
        terms = [term[at] for term, at in zip(states.terms, places, strict=True)]
        F = np.ascontiguousarray(features_of(states, numbers), dtype=dtype)
        return code, F, np.sum(terms, axis=0).astype(dtype)

    def epoch(self, F, observed, rows, first_rate, last_rate):
        """Pass over the rows once.

        Parameters
        ----------
        F : ndarray of shape (n, P)
            Features; where not observed, any number.
        observed : ndarray of bool, shape (n, P), or None
            Which features are data; None: all.
        rows : ndarray of shape (N,)
            Their order.
        first_rate, last_rate : float
            Learning rates before and after.
        """
        options, learned, units = self.options, self.learned, self.units
        method, states, terms = self._phase
        n_levels = options.n_temperatures if method == kernels.TEMPERED else 1
        dtype = F.dtype.type
        target = options.sparsity_target
        with one_blas_thread():
            self.learned = kernels.train(
                F if not len(learned.X) else learned.X,
                observed,
                rows,
                options.batch_size,
                learned.theta,
                learned.moment,
                learned.scale,
                self.visible_mean,
                learned.hidden_mean,
                learned.chains,
                states,
                terms,
                np.linspace(1.0, 0.0, n_levels, dtype=F.dtype)[::-1].copy(),
                self.reference,
                None if units.are(BERNOULLI) else units.kinds,
                units.first,
                units.trials.astype(F.dtype),
                method,
                options.n_gibbs_steps,
                options.step,
                dtype(first_rate),
                dtype(last_rate),
                dtype(options.momentum),
                dtype(options.l1),
                dtype(options.l2),
                dtype(target or 0.0),
                dtype(options.sparsity_cost if target else 0.0),
                dtype(_HIDDEN_MEAN_RATE if options.centered else 0.0),
                dtype(_LEAST_LOG_PRECISION),
                self.n_steps,
                learned.streams,
            )
        self.n_steps += -(-len(rows) // options.batch_size)
