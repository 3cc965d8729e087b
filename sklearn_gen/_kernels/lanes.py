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
from numba.extending import intrinsic, models, overload, register_model

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


def _pointer(context, builder, signature, args):
    """Address of args[0][args[1]] as a pointer to a vector."""
    array_type, index_type = signature.args[:2]
    array = context.make_array(array_type)(context, builder, args[0])
    indices = cgutils.unpack_tuple(builder, args[1], len(index_type))
    address = cgutils.get_item_pointer(
        context, builder, array_type, array, indices, wraparound=False
    )
    vector = context.get_value_type(Lanes(array_type.dtype))
    return builder.bitcast(address, vector.as_pointer())


@intrinsic
def _load(typing_context, array, index):
    lanes = Lanes(array.dtype)

    def codegen(context, builder, signature, args):
        address = _pointer(context, builder, signature, args)
        return builder.load(address, align=array.dtype.bitwidth // 8)

    return lanes(array, index), codegen


@intrinsic
def _store(typing_context, array, index, value):
    def codegen(context, builder, signature, args):
        address = _pointer(context, builder, signature, args)
        builder.store(args[2], address, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, index, value), codegen


@intrinsic
def _accumulate(typing_context, array, index, value):
    def codegen(context, builder, signature, args):
        address = _pointer(context, builder, signature, args)
        wide = ir.VectorType(ir.DoubleType(), value.width)
        address = builder.bitcast(address, wide.as_pointer())
        addend = args[2]
        if value.dtype != types.float64:
            addend = builder.fpext(addend, wide)
        total = builder.fadd(builder.load(address, align=8), addend)
        builder.store(total, address, align=8)
        return context.get_dummy_value()

    return types.void(array, index, value), codegen


def _broadcast(builder, scalar, vector):
    first = builder.insert_element(
        ir.Constant(vector, ir.Undefined), scalar, ir.Constant(_INT32, 0)
    )
    zeros = ir.Constant(ir.VectorType(_INT32, vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, first, zeros)


@intrinsic
def _splat(typing_context, scalar):
    lanes = Lanes(scalar)

    def codegen(context, builder, signature, args):
        return _broadcast(builder, args[0], context.get_value_type(lanes))

    return lanes(scalar), codegen


def _operands(context, builder, result, kinds, values):
    """Numbers among the values, converted to the type of the result."""
    if not isinstance(result, Lanes):
        return [
            context.cast(builder, value, kind, result)
            for value, kind in zip(values, kinds, strict=True)
        ]
    vector = context.get_value_type(result)
    return [
        value
        if isinstance(kind, Lanes)
        else _broadcast(
            builder, context.cast(builder, value, kind, result.dtype), vector
        )
        for value, kind in zip(values, kinds, strict=True)
    ]


def _arithmetic(name):
    @intrinsic
    def apply(typing_context, a, b):
        result = a if isinstance(a, Lanes) else b

        def codegen(context, builder, signature, args):
            operands = _operands(context, builder, result, (a, b), args)
            # contract: a product and a sum may become one fused instruction
            return getattr(builder, name)(*operands, flags=("contract",))

        return result(a, b), codegen

    return apply


def _register(operation, name):
    apply = _arithmetic(name)

    @overload(operation)
    def _(a, b):
        if isinstance(a, Lanes) or isinstance(b, Lanes):
            return lambda a, b: apply(a, b)
        return None


_register(operator.add, "fadd")
_register(operator.sub, "fsub")
_register(operator.mul, "fmul")


@intrinsic
def _sum(typing_context, a):
    def codegen(context, builder, signature, args):
        value, width = args[0], a.width
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

    return a.dtype(a), codegen


@intrinsic
def _choose_less(typing_context, a, b, yes, no):
    kinds = (a, b, yes, no)
    result = next((kind for kind in kinds if isinstance(kind, Lanes)), no)

    def codegen(context, builder, signature, args):
        a, b, yes, no = _operands(context, builder, result, kinds, args)
        return builder.select(builder.fcmp_ordered("<", a, b), yes, no)

    return result(*kinds), codegen


@intrinsic
def _scale(typing_context, a, shifted):
    bits = getattr(a, "dtype", a).bitwidth  # of a number, or of the numbers in Lanes

    def codegen(context, builder, signature, args):
        integer, shift = ir.IntType(bits), 52 if bits == 64 else 23
        if isinstance(a, Lanes):
            integer, shift = ir.VectorType(integer, a.width), [shift] * a.width
        exponent = builder.shl(
            builder.bitcast(args[1], integer), ir.Constant(integer, shift)
        )
        scaled = builder.add(builder.bitcast(args[0], integer), exponent)
        return builder.bitcast(scaled, args[0].type)

    return a(a, a), codegen


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
    """``yes`` where a < b, else ``no`` (also where a or b is NaN)."""
    return np.where(a < b, yes, no)


def scale(a, shifted):
    """a 2^k, for k in the low bits of ``shifted``: see ``special``."""
    integer, mantissa = (np.int64, 52) if a.itemsize == 8 else (np.int32, 23)
    bits = a.view(integer) + (shifted.view(integer) << integer(mantissa))
    return bits.view(a.dtype)


@overload(load)
def _(array, index):
    return lambda array, index: _load(array, index)


@overload(store)
def _(array, index, value):
    return lambda array, index, value: _store(array, index, value)


@overload(accumulate)
def _(array, index, value):
    return lambda array, index, value: _accumulate(array, index, value)


@overload(splat)
def _(scalar):
    return lambda scalar: _splat(scalar)


@overload(row_sum)
def _(a):
    return lambda a: _sum(a)


@overload(choose_less)
def _(a, b, yes, no):
    return lambda a, b, yes, no: _choose_less(a, b, yes, no)


@overload(scale)
def _(a, shifted):
    return lambda a, shifted: _scale(a, shifted)
