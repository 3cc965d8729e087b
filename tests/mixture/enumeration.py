"""Small discrete tables whose states, completions and trees can be enumerated."""

from itertools import combinations, product

import numpy as np

# Each of the known cells of a row leaves this much to levels never seen.
UNSEEN = 1e-6


def table(n_rows=300, seed=0, sizes=(2, 3, 2, 4)):
    """Dependent columns: two groups of rows, and chains within them."""
    rng = np.random.default_rng(seed)
    group = rng.integers(2, size=n_rows)
    columns, last = [], group
    for size in sizes:
        last = np.where(rng.random(n_rows) < 0.6, last, rng.integers(9, size=n_rows))
        last = (last + group) % size
        columns.append(last)
    return np.column_stack(columns).astype(float)


def all_states(X):
    return np.array(list(product(*[np.unique(x[~np.isnan(x)]) for x in X.T])))


def masses(model, states):
    """Of known levels alone, as if no other could come."""
    known = (~np.isnan(states)).sum(axis=1)
    return np.exp(model.score_samples(states) - known * np.log1p(-UNSEEN))


def hide(X, share=0.3, seed=1):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(X.shape) < share, np.nan, X)


def agrees(states, row):
    return (np.isnan(row) | (states == row)).all(axis=1)


def spanning_trees(n_columns):
    pairs = list(combinations(range(n_columns), 2))
    for chosen in combinations(pairs, n_columns - 1):
        reached = {0}
        for _ in chosen:
            reached |= {v for e in chosen if reached & set(e) for v in e}
        if len(reached) == n_columns:
            yield chosen
