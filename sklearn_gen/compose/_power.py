"""Rule for PowerTransformer: Yeo-Johnson and Box-Cox.

Both map onto an interval that is bounded on one side unless lambda is within [0, 2]
(Yeo-Johnson) or 0 (Box-Cox); `output_range` says where it ends.
"""

import numpy as np
from scipy.special import boxcox, boxcox1p, inv_boxcox, inv_boxcox1p
from sklearn.preprocessing import PowerTransformer

from sklearn_gen._columns import column_label
from sklearn_gen._compat import power_transformer_scaling, power_transformer_spread
from sklearn_gen.compose._rules import (
    forward,
    inverse,
    log_abs_det_jacobian,
    observed_rows,
    output_range,
    output_rows,
    sum_observed,
)
from sklearn_gen.compose._tables import untouched

# Powers that differ by less than this, relative to their size, keep under seven digits.
_LEAST_SPREAD = 1e-9


@log_abs_det_jacobian.register
def _(transformer: PowerTransformer, X):
    rows = observed_rows(transformer, X)
    _check_digits(transformer)
    _, scale = power_transformer_scaling(transformer)
    power = transformer.lambdas_ - 1.0
    if transformer.method == "yeo-johnson":
        # dz/dx = (1 + x)^(λ - 1) for x >= 0, (1 - x)^(1 - λ) below.
        log_slope = np.sign(rows) * power * np.log1p(np.abs(rows))
        return sum_observed(log_slope - np.log(scale), rows)
    outside = (rows <= 0).any(axis=1)
    log_x = np.log(np.where(rows > 0, rows, 1.0))
    log_det = sum_observed(power * log_x - np.log(scale), rows)
    return np.where(outside, -np.inf, log_det)


def _check_digits(transformer):
    """Refuse powers that tell rows apart only in their last digits, or not at all.

    Far from zero the likeliest power of a column may be so extreme (-300 for densities
    around 0.99) that all its values come out as 1 / 300 to sixteen digits.
    """
    spread = power_transformer_spread(transformer)
    if spread is None:
        return
    lost = np.flatnonzero((spread < _LEAST_SPREAD) & (transformer.lambdas_ != 1.0))
    if len(lost):
        names = getattr(transformer, "feature_names_in_", None)
        raise ValueError(
            f"PowerTransformer chose lambda={transformer.lambdas_[lost[0]]:.4g} for "
            f"{column_label(names, lost[0])}; the powers differ by only "
            f"{spread[lost[0]]:.1g} of their size, so floating point loses what tells "
            "the rows apart, and the density would not integrate to one. Put "
            "StandardScaler before PowerTransformer, or drop the column if it is "
            "constant."
        )


@forward.register
def _(transformer: PowerTransformer, X):
    try:
        return transformer.transform(untouched(transformer, X))
    except ValueError:
        # Its inner scaler calls infinite powers of finite cells "Input X".
        rows = observed_rows(transformer, X)
        power = _box_cox if transformer.method == "box-cox" else _yeo_johnson
        with np.errstate(over="ignore"):
            infinite = np.isinf(power(rows, transformer.lambdas_))
        if not infinite.any():
            raise
        row, column = np.argwhere(infinite)[0]
        names = getattr(transformer, "feature_names_in_", None)
        raise ValueError(
            f"its output is infinite for {rows[row, column]:g} in "
            f"{column_label(names, column)} (lambda="
            f"{transformer.lambdas_[column]:.4g}): the value is too far out for "
            "floating point. Clip or drop it."
        ) from None


@inverse.register
def _(transformer: PowerTransformer, Z):
    rows = output_rows(transformer, Z)
    mean, scale = power_transformer_scaling(transformer)
    powers = rows * scale + mean
    lambdas = transformer.lambdas_
    if transformer.method == "box-cox":
        return inv_boxcox(powers, lambdas)
    # scikit-learn's inverse_transform raises 1 + λz to 1/λ, which loses all digits
    # for small λ; scipy's goes through log1p and expm1.
    above = inv_boxcox1p(np.maximum(powers, 0.0), lambdas)
    below = -inv_boxcox1p(np.maximum(-powers, 0.0), 2.0 - lambdas)
    return np.where(powers >= 0, above, below)


@output_range.register
def _(transformer: PowerTransformer, lower, upper):
    mean, scale = power_transformer_scaling(transformer)
    if transformer.method == "box-cox":
        ends = (
            _box_cox(np.maximum(bound, 0.0), transformer.lambdas_)
            for bound in (lower, upper)
        )
    else:
        ends = (_yeo_johnson(bound, transformer.lambdas_) for bound in (lower, upper))
    return tuple((end - mean) / scale for end in ends)


def _box_cox(bound, lambdas):
    """Box-Cox at 0 <= bound <= inf, limits included."""
    with np.errstate(divide="ignore", invalid="ignore"):
        limit = np.where(lambdas < 0, -1.0 / lambdas, np.inf)
        return np.where(np.isinf(bound), limit, boxcox(bound, lambdas))


def _yeo_johnson(bound, lambdas):
    """Yeo-Johnson at -inf <= bound <= inf, limits included."""
    # Yeo-Johnson is Box-Cox of 1 + x above zero, and its mirror with 2 - λ below.
    with np.errstate(divide="ignore", invalid="ignore"):
        above = np.where(lambdas < 0, -1.0 / lambdas, np.inf)
        below = np.where(lambdas > 2, -1.0 / (lambdas - 2.0), -np.inf)
        finite = np.where(
            bound >= 0,
            boxcox1p(np.maximum(bound, 0.0), lambdas),
            -boxcox1p(np.maximum(-bound, 0.0), 2.0 - lambdas),
        )
    limit = np.where(bound > 0, above, below)
    return np.where(np.isinf(bound), limit, finite)
