"""Mixture of tables: columns of any type, missing cells, conditionals."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np

from sklearn_gen._blocks import workers
from sklearn_gen._compat import Interval, StrOptions
from sklearn_gen._em import EMModel, Run
from sklearn_gen.base import (
    ComponentMixin,
    ConditionalMixin,
    InformationCriteriaMixin,
)
from sklearn_gen.mixture._table_families import choose_families
from sklearn_gen.mixture._table_layout import mask_groups
from sklearn_gen.mixture._table_seeding import SMOOTHINGS, search, single, sprout
from sklearn_gen.mixture._tables import Columns


class TableMixture(ComponentMixin, ConditionalMixin, InformationCriteriaMixin, EMModel):
    _mixed_columns = True
    _bounds_repeats = True
    _parameter_constraints: ClassVar[dict] = {
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "families": [str, dict],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like"],
        "smoothing": [
            Interval(Real, 0.0, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "max_components": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "verbose_interval": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_components="auto",
        *,
        families="auto",
        categorical_features="from_dtype",
        smoothing="auto",
        max_components=1024,
        tol=1e-3,
        max_iter=100,
        n_init=1,
        random_state=None,
        warm_start=False,
        verbose=0,
        verbose_interval=10,
        n_jobs=None,
    ):
        self.n_components = n_components
        self.families = families
        self.categorical_features = categorical_features
        self.smoothing = smoothing
        self.max_components = max_components
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval
        self.n_jobs = n_jobs

    def _prepare(self, X, sample_weight, rng, first=True):
        if first and not (self.warm_start and hasattr(self, "converged_")):
            self._describe(X, sample_weight, rng)
            self.smoothing_ = 1.0 if self.smoothing == "auto" else self.smoothing
        return X

    def _describe(self, X, sample_weight, rng):
        """Choose the columns' families."""
        families = choose_families(self.schema_, self.families, X, sample_weight, rng)
        self._columns = Columns(families, mask_groups(np.isnan(X), sample_weight))

    def _blocks(self, X, sample_weight):
        return self._columns.blocks(X, sample_weight)

    def _n_starts(self):
        return self.n_init if self._is_fixed else None

    @property
    def _is_fixed(self):
        return self.n_components != "auto" and self.smoothing != "auto"

    def _starts(self, X, sample_weight, rng):
        if self._is_fixed:
            yield from super()._starts(X, sample_weight, rng)
            return
        params = yield from self._search(X, sample_weight, rng)
        yield Run(params, merit=np.inf)
        if self.n_components != "auto":
            yield from super()._starts(X, sample_weight, rng)

    def _search(self, X, sample_weight, rng):
        """Grow the mixture on some rows, as long as the others gain by it."""
        sizes = [self.n_components]
        if self.n_components == "auto":
            most = min(self.max_components, max(1, len(X) // 4))
            sizes = [2**i for i in range(int(np.log2(most)) + 1)]
        smoothings = SMOOTHINGS if self.smoothing == "auto" else (self.smoothing,)
        params, self.smoothing_, self.trials_ = yield from search(
            self, self._columns, X, sample_weight, sizes, smoothings, rng
        )
        return params

    def _initial_params(self, X, sample_weight, rng):
        stats, nothing = single(self._columns, self._blocks(X, sample_weight))
        whole = self._columns.m_step(stats, 1.0, nothing)
        if self.n_components == 1:
            return whole
        return sprout(
            self._columns,
            stats,
            whole,
            X,
            sample_weight,
            self.n_components,
            rng,
            keep=False,
        )

    def _e_step(self, params):
        return self._columns.e_step(params)

    def _suff_stats(self, block, params):
        return self._columns.e_step(params)(block)

    def _m_step(self, stats, params):
        return self._columns.m_step(stats, self.smoothing_, params)

    def _fitted_attributes(self, params):
        return {
            "weights_": params.weights,
            "_params": params,
        }

    def _fitted_params(self):
        return self._params

    def _n_parameters(self):
        n_components = len(self.weights_)
        return self._columns.n_parameters(n_components) + n_components - 1

    def _posterior(self, X, with_resp):
        with workers(self.n_jobs) as map_blocks:
            return self._columns.posterior(X, self._params, map_blocks, with_resp)

    def _score_samples(self, X):
        return self._posterior(X, with_resp=False)[0]

    def _predict_proba(self, X):
        return self._posterior(X, with_resp=True)[1]

    def _components_of(self, X, rng):
        """Draw a component of each row from p(k | observed cells)."""
        cumulative = np.cumsum(self._predict_proba(X), axis=1)
        u = rng.random((len(X), 1)) * cumulative[:, -1:]
        return (cumulative <= u).sum(axis=1).clip(0, cumulative.shape[1] - 1)

    def _sample(self, n_samples, rng, reproduce_missing=False):
        component = rng.choice(len(self.weights_), n_samples, p=self.weights_)
        X = self._columns.draw(self._params, component, rng)
        if reproduce_missing:
            X = self._columns.hide(X, self._params, component, rng)
        return X

    def _sample_conditional(self, X, rng):
        component = self._components_of(X, rng)
        return self._columns.draw(self._params, component, rng, np.isnan(X))
