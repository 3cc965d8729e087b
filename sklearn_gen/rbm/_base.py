"""What all restricted Boltzmann machines share: learning, scores, both layers."""

import time
from abc import abstractmethod
from functools import partial

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.callback import with_callbacks

from sklearn_gen._compat import fit_context
from sklearn_gen._validation import DegenerateDataWarning, as_generator, warn
from sklearn_gen.base import ConditionalMixin, GenerativeModel, LatentMixin
from sklearn_gen.rbm import _machine as machines
from sklearn_gen.rbm._drawing import Drawing
from sklearn_gen.rbm._machine import Machine
from sklearn_gen.rbm._parameters import Parameters
from sklearn_gen.rbm._scoring import Scoring
from sklearn_gen.rbm._training import (
    Options,
    Trainer,
    learning_rate,
)
from sklearn_gen.rbm._training_start import (
    feature_means,
    first_machine,
    independent_biases,
    rows_in_order,
)
from sklearn_gen.rbm._training_stop import (
    FreeEnergyWatch,
    LikelihoodWatch,
    hold_out,
)
from sklearn_gen.rbm._units import Units, features


class BaseRBM(
    Parameters,
    Scoring,
    Drawing,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    ConditionalMixin,
    LatentMixin,
    GenerativeModel,
):
    """A restricted Boltzmann machine; children say what units their columns are."""

    transform = LatentMixin.transform  # set_output looks for it in the class itself

    # -- what units the columns are ----------------------------------------------

    @abstractmethod
    def _describe(self, X, rows):
        """Find the units of the columns from encoded rows, which `rows` puts in order.

        Returns
        -------
        units : Units
        location, scale : ndarray of shape (U,), or None
            Gaussian units are standardised by these; 0 and 1 for the others. None where
            there is no Gaussian unit.
        """

    @property
    def _modelled_columns(self):
        """Columns of X that are modelled, in the order of their units."""
        return range(self._units.n_units)

    def _modelled(self, X):
        """Values of the units (n, U), Gaussian ones standardised, from encoded rows."""
        return X if self._scale is None else (X - self._location) / self._scale

    def _encoded(self, V):
        """Encoded rows from values of the units."""
        return V if self._scale is None else V * self._scale + self._location

    def _log_volume(self, X):
        """log|det| of the standardisation of what is observed, shape (n,)."""
        if self._scale is None:
            return np.zeros(len(X))
        return -np.where(np.isnan(X), 0.0, np.log(self._scale)).sum(axis=1)

    def _features_of(self, X):
        """Features of encoded rows, in float64."""
        modelled = self._modelled(np.asarray(X, dtype=np.float64))
        return np.array(features(modelled, self._units))

    @property
    def _units(self):
        return Units(*self._unit_arrays)

    @property
    def _machine(self):
        """The parameters in float64, in which scores are computed."""
        return Machine(
            *(
                np.ascontiguousarray(a, dtype=np.float64)
                for a in (
                    self.components_,
                    self.intercept_visible_,
                    self.intercept_hidden_,
                    self._precision,
                )
            )
        )

    # -- learning ------------------------------------------------------------------

    @property
    def _goes_on(self):
        return self.warm_start and hasattr(self, "components_")

    def _check_training_rows(self, X, sample_weight, reset=True):
        # going on, columns and codes of levels are those that the units are of
        reset = reset and not self._goes_on
        return super()._check_training_rows(X, sample_weight, reset)

    def _fit(self, X, sample_weight, rng):
        warm, rows = self._goes_on, rows_in_order(X, sample_weight)
        if not warm:
            self._set_units(X, rows)
        F = self._training_features(X)
        trainer = self._resume(rng) if warm else self._start(F, rows, rng)
        self._learn(self._by_objective(trainer), F, rows, rng)

    def _set_units(self, X, rows):
        empty = [self.schema_.label(j) for j in np.flatnonzero(np.isnan(X).all(axis=0))]
        if empty and not self._mixed_columns:
            warn(
                f"Nothing is observed in {', '.join(empty)}: all values are as likely "
                "as any there, whatever the row. Drop it.",
                DegenerateDataWarning,
            )
        units, self._location, self._scale = self._describe(X, rows)
        self._unit_arrays = tuple(units)  # pickles of it name no class of ours

    def _training_features(self, X):
        F = features(self._modelled(X).astype(self.dtype, copy=False), self._units)
        return np.ascontiguousarray(F)

    def _options(self):
        return Options(
            method=self.method,
            n_gibbs_steps=self.n_gibbs_steps,
            n_chains=self.batch_size if self.n_chains is None else self.n_chains,
            n_temperatures=self.n_temperatures,
            optimizer=self.optimizer,
            momentum=self.momentum,
            centered=self.centered,
            l1=self.l1,
            l2=self.l2,
            sparsity_target=self.sparsity_target,
            sparsity_cost=self.sparsity_cost,
            batch_size=self.batch_size,
        )

    def _start(self, F, rows, rng):
        mean, count = feature_means(F, rows)
        reference = independent_biases(mean, count, self._units)
        dtype = np.dtype(self.dtype)
        machine = first_machine(reference, self._units, self.n_components, rng, dtype)
        return Trainer.start(self._options(), self._units, machine, mean, rng)

    def _resume(self, rng):
        """Go on from the fitted parameters, chains and running means."""
        self._check_goes_on()
        options, dtype = self._options(), np.dtype(self.dtype)
        fresh = Trainer.start(
            options,
            self._units,
            Machine(*(a.astype(dtype) for a in self._machine)),
            np.zeros(self._units.n_features),
            rng,
        )
        moment, scale, hidden_mean, visible_mean, n_steps = self._running
        kept = {"moment": moment, "scale": scale, "hidden_mean": hidden_mean}
        kept["chains"] = self.h_samples_
        for name, before in kept.items():
            now = getattr(fresh.learned, name)
            if before.shape == now.shape:  # else another optimizer, or other chains
                fresh.learned = fresh.learned._replace(**{name: before.astype(dtype)})
        offsets = visible_mean.astype(dtype), self._reference.astype(dtype)
        return Trainer(options, self._units, fresh.learned, *offsets, n_steps)

    def _check_goes_on(self):
        shape = self.n_components, self._units.n_features
        if self.components_.shape != shape:
            raise ValueError(
                f"Can't go on from the last fit: components_ has shape "
                f"{self.components_.shape}; n_components={self.n_components!r} and X "
                f"need {shape}. Set n_components back, or fit a clone of the model."
            )

    def _learn(self, trainer, F, rows, rng):
        """Pass over the rows `n_iter` times, or until a watch stops it."""
        watch, rows = self._watch(trainer, F, rows, rng)
        F, observed = _filled(F, trainer.reference, self._units)
        root = self._init_callback_context(max_subtasks=self.n_iter)
        root.call_on_fit_task_begin(estimator=self, X=F)
        rate = partial(learning_rate, self.schedule, self.learning_rate, self.n_iter)
        n_iter, stopped = 0, False
        try:
            while n_iter < self.n_iter and not stopped:
                epoch = root.subcontext("epoch")
                epoch.call_on_fit_task_begin(estimator=self, X=F)
                began = time.perf_counter()
                order = rng.permutation(rows)
                trainer.epoch(F, observed, order, rate(n_iter), rate(n_iter + 1))
                n_iter += 1
                self._say(trainer, F, n_iter, began)
                stopped = epoch.call_on_fit_task_end(
                    estimator=self,
                    X=F,
                    reconstruction_attributes=partial(self._attributes, trainer),
                )
                stopped = stopped or (watch is not None and watch.stops(trainer))
        finally:
            # also of a fit that is interrupted: warm_start=True goes on from here
            if watch is not None:
                trainer.learned = watch.result(trainer)
                self.validation_scores_ = watch.scores
            self._keep(trainer, n_iter, rng)
        root.call_on_fit_task_end(estimator=self, X=F, reconstruction_attributes=dict)

    def _watch(self, trainer, F, rows, rng):
        """What looks at rows held out after each epoch, and the other rows."""
        if self.early_stopping is None:
            return None, rows
        if rows.min() == rows.max():
            raise ValueError(
                f"early_stopping={self.early_stopping!r} holds out rows, and X has one "
                "row only. Give more rows, or set it to None."
            )
        rows, held = hold_out(rows, self.validation_fraction, rng)
        if self.early_stopping == "likelihood":
            return LikelihoodWatch(F[held], self.n_iter_no_change), rows
        filled, _ = _filled(F, trainer.reference, self._units)
        some = filled[rng.permutation(rows)]
        return FreeEnergyWatch(filled[held], some, self.n_iter_no_change), rows

    def _say(self, trainer, F, n_iter, began):
        if not self.verbose:
            return
        spent = time.perf_counter() - began
        some = F[:: max(1, len(F) // 1000)]
        energy = -machines.unnormalised(some, self._units, trainer.machine).mean()
        print(  # noqa: T201 (what verbose is for)
            f"[{type(self).__name__}] Iteration {n_iter}, "
            f"free energy = {energy:.2f}, time = {spent:.2f}s"
        )

    def _attributes(self, trainer):
        """Public attributes as far as learning got."""
        machine = trainer.machine
        return {
            "components_": machine.weights,
            "intercept_visible_": machine.visible,
            "intercept_hidden_": machine.hidden,
            "h_samples_": trainer.learned.chains,
        }

    def _keep(self, trainer, n_iter, rng):
        for name, value in self._attributes(trainer).items():
            setattr(self, name, value.copy())
        self._precision = trainer.machine.precision
        self.n_iter_ = n_iter
        learned = trainer.learned
        self._running = (
            learned.moment,
            learned.scale,
            learned.hidden_mean,
            trainer.visible_mean,
            trainer.n_steps,
        )
        self._reference = trainer.reference.astype(np.float64)
        self._partition = {}  # where log Z is kept once it was asked for
        self._partition_seed = int(rng.integers(2**63))

    @property
    def _n_features_out(self):
        return len(self.components_)

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Pass once over a batch of rows, in minibatches, at the full learning rate.

        The first call describes the columns and chooses first parameters, so make it a
        batch of at least some hundred rows in random order.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            One batch.
        y : Ignored
            Present for API consistency.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Non-negative weights.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            As `fit`; the earlier fitted state is then kept.
        """
        with self._kept_on_failure():
            first = not hasattr(self, "components_")
            X, sample_weight = self._check_training_rows(X, sample_weight, reset=first)
            self._learn_batch(X, sample_weight, first)
        return self

    def _learn_batch(self, X, sample_weight, first):
        rng = as_generator(self.random_state)
        rows = rows_in_order(X, sample_weight)
        if first:
            self._set_units(X, rows)
        F = self._training_features(X)
        trainer = self._start(F, rows, rng) if first else self._resume(rng)
        trainer = self._by_objective(trainer)
        filled, observed = _filled(F, trainer.reference, self._units)
        rate = self.learning_rate
        trainer.epoch(filled, observed, rng.permutation(rows), rate, rate)
        self._keep(trainer, 1 if first else self.n_iter_ + 1, rng)

    def _by_objective(self, trainer):
        """What learns; children may have it learn more than p(x)."""
        return trainer


def _filled(F, reference, units):
    """Features with the mean of independent columns where missing, and where not."""
    observed = ~np.isnan(F)
    if observed.all():
        return F, None
    T, ones = reference[None], np.ones_like(reference)
    mean = machines.visible_mean(T, units, Machine(None, None, None, ones))
    return np.where(observed, F, mean.astype(F.dtype)), observed
