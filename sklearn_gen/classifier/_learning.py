"""From labelled rows, and others, to one density per class."""

import warnings
from contextlib import nullcontext
from copy import deepcopy

import numpy as np
from scipy.special import logsumexp, softmax
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sklearn_gen._inner._checking import check_rows_for
from sklearn_gen._inner._class_densities import (
    ClassRows,
    clones,
    fit_densities,
    log_joint,
)
from sklearn_gen._inner._density import new_density
from sklearn_gen._inner._labels import check_labels, class_prior, codes_of
from sklearn_gen._inner._measures import warn_of_measures
from sklearn_gen._inner._new_names import schema_of_names
from sklearn_gen._inner._rows import Rows
from sklearn_gen._validation import (
    as_generator,
    check_weights,
    warn,
)
from sklearn_gen.classifier._default import chosen_density, default_density
from sklearn_gen.classifier._refits import goes_on, going_on, learns_measures
from sklearn_gen.classifier._thresholds import class_thresholds, threshold

# EM over unlabelled rows gives up after so many iterations in which the bound rose no
# more; the best of these attributes are kept.
_PATIENCE = 5
_LEARNED = ("estimators_", "class_count_", "class_prior_")


class ClassLearning:
    """What fit and partial_fit do."""

    def _check_rows(self, X, reset):
        """Validate rows; frames stay frames."""
        if reset:
            density = default_density(X) if self.estimator is None else self.estimator
        else:  # of a class that was seen
            density = next(d for d in self.estimators_ if d is not None)
        return check_rows_for(density, self, X, reset=reset)

    def _check_training(self, X, y, sample_weight, reset):
        """Rows with weight, their labels and weights."""
        density = None if self.estimator is None else new_density(self.estimator)
        X = self._check_rows(X, reset)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, len(X))
        rows = Rows(X, None if y is None else np.asarray(y), sample_weight)
        if sample_weight is not None and y is not None and not sample_weight.all():
            rows = rows.select(np.flatnonzero(sample_weight))
        return density, rows

    def _learn(self, X, y, sample_weight):
        density, rows = self._check_training(X, y, sample_weight, reset=True)
        classes, codes = check_labels(rows.y, len(rows.X), self.unlabeled)
        if self.unlabeled is None:
            _warn_of_marker(classes)
        shares = np.zeros((len(codes), len(classes)))
        known = np.flatnonzero(codes >= 0)
        shares[known, codes[known]] = 1.0
        rows = ClassRows(rows.X, rows.sample_weight, shares)
        for name in ("lower_bounds_", "converged_"):
            vars(self).pop(name, None)
        labelled = rows if len(known) == len(codes) else _select(rows, known)
        class_prior(self.priors, labelled.weights().sum(axis=0), classes)  # checks
        if density is None:
            density = self._choose(labelled, classes[codes[known]])
        starts = self._starts(density, rows, len(classes))
        densities = self._fit_densities(starts, labelled, classes)
        self.classes_ = classes
        warn_of_measures(densities, "give a TableMixture itself as the estimator")
        self._keep(densities, labelled)
        self._names = schema_of_names(rows.X, densities)
        self.n_iter_ = 1
        if len(known) < len(codes):
            labelled = self._learn_unlabelled(rows, known)
        self.offsets_ = class_thresholds(
            self.estimators_, labelled, self.contamination, self.n_jobs
        )
        for fitted in self.estimators_:
            if goes_on(fitted):
                fitted.set_params(warm_start=goes_on(density) and density.warm_start)
        return self

    def _starts(self, density, rows, n_classes):
        """What fits of the classes start with: unfitted, but of tables.

        Those find in their rows which columns lie on a grid, and are scored by masses:
        each class for itself, densities would be compared with masses. So classes go
        on from one fit to all rows, and keep its families, levels and measures.
        """
        if not learns_measures(density):
            return clones(density, n_classes)
        everything = Rows(rows.X, None, rows.sample_weight)
        with warnings.catch_warnings() if self.estimator is None else nullcontext():
            if self.estimator is None:
                warnings.simplefilter("ignore")
            density = clone(density).fit(rows.X, **everything.weights_for(density))
        return [going_on(deepcopy(density)) for _ in range(n_classes)]

    def _choose(self, rows, y):
        seed = int(as_generator(self.random_state).integers(2**31))
        with warnings.catch_warnings():  # of fits that are tried, not the user's doing
            warnings.simplefilter("ignore")
            return chosen_density(self, rows.X, y, rows.sample_weight, seed)

    def _fit_densities(self, densities, rows, classes, say=True):
        quiet = self.estimator is None or not say
        return fit_densities(
            densities, rows, classes, self.n_jobs, quiet=quiet, say=say
        )

    def _keep(self, densities, rows):
        weights = rows.weights()
        self.estimators_ = densities
        self.class_count_ = weights.sum(axis=0)
        self.class_prior_ = class_prior(self.priors, self.class_count_, self.classes_)

    def _learn_unlabelled(self, rows, known):
        """EM: unlabelled rows belong to each class by its posterior.

        Returns
        -------
        rows : ClassRows
            With the shares that the densities were fitted to.
        """
        shares = rows.shares.copy()
        unknown = np.setdiff1d(np.arange(len(shares)), known)
        each = np.ones(len(shares))
        each[unknown] = self.unlabeled_weight
        weight = each if rows.sample_weight is None else each * rows.sample_weight
        templates = [self._template(density) for density in self.estimators_]
        self.lower_bounds_, self.converged_ = [], False
        previous, best, kept, since = -np.inf, -np.inf, {}, 0
        now = kept_rows = rows
        for step in range(self.max_iter):
            joint = log_joint(self.estimators_, self._log_prior(), rows.X, self.n_jobs)
            log_prob = logsumexp(joint, axis=1)
            log_prob[known] = joint[known][shares[known] > 0]
            bound = float(np.average(log_prob, weights=weight))
            self.lower_bounds_.append(bound)
            self.converged_ = abs(bound - previous) < self.tol
            since = 0 if bound > best + self.tol else since + 1
            # Of labelled rows alone families and levels may differ: no likelihood of
            # those compares with later ones.
            if step > 0 and bound > best:
                best, kept = bound, {name: getattr(self, name) for name in _LEARNED}
                kept_rows = now
            if self.converged_ or since == _PATIENCE:
                break
            previous = bound
            joint[np.isneginf(joint).all(axis=1)] = self._log_prior()
            shares[unknown] = softmax(joint[unknown], axis=1) * self.unlabeled_weight
            now = rows._replace(shares=shares.copy())
            fresh = [
                going_on(density)
                if goes_on(density) and (step > 0 or learns_measures(density))
                else clone(template)
                for density, template in zip(self.estimators_, templates, strict=True)
            ]
            self._keep(self._fit_densities(fresh, now, self.classes_, say=False), now)
        if self.converged_ or since == _PATIENCE or self.lower_bounds_[-1] < best:
            vars(self).update(kept)
            now = kept_rows
        self.n_iter_ = len(self.lower_bounds_)
        if not self.converged_:
            self._warn_of_no_convergence(since == _PATIENCE)
        return now

    def _template(self, density):
        """What refits are clones of: of the same starts, so that they are alike."""
        if goes_on(density):
            return density
        seed = int(as_generator(self.random_state).integers(2**31))
        unseeded = [
            name
            for name, value in density.get_params().items()
            if name.split("__")[-1] == "random_state" and value is None
        ]
        return clone(density).set_params(**dict.fromkeys(unseeded, seed))

    def _warn_of_no_convergence(self, stalled):
        changes = np.abs(np.diff(self.lower_bounds_))
        if stalled:
            message = (
                f"EM over unlabelled rows stopped after {self.n_iter_} iterations: for "
                f"{_PATIENCE} of them its bound rose no more, and still varied by more "
                f"than tol={self.tol:g}, as the density's refits differ. The densities "
                "of the highest bound are kept. Densities with a parameter warm_start "
                "go on from their last fit and converge."
            )
        else:
            message = (
                "EM over unlabelled rows did not converge in "
                f"max_iter={self.max_iter} iterations: its last changes were "
                f"{changes[-3:].round(6).tolist()} nats per row, tol={self.tol:g}. "
                "Increase max_iter or tol."
            )
        warn(message, ConvergenceWarning)

    def _learn_batch(self, X, y, classes, sample_weight):
        first = not hasattr(self, "classes_")
        if first and classes is None:
            raise ValueError(
                "classes must be passed on the first call to partial_fit: all labels "
                "there will be."
            )
        density, rows = self._check_training(X, y, sample_weight, reset=first)
        known = np.unique(classes) if classes is not None else self.classes_
        if not first and not np.array_equal(known, self.classes_):
            raise ValueError(
                f"classes={known.tolist()} differ from those of the first call, "
                f"{self.classes_.tolist()}. Leave them out, or fit a clone."
            )
        codes = codes_of(check_labels(rows.y, len(rows.X), None)[0], known)
        codes = codes_of(rows.y, known)
        weight = rows.sample_weight
        counts = np.bincount(codes, weight, minlength=len(known))
        before = np.zeros(len(known)) if first else self.class_count_
        prior = class_prior(self.priors, before + counts, known)
        densities = [None] * len(known) if first else list(self.estimators_)
        offsets = np.full(len(known), -np.inf) if first else self.offsets_.copy()
        for k in np.unique(codes):
            part = rows._replace(y=None).select(np.flatnonzero(codes == k))
            seen = densities[k] is not None
            densities[k] = densities[k] if seen else clone(density)
            # Rows are judged before they are learned, where something judges them.
            offset = threshold(densities[k], part, self.contamination) if seen else None
            densities[k].partial_fit(part.X, **part.weights_for(density))
            if offset is None:
                offsets[k] = threshold(densities[k], part, self.contamination)
            elif np.isfinite(offset):
                step = counts[k] / (before[k] + counts[k])
                offsets[k] += step * (offset - offsets[k])
        self.classes_, self.estimators_, self.offsets_ = known, densities, offsets
        self.class_count_, self.class_prior_ = before + counts, prior
        if first:
            self._names = schema_of_names(rows.X, densities)
        return self


def _select(rows, at):
    part = Rows(rows.X, None, rows.sample_weight).select(at)
    return ClassRows(part.X, part.sample_weight, rows.shares[at])


def _warn_of_marker(classes):
    """-1 beside 0, 1, ... is usually no class."""
    if classes.dtype.kind != "i" or len(classes) < 3 or classes[0] != -1:
        return
    if classes[1] >= 0:
        warn(
            "The label -1 is taken for a class of its own. If it marks rows whose "
            "class isn't known, set unlabeled=-1.",
            UserWarning,
        )
