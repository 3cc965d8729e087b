"""The four functions that say how a transformer changes a density.

Rules for scikit-learn's transformers are registered in the files beside this one.
"""

from contextlib import contextmanager
from functools import singledispatch

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from sklearn_gen.base import check_rows
from sklearn_gen.compose._tables import untouched

# Why common transformers have no rule, by class name (the classes aren't imported).
_REASONS = {
    "it replaces missing cells, which is not one to one; leave NaN to a model that "
    "allows it (sklearn_gen.all_estimators('missing'))": (
        "SimpleImputer KNNImputer IterativeImputer MissingIndicator"
    ),
    "its output is discrete, and a density of discrete values doesn't exist": (
        "OneHotEncoder OrdinalEncoder TargetEncoder KBinsDiscretizer Binarizer "
        "LabelBinarizer"
    ),
    "it maps all rows of one direction to one point": "Normalizer",
    "its output has another number of columns than its input": (
        "PolynomialFeatures SplineTransformer FeatureUnion TruncatedSVD Nystroem "
        "RBFSampler KernelPCA"
    ),
    "it drops columns": (
        "VarianceThreshold SelectKBest SelectPercentile SelectFromModel RFE RFECV "
        "SequentialFeatureSelector GenericUnivariateSelect"
    ),
}


@singledispatch
def log_abs_det_jacobian(transformer, X):
    """Compute log|det dT/dx| of a fitted transformer T at each row of its input.

    The density of x is that of z = T(x) times this factor:
    log p(x) = log q(T(x)) + log|det dT/dx|.

    Parameters
    ----------
    transformer : fitted transformer, 'passthrough' or None
        scikit-learn's StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler,
        PowerTransformer, QuantileTransformer, PCA at full rank, ColumnTransformer over
        disjoint columns, Pipeline, and :class:`BijectiveTransformer`.
    X : array-like of shape (n_samples, n_features)
        Rows of the transformer's input, not of its output. A NaN cell is not observed:
        the sum runs over observed cells, and a transformer that mixes columns raises.

    Returns
    -------
    log_det : ndarray of shape (n_samples,)
        In nats; -inf for a row outside the transformer's domain, where the density is
        zero (Box-Cox: a cell that isn't positive).

    Raises
    ------
    TypeError
        If there is no rule for the transformer; the message says why and how to
        register one.
    ValueError
        If the transformer is not one to one as it was configured or fitted.

    See Also
    --------
    inverse : The other half of the change of variables.
    BijectiveTransformer : A transformer from a function, its inverse and derivative.

    Notes
    -----
    It is a :func:`functools.singledispatch` function: a rule of your own is added by
    ``log_abs_det_jacobian.register``. :func:`inverse` then uses the transformer's
    ``inverse_transform`` unless a rule is registered there too. Subclasses inherit
    the rule of their parent.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_gen.compose import log_abs_det_jacobian
    >>> X = np.array([[0.0, 10.0], [2.0, 30.0]])
    >>> log_abs_det_jacobian(StandardScaler().fit(X), X)  # -(log 1 + log 10)
    array([-2.302..., -2.302...])
    """
    raise TypeError(no_rule_message(transformer))


@singledispatch
def inverse(transformer, Z):
    """Map rows of a fitted transformer's output back to its input.

    Parameters
    ----------
    transformer : fitted transformer, 'passthrough' or None
        As for :func:`log_abs_det_jacobian`.
    Z : array-like of shape (n_samples, n_features)
        Rows in the transformer's output space; NaN cells stay NaN.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        Rows in its input space, columns in the order that `fit` saw.

    Raises
    ------
    TypeError
        If there is no rule for the transformer.
    ValueError
        If the transformer is not one to one as it was configured or fitted.

    See Also
    --------
    log_abs_det_jacobian : The factor by which the density changes.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.compose import make_column_transformer
    >>> from sklearn.preprocessing import MinMaxScaler, StandardScaler
    >>> from sklearn_gen.compose import inverse
    >>> X = np.array([[0.0, 10.0], [2.0, 30.0], [4.0, 20.0]])
    >>> both = make_column_transformer((MinMaxScaler(), [1]), (StandardScaler(), [0]))
    >>> inverse(both, both.fit_transform(X))
    array([[ 0., 10.],
           [ 2., 30.],
           [ 4., 20.]])
    """
    if has_rule(transformer) and hasattr(transformer, "inverse_transform"):
        return np.asarray(transformer.inverse_transform(untouched(transformer, Z)))
    raise TypeError(no_rule_message(transformer))


@singledispatch
def forward(transformer, X):
    """Apply the bijection that `log_abs_det_jacobian` and `inverse` are about.

    That is ``transformer.transform(X)`` but for QuantileTransformer, whose flat ends
    get exponential tails. Rows must lie inside the transformer's domain. X is left as
    it is, also by a transformer with ``copy=False``.

    Parameters
    ----------
    transformer : fitted transformer, 'passthrough' or None
        As for :func:`log_abs_det_jacobian`.
    X : array-like of shape (n_samples, n_features)
        Rows of the transformer's input.

    Returns
    -------
    Z : ndarray or DataFrame of shape (n_samples, n_features)
        In the container that ``transformer.transform`` returns.

    See Also
    --------
    inverse : The way back.

    Notes
    -----
    A rule of your own (``forward.register``) is needed only where ``transform`` is not
    the bijection meant.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import QuantileTransformer
    >>> from sklearn_gen.compose import forward
    >>> quantiles = QuantileTransformer(n_quantiles=3).fit([[0.0], [1.0], [2.0]])
    >>> quantiles.transform([[2.0], [3.0]]).ravel()
    array([1., 1.])
    >>> forward(quantiles, [[2.0], [3.0]]).ravel()
    array([1.  , 1.15...])
    """
    return transformer.transform(untouched(transformer, X))


@singledispatch
def output_range(transformer, lower, upper):
    """Compute the image of an open box: where the transformer's outputs can lie.

    Parameters
    ----------
    transformer : fitted transformer, 'passthrough' or None
        As for :func:`log_abs_det_jacobian`.
    lower, upper : ndarray of shape (n_features,)
        Bounds of the transformer's input, infinite where there are none.

    Returns
    -------
    lower, upper : ndarray of shape (n_features,)
        Bounds of its output.

    Raises
    ------
    ValueError
        If the image of the box is not a box.

    See Also
    --------
    GenerativePipeline : Divides by the probability of a bounded range.

    Notes
    -----
    A transformer with a registered Jacobian and no rule here is taken to map the whole
    space onto the whole space.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import QuantileTransformer
    >>> from sklearn_gen.compose import output_range
    >>> quantiles = QuantileTransformer(n_quantiles=4).fit([[0.0], [1.0], [2.0], [5.0]])
    >>> output_range(quantiles, np.array([-np.inf]), np.array([np.inf]))
    (array([-0.2]), array([1.2]))
    """
    if np.isinf(lower).all() and np.isinf(upper).all():
        return lower, upper  # a rule of the user's: onto the whole space unless it says
    raise ValueError(
        f"the rows that reach {type(transformer).__name__} lie in a bounded range "
        "(an earlier step's), and what becomes of that range is not known. Put this "
        "step before the bounded one, or register it: "
        f"`output_range.register({type(transformer).__name__})`."
    )


def has_rule(transformer):
    """Say whether `log_abs_det_jacobian` knows the transformer's type."""
    default = log_abs_det_jacobian.dispatch(object)
    return log_abs_det_jacobian.dispatch(type(transformer)) is not default


def no_rule_message(transformer):
    """Say why a transformer has no rule and how to register one."""
    if isinstance(transformer, str):
        return f"{transformer!r} is not a transformer that keeps a density."
    name = type(transformer).__name__
    known = [reason for reason, names in _REASONS.items() if name in names.split()]
    if known:
        return (
            f"{name} is not a bijection: {known[0]}. The density of its input is not "
            "defined by that of its output; remove it or choose another transformer."
        )
    return (
        f"{name} has no rule for how it changes a density. If it is a bijection, "
        f"register its Jacobian with `log_abs_det_jacobian.register({name})` (and "
        f"`inverse.register({name})` where `inverse_transform` isn't the inverse), or "
        "write it as a BijectiveTransformer(func, inverse_func, log_derivative)."
    )


def observed_rows(transformer, X):
    """Validate rows of a transformer's input as float64; NaN is not observed."""
    check_is_fitted(transformer)
    rows = check_rows(transformer, X, reset=False, allow_nan=True)
    return rows.astype(np.float64, copy=False)


def output_rows(transformer, Z):
    """Validate rows of a transformer's output as a float64 array."""
    check_is_fitted(transformer)
    rows = np.asarray(Z, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != transformer.n_features_in_:
        raise ValueError(
            f"{type(transformer).__name__} was fitted on {transformer.n_features_in_} "
            f"columns, and Z has shape {rows.shape}."
        )
    return rows


def sum_observed(values, rows):
    """Add log-derivatives over the observed cells of each row."""
    return np.where(np.isnan(rows), 0.0, values).sum(axis=1)


@contextmanager
def named(label):
    """Say in an error which step it comes from."""
    try:
        yield
    except NotFittedError:
        raise
    except TypeError as error:
        raise TypeError(f"{label}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{label}: {error}") from error
