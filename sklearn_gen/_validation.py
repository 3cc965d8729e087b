"""Validation of rows, weights and seeds: written once, for every estimator."""

import sys
import warnings
from contextvars import ContextVar
from numbers import Integral

import numpy as np
from scipy.sparse import issparse
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import validate_data

from sklearn_gen._columns import (
    REPEAT_SHARE,
    Table,
    TableSchema,
    as_array,
    column_label,
    container_of,
)


class DiscreteColumnWarning(UserWarning):
    """A continuous density was fitted to a column whose values repeat."""


class DegenerateDataWarning(UserWarning):
    """The data left a parameter undetermined; the message says what was done."""


# Says whose columns a warning counts: pipelines set it while they fit a step.
warning_prefix = ContextVar("warning_prefix", default=str)


def warn(message, category):
    """Warn at the user's line: the nearest caller outside scikit-learn and this.

    And outside joblib, which calls the models of wrappers.
    """
    if category in (DegenerateDataWarning, DiscreteColumnWarning):
        message = warning_prefix.get()() + message
    frame, stacklevel = sys._getframe(1), 2
    inner = ("sklearn", "joblib")
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(inner):
        frame, stacklevel = frame.f_back, stacklevel + 1
    warnings.warn(message, category, stacklevel=stacklevel)


def as_generator(random_state):
    """Turn `random_state` into a numpy Generator; the library's only converter.

    Parameters
    ----------
    random_state : None, int, RandomState or Generator
        None draws fresh entropy from the system: unlike in scikit-learn, the global
        state is neither read nor written. A RandomState gives a seed (and so moves
        on); a Generator is used as it is.

    Returns
    -------
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If it is none of these.
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(0, 2**31, size=4))
    if random_state is None:
        return np.random.default_rng()
    if isinstance(random_state, Integral) and random_state >= 0:
        return np.random.default_rng(int(random_state))
    raise ValueError(
        "random_state must be None, a non-negative int, a numpy RandomState or a numpy "
        f"Generator, got {random_state!r}."
    )


def check_n_samples(n_samples):
    """Validate a number of rows to draw; return it as an int.

    Raises
    ------
    ValueError
        If it is not a positive integer.
    """
    if not isinstance(n_samples, Integral) or n_samples < 1:
        raise ValueError(
            f"n_samples must be an integer of at least 1, got {n_samples!r}."
        )
    return int(n_samples)


def check_rows(estimator, X, *, reset, allow_nan):
    """Validate the rows of `X`: the library's only validator of data.

    Parameters
    ----------
    estimator : estimator instance
        Its feature names and count are set (`reset`) or compared.
    X : array-like of shape (n_samples, n_features)
        numpy, pandas or polars.
    reset : bool
        True in fit.
    allow_nan : bool
        Whether NaN means "not observed".

    Returns
    -------
    values : ndarray of shape (n_samples, n_features) or Table
        C-contiguous, float64 or float32; `X` itself where it already is. Of a model of
        mixed columns the encoded rows; in fit (`reset`) the Table that `describe_rows`
        encodes.

    Raises
    ------
    ValueError
        Naming the column and the value.
    """
    if getattr(estimator, "_mixed_columns", False):
        table = _check_table(estimator, X, reset)
        return table if reset else _encoded(estimator, table)
    _refuse_other_types(estimator, X)
    try:
        values = validate_data(
            estimator,
            X,
            reset=reset,
            dtype=[np.float64, np.float32],
            order="C",
            ensure_all_finite=False,
        )
    except ValueError as error:
        if "could not convert" in str(error) and np.ndim(X) > 1:
            _refuse_text_cell(estimator, np.asarray(X, dtype=object))
        raise
    _refuse_non_finite(estimator, values, allow_nan)
    return values


def _refuse_other_types(estimator, X):
    """Refuse whole columns of text or dates, and names that stand for two columns."""
    if container_of(X) == "numpy":
        if getattr(getattr(X, "dtype", None), "kind", "f") in "mM":
            raise _needs_numbers(estimator, f"Input X has dtype {X.dtype}")
        return
    for name, dtype in zip(X.columns, X.dtypes, strict=True):
        if not str(dtype).lower().startswith(("int", "uint", "float", "bool")):
            raise _needs_numbers(estimator, f"Column {name!r} has dtype {dtype}")
    _refuse_repeated_names(X)


def _check_table(estimator, X, reset):
    """Read the cells of a table of mixed columns; what they mean the schema says."""
    if container_of(X) == "numpy":
        X = validate_data(
            estimator,
            X if issparse(X) else as_array(X),
            reset=reset,
            dtype=None,
            ensure_all_finite=False,
        )
        if X.dtype.kind == "f":  # also where they are levels
            _refuse_non_finite(estimator, X, allow_nan=True)
        return Table.read(X)
    _refuse_repeated_names(X)
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    for axis, what in enumerate(("sample", "feature")):
        if X.shape[axis] == 0:
            raise ValueError(
                f"Found array with 0 {what}(s) (shape={X.shape}) while a minimum of 1 "
                f"is required by {type(estimator).__name__}."
            )
    return Table.read(X)


def _refuse_repeated_names(X):
    seen = set()
    for name in X.columns:
        if name in seen:
            raise ValueError(
                f"Two columns are named {name!r}: names must be unique. Rename one."
            )
        seen.add(name)


def _refuse_text_cell(estimator, cells):
    for (row, column), cell in np.ndenumerate(cells):
        try:
            float(cell)
        except ValueError:
            where = f"{column_label(None, column)}, row {row}"
            raise _needs_numbers(
                estimator, f"Input X contains {cell!r} ({where})"
            ) from None


def _needs_numbers(estimator, found):
    other = getattr(estimator, "_for_any_columns", "sklearn_gen.mixture.TableMixture")
    return ValueError(
        f"{found}; {type(estimator).__name__} needs numeric columns. Encode or "
        f"drop it, or use {other}, which takes any columns."
    )


def check_weights(sample_weight, n_rows, *, name="sample_weight", some_positive=True):
    """Validate weights: the library's only validator of weights.

    Parameters
    ----------
    sample_weight : array-like of shape (n_rows,) or a number
        Weights; a number weighs all rows alike.
    n_rows : int
        Number of rows.
    name : str, default="sample_weight"
        What errors call them.
    some_positive : bool, default=True
        Whether zeros alone are refused.

    Returns
    -------
    weights : ndarray of shape (n_rows,)
        float64, finite, not negative; not all zero unless that is allowed.

    Raises
    ------
    ValueError
        Saying which weight is wrong.
    """
    try:
        weights = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numbers, one per row: {error}.") from error
    if weights.ndim == 0:
        weights = np.full(n_rows, weights)
    if weights.ndim != 1:
        raise ValueError(
            f"{name} must be 1-D, one weight per row, got a "
            f"{weights.ndim}-D array of shape {weights.shape}."
        )
    if len(weights) != n_rows:
        raise ValueError(
            f"{name} has {len(weights)} weights for {n_rows} rows: give one per row."
        )
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(bad):
        raise ValueError(
            f"{name}[{bad[0]}] is {weights[bad[0]]}: weights must be finite and "
            "not negative. To leave a row out, weigh it 0."
        )
    if some_positive and not weights.any():
        raise ValueError(f"{name} is zero for all rows: at least one must be positive.")
    return weights


def _refuse_non_finite(estimator, values, allow_nan):
    # A finite sum proves that all is finite and needs no temporaries; what it can't
    # prove (NaN allowed, or a sum that overflows) is looked at block by block.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(values.sum()):
            return
    for start in range(0, len(values), 8192):
        block = values[start : start + 8192]
        bad = np.isinf(block) if allow_nan else ~np.isfinite(block)
        if not bad.any():
            continue
        row, column = np.argwhere(bad)[0]
        name = type(estimator).__name__
        label = column_label(getattr(estimator, "feature_names_in_", None), column)
        where = f"{label}, row {start + row}"
        if np.isnan(block[row, column]):
            raise ValueError(
                f"Input X contains NaN ({where}); {name} takes no missing values. "
                "Impute or drop those rows, or use a model that allows them: "
                "sklearn_gen.all_estimators('missing')."
            )
        raise ValueError(
            f"Input X contains infinity ({where}); {name} needs finite values. "
            "Clip or drop it, or write NaN where it means 'not observed'."
        )


def _encoded(estimator, table):
    """Encode a mixed table; columns that are missing whole are no missing cells."""
    schema = estimator.schema_
    values = schema.encode(table)
    if not estimator._allow_nan:
        cells = values.copy()
        cells[:, schema.empty_columns + schema.identifier_columns] = 0.0
        _refuse_non_finite(estimator, cells, allow_nan=False)
    return values


def describe_rows(estimator, X, rows):
    """Set the schema of the rows to fit and warn of columns that say too little.

    Parameters
    ----------
    estimator : GenerativeModel
        Its `schema_` is set.
    X : array-like of shape (n_samples, n_features)
        As the user gave it.
    rows : ndarray or Table of shape (n_kept, n_features)
        What `check_rows` made of it, with weight; of a Table encoded on return.
    """
    if isinstance(rows, Table):
        schema = estimator.schema_ = TableSchema.from_table(
            rows,
            getattr(estimator, "categorical_features", "from_dtype"),
            identifiers=getattr(estimator, "identifiers", None),
            constraints=getattr(estimator, "constraints", None),
        )
        if schema.empty_columns:
            labels = ", ".join(schema.label(j) for j in schema.empty_columns)
            warn(
                f"Nothing is observed in {labels}: left out of the density (values "
                "that come later count as missing) and drawn as missing. Drop it.",
                DegenerateDataWarning,
            )
        if len(rows) == 1:
            warn(
                "One row says nothing of how columns vary. Fit to more rows.",
                DegenerateDataWarning,
            )
        return _encoded(estimator, rows)
    schema = estimator.schema_ = TableSchema.from_data(X, rows)
    if estimator._base_measure == "lebesgue" and not estimator._bounds_repeats:
        _warn_of_repeats(schema, estimator)
    return rows


def _warn_of_repeats(schema, estimator):
    """Warn of columns whose values repeat, unless the model deals with them."""
    exempt, instead = estimator._dequantized_columns(), estimator._for_repeats
    repeated = [j for j in np.flatnonzero(schema.resolution > 0) if j not in exempt]
    if not repeated:
        return
    labels = ", ".join(schema.label(j) for j in repeated[:5])
    more = f" and {len(repeated) - 5} more" if len(repeated) > 5 else ""
    warn(
        f"More than {REPEAT_SHARE:.0%} of the values repeat in {labels}{more}: a "
        "continuous density can buy unbounded likelihood there, so its scores don't "
        "compare. Where the model has it, set dequantize='auto'; otherwise use a "
        f"model of discrete columns ({instead}), or add noise of their resolution.",
        DiscreteColumnWarning,
    )


def weighted_sum(log_prob, sample_weight):
    """Weighted sum of log-probabilities, and the sum of the weights.

    A row of weight zero counts nothing, also where its log-probability is -inf.
    """
    if sample_weight is None:
        return float(np.sum(log_prob, dtype=np.float64)), float(len(log_prob))
    weight = check_weights(sample_weight, len(log_prob))
    kept = weight > 0
    return float(weight[kept] @ log_prob[kept].astype(np.float64)), float(weight.sum())


def chosen(density):
    """Look into a search for its model: the one it chose, or will clone."""
    while True:
        if hasattr(density, "best_estimator_"):
            density = density.best_estimator_
        elif is_search(density):
            density = density.estimator
        else:
            return density


def is_search(estimator):
    """Say whether an estimator searches the parameters of another."""
    return hasattr(estimator, "estimator") and hasattr(estimator, "refit")


def refuse_plain_pipeline(density):
    """Raise where transformers' Jacobians are left out, also inside a search.

    Raises
    ------
    TypeError
        If the density is scikit-learn's Pipeline, with a transformer.
    """
    density = chosen(density)
    if not isinstance(density, Pipeline):
        return
    *transformers, (_, model) = density.steps
    declares = hasattr(type(density), "density_kind")
    if not declares and any(t not in (None, "passthrough") for _, t in transformers):
        raise TypeError(
            f"estimator is or holds a scikit-learn {type(density).__name__}, whose "
            "score_samples leaves out the Jacobian of the transformers and so is "
            "no density of the input. Use make_generative_pipeline or "
            "GenerativePipeline from sklearn_gen.compose with the same steps."
        )
    refuse_plain_pipeline(model)
