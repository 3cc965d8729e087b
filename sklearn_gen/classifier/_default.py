"""The density of a classifier that was given none."""

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.preprocessing import StandardScaler

from sklearn_gen._inner._checking import has_other_columns

# Components of each class, and floors under variances in units of those of all rows:
# what predicts best is taken. Likelihood chose worse: on tables with discrete columns
# it wants narrow components.
_SIZES = (1, 2, 4, 8)
_FLOORS = (1e-2, 1e-1, 3e-1)
_FLOORS_OF_FEW = (1e-2, 1e-1, 1.0)  # where a class has fewer rows than columns
_ROWS_PER_COMPONENT = 10
_FOLDS = 3


class CommonScaler(StandardScaler):
    """A scaler of all rows that each class takes as it is.

    Scaled by its own rows, a class is certain of columns that are constant in it by
    chance, and a floor means something else in each.

    Parameters
    ----------
    mean, scale : ndarray of shape (n_features,) or None
        Of all rows; None is those of the rows fitted.
    """

    def __init__(self, mean=None, scale=None):
        super().__init__()
        self.mean = mean
        self.scale = scale

    def fit(self, X, y=None):
        """Take note of the columns.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : None
            Ignored.

        Returns
        -------
        self : object
        """
        super().fit(X)
        if self.scale is not None:
            self.mean_, self.scale_, self.var_ = self.mean, self.scale, self.scale**2
        return self


def default_density(X=None, random_state=None):
    """Make the default for such rows before its size is chosen."""
    from sklearn_gen.mixture import GaussianMixture, TableMixture

    if X is not None and has_other_columns(X):
        return TableMixture(random_state=random_state)
    return _scaled(GaussianMixture(reg_covar=_FLOORS[0], random_state=random_state))


def _scaled(mixture, **scaler):
    from sklearn_gen.compose import make_generative_pipeline

    return make_generative_pipeline(CommonScaler(**scaler), mixture)


def chosen_density(classifier, X, y, sample_weight, random_state):
    """Choose by cross-validated log loss, one for all classes.

    First tails and the floor of one component, then how many of these.
    """
    from sklearn_gen.mixture import GaussianMixture, StudentTMixture

    if has_other_columns(X):
        return default_density(X, random_state)  # chooses its own size
    fitted = StandardScaler().fit(X, sample_weight=sample_weight)
    counts = np.unique(y, return_counts=True)[1]
    few = counts.min() < X.shape[1]
    candidates = [
        _scaled(
            mixture(reg_covar=floor, random_state=random_state),
            mean=fitted.mean_,
            scale=fitted.scale_,
        )
        for mixture in (GaussianMixture, StudentTMixture)
        for floor in (_FLOORS_OF_FEW if few else _FLOORS)
    ]
    if len(counts) < 2 or counts.min() < _FOLDS:
        return candidates[1]

    def best_of(candidates):
        search = GridSearchCV(
            clone(classifier).set_params(
                unlabeled=None, outlier_label=None, contamination=None
            ),
            {"estimator": candidates},
            scoring="neg_log_loss",
            cv=StratifiedKFold(_FOLDS, shuffle=True, random_state=0),
            refit=False,
            error_score="raise",
        )
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        return search.fit(X, y, **weights).best_params_["estimator"]

    best = best_of(candidates)
    sizes = [k for k in _SIZES if k * _ROWS_PER_COMPONENT <= counts.min()]
    if few or len(sizes) < 2:
        return best
    name = f"{best.steps[-1][0]}__n_components"
    return best_of([clone(best).set_params(**{name: size}) for size in sizes])
