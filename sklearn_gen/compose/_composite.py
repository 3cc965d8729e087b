"""Rules for what holds other transformers: pipelines and column transformers."""

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted

from sklearn_gen._columns import rewrap
from sklearn_gen._compat import column_transformer_indices
from sklearn_gen.compose._rules import (
    forward,
    has_rule,
    inverse,
    log_abs_det_jacobian,
    named,
    no_rule_message,
    output_range,
    output_rows,
)
from sklearn_gen.compose._tables import (
    as_floats,
    take_columns,
    take_rows,
    untouched,
)


def step_label(name, transformer):
    """Name a step for a message."""
    kind = transformer if isinstance(transformer, str) else type(transformer).__name__
    return f"Step {name!r} ({kind})"


def push(steps, X):
    """Send rows through steps one after the other.

    Parameters
    ----------
    steps : list of (name, transformer)
        Fitted.
    X : array-like of shape (n_samples, n_features)
        Rows of the first step's input.

    Returns
    -------
    Z : array-like of shape (n_inside, n_features)
        Output of the last step for the rows inside every step's domain.
    log_det : ndarray of shape (n_samples,)
        Sum of the steps' log|det J|; -inf marks the rows that are not in Z.
    """
    X = X if hasattr(X, "shape") else np.asarray(X)
    log_det = np.zeros(X.shape[0])
    rows = np.arange(X.shape[0])
    for name, transformer in steps:
        with named(step_label(name, transformer)):
            step_log_det = np.asarray(log_abs_det_jacobian(transformer, X))
            if np.isnan(step_log_det).any():
                row = rows[np.isnan(step_log_det).argmax()]
                raise ValueError(f"log|det J| is NaN for row {row}.")
            log_det[rows] += step_log_det
            outside = step_log_det == -np.inf
            if outside.any():
                X, rows = take_rows(X, ~outside), rows[~outside]
            if len(rows) == 0:
                break
            X = forward(transformer, X)
            _refuse_overflow(X, rows)
    return X, log_det


def _refuse_overflow(Z, rows):
    """Refuse outputs that are infinite; what came in was finite."""
    infinite = np.isinf(as_floats(Z))
    if infinite.any():
        row, column = np.argwhere(infinite)[0]
        raise ValueError(
            f"its output is infinite for row {rows[row]} (column {column} of the "
            "output), though its input is finite: that row is too far out for "
            "floating point. Clip or drop it."
        )


def pull(steps, Z):
    """Send rows of the last step's output back to the first step's input."""
    for name, transformer in reversed(steps):
        with named(step_label(name, transformer)):
            Z = inverse(transformer, Z)
    return Z


def image(steps, lower, upper):
    """Push a box through steps; see `output_range`."""
    for name, transformer in steps:
        with named(step_label(name, transformer)):
            lower, upper = output_range(transformer, lower, upper)
    return lower, upper


def check_known(name, transformer):
    """Refuse, before anything is fitted, transformers that have no rule."""
    with named(step_label(name, transformer)):
        if isinstance(transformer, Pipeline):
            for inner in transformer.steps:
                check_known(*inner)
        elif isinstance(transformer, ColumnTransformer):
            _refuse_weights(transformer)
            for inner_name, inner, _ in transformer.transformers:
                check_known(inner_name, inner)
        elif isinstance(transformer, FunctionTransformer):
            _refuse_function(transformer)
        elif isinstance(transformer, str):
            _check_passthrough(transformer)
        elif not has_rule(transformer):
            raise TypeError(no_rule_message(transformer))


# -- passthrough -----------------------------------------------------------------------


def _identity_log_det(transformer, X):
    _check_passthrough(transformer)
    return np.zeros(np.shape(X)[0])


def _identity(transformer, X):
    _check_passthrough(transformer)
    return X


def _identity_range(transformer, lower, upper):
    _check_passthrough(transformer)
    return lower, upper


def _check_passthrough(transformer):
    if isinstance(transformer, FunctionTransformer):
        _refuse_function(transformer)
    elif transformer == "drop":
        raise ValueError(
            "'drop' removes columns, so it is not a bijection: the density of the "
            "dropped columns would be lost. Drop them before the pipeline."
        )
    elif transformer not in (None, "passthrough"):
        raise TypeError(no_rule_message(transformer))


def _refuse_function(transformer):
    # ColumnTransformer fits a FunctionTransformer in place of 'passthrough'.
    if transformer.func is None and transformer.inverse_func is None:
        return
    lost = (
        " It has no inverse_func either, and its inverse_transform then returns its "
        "input unchanged."
        if transformer.inverse_func is None
        else ""
    )
    raise TypeError(
        f"FunctionTransformer has nowhere to hold the derivative of its function.{lost}"
        " Use BijectiveTransformer(func, inverse_func, log_derivative) instead."
    )


for _kind in (str, type(None), FunctionTransformer):
    log_abs_det_jacobian.register(_kind, _identity_log_det)
    inverse.register(_kind, _identity)
    forward.register(_kind, _identity)
    output_range.register(_kind, _identity_range)


# -- Pipeline --------------------------------------------------------------------------


@log_abs_det_jacobian.register
def _(transformer: Pipeline, X):
    return push(transformer.steps, X)[1]


@forward.register
def _(transformer: Pipeline, X):
    return push(transformer.steps, X)[0]


@inverse.register
def _(transformer: Pipeline, Z):
    return pull(transformer.steps, Z)


@output_range.register
def _(transformer: Pipeline, lower, upper):
    return image(transformer.steps, lower, upper)


# -- ColumnTransformer -----------------------------------------------------------------


@log_abs_det_jacobian.register
def _(transformer: ColumnTransformer, X):
    log_det = 0.0
    for name, inner, columns, _ in _blocks(transformer):
        with named(step_label(name, inner)):
            part = _columns_of(transformer, X, columns)
            log_det = log_det + log_abs_det_jacobian(inner, part)
    return log_det


@forward.register
def _(transformer: ColumnTransformer, X):
    Z = transformer.transform(untouched(transformer, X))
    values = np.array(Z)
    for _, inner, columns, outputs in _blocks(transformer):
        part = _columns_of(transformer, X, columns)
        values[:, outputs] = np.asarray(forward(inner, part))
    return rewrap(values, like=Z)


@inverse.register
def _(transformer: ColumnTransformer, Z):
    Z = output_rows(transformer, Z)
    X = np.empty_like(Z)
    for name, inner, columns, outputs in _blocks(transformer):
        with named(step_label(name, inner)):
            X[:, columns] = inverse(inner, Z[:, outputs])
    return X


@output_range.register
def _(transformer: ColumnTransformer, lower, upper):
    image_lower, image_upper = np.empty_like(lower), np.empty_like(upper)
    for name, inner, columns, outputs in _blocks(transformer):
        with named(step_label(name, inner)):
            image_lower[outputs], image_upper[outputs] = output_range(
                inner, lower[columns], upper[columns]
            )
    return image_lower, image_upper


def _refuse_weights(transformer):
    if transformer.transformer_weights:
        raise ValueError(
            f"transformer_weights={transformer.transformer_weights!r} multiplies "
            "outputs after the transformers, which the Jacobian would not know. Remove "
            "it; to scale columns, chain a scaler or a BijectiveTransformer in a "
            "Pipeline."
        )


def _blocks(transformer):
    """List (name, transformer, input columns, output columns) of disjoint blocks."""
    check_is_fitted(transformer)
    _refuse_weights(transformer)
    indices = column_transformer_indices(transformer)
    owner = {}
    blocks = []
    for name, inner, _ in transformer.transformers_:
        columns = np.asarray(indices[name], dtype=np.intp)
        if len(columns) == 0:
            continue
        if isinstance(inner, str) and inner == "drop":
            raise ValueError(
                f"ColumnTransformer drops {_labels(transformer, columns)} "
                f"({name!r} is 'drop'), so it is not a bijection. Drop columns before "
                "the pipeline, or keep them with remainder='passthrough'."
            )
        for column in columns:
            if column in owner:
                both = f"both {owner[column]!r} and {name!r}"
                twice = f"{name!r} twice"
                raise ValueError(
                    f"ColumnTransformer sends {_labels(transformer, [column])} to "
                    f"{twice if owner[column] == name else both}, so it is not a "
                    "bijection. Give each column to one transformer, once (chain "
                    "transformers in a Pipeline)."
                )
            owner[column] = name
        blocks.append((name, inner, columns, transformer.output_indices_[name]))
    return blocks


def _labels(transformer, columns):
    names = getattr(transformer, "feature_names_in_", None)
    labels = [str(c) if names is None else repr(str(names[c])) for c in columns]
    return ("column " if len(labels) == 1 else "columns ") + ", ".join(labels)


def _columns_of(transformer, X, columns):
    names = getattr(transformer, "feature_names_in_", None)
    return take_columns(X, columns, names)
