"""A pipeline whose scores are densities of its input."""

from contextlib import suppress

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from sklearn_gen._columns import GroupColumn, TableSchema
from sklearn_gen.base import check_rows
from sklearn_gen.compose._cells import PipelineCells
from sklearn_gen.compose._composite import check_known, push
from sklearn_gen.compose._draws import PipelineDraws
from sklearn_gen.compose._moments import PipelineMoments
from sklearn_gen.compose._scores import PipelineScores
from sklearn_gen.compose._sequences import PipelineSequences, of_last_step
from sklearn_gen.compose._tables import overwrites, take_rows


def _pipeline_has(name):
    """Make a method available where scikit-learn's Pipeline has it."""

    def check(self):
        getattr(super(GenerativePipeline, self), name)
        return True

    return check


class GenerativePipeline(
    PipelineScores,
    PipelineSequences,
    PipelineCells,
    PipelineMoments,
    PipelineDraws,
    Pipeline,
):
    """Model p(x) by transforming x and modelling the result, with the Jacobian.

    With T the transformers and q the density of the last step,
    ``log p(x) = log q(T(x)) + log|det dT/dx|``, so scores of pipelines with different
    scalers compare; scikit-learn's Pipeline returns log q(T(x)) alone, which is larger
    the smaller a scaler makes its outputs. Draws of the last step are mapped back into
    the input space.

    Parameters
    ----------
    steps : list of (str, estimator)
        Transformers that :func:`log_abs_det_jacobian` knows, 'passthrough' or None;
        the last one is the model.
    transform_input : list of str, default=None
        As in :class:`sklearn.pipeline.Pipeline`.
    memory : str or object with the joblib.Memory interface, default=None
        Cache of fitted transformers.
    verbose : bool, default=False
        Whether to print the time that each step takes to fit.

    Attributes
    ----------
    named_steps : Bunch
        Steps by name.
    schema_ : TableSchema
        Names, kinds and container of the columns that fit saw.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.

    See Also
    --------
    make_generative_pipeline : The same with names given to the steps.
    log_abs_det_jacobian : The transformers' rules, and how to add one.

    Notes
    -----
    Methods exist where the last step has them. ``density_kind`` is the last step's.

    Where the transformers map onto a bounded range B (PowerTransformer unless lambda is
    within [0, 2], Box-Cox unless it is 0, QuantileTransformer with uniform outputs, a
    BijectiveTransformer that says so), the density is q restricted to B:
    ``log p(x) = log q(T(x)) + log|det dT/dx| - log Q(B)``, and draws outside B are
    redrawn. Q(B) comes from the last step's ``interval_probability(lower, upper)``;
    fit raises where it has none. For rows with NaN the probability that the missing
    cells are in range, given the observed ones, is asked of it as well (``X=rows``).
    How exact these are is the model's to say: GaussianMixture integrates numerically
    where several correlated columns are bounded.

    X is never written to: where a transformer has ``copy=False``, it is given a copy of
    the pipeline's input, in fit as well as later.

    Where the last step has a `group_column`, transformers never see it: they are fitted
    to, and transform, the other columns, and it is no part of the Jacobian. Of models
    of sequences, rows outside the transformers' domain are gaps in time to others.

    Rows outside the transformers' domain (zero or less under Box-Cox) score -inf.

    Scoring costs what the steps' ``transform`` and the model cost, plus O(n_features)
    per row and step for the Jacobian. Draws cost 1/Q(B) times the model's.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.preprocessing import MaxAbsScaler, StandardScaler
    >>> from sklearn_gen.compose import make_generative_pipeline
    >>> from sklearn_gen.mixture import GaussianMixture
    >>> X = load_wine(as_frame=True).data[["alcohol", "hue"]]
    >>> for scaler in (MaxAbsScaler(), StandardScaler()):
    ...     model = make_generative_pipeline(scaler, GaussianMixture(reg_covar=0))
    ...     print(round(model.fit(X).score(X), 6))
    -1.145288
    -1.145288
    >>> model.sample(2, random_state=0).columns.to_list()
    ['alcohol', 'hue']
    """

    # -- fit -----------------------------------------------------------------------

    def fit(self, X, y=None, **params):
        """Fit the transformers, then the model on their output.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows: numpy, pandas or polars.
        y : Ignored
            Passed to the steps.
        **params : dict
            Parameters of the steps' fit as ``step__parameter`` (for instance
            ``gaussianmixture__sample_weight``), or by metadata routing. Of models of
            sequences also `groups`, `states` and `sequence_weight` as they are.

        Returns
        -------
        self : object

        Raises
        ------
        TypeError, ValueError
            If a step is not a bijection, or its fit fails; the message names it. If
            a column is not numeric or a cell infinite; the message names the column.
        """
        X, values, params = self._check_fit(X, params)
        with self._naming_fits():
            super().fit(self._own_rows(X), y, **params)
        return self._finish_fit(X, values)

    @available_if(_pipeline_has("fit_predict"))
    def fit_predict(self, X, y=None, **params):
        """Fit, then predict the rows of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : Ignored
            Passed to the steps.
        **params : dict
            As in `fit`.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            What the last step predicts.
        """
        X, values, params = self._check_fit(X, params)
        with self._naming_fits():
            labels = super().fit_predict(self._own_rows(X), y, **params)
        self._finish_fit(X, values)
        return labels

    @available_if(_pipeline_has("fit_transform"))
    def fit_transform(self, X, y=None, **params):
        """Fit, then transform the rows of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : Ignored
            Passed to the steps.
        **params : dict
            As in `fit`.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            What the last step makes of them.
        """
        X, values, params = self._check_fit(X, params)
        with self._naming_fits():
            Z = super().fit_transform(self._own_rows(X), y, **params)
        self._finish_fit(X, values)
        return Z

    def _transformers(self):
        """List the steps before the model, but for what is no step at all."""
        return [
            step
            for step in self.steps[:-1]
            if isinstance(step, tuple) and len(step) == 2  # else Pipeline's own error
        ]

    def _check_fit(self, X, params):
        """Refuse steps and rows that can't be.

        Returns
        -------
        X : array-like of shape (n_samples, n_features)
            Without ids of sequences, which join the parameters.
        values : ndarray of shape (n_samples, n_features)
            The rows as floats.
        params : dict
        """
        for step in self._transformers():
            check_known(*step)
        self._ids = None
        if self.steps:
            if self._has_groups:
                self._ids = GroupColumn.find(X, self._model.group_column)
            X, ids = self._take_groups(X, params.pop("groups", None))
            params = of_last_step(self.steps[-1][0], {**params, **ids})
        # Validation sets attributes that on a pipeline are properties, so it gets a
        # stand-in of the same name. Whether NaN is allowed is for each step to say.
        stand_in = type(type(self).__name__, (BaseEstimator,), {})()
        return X, check_rows(stand_in, X, reset=True, allow_nan=True), params

    def _own_rows(self, X):
        """Copy X where a step would write to it: it is needed after the steps' fits."""
        overwritten = any(overwrites(step) for _, step in self._transformers())
        return X.copy() if overwritten and hasattr(X, "copy") else X

    def _finish_fit(self, X, values):
        self.schema_ = TableSchema.from_data(X, values)
        if hasattr(self._model, "score_samples"):
            # What only fitted steps can tell: ties, lost components, a bounded range
            # whose probability the model doesn't know.
            push(self.steps[:-1], take_rows(X, np.arange(len(values)) == 0))
            self._range().check(self._model)
        return self

    # -- what a pipeline is to others ----------------------------------------------

    # scikit-learn's Pipeline asks its first step, which 'passthrough' can't answer.

    @property
    def n_features_in_(self):
        """Number of columns seen during fit."""
        if hasattr(self, "schema_"):
            return len(self.schema_.kinds)
        return self._ask_first_step("n_features_in_")

    @property
    def feature_names_in_(self):
        """Names of the columns seen during fit, where all are strings."""
        names = self.schema_.names if hasattr(self, "schema_") else None
        if names and all(isinstance(name, str) for name in names):
            return np.asarray(names, dtype=object)
        return self._ask_first_step("feature_names_in_")

    def _ask_first_step(self, name):
        """Look up what a pipeline put together from fitted steps never saw itself."""
        real = (step for _, step in self.steps if step not in (None, "passthrough"))
        first = next(real, None)
        if not hasattr(first, name):
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}: it is not "
                "fitted, or not on columns with names."
            )
        return getattr(first, name)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # Before fit validates them, steps may be anything.
        with suppress(AttributeError, TypeError, ValueError):
            tags.input_tags.allow_nan = all(
                get_tags(step).input_tags.allow_nan
                for _, step in self.steps
                if step is not None and step != "passthrough"
            )
        return tags


def make_generative_pipeline(*steps, memory=None, transform_input=None, verbose=False):
    """Make a :class:`GenerativePipeline`, naming each step by its class.

    Parameters
    ----------
    *steps : list of estimators
        Transformers, then the model.
    memory : str or object with the joblib.Memory interface, default=None
        Cache of fitted transformers.
    transform_input : list of str, default=None
        As in :class:`sklearn.pipeline.Pipeline`.
    verbose : bool, default=False
        Whether to print the time that each step takes to fit.

    Returns
    -------
    pipeline : GenerativePipeline

    See Also
    --------
    GenerativePipeline : With names of your own.

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_gen.compose import make_generative_pipeline
    >>> from sklearn_gen.mixture import GaussianMixture
    >>> make_generative_pipeline(StandardScaler(), GaussianMixture()).steps
    [('standardscaler', StandardScaler()), ('gaussianmixture', GaussianMixture())]
    """
    return GenerativePipeline(
        make_pipeline(*steps).steps,
        memory=memory,
        transform_input=transform_input,
        verbose=verbose,
    )
