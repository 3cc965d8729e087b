"""Eight float64 (or sixteen float32) rows at a time, as one value.

LLVM vectorises plain loops with half the width that AVX-512 machines have, and keeps no
tile of sums in registers. ``Lanes`` is a 512-bit vector type with arithmetic, so that
kernels can say both; where the machine's registers are shorter, LLVM splits it.

Without compilation (``NUMBA_DISABLE_JIT=1``) the same functions work on NumPy arrays.
"""

import operator

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import lower_builtin, models, register_model, type_callable

_BITS = 512
_INT32 = ir.IntType(32)


class Lanes(types.Type):
    """Numba type of one vector of rows."""

    def __init__(self, dtype):
        self.dtype = dtype
        self.width = _BITS // dtype.bitwidth
        super().__init__(name=f"Lanes({dtype})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, lanes):
        element = ir.DoubleType() if lanes.dtype == types.float64 else ir.FloatType()
        super().__init__(manager, lanes, ir.VectorType(element, lanes.width))


# -- what the functions mean, on NumPy arrays --------------------------------------


def load(array, index):
    """The rows that start at ``array[index]``, index a tuple, along the last axis."""
    *first, last = index
    return array[(*first, slice(last, last + 64 // array.itemsize))].copy()


def store(array, index, value):
    """Write ``value`` where :func:`load` would read."""
    *first, last = index
    array[(*first, slice(last, last + len(value)))] = value


def accumulate(array, index, value):
    """Add ``value``, of either dtype, to a float64 array, where ``index`` says."""
    *first, last = index
    array[(*first, slice(last, last + len(value)))] += value


def splat(scalar):
    """The same number in every row, in the dtype of ``scalar``."""
    return np.full(64 // scalar.itemsize, scalar)


def row_sum(a):
    """Sum over the rows, pairwise."""
    while len(a) > 1:
        a = a[: len(a) // 2] + a[len(a) // 2 :]
    return a[0]


def choose_less(a, b, yes, no):
    """``yes`` where a < b, else ``no`` (also where a or b is NaN); numbers or Lanes."""
    return np.where(a < b, yes, no)[()]


def scale(a, shifted):
    """a 2^k, for k in the low bits of ``shifted``: see ``special``; number or Lanes."""
    integer, mantissa = (np.int64, 52) if a.itemsize == 8 else (np.int32, 23)
    bits = a.view(integer) + (shifted.view(integer) << integer(mantissa))
    return bits.view(a.dtype)


# -- their types -------------------------------------------------------------------


def _returns(function, result):
    """Let ``result``, which maps argument types to a type or None, type a function."""

    @type_callable(function)
    def _(context):
        return result


def _common(*kinds):
    """Lanes if any argument is, else the type of the last."""
    return next((kind for kind in kinds if isinstance(kind, Lanes)), kinds[-1])


def _of_lanes(a, b):
    lanes = isinstance(a, Lanes) or isinstance(b, Lanes)
    return _common(a, b) if lanes else None


_returns(load, lambda array, index: Lanes(array.dtype))
_returns(store, lambda array, index, value: types.none)
_returns(accumulate, lambda array, index, value: types.none)
_returns(splat, lambda scalar: Lanes(scalar))
_returns(row_sum, lambda a: a.dtype)
_returns(choose_less, lambda a, b, yes, no: _common(a, b, yes, no))
_returns(scale, lambda a, shifted: a)
for _operation in (operator.add, operator.sub, operator.mul, operator.truediv):
    _returns(_operation, _of_lanes)


# -- their instructions ------------------------------------------------------------


def _pointer(context, builder, signature, args, dtype):
    """Address of args[0][args[1]] as a pointer to a vector of ``dtype``."""
    array_type, index_type = signature.args[:2]
    array = context.make_array(array_type)(context, builder, args[0])
    indices = [
        context.cast(builder, value, kind, types.intp)
        for value, kind in zip(
            cgutils.unpack_tuple(builder, args[1], len(index_type)),
            index_type,
            strict=True,
        )
    ]
    address = cgutils.get_item_pointer(
        context, builder, array_type, array, indices, wraparound=False
    )
    return builder.bitcast(address, dtype.as_pointer())


def _broadcast(builder, scalar, vector):
    first = builder.insert_element(
        ir.Constant(vector, ir.Undefined), scalar, ir.Constant(_INT32, 0)
    )
    zeros = ir.Constant(ir.VectorType(_INT32, vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, first, zeros)


def _operands(context, builder, signature, values):
    """The arguments, with numbers converted to the type of the result."""
    result = signature.return_type
    if not isinstance(result, Lanes):
        return [
            context.cast(builder, value, kind, result)
            for value, kind in zip(values, signature.args, strict=True)
        ]
    vector = context.get_value_type(result)
    return [
        value
        if isinstance(kind, Lanes)
        else _broadcast(
            builder, context.cast(builder, value, kind, result.dtype), vector
        )
        for value, kind in zip(values, signature.args, strict=True)
    ]


def _register_arithmetic(operation, instruction):
    def lower(context, builder, signature, args):
        operands = _operands(context, builder, signature, args)
        # contract: a product and a sum may become one fused instruction
        return getattr(builder, instruction)(*operands, flags=("contract",))

    for kinds in ((Lanes, Lanes), (Lanes, types.Float), (types.Float, Lanes)):
        lower_builtin(operation, *kinds)(lower)


_register_arithmetic(operator.add, "fadd")
_register_arithmetic(operator.sub, "fsub")
_register_arithmetic(operator.mul, "fmul")
_register_arithmetic(operator.truediv, "fdiv")


@lower_builtin(load, types.Array, types.BaseTuple)
def _load(context, builder, signature, args):
    vector = context.get_value_type(signature.return_type)
    address = _pointer(context, builder, signature, args, vector)
    return builder.load(address, align=signature.args[0].dtype.bitwidth // 8)


@lower_builtin(store, types.Array, types.BaseTuple, Lanes)
def _store(context, builder, signature, args):
    address = _pointer(context, builder, signature, args, args[2].type)
    builder.store(args[2], address, align=signature.args[0].dtype.bitwidth // 8)
    return context.get_dummy_value()


@lower_builtin(accumulate, types.Array, types.BaseTuple, Lanes)
def _accumulate(context, builder, signature, args):
    wide = ir.VectorType(ir.DoubleType(), args[2].type.count)
    address = _pointer(context, builder, signature, args, wide)
    addend = args[2] if args[2].type == wide else builder.fpext(args[2], wide)
    builder.store(
        builder.fadd(builder.load(address, align=8), addend), address, align=8
    )
    return context.get_dummy_value()


@lower_builtin(splat, types.Float)
def _splat(context, builder, signature, args):
    return _broadcast(builder, args[0], context.get_value_type(signature.return_type))


@lower_builtin(row_sum, Lanes)
def _row_sum(context, builder, signature, args):
    value, width = args[0], args[0].type.count
    while width > 1:
        width //= 2
        kind = ir.VectorType(_INT32, width)
        low = ir.Constant(kind, list(range(width)))
        high = ir.Constant(kind, list(range(width, 2 * width)))
        value = builder.fadd(
            builder.shuffle_vector(value, value, low),
            builder.shuffle_vector(value, value, high),
        )
    return builder.extract_element(value, ir.Constant(_INT32, 0))


@lower_builtin(choose_less, *[types.Any] * 4)
def _choose_less(context, builder, signature, args):
    a, b, yes, no = _operands(context, builder, signature, args)
    return builder.select(builder.fcmp_ordered("<", a, b), yes, no)


@lower_builtin(scale, types.Any, types.Any)
def _scale(context, builder, signature, args):
    kind = signature.return_type
    bits = getattr(kind, "dtype", kind).bitwidth
    integer, shift = ir.IntType(bits), 52 if bits == 64 else 23
    if isinstance(kind, Lanes):
        integer, shift = ir.VectorType(integer, kind.width), [shift] * kind.width
    exponent = builder.shl(
        builder.bitcast(args[1], integer), ir.Constant(integer, shift)
    )
    scaled = builder.add(builder.bitcast(args[0], integer), exponent)
    return builder.bitcast(scaled, args[0].type)
