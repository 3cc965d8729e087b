"""The density of an imputer that was given none."""

import numpy as np
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.preprocessing import StandardScaler

from sklearn_gen._columns import rewrap
from sklearn_gen._inner._checking import has_other_columns
from sklearn_gen._inner._rows import count_rows

# Of a few sizes and floors under the variances, the best on rows held out: measured in
# benchmarks/imputation.py. Fewer rows than these can't tell, and get one Gaussian.
SIZES = (1, 2, 4, 8, 16)
FLOORS = (1e-3, 1e-1)
_FOLDS = 3
_MIN_ROWS = 30
_HIDDEN = 0.2


def default_density(strategy, X, random_state, n_jobs):
    """Make a search over scaled Gaussian mixtures, or one Gaussian of few rows.

    Means are judged by how well they fill in cells that are hidden from them, draws by
    the likelihood of rows held out.
    """
    from sklearn_gen.compose import make_generative_pipeline
    from sklearn_gen.mixture import GaussianMixture, TableMixture

    if has_other_columns(X):
        return TableMixture(random_state=random_state, n_jobs=n_jobs)
    mixture = GaussianMixture(
        reg_covar=FLOORS[0], random_state=random_state, n_jobs=n_jobs
    )
    pipeline = make_generative_pipeline(StandardScaler(), mixture)
    n_rows = count_rows(X)
    if n_rows < _MIN_ROWS:
        return pipeline
    sizes = [size for size in SIZES if size * _MIN_ROWS / 3 <= n_rows]
    grid = {
        "gaussianmixture__n_components": sizes,
        "gaussianmixture__reg_covar": FLOORS,
    }
    return GridSearchCV(
        pipeline,
        grid,
        scoring=hidden_cells_score if strategy == "mean" else None,
        cv=KFold(_FOLDS, shuffle=True, random_state=0),
        error_score="raise",
    )


def hidden_cells_score(density, X, y=None):
    """Minus the mean squared error of cells hidden at random, in units of variances."""
    rows = np.asarray(X, dtype=np.float64)
    hidden = np.random.default_rng(0).random(rows.shape) < _HIDDEN
    hidden &= ~np.isnan(rows)
    if not hidden.any():
        return 0.0
    given = np.where(hidden, np.nan, rows)
    deviations = np.nanstd(rows[:, hidden.any(axis=0)], axis=0)
    scale = np.ones(rows.shape[1])
    scale[hidden.any(axis=0)] = np.where(deviations > 0, deviations, 1.0)
    filled = density.conditional_mean(rewrap(given, like=X))
    errors = (np.asarray(filled) - rows) / scale
    return -np.mean(errors[hidden] ** 2)
