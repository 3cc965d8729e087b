"""How many components a mixture of tables gets, and how smooth they are."""

import numpy as np

from sklearn_gen._em import Run
from sklearn_gen.mixture._table_seeding import search

# Of fewer rows none are held out: one component it is.
FEWEST_ROWS = 10


class TableGrowth:
    """The search for size and smoothing, as runs of the one EM loop."""

    def _n_starts(self):
        return self.n_init if self._is_fixed else None

    @property
    def _is_fixed(self):
        return self.n_components != "auto" and self.smoothing != "auto"

    def _starts(self, X, sample_weight, rng):
        if not self._is_fixed and len(X) >= FEWEST_ROWS:
            params = yield from self._search(X, sample_weight, rng)
            if self.n_components == "auto":
                yield Run(params, merit=np.inf)
                return
        yield from super()._starts(X, sample_weight, rng)

    def _search(self, X, sample_weight, rng):
        """Grow the mixture on some rows, as long as the others gain by it."""
        sizes = [self.n_components]
        if self.n_components == "auto":
            most = min(self.max_components, max(1, len(X) // 4))
            sizes = [2**i for i in range(int(np.log2(most)) + 1)]
        params, self.smoothing_, self.trials_ = yield from search(
            self, self._columns, X, sample_weight, sizes, rng
        )
        return params
