"""A transformer from a function, its inverse and the derivative between them."""

from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_gen._columns import column_label
from sklearn_gen._compat import fit_context
from sklearn_gen.base import check_rows
from sklearn_gen.compose._rules import (
    log_abs_det_jacobian,
    observed_rows,
    output_range,
    sum_observed,
)

# Rows on which fit compares func, inverse_func and log_derivative.
_ROWS_CHECKED = 100
# Largest |log-derivative - log of central difference|: a wrong formula is off by
# tenths and more, a difference quotient by 1e-6.
_DERIVATIVE_TOLERANCE = 1e-2


class BijectiveTransformer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Transform each cell by an invertible function whose derivative is known.

    The density of x is that of z = func(x) times ``|dz/dx|``, column by column;
    scikit-learn's FunctionTransformer has nowhere to hold that derivative.

    Parameters
    ----------
    func : callable, default=None
        From an array of shape (n_samples, n_features) to one of the same shape, cell by
        cell (columns may be treated differently but not mixed) and strictly monotone in
        each column. None is the identity, and then the other two are None as well.
    inverse_func : callable, default=None
        Undoes `func`.
    log_derivative : callable, default=None
        From X (the input of `func`) to the natural logarithm of ``|dz/dx|`` of each
        cell: an array of the shape of X.
    input_range : tuple (lower, upper), default=(-inf, inf)
        Open interval on which `func` is defined: numbers, or arrays with one value per
        column. Outside it the density is zero (log-density -inf).
    output_range : tuple (lower, upper), default=(-inf, inf)
        Image of `input_range` under `func`. Where it is bounded, a
        :class:`GenerativePipeline` divides by the probability of the range.
    check_inverse : bool, default=True
        Whether `fit` verifies on at most 100 rows that `inverse_func` undoes `func` and
        that `log_derivative` agrees with a difference quotient.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.

    See Also
    --------
    log_abs_det_jacobian : The function that uses the derivative.
    sklearn.preprocessing.FunctionTransformer : Without a derivative.

    Notes
    -----
    Functions must be importable (no lambdas) for the transformer to be pickled.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.compose import BijectiveTransformer, log_abs_det_jacobian
    >>> def minus_log(x):
    ...     return -np.log(x)
    >>> log = BijectiveTransformer(
    ...     np.log, np.exp, minus_log, input_range=(0, np.inf)
    ... )
    >>> X = np.array([[1.0], [np.e]])
    >>> log.fit_transform(X)
    array([[0.],
           [1.]])
    >>> log_abs_det_jacobian(log, [[1.0], [np.e], [-3.0]])
    array([ 0.,  -1., -inf])
    """

    _parameter_constraints: ClassVar[dict] = {
        "func": [callable, None],
        "inverse_func": [callable, None],
        "log_derivative": [callable, None],
        "input_range": [tuple, list],
        "output_range": [tuple, list],
        "check_inverse": ["boolean"],
    }

    def __init__(
        self,
        func=None,
        inverse_func=None,
        log_derivative=None,
        *,
        input_range=(-np.inf, np.inf),
        output_range=(-np.inf, np.inf),
        check_inverse=True,
    ):
        self.func = func
        self.inverse_func = inverse_func
        self.log_derivative = log_derivative
        self.input_range = input_range
        self.output_range = output_range
        self.check_inverse = check_inverse

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the functions against one another on rows of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is not observed and stays NaN.
        y : Ignored
            Present for pipelines.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If one of the three functions is missing, a cell lies outside `input_range`,
            or the functions contradict one another.
        """
        rows = check_rows(self, X, reset=True, allow_nan=True)
        given = [
            name
            for name in ("func", "inverse_func", "log_derivative")
            if getattr(self, name) is not None
        ]
        if 0 < len(given) < 3:
            raise ValueError(
                "BijectiveTransformer needs func, inverse_func and log_derivative "
                f"together (or none of them: the identity), got {' and '.join(given)}."
            )
        _bounds(self, "input_range")
        _bounds(self, "output_range")
        self._refuse_outside(rows)
        if self.check_inverse and given:
            step = max(1, -(-len(rows) // _ROWS_CHECKED))
            self._compare(rows[::step].astype(np.float64))
        return self

    def transform(self, X):
        """Apply `func`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows inside `input_range`.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features)
            Their images.
        """
        check_is_fitted(self)
        rows = check_rows(self, X, reset=False, allow_nan=True)
        self._refuse_outside(rows)
        return self._apply("func", rows)

    def inverse_transform(self, X):
        """Apply `inverse_func`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of the output of `transform`.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
            Rows of its input.

        Raises
        ------
        ValueError
            If X has another number of columns than `fit` saw.
        """
        check_is_fitted(self)
        rows = np.asarray(X)
        if rows.ndim != 2 or rows.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X must have the {self.n_features_in_} columns that "
                f"BijectiveTransformer was fitted on, got shape {rows.shape}."
            )
        return self._apply(
            "inverse_func", rows if rows.dtype.kind == "f" else rows * 1.0
        )

    def __sklearn_is_fitted__(self):
        return hasattr(self, "n_features_in_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _outside(self, rows):
        """Say which observed cells `func` is not defined for."""
        lower, upper = _bounds(self, "input_range")
        return (rows <= lower) | (rows >= upper)

    def _refuse_outside(self, rows):
        outside = self._outside(rows)
        if outside.any():
            row, column = np.argwhere(outside)[0]
            raise ValueError(
                f"{self._label(column)} is "
                f"{rows[row, column]:g} in row {row}, outside of input_range="
                f"{self.input_range}."
            )

    def _apply(self, name, rows):
        """Call one of the functions on rows, without letting it write to them."""
        function = getattr(self, name)
        if function is None:
            return np.zeros_like(rows) if name == "log_derivative" else rows.copy()
        argument = rows.view()
        argument.flags.writeable = False
        values = np.asarray(function(argument))
        if values.shape != rows.shape:
            raise ValueError(
                f"{name} must return an array of the shape of "
                f"its input, {rows.shape}, got {values.shape}."
            )
        missing = np.isnan(rows)
        invalid = np.isnan(values) & ~missing
        if invalid.any():
            row, column = np.argwhere(invalid)[0]
            raise ValueError(
                f"{name} gave NaN for {self._label(column)}, row "
                f"{row} (value {rows[row, column]:g}). If it isn't defined there, say "
                "so by input_range."
            )
        return np.where(missing, np.nan, values).astype(rows.dtype, copy=False)

    def _compare(self, rows):
        """Compare the three functions with one another."""
        back = self._apply("inverse_func", self._apply("func", rows))
        scale = np.nanmax(np.abs(rows), axis=0, initial=0.0)
        wrong = np.abs(back - rows) > 1e-6 * np.maximum(np.abs(rows), 1e-3 * scale)
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise ValueError(
                "inverse_func does not undo func: "
                f"{rows[row, column]:g} in {self._label(column)} comes back as "
                f"{back[row, column]:g}. (check_inverse=False skips this check.)"
            )
        lower, upper = _bounds(self, "input_range")
        room = np.minimum(rows - lower, upper - rows)
        step = 1e-5 * np.minimum(np.maximum(np.abs(rows), 1e-3 * scale), room)
        rise = self._apply("func", rows + step) - self._apply("func", rows - step)
        with np.errstate(divide="ignore", invalid="ignore"):
            quotient = np.log(np.abs(rise) / (2 * step))
        stated = self._apply("log_derivative", rows)
        wrong = np.abs(quotient - stated) > _DERIVATIVE_TOLERANCE
        if np.mean(wrong, axis=0).max(initial=0.0) > 0.1:  # kinks are allowed
            row, column = np.argwhere(wrong)[0]
            raise ValueError(
                "log_derivative disagrees with func: at "
                f"{rows[row, column]:g} in {self._label(column)} it states "
                f"{stated[row, column]:g}, and a difference quotient gives "
                f"{quotient[row, column]:g}. It must be the natural logarithm of "
                "|d func / dx| at func's input. (check_inverse=False skips this check.)"
            )

    def _label(self, column):
        return column_label(getattr(self, "feature_names_in_", None), column)


def _bounds(transformer, name):
    """Read a range parameter as two arrays of shape (n_features,)."""
    value = getattr(transformer, name)
    n_features = transformer.n_features_in_
    try:
        lower, upper = (
            np.broadcast_to(np.asarray(bound, dtype=np.float64), n_features)
            for bound in value
        )
    except (TypeError, ValueError):
        lower = upper = np.zeros(n_features)
    if not (lower < upper).all():
        raise ValueError(
            f"{name} must be (lower, upper) with lower < upper, "
            f"numbers or arrays of {n_features} values, got {value!r}."
        )
    return lower, upper


@log_abs_det_jacobian.register
def _(transformer: BijectiveTransformer, X):
    rows = observed_rows(transformer, X)
    inside = ~transformer._outside(rows).any(axis=1)
    log_det = np.full(len(rows), -np.inf)
    kept = rows[inside]
    log_det[inside] = sum_observed(transformer._apply("log_derivative", kept), kept)
    return log_det


@output_range.register
def _(transformer: BijectiveTransformer, lower, upper):
    check_is_fitted(transformer)
    input_lower, input_upper = _bounds(transformer, "input_range")
    if (lower <= input_lower).all() and (upper >= input_upper).all():
        return _bounds(transformer, "output_range")
    if transformer.func is None:
        return lower, upper
    raise ValueError(
        "an earlier step's outputs fill only a part of this BijectiveTransformer's "
        "input_range, so its output_range isn't reached. Put BijectiveTransformer "
        "before that step."
    )
