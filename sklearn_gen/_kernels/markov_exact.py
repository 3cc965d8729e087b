"""Hidden Markov chains in logarithms, one sequence at a time: slow, never too small.

``markov`` scales every row by the largest density of its states. Where that state can't
be reached, what is left may be too small for a number; such sequences come here. The k
best paths are here too.
"""

from typing import NamedTuple

import numpy as np

from sklearn_gen._kernels._jit import jit, kernel


class ExactSmoothed(NamedTuple):
    """Expected states and transitions of one sequence; see :func:`smooth_exactly`."""

    gamma: np.ndarray  # (T, K) p(z_t | all x); 0 if the sequence is impossible
    transitions: np.ndarray  # (K, K) sum of p(z_t-1 = i, z_t = j | all x)
    log_prob: np.ndarray  # (T,) log p(x_t | x_<t); -inf from an impossible row on
    log_filtered: np.ndarray  # (T, K) log p(z_t | x_<=t)


class BestPaths(NamedTuple):
    """The most probable paths of one sequence, best first; see :func:`best_paths`."""

    states: np.ndarray  # (k, T) int64; -1 where there are no more paths
    log_prob: np.ndarray  # (k,) log p(x, path), -inf where there are no more


@jit
def _log_sum_exp(values):
    top = values.max()
    if top == -np.inf:
        return top
    return top + np.log(np.exp(values - top).sum())


@jit
def _normalize(values):
    """Subtract the log-sum-exp, and return it; -inf alone stay."""
    total = _log_sum_exp(values)
    if total > -np.inf:
        values -= total
    return total


@kernel
def smooth_exactly(log_prob, log_start, log_transitions):
    """Forward and backward over one sequence.

    Parameters
    ----------
    log_prob : float64 array of shape (T, K)
        log p(x_t | z_t = k).
    log_start : float64 array of shape (K,)
        log p(z) at the first row.
    log_transitions : float64 array of shape (K, K)
        log p(z_t = j | z_t-1 = i).

    Returns
    -------
    ExactSmoothed
    """
    T, K = log_prob.shape
    ahead, scores = np.full((T, K), -np.inf), np.full(T, -np.inf)
    gamma, pairs = np.zeros((T, K)), np.zeros((K, K))
    back = log_transitions.T.copy()
    for t in range(T):
        for k in range(K):
            here = log_start[k] if t == 0 else _log_sum_exp(ahead[t - 1] + back[k])
            ahead[t, k] = here + log_prob[t, k]
        scores[t] = _normalize(ahead[t])
        if scores[t] == -np.inf:
            return ExactSmoothed(gamma, pairs, scores, ahead)
    after = np.zeros(K)
    for t in range(T - 1, -1, -1):
        joint = ahead[t] + after
        _normalize(joint)
        gamma[t] = np.exp(joint)
        if t == 0:
            break
        # after becomes log p(x_>=t | z_t), then that of the row before, scaled
        after = after + log_prob[t] - scores[t]
        for i in range(K):
            for j in range(K):
                pairs[i, j] += np.exp(
                    ahead[t - 1, i] + log_transitions[i, j] + after[j]
                )
        before = np.empty(K)
        for i in range(K):
            before[i] = _log_sum_exp(log_transitions[i] + after)
        after = before
    return ExactSmoothed(gamma, pairs, scores, ahead)


@kernel
def draw_exactly(log_filtered, log_transitions, uniforms):
    """Draw a path given all rows, from :func:`smooth_exactly`'s ``log_filtered``."""
    T, K = log_filtered.shape
    states = np.full(T, -1)
    weights = log_filtered[T - 1].copy()
    for t in range(T - 1, -1, -1):
        if t < T - 1:
            weights = log_filtered[t] + log_transitions[:, states[t + 1]]
        top = weights.max()
        if top == -np.inf:
            return np.full(T, -1)
        shares = np.exp(weights - top)
        left = uniforms[t] * shares.sum()
        for k in range(K):
            if shares[k] > 0.0:
                states[t] = k
                left -= shares[k]
                if left < 0.0:
                    break
    return states


@kernel
def best_paths(log_prob, log_start, log_transitions, count):
    """Most probable paths of one sequence: Viterbi with ``count`` paths per state.

    Parameters
    ----------
    log_prob, log_start, log_transitions : arrays
        As in :func:`smooth_exactly`.
    count : int
        Number of paths.

    Returns
    -------
    BestPaths
    """
    T, K = log_prob.shape
    best, fresh = np.full((K, count), -np.inf), np.full((K, count), -np.inf)
    # where the r-th best path to a state came from: previous state * count + its rank
    came = np.full((T, K, count), -1)
    for t in range(T):
        fresh[:] = -np.inf
        for j in range(K):
            if t == 0:
                fresh[j, 0] = log_start[j] + log_prob[0, j]
                continue
            for i in range(K):
                for r in range(count):
                    value = best[i, r] + log_transitions[i, j] + log_prob[t, j]
                    if not value > fresh[j, count - 1]:
                        break  # best[i] falls with r
                    _insert(fresh[j], came[t, j], value, i * count + r)
        best, fresh = fresh, best
    ends = best.ravel()
    order = np.argsort(-ends, kind="mergesort")[:count]
    states, scores = np.full((count, T), -1), np.full(count, -np.inf)
    for p in range(len(order)):
        at = order[p]
        if ends[at] == -np.inf:
            break
        scores[p] = ends[at]
        for t in range(T - 1, -1, -1):
            states[p, t] = at // count
            at = came[t, at // count, at % count]
    return BestPaths(states, scores)


@jit
def _insert(values, origins, value, origin):
    """Insert into falling values, the last of which is lost; after equal ones."""
    r = len(values) - 1
    while r > 0 and value > values[r - 1]:
        values[r], origins[r] = values[r - 1], origins[r - 1]
        r -= 1
    values[r], origins[r] = value, origin
