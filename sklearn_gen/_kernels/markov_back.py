"""Hidden Markov chains backward in time: states and their pairs, given all rows.

Groups and lanes are those of ``markov_steps``. Its work space is gone through from the
last step to the first, in blocks that stay in the first-level cache.
"""

import numpy as np

from sklearn_gen._kernels._jit import jit
from sklearn_gen._kernels.blocks import aligned_zeros, copy_to
from sklearn_gen._kernels.lanes import load, row_sum, splat, store
from sklearn_gen._kernels.markov_steps import (
    NEIGHBOUR,
    TIME,
    agree,
    product,
    put,
    store_row,
)


@jit
def _retreat(
    transposed, b, begin, end, alpha, inverse, ends, leaving, beta, out, first
):
    """beta[t - begin] = b[t] / total[t - 1] v, v = transitions beta[t + 1 - begin].

    v is `leaving` (P, L) in lanes that end at t. Then alpha[t] transitions beta are the
    probabilities of pairs of states, and alpha[t + 1] v those of states at row t, which
    go to `out` from column `first` + t L on, unless that has no rows. Many steps in one
    call: see `_advance`.
    """
    K, P, L = len(transposed), b.shape[1], b.shape[2]
    width = 64 // alpha.itemsize
    zero = splat(alpha.dtype.type(0.0))
    i1, i2, i3 = width, 2 * width, 3 * width
    z = aligned_zeros(P * L, alpha.dtype).reshape(P, L)
    for t in range(end - 1, begin - 1, -1):
        after = t + 1 - begin
        for j in range(0, P, 4):
            a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = zero
            c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = zero
            for i in range(K):
                x0, x1 = load(beta, (after, i, 0)), load(beta, (after, i, i1))
                x2, x3 = load(beta, (after, i, i2)), load(beta, (after, i, i3))
                p = splat(transposed[i, j])
                a0, a1, a2, a3 = a0 + p * x0, a1 + p * x1, a2 + p * x2, a3 + p * x3
                p = splat(transposed[i, j + 1])
                b0, b1, b2, b3 = b0 + p * x0, b1 + p * x1, b2 + p * x2, b3 + p * x3
                p = splat(transposed[i, j + 2])
                c0, c1, c2, c3 = c0 + p * x0, c1 + p * x1, c2 + p * x2, c3 + p * x3
                p = splat(transposed[i, j + 3])
                d0, d1, d2, d3 = d0 + p * x0, d1 + p * x1, d2 + p * x2, d3 + p * x3
            store_row(z, j, a0, a1, a2, a3)
            store_row(z, j + 1, b0, b1, b2, b3)
            store_row(z, j + 2, c0, c1, c2, c3)
            store_row(z, j + 3, d0, d1, d2, d3)
        for i in range(L):
            if ends[i] == t:
                for k in range(K):
                    z[k, i] = leaving[k, i]
        s0, s1 = load(inverse, (t, 0)), load(inverse, (t, i1))
        s2, s3 = load(inverse, (t, i2)), load(inverse, (t, i3))
        for k in range(K):
            x0, x1 = load(z, (k, 0)), load(z, (k, i1))
            x2, x3 = load(z, (k, i2)), load(z, (k, i3))
            y0, y1 = x0 * load(b, (t, k, 0)) * s0, x1 * load(b, (t, k, i1)) * s1
            y2, y3 = x2 * load(b, (t, k, i2)) * s2, x3 * load(b, (t, k, i3)) * s3
            put(beta, after - 1, k, y0, y1, y2, y3)
        for k in range(len(out)):
            at = first + t * L
            x0, x1 = load(z, (k, 0)), load(z, (k, i1))
            x2, x3 = load(z, (k, i2)), load(z, (k, i3))
            store(out, (k, at), x0 * load(alpha, (t + 1, k, 0)))
            store(out, (k, at + i1), x1 * load(alpha, (t + 1, k, i1)))
            store(out, (k, at + i2), x2 * load(alpha, (t + 1, k, i2)))
            store(out, (k, at + i3), x3 * load(alpha, (t + 1, k, i3)))


@jit
def _leave(i, vector, weight, t, alpha, K, leaving):
    """Scale what lane i leaves to, so that its states' probabilities sum to weight."""
    zero = alpha.dtype.type(0.0)
    norm = zero
    for k in range(K):
        norm += alpha[t, k, i] * vector[k]
    scale = weight / norm if norm > zero else zero
    for k in range(K):
        leaving[k, i] = vector[k] * scale


@jit
def _follow(leave, lengths, weight, alpha, K, before, leaving):
    """Let lanes leave to what their right neighbours found before them."""
    for i in range(len(leave) - 1):
        if leave[i] == NEIGHBOUR:
            vector = before[:K, i + 1].copy()
            _leave(i, vector, weight[i], lengths[i], alpha, K, leaving)


@jit
def _scout(
    transposed, leave, lengths, weight, T, b, space, leaving, beta, before, nothing
):
    """Find what lanes leave to from their neighbours' first rows: 16, 32, ... of them,
    until twice as many say the same. At first every lane leaves to a guess."""
    alpha, _, inverse, _ = space
    K = len(transposed)
    previous, short = np.zeros_like(before), np.zeros_like(leaving)
    for i in range(len(leave)):
        for k in range(K):
            if leave[i] == NEIGHBOUR:
                leaving[k, i] = weight[i] * inverse[lengths[i], i]
    count = TIME
    while count < T:
        ends = np.minimum(lengths, count) - 1
        copy_to(short, leaving)
        for i in range(len(leave)):
            if lengths[i] > count:
                short[:K, i] = weight[i] * inverse[count, i]
        beta[0] = alpha.dtype.type(0.0)
        for end in range(count, 0, -TIME):
            copy_to(beta[TIME], beta[0])
            _retreat(
                *(transposed, b, end - TIME, end, alpha, inverse, ends, short),
                *(beta, nothing, 0),
            )
        copy_to(previous, before)
        product(transposed, K, beta, 0, before)
        if agree(before, previous, K):
            break
        count *= 2
    _follow(leave, lengths, weight, alpha, K, before, leaving)


@jit
def backward(
    transposed,
    leave,
    exits,
    own,
    lengths,
    weight,
    T,
    b,
    space,
    beta,
    before,
    out,
    first,
    sums,
):
    """Smooth a group that was filtered into ``space``.

    ``transposed`` are the transitions from the right, ``beta`` (TIME + 1, P, L) is
    work space, ``before`` (P, L) gets what :class:`markov.Smoothed` says, ``out``
    (K, n) the states' probabilities from column ``first`` on, and the sum of
    alpha[t] beta[t], pairs of states without their transition, is added to ``sums``.
    """
    alpha, _, inverse, _ = space
    K, L = len(transposed), len(leave)
    leaving = np.zeros_like(before)
    ones = np.ones(K, alpha.dtype)
    linked = False
    for i in range(L):
        linked |= leave[i] == NEIGHBOUR
        given = exits[leave[i]] if leave[i] >= 0 else ones
        _leave(i, given, weight[i], lengths[i], alpha, K, leaving)
    for i in range(L):
        if lengths[i] and not own[i]:
            alpha[: T + 1, :K, i] = alpha.dtype.type(0.0)
    if linked:
        _scout(
            *(transposed, leave, lengths, weight, T, b, space),
            *(leaving, beta, before, out[:0]),
        )
    ends = lengths - 1
    some, old = np.zeros_like(sums), np.zeros_like(leaving)
    for _ in range(L + 1):
        some[:] = 0.0
        beta[0] = alpha.dtype.type(0.0)
        for end in range(T, 0, -TIME):
            begin = max(0, end - TIME)
            copy_to(beta[end - begin], beta[0])
            _retreat(
                *(transposed, b, begin, end, alpha, inverse, ends, leaving),
                *(beta, out, first),
            )
            add_pairs(alpha, begin, beta, end - begin, some)
        product(transposed, K, beta, 0, before)
        if not linked:
            break
        copy_to(old, leaving)
        _follow(leave, lengths, weight, alpha, K, before, leaving)
        if agree(leaving, old, K):
            break
    sums += some


@jit
def add_pairs(alpha, begin, beta, count, sums):
    """Add sum over steps and lanes of alpha[begin + t, i] beta[t, j] to sums (P, P)."""
    P, L = beta.shape[1:]
    width = 64 // alpha.itemsize
    for i in range(0, P, 4):
        for j in range(0, P, 4):
            a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = splat(alpha.dtype.type(0.0))
            c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = a0
            for t in range(count):
                for at in range(0, L, width):
                    x0, x1 = load(beta, (t, j, at)), load(beta, (t, j + 1, at))
                    x2, x3 = load(beta, (t, j + 2, at)), load(beta, (t, j + 3, at))
                    p = load(alpha, (begin + t, i, at))
                    a0, a1, a2, a3 = a0 + p * x0, a1 + p * x1, a2 + p * x2, a3 + p * x3
                    p = load(alpha, (begin + t, i + 1, at))
                    b0, b1, b2, b3 = b0 + p * x0, b1 + p * x1, b2 + p * x2, b3 + p * x3
                    p = load(alpha, (begin + t, i + 2, at))
                    c0, c1, c2, c3 = c0 + p * x0, c1 + p * x1, c2 + p * x2, c3 + p * x3
                    p = load(alpha, (begin + t, i + 3, at))
                    d0, d1, d2, d3 = d0 + p * x0, d1 + p * x1, d2 + p * x2, d3 + p * x3
            _add(sums, i, j, a0, a1, a2, a3)
            _add(sums, i + 1, j, b0, b1, b2, b3)
            _add(sums, i + 2, j, c0, c1, c2, c3)
            _add(sums, i + 3, j, d0, d1, d2, d3)


@jit
def _add(sums, i, j, x0, x1, x2, x3):
    sums[i, j] += row_sum(x0)
    sums[i, j + 1] += row_sum(x1)
    sums[i, j + 2] += row_sum(x2)
    sums[i, j + 3] += row_sum(x3)
