"""Oracles for chains of hidden states: every path by itself, and long double."""

from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp


class AllPaths(NamedTuple):
    """What follows from the probabilities of all K^T paths."""

    paths: np.ndarray  # (K^T, T), most probable first
    log_joint: np.ndarray  # (K^T,) log p(x, path)
    log_prob: float  # log p(x)
    gamma: np.ndarray  # (T, K)
    transitions: np.ndarray  # (K, K)


def all_paths(log_prob, start, transitions):
    """Enumerate the paths of one sequence, log_prob (T, K)."""
    T, K = log_prob.shape
    paths = np.array(list(product(range(K), repeat=T)))
    with np.errstate(divide="ignore"):
        log_start, log_transitions = np.log(start), np.log(transitions)
    joint = log_start[paths[:, 0]] + log_prob[np.arange(T), paths].sum(axis=1)
    joint = joint + log_transitions[paths[:, :-1], paths[:, 1:]].sum(axis=1)
    order = np.argsort(-joint, kind="stable")
    paths, joint = paths[order], joint[order]
    total = logsumexp(joint)
    gamma, pairs = np.zeros((T, K)), np.zeros((K, K))
    if np.isfinite(total):
        share = np.exp(joint - total)
        for t in range(T):
            np.add.at(gamma[t], paths[:, t], share)
        for t in range(1, T):
            np.add.at(pairs, (paths[:, t - 1], paths[:, t]), share)
    return AllPaths(paths, joint, total, gamma, pairs)


class LongDouble(NamedTuple):
    """Forward and backward in 80-bit numbers, in logarithms."""

    scores: np.ndarray  # (T,) log p(x_t | x_<t)
    filtered: np.ndarray  # (T, K)
    gamma: np.ndarray  # (T, K)
    transitions: np.ndarray  # (K, K)


def long_double(log_prob, start, transitions):
    """One sequence, row by row, log_prob (T, K)."""
    wide = np.longdouble
    with np.errstate(divide="ignore"):
        log_start = np.log(start.astype(wide))
        log_transitions = np.log(transitions.astype(wide))
    log_prob = log_prob.astype(wide)
    T, K = log_prob.shape
    ahead, scores = np.empty((T, K), wide), np.empty(T, wide)
    for t in range(T):
        here = log_start if t == 0 else _sum(ahead[t - 1][:, None] + log_transitions, 0)
        ahead[t] = here + log_prob[t]
        scores[t] = _sum(ahead[t], 0)
        ahead[t] -= scores[t]
    after, gamma, pairs = np.zeros(K, wide), np.empty((T, K), wide), np.zeros((K, K))
    for t in range(T - 1, -1, -1):
        gamma[t] = np.exp(ahead[t] + after)
        gamma[t] /= gamma[t].sum()
        if t:
            after = after + log_prob[t] - scores[t]
            pairs = pairs + np.exp(ahead[t - 1][:, None] + log_transitions + after)
            after = _sum(log_transitions + after, 1)
    return LongDouble(scores, np.exp(ahead), gamma, pairs)


def _sum(values, axis):
    top = values.max(axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):
        total = np.log(np.exp(values - top).sum(axis=axis))
    return total + np.squeeze(top, axis)
