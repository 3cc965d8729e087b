"""Hidden Markov chains forward in time: sums over all paths of hidden states.

A group is L = 4 vectors of lanes. A lane holds consecutive rows: a whole sequence, or a
part of one whose left neighbour holds the rows before it. Work space is stored (time,
state, lane), so that one step of all lanes is a product of the K x K matrix of
transitions with a K x L matrix, in tiles of 4 states by 4 vectors.

Rows come as (T, L) per group, flattened, one group after the other: row t of lane l is
at t L + l. A lane that is shorter than its group is padded, and so are unused lanes.

Parts of one sequence start at the same time, from a guess, and are repeated from what
their left neighbours ended with until nothing changes. Chains forget, so this takes a
few steps more than one pass; one that never forgets takes as many passes as it has
parts, and the result is that of one pass from its first row to its last either way.
"""

import numpy as np

from sklearn_gen._kernels._jit import jit
from sklearn_gen._kernels.blocks import aligned_empty, aligned_zeros, copy_to
from sklearn_gen._kernels.lanes import choose_less, load, splat, store
from sklearn_gen._kernels.special import exp, log

# How a lane is entered, and left: its sequence starts (ends) there, its neighbour goes
# on, or the vector of that index is given.
EDGE, NEIGHBOUR = -1, -2
_CHECK = 8  # steps between looks at whether a repeated pass has come to agree
TIME = 16  # steps of a block whose pairs of states are summed in the L1 cache
_LOG_2 = 0.6931471805599453


@jit
def lanes_of(array):
    """Number of lanes of a group: 4 vectors."""
    return 256 // array.itemsize


@jit
def padded(array, K):
    """Rows of K states, padded with zeros to a multiple of 4."""
    P = -(-K // 4) * 4
    out = aligned_zeros(len(array) * P, array.dtype).reshape(len(array), P)
    copy_to(out, array)
    return out


@jit
def new_steps(T, K, like):
    """Work space of T steps, (T, states, lanes), states padded with 0 to 4, 8, ...

    States themselves are not set: with 256 steps that took 5 % of an iteration of EM.
    """
    P, L = -(-K // 4) * 4, lanes_of(like)
    steps = aligned_empty(T * P * L, like.dtype).reshape(T, P, L)
    steps[:, K:] = like.dtype.type(0.0)
    return steps


@jit
def product(matrix, K, x, t, out):
    """Write matrix^T x[t] to out (P, L); x (T, P, L), of which K rows are used."""
    width = 64 // x.itemsize
    i1, i2, i3 = width, 2 * width, 3 * width
    for j in range(0, len(out), 4):
        a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = splat(x.dtype.type(0.0))
        c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = a0
        for i in range(K):
            x0, x1 = load(x, (t, i, 0)), load(x, (t, i, i1))
            x2, x3 = load(x, (t, i, i2)), load(x, (t, i, i3))
            p = splat(matrix[i, j])
            a0, a1, a2, a3 = a0 + p * x0, a1 + p * x1, a2 + p * x2, a3 + p * x3
            p = splat(matrix[i, j + 1])
            b0, b1, b2, b3 = b0 + p * x0, b1 + p * x1, b2 + p * x2, b3 + p * x3
            p = splat(matrix[i, j + 2])
            c0, c1, c2, c3 = c0 + p * x0, c1 + p * x1, c2 + p * x2, c3 + p * x3
            p = splat(matrix[i, j + 3])
            d0, d1, d2, d3 = d0 + p * x0, d1 + p * x1, d2 + p * x2, d3 + p * x3
        store_row(out, j, a0, a1, a2, a3)
        store_row(out, j + 1, b0, b1, b2, b3)
        store_row(out, j + 2, c0, c1, c2, c3)
        store_row(out, j + 3, d0, d1, d2, d3)


@jit
def store_row(out, j, x0, x1, x2, x3):
    width = 64 // out.itemsize
    store(out, (j, 0), x0)
    store(out, (j, width), x1)
    store(out, (j, 2 * width), x2)
    store(out, (j, 3 * width), x3)


@jit
def _emit(log_prob, first, begin, end, lengths, b, shift):
    """Densities of rows relative to the largest, b (T, P, L), steps `begin` to `end`.

    exp(log_prob - shift), shift (T, L) the largest of the row's states; rows that no
    state can have, and rows beyond a lane's length, are 0.
    """
    K, L = len(log_prob), b.shape[2]
    width = 64 // b.itemsize
    zero, lowest = b.dtype.type(0.0), b.dtype.type(-np.inf)
    for t in range(begin, end):
        for i in range(0, L, width):
            at = first + t * L + i
            top = load(log_prob, (0, at))
            for k in range(1, K):
                value = load(log_prob, (k, at))
                top = choose_less(top, value, value, top)
            top = choose_less(lowest, top, top, zero)
            store(shift, (t, i), top)
            for k in range(K):
                store(b, (t, k, i), exp(load(log_prob, (k, at)) - top))
    for i in range(L):
        for t in range(max(begin, lengths[i]), end):
            for k in range(K):
                b[t, k, i] = zero


@jit
def _advance(matrix, K, b, begin, end, alpha, total, inverse, fresh):
    """alpha[t + 1] = b[t] (transitions^T alpha[t] / its sum), its sum, and 1 / sum.

    Row K of `matrix` (K + 1, P) is the start, for lanes that are 1 in `fresh`. Steps
    `begin` to `end` in one call: counting references to arrays takes as long as
    a step of 8 states.
    """
    zero, one = alpha.dtype.type(0.0), alpha.dtype.type(1.0)
    # 1 / total stays finite; lanes that come so low are in trouble anyway
    lowest = alpha.dtype.type(1e-300 if alpha.itemsize == 8 else 1e-37)
    P, L = b.shape[1], b.shape[2]
    width = 64 // alpha.itemsize
    i1, i2, i3 = width, 2 * width, 3 * width
    for t in range(begin, end):
        s0, s1 = load(inverse, (t, 0)), load(inverse, (t, i1))
        s2, s3 = load(inverse, (t, i2)), load(inverse, (t, i3))
        n0 = n1 = n2 = n3 = splat(zero)
        for j in range(0, P, 4):
            a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = splat(zero)
            c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = a0
            for i in range(K):
                x0, x1 = load(alpha, (t, i, 0)), load(alpha, (t, i, i1))
                x2, x3 = load(alpha, (t, i, i2)), load(alpha, (t, i, i3))
                p = splat(matrix[i, j])
                a0, a1, a2, a3 = a0 + p * x0, a1 + p * x1, a2 + p * x2, a3 + p * x3
                p = splat(matrix[i, j + 1])
                b0, b1, b2, b3 = b0 + p * x0, b1 + p * x1, b2 + p * x2, b3 + p * x3
                p = splat(matrix[i, j + 2])
                c0, c1, c2, c3 = c0 + p * x0, c1 + p * x1, c2 + p * x2, c3 + p * x3
                p = splat(matrix[i, j + 3])
                d0, d1, d2, d3 = d0 + p * x0, d1 + p * x1, d2 + p * x2, d3 + p * x3
            if t == 0:
                x0, x1 = load(fresh, (0, 0)), load(fresh, (0, i1))
                x2, x3 = load(fresh, (0, i2)), load(fresh, (0, i3))
                p = splat(matrix[K, j])
                a0, a1, a2, a3 = a0 + p * x0, a1 + p * x1, a2 + p * x2, a3 + p * x3
                p = splat(matrix[K, j + 1])
                b0, b1, b2, b3 = b0 + p * x0, b1 + p * x1, b2 + p * x2, b3 + p * x3
                p = splat(matrix[K, j + 2])
                c0, c1, c2, c3 = c0 + p * x0, c1 + p * x1, c2 + p * x2, c3 + p * x3
                p = splat(matrix[K, j + 3])
                d0, d1, d2, d3 = d0 + p * x0, d1 + p * x1, d2 + p * x2, d3 + p * x3
            a0, a1 = a0 * s0 * load(b, (t, j, 0)), a1 * s1 * load(b, (t, j, i1))
            a2, a3 = a2 * s2 * load(b, (t, j, i2)), a3 * s3 * load(b, (t, j, i3))
            q = j + 1
            b0, b1 = b0 * s0 * load(b, (t, q, 0)), b1 * s1 * load(b, (t, q, i1))
            b2, b3 = b2 * s2 * load(b, (t, q, i2)), b3 * s3 * load(b, (t, q, i3))
            q = j + 2
            c0, c1 = c0 * s0 * load(b, (t, q, 0)), c1 * s1 * load(b, (t, q, i1))
            c2, c3 = c2 * s2 * load(b, (t, q, i2)), c3 * s3 * load(b, (t, q, i3))
            q = j + 3
            d0, d1 = d0 * s0 * load(b, (t, q, 0)), d1 * s1 * load(b, (t, q, i1))
            d2, d3 = d2 * s2 * load(b, (t, q, i2)), d3 * s3 * load(b, (t, q, i3))
            n0, n1 = n0 + ((a0 + b0) + (c0 + d0)), n1 + ((a1 + b1) + (c1 + d1))
            n2, n3 = n2 + ((a2 + b2) + (c2 + d2)), n3 + ((a3 + b3) + (c3 + d3))
            put(alpha, t + 1, j, a0, a1, a2, a3)
            put(alpha, t + 1, j + 1, b0, b1, b2, b3)
            put(alpha, t + 1, j + 2, c0, c1, c2, c3)
            put(alpha, t + 1, j + 3, d0, d1, d2, d3)
        store_row(total, t, n0, n1, n2, n3)
        for i in range(L):
            c = total[t, i]
            inverse[t + 1, i] = one / c if c > lowest else zero


@jit
def _normal(x, like):
    """0 for what is near the end of single precision, where arithmetic takes traps."""
    if like.itemsize == 8:
        return x
    return choose_less(x, like.dtype.type(1e-30), like.dtype.type(0.0), x)


@jit
def put(out, t, j, x0, x1, x2, x3):
    """Write four vectors of lanes as out[t, j]."""
    width = 64 // out.itemsize
    store(out, (t, j, 0), _normal(x0, out))
    store(out, (t, j, width), _normal(x1, out))
    store(out, (t, j, 2 * width), _normal(x2, out))
    store(out, (t, j, 3 * width), _normal(x3, out))


@jit
def agree(x, y, K):
    """Whether two (P, L) are equal but for rounding, in every element."""
    tolerance = x.dtype.type(1e-13 if x.itemsize == 8 else 1e-5)
    smallest = x.dtype.type(1e-290 if x.itemsize == 8 else 1e-29)
    for k in range(K):
        for i in range(x.shape[1]):
            if abs(x[k, i] - y[k, i]) > tolerance * y[k, i] + smallest:
                return False
    return True


@jit
def _enter(enter, entries, K, alpha, fresh):
    """First guess of what lanes are entered with; returns whether any is a guess."""
    zero, one = alpha.dtype.type(0.0), alpha.dtype.type(1.0)
    guessed = False
    alpha[0] = zero
    for i in range(len(enter)):
        guessed |= enter[i] == NEIGHBOUR
        fresh[0, i] = one if enter[i] == EDGE else zero
        if enter[i] == EDGE:
            continue
        for k in range(K):
            if enter[i] == NEIGHBOUR:
                alpha[0, k, i] = one / alpha.dtype.type(K)
            else:
                alpha[0, k, i] = entries[enter[i], k]
    return guessed


@jit
def _last(alpha, inverse, lengths, K, out):
    """p(z | rows so far) at the last row of each lane, (K, L)."""
    for i in range(len(lengths)):
        t = lengths[i]
        for k in range(K):
            out[k, i] = alpha[t, k, i] * inverse[t, i]


@jit
def forward(matrix, log_prob, first, enter, entries, lengths, T, b, shift, space, last):
    """Filter a group of T steps.

    ``matrix`` (K + 1, P) are the transitions and, last, the start. ``b`` and ``shift``
    get densities, see `_emit`. ``space`` is work space: alpha (T + 1, P, L) gets
    p(z_t, x_t | x_<t) at t + 1 and what lanes are entered with at 0, total (T, L) its
    sums over z, inverse (T + 1, L) gets 1 / total at t + 1. ``last`` (K, L): see
    ``markov.Filtered``.
    """
    alpha, total, inverse, fresh = space
    K = len(log_prob)
    L = len(enter)
    inverse[0] = alpha.dtype.type(1.0)
    guessed = _enter(enter, entries, K, alpha, fresh)
    for begin in range(0, T, TIME):
        end = min(T, begin + TIME)
        _emit(log_prob, first, begin, end, lengths, b, shift)
        _advance(matrix, K, b, begin, end, alpha, total, inverse, fresh)
    _last(alpha, inverse, lengths, K, last)
    if not guessed:
        return
    old = np.zeros_like(alpha[0])
    for _ in range(L):
        copy_to(old, alpha[0])
        for i in range(1, L):
            if enter[i] == NEIGHBOUR:
                copy_to(alpha[0, :K, i : i + 1], last[:, i - 1 : i])
        if agree(alpha[0], old, K):
            return
        for begin in range(0, T, _CHECK):
            end = min(T, begin + _CHECK)
            copy_to(old, alpha[end])
            _advance(matrix, K, b, begin, end, alpha, total, inverse, fresh)
            if end < T and agree(alpha[end], old, K):
                return  # what follows is what it was
        _last(alpha, inverse, lengths, K, last)


@jit
def new_space(T, K, like):
    """Densities, their shifts, and the work space of :func:`forward`."""
    L = lanes_of(like)
    b = new_steps(T, K, like)
    shift = aligned_empty(T * L, like.dtype).reshape(T, L)
    space = (
        new_steps(T + 1, K, like),
        aligned_empty(T * L, like.dtype).reshape(T, L),
        aligned_empty((T + 1) * L, like.dtype).reshape(T + 1, L),
        aligned_zeros(L, like.dtype).reshape(1, L),
    )
    return b, shift, space


@jit
def with_start(transitions, start):
    """Transitions and, as one more row, the start, padded: what `forward` takes."""
    K = len(transitions)
    P = -(-K // 4) * 4
    out = aligned_zeros((K + 1) * P, start.dtype).reshape(K + 1, P)
    copy_to(out, transitions)
    copy_to(out[K:], start)
    return out


@jit
def longest(first, L):
    longest = np.intp(0)
    for g in range(len(first) - 1):
        longest = max(longest, (first[g + 1] - first[g]) // L)
    return longest


@jit
def score(total, shift, lengths, T, out, trouble):
    """Add up log p(x_t | x_<t) of each lane; find those that came too close to 0.

    Mantissas are multiplied and exponents added: one logarithm for 256 rows.
    """
    lowest = 1e-200 if total.itemsize == 8 else 1e-20
    L = len(lengths)
    mantissa, exponent = np.ones(L), np.zeros(L, np.int64)
    shifts = np.zeros(L)
    low = np.zeros(L)
    for t in range(T):
        for i in range(L):
            inside = t < lengths[i]
            c = np.float64(total[t, i]) if inside else 1.0
            low[i] += 1.0 if c < lowest else 0.0
            c = max(c, lowest)
            bits = np.float64(c).view(np.int64)
            exponent[i] += (bits >> np.int64(52)) - np.int64(1023)
            bits = (bits & np.int64(0x000FFFFFFFFFFFFF)) | np.int64(0x3FF0000000000000)
            mantissa[i] *= np.int64(bits).view(np.float64)
            shifts[i] += np.float64(shift[t, i]) if inside else 0.0
        if t % 256 == 255 or t == T - 1:
            for i in range(L):
                out[i] += log(mantissa[i])
                mantissa[i] = 1.0
    for i in range(L):
        out[i] += exponent[i] * _LOG_2 + shifts[i]
        trouble[i] |= low[i] > 0.0
