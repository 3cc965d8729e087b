"""Rules for scalers z = a·x + b per column, and for PCA."""

from functools import singledispatch

import numpy as np
from sklearn.decomposition import PCA
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.validation import check_is_fitted

from sklearn_gen._columns import column_label
from sklearn_gen.compose._rules import (
    inverse,
    log_abs_det_jacobian,
    observed_rows,
    output_range,
    output_rows,
    sum_observed,
)


@singledispatch
def coefficients(scaler):
    """Return slope (positive) and intercept of each column, shape (n_features,)."""


@coefficients.register
def _(scaler: StandardScaler):
    scale = np.ones(scaler.n_features_in_) if scaler.scale_ is None else scaler.scale_
    centre = scaler.mean_ if scaler.with_mean else 0.0
    return 1.0 / scale, -centre / scale * np.ones(scaler.n_features_in_)


@coefficients.register
def _(scaler: RobustScaler):
    n_features = scaler.n_features_in_
    scale = np.ones(n_features) if scaler.scale_ is None else scaler.scale_
    centre = np.zeros(n_features) if scaler.center_ is None else scaler.center_
    return 1.0 / scale, -centre / scale


@coefficients.register
def _(scaler: MinMaxScaler):
    _refuse_clip(scaler)
    return scaler.scale_.astype(np.float64), scaler.min_


@coefficients.register
def _(scaler: MaxAbsScaler):
    _refuse_clip(scaler)
    return 1.0 / scaler.scale_.astype(np.float64), np.zeros(scaler.n_features_in_)


def _refuse_clip(scaler):
    if scaler.clip:
        raise ValueError(
            f"{type(scaler).__name__}(clip=True) maps all values beyond the training "
            "range to one point, so it is not a bijection. Set clip=False."
        )


def _scaler_log_det(scaler, X):
    check_is_fitted(scaler)
    slope, intercept = coefficients(scaler)
    unknown = np.flatnonzero(~np.isfinite(slope + intercept))
    if len(unknown):
        names = getattr(scaler, "feature_names_in_", None)
        raise ValueError(
            f"{column_label(names, unknown[0])} had no finite scale when "
            f"{type(scaler).__name__} was fitted (every value NaN, or too large). "
            "Drop the column."
        )
    return sum_observed(np.log(slope), observed_rows(scaler, X))


def _scaler_inverse(scaler, Z):
    rows = output_rows(scaler, Z)
    slope, intercept = coefficients(scaler)
    return (rows - intercept) / slope


def _scaler_range(scaler, lower, upper):
    slope, intercept = coefficients(scaler)
    return slope * lower + intercept, slope * upper + intercept


SCALERS = (StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler)
for _scaler in SCALERS:
    log_abs_det_jacobian.register(_scaler, _scaler_log_det)
    inverse.register(_scaler, _scaler_inverse)
    output_range.register(_scaler, _scaler_range)


def _component_scale(pca):
    """Check full rank; return what each component is divided by."""
    check_is_fitted(pca)
    if pca.n_components_ != pca.n_features_in_:
        raise ValueError(
            f"PCA kept {pca.n_components_} of {pca.n_features_in_} components, so it "
            "projects rows and is not a bijection. Use n_components=None with at least "
            "as many rows as columns."
        )
    if not pca.whiten:
        return np.ones(pca.n_components_)
    scale = np.sqrt(pca.explained_variance_)
    scale = np.maximum(scale, np.finfo(scale.dtype).eps)  # as PCA.transform does
    return scale.astype(np.float64)


@log_abs_det_jacobian.register
def _(transformer: PCA, X):
    log_scale = np.log(_component_scale(transformer)).sum()
    rows = observed_rows(transformer, X)
    with_nan = np.isnan(rows).any(axis=1)
    if with_nan.any():
        raise ValueError(
            f"Input X contains NaN (row {with_nan.argmax()}), and PCA mixes columns: "
            "the rotated row of a partly observed one is not known. Use a transformer "
            "that works column by column, or impute."
        )
    # components_ is orthogonal: its determinant is 1 or -1.
    return np.full(len(rows), -log_scale)


@inverse.register
def _(transformer: PCA, Z):
    scale = _component_scale(transformer)
    rotated = output_rows(transformer, Z) * scale
    return rotated @ transformer.components_ + transformer.mean_


@output_range.register
def _(transformer: PCA, lower, upper):
    if np.isinf(lower).all() and np.isinf(upper).all():
        return lower, upper
    raise ValueError(
        "an earlier step's outputs lie in a bounded range, and PCA turns that box, so "
        "its probability is not known. Put PCA first."
    )
