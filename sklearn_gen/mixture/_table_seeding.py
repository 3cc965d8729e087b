"""Starts of mixtures of tables, their growth, and how many components pay."""

from typing import NamedTuple

import numpy as np

from sklearn_gen._blocks import sum_blocks, workers
from sklearn_gen._components import draw_components
from sklearn_gen._em import Run
from sklearn_gen._seeding import inverse_cdf, sorted_order
from sklearn_gen.mixture._table_smoothing import choose_smoothing
from sklearn_gen.mixture._table_types import TableParams

# Iterations at each size while the right one is looked for: on Adult, 40 instead of 12
# change held-out likelihoods by less than 0.1 nats and never the size chosen.
_SHORT = 12
_SEED_SMOOTHING = 0.1
# Growth ends at the first size that gains nothing; of small ones two in a row.
_SMALL = 32
# A seed is so many copies of a row, and one mean row.
_SEED_ROWS = 3.0
# So many seeds at most are chosen far apart; more cover the table anyway.
_MOST_SPREAD = 128


# Nats per row: no size pays that gains less. Of constant columns all are alike.
_LEAST_GAIN = 1e-5


class Trial(NamedTuple):
    """What one size reached on rows held out, nats per row."""

    n_components: int
    held_out: float


def expect(columns, params, blocks):
    """Sum the statistics of blocks, in this thread."""
    return sum_blocks(map, columns.e_step(params), blocks)


def single(columns, blocks):
    """Statistics of one component that has all rows, and what they were taken with."""
    whole = TableParams(
        np.ones(1),
        tuple(np.zeros((2 ** len(mask), 1)) for mask in columns.masks),
        tuple(
            family and family.m_step(family.prior(1.0)[:, None])
            for family in columns.families
        ),
    )
    return expect(columns, whole, blocks), whole


def sprout(columns, stats, params, X, sample_weight, n_new, rng, keep=True):
    """Add components, each of one row of the table and the mean row of its component.

    Rows are drawn in proportion to their weight, so that large components split more.

    Parameters
    ----------
    columns : Columns
        The columns of the model.
    stats : TableStats
        Of the components there are.
    params : TableParams
        Theirs.
    X : ndarray of shape (n_samples, n_features)
        Rows of the table, NaN where missing.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights; None is ones.
    n_new : int
        How many to add.
    rng : numpy.random.Generator
        Source of randomness.
    keep : bool
        Whether the components there are stay.

    Returns
    -------
    params : TableParams
        Parameters of all components.
    """
    spread = not keep and n_new <= _MOST_SPREAD
    n_rows = 4 * n_new + 100 if spread else n_new
    rows = X[_drawn(X, sample_weight, n_rows, rng)]
    # Not by map over blocks: some hundred rows.
    _, resp = columns.posterior(rows, params, map, with_resp=True)
    parent = draw_components(resp, rng)
    whole = np.maximum(stats.resp[parent], np.finfo(float).tiny)
    own = _select(params, parent)
    seeds = columns.one_row_each(rows, own)
    sprouts = columns.m_step(
        seeds._replace(
            resp=_SEED_ROWS * seeds.resp + 1.0,
            counts=_SEED_ROWS * seeds.counts + stats.counts[:, parent] / whole,
            moments=_SEED_ROWS * seeds.moments + stats.moments[:, parent] / whole,
        ),
        _SEED_SMOOTHING,
        own,
    )
    if spread:
        sprouts = _select(sprouts, _far_apart(columns, rows, sprouts, n_new, rng))
        sprouts = sprouts._replace(weights=np.full(n_new, 1.0 / n_new))
    if not keep:
        return sprouts
    half = params.weights / 2.0
    share = half[parent] / np.bincount(parent, minlength=len(half))[parent]
    childless = np.bincount(parent, minlength=len(half)) == 0
    weights = np.concatenate([np.where(childless, 2.0, 1.0) * half, share])
    return _join(params, sprouts)._replace(weights=weights / weights.sum())


def _far_apart(columns, rows, seeds, n_chosen, rng):
    """Choose components, each of a row, by k-means++.

    How far a row is from a component: how much less likely it is there than in its own.
    """
    log_prob, resp = columns.posterior(rows, seeds, map, with_resp=True)
    with np.errstate(divide="ignore"):
        log_joint = np.log(resp) - np.log(seeds.weights) + log_prob[:, None]
    gap = np.maximum(log_joint.diagonal()[:, None] - log_joint, 0.0)
    gap = np.minimum(np.nan_to_num(gap, nan=0.0, posinf=700.0), 700.0)
    n_trials = 2 + int(np.log(n_chosen))  # of which the best is taken, as in k-means
    chosen = [int(rng.integers(len(rows)))]
    nearest = gap[:, chosen[0]]
    while len(chosen) < n_chosen:
        cumulated = (
            np.cumsum(nearest) if nearest.any() else np.arange(1.0, len(gap) + 1)
        )
        target = rng.random(n_trials) * cumulated[-1]
        places = np.searchsorted(cumulated, target, side="right")
        places = np.minimum(places, len(gap) - 1)
        left = np.minimum(nearest[:, None], gap[:, places]).sum(axis=0)
        chosen.append(int(places[left.argmin()]))
        nearest = np.minimum(nearest, gap[:, chosen[-1]])
    return np.array(chosen)


def _drawn(X, sample_weight, size, rng):
    """Rows by weight, among sorted ones: repeats and weights then mean the same."""
    order = sorted_order(X)
    weight = np.ones(len(X)) if sample_weight is None else sample_weight
    return order[inverse_cdf(weight[order], rng.random(size))]


def _map(function, *many):
    """Apply a function to every array of parameters, in all of them side by side."""
    columns = tuple(
        None
        if own[0] is None
        else type(own[0])(*(function(*fields) for fields in zip(*own, strict=True)))
        for own in zip(*(params.columns for params in many), strict=True)
    )
    weights = function(*(params.weights for params in many))
    missing = tuple(
        function(*own) for own in zip(*(params.missing for params in many), strict=True)
    )
    return TableParams(weights, missing, columns)


def _select(params, component):
    return _map(lambda array: array[..., component], params)


def _join(left, right):
    return _map(lambda x, y: np.concatenate([x, y], axis=-1), left, right)


def split_rows(n_rows, rng):
    """Rows to fit to and rows to hold out: a tenth, more of small tables."""
    share = np.clip(300.0 / n_rows, 0.1, 0.3)
    order = rng.permutation(n_rows)
    n_held = max(1, int(np.round(share * n_rows)))
    return np.sort(order[n_held:]), np.sort(order[:n_held])


def search(model, columns, X, sample_weight, sizes, rng):
    """Grow a mixture while rows held out gain by it, by more than a standard error.

    Yields runs on part of the rows, to be iterated by the caller; returns the best
    parameters, their smoothing, and all trials.
    """
    fitted, held = split_rows(len(X), rng)
    weights = [None, None]
    if sample_weight is not None:
        weights = [sample_weight[fitted], sample_weight[held]]
    columns = columns.learned_from(X[fitted], weights[0])
    some = columns.blocks(X[fitted], weights[0])
    stats, params = single(columns, some)
    best, trials, tried, worse = None, [], [], 0
    for size in sizes:
        grown = len(params.weights)
        if size == 1:
            params = columns.m_step(stats, model.smoothing_, params)
        else:
            params = sprout(
                columns,
                stats,
                params,
                X[fitted],
                weights[0],
                size - grown if grown > 1 else size,
                rng,
                keep=grown > 1,
            )
        run = Run(params, blocks=some, tol=1e-9, max_iter=_SHORT, merit=-np.inf)
        yield run
        (stats, before), params = run.last, run.params
        if model.smoothing == "auto" and size > 1:
            model.smoothing_ = choose_smoothing(
                columns, stats, before, model.smoothing_, X[held], weights[1]
            )
            params = columns.m_step(stats, model.smoothing_, before)
        with workers(model.n_jobs) as map_blocks:
            scores, _ = columns.posterior(X[held], params, map_blocks, False)
        trials.append(Trial(size, float(np.average(scores, weights=weights[1]))))
        # An interruption keeps the best so far; later, none of these.
        run.merit = trials[-1].held_out
        tried.append(run)
        if best is None or _is_better(scores, best[0], weights[1]):
            best, worse = (scores, params, model.smoothing_), 0
        else:
            worse += 1
        if worse == 2 or (worse and size >= _SMALL):
            break
    for run in tried:
        run.merit = -np.inf
    return best[1], best[2], trials


def _is_better(scores, others, weight):
    """Whether a mean gain exceeds its standard error."""
    gain = np.where(scores == others, 0.0, scores - others)
    least = gain.std() / np.sqrt(len(gain)) + _LEAST_GAIN
    return np.average(gain, weights=weight) > least
