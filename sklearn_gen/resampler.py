"""Rare classes filled up with draws from their densities."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.preprocessing import StandardScaler

from sklearn_gen._columns import container_of
from sklearn_gen._compat import Interval, StrOptions, fit_context
from sklearn_gen._inner._checking import check_rows_for, has_other_columns
from sklearn_gen._inner._class_densities import ClassRows, fit_densities
from sklearn_gen._inner._density import (
    new_density,
    with_input_tags_of,
)
from sklearn_gen._inner._dtypes import cast_like
from sklearn_gen._inner._labels import check_labels
from sklearn_gen._inner._new_names import schema_of_names, with_new_names
from sklearn_gen._inner._tables import stack_rows
from sklearn_gen._validation import as_generator, chosen

__all__ = ["GenerativeResampler"]

# The default's components, each of which needs that many rows, and floors under
# variances, in units of those of the class: the likelihood of rows held out decides.
_SIZES = (1, 2, 4, 8)
_FLOORS = (1e-2, 1e-1)
_ROWS_PER_COMPONENT = 10
_FOLDS = 3

_STRATEGIES = ("auto", "minority", "not minority", "not majority", "all")


class GenerativeResampler(MetaEstimatorMixin, BaseEstimator):
    """Resampler that fills up classes with draws from a density of each.

    It has imbalanced-learn's protocol and parameter names, and works in its pipelines,
    but doesn't need it.

    Parameters
    ----------
    estimator : object or None, default=None
        A density, of which each class to fill up fits a clone. None is a mixture of
        Gaussians of scaled columns, whose number of components and floor under
        variances have the highest likelihood on rows of the class held out; of frames
        with columns of text, categories or dates a
        :class:`~sklearn_gen.mixture.TableMixture`.
    sampling_strategy : str, float, dict or callable, default='auto'
        Which classes get how many rows:

        - 'minority': the smallest class gets as many as the largest has;
        - 'not majority' or 'auto': all but the largest do;
        - 'not minority', 'all': all but the smallest; all;
        - a float: of two classes the smaller gets that share of the larger one's rows;
        - a dict goes from label to number of rows; a callable makes one of y.
    random_state : None, int, RandomState or Generator, default=None
        Seeds the default density and draws. None is fresh entropy.
    n_jobs : int or None, default=None
        Threads, over classes; None is 1, -1 all cores.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    sampling_strategy_ : dict
        From label to the number of rows to draw.
    estimators_ : dict
        From label to the fitted density of each class that gets rows.
    sample_indices_ : ndarray of shape (n_samples_new,)
        After `fit_resample`: where each row was in X; -1 for those drawn.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.

    See Also
    --------
    sklearn_gen.classifier.GenerativeClassifier : Uses the densities themselves.

    Notes
    -----
    SMOTE draws on lines between neighbours; a density also draws outside of them.
    Neither adds information: classifiers that take ``class_weight``, or a threshold
    that is chosen for its purpose, often do as well. docs/user_guide/resampling.rst has
    figures. Probabilities of classifiers fitted to resampled rows are those of the
    resampled shares.

    A class of fewer than 5 distinct rows is fitted to all other rows as well, which
    together weigh as much as one of its own, and a warning says so. Draws get the
    columns' dtypes: integers are rounded.

    References
    ----------
    Chawla, Bowyer, Hall & Kegelmeyer (2002), "SMOTE", doi:10.1613/jair.953.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.resampler import GenerativeResampler
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 2))
    >>> y = np.where(np.arange(100) < 15, "rare", "usual")
    >>> X_new, y_new = GenerativeResampler(random_state=0).fit_resample(X, y)
    >>> np.unique(y_new, return_counts=True)[1]
    array([85, 85])
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": "no_validation",  # fit says what is missing
        "sampling_strategy": [
            StrOptions(set(_STRATEGIES)),
            Interval(Real, 0.0, 1.0, closed="right"),
            dict,
            callable,
        ],
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimator=None,
        *,
        sampling_strategy="auto",
        random_state=None,
        n_jobs=None,
    ):
        self.estimator = estimator
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y):
        """Fit the densities of the classes that get rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, in any container that the density takes.
        y : array-like of shape (n_samples,)
            Labels.

        Returns
        -------
        self : object

        Raises
        ------
        TypeError
            If `estimator` isn't a density that draws.
        ValueError
            If the strategy doesn't suit the classes.
        """
        self._learn(X, y, as_generator(self.random_state))
        return self

    @fit_context(prefer_skip_nested_validation=False)
    def fit_resample(self, X, y):
        """Fit the densities, and append their draws to the rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Labels.

        Returns
        -------
        X_resampled : ndarray or DataFrame of shape (n_samples_new, n_features)
            In the container and the dtypes of `X`, whose rows come first.
        y_resampled : ndarray or Series of shape (n_samples_new,)
            Their labels, in the container and dtype of `y`.
        """
        rng = as_generator(self.random_state)
        X = self._learn(X, y, rng)
        tables, labels = [], []
        for label, density in self.estimators_.items():
            n_rows = self.sampling_strategy_[label]
            drawn = density.sample(n_rows, random_state=int(rng.integers(2**31)))
            tables.append(cast_like(drawn, X))
            labels += [label] * n_rows
        self.sample_indices_ = np.concatenate([
            np.arange(len(X)), np.full(len(labels), -1)
        ])  # fmt: skip
        if not tables:
            return X, y
        drawn = stack_rows(tables)
        names = schema_of_names(X, self.estimators_.values())
        drawn = with_new_names(drawn, names, rng)
        return stack_rows([X, drawn]), _append_labels(y, labels)

    def _learn(self, X, y, rng):
        """Fit densities; return X in the container to be resampled."""
        if self.estimator is not None:
            density = new_density(self.estimator)
            if not hasattr(chosen(density), "sample"):
                raise TypeError(
                    f"estimator must draw rows (sample), and {density!r} can't: "
                    "sklearn_gen.all_estimators('density') lists those that do."
                )
        rows = check_rows_for(self._new_density(X), self, X, reset=True)
        X = np.asarray(X) if container_of(X) == "numpy" else X
        name = type(self).__name__
        classes, codes = check_labels(
            None if y is None else np.asarray(y), len(rows), name=name
        )
        counts = dict(zip(classes.tolist(), np.bincount(codes).tolist(), strict=True))
        wanted = rows_to_draw(self.sampling_strategy, counts, y)
        shares = (codes[:, None] == np.arange(len(classes))).astype(float)
        places = [k for k, label in enumerate(classes.tolist()) if wanted.get(label)]
        seed = int(rng.integers(2**31))
        densities = [
            self._new_density(X, counts[label], seed)
            for label in classes[places].tolist()
        ]
        part = ClassRows(rows, None, shares[:, places])
        densities = fit_densities(
            densities, part, classes[places], self.n_jobs, quiet=self.estimator is None
        )
        self.classes_, self.sampling_strategy_ = classes, wanted
        labels = classes[places].tolist()
        self.estimators_ = dict(zip(labels, densities, strict=True))
        return X

    def _new_density(self, X=None, n_rows=0, random_state=None):
        if self.estimator is not None:
            return new_density(self.estimator)
        return default_density(X, n_rows, random_state)

    def __sklearn_tags__(self):
        density = self.estimator
        if density is None:
            density = default_density(None, 0, None)
        tags = with_input_tags_of(density, super().__sklearn_tags__())
        tags.target_tags.required = True
        return tags


def default_density(X, n_rows, random_state):
    """Make the default for a class of so many of the rows X."""
    from sklearn_gen.compose import make_generative_pipeline
    from sklearn_gen.mixture import GaussianMixture, TableMixture

    if X is not None and has_other_columns(X):
        return TableMixture(random_state=random_state)
    mixture = GaussianMixture(reg_covar=_FLOORS[-1], random_state=random_state)
    pipeline = make_generative_pipeline(StandardScaler(), mixture)
    sizes = [size for size in _SIZES if size * _ROWS_PER_COMPONENT <= n_rows]
    if not sizes:
        return pipeline
    return GridSearchCV(
        pipeline,
        {
            "gaussianmixture__n_components": sizes,
            "gaussianmixture__reg_covar": _FLOORS,
        },
        cv=KFold(_FOLDS, shuffle=True, random_state=0),
        error_score="raise",
    )


def rows_to_draw(strategy, counts, y):
    """Number of rows to draw for each class, as imbalanced-learn reads strategies.

    Parameters
    ----------
    strategy : str, float, dict or callable
        As the resampler's parameter.
    counts : dict
        Rows of each label.
    y : array-like
        Labels, for a callable.

    Returns
    -------
    wanted : dict
        From label to a number, of the classes that the strategy names.

    Raises
    ------
    ValueError
        If it names an unknown class, or fewer rows than there are.
    """
    largest, smallest = max(counts, key=counts.get), min(counts, key=counts.get)
    if callable(strategy):
        strategy = strategy(y)
    if isinstance(strategy, dict):
        wanted = {}
        for label, number in strategy.items():
            if label not in counts:
                raise ValueError(
                    f"sampling_strategy names {label!r}, which is none of the classes "
                    f"{list(counts)}."
                )
            if number < counts[label]:
                raise ValueError(
                    f"sampling_strategy wants {number} rows of class {label!r}, which "
                    f"has {counts[label]}: rows are added, never taken away."
                )
            wanted[label] = int(number) - counts[label]
        return wanted
    if isinstance(strategy, str):
        named = {
            "minority": [smallest],
            "not minority": [label for label in counts if label != smallest],
            "all": list(counts),
        }.get(strategy, [label for label in counts if label != largest])
        return {label: counts[largest] - counts[label] for label in named}
    if len(counts) != 2:
        raise ValueError(
            f"sampling_strategy={strategy!r}, a ratio, needs two classes, and there "
            f"are {len(counts)}. Use a dict from label to number of rows."
        )
    number = int(strategy * counts[largest])
    if number < counts[smallest]:
        raise ValueError(
            f"sampling_strategy={strategy!r} wants {number} rows of class "
            f"{smallest!r}, which has {counts[smallest]}: rows are added, never taken "
            "away. Raise it."
        )
    return {smallest: number - counts[smallest]}


def _append_labels(y, labels):
    """Labels of all rows, in the container and dtype of y."""
    if hasattr(y, "iloc"):
        names = np.concatenate([y.to_numpy().astype(object), np.array(labels, object)])
        return type(y)(names, name=y.name, dtype=y.dtype)
    if hasattr(y, "to_list"):  # polars
        return y.clone().append(type(y)(y.name, labels, dtype=y.dtype))
    y = np.asarray(y)
    return np.concatenate([y, np.array(labels, dtype=y.dtype)])
