"""Hidden Markov chains: sums over all paths of hidden states, many chains side by side.

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
from sklearn_gen._kernels.blocks import aligned_zeros
from sklearn_gen._kernels.lanes import choose_less, load, row_sum, splat, store
from sklearn_gen._kernels.special import exp, log

# How a lane is entered, and left: its sequence starts (ends) there, its neighbour goes
# on, or the vector of that index is given.
EDGE, NEIGHBOUR = -1, -2
_CHECK = 8  # steps between looks at whether a repeated pass has come to agree
_TIME = 16  # steps of a block whose pairs of states are summed, for the L1 cache


@jit
def lanes_of(array):
    """Number of lanes of a group: 4 vectors."""
    return 256 // array.itemsize


@jit
def padded(array, K):
    """Rows of K states, padded with zeros to a multiple of 4."""
    P = -(-K // 4) * 4
    out = aligned_zeros(len(array) * P, array.dtype).reshape(len(array), P)
    for i in range(len(array)):
        out[i, :K] = array[i]
    return out


@jit
def new_steps(T, K, like):
    """Work space of T steps, (T, states, lanes), states padded to a multiple of 4."""
    P, L = -(-K // 4) * 4, lanes_of(like)
    return aligned_zeros(T * P * L, like.dtype).reshape(T, P, L)


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
        _store_row(out, j, a0, a1, a2, a3)
        _store_row(out, j + 1, b0, b1, b2, b3)
        _store_row(out, j + 2, c0, c1, c2, c3)
        _store_row(out, j + 3, d0, d1, d2, d3)


@jit
def _store_row(out, j, x0, x1, x2, x3):
    width = 64 // out.itemsize
    store(out, (j, 0), x0)
    store(out, (j, width), x1)
    store(out, (j, 2 * width), x2)
    store(out, (j, 3 * width), x3)


@jit
def emissions(log_prob, first, lengths, T, out, shift):
    """Densities of a group's rows relative to the largest: out (T, K, L), shift (T, L).

    exp(log_prob - shift), shift the largest of the row's states; rows that no state can
    have, and rows beyond a lane's length, are 0.
    """
    K = len(log_prob)
    L = out.shape[2]
    width = 64 // out.itemsize
    zero, lowest = out.dtype.type(0.0), out.dtype.type(-np.inf)
    for t in range(T):
        for i in range(0, L, width):
            at = first + t * L + i
            top = load(log_prob, (0, at))
            for k in range(1, K):
                value = load(log_prob, (k, at))
                top = choose_less(top, value, value, top)
            top = choose_less(lowest, top, top, zero)
            store(shift, (t, i), top)
            for k in range(K):
                store(out, (t, k, i), exp(load(log_prob, (k, at)) - top))
    for i in range(L):
        out[lengths[i] : T, :K, i] = zero


# -- forward -----------------------------------------------------------------------


@jit
def _step(transitions, K, start, b, t, space):
    """alpha[t + 1] = b[t] (transitions^T alpha[t] / its sum), its sum, and 1 / sum."""
    alpha, total, inverse, z, fresh = space
    zero, one = alpha.dtype.type(0.0), alpha.dtype.type(1.0)
    # 1 / total stays finite; lanes that come so low are in trouble anyway
    lowest = alpha.dtype.type(1e-300 if alpha.itemsize == 8 else 1e-37)
    L = alpha.shape[2]
    product(transitions, K, alpha, t, z)
    if t == 0:
        for k in range(K):
            for i in range(L):
                z[k, i] += start[0, k] * fresh[i]
    for i in range(0, L, 64 // alpha.itemsize):
        scale, sums = load(inverse, (t, i)), splat(zero)
        for k in range(K):
            x = load(z, (k, i)) * scale * load(b, (t, k, i))
            store(alpha, (t + 1, k, i), x)
            sums = sums + x
        store(total, (t, i), sums)
    for i in range(L):
        c = total[t, i]
        inverse[t + 1, i] = one / c if c > lowest else zero


@jit
def agree(x, y, K):
    """Whether two (P, L) are equal but for rounding, in every element."""
    tolerance = x.dtype.type(1e-13 if x.itemsize == 8 else 1e-6)
    smallest = x.dtype.type(1e-290 if x.itemsize == 8 else 1e-35)
    for k in range(K):
        for i in range(x.shape[1]):
            if abs(x[k, i] - y[k, i]) > tolerance * y[k, i] + smallest:
                return False
    return True


@jit
def _enter(enter, entries, K, fresh, alpha):
    """First guess of what lanes are entered with; returns whether any is a guess."""
    zero, one = alpha.dtype.type(0.0), alpha.dtype.type(1.0)
    guessed = False
    for i in range(len(enter)):
        fresh[i] = one if enter[i] == EDGE else zero
        guessed |= enter[i] == NEIGHBOUR
        for k in range(K):
            if enter[i] == EDGE:
                alpha[0, k, i] = zero
            elif enter[i] == NEIGHBOUR:
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
def forward(transitions, K, start, enter, entries, lengths, T, b, space, last):
    """Filter a group of T steps.

    ``space`` is work space: alpha (T + 1, P, L) gets p(z_t, x_t | x_<t) at t + 1 and
    what lanes are entered with at 0, total (T, L) its sums over z, inverse
    (T + 1, L) gets 1 / total at t + 1. ``last`` (K, L): see :class:`markov.Filtered`.
    """
    alpha, _, inverse, z, fresh = space
    old = np.zeros_like(z)
    inverse[0] = alpha.dtype.type(1.0)
    guessed = _enter(enter, entries, K, fresh, alpha)
    for t in range(T):
        _step(transitions, K, start, b, t, space)
    _last(alpha, inverse, lengths, K, last)
    if not guessed:
        return
    for _ in range(len(enter)):
        old[:] = alpha[0]
        for i in range(1, len(enter)):
            if enter[i] == NEIGHBOUR:
                alpha[0, :K, i] = last[:, i - 1]
        if agree(alpha[0], old, K):
            return
        for t in range(T):
            look = t % _CHECK == _CHECK - 1
            if look:
                old[:] = alpha[t + 1]
            _step(transitions, K, start, b, t, space)
            if look and agree(alpha[t + 1], old, K):
                return  # what follows is what it was
        _last(alpha, inverse, lengths, K, last)


# -- backward ----------------------------------------------------------------------


@jit
def _step_back(transposed, K, lengths, b, t, space, leaving, beta, out, first):
    """beta[t] = b[t] / total[t - 1] (transitions beta[t + 1], or what lanes leave to).

    alpha[t] transitions beta[t] then are the probabilities of pairs of states, and
    alpha[t + 1] (transitions beta[t + 1]) those of states at row t.
    """
    alpha, _, inverse, z, _ = space
    L = alpha.shape[2]
    product(transposed, K, beta, t + 1, z)
    for i in range(L):
        if lengths[i] == t + 1:
            z[:, i] = leaving[:, i]
    for i in range(0, L, 64 // alpha.itemsize):
        scale = load(inverse, (t, i))
        at = first + t * L + i
        for k in range(K):
            x = load(z, (k, i))
            store(out, (k, at), load(alpha, (t + 1, k, i)) * x)
            store(beta, (t, k, i), x * load(b, (t, k, i)) * scale)


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
def backward(
    transposed, K, leave, exits, lengths, weight, T, b, space, beta, before, out, first
):
    """Smooth a group that was filtered into ``space``; see :func:`_step_back`.

    ``beta`` (T + 1, P, L) and ``before`` (P, L) get what ``markov.smooth`` needs,
    ``out`` (K, n) the states' probabilities from column ``first`` on.
    """
    alpha = space[0]
    leaving, old = np.zeros_like(before), np.zeros_like(before)
    ones = np.ones(K, alpha.dtype)
    shortest = T
    for i in range(len(leave)):
        if leave[i] == NEIGHBOUR:
            shortest = min(shortest, lengths[i])
        given = exits[leave[i]] if leave[i] >= 0 else ones
        _leave(i, given, weight[i], lengths[i], alpha, K, leaving)
    beta[T] = alpha.dtype.type(0.0)
    for t in range(T - 1, -1, -1):
        _step_back(transposed, K, lengths, b, t, space, leaving, beta, out, first)
    product(transposed, K, beta, 0, before)
    for _ in range(len(leave)):
        old[:] = leaving
        for i in range(len(leave) - 1):
            if leave[i] == NEIGHBOUR:
                vector = before[:K, i + 1].copy()
                _leave(i, vector, weight[i], lengths[i], alpha, K, leaving)
        if agree(leaving, old, K):
            return
        for t in range(T - 1, -1, -1):
            look = t % _CHECK == 0 and t < shortest
            if look:
                old[:] = beta[t]
            _step_back(transposed, K, lengths, b, t, space, leaving, beta, out, first)
            if look and agree(beta[t], old, K):
                return
        product(transposed, K, beta, 0, before)


@jit
def add_pairs(alpha, beta, T, sums):
    """Add sum over t and lanes of alpha[t, i] beta[t, j] to sums (P, P)."""
    P, L = alpha.shape[1:]
    width = 64 // alpha.itemsize
    for begin in range(0, T, _TIME):
        end = min(T, begin + _TIME)
        for i in range(0, P, 4):
            for j in range(0, P, 4):
                a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = splat(alpha.dtype.type(0.0))
                c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = a0
                for t in range(begin, end):
                    for at in range(0, L, width):
                        x0, x1 = load(beta, (t, j, at)), load(beta, (t, j + 1, at))
                        x2, x3 = load(beta, (t, j + 2, at)), load(beta, (t, j + 3, at))
                        p = load(alpha, (t, i, at))
                        a0, a1, a2, a3 = (
                            a0 + p * x0,
                            a1 + p * x1,
                            a2 + p * x2,
                            a3 + p * x3,
                        )
                        p = load(alpha, (t, i + 1, at))
                        b0, b1, b2, b3 = (
                            b0 + p * x0,
                            b1 + p * x1,
                            b2 + p * x2,
                            b3 + p * x3,
                        )
                        p = load(alpha, (t, i + 2, at))
                        c0, c1, c2, c3 = (
                            c0 + p * x0,
                            c1 + p * x1,
                            c2 + p * x2,
                            c3 + p * x3,
                        )
                        p = load(alpha, (t, i + 3, at))
                        d0, d1, d2, d3 = (
                            d0 + p * x0,
                            d1 + p * x1,
                            d2 + p * x2,
                            d3 + p * x3,
                        )
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


# -- around groups ----------------------------------------------------------------


@jit
def new_space(T, K, like):
    """Work space of :func:`forward` and :func:`backward`."""
    L = lanes_of(like)
    return (
        new_steps(T + 1, K, like),
        aligned_zeros(T * L, like.dtype).reshape(T, L),
        aligned_zeros((T + 1) * L, like.dtype).reshape(T + 1, L),
        new_steps(1, K, like)[0],
        np.zeros(L, like.dtype),
    )


@jit
def longest(first, L):
    longest = np.intp(0)
    for g in range(len(first) - 1):
        longest = max(longest, (first[g + 1] - first[g]) // L)
    return longest


@jit
def score(total, shift, lengths, out, trouble):
    """Add up log p(x_t | x_<t) of each lane; find those that came too close to 0."""
    lowest = total.dtype.type(1e-200 if total.itemsize == 8 else 1e-20)
    for i in range(len(lengths)):
        for t in range(lengths[i]):
            c = total[t, i]
            trouble[i] |= c < lowest
            out[i] += log(max(c, lowest)) + shift[t, i]
