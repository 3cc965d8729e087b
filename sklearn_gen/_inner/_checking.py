"""Rows that a wrapper hands to the density inside it."""

from sklearn.utils.validation import validate_data

from sklearn_gen._columns import container_of
from sklearn_gen._inner._density import allows_gaps
from sklearn_gen._validation import check_rows, chosen

_NUMBERS = ("int", "uint", "float", "bool")


def has_other_columns(X):
    """Whether a table has columns that aren't numbers, such as text or dates."""
    if container_of(X) == "numpy":  # of arrays, text alone is plainly none
        cells = X.flat if str(getattr(X, "dtype", "")) == "object" else ()
        return any(isinstance(cell, str) for cell in cells)
    return not all(str(dtype).lower().startswith(_NUMBERS) for dtype in X.dtypes)


def check_rows_for(density, wrapper, X, *, reset):
    """Validate rows as the density takes them; frames stay frames.

    Parameters
    ----------
    density : estimator
        Fitted or not; of a pipeline the last step decides.
    wrapper : estimator
        Whose columns are set (`reset`) or compared.
    X : array-like of shape (n_samples, n_features)
        Rows.
    reset : bool
        True in fit.

    Returns
    -------
    X : array-like of shape (n_samples, n_features)
        Arrays as floats, unless the density takes mixed columns.
    """
    model = chosen(density)
    model = model.steps[-1][1] if hasattr(model, "steps") else model
    if getattr(model, "_mixed_columns", False):  # the density's to check
        validate_data(wrapper, X, reset=reset, skip_check_array=True)
        return X
    values = check_rows(wrapper, X, reset=reset, allow_nan=allows_gaps(model))
    return values if container_of(X) == "numpy" else X
