"""Missing cells filled in with what a density expects of them, or draws."""

import warnings
from numbers import Integral
from typing import ClassVar

import numpy as np
from sklearn.base import (
    BaseEstimator,
    MetaEstimatorMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from sklearn_gen._compat import Interval, StrOptions, fit_context
from sklearn_gen._inner._conditional import repeated_draws
from sklearn_gen._inner._density import new_density
from sklearn_gen._inner._gaps import missing_cells
from sklearn_gen._inner._rows import Rows, count_rows, table_like
from sklearn_gen._inner._sequences import rows_are_steps
from sklearn_gen._validation import (
    as_generator,
    check_weights,
    chosen,
)
from sklearn_gen.imputer._completion import (
    append_indicators,
    column_values,
    fill,
    mean_of_draws,
    mode_of_draws,
)
from sklearn_gen.imputer._default import default_density

# Draws that stand for an expectation or a mode without a closed form: the error of a
# mean is then a tenth of the spread that is left, which adds 0.5 % to the RMSE.
_DRAWS_FOR_ONE_VALUE = 100
_TABLES = 5  # van Buuren's usual number of completed tables


class GenerativeImputer(
    MetaEstimatorMixin, OneToOneFeatureMixin, TransformerMixin, BaseEstimator
):
    r"""Imputer that completes rows by the conditionals of a density.

    A missing cell becomes :math:`E[x_m \mid x_o]`, the most probable value or a draw
    from :math:`p(x_m \mid x_o)`, with :math:`x_o` all cells of its row that are
    observed.

    Parameters
    ----------
    estimator : object or None, default=None
        A density that takes NaN and has `sample_conditional`, or for means
        `conditional_mean`: a mixture, a
        :class:`~sklearn_gen.compose.GenerativePipeline`, a search over either. None is
        a mixture of Gaussians of scaled columns whose number of components and floor
        under variances are the best at filling in cells hidden from it; of frames with
        columns of text, categories or dates a
        :class:`~sklearn_gen.mixture.TableMixture`.
    strategy : {'mean', 'mode', 'draw'}, default='mean'
        What cells are filled with:

        - 'mean': their expectation, which has the least squared error; exact where the
          density has `conditional_mean`, else the mean of draws. Cells that are no
          numbers get the most frequent of the draws;
        - 'mode': the most probable value of each cell where the density has
          `conditional_mode`, else the most probable completion of the row among draws
          (of models of sequences, the value about which draws of a cell are densest);
        - 'draw': one draw. Unlike the others it keeps spreads and correlations.

    n_draws : int or None, default=None
        Draws that a mean without closed form, or a mode, is made of (None: 100), and
        tables that :meth:`impute` yields (None: 5).
    add_indicator : bool, default=False
        Whether to append a column of zeros and ones for each column that had missing
        cells in fit.
    random_state : None, int, RandomState or Generator, default=None
        Seeds the default density and draws. An int repeats its draws at every call.
        None is fresh entropy.
    n_jobs : int or None, default=None
        Threads of the default density; None is 1, -1 all cores.

    Attributes
    ----------
    estimator_ : object
        The fitted density; of a search, what it chose.
    indicator_features_ : ndarray of int
        The columns that had missing cells in fit.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.

    See Also
    --------
    pool_estimates : One answer from several completed tables.
    sklearn.impute.IterativeImputer : Regresses columns on each other, in turns.

    Notes
    -----
    Training rows are treated as new ones. Whether a cell is missing must not depend on
    its value, given the observed cells ("missing at random").

    Of a model of sequences, such as :class:`~sklearn_gen.hmm.GaussianHMM`, the rows are
    steps in time, and draws are of whole tables: a cell is filled in by what its
    sequence shows before and after it. Name sequences by the model's `group_column`;
    without, all rows are one.

    Fitting costs a fit of the density; the default fits ten mixtures to two thirds of
    the rows each, three times. Transforming costs O(n K D^3) at most for mixtures of
    Gaussians; otherwise that of the draws.

    References
    ----------
    van Buuren (2018), "Flexible imputation of missing data",
    doi:10.1201/9780429492259.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.imputer import GenerativeImputer
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 1)) * [1, 2] + rng.normal(0, 0.1, (200, 2))
    >>> imputer = GenerativeImputer(random_state=0).fit(X)
    >>> imputer.transform([[1.0, np.nan], [np.nan, -4.0]]).round(1)
    array([[ 1.,  2.],
           [-2., -4.]])
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": "no_validation",  # fit says what is missing
        "strategy": [StrOptions({"mean", "mode", "draw"})],
        "n_draws": [Interval(Integral, 1, None, closed="left"), None],
        "add_indicator": ["boolean"],
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimator=None,
        *,
        strategy="mean",
        n_draws=None,
        add_indicator=False,
        random_state=None,
        n_jobs=None,
    ):
        self.estimator = estimator
        self.strategy = strategy
        self.n_draws = n_draws
        self.add_indicator = add_indicator
        self.random_state = random_state
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, sample_weight=None):
        """Fit the density to rows, complete or not.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, in any container that the density takes; NaN is not observed.
        y : Ignored
            Present for pipelines.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Non-negative weights.

        Returns
        -------
        self : object

        Raises
        ------
        TypeError
            If the density can't give what the strategy needs.
        ValueError
            If `sample_weight` is given but the density takes none.
        """
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, count_rows(X))
        rows = Rows(X, None, sample_weight)
        if self.estimator is not None:
            density = new_density(self.estimator)
            self._refuse_unable(chosen(density))
            density.fit(rows.X, **rows.weights_for(density))
        else:
            density = self._fit_default(rows)
        validate_data(self, X, reset=True, skip_check_array=True)
        missing = missing_cells(X)
        if sample_weight is not None:
            missing = missing[sample_weight > 0]
        self.indicator_features_ = np.flatnonzero(missing.any(axis=0))
        self.estimator_ = chosen(density)
        return self

    def _fit_default(self, rows):
        seed = int(as_generator(self.random_state).integers(2**31))
        density = default_density(self.strategy, rows.X, seed, self.n_jobs)
        # What one fit of many warns of is no matter: the best of them is taken.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return density.fit(rows.X, **rows.weights_for(density))

    def _refuse_unable(self, density):
        exact = self.strategy == "mean" and hasattr(density, "conditional_mean")
        if exact or hasattr(density, "sample_conditional"):
            return
        raise TypeError(
            f"estimator must draw missing cells (sample_conditional) for "
            f"strategy={self.strategy!r}, and {density!r} can't: "
            "sklearn_gen.all_estimators('conditional') lists those that do."
        )

    def transform(self, X):
        """Fill in the missing cells.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; a row with nothing in it gets what is usual.

        Returns
        -------
        X_filled : ndarray or DataFrame of shape (n_samples, n_features_out)
            In the container of `X`; observed cells and dtypes as they were, but that
            columns of whole numbers get fractions where these are filled in.
        """
        missing = self._check_columns(X)
        if self.strategy == "draw":
            completed = self._draw(X, self.random_state)
            values = _values_of(completed, missing)
        elif self.strategy == "mode":
            values = self._modes(X, missing)
        else:
            values = self._means(X, missing)
        filled = fill(X, values, missing)
        if not self.add_indicator:
            return filled
        features = self.indicator_features_
        names = self.get_feature_names_out()[self.n_features_in_ :]
        return append_indicators(filled, names, missing[:, features])

    def impute(self, X, n_draws=None, *, random_state=None):
        """Yield completed tables, each with draws of its own.

        Analyse each, then pool the answers with :func:`pool_estimates`: their spread is
        what the missing cells leave unknown.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        n_draws : int or None, default=None
            Number of tables; None is the imputer's `n_draws`, or 5.
        random_state : None, int, RandomState or Generator, default=None
            None uses the imputer's own.

        Returns
        -------
        tables : generator
            Of tables in the container of `X`, whatever the strategy is.

        Raises
        ------
        TypeError
            If the density can't draw missing cells.

        Notes
        -----
        The density's own parameters count as known. With few rows refit it to
        bootstrap samples, one for each table.
        """
        missing = self._check_columns(X)
        n_draws = n_draws or self.n_draws or _TABLES
        draws = self._draws(X, n_draws, random_state)
        return (fill(X, _values_of(table, missing), missing) for table in draws)

    def _means(self, X, missing):
        density = self.estimator_
        if hasattr(density, "conditional_mean"):
            return _values_of(density.conditional_mean(X), missing)
        if rows_are_steps(density):
            return self._of_sequences(X, missing, mean_of_draws)
        parts = {int(j): [] for j in np.flatnonzero(missing.any(axis=0))}
        for _, _, drawn in self._repeated_draws(X, missing):
            for j, draws in drawn.items():
                parts[j].append(mean_of_draws(draws))
        return {j: np.concatenate(cells) for j, cells in parts.items()}

    def _of_sequences(self, X, missing, summary):
        """Sum up draws of whole tables: rows of sequences can't be drawn apart."""
        n_draws = self.n_draws or _DRAWS_FOR_ONE_VALUE
        means, drawn = {}, {}
        for table in self._draws(X, n_draws):
            for j, cells in _values_of(table, missing).items():
                if summary is mean_of_draws and cells.dtype.kind in "iuf":
                    means[j] = means.get(j, 0.0) + cells / n_draws  # nothing to keep
                else:
                    drawn.setdefault(j, []).append(cells)
        return means | {j: summary(np.stack(cells)) for j, cells in drawn.items()}

    def _modes(self, X, missing):
        density = self.estimator_
        if hasattr(density, "conditional_mode"):
            return _values_of(density.conditional_mode(X), missing)
        if rows_are_steps(density):
            return self._of_sequences(X, missing, mode_of_draws)
        parts = {int(j): [] for j in np.flatnonzero(missing.any(axis=0))}
        for block, table, drawn in self._repeated_draws(X, missing):
            score = np.asarray(density.score_samples(table)).reshape(-1, len(block))
            best = score.argmax(axis=0)
            for j, draws in drawn.items():
                at = best[missing[block, j]]
                parts[j].append(draws[at, np.arange(len(at))])
        return {j: np.concatenate(cells) for j, cells in parts.items()}

    def _repeated_draws(self, X, missing):
        """Blocks of incomplete rows, their draws, and those by column and draw."""
        n_draws = self.n_draws or _DRAWS_FOR_ONE_VALUE
        self._refuse_unable_to_draw()
        rng = as_generator(self.random_state)
        rows = np.flatnonzero(missing.any(axis=1))
        for block, table in repeated_draws(self.estimator_, X, rows, n_draws, rng):
            gaps = np.tile(missing[block], (n_draws, 1))
            drawn = {
                j: cells.reshape(n_draws, -1)
                for j, cells in _values_of(table, gaps).items()
            }
            yield block, table, drawn

    def _draws(self, X, n_draws, random_state=None):
        rng = as_generator(self.random_state if random_state is None else random_state)
        for seed in rng.integers(2**31, size=n_draws):
            yield self._draw(X, int(seed))

    def _draw(self, X, random_state):
        self._refuse_unable_to_draw()
        return self.estimator_.sample_conditional(X, random_state=random_state)

    def _refuse_unable_to_draw(self):
        if not hasattr(self.estimator_, "sample_conditional"):
            self._refuse_unable(self.estimator_)

    def _check_columns(self, X):
        """Compare the columns with those of fit; return which cells are missing."""
        check_is_fitted(self)
        if not table_like(X):
            check_array(X, dtype=None)  # says how to reshape one row
        validate_data(self, X, reset=False, skip_check_array=True)
        return missing_cells(X)

    def get_feature_names_out(self, input_features=None):
        """Name the columns of the output.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the input; None is those that fit saw, or x0, x1, ...

        Returns
        -------
        names : ndarray of str
            With ``missingindicator_`` before those of the indicators.
        """
        names = super().get_feature_names_out(input_features)
        if not self.add_indicator:
            return names
        added = [f"missingindicator_{names[j]}" for j in self.indicator_features_]
        return np.concatenate([names, np.asarray(added, dtype=object)])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _values_of(completed, missing):
    """Values of the missing cells, by column."""
    return {
        int(j): column_values(completed, int(j), missing[:, j])
        for j in np.flatnonzero(missing.any(axis=0))
    }
