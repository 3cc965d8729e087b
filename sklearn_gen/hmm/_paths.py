"""Paths of hidden states that need no lanes: lists of the best, and simulated ones."""

import numpy as np

from sklearn_gen._blocks import workers
from sklearn_gen._kernels import markov_exact, markov_paths


def best_paths(sequences, chain, take, log_prob, k, n_jobs=None):
    """Most probable paths of each sequence, best first.

    Parameters
    ----------
    sequences : Sequences
        Where they start, and their lengths.
    chain : Chain
        Start and transition probabilities.
    take, log_prob : callable
        As :mod:`sklearn_gen.hmm._recursions` has them.
    k : int
        Number of paths.
    n_jobs : int or None
        Number of threads.

    Returns
    -------
    states : ndarray of shape (k, n), int64
        -1 where a sequence has fewer paths that are possible.
    log_prob : ndarray of shape (n_sequences, k)
        Of each path, log p(x, path); -inf where there are no more.
    """
    start, transitions = chain.logarithms().arguments(np.float64)
    states = np.empty((k, sequences.n_rows), np.int64)
    scores = np.empty((len(sequences.lengths), k))

    def work(s):
        first, length = (int(x[s]) for x in sequences)
        block = take(np.arange(first, first + length))
        densities = np.ascontiguousarray(log_prob(block), np.float64)
        got = markov_exact.best_paths(densities, start[0], transitions, k)
        states[:, first : first + length] = got.states
        scores[s] = got.log_prob

    with workers(n_jobs) as run:
        for _ in run(work, range(len(sequences.lengths))):
            pass
    return states, scores


def simulate(chain, lengths, rng, start=None):
    """Draw paths of the chain itself.

    Parameters
    ----------
    chain : Chain
        Start and transition probabilities.
    lengths : ndarray of shape (n_sequences,)
        Rows of each sequence.
    rng : numpy.random.Generator
        Gives one number per row.
    start : ndarray of shape (n_sequences, K) or None
        Probabilities of each sequence's first state; None means the chain's.

    Returns
    -------
    states : ndarray of shape (sum of lengths,), int64
    """
    first = np.r_[0, np.cumsum(lengths)].astype(np.int64)
    begin, transitions = chain.arguments(np.float64)
    begin = begin if start is None else np.asarray(start, np.float64)
    return markov_paths.simulate(rng.random(first[-1]), first, begin, transitions)
