"""Validation of rows, weights and seeds: written once, for every estimator."""

import warnings
from numbers import Integral

import numpy as np
from sklearn.utils.validation import validate_data

from sklearn_gen._columns import REPEAT_SHARE, column_label, container_of


class DiscreteColumnWarning(UserWarning):
    """A continuous density was fitted to a column whose values repeat."""


class DegenerateDataWarning(UserWarning):
    """The data left a parameter undetermined; the message says what was done."""


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
    values : ndarray of shape (n_samples, n_features)
        C-contiguous, float64 or float32; `X` itself where it already is.

    Raises
    ------
    ValueError
        Naming the column and the value.
    """
    _refuse_text_columns(estimator, X)
    values = validate_data(
        estimator,
        X,
        reset=reset,
        dtype=[np.float64, np.float32],
        order="C",
        ensure_all_finite=False,
    )
    _refuse_non_finite(estimator, values, allow_nan)
    return values


def _refuse_text_columns(estimator, X):
    if container_of(X) == "numpy":
        return
    for name in X.columns:
        dtype = str(X[name].dtype).lower()
        if not dtype.startswith(("int", "uint", "float", "bool")):
            raise ValueError(
                f"Column {name!r} has dtype {X[name].dtype}; "
                f"{type(estimator).__name__} needs numeric columns. Encode it (for "
                "instance with OneHotEncoder or OrdinalEncoder) or drop it."
            )


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


def warn_of_repeats(schema, exempt):
    """Warn of columns whose values repeat, unless the model deals with them."""
    repeated = [j for j in np.flatnonzero(schema.resolution > 0) if j not in exempt]
    if not repeated:
        return
    labels = ", ".join(schema.label(j) for j in repeated[:5])
    more = f" and {len(repeated) - 5} more" if len(repeated) > 5 else ""
    warnings.warn(
        f"More than {REPEAT_SHARE:.0%} of the values repeat in {labels}{more}: a "
        "continuous density can buy unbounded likelihood there, so its scores don't "
        "compare. Where the model has it, set dequantize='auto'; otherwise use a "
        "model of discrete columns (TableMixture), or add noise of the column's "
        "resolution.",
        DiscreteColumnWarning,
        stacklevel=6,
    )
