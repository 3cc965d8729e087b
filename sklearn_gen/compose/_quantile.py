"""Rule for QuantileTransformer, with exponential tails beyond its range.

Inside the range the map is piecewise linear in the quantiles. Beyond it scikit-learn's
is flat, which no density survives, so each end gets an exponential tail. With
``s`` the mean excess of the outer tenth of the quantiles and ``q`` the end quantile:

- ``output_distribution='normal'``: the end has probability τ = 1e-7 (there
  scikit-learn clips), and beyond it P(X > x) = τ exp(-(x - q)/s), then z = Φ⁻¹;
  outputs fill the real line.
- ``output_distribution='uniform'``: z = 1 + ε (1 - exp(-(x - q)/s)) with
  ε = 1/(n_quantiles + 1), about what n rows leave unseen on each side; outputs fill
  the interval (-ε, 1 + ε).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri, ndtri_exp
from sklearn.preprocessing import QuantileTransformer

from sklearn_gen._columns import column_label, container_of, rewrap
from sklearn_gen.compose._rules import (
    forward,
    inverse,
    log_abs_det_jacobian,
    observed_rows,
    output_range,
    output_rows,
    sum_observed,
)
from sklearn_gen.compose._tables import take_rows, untouched

# Where scikit-learn clips probabilities before Φ⁻¹, to the last digit.
_CLIP = 1e-7 - np.spacing(1)
_LOG_SQRT_2PI = 0.5 * np.log(2 * np.pi)


class _Knots(NamedTuple):
    """One column's map: probability `u` at value `x`, and its tails."""

    x: np.ndarray
    u: np.ndarray
    tail: float  # ε for uniform outputs, τ for normal ones
    scale_below: float
    scale_above: float
    normal: bool


@log_abs_det_jacobian.register
def _(transformer: QuantileTransformer, X):
    rows = observed_rows(transformer, X)
    log_slope = np.empty_like(rows)
    for j, knots in enumerate(_columns(transformer)):
        log_slope[:, j] = _log_slope(knots, rows[:, j])
    return sum_observed(log_slope, rows)


@forward.register
def _(transformer: QuantileTransformer, X):
    rows = observed_rows(transformer, X)
    images = [
        _forward(k, x) for k, x in zip(_columns(transformer), rows.T, strict=True)
    ]
    first = transformer.transform(take_rows(X, np.arange(len(rows)) == 0))
    Z = np.column_stack(images).astype(np.asarray(first).dtype, copy=False)
    if container_of(first) == "numpy":  # the usual case, spared a second transform
        return Z
    return rewrap(Z, like=transformer.transform(untouched(transformer, X)))


@inverse.register
def _(transformer: QuantileTransformer, Z):
    columns = output_rows(transformer, Z).T
    knots = _columns(transformer)
    return np.column_stack(
        [_backward(k, z) for k, z in zip(knots, columns, strict=True)]
    )


@output_range.register
def _(transformer: QuantileTransformer, lower, upper):
    ends = np.array(
        [
            (_limit(knots, low), _limit(knots, high))
            for knots, low, high in zip(
                _columns(transformer), lower, upper, strict=True
            )
        ]
    )
    return ends[:, 0], ends[:, 1]


def _columns(transformer):
    quantiles = np.asarray(transformer.quantiles_, dtype=np.float64)
    names = getattr(transformer, "feature_names_in_", None)
    normal = transformer.output_distribution == "normal"
    columns = []
    for j, x in enumerate(quantiles.T):
        _refuse_jumps(x, normal, column_label(names, j))
        u = transformer.references_.copy()
        if normal:
            u[0], u[-1] = _CLIP, 1.0 - _CLIP
        tail = _CLIP if normal else 1.0 / (len(u) + 1)
        columns.append(_Knots(x, u, tail, *_tail_scales(x), normal))
    return columns


def _refuse_jumps(x, normal, label):
    way_out = (
        "Add noise of the column's resolution (dequantise), use PowerTransformer, "
        "or fewer quantiles (n_quantiles)."
    )
    if len(x) < 2:
        raise ValueError(
            f"{label} has one quantile, which gives no map: fit QuantileTransformer "
            "on more rows."
        )
    tied = np.diff(x) <= 4 * np.spacing(np.abs(x).max())
    if tied.any():
        value = x[tied.argmax()]
        raise ValueError(
            f"{label} has ties ({tied.sum()} of {len(tied)} "
            f"quantile intervals have no width, the first at {value:g}). Its map jumps "
            f"there, so the column has no density. {way_out}"
        )
    # scikit-learn sends what is within 1e-7 (in the column's units) of an end to that
    # end when outputs are normal: a column in tiny units collapses.
    if normal and np.interp(x[0] + 1e-7, x, np.linspace(0, 1, len(x))) > 0.01:
        raise ValueError(
            f"{label} spans {x[-1] - x[0]:g}, and with "
            "output_distribution='normal' scikit-learn maps all within 1e-7 of an end "
            "to that end. Rescale the column first (StandardScaler)."
        )


def _tail_scales(x):
    """Mean excess of the outer tenth of the quantiles, below and above."""
    # For an exponential tail the mean excess over any threshold is its scale.
    outer = max(1, len(x) // 10)
    return np.mean(x[outer] - x[:outer]), np.mean(x[-outer:] - x[-outer - 1])


def _parts(knots, x):
    """Distance beyond the lower and upper end (zero inside)."""
    return np.maximum(knots.x[0] - x, 0.0), np.maximum(x - knots.x[-1], 0.0)


def _forward(knots, x):
    below, above = _parts(knots, x)
    below, above = below / knots.scale_below, above / knots.scale_above
    u = np.interp(x, knots.x, knots.u)
    if not knots.normal:
        return u + knots.tail * (np.expm1(-below) - np.expm1(-above))
    log_tail = np.log(knots.tail)
    return np.select(
        [np.isnan(x), below > 0, above > 0],
        [x, ndtri_exp(log_tail - below), -ndtri_exp(log_tail - above)],
        ndtri(u),
    )


def _log_slope(knots, x):
    below, above = _parts(knots, x)
    inside = np.log(np.diff(knots.u) / np.diff(knots.x))
    # At a knot, the piece on its right (below the last knot).
    piece = np.searchsorted(knots.x, x, side="right") - 1
    log_slope = inside[np.clip(piece, 0, len(inside) - 1)]
    for distance, scale in ((below, knots.scale_below), (above, knots.scale_above)):
        tail = np.log(knots.tail / scale) - distance / scale
        log_slope = np.where(distance > 0, tail, log_slope)
    if knots.normal:
        z = _forward(knots, x)
        log_slope += 0.5 * z**2 + _LOG_SQRT_2PI
    return log_slope


def _backward(knots, z):
    if knots.normal:
        beyond = [np.log(knots.tail) - log_ndtr(end) for end in (z, -z)]
        inside = np.interp(ndtr(z), knots.u, knots.x)
    else:
        with np.errstate(invalid="ignore", divide="ignore"):
            beyond = [-np.log1p(np.minimum(d, 0.0) / knots.tail) for d in (z, 1.0 - z)]
        inside = np.interp(z, knots.u, knots.x)
    below, above = (np.maximum(distance, 0.0) for distance in beyond)
    return inside - knots.scale_below * below + knots.scale_above * above


def _limit(knots, bound):
    if np.isfinite(bound):
        return _forward(knots, np.array([bound]))[0]
    if knots.normal:
        return bound
    return -knots.tail if bound < 0 else 1.0 + knots.tail
