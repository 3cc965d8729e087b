"""Where EM starts: responsibilities of states for all rows."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from sklearn_gen._column_moments import column_means, column_variances
from sklearn_gen._seeding import starting_responsibilities
from sklearn_gen.hmm._transitions import allowed_steps

ORDERED = ("left-right", "linear")
_BLOCK_ROWS = 8192


def starting_states(X, series, n_components, topology, init_params, rng):
    """Choose what each row's state may be.

    Rows whose states are known have those. Of ordered topologies every sequence is cut
    into as many equal parts as there are states. Else 'kmeans' gives each row the
    nearest of as many centers, numbered by the known rows near them, or in the order in
    which they follow one another where the topology is cyclic, and 'random' each
    distinct row a Dirichlet draw. Beside known rows, all others count as one for each
    state: clusters need not be what states are, and EM's first iteration gives the
    others to the states as the known rows have them.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
        Numbers or codes, NaN where not observed.
    series : Series
        Sequences, weights and known states.
    n_components : int
        Number of states.
    topology : str or array-like
        As :func:`~sklearn_gen.hmm._transitions.allowed_steps` has it.
    init_params : {'kmeans', 'random'}
        Way of the others.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    resp : ndarray of shape (n_rows, n_components)

    Raises
    ------
    ValueError
        If the topology forbids known states of neighbouring rows.
    """
    if series.states.size:
        _refuse_forbidden(series, *allowed_steps(topology, n_components))
    if isinstance(topology, str) and topology in ORDERED:
        resp = np.eye(n_components)[_equal_parts(series.sequences, n_components)]
    elif init_params == "kmeans":
        resp = np.eye(n_components)[_nearest(X, series, n_components, rng)]
    else:
        _, value = np.unique(X, axis=0, return_inverse=True)
        shares = rng.dirichlet(np.ones(n_components), size=value.max() + 1)
        resp = shares[value.ravel()]
    if isinstance(topology, str) and topology == "cyclic":
        resp = resp[:, _around(transitions_of(resp, series)[1])]
    if series.states.size:
        known = series.states >= 0
        states = np.eye(n_components)[series.states[known]]
        if not isinstance(topology, str) or topology not in ORDERED:
            # by chance clusters have other numbers than the states they are
            clusters, names = linear_sum_assignment(resp[known].T @ states, True)
            resp[:, names] = resp[:, clusters]
        if known.any():
            resp *= n_components / max(n_components, np.count_nonzero(~known))
        resp[known] = states
    return resp


def _refuse_forbidden(series, starts, steps):
    """Raise where known states can't be: their sequence would count nothing."""
    known, sequences = series.states, series.sequences
    first = np.zeros(len(known), dtype=bool)
    first[sequences.starts] = True
    wrong = first & (known >= 0) & ~starts[known]
    after = np.flatnonzero(~first & (known >= 0) & (np.roll(known, 1) >= 0))
    wrong[after] = ~steps[known[after - 1], known[after]]
    if wrong.any():
        row = int(np.argmax(wrong))
        what = "begins a sequence" if first[row] else f"follows state {known[row - 1]}"
        raise ValueError(
            f"states[{row}] is {known[row]}, which {what} there; topology forbids "
            "that. Number the states in the order of the topology, or allow the step."
        )


def transitions_of(resp, series):
    """Weighted counts of first states (K,) and of pairs of states (K, K)."""
    sequences = series.sequences
    weight = series.weight[sequences.of_rows]
    first = np.zeros(len(resp), dtype=bool)
    first[sequences.starts] = True
    later = np.flatnonzero(~first)
    pairs = (weight[later, None] * resp[later - 1]).T @ resp[later]
    return series.weight @ resp[sequences.starts], pairs


def _around(pairs):
    """Order of clusters in which each follows the one before it most often."""
    order = [0]
    while len(order) < len(pairs):
        left = np.setdiff1d(np.arange(len(pairs)), order)
        order.append(int(left[pairs[order[-1], left].argmax()]))
    return order


def _equal_parts(sequences, n_components):
    place = np.arange(sequences.n_rows) - sequences.starts[sequences.of_rows]
    return place * n_components // sequences.lengths[sequences.of_rows]


def _nearest(X, series, n_components, rng):
    """Index of the nearest of the centers that k-means finds, columns scaled alike."""
    weight = series.weight[series.sequences.of_rows]
    center, variance = column_means(X, weight), column_variances(X, weight)
    spread = np.sqrt(np.where(variance > 0.0, variance, 1.0))

    def scaled(rows):
        return np.nan_to_num((rows - center) / spread)

    rows, resp = starting_responsibilities(
        "kmeans", scaled(X), weight, n_components, rng
    )
    total = resp.sum(axis=0)
    centers = resp.T @ rows / np.where(total > 0.0, total, 1.0)[:, None]
    half_squares = 0.5 * (centers**2).sum(axis=1)
    nearest = [
        (half_squares - scaled(X[start : start + _BLOCK_ROWS]) @ centers.T).argmin(1)
        for start in range(0, len(X), _BLOCK_ROWS)
    ]
    return np.concatenate(nearest)
