r"""Log Z of machines too large to enumerate, between two annealed estimates.

Chains go from a reference of independent units, whose log Z is known, to the machine
and collect importance weights (annealed importance sampling, Neal 2001; Salakhutdinov &
Murray 2008). Their mean is unbiased for Z, so its logarithm is low on average: a
stochastic lower bound. Chains that start at the machine and go to the reference have
weights of mean 1 / Z, which bound log Z from above (Burda, Grosse & Salakhutdinov 2015,
Grosse, Ghahramani & Adams 2015), as far as their starts are draws of the machine. These
come from replicas that exchange temperatures, started from the first chains.
Bennett's acceptance ratio (1976) makes one estimate of both, the most precise.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, log_expit, logsumexp

from sklearn_gen._kernels.partition_chains import Path, anneal, exchange
from sklearn_gen._kernels.randomness import seed_streams
from sklearn_gen.rbm._machine import Machine, draw_visible, log_units

# Chains of one kernel call: products of fewer rows are slower.
_BLOCK_CHAINS = 50
_BLOCK_REPLICAS = 25
_HIDDEN_MULTIPLE = 16  # whole vectors of float32
# The share of temperatures that is spread evenly, whatever the pilot says.
_EVEN = 0.1
# log p at neighbouring rungs should differ by about as many standard deviations: nearly
# half of the exchanges are then accepted.
_RUNG_DEVIATIONS = 1.5
_MOST_RUNGS = 24
_LEAST_SWEEPS = 100
# Standard errors beyond each bound: 99.9 % of a normal distribution.
_DEVIATIONS = 3.0


class LogPartition(NamedTuple):
    """Log Z, exact or between two bounds.

    Attributes
    ----------
    value : float
        log Z; of an estimate, by Bennett's acceptance ratio.
    interval : tuple of float
        The lower bound less, and the upper bound plus, 3 standard errors of theirs.
    standard_error : float
        Of the value; of modes that no chain visits it knows nothing.
    betas : ndarray of shape (n_temperatures + 1,)
        Temperatures of the chains; none where log Z is exact.
    rungs : ndarray of shape (n_rungs,)
        Those of replicas whose neighbours exchange often enough.
    """

    value: float
    interval: tuple
    standard_error: float = 0.0
    betas: np.ndarray = np.empty(0)
    rungs: np.ndarray = np.empty(0)

    @property
    def kind(self):
        """Nature of `value`: 'exact' or 'estimate'."""
        return "estimate" if len(self.betas) else "exact"


def path_between(reference, machine, units, dtype=np.float32):
    """Fields of the kernels' path, hidden units filled up to whole vectors."""
    empty = -len(machine.hidden) % _HIDDEN_MULTIPLE
    arrays = Path(
        np.pad(machine.weights, ((0, empty), (0, 0))),
        np.pad(machine.hidden, (0, empty)),
        reference,
        machine.visible - reference,
        np.ones(len(reference)),
        machine.precision - 1.0,
        units.kinds,
        units.first,
        units.trials,
    )
    return Path(*(a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays))


def _independent(reference):
    n_features = len(reference)
    no_hidden = np.zeros((0, n_features)), reference, np.zeros(0), np.ones(n_features)
    return Machine(*no_hidden)


def log_reference(reference, units, n_hidden):
    """Compute log Z of the reference and hidden units of even odds."""
    log_z = log_units(reference[None], units, _independent(reference))[0]
    return float(log_z + n_hidden * np.log(2.0))


def draw_reference(reference, units, n_chains, rng, dtype=np.float32):
    """Draw features of independent units, shape (n_chains, P)."""
    T = np.tile(reference, (n_chains, 1))
    return draw_visible(T, units, _independent(reference), rng).astype(dtype)


def estimate_log_partition(
    machine,
    units,
    reference,
    rng,
    *,
    n_chains=100,
    n_temperatures=1000,
    starts=None,
    run=map,
    dtype=np.float32,
):
    """Estimate log Z from below and from above.

    Parameters
    ----------
    machine : Machine
        Of H hidden units and P visible features.
    units : Units
        Visible units.
    reference : ndarray of shape (P,)
        Visible biases of independent units; their precisions are 1.
    rng : Generator
        Source of randomness.
    n_chains : int, default=100
        Chains in either direction.
    n_temperatures : int, default=1000
        Steps of a chain; the gap between the bounds falls in inverse proportion.
    starts : ndarray of shape (n, P) or None, default=None
        Features that are near draws of the machine, from training: every second chain
        of replicas starts there, and the higher of both halves' bounds counts. So
        modes are seen that no path from the reference leads to.
    run : callable, default=map
        As `map`; every number of threads gives the same bytes.
    dtype : dtype, default=float32
        Of the sweeps; weights are summed in float64.

    Returns
    -------
    log_z : LogPartition
    """
    path = path_between(reference, machine, units, dtype)
    betas, rungs = temperatures(path, reference, units, n_temperatures, rng)
    F = draw_reference(reference, units, n_chains, rng, dtype)
    forward, replicas = ascend(F, betas, rungs, path, rng, run)
    if starts is not None:
        start_at(starts, replicas, betas, rungs, path, rng, run)
    n_sweeps = max(_LEAST_SWEEPS, n_temperatures // len(rungs))
    _, replicas, _ = run_replicas(
        replicas, betas[rungs], n_sweeps, n_sweeps, path, rng, run
    )
    down = np.array([0, n_temperatures])
    backward, _ = ascend(replicas[:, -1], betas[::-1], down, path, rng, run)
    halves = [backward]
    if starts is not None and n_chains > 1:
        halves = [backward[::2], backward[1::2]]
    value, error, lower, upper = _bracket(forward, halves)
    shift = log_reference(reference, units, len(machine.hidden))
    interval = shift + lower, shift + upper
    return LogPartition(shift + value, interval, error, betas, betas[rungs])


def temperatures(path, reference, units, n_steps, rng):
    """Choose temperatures by a pilot run.

    Returns
    -------
    betas : ndarray of shape (n_steps + 1,)
        From 0 to 1, so that log p moves by equal numbers of its standard deviations.
    rungs : ndarray of int
        Places in `betas` of temperatures for replicas.
    """
    dtype = path.weights.dtype
    F = draw_reference(reference, units, _BLOCK_CHAINS, rng, dtype)
    even = np.linspace(0.0, 1.0, max(50, n_steps // 10) + 1)
    _, terms, _ = anneal(F, even.astype(dtype), seed_streams(rng), *path)
    spread = terms.std(axis=1)
    betas = _equal_steps(even, spread, n_steps).astype(dtype)
    n_rungs = np.clip(np.ceil(spread.sum() / _RUNG_DEVIATIONS) + 1, 3, _MOST_RUNGS)
    rungs = np.linspace(0, n_steps, int(n_rungs)).round().astype(int)
    return betas, np.unique(rungs)


def _equal_steps(betas, spread, n_steps):
    """Temperatures between which log p moves by equal numbers of its deviations."""
    length = np.concatenate([[0.0], np.cumsum(spread)])
    if length[-1] > 0.0:
        length /= length[-1]
    length = (1.0 - _EVEN) * length + _EVEN * betas
    steps = np.interp(np.linspace(0.0, length[-1], n_steps + 1), length, betas)
    steps[0], steps[-1] = 0.0, 1.0
    return steps


def _blocks(chains, size, rng):
    """Chains of each kernel call, and random streams for them."""
    return [
        (chains[i : i + size], np.random.default_rng(rng.integers(2**63)))
        for i in range(0, len(chains), size)
    ]


def ascend(F, betas, rungs, path, rng, run=map):
    """Anneal chains along ``betas``; at the rungs, choose some by their weights.

    Returns
    -------
    log_weights : ndarray of shape (n,)
        Of the chains at the end.
    replicas : ndarray of shape (n, n_rungs, P)
        Chains at each rung, the first and the last temperature among them.
    """

    def go(block):
        F, rng = block
        log_weights = np.zeros(len(F))
        shots = [(F, log_weights)]
        for begin, end in pairwise(rungs):
            steps = betas[begin : end + 1]
            gained, _, F = anneal(F, steps, seed_streams(rng), *path)
            log_weights = log_weights + gained
            shots.append((F, log_weights))
        return shots

    blocks = list(run(go, _blocks(F, _BLOCK_CHAINS, rng)))
    shots = [
        tuple(np.concatenate(parts) for parts in zip(*shot, strict=True))
        for shot in zip(*blocks, strict=True)
    ]
    replicas = np.stack([_resample(*shot, rng) for shot in shots], axis=1)
    return shots[-1][1], replicas


def _resample(F, log_weights, rng):
    """As many chains as there are, in proportion to their weights (systematic)."""
    n = len(F)
    cumulated = np.cumsum(np.exp(log_weights - logsumexp(log_weights)))
    at = np.searchsorted(cumulated, (np.arange(n) + rng.random()) / n)
    return F[rng.permutation(np.minimum(at, n - 1))]


def start_at(starts, replicas, betas, rungs, path, rng, run=map):
    """Replace every second chain's replicas by those annealed down from `starts`.

    Of the machine's replica alone, those below would soon take the place.
    """
    n = len(replicas[::2])
    F = starts[rng.choice(len(starts), n, replace=len(starts) < n)]
    down = rungs[-1] - rungs[::-1]
    _, started = ascend(F.astype(betas.dtype), betas[::-1], down, path, rng, run)
    replicas[::2] = started[:, ::-1]


def run_replicas(replicas, rungs, n_sweeps, thinning, path, rng, run=map):
    """Sweep replicas that exchange temperatures.

    Parameters
    ----------
    replicas : ndarray of shape (n_chains, n_rungs, P)
        Of each chain one replica at each temperature.
    rungs : ndarray of shape (n_rungs,)
        Temperatures, ascending.
    n_sweeps, thinning : int
        Sweeps, and sweeps for one kept state.
    path : Path
        See `path_between`.
    rng : Generator
        Source of randomness.
    run : callable, default=map
        As `map`.

    Returns
    -------
    kept : ndarray of shape (n_sweeps // thinning, n_chains, P)
        States at the highest temperature.
    replicas : ndarray of shape (n_chains, n_rungs, P)
        The last ones.
    rates : ndarray of shape (n_rungs - 1,)
        Share of the exchanges of neighbours that took place.
    """

    def go(block):
        part, rng = block
        return exchange(part, rungs, seed_streams(rng), n_sweeps, thinning, *path)

    blocks = _blocks(replicas, _BLOCK_REPLICAS, rng)
    results = list(run(go, blocks))
    kept, last, accepted, proposed = zip(*results, strict=True)
    rates = np.sum(accepted, axis=0) / np.maximum(np.sum(proposed, axis=0), 1.0)
    return np.concatenate(kept, axis=1), np.concatenate(last), rates


def log_mean(log_weights):
    """Log of the mean weight, and its standard error by the delta method."""
    mean = logsumexp(log_weights) - np.log(len(log_weights))
    ratios = np.exp(log_weights - mean)
    return float(mean), float(ratios.std() / np.sqrt(len(ratios)))


def _bennett(forward, backward):
    """Log ratio of the normalising constants, and its standard error."""
    # unlike numbers of chains shift the odds (Shirts & Pande 2005, equation 8)
    odds = np.log(len(forward) / len(backward))

    def up(log_ratio):
        return forward - log_ratio - odds

    def down(log_ratio):
        return backward + log_ratio + odds

    def excess(log_ratio):
        return expit(up(log_ratio)).sum() - expit(down(log_ratio)).sum()

    ends = np.concatenate([forward, -backward])
    ratio = brentq(excess, ends.min() - 50.0, ends.max() + 50.0, xtol=1e-10)
    errors = [log_mean(log_expit(side(ratio)))[1] for side in (up, down)]
    return float(ratio), float(np.hypot(*errors))


def _bracket(forward, halves):
    """Log ratio, its standard error, and both bounds of it."""
    low, low_error = log_mean(forward)
    highs = [log_mean(half) for half in halves]
    tops = [_DEVIATIONS * error - high for high, error in highs]
    backward = np.concatenate(halves)
    if np.ptp(tops) > _DEVIATIONS * sum(error for _, error in highs):
        # they are in unlike modes: those of which the others know nothing weigh more
        backward = halves[int(np.argmax(tops))]
    value, error = _bennett(forward, backward)
    lower = min(low - _DEVIATIONS * low_error, value - _DEVIATIONS * error)
    upper = max(*tops, value + _DEVIATIONS * error)
    return value, error, float(lower), float(upper)
