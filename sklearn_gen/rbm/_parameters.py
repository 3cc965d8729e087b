"""Parameters that all restricted Boltzmann machines have."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np

from sklearn_gen._compat import Interval, StrOptions
from sklearn_gen.rbm._training import METHODS, SCHEDULES


class Parameters:
    """How to learn, score and draw; see the machines for what they mean."""

    _parameter_constraints: ClassVar[dict] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0.0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "n_iter": [Interval(Integral, 0, None, closed="left")],
        "verbose": ["verbose"],
        "random_state": ["random_state", np.random.Generator],
        "method": [StrOptions({"auto", *METHODS})],
        "n_gibbs_steps": [Interval(Integral, 1, None, closed="left")],
        "n_chains": [Interval(Integral, 1, None, closed="left"), None],
        "n_temperatures": [Interval(Integral, 2, None, closed="left")],
        "optimizer": [StrOptions({"sgd", "adam"})],
        "momentum": [Interval(Real, 0.0, 1.0, closed="left")],
        "schedule": [StrOptions({*SCHEDULES})],
        "centered": ["boolean"],
        "l1": [Interval(Real, 0.0, None, closed="left")],
        "l2": [Interval(Real, 0.0, None, closed="left")],
        "sparsity_target": [Interval(Real, 0.0, 1.0, closed="neither"), None],
        "sparsity_cost": [Interval(Real, 0.0, None, closed="left")],
        "early_stopping": [StrOptions({"free_energy", "likelihood"}), None],
        "validation_fraction": [Interval(Real, 0.0, 1.0, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "dtype": [StrOptions({"float32", "float64"})],
        "partition_chains": [Interval(Integral, 2, None, closed="left")],
        "partition_temperatures": [Interval(Integral, 2, None, closed="left")],
        "burn_in": [Interval(Integral, 0, None, closed="left")],
        "thinning": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_components=256,
        *,
        learning_rate=0.1,
        batch_size=10,
        n_iter=10,
        verbose=0,
        random_state=None,
        method="auto",
        n_gibbs_steps=1,
        n_chains=None,
        n_temperatures=10,
        optimizer="sgd",
        momentum=0.0,
        schedule="decay",
        centered=True,
        l1=0.0,
        l2=0.0,
        sparsity_target=None,
        sparsity_cost=0.1,
        early_stopping=None,
        validation_fraction=0.1,
        n_iter_no_change=5,
        warm_start=False,
        dtype="float32",
        partition_chains=100,
        partition_temperatures=1000,
        burn_in=100,
        thinning=10,
        n_jobs=None,
    ):
        self.n_components = n_components
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.n_iter = n_iter
        self.verbose = verbose
        self.random_state = random_state
        self.method = method
        self.n_gibbs_steps = n_gibbs_steps
        self.n_chains = n_chains
        self.n_temperatures = n_temperatures
        self.optimizer = optimizer
        self.momentum = momentum
        self.schedule = schedule
        self.centered = centered
        self.l1 = l1
        self.l2 = l2
        self.sparsity_target = sparsity_target
        self.sparsity_cost = sparsity_cost
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.dtype = dtype
        self.partition_chains = partition_chains
        self.partition_temperatures = partition_temperatures
        self.burn_in = burn_in
        self.thinning = thinning
        self.n_jobs = n_jobs
