"""Number of components, by splitting and merging them (after Ueda et al. 2000).

From one component upwards: the component in which two gain most is split, EM goes on
from there, and the criterion is noted; until that no longer improves. Then downwards:
the two components that lose least as one are merged. Neither needs luck with its
start: a long cluster is split along its length, its parts are merged again, and what
was cut wrongly is joined once all parts are there.

Moves are made on responsibilities of a sample of rows. So any EM mixture can make them
that has `_params_from(rows, resp)`, an M-step from given ones.
"""

import time
from functools import partial
from typing import NamedTuple

import numpy as np

from sklearn_gen._blocks import row_blocks, sum_blocks
from sklearn_gen._em import Run
from sklearn_gen._seeding import inverse_cdf, sample_of_rows, sorted_order
from sklearn_gen._validation import weighted_sum
from sklearn_gen.mixture._comparing import Judged

# Where moves are looked for; EM itself sees all rows. With twice the starts and steps
# the search of `benchmarks mclust` finds the same eight clusters in 1.6 times the time.
_SAMPLE_ROWS = 4000
_FIRST_ITERATIONS, _LOCAL_ITERATIONS = 3, 6
_RANDOM_SPLITS = 2  # beside those along the longest axis and by distance
# Splits, or merges, that may fail to improve the criterion before they end.
_PATIENCE = 2
# Half of the rows find the right number of stretched clusters, 3 to 8 of them, in 69
# of 72 tables of 1,500 rows. A fifth finds fewer, and takes longer: comparisons are
# less sure, and what is learned by heart costs less.
_HELD_OUT = 0.5
# EM ends when an iteration gains less than this part of what BIC asks of a component.
_PART_OF_PENALTY = 0.01
_MARGIN = 0.1  # of the same: by how much a model must be better
_NEGLIGIBLE = 1e-3  # responsibility
_PAIRS = 3  # times the number of components: pairs that are looked at more closely
_TINY = np.finfo(float).tiny


class ChoosesComponents:
    """An EM mixture with ``n_components="auto"``.

    It has the parameters `criterion` and `max_components`, and one hook beyond those
    of :class:`~sklearn_gen._em.EMModel`: `_params_from(rows, resp)` gives parameters
    of complete rows (n, D) and responsibilities (n, K), which hold the weights.
    """

    @property
    def n_components_(self):
        """Number of components."""
        return len(self.weights_)

    def _size(self):
        """Number of components that fitted parameters have to have."""
        return self.n_components_ if self.n_components == "auto" else self.n_components

    def _start_size(self):
        """Number of components to start from."""
        if self.n_components != "auto":
            return self.n_components
        given = [getattr(self, name, None) for name in ("weights_init", "means_init")]
        return next((len(start) for start in given if start is not None), 1)

    def _initial_params(self, X, sample_weight, rng):
        if self.n_components != "auto" or self._start_size() > 1:
            return super()._initial_params(X, sample_weight, rng)
        # of `partial_fit`: its first batch says how many there are
        self._learn(X, sample_weight, rng)
        return self._fitted_params()

    def _n_starts(self):
        return None if self.n_components == "auto" else super()._n_starts()

    def _starts(self, X, sample_weight, rng):
        if self.n_components != "auto":
            self.__dict__.pop("search_results_", None)
            return super()._starts(X, sample_weight, rng)
        return Search(self, X, sample_weight, rng).runs()


class Search:
    """One search for the number of components, as a generator of runs of EM.

    A run that was yielded is finished when the next one is asked for.
    """

    def __init__(self, model, X, sample_weight, rng):
        self.model, self.rng = model, rng
        self.began = time.perf_counter()
        self.history, self.halved = [], []
        self.X, self.weight, self.blocks = X, sample_weight, None
        if model.criterion == "holdout":
            self._hold_out(X, sample_weight)
            self.blocks = row_blocks(self.X, self.weight)
        self.n_rows = len(self.X) if self.weight is None else self.weight.sum()
        rows, weight = sample_of_rows(self.X, self.weight, _SAMPLE_ROWS, rng)
        order = sorted_order(rows)  # moves don't depend on the order of rows
        self.rows = rows[order]
        self.row_weight = np.ones(len(rows)) if weight is None else weight[order]
        # Fewer rows than these may have any likelihood.
        share = self.row_weight.sum() / self.n_rows
        self.fewest = 2.0 * (X.shape[1] + 1) * share

    def _hold_out(self, X, sample_weight):
        n_held = int(_HELD_OUT * len(X))
        if n_held < 2:
            raise ValueError(
                f"criterion='holdout' holds out half of the rows, got {len(X)}: two of "
                "them must be held out. Use criterion='bic'."
            )
        held = np.zeros(len(X), dtype=bool)
        held[self.rng.permutation(len(X))[:n_held]] = True
        parts = (None, None)
        if sample_weight is not None:
            parts = sample_weight[held], sample_weight[~held]
        self.held_out, self.X, self.weight = (X[held], parts[0]), X[~held], parts[1]

    def runs(self):
        """Yield runs of EM: up by splits, then down by merges, while that improves."""
        best = None
        for _ in range(self.model.n_init):
            found = yield from self._up_and_down()
            best = found if best is None or found.rank > best.rank else best
        if self.blocks is not None:
            self.model._say(f"All rows: {_size(best.params)} components")
            yield Run(best.params, merit=np.inf)

    def _up_and_down(self):
        self.best, self.top, self.rank = None, None, -np.inf
        best = yield from self._try(self._whole(), "start")
        while True:
            run, left, top = best, _PATIENCE, self.top
            while left and (params := self._split(run)) is not None:
                run = yield from self._try(params, "split")
                better = run.rank > best.rank
                best, left = (run, _PATIENCE) if better else (best, left - 1)
            improved = False
            while _size(run.params) > max(1, _size(best.params) - _PATIENCE):
                run = yield from self._try(self._merge(run), "merge")
                if run.rank > best.rank:
                    best, improved = run, True
            if not improved or self.top is top:
                return best

    def _penalty(self):
        """What BIC asks of one component, nats per row."""
        model = self.model
        per_component = model._n_parameters() / model.n_components_
        return 0.5 * per_component * np.log(self.n_rows) / self.n_rows

    def _try(self, params, move):
        """Run EM from there, keep what it finds in the model, and judge it."""
        model, K = self.model, _size(params)
        run = Run(params, merit=-np.inf, tol=self._tol(), blocks=self.blocks)
        yield run
        bounds = [-np.inf, -np.inf, *run.lower_bounds]
        run.converged = bool(run.converged or bounds[-1] - bounds[-2] < model.tol)
        model._keep(run)
        value, found = self._criterion(K)
        large = K == 1 or self._responsibilities().sum(axis=0).min() >= self.fewest
        margin = self._margin()
        accepted = bool(large and found.replaces(self.best, self.top, margin))
        if large and (self.top is None or found.merit > self.top.merit + margin):
            self.top = found
        if accepted:
            self.best = found
            # a smaller mixture may lose a little, and is preferred all the same
            self.rank = run.merit = max(found.merit, np.nextafter(self.rank, np.inf))
        model._say(
            f"{move.capitalize()}: {K} components, {model.criterion} {value:.6g}"
            f"{', the best so far' * accepted}"
        )
        self.history.append(
            {
                "move": move,
                "n_components": K,
                model.criterion: value,
                "accepted": accepted,
                "log_likelihood": run.lower_bound,
                "n_iter": len(run.lower_bounds),
                "seconds": time.perf_counter() - self.began,
            }
        )
        model.search_results_ = {
            name: np.array([row[name] for row in self.history])
            for name in self.history[0]
        }
        return run

    def _margin(self):
        """The least improvement that counts: more than EM may have left undone."""
        margin = _MARGIN * self._penalty()
        # bic and icl count twice the sum over rows, holdout is a mean
        return margin if self.model.criterion == "holdout" else 2 * self.n_rows * margin

    def _tol(self):
        if not self.history:
            return None
        return min(self.model.tol, _PART_OF_PENALTY * self._penalty())

    def _criterion(self, K):
        """The criterion, and what K components are compared by."""
        model = self.model
        if model.criterion == "holdout":
            X, weight = self.held_out
            scores = model._score_samples(X)
            total, n_rows = weighted_sum(scores, weight)
            return total / n_rows, Judged(K, total / n_rows, scores, weight)
        total, n_rows = weighted_sum(model._score_samples(self.X), self.weight)
        value = -2.0 * total + np.log(n_rows) * model._n_parameters()
        if model.criterion == "icl":
            certainty = np.log(model._predict_proba(self.X).max(axis=1))
            value -= 2.0 * weighted_sum(certainty, self.weight)[0]
        return float(value), Judged(K, -float(value))

    # Moves, on the sample of rows.

    def _responsibilities(self):
        """Of the kept parameters, times weights, (n, K)."""
        resp = self.model._predict_proba(self.rows)[:, : self.model.n_components_]
        return resp * self.row_weight[:, None]

    def _completed(self):
        """The sample without NaN: drawn given what is observed, or means at first."""
        missing = np.isnan(self.rows)
        if not missing.any():
            return self.rows
        if self.history:
            drawn = self.model._sample_conditional(self.rows, self.rng)
            return np.where(missing, drawn, self.rows).astype(self.rows.dtype)
        observed = self.row_weight[:, None] * ~missing
        sums = (observed * np.where(missing, 0.0, self.rows)).sum(axis=0)
        means = sums / np.maximum(observed.sum(axis=0), np.finfo(float).tiny)
        return np.where(missing, means, self.rows).astype(self.rows.dtype)

    def _whole(self):
        if self.model._start_size() > 1:  # starting values are given
            return self.model._initial_params(self.X, self.weight, self.rng)
        return self.model._params_from(self._completed(), self.row_weight[:, None])

    def _split(self, run):
        """Split the component in which two gain most; None where none can be."""
        model = self.model
        most = model.max_components or self.n_rows
        if _size(run.params) >= most:
            return None
        model._keep(run)
        rows, resp = self._completed(), self._responsibilities()
        # A component that stayed as it was needn't be split again.
        known, self.halved = self.halved, []
        for column in resp.T:
            same = (h for h in known if _same(h.resp, column))
            self.halved.append(next(same, None) or self._halve(rows, column))
        k = int(np.argmax([halved.gain for halved in self.halved]))
        if self.halved[k].gain == -np.inf:
            return None
        divided = self.halved[k].parts * resp[:, k : k + 1]
        return model._params_from(
            rows, np.column_stack([np.delete(resp, k, 1), divided])
        )

    def _halve(self, rows, resp):
        """Fit two components to the rows of one."""
        near = resp > _NEGLIGIBLE * self.row_weight
        part = _Local(self.model, rows[near], resp[near])
        two = part.two(self.rng, self.fewest)
        parts = np.zeros((len(rows), 2))
        if two.params is None:
            return Halved(resp, -np.inf, parts)
        alone = part.fit(part.weight[:, None], 0)
        parts[near] = part.responsibilities(two.params)
        return Halved(resp, two.log_likelihood - alone.log_likelihood, parts)

    def _merge(self, run):
        """Merge the two components that lose least as one."""
        model = self.model
        model._keep(run)
        rows, resp = self._completed(), self._responsibilities()
        least, found = np.inf, None
        for i, j in _overlapping(resp):
            both = resp[:, i] + resp[:, j]
            near = both > _NEGLIGIBLE * self.row_weight
            part = _Local(model, rows[near], both[near])
            two = part.fit(resp[near][:, [i, j]], 0)
            loss = two.log_likelihood - part.fit(both[near, None], 0).log_likelihood
            if loss < least:
                least, found = loss, (i, j)
        i, j = found
        merged = resp[:, i] + resp[:, j]
        return model._params_from(
            rows, np.column_stack([np.delete(resp, [i, j], 1), merged])
        )


def _size(params):
    return len(params.weights)


def _overlapping(resp):
    """Pairs of components, those first that share most rows (cosine)."""
    norms = np.sqrt((resp**2).sum(axis=0)) + np.finfo(float).tiny
    i, j = np.triu_indices(resp.shape[1], 1)
    cosine = (resp.T @ resp)[i, j] / (norms[i] * norms[j])
    order = np.argsort(-cosine, kind="stable")[: _PAIRS * resp.shape[1]]
    return zip(i[order], j[order], strict=True)


def _same(one, other):
    """Whether two components have the same rows, but for a hundredth."""
    return np.abs(one - other).sum() < 0.01 * max(one.sum(), other.sum())


class Halved(NamedTuple):
    """The two components that would fit the rows of one."""

    resp: np.ndarray  # (n,) of the one, with weights
    gain: float  # in log-likelihood of these rows
    parts: np.ndarray  # (n, 2) of the two, as shares of the one


class LocalFit(NamedTuple):
    """Few components, fitted to some rows."""

    params: tuple
    log_likelihood: float


class _Local:
    """The rows of a component or two, as a table with weights of its own."""

    def __init__(self, model, rows, weight):
        self.model, self.rows, self.weight = model, rows, weight
        self.blocks = row_blocks(rows, weight)

    def fit(self, resp, n_iter):
        """Fit components to responsibilities, which hold the weights, and go on."""
        return self.go_on(self.model._params_from(self.rows, resp), n_iter)

    def go_on(self, params, n_iter):
        """Take some more steps of EM."""
        sum_stats = partial(sum_blocks, map, blocks=self.blocks)
        for _ in range(n_iter):
            params, _ = self.model._em_step(params, sum_stats)
        stats = sum_stats(self.model._e_step(params))
        return LocalFit(params, float(stats.log_likelihood))

    def two(self, rng, fewest):
        """Fit two components: a few steps from each start, the others from the best."""
        best = LocalFit(None, -np.inf)
        for mask in self.halves(rng):
            halves = self.weight[:, None] * np.column_stack([mask, ~mask])
            if halves.sum(axis=0).min() >= fewest:
                found = self.fit(halves, _FIRST_ITERATIONS)
                best = max(best, found, key=lambda fit: fit.log_likelihood)
        if best.params is None:
            return best
        return self.go_on(best.params, _LOCAL_ITERATIONS)

    def responsibilities(self, params):
        """Responsibilities of two components, (n, 2)."""
        self.model._keep(Run(params))
        resp = self.model._predict_proba(self.rows)[:, :2]
        return resp / np.maximum(resp.sum(axis=1, keepdims=True), _TINY)

    def halves(self, rng):
        """Yield masks that cut the rows in two: starts of a split."""
        w = self.weight / self.weight.sum()
        X = self.rows.astype(np.float64)
        deviations = X - w @ X
        covariance = (w[:, None] * deviations).T @ deviations
        values, axes = np.linalg.eigh(covariance)
        along = deviations @ axes[:, -1]
        yield along > 0.0
        # Distances in units of the component: its rows may lie flat.
        scales = np.sqrt(np.maximum(values, 1e-12 * values[-1] + _TINY))
        Z = (deviations @ axes) / scales
        distance = (Z**2).sum(axis=1)
        order = np.argsort(distance, kind="stable")
        median = distance[order[np.searchsorted(np.cumsum(w[order]), 0.5)]]
        yield distance > median
        for _ in range(_RANDOM_SPLITS):
            one, other = Z[inverse_cdf(w, rng.random(2))]
            yield Z @ (one - other) > 0.5 * (one @ one - other @ other)
