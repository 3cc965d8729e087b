"""A pipeline whose scores are densities of its input."""

from contextlib import suppress

import numpy as np
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from sklearn_gen._columns import TableSchema
from sklearn_gen.compose._composite import check_known, push
from sklearn_gen.compose._draws import PipelineDraws
from sklearn_gen.compose._scores import PipelineScores
from sklearn_gen.compose._tables import as_floats, take_rows


def _pipeline_has(name):
    """Make a method available where scikit-learn's Pipeline has it."""

    def check(self):
        getattr(super(GenerativePipeline, self), name)
        return True

    return check


class GenerativePipeline(PipelineScores, PipelineDraws, Pipeline):
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
            ``gaussianmixture__sample_weight``), or by metadata routing.

        Returns
        -------
        self : object

        Raises
        ------
        TypeError, ValueError
            If a step is not a bijection; the message names it.
        """
        self._check_steps_known()
        super().fit(X, y, **params)
        return self._finish_fit(X)

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
        self._check_steps_known()
        labels = super().fit_predict(X, y, **params)
        self._finish_fit(X)
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
        self._check_steps_known()
        Z = super().fit_transform(X, y, **params)
        self._finish_fit(X)
        return Z

    def _check_steps_known(self):
        for step in self.steps[:-1]:
            if isinstance(step, tuple) and len(step) == 2:  # else Pipeline's own error
                check_known(*step)

    def _finish_fit(self, X):
        values = as_floats(X)
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
        return self._first_step().n_features_in_

    @property
    def feature_names_in_(self):
        """Names of the columns seen during fit, where all are strings."""
        return self._first_step().feature_names_in_

    def _first_step(self):
        real = (step for _, step in self.steps if step not in (None, "passthrough"))
        return next(real, None)

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
