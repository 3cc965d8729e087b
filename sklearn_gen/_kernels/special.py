"""Exponential, logarithm and log-sum-exp that vectorise.

Numba calls the C library once per value for ``math.exp``; these are polynomials, so a
block of rows becomes vector instructions without a vector math library. Errors stay
below 2 units in the last place. ``exp`` takes a number or ``Lanes``.
"""

import numpy as np
from numba import types
from numba.extending import overload

from sklearn_gen._kernels._jit import FUSED, jit
from sklearn_gen._kernels.lanes import (
    choose_less,
    load,
    scale,
    splat,
    store,
)

# float32 constants, so that float32 code never rises to float64.
_F = np.float32
_LOG2_E = 1.4426950408889634
# log 2 in two parts: the first ends in zeros, so that k * LOG2_HIGH is exact.
_LOG2_HIGH_64, _LOG2_LOW_64 = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_LOG2_HIGH_32, _LOG2_LOW_32 = _F(0.693359375), _F(-2.12194440e-4)
# 1.5 * 2^52 (2^23): adding it rounds to an integer, which then is in the low bits.
_ROUND_64, _ROUND_32 = 6755399441055744.0, _F(12582912.0)
_SQRT_2 = 1.4142135623730951


# exp(x) = 2^k exp(r), |r| <= log(2) / 2; (exp(r) - 1 - r) / r^2 by a Chebyshev fit of
# degree 9 (float64, relative error 2e-17) and 4 (float32, 1e-8).
def _exp_64(x):
    t = x * _LOG2_E + _ROUND_64
    k = t - _ROUND_64
    r = (x - k * _LOG2_HIGH_64) - k * _LOG2_LOW_64
    p = r * 2.51004110820149e-08 + 2.7620121717381933e-07
    p = p * r + 2.7557268406190795e-06
    p = p * r + 2.4801521225986432e-05
    p = p * r + 0.00019841269863088255
    p = p * r + 0.0013888888917258759
    p = p * r + 0.008333333333330055
    p = p * r + 0.04166666666662404
    p = p * r + 0.16666666666666669
    p = p * r + 0.5000000000000001
    p = p * (r * r) + r + 1.0
    return choose_less(x, -708.0, 0.0, scale(p, t))


def _exp_32(x):
    t = x * _F(_LOG2_E) + _ROUND_32
    k = t - _ROUND_32
    r = (x - k * _LOG2_HIGH_32) - k * _LOG2_LOW_32
    p = r * _F(0.0013926203361634337) + _F(0.008363194882419041)
    p = p * r + _F(0.0416665544984137)
    p = p * r + _F(0.166665768946066)
    p = p * r + _F(0.5)
    p = p * (r * r) + r + _F(1.0)
    return choose_less(x, _F(-87.0), _F(0.0), scale(p, t))


# log(x) = k log(2) + log(m), m in [sqrt(1/2), sqrt(2)), with the series in
# s = (m - 1) / (m + 1) of fdlibm's e_log.c and FreeBSD's e_logf.c.
def _log_64(x):
    bits = np.float64(x).view(np.int64)
    k = np.float64((bits >> np.int64(52)) - np.int64(1023))
    mantissa = (bits & np.int64(0x000FFFFFFFFFFFFF)) | np.int64(0x3FF0000000000000)
    m = np.int64(mantissa).view(np.float64)
    large = m > _SQRT_2
    k = k + 1.0 if large else k
    f = (m * 0.5 if large else m) - 1.0
    s = f / (2.0 + f)
    z = s * s
    p = z * 1.479819860511658591e-01 + 1.531383769920937332e-01
    p = p * z + 1.818357216161805012e-01
    p = p * z + 2.222219843214978396e-01
    p = p * z + 2.857142874366239149e-01
    p = p * z + 3.999999999940941908e-01
    p = p * z + 6.666666666666735130e-01
    half = 0.5 * f * f
    return k * _LOG2_HIGH_64 - ((half - (s * (half + p * z) + k * _LOG2_LOW_64)) - f)


def _log_32(x):
    bits = np.float32(x).view(np.int32)
    k = np.float32(np.int32(bits >> np.int32(23)) - np.int32(127))
    mantissa = np.int32(np.int32(bits & np.int32(0x007FFFFF)) | np.int32(0x3F800000))
    m = np.int32(mantissa).view(np.float32)
    large = m > _F(_SQRT_2)
    k = k + _F(1.0) if large else k
    f = (m * _F(0.5) if large else m) - _F(1.0)
    s = f / (_F(2.0) + f)
    z = s * s
    p = z * _F(0.24279078841) + _F(0.28498786688)
    p = p * z + _F(0.40000972152)
    p = p * z + _F(0.66666662693)
    half = _F(0.5) * f * f
    return k * _LOG2_HIGH_32 - ((half - (s * (half + p * z) + k * _LOG2_LOW_32)) - f)


def exp(x):
    """exp(x) for x <= 709 (float32: 88); 0 below -708 (-87), NaN for NaN."""
    return _exp_32(x) if x.dtype == np.float32 else _exp_64(x)


def log(x):
    """log(x) for positive, normal, finite x."""
    return _log_32(x) if x.dtype == np.float32 else _log_64(x)


def _overload(function, for_64, for_32):
    @overload(function, jit_options={"fastmath": set(FUSED), "error_model": "numpy"})
    def _(x):
        return for_32 if getattr(x, "dtype", x) == types.float32 else for_64


_overload(exp, _exp_64, _exp_32)
_overload(log, _log_64, _log_32)


@jit
def log_sum_exp(block, size, out, total):
    """Log of the sum over k of exp(block), for the first ``size`` columns.

    ``block`` (K, B) is overwritten by exp(block - max_k block), ``total`` (B,) gets its
    sum over k, ``out`` (B,) gets max_k block + log(total). A column of -inf alone
    gives zeros, 0 and -inf. B is a multiple of the width of ``Lanes``, and columns up
    to the next such multiple are overwritten too.
    """
    width = 64 // block.itemsize
    zero = block.dtype.type(0.0)
    lowest = block.dtype.type(-np.inf)
    for i in range(0, size, width):
        top = load(block, (0, i))
        for k in range(1, len(block)):
            row = load(block, (k, i))
            top = choose_less(top, row, row, top)
        # -inf - -inf would be NaN; a column of -inf is shifted by nothing
        shift = choose_less(lowest, top, top, zero)
        sums = splat(zero)
        for k in range(len(block)):
            value = exp(load(block, (k, i)) - shift)
            sums = sums + value
            store(block, (k, i), value)
        store(total, (i,), sums)
        store(out, (i,), top)
    for i in range(size):
        # for a column of -inf, log(0) is some finite number and -inf stays
        out[i] += log(total[i])
