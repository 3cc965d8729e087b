"""Regression by the joint density of features and target."""

import warnings
from numbers import Integral
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted, column_or_1d

from sklearn_gen._columns import Table, TableSchema
from sklearn_gen._compat import Interval, fit_context
from sklearn_gen._inner._checking import check_rows_for, has_other_columns
from sklearn_gen._inner._conditional import (
    column_draws,
    column_mean,
    column_mean_and_deviation,
    column_quantiles,
    numbers_in,
)
from sklearn_gen._inner._density import (
    density_kind_of,
    new_density,
    with_input_tags_of,
)
from sklearn_gen._inner._gaps import hide
from sklearn_gen._inner._rows import Rows
from sklearn_gen._inner._tables import with_column
from sklearn_gen._validation import as_generator, check_weights, chosen

__all__ = ["GenerativeRegressor"]

_TARGET = "target"
# The default's components and floors under variances, in units of those of columns:
# what predicts rows held out best is taken.
_SIZES = (1, 2, 4, 8, 16)
_FLOORS = (1e-3, 1e-1)
_ROWS_PER_COMPONENT = 10
_FOLDS = 3
# Numbers of a table with more values may depend on each other within components.
_FEW_VALUES = 10


class GenerativeRegressor(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    r"""Regressor that conditions a joint density of features and target.

    With :math:`p(x, y)` learned from rows of X with y beside them, everything about y
    given x is known: its expectation, its spread, its quantiles, draws of it; and cells
    of x may be missing.

    Parameters
    ----------
    estimator : object or None, default=None
        A density that takes NaN and has `sample_conditional`, or in closed form
        `conditional_column`: a mixture of Gaussians, also behind scalers in a
        :class:`~sklearn_gen.compose.GenerativePipeline`. None is such a pipeline; its
        number of components and floor under variances are those that predict best, by
        cross-validation; of frames with columns of text, categories or dates a
        :class:`~sklearn_gen.mixture.TableMixture`, with its numbers in a
        `gaussian_block` where that predicts better.
    n_draws : int, default=200
        Draws of y given x that means, spreads and quantiles are made of where the
        density has no closed form.
    random_state : None, int, RandomState or Generator, default=None
        Seeds the default density and draws. None is fresh entropy: where predictions
        are made of draws (`n_draws`), each call then gives slightly different ones. An
        int repeats them.
    n_jobs : int or None, default=None
        Threads of the default density; None is 1, -1 all cores.

    Attributes
    ----------
    estimator_ : object
        The fitted joint density; its last column is the target.
    n_features_in_ : int
        Number of columns of X seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.

    See Also
    --------
    sklearn.linear_model.LinearRegression : What one Gaussian predicts.
    sklearn.gaussian_process.GaussianProcessRegressor : A distribution over functions.

    Notes
    -----
    `density_kind` is that of the joint density's `score_samples`. One Gaussian is
    linear regression; K Gaussians are as many, each where its component is. The spread
    is that of y, not the uncertainty of the fitted parameters.

    Predicting costs O(n K D^2) for mixtures of Gaussians, and `n_draws` times a draw
    otherwise.

    References
    ----------
    Ghahramani & Jordan (1994), "Supervised learning from incomplete data via an EM
    approach".

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.regressor import GenerativeRegressor
    >>> x = np.linspace(-2, 2, 200)
    >>> y = np.abs(x)
    >>> model = GenerativeRegressor(random_state=0).fit(x[:, None], y)
    >>> model.predict([[-1.5], [0.5]]).round(1)
    array([1.5, 0.5])
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": "no_validation",  # fit says what is missing
        "n_draws": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [Integral, None],
    }

    def __init__(self, estimator=None, *, n_draws=200, random_state=None, n_jobs=None):
        self.estimator = estimator
        self.n_draws = n_draws
        self.random_state = random_state
        self.n_jobs = n_jobs

    @property
    def density_kind(self):
        """Nature of `score_samples`: that of the joint density."""
        return density_kind_of(self._unfitted())

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None):
        """Fit the joint density to X with y beside it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, in any container that the density takes; where it allows NaN, that is
            not observed.
        y : array-like of shape (n_samples,)
            Targets; NaN is not observed.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Non-negative weights.

        Returns
        -------
        self : object

        Raises
        ------
        TypeError
            If the density knows no conditionals.
        ValueError
            If `sample_weight` is given but the density takes none.
        """
        if self.estimator is not None:
            _refuse_unable(new_density(self.estimator))
        X = self._check_rows(X, reset=True)
        y = self._check_target(y, len(X))
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, len(X))
        rows = Rows(with_column(X, y, _TARGET), None, sample_weight)
        if self.estimator is not None:
            density = clone(self.estimator)
            self.estimator_ = chosen(density.fit(rows.X, **rows.weights_for(density)))
        else:
            self.estimator_ = self._fit_default(self._unfitted(X), rows)
        return self

    def _check_target(self, y, n_rows):
        if y is None:
            raise ValueError(
                "This GenerativeRegressor estimator requires y to be passed, but the "
                "target y is None."
            )
        y = column_or_1d(y, warn=True, dtype=np.float64)
        if len(y) != n_rows:
            raise ValueError(
                f"y has {len(y)} targets for {n_rows} rows: give one for each row."
            )
        if np.isnan(y).all():
            raise ValueError("Input y contains NaN alone: some targets must be known.")
        if np.isinf(y).any():
            raise ValueError(
                "Input y contains infinity or a value too large for dtype('float64'). "
                f"It is row {np.isinf(y).argmax()}: clip it, or write NaN where it "
                "means 'not observed'."
            )
        return y

    def _fit_default(self, density, rows):
        seed = int(as_generator(self.random_state).integers(2**31))
        scaled = hasattr(density, "steps")
        prefix = "gaussianmixture__" if scaled else ""
        density.set_params(**{
            f"{prefix}random_state": seed, f"{prefix}n_jobs": self.n_jobs
        })  # fmt: skip
        most = len(rows.X) // _ROWS_PER_COMPONENT
        if scaled:
            grid = {
                "gaussianmixture__n_components": [s for s in _SIZES if s <= most],
                "gaussianmixture__reg_covar": _FLOORS,
            }
        else:  # tables choose their size themselves
            block = _many_valued(rows.X)
            grid = {"gaussian_block": [None, block] if len(block) > 1 else [None]}
        if most > 1 and max(map(len, grid.values())) > 1:
            density = GridSearchCV(
                density,
                grid,
                scoring=prediction_score,
                cv=KFold(_FOLDS, shuffle=True, random_state=0),
                error_score="raise",
            )
        # What one fit of many warns of is no matter: the best of them is taken.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return chosen(density.fit(rows.X, **rows.weights_for(density)))

    def _unfitted(self, X=None):
        if self.estimator is not None:
            return self.estimator
        from sklearn_gen.compose import make_generative_pipeline
        from sklearn_gen.mixture import GaussianMixture, TableMixture

        if X is not None and has_other_columns(X):
            return TableMixture()
        mixture = GaussianMixture(reg_covar=_FLOORS[0] / 100)
        return make_generative_pipeline(StandardScaler(), mixture)

    def _check_rows(self, X, reset):
        density = self._unfitted(X) if reset else self.estimator_
        return check_rows_for(density, self, X, reset=reset)

    def _beside(self, X, y=None):
        """Rows of the joint density."""
        check_is_fitted(self)
        X = self._check_rows(X, reset=False)
        return with_column(X, np.full(len(X), np.nan) if y is None else y, _TARGET)

    def predict(self, X, return_std=False):
        """Compute E[y | x] of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is not observed.
        return_std : bool, default=False
            Whether to return the standard deviation of y given x as well.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Expectations, in units of the target.
        y_std : ndarray of shape (n_samples,)
            Only with `return_std`.
        """
        rows = self._beside(X)
        moments = column_mean_and_deviation if return_std else column_mean
        return moments(
            self.estimator_, rows, self.n_features_in_, self.n_draws, self.random_state
        )

    def predict_quantiles(self, X, q=(0.05, 0.5, 0.95)):
        """Compute quantiles of y given x.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is not observed.
        q : float or array-like of shape (n_quantiles,), default=(0.05, 0.5, 0.95)
            Probabilities in (0, 1).

        Returns
        -------
        quantiles : ndarray of shape (n_samples, n_quantiles)
            In units of the target; of shape (n_samples,) for one number.

        Raises
        ------
        ValueError
            If a probability is outside (0, 1).
        """
        levels = np.atleast_1d(np.asarray(q, dtype=np.float64))
        if levels.ndim > 1 or not ((levels > 0) & (levels < 1)).all():
            raise ValueError(f"q must be probabilities between 0 and 1, got {q!r}.")
        rows = self._beside(X)
        quantiles = column_quantiles(
            self.estimator_,
            rows,
            self.n_features_in_,
            levels,
            self.n_draws,
            self.random_state,
        )
        return quantiles[:, 0] if np.ndim(q) == 0 else quantiles

    def sample(self, X, n_samples=1, *, random_state=None):
        """Draw y given x.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is not observed.
        n_samples : int, default=1
            Draws for each row.
        random_state : None, int, RandomState or Generator, default=None
            None uses the regressor's own.

        Returns
        -------
        y : ndarray of shape (n_rows,) or (n_rows, n_samples)
            Draws, in units of the target; 1-D where `n_samples` is 1.

        Raises
        ------
        ValueError
            If `n_samples` is no positive integer.
        """
        if not isinstance(n_samples, Integral) or n_samples < 1:
            raise ValueError(
                f"n_samples must be an integer of at least 1, got {n_samples!r}."
            )
        rows = self._beside(X)
        state = self.random_state if random_state is None else random_state
        drawn = column_draws(
            self.estimator_, rows, self.n_features_in_, n_samples, state
        )
        return drawn[:, 0] if n_samples == 1 else drawn

    def score_samples(self, X, y=None):
        """Compute log p(x, y) of each row, or log p(x) without targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or None, default=None
            Targets.

        Returns
        -------
        log_prob : ndarray of shape (n_samples,)
            In nats; the difference of the two is log p(y | x).
        """
        if y is not None:
            y = self._check_target(y, len(X))
        rows = self._beside(X, y)
        return np.asarray(self.estimator_.score_samples(rows))

    def __sklearn_tags__(self):
        return with_input_tags_of(self._unfitted(), super().__sklearn_tags__())


def _many_valued(X):
    """Columns of numbers, but those of few values or that only name rows."""
    table = Table.read(X)
    schema = TableSchema.from_table(table, identifiers="auto")
    cells = schema.encode(table).T
    names = schema.names or range(len(cells))
    return [
        name
        for j, name in enumerate(names)
        if schema.kinds[j] in ("continuous", "integer")
        and j not in schema.identifier_columns
        and len(np.unique(cells[j][~np.isnan(cells[j])])) > _FEW_VALUES
    ]


def prediction_score(density, X, y=None):
    """Minus the mean squared error of the last column, predicted from the others."""
    index = X.shape[1] - 1
    target = numbers_in(X, index)
    seen = ~np.isnan(target)
    mean = column_mean(density, hide(X, [index]), index, n_draws=1, random_state=0)
    return -np.mean((mean - target)[seen] ** 2) if seen.any() else 0.0


def _refuse_unable(density):
    density = chosen(density)
    if not any(
        hasattr(density, m) for m in ("conditional_column", "sample_conditional")
    ):
        raise TypeError(
            f"estimator must know conditionals (conditional_column or "
            f"sample_conditional), and {density!r} has neither: "
            "sklearn_gen.all_estimators('conditional') lists densities that do."
        )
