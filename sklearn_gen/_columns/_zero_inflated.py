"""Columns with an atom: one value has a probability of its own."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from sklearn_gen._columns._family import (
    FARTHEST_SCORE,
    Family,
    scores_of_tails,
    with_width,
)

# A component in which all rows are the atom, or none, still allows the other.
_MIN_SHARE = 1e-6
_COLUMN_STEPS = 30  # EM steps to the whole column's distribution


class ZeroInflatedParams(NamedTuple):
    """Parameters of `ZeroInflated`.

    Attributes
    ----------
    atom_weight : ndarray of shape (K,)
        Probability of the atom, beside what the base family gives it.
    base : ndarray of shape (n_base_parameters, K)
        Parameters of the base family, in their order.
    """

    atom_weight: np.ndarray
    base: np.ndarray


@dataclass(frozen=True, eq=False)
class ZeroInflated(Family):
    """A mixture of one value, the atom, and a base family.

    Beside a continuous base the atom is where all of its rows come from, and the
    density is one with respect to counting at the atom and length elsewhere. A base
    that is scored by masses (counts, cells) has some probability there, too: which of
    the two gave a row is then a latent variable of EM.

    Attributes
    ----------
    atom : float
        The value.
    base : Family
        The base family.
    """

    atom: float = 0.0
    base: Family | None = None

    params_type = ZeroInflatedParams
    has_latent = True

    @property
    def name(self):
        """As `families=` has it; an atom other than 0 is in `atom`."""
        return f"zero_inflated_{self.base.name}"

    @property
    def n_parameters(self):
        """Free parameters of a component."""
        return 1 + self.base.n_parameters

    @property
    def base_measure(self):
        """'counting', or counting at the atom and lebesgue elsewhere."""
        if self.base.base_measure == "counting":
            return "counting"
        return f"counting at {self.atom}, lebesgue elsewhere"

    @classmethod
    def from_values(
        cls, x, sample_weight=None, resolution=0.0, *, base, atom=0.0, **options
    ):
        """Describe a column; `base` is the base family's class."""
        x = np.asarray(x, dtype=np.float64)
        weight = np.ones(len(x)) if sample_weight is None else sample_weight
        rest = (x != atom) & (weight > 0)
        if rest.any():
            values, kept = x[rest], weight[rest]
        else:  # nothing is known of other values
            values, kept = np.array([atom + 1.0]), np.ones(1)
        described = base.from_values(values, kept, resolution, **options)
        family = cls(
            resolution=described.resolution,
            origin=described.origin,
            atom=float(atom),
            base=described,
        )
        return replace(family, overall=family._overall(x, weight))

    def _overall(self, x, weight):
        params = None
        for _ in range(_COLUMN_STEPS):
            stats = self.stats(x, weight[:, None], params)
            params = self._m_step(stats, params)
        return stats[:, 0] / weight.sum()

    def check_support(self, x):
        """Raise a ValueError where values can't be the base family's."""
        self.base.check_support(x[x != self.atom])

    def _base(self, params):
        return self.base.params_type(*params.base)

    def _log_at_atom(self, params):
        """Log masses of the atom: of its own, and from the base family."""
        own = np.log(params.atom_weight)
        if self.base.base_measure != "counting":
            return own, np.full_like(own, -np.inf)
        given = self.base.log_prob(np.array([self.atom]), self._base(params))[0]
        return own, np.log1p(-params.atom_weight) + given

    def _stats(self, x, resp, params):
        at_atom = x == self.atom
        counting = self.base.base_measure == "counting"
        if params is None:
            share = np.full(resp.shape[1], 0.5 if counting else 1.0)
        else:
            own, given = self._log_at_atom(params)
            share = np.exp(own - np.logaddexp(own, given))
        on_atom = resp[at_atom].sum(axis=0)
        base = None if params is None else self._base(params)
        stats = self.base.stats(x[~at_atom], resp[~at_atom], base)
        if counting and at_atom.any():
            rest = (on_atom * (1 - share))[None]
            stats = stats + self.base.stats(np.array([self.atom]), rest, base)
        return np.vstack([resp.sum(axis=0), on_atom * share, stats])

    def _m_step(self, stats, previous):
        weight = np.clip(stats[1] / stats[0], _MIN_SHARE, 1 - _MIN_SHARE)
        base = None if previous is None else self._base(previous)
        return ZeroInflatedParams(
            weight, np.stack(self.base.m_step(stats[2:], previous=base))
        )

    def _log_prob(self, x, params):
        at_atom = x == self.atom
        # the base needn't have the atom in its support
        result = np.empty((len(x), len(params.atom_weight)))
        result[at_atom] = np.logaddexp(*self._log_at_atom(params))
        others = self.base.log_prob(x[~at_atom], self._base(params))
        result[~at_atom] = np.log1p(-params.atom_weight) + others
        return result

    def cdf(self, x, params):
        """P(X <= x), (n, K)."""
        w = params.atom_weight
        below = self.base.cdf(x, self._base(params))
        return np.where(x >= self.atom, 1.0, 0.0)[:, None] * w + (1 - w) * below

    def sf(self, x, params):
        """P(X > x), (n, K)."""
        w = params.atom_weight
        above = self.base.sf(x, self._base(params))
        return np.where(x < self.atom, 1.0, 0.0)[:, None] * w + (1 - w) * above

    _cdf, _sf = cdf, sf

    def _upper_edge(self, x):
        return x

    def normal_interval(self, x, params):
        """As of any family; beside a continuous base, width is only at the atom."""
        w, step = params.atom_weight, self.base.resolution
        base = self._base(params)
        after = (x > self.atom)[:, None]
        lower = scores_of_tails(
            w * after + (1 - w) * self.base.cdf(x - step, base),
            w * ~after + (1 - w) * self.base.sf(x - step, base),
        )
        upper = scores_of_tails(self.cdf(x, params), self.sf(x, params))
        lower, upper = (
            np.clip(z, -FARTHEST_SCORE, FARTHEST_SCORE) for z in (lower, upper)
        )
        lower, apart = with_width(lower, upper)
        wide = (x == self.atom)[:, None] | (self.base_measure == "counting")
        return lower, np.where(wide, apart, upper)

    def ppf(self, q, params, component):
        """Inverse of `cdf`, of one component per row, (n,)."""
        w = params.atom_weight
        atom = np.array([self.atom])
        below = self.base.cdf(atom, self._base(params))[0]
        if self.base.base_measure == "counting":
            below = below - np.exp(self.base.log_prob(atom, self._base(params))[0])
        w, below = w[component], ((1 - w) * np.maximum(below, 0.0))[component]
        after = np.clip((q - w) / (1 - w), 0.0, 1.0)
        before = np.clip(q / (1 - w), 0.0, 1.0)
        others = self.base.ppf(
            np.where(q <= below, before, after), self._base(params), component
        )
        return np.where((q > below) & (q <= below + w), self.atom, others)

    def draw(self, params, component, rng):
        """Draw a value of one component per row, (n,)."""
        others = self.base.draw(self._base(params), component, rng)
        return np.where(
            rng.random(len(component)) < params.atom_weight[component],
            self.atom,
            others,
        )

    def mean(self, params):
        """Means, (K,)."""
        w = params.atom_weight
        return w * self.atom + (1 - w) * self.base.mean(self._base(params))
