"""Single paths of hidden states: the most probable, drawn ones, simulated ones.

Groups, lanes and their arguments are those of ``markov_steps``.
"""

from typing import NamedTuple

import numpy as np

from sklearn_gen._kernels._jit import jit, kernel
from sklearn_gen._kernels.blocks import copy_to
from sklearn_gen._kernels.lanes import choose_less, load, splat, store
from sklearn_gen._kernels.markov_steps import (
    EDGE,
    NEIGHBOUR,
    forward,
    longest,
    new_space,
    new_steps,
    padded,
    score,
    with_start,
)

_CHECK = 8


class Paths(NamedTuple):
    """One path per lane; see :func:`viterbi` and :func:`drawn_paths`."""

    states: np.ndarray  # (n,) int64; -1 where the lane's rows are impossible
    log_prob: np.ndarray  # (G, L) float64 log p(x, path), or log p(x)
    last: np.ndarray  # (G, K, L) what the lane's right neighbour is entered with
    trouble: np.ndarray  # (G, L) bool


@jit
def _advance(matrix, start, fresh, log_prob, first, begin, end, delta, total, z):
    """delta[t + 1]: log probability of the best path to each state, at most 0.

    That of t is max_i delta[t, i] + matrix[i, j]; many steps in one call, for the
    reason given at ``markov_steps``.
    """
    K, L = len(log_prob), delta.shape[2]
    width = 64 // delta.itemsize
    zero, low = delta.dtype.type(0.0), delta.dtype.type(-np.inf)
    lowest = splat(low)
    for t in range(begin, end):
        for j in range(0, len(z), 4):
            for at in range(0, L, 2 * width):
                a0 = a1 = b0 = b1 = c0 = c1 = d0 = d1 = lowest
                for i in range(K):
                    x0, x1 = load(delta, (t, i, at)), load(delta, (t, i, at + width))
                    p = splat(matrix[i, j])
                    y0, y1 = x0 + p, x1 + p
                    a0, a1 = choose_less(a0, y0, y0, a0), choose_less(a1, y1, y1, a1)
                    p = splat(matrix[i, j + 1])
                    y0, y1 = x0 + p, x1 + p
                    b0, b1 = choose_less(b0, y0, y0, b0), choose_less(b1, y1, y1, b1)
                    p = splat(matrix[i, j + 2])
                    y0, y1 = x0 + p, x1 + p
                    c0, c1 = choose_less(c0, y0, y0, c0), choose_less(c1, y1, y1, c1)
                    p = splat(matrix[i, j + 3])
                    y0, y1 = x0 + p, x1 + p
                    d0, d1 = choose_less(d0, y0, y0, d0), choose_less(d1, y1, y1, d1)
                store(z, (j, at), a0)
                store(z, (j, at + width), a1)
                store(z, (j + 1, at), b0)
                store(z, (j + 1, at + width), b1)
                store(z, (j + 2, at), c0)
                store(z, (j + 2, at + width), c1)
                store(z, (j + 3, at), d0)
                store(z, (j + 3, at + width), d1)
        if t == 0:
            for k in range(K):
                for i in range(L):
                    z[k, i] = start[0, k] if fresh[i] else z[k, i]
        for i in range(0, L, width):
            at = first + t * L + i
            top = lowest
            for k in range(K):
                x = load(z, (k, i)) + load(log_prob, (k, at))
                top = choose_less(top, x, x, top)
                store(z, (k, i), x)
            store(total, (t, i), top)
            # -inf - -inf would be NaN
            top = choose_less(low, top, top, zero)
            for k in range(K):
                store(delta, (t + 1, k, i), load(z, (k, i)) - top)


@jit
def _agree(x, y, K):
    """Whether log probabilities of best paths are equal but for rounding."""
    tolerance = x.dtype.type(1e-12 if x.itemsize == 8 else 1e-5)
    one = x.dtype.type(1.0)
    for k in range(K):
        for i in range(x.shape[1]):
            a, b = x[k, i], y[k, i]
            if a != b and not abs(a - b) <= tolerance * (one + abs(b)):
                return False
    return True


@jit
def _last(delta, lengths, K, out):
    for i in range(len(lengths)):
        for k in range(K):
            out[k, i] = delta[lengths[i], k, i]


@jit
def _search(matrix, start, enter, entries, lengths, T, log_prob, first, space, last):
    """Best paths to every state at every row: ``forward`` with sums as maxima."""
    delta, total, z, old = space
    K, L = len(log_prob), len(enter)
    fresh = enter == EDGE
    guessed = False
    for i in range(L):
        guessed |= enter[i] == NEIGHBOUR
        for k in range(K):
            given = enter[i] >= 0
            delta[0, k, i] = entries[enter[i], k] if given else delta.dtype.type(0.0)
    _advance(matrix, start, fresh, log_prob, first, 0, T, delta, total, z)
    _last(delta, lengths, K, last)
    if not guessed:
        return
    for _ in range(L):
        copy_to(old, delta[0])
        for i in range(1, L):
            if enter[i] == NEIGHBOUR:
                copy_to(delta[0, :K, i : i + 1], last[:, i - 1 : i])
        if _agree(delta[0], old, K):
            return
        for begin in range(0, T, _CHECK):
            end = min(T, begin + _CHECK)
            copy_to(old, delta[end])
            _advance(matrix, start, fresh, log_prob, first, begin, end, delta, total, z)
            if end < T and _agree(delta[end], old, K):
                return
        _last(delta, lengths, K, last)


@jit
def _trace(delta, back, leave, next_states, lengths, K, T, first, states):
    """Follow the best paths from the lanes' ends; rightmost lanes first.

    Row K of ``back`` (K + 1, K), transitions from the right, is 0: after the end. Lanes
    that wait for none go back side by side, since a step waits for the one after it:
    one by one, best paths of 5000 sequences of 50 rows take 15 % longer in all.
    """
    L = len(lengths)
    after = np.empty(L, np.int64)
    linked = (leave == NEIGHBOUR).any()
    for last in range(L if linked else 1, 0, -1):
        begin, end = (last - 1, last) if linked else (0, L)
        for i in range(begin, end):
            after[i] = K
            if leave[i] >= 0:
                after[i] = next_states[leave[i]]
            elif leave[i] == NEIGHBOUR:
                after[i] = states[first + i + 1]
        for t in range(T, 0, -1):
            for i in range(begin, end):
                if t > lengths[i]:
                    continue
                best = np.int64(0)
                top = delta.dtype.type(-np.inf)
                for k in range(K):
                    value = delta[t, k, i] + back[after[i], k]
                    best = k if value > top else best
                    top = max(top, value)
                states[first + (t - 1) * L + i] = best
                after[i] = best


@kernel
def viterbi(
    log_prob,
    first,
    lengths,
    enter,
    leave,
    log_start,
    log_transitions,
    entries,
    next_states,
):
    """Most probable paths of groups of lanes.

    Parameters are those of ``markov.smooth`` with logarithms of probabilities; entries
    are log probabilities of best paths, up to a constant, and ``next_states`` (int64)
    the states at the rows after lanes, by which `leave` counts.

    Returns
    -------
    Paths
    """
    K, n = log_prob.shape
    G, L = lengths.shape
    T = longest(first, L)
    matrix, start = padded(log_transitions, K), padded(log_start, K)
    matrix[:, K:] = log_prob.dtype.type(-np.inf)
    back = np.zeros((K + 1, K), log_prob.dtype)
    copy_to(back, log_transitions.T)
    z = new_steps(1, K, log_prob)[0]
    space = (
        new_steps(T + 1, K, log_prob),
        np.zeros((T, L), log_prob.dtype),
        z,
        np.zeros_like(z),
    )
    delta, total = space[0], space[1]
    states = np.zeros(n, np.int64)
    scores = np.zeros((G, L))
    last = np.zeros((G, K, L), log_prob.dtype)
    for g in range(G):
        at = first[g]
        T = (first[g + 1] - at) // L
        _search(
            matrix,
            start,
            enter[g],
            entries,
            lengths[g],
            T,
            log_prob,
            at,
            space,
            last[g],
        )
        _trace(delta, back, leave[g], next_states, lengths[g], K, T, at, states)
        for i in range(L):
            for t in range(lengths[g, i]):
                scores[g, i] += total[t, i]
    return Paths(states, scores, last, np.zeros((G, L), np.bool_))


@jit
def _draw(weights, K, u):
    """State k with probability proportional to weights[k]; -1 if all are 0."""
    total = 0.0
    for k in range(K):
        total += weights[k]
    if not total > 0.0:
        return np.int64(-1)
    left = u * total
    chosen = np.int64(-1)
    for k in range(K):
        if weights[k] > 0.0:
            chosen = np.int64(k)
            left -= weights[k]
            if left < 0.0:
                break
    return chosen


@jit
def _draw_back(alpha, back, leave, next_states, lengths, K, first, uniforms, states):
    """Draw paths from the lanes' ends, given all their rows; rightmost lanes first."""
    L = len(lengths)
    weights = np.zeros(K)
    for i in range(L - 1, -1, -1):
        after = np.int64(-1)
        if lengths[i] and leave[i] == NEIGHBOUR:
            after = states[first + i + 1]
        elif leave[i] >= 0:
            after = next_states[leave[i]]
        free = leave[i] == EDGE
        for t in range(lengths[i], 0, -1):
            for k in range(K):
                factor = (
                    back[after, k] if not free and after >= 0 else alpha.dtype.type(1.0)
                )
                weights[k] = alpha[t, k, i] * factor
            at = first + (t - 1) * L + i
            after = _draw(weights, K, uniforms[at])
            states[at] = after
            free = False


@kernel
def drawn_paths(
    log_prob,
    first,
    lengths,
    enter,
    leave,
    start,
    transitions,
    entries,
    next_states,
    uniforms,
):
    """Draw paths of groups of lanes given all rows: forward filter, backward draws.

    Parameters are those of :func:`viterbi`, without logarithms, and ``uniforms`` (n,)
    in [0, 1), one per row.

    Returns
    -------
    Paths
    """
    K, n = log_prob.shape
    G, L = lengths.shape
    T = longest(first, L)
    matrix, back = with_start(transitions, start), transitions.T.copy()
    b, shift, space = new_space(T, K, log_prob)
    alpha, total = space[0], space[1]
    states = np.zeros(n, np.int64)
    scores, trouble = np.zeros((G, L)), np.zeros((G, L), np.bool_)
    last = np.zeros((G, K, L), log_prob.dtype)
    for g in range(G):
        at = first[g]
        T = (first[g + 1] - at) // L
        forward(
            *(matrix, log_prob, at, enter[g], entries, lengths[g], T),
            *(b, shift, space, last[g]),
        )
        score(total, shift, lengths[g], T, scores[g], trouble[g])
        _draw_back(
            alpha, back, leave[g], next_states, lengths[g], K, at, uniforms, states
        )
    return Paths(states, scores, last, trouble)


@kernel
def simulate(uniforms, first, start, transitions):
    """Draw paths of the chain itself.

    Parameters
    ----------
    uniforms : float64 array of shape (n,)
        One per row, in [0, 1).
    first : int64 array of shape (S + 1,)
        First row of each sequence, and n.
    start : float64 array of shape (1 or S, K)
        p(z) at the first row, of all sequences or of each.
    transitions : float64 array of shape (K, K)

    Returns
    -------
    states : int64 array of shape (n,)
    """
    K = len(transitions)
    states = np.empty(len(uniforms), np.int64)
    cumulated = np.empty((K, K))
    for i in range(K):
        total = 0.0
        for j in range(K):
            total += transitions[i, j]
            cumulated[i, j] = total
        for j in range(K):
            cumulated[i, j] /= total
    for s in range(len(first) - 1):
        begin, end = first[s], first[s + 1]
        if begin == end:
            continue
        state = _draw(start[min(s, len(start) - 1)], K, uniforms[begin])
        states[begin] = state
        for t in range(begin + 1, end):
            state = np.searchsorted(cumulated[state], uniforms[t], side="right")
            states[t] = state
    return states
