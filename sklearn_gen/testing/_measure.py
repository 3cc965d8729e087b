"""Integrals of exp(score_samples): quadrature on the line, sums over levels.

A column has nodes and weights. For continuous columns they are those of the trapezoidal
rule after x = center + scale * sinh(t): spectrally accurate for smooth densities, fine
near the data and reaching far into the tails. For discrete columns they are the
levels, with weight one.
"""

import numpy as np
from scipy.stats import chi2

from sklearn_gen._inner._sequences import rows_are_steps
from sklearn_gen.testing._traits import is_discrete

# A test of draws fails a correct model with at most this probability. Seeds are fixed:
# a pass stays a pass until the stream of draws changes.
FALSE_ALARM_RATE = 1e-5

# Half-range of t: sinh(9) = 4052 standard deviations, sinh(6) = 202.
_REACH = {1: 9.0, 2: 6.0}
_N_NODES = {1: 40_001, 2: 801}

# Counts in the example rows are 0 and 1: beyond this lies a mass of 1e-30.
_MOST_COUNTED = 30.0


def column_nodes(estimator, column, n_columns=1, shift=0.0):
    """Make nodes and weights for one column of training values.

    `shift`, in steps of the rule, moves the nodes: two shifts that agree show that the
    rule resolves the density.
    """
    if is_discrete(estimator):
        levels = np.unique(column)
        if getattr(estimator, "_open_levels", False):
            levels = np.append(levels, levels[-1] + 1.0)  # one never seen
        if getattr(estimator, "_counts", False):
            levels = np.arange(_MOST_COUNTED)
        return levels, np.ones(len(levels))
    reach = _REACH[n_columns]
    n_nodes = _N_NODES[n_columns]
    if rows_are_steps(estimator):  # a sequence of its own for every node
        n_nodes = n_nodes // 2 + 1
    t, step = np.linspace(-reach, reach, n_nodes, retstep=True)
    t += shift * step
    scale = 0.5 * column.std()
    return np.median(column) + scale * np.sinh(t), step * scale * np.cosh(t)


def grid(estimator, X, shift=0.0):
    """Make product nodes over all columns of X: points, weights and the columns'."""
    columns = [column_nodes(estimator, x, X.shape[1], shift) for x in X.T]
    mesh = np.meshgrid(*[nodes for nodes, _ in columns], indexing="ij")
    points = np.stack([axis.ravel() for axis in mesh], axis=1)
    weights = np.ones(1)
    for _, weight in columns:
        weights = np.outer(weights, weight).ravel()
    return points, weights, [nodes for nodes, _ in columns]


def cell_masses(nodes, masses, n_cells):
    """Group the nodes of each column into cells; return their edges and masses.

    Edges lie midway between nodes (so a node's mass belongs to one cell) where the
    column's marginal distribution passes multiples of 1 / n_cells.
    """
    masses = masses.reshape([len(axis) for axis in nodes])
    edges = []
    for j, axis in enumerate(nodes):
        others = tuple(k for k in range(len(nodes)) if k != j)
        marginal = masses.sum(axis=others)
        cumulative = np.cumsum(marginal) / marginal.sum()
        targets = np.arange(1, n_cells) / n_cells
        if len(axis) <= n_cells:
            cut = np.arange(len(axis) - 1)
        else:
            cut = np.unique(np.searchsorted(cumulative, targets))
            cut = cut[cut < len(axis) - 1]
        edges.append((axis[cut] + axis[cut + 1]) / 2.0)
        starts = np.concatenate([[0], cut + 1])
        masses = np.add.reduceat(masses, starts, axis=j)
    return edges, masses


def assert_draws_follow(draws, edges, masses, what):
    """Chi-square test of draws against the masses of cells."""
    n_draws = len(draws)
    index = [np.searchsorted(edge, x) for edge, x in zip(edges, draws.T, strict=True)]
    counts = np.zeros(masses.shape)
    np.add.at(counts, tuple(index), 1.0)
    expected = n_draws * masses / masses.sum()
    rare = expected < 5.0  # too few for the chi-square limit: one cell together
    observed = np.append(counts[~rare], counts[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    impossible = expected == 0.0
    assert not observed[impossible].any(), (
        f"{what}: {observed[impossible].sum():.0f} of {n_draws} draws fall where the "
        "density is zero."
    )
    kept = ~impossible
    # The lumped cell may still be too small to test on its own.
    kept[-1] &= expected[-1] >= 5.0
    statistic = np.sum((observed[kept] - expected[kept]) ** 2 / expected[kept])
    degrees = max(kept.sum() - 1, 1)
    p_value = chi2.sf(statistic, degrees)
    assert p_value > FALSE_ALARM_RATE, (
        f"{what}: draws disagree with scores (chi-square {statistic:.1f} on "
        f"{degrees} degrees of freedom, p = {p_value:.1e} over {n_draws} draws)."
    )
