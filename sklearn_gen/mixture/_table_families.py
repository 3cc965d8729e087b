"""Which family each column of a table is of."""

import numpy as np
from scipy.special import logsumexp

from sklearn_gen._columns import (
    describe_family,
    families_of_kind,
    refuse_levels,
    wanted_families,
)
from sklearn_gen._validation import warn
from sklearn_gen.base import DegenerateDataWarning
from sklearn_gen.mixture._gaussian_block import GaussianBlock
from sklearn_gen.mixture._table_seeding import expect, single, split_rows, sprout
from sklearn_gen.mixture._tables import Columns

# Families are compared on at most so many rows, in a mixture of at most so many
# components: which family fits best shows early.
_ROWS = 5000
_COMPONENTS = 16
_ITERATIONS = 8
_STEPS = 4  # of families that take EM, per smoothing
# A pseudo-row of the whole column costs families of few parameters more.
_SMOOTHINGS = (0.1, 1.0)


def choose_families(
    table, wanted, X, sample_weight, rng, left_out=(), n_components="auto", block=()
):
    """Describe every column that is modelled.

    Parameters
    ----------
    table : Layout
        The columns modelled.
    wanted : str or dict
        Family of all columns, or of those named; 'auto' and columns not named: by kind,
        and for numbers by held-out likelihood.
    X : ndarray of shape (n_samples, n_modelled)
        NaN where missing.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights; None is ones.
    rng : numpy.random.Generator
        Source of randomness.
    left_out : collection of int
        Columns that take no part.
    n_components : int or 'auto'
        Families are compared in a mixture of about as many.
    block : tuple of int
        Columns that are jointly Gaussian.

    Returns
    -------
    families : list of Family, Tabulated, GaussianBlock or None
        None for those left out, and of a block for all but the first.
    """
    _warn_if_nothing_is_left(table)
    families, undecided = [], {}
    for j, name in enumerate(wanted_families(table, wanted)):
        refuse_levels(name, table.columns[j])  # even where nothing comes of it
        if j in left_out or j in block:
            families.append(None)
            continue
        x, weight = _observed(X, sample_weight, j)
        if name == "auto":
            name, candidates = families_of_kind(table.columns[j], x)
            if len(candidates) > 1:
                undecided[j] = candidates
        families.append(describe_family(name, table.columns[j], x, weight))
    if block:
        families[block[0]] = GaussianBlock.from_rows(block, X[:, block], sample_weight)
    if undecided:
        most = _COMPONENTS
        if n_components != "auto":  # twice as many, lest groups stay together
            most = min(most, 2 * n_components if n_components > 1 else 1)
        _decide(families, undecided, table, X, sample_weight, rng, most)
    return families


def _warn_if_nothing_is_left(table):
    if table.schema.identifier_columns and not table.columns:
        warn(
            "All columns only name rows, so that nothing is modelled: every row scores "
            "0 nats, and draws are new names. If they say something, set "
            "identifiers=None.",
            DegenerateDataWarning,
        )


def _observed(X, sample_weight, j):
    there = ~np.isnan(X[:, j])
    return X[there, j], None if sample_weight is None else sample_weight[there]


def _decide(families, undecided, table, X, sample_weight, rng, most):
    """Replace histograms by what scores rows held out better, given other columns."""
    rows, weight = X, sample_weight
    if len(X) > _ROWS:
        some = np.sort(rng.choice(len(X), _ROWS, replace=False))
        rows, weight = X[some], None if weight is None else weight[some]
    if len(rows) < 4:
        return
    fitted, held = split_rows(len(rows), rng)
    weight = np.ones(len(rows)) if weight is None else weight
    columns = Columns(families, [])
    params = _pilot(columns, rows[fitted], weight[fitted], rng, most)
    log_weights = np.log(params.weights)
    own = np.zeros((len(families), len(rows), len(log_weights)))
    for j, family in enumerate(families):
        if family is not None:
            there, x = columns.observed(rows, j)
            own[j, there] = family.log_prob(x, params.columns[j])
    joint = log_weights + own.sum(axis=0)
    for j, candidates in undecided.items():
        # p(k | the other columns): what a column adds beyond what they say
        log_resp = joint - own[j]
        log_resp -= logsumexp(log_resp, axis=1, keepdims=True)
        there = ~np.isnan(rows[:, j])
        learn = np.intersect1d(fitted, np.flatnonzero(there))
        judge = np.intersect1d(held, np.flatnonzero(there))
        if len(learn) == 0 or len(judge) == 0:
            continue
        x, trials = rows[learn, j], []
        resp = np.exp(log_resp[learn]) * weight[learn, None]
        for name in candidates:
            family = describe_family(name, table.columns[j], x, weight[learn])
            stats = fit = None
            for smoothing in _SMOOTHINGS:
                for _ in range(_STEPS if family.has_latent else 1):
                    if stats is None or family.has_latent:
                        stats = family.stats(x, resp, fit)
                    fit = family.m_step(stats, family.prior(smoothing), fit)
                trials.append(family.log_prob(rows[judge, j], fit))
        # at once: one call each took a fifth of the fit to 200 columns
        found = np.maximum(logsumexp(trials + log_resp[judge], axis=2), -1e6)
        found = found.reshape(len(candidates), len(_SMOOTHINGS), len(judge))
        scores = {
            name: max(own, key=weight[judge].dot)
            for name, own in zip(candidates, found, strict=True)
        }
        best = _best(scores, weight[judge], len(X) > _ROWS)
        if best != "histogram":
            x, weight_of = _observed(X, sample_weight, j)
            families[j] = describe_family(best, table.columns[j], x, weight_of)


def _best(scores, weight, has_more):
    """Name of the family of highest mean score.

    Histograms gain by more rows: where the table has more than were compared, another
    family must be better by a standard error.
    """
    best = max(scores, key=lambda name: weight @ scores[name])
    if "histogram" not in scores:
        return best
    gain = scores[best] - scores["histogram"]
    if has_more and np.average(gain, weights=weight) * len(gain) ** 0.5 < gain.std():
        return "histogram"
    return best


def _pilot(columns, X, weight, rng, most):
    """A small mixture, a few steps of EM."""
    blocks = columns.blocks(X, weight)
    stats, nothing = single(columns, blocks)
    params = columns.m_step(stats, 1.0, nothing)
    n_components = int(np.clip(len(X) // 25, 1, most))
    if n_components == 1:
        return params
    params = sprout(columns, stats, params, X, weight, n_components, rng, keep=False)
    for _ in range(_ITERATIONS):
        params = columns.m_step(expect(columns, params, blocks), 1.0, params)
    return params
