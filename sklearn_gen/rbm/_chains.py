"""Draws of a machine, of all units or of some given the others.

Where a layer can be enumerated draws are exact and independent: a state of that layer
by its probability, the other layer given it. Elsewhere they are states of replicas that
exchange temperatures; of rows with observed units, chains that were annealed with these
clamped, one of them chosen by its weight.
"""

from functools import partial

import numpy as np
from scipy.special import expit, softmax

from sklearn_gen.rbm._chains_diagnostics import (
    ChainDiagnostics,
    effective_sample_size,
    r_hat,
)
from sklearn_gen.rbm._machine import (
    draw_visible,
    unnormalised,
    visible_input,
    visible_mean,
)
from sklearn_gen.rbm._partition import annealed_rows, clamp
from sklearn_gen.rbm._partition_annealed import (
    ascend,
    draw_reference,
    path_between,
    run_replicas,
    start_at,
    temperatures,
)
from sklearn_gen.rbm._partition_states import (
    features_of,
    log_weights,
    log_weights_given,
    n_hidden_states,
    n_visible_states,
    states_of,
)

# A layer with no more states is enumerated for draws: given observed units that is a
# table of probabilities for each row.
MAX_DRAWN_STATES = 2**14
_MAX_STATES_OF_ALL = 2**20
_DRAWN_CHAINS = 16  # of which one is chosen
_MEAN_CHAINS = 64
_TEMPERATURES = 500  # of chains that replicas start from


def draws_are_exact(units, n_hidden):
    """Whether draws come from an enumeration, also those given observed units."""
    n_states = min(n_hidden_states(n_hidden), n_visible_states(units))
    return bool(n_states <= MAX_DRAWN_STATES)


def draw(machine, units, reference, n_draws, rng, *, run=map, **chains):
    """Draw features of the machine.

    Parameters
    ----------
    machine : Machine
        Of H hidden units and P visible features.
    units : Units
        Visible units.
    reference : ndarray of shape (P,)
        Visible biases of independent units.
    n_draws : int
        Number of rows.
    rng : Generator
        Source of randomness.
    run : callable, default=map
        As `map`.
    **chains : dict
        `n_chains`, `burn_in`, `thinning`, `starts`: see `draw_chains`.

    Returns
    -------
    F : ndarray of shape (n_draws, P)
        Float64.
    """
    states = states_of(machine, units, _MAX_STATES_OF_ALL)
    if states is not None:
        log_p = log_weights(states, run)
        numbers = _pick(softmax(log_p)[None], rng.random((1, n_draws)))[0]
        return _given_states(states, numbers, machine, units, rng)
    kept, _ = draw_chains(machine, units, reference, n_draws, rng, run=run, **chains)
    return kept.reshape(-1, units.n_features)[:n_draws].astype(np.float64)


def draw_chains(
    machine,
    units,
    reference,
    n_draws,
    rng,
    *,
    n_chains=100,
    burn_in=100,
    thinning=10,
    starts=None,
    run=map,
):
    """Draw from replicas that exchange temperatures (parallel tempering).

    Parameters
    ----------
    machine : Machine
        Of H hidden units and P visible features.
    units : Units
        Visible units.
    reference : ndarray of shape (P,)
        Visible biases of independent units.
    n_draws : int
        Number of rows.
    rng : Generator
        Source of randomness.
    n_chains : int, default=100
        Sets of replicas. Rows come from one after the other, so that neighbours are
        of different chains.
    burn_in : int, default=100
        Sweeps before the first draw; the chains were annealed before.
    thinning : int, default=10
        Sweeps between two draws of a chain.
    starts : ndarray of shape (n, P) or None, default=None
        Features that are near draws of the machine: half of the chains start there.
    run : callable, default=map
        As `map`.

    Returns
    -------
    kept : ndarray of shape (n_kept, n_chains, P)
        At least `n_draws` states.
    accepted : ndarray of shape (n_rungs - 1,)
        Share of exchanges that took place.
    """
    n_chains = min(n_chains, n_draws)
    path = path_between(reference, machine, units)
    betas, rungs = temperatures(path, reference, units, _TEMPERATURES, rng)
    F = draw_reference(reference, units, n_chains, rng)
    _, replicas = ascend(F, betas, rungs, path, rng, run)
    if starts is not None:
        start_at(starts, replicas, betas, rungs, path, rng, run)
    sweep = partial(run_replicas, rungs=betas[rungs], path=path, rng=rng, run=run)
    if burn_in:
        _, replicas, _ = sweep(replicas, n_sweeps=burn_in, thinning=burn_in)
    n_kept = -(-n_draws // n_chains)
    kept, _, accepted = sweep(replicas, n_sweeps=n_kept * thinning, thinning=thinning)
    return kept, accepted


def diagnose(kept, accepted, units, machine):
    """Compare chains by log p(x) and by each feature.

    Parameters
    ----------
    kept : ndarray of shape (n_kept, n_chains, P)
        Draws of `draw_chains`, at least 4 of each chain.
    accepted : ndarray of shape (n_rungs - 1,)
        Share of exchanges that took place.
    units : Units
        Visible units.
    machine : Machine
        Of H hidden units and P visible features.

    Returns
    -------
    diagnostics : ChainDiagnostics
    """
    flat = kept.reshape(-1, kept.shape[2]).astype(np.float64)
    log_p = unnormalised(flat, units, machine).reshape(kept.shape[:2])
    worst = max(float(r_hat(log_p)), float(r_hat(kept).max()))
    return ChainDiagnostics(worst, effective_sample_size(log_p), log_p.size, accepted)


def _pick(probabilities, uniforms):
    """Numbers by inverse distribution function, a row of uniforms for each row."""
    cumulated = np.cumsum(probabilities, axis=1)
    last = cumulated.shape[1] - 1
    at = [
        np.searchsorted(c, u * c[-1], side="right")
        for c, u in zip(cumulated, uniforms, strict=True)
    ]
    return np.minimum(at, last)


def _given_states(states, numbers, machine, units, rng):
    """Features of drawn states, or drawn given them."""
    F = features_of(states, numbers)
    if not states.hidden:
        return F
    return draw_visible(visible_input(F, machine), units, machine, rng)


def draw_missing(F, units, machine, reference, betas, rng, *, run=map):
    """Replace what is not observed by draws given what is.

    Parameters
    ----------
    F : ndarray of shape (n, P)
        Float64 features; NaN in every feature of a unit that is not observed.
    units : Units
        Visible units.
    machine : Machine
        Of H hidden units and P visible features.
    reference : ndarray of shape (P,)
        Visible biases of independent units.
    betas : ndarray of shape (n_temperatures + 1,) or (0,)
        Temperatures for chains.
    rng : Generator
        Source of randomness.
    run : callable, default=map
        As `map`.

    Returns
    -------
    F : ndarray of shape (n, P)
    """
    out = F.copy()
    for part in clamp(F, units, machine):
        if not part.free.any():
            continue
        states = states_of(part.machine, part.units, MAX_DRAWN_STATES)
        if states is not None:
            uniforms = iter(rng.random((len(part.rows), 1)))
            drawn = [
                _pick(softmax(w, axis=1), [next(uniforms) for _ in w]).ravel()
                for w in log_weights_given(states, part.inputs, run)
            ]
            numbers = np.concatenate(drawn)
            drawn = _given_states(states, numbers, part.machine, part.units, rng)
        else:
            uniforms = rng.random((len(part.rows), 1))
            chains = annealed_rows(part, reference, betas, run, rng, _DRAWN_CHAINS)
            drawn = [
                F[_pick(softmax(w)[None], u[None])[0, 0]]
                for (w, F), u in zip(chains, uniforms, strict=True)
            ]
        out[np.ix_(part.rows, part.free)] = drawn
    return out


def mean_missing(F, units, machine, reference, betas, *, run=map):
    """Replace what is not observed by expected features given what is.

    Parameters are those of `draw_missing`; where chains are needed, every row has the
    same random numbers at every call.

    Returns
    -------
    F : ndarray of shape (n, P)
        Of categorical units the probabilities of their levels.
    """
    out = F.copy()
    for part in clamp(F, units, machine):
        if not part.free.any():
            continue
        free, free_units = part.machine, part.units
        states = states_of(free, free_units, MAX_DRAWN_STATES)
        if states is not None:
            values = features_of(states, np.arange(states.count))
            if states.hidden:
                values = visible_mean(visible_input(values, free), free_units, free)
            means = [
                softmax(w, axis=1) @ values
                for w in log_weights_given(states, part.inputs, run)
            ]
            out[np.ix_(part.rows, part.free)] = np.concatenate(means)
            continue
        chains = annealed_rows(part, reference, betas, run, n_chains=_MEAN_CHAINS)
        for row, inputs, (w, drawn) in zip(part.rows, part.inputs, chains, strict=True):
            out[row, part.free] = softmax(w) @ _smoothed(drawn, inputs, part)
    return out


def mean_hidden(F, units, machine, reference, betas, *, run=map):
    """Probabilities of the hidden units given what is observed.

    Parameters are those of `mean_missing`.

    Returns
    -------
    chance : ndarray of shape (n, H)
    """
    out = np.empty((len(F), len(machine.hidden)))
    for part in clamp(F, units, machine):
        free = part.machine
        if not part.free.any():
            out[part.rows] = expit(part.inputs)
            continue
        states = states_of(free, part.units, MAX_DRAWN_STATES)
        if states is None:
            chains = annealed_rows(part, reference, betas, run, n_chains=_MEAN_CHAINS)
            weighted = [(softmax(w), F @ free.weights.T) for w, F in chains]
        else:
            values = features_of(states, np.arange(states.count))
            sums = log_weights_given(states, part.inputs, run)
            if states.hidden:
                means = [softmax(w, axis=1) @ values for w in sums]
                out[part.rows] = np.concatenate(means)
                continue
            added = values @ free.weights.T
            weighted = ((softmax(w), added) for some in sums for w in some)
        for row, inputs, (p, added) in zip(
            part.rows, part.inputs, weighted, strict=True
        ):
            out[row] = p @ expit(added + inputs)
    return out


def _smoothed(drawn, inputs, part):
    """Expected features after one more sweep: less noisy than the features drawn."""
    free, free_units = part.machine, part.units
    rng = np.random.default_rng(0)
    chance = expit(drawn.astype(np.float64) @ free.weights.T + inputs)
    h = (rng.random(chance.shape) < chance).astype(np.float64)
    return visible_mean(visible_input(h, free), free_units, free)
