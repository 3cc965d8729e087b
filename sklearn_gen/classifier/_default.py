"""The density of a classifier that was given none."""

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.preprocessing import StandardScaler

from sklearn_gen._inner._checking import has_other_columns

# Components of each class, and floors under variances in units of those of the class:
# what predicts best is taken. Likelihood chose worse: on tables with discrete columns
# it wants narrow components.
_SIZES = (1, 2, 4, 8)
_FLOORS = (1e-2, 1e-1)
_FLOORS_OF_FEW = (1e-2, 1e-1, 1.0)  # where a class has fewer rows than columns
_ROWS_PER_COMPONENT = 10
_FOLDS = 3


def default_density(X=None, random_state=None):
    """Make the default for such rows before its size is chosen."""
    from sklearn_gen.compose import make_generative_pipeline
    from sklearn_gen.mixture import GaussianMixture, TableMixture

    if X is not None and has_other_columns(X):
        return TableMixture(random_state=random_state)
    mixture = GaussianMixture(reg_covar=_FLOORS[0], random_state=random_state)
    return make_generative_pipeline(StandardScaler(), mixture)


def chosen_density(classifier, X, y, sample_weight, random_state):
    """Choose size and floor by cross-validated log loss, the same for all classes."""
    density = default_density(X, random_state)
    if not hasattr(density, "steps"):  # chooses its own size
        return density
    counts = np.unique(y, return_counts=True)[1]
    needed = max(_ROWS_PER_COMPONENT, X.shape[1])
    sizes = [size for size in _SIZES if size * needed <= counts.min()]
    if len(counts) < 2 or counts.min() < _FOLDS:
        return density
    floors = _FLOORS if sizes else _FLOORS_OF_FEW
    candidate = clone(classifier).set_params(
        estimator=density, unlabeled=None, outlier_label=None
    )
    search = GridSearchCV(
        candidate,
        {
            "estimator__gaussianmixture__n_components": sizes or [1],
            "estimator__gaussianmixture__reg_covar": floors,
        },
        scoring="neg_log_loss",
        cv=StratifiedKFold(_FOLDS, shuffle=True, random_state=0),
        refit=False,
        error_score="raise",
    )
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    search.fit(X, y, **weights)
    return clone(candidate).set_params(**search.best_params_).estimator
