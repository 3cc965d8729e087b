r"""All states of one layer of a machine, with the other layer summed out.

Given the states of either layer the units of the other are independent, so that a sum
over one layer's states alone gives the partition function:

.. math::
    Z = \sum_h e^{c \cdot h} \prod_u e^{A_u(b_u + (h W)_u)}
      = \sum_v e^{\mathrm{base}(v) + b \cdot F(v)} \prod_j (1 + e^{c_j + (W F(v))_j})

States are numbered by mixed radix, the first unit fastest. The first few units are the
low part of a state, tabulated once for all high parts (``_kernels.partition``): no
exponential is left in the inner loop.
"""

from functools import reduce
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, logsumexp

from sklearn_gen._kernels.partition import sums_of_states
from sklearn_gen.rbm._units import BERNOULLI, BINOMIAL, CATEGORICAL, GAUSSIAN, Units

# Tables of exp(D) should stay in a core's cache, and their values within exp(+-600).
_TABLE_CELLS = 2**16
_LOW_STATES = 256
_MAX_SPREAD = 550.0
_BLOCK_STATES = 2**16


class States(NamedTuple):
    """The states of one layer, and the units of the other.

    Attributes
    ----------
    tables : list of ndarray of shape (n_values, n_features of the unit)
        Features of each value of each unit that is enumerated; K features in all.
    terms : list of ndarray of shape (n_values,)
        What the energy has of these values alone.
    bias : ndarray of shape (K,)
        Of the enumerated features.
    weights : ndarray of shape (K, P)
        From them to the features of the summed layer.
    inputs : ndarray of shape (P,)
        Natural parameters of the summed layer where all enumerated features are 0.
    precision : ndarray of shape (P,)
        Of its Gaussian features.
    units : Units
        Of the summed layer.
    hidden : bool
        Whether the states are those of the hidden units.
    n_low : int
        Number of units in the low part of a state.
    """

    tables: list
    terms: list
    bias: np.ndarray
    weights: np.ndarray
    inputs: np.ndarray
    precision: np.ndarray
    units: Units
    hidden: bool
    n_low: int

    @property
    def n_values(self):
        """Number of values of each enumerated unit."""
        return [len(table) for table in self.tables]

    @property
    def count(self):
        """Number of states."""
        return int(np.prod(self.n_values, dtype=np.int64))


def n_hidden_states(n_hidden):
    """Number of states of hidden units: a float, infinite beyond its range."""
    return 2.0**n_hidden if n_hidden < 1024 else np.inf


def n_visible_states(units):
    """Number of states of the visible units: a float, infinite for Gaussian ones."""
    if (units.kinds == GAUSSIAN).any():
        return np.inf
    values = np.where(units.kinds == CATEGORICAL, units.n_levels, units.trials + 1.0)
    with np.errstate(over="ignore"):  # infinite beyond its range, too
        return np.prod(values)


def states_of(machine, units, max_states):
    """The layer with fewer states; None if either has more than ``max_states``."""
    hidden = n_hidden_states(len(machine.hidden))
    visible = n_visible_states(units)
    if min(hidden, visible) > max_states:
        return None
    if hidden <= visible:
        return hidden_states(machine, units)
    return visible_states(machine, units)


def hidden_states(machine, units):
    """The states of the hidden units; all kinds of visible units can be summed."""
    machine = _float64(machine)
    n_hidden = len(machine.hidden)
    binary = np.array([[0.0], [1.0]])
    return _with_low_part(
        [binary] * n_hidden,
        [np.zeros(2)] * n_hidden,
        machine.hidden,
        machine.weights,
        machine.visible,
        machine.precision,
        units,
        True,
    )


def visible_states(machine, units):
    """The states of visible units, of which none is Gaussian."""
    machine = _float64(machine)
    tables, terms = [], []
    for u in range(units.n_units):
        if units.kinds[u] == CATEGORICAL:
            tables.append(np.eye(units.n_levels[u]))
            terms.append(np.zeros(units.n_levels[u]))
        else:
            n = units.trials[u]
            x = np.arange(n + 1.0)
            tables.append(x[:, None])
            choices = gammaln(n + 1.0) - gammaln(x + 1.0) - gammaln(n - x + 1.0)
            terms.append(choices if units.kinds[u] == BINOMIAL else np.zeros(2))
    n_hidden = len(machine.hidden)
    hidden_units = Units(
        np.full(n_hidden, BERNOULLI), np.arange(n_hidden + 1), np.ones(n_hidden)
    )
    return _with_low_part(
        tables,
        terms,
        machine.visible,
        np.ascontiguousarray(machine.weights.T),
        machine.hidden,
        np.ones(n_hidden),
        hidden_units,
        False,
    )


def _float64(machine):
    return type(machine)(*(np.asarray(a, dtype=np.float64) for a in machine))


def _with_low_part(tables, terms, bias, weights, *summed):
    most = min(_LOW_STATES, max(16, _TABLE_CELLS // max(1, weights.shape[1])))
    n_states, n_low, feature = 1, 0, 0
    spread = np.zeros(weights.shape[1])
    for table in tables:
        change = table @ weights[feature : feature + table.shape[1]]
        spread = spread + np.ptp(change, axis=0)
        n_states *= len(table)
        if n_states > most or spread.max(initial=0.0) > _MAX_SPREAD:
            break
        n_low, feature = n_low + 1, feature + table.shape[1]
    return States(tables, terms, bias, weights, *summed, n_low)


def _part(states, begin, end, numbers):
    """Features (n, k) and terms (n,) of some states of the units begin to end."""
    tables, terms = states.tables[begin:end], states.terms[begin:end]
    if not tables:
        return np.zeros((len(numbers), 0)), np.zeros(len(numbers))
    values = np.unravel_index(numbers, [len(table) for table in tables], order="F")
    F = np.hstack([table[value] for table, value in zip(tables, values, strict=True)])
    sums = [term[value] for term, value in zip(terms, values, strict=True)]
    return F, np.sum(sums, axis=0)


def features_of(states, numbers):
    """Features of the enumerated layer in some states, shape (n, K)."""
    return _part(states, 0, len(states.tables), numbers)[0]


class _Inputs(NamedTuple):
    """What a kernel call takes of some high parts and of all low parts."""

    T: np.ndarray  # (G, P)
    high: np.ndarray  # (G,)
    D: np.ndarray  # (S, P)
    low: np.ndarray  # (S,)


def _parts(states):
    """Features and terms of all low parts, and of blocks of high ones in order."""
    n_low = states.n_low
    n_low_states = int(np.prod(states.n_values[:n_low], dtype=np.int64))
    low = _part(states, 0, n_low, np.arange(n_low_states))
    size = max(1, _BLOCK_STATES // n_low_states)
    n_high = states.count // n_low_states
    for start in range(0, n_high, size):
        numbers = np.arange(start, min(start + size, n_high))
        yield low, _part(states, n_low, len(states.tables), numbers)


def _blocks(states):
    """Inputs of blocks of states, in the order of their numbers."""
    for (low, low_terms), (high, high_terms) in _parts(states):
        cut = low.shape[1]
        yield _Inputs(
            states.inputs + high @ states.weights[cut:],
            high_terms + high @ states.bias[cut:],
            low @ states.weights[:cut],
            low_terms + low @ states.bias[:cut],
        )


def _sums(states, inputs):
    units = states.units
    of_layer = states.precision, units.kinds, units.first, units.trials
    return sums_of_states(*inputs, *of_layer)


def log_weights(states, run=map):
    """Unnormalised log probability of every state, shape (count,)."""
    blocks = run(lambda inputs: _sums(states, inputs).ravel(), _blocks(states))
    return np.concatenate(list(blocks))


def log_sum(states, run=map):
    """Compute log Z: the log of the sum of the exponential of all weights.

    Blocks are summed in their order, so every number of threads gives the same bytes.
    """
    return float(
        reduce(
            np.logaddexp,
            run(lambda inputs: logsumexp(_sums(states, inputs)), _blocks(states)),
        )
    )


def log_sums_given(states, added, run=map):
    """`log_sum` for several vectors that are added to the inputs of hidden units.

    Parameters
    ----------
    states : States
        Of either layer.
    added : ndarray of shape (n, H)
        One vector per row, as observed units add them.
    run : callable, default=map
        As `map`.

    Returns
    -------
    log_sums : ndarray of shape (n,)
    """
    alone = _weights_alone(states, run)

    def of_rows(rows):
        blocks = _blocks_given(states, rows, alone)
        return reduce(np.logaddexp, (logsumexp(b, axis=1) for b in blocks))

    return np.concatenate(list(run(of_rows, _few_rows(states, added))))


def log_weights_given(states, added, run=map):
    """`log_weights` for several vectors added to the inputs of hidden units.

    Yields arrays of shape (rows, count), for a few rows at a time.
    """
    alone = _weights_alone(states, run)
    for rows in _few_rows(states, added):
        yield np.concatenate(list(_blocks_given(states, rows, alone)), axis=1)


def _weights_alone(states, run):
    """Weights of hidden states, to which each row adds something linear."""
    return log_weights(states, run) if states.hidden else None


def _few_rows(states, added):
    """Rows of `added` whose blocks of states fit into memory."""
    count = min(states.count, _BLOCK_STATES)
    of_row = count
    if not states.hidden:  # the kernel takes the inputs of all high parts
        of_row += count // min(count, _LOW_STATES) * states.weights.shape[1]
    size = max(1, 4 * _BLOCK_STATES // of_row)
    return [added[i : i + size] for i in range(0, len(added), size)]


def _blocks_given(states, rows, alone):
    """Weights (rows, block) of blocks of states, in the order of their numbers."""
    if states.hidden:
        start = 0
        for (low, _), (high, _) in _parts(states):
            cut = low.shape[1]
            of_high, of_low = rows[:, cut:] @ high.T, rows[:, :cut] @ low.T
            added = (of_high[:, :, None] + of_low[:, None, :]).reshape(len(rows), -1)
            stop = start + added.shape[1]
            yield added + alone[start:stop]
            start = stop
        return
    for block in _blocks(states):
        T = (rows[:, None, :] + block.T).reshape(-1, rows.shape[1])
        high = np.tile(block.high, len(rows))
        sums = _sums(states, block._replace(T=T, high=high))
        yield sums.reshape(len(rows), -1)
