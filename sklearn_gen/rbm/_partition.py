r"""Log Z of a machine, and log p of rows of which some cells are not observed.

Observed units add c + W F to the inputs of the hidden units and leave a smaller
machine of the free units, so that

.. math:: p(v_{obs}) = Z(v_{obs}) / Z

is a ratio of two partition functions. Either is exact where one layer can be
enumerated.
"""

from typing import NamedTuple

import numpy as np

from sklearn_gen._blocks import missing_patterns
from sklearn_gen._kernels.partition_chains import Path, anneal
from sklearn_gen._kernels.randomness import seed_streams
from sklearn_gen.rbm._machine import Machine, base_terms, hidden_input, unnormalised
from sklearn_gen.rbm._partition_annealed import (
    LogPartition,
    draw_reference,
    estimate_log_partition,
    log_mean,
    log_reference,
    path_between,
)
from sklearn_gen.rbm._partition_states import log_sum, log_sums_given, states_of
from sklearn_gen.rbm._units import Units

MAX_STATES = 2**22
# Of rows whose free units can't be enumerated. Every row has the same random numbers.
_ROW_CHAINS = 32
_ROW_TEMPERATURES = 300


def log_partition(
    machine,
    units,
    reference,
    rng,
    *,
    max_states=MAX_STATES,
    n_chains=100,
    n_temperatures=1000,
    starts=None,
    run=map,
):
    """Compute log Z by enumeration of a layer, or bracket it by annealed chains.

    Parameters
    ----------
    machine : Machine
        Of H hidden units and P visible features.
    units : Units
        Visible units.
    reference : ndarray of shape (P,)
        Visible biases of independent units that the chains start from.
    rng : Generator
        Source of randomness of the chains.
    max_states : int, default=2**22
        A layer that has no more states is enumerated.
    n_chains : int, default=100
        Chains in either direction.
    n_temperatures : int, default=1000
        Steps of a chain.
    starts : ndarray of shape (n, P) or None, default=None
        Features that are near draws of the machine.
    run : callable, default=map
        As `map`.

    Returns
    -------
    log_z : LogPartition
    """
    states = states_of(machine, units, max_states)
    if states is not None:
        value = log_sum(states, run)
        return LogPartition(value, (value, value))
    return estimate_log_partition(
        machine,
        units,
        reference,
        rng,
        n_chains=n_chains,
        n_temperatures=n_temperatures,
        starts=starts,
        run=run,
    )


class Clamped(NamedTuple):
    """What rows of one pattern leave of a machine.

    Attributes
    ----------
    rows : ndarray of int
        Where the rows stand in the table.
    free : ndarray of shape (P,), bool
        Features of the units that are not observed.
    machine : Machine
        Of the free units; hidden biases are 0.
    units : Units
        The free units.
    inputs : ndarray of shape (n, H)
        Hidden biases of each row: c + W F of what is observed.
    offset : ndarray of shape (n,)
        Terms of the observed units alone.
    """

    rows: np.ndarray
    free: np.ndarray
    machine: Machine
    units: Units
    inputs: np.ndarray
    offset: np.ndarray


def clamp(F, units, machine):
    """Yield a `Clamped` for each pattern of missing units, complete rows first.

    Parameters
    ----------
    F : ndarray of shape (n, P)
        Features; NaN in every feature of a unit that is not observed.
    units : Units
        Visible units.
    machine : Machine
        Of H hidden units and P visible features.
    """
    for observed, rows in missing_patterns(F[:, units.first[:-1]]):
        missing = np.zeros(units.n_units, bool) if observed is None else ~observed
        free = missing[units.of_feature]
        filled = np.where(free, 0.0, F[rows])
        terms = base_terms(filled, units, machine)[:, ~missing].sum(axis=1)
        n_levels = units.n_levels[missing]
        yield Clamped(
            rows,
            free,
            Machine(
                np.ascontiguousarray(machine.weights[:, free]),
                machine.visible[free],
                np.zeros_like(machine.hidden),
                machine.precision[free],
            ),
            Units(
                units.kinds[missing],
                np.concatenate([[0], np.cumsum(n_levels)]).astype(np.int64),
                units.trials[missing],
            ),
            hidden_input(filled, machine),
            terms + filled @ machine.visible,
        )


def log_observed(
    F, units, machine, reference, log_z, *, max_states=MAX_STATES, run=map
):
    r"""Compute log of the unnormalised p(observed cells) of each row.

    Parameters
    ----------
    F : ndarray of shape (n, P)
        Features; NaN in every feature of a unit that is not observed.
    units : Units
        Visible units.
    machine : Machine
        Of H hidden units and P visible features.
    reference : ndarray of shape (P,)
        Visible biases of independent units.
    log_z : LogPartition
        Of the machine: what a row without any observed cell has.
    max_states : int, default=2**22
        Free units, or hidden ones, that have no more states are enumerated. Of other
        rows it is an annealed estimate, low on average, from random numbers that are
        always the same: equal rows have equal values whatever is beside them.
    run : callable, default=map
        As `map`.

    Returns
    -------
    log_prob : ndarray of shape (n,)
    """
    out = np.empty(len(F))
    for part in clamp(F, units, machine):
        if not part.free.any():
            out[part.rows] = unnormalised(F[part.rows], units, machine)
        elif part.free.all():
            out[part.rows] = log_z.value
        else:
            states = states_of(part.machine, part.units, max_states)
            if states is not None:
                sums = log_sums_given(states, part.inputs, run)
            else:
                annealed = annealed_rows(part, reference, log_z.betas, run)
                start = log_reference(
                    reference[part.free], part.units, len(machine.hidden)
                )
                sums = start + np.array([log_mean(w)[0] for w, _ in annealed])
            out[part.rows] = part.offset + sums
    return out


def annealed_rows(part, reference, betas, run=map, rng=None, n_chains=_ROW_CHAINS):
    """Chains of the free units of each row, annealed from independent units.

    Parameters
    ----------
    part : Clamped
        Rows of one pattern.
    reference : ndarray of shape (P,)
        Visible biases of independent units.
    betas : ndarray of shape (n_temperatures + 1,)
        Temperatures from which a part is taken, or none.
    run : callable, default=map
        As `map`.
    rng : Generator or None, default=None
        None: every row has the same random numbers, at every call.
    n_chains : int, default=32
        Of each row.

    Yields
    ------
    log_weights : ndarray of shape (n_chains,)
    F : ndarray of shape (n_chains, n_free)
        Chains at the machine.
    """
    even = np.linspace(0.0, 1.0, _ROW_TEMPERATURES + 1)
    if len(betas):
        even = np.interp(even, np.linspace(0.0, 1.0, len(betas)), betas)
    reference = reference[part.free]
    path = path_between(reference, part.machine, part.units)
    betas, empty = even.astype(np.float32), len(path.hidden) - part.inputs.shape[1]
    seeds = np.zeros(len(part.rows), np.int64)
    if rng is not None:
        seeds = rng.integers(2**63, size=len(part.rows))

    def anneal_row(row):
        inputs, seed = row
        rng = np.random.default_rng(seed)
        F = draw_reference(reference, part.units, n_chains, rng)
        hidden = np.pad(inputs, (0, empty)).astype(np.float32)
        of_row = Path(*path)._replace(hidden=hidden)
        log_weights, _, F = anneal(F, betas, seed_streams(rng), *of_row)
        return log_weights, F

    return run(anneal_row, zip(part.inputs, seeds, strict=True))
