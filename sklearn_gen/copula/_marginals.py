"""Marginals of a copula: one distribution per column, and its normal scores."""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from sklearn_gen._columns import family_for
from sklearn_gen._columns._family import FARTHEST_SCORE, scores_of_tails, with_width
from sklearn_gen._columns._intervals import log_normal_interval
from sklearn_gen.copula._kernel import KernelMarginal

_STEPS = 100  # of EM, for families with latent variables
_SETTLED = 1e-9
_TIE = 1e-3  # nats: what is simpler stands first


class Latent(NamedTuple):
    """What the cells of one column say of its normal score z.

    Attributes
    ----------
    lower, upper : ndarray of shape (n,)
        z lies in (lower, upper]; where both are equal z is known.
    log_density : ndarray of shape (n,)
        log f(x) where z is known, else zero; -inf of values that can't be, whose score
        is said to be 0.
    """

    lower: np.ndarray
    upper: np.ndarray
    log_density: np.ndarray


class FamilyMarginal:
    """A column family with one component."""

    def __init__(self, family, x, weight):
        self.family = family
        self.name = family.name
        self.base_measure = family.base_measure
        params, before = family.m_step(family.overall[:, None]), -np.inf
        for _ in range(_STEPS if self._is_iterative else 0):
            stats = family.stats(x, weight[:, None], params)
            params = family.m_step(stats, previous=params)
            bound = weight @ family.log_prob(x, params)[:, 0]
            if bound - before < _SETTLED * weight.sum():
                break
            before = bound
        self.params = params

    @property
    def _is_iterative(self):
        return self.name == "student_t" or self.name.startswith("zero_inflated")

    @property
    def n_parameters(self):
        """Free parameters; of a histogram also the values singled out in its bins."""
        return self.family.n_parameters + len(getattr(self.family, "_repeated", ()))

    def interval(self, x):
        """Normal scores of the ends of each value's interval; equal for densities."""
        if hasattr(self.family, "normal_interval"):
            lower, upper = self.family.normal_interval(x, self.params)
            return lower[:, 0], upper[:, 0]
        upto = self.family.cdf(x, self.params)[:, 0]
        if self.base_measure == "lebesgue":
            z = scores_of_tails(upto, 1 - upto)
            z = z.clip(-FARTHEST_SCORE, FARTHEST_SCORE)
            return z, z
        mass = np.exp(self.family.log_prob(x, self.params)[:, 0])
        below = np.maximum(upto - mass, 0.0)
        below[below < 1e-12] = 0.0  # the first code
        upto[upto > 1 - 1e-12] = 1.0
        return with_width(
            np.minimum(scores_of_tails(below, 1 - below), FARTHEST_SCORE),
            scores_of_tails(upto, 1 - upto),
        )

    def log_density(self, x):
        """Log density of each value (of a counting family, its log mass)."""
        return self.family.log_prob(x, self.params)[:, 0]

    def from_normal(self, z):
        """The value with each normal score."""
        if hasattr(self.family, "from_normal"):
            return self.family.from_normal(z, self.params)
        return self.family.ppf(ndtr(z), self.params, np.zeros(len(z), dtype=np.intp))


def latent(marginal, x):
    """What values of one column say of its normal score."""
    with np.errstate(invalid="ignore", divide="ignore"):
        lower, upper = marginal.interval(x)
    # Below the support both ends are -inf, or the logarithm of no number.
    impossible = np.isnan(lower) | np.isnan(upper)
    impossible |= (lower == upper) & np.isinf(lower)
    lower[impossible] = upper[impossible] = 0.0
    known = (lower == upper) & ~impossible
    log_density = np.where(impossible, -np.inf, 0.0)
    if known.any():
        log_density[known] = marginal.log_density(x[known])
    return Latent(lower, upper, log_density)


def fit_marginal(name, x, weight, resolution, kind, n_levels):
    """Fit the marginal of one column.

    Parameters
    ----------
    name : str or tuple
        A column family, 'kernel', or 'auto'.
    x, weight : ndarray of shape (n_samples,)
        Observed values and their weights.
    resolution : float
        Width of the grid the values lie on, 0.0 for none.
    kind : str
        As in `TableSchema.kinds`.
    n_levels : int or None
        Of a categorical column.
    """
    if name == "auto":
        candidates = _candidates(x, resolution, kind)
    else:
        candidates = [name]
    best, most = None, -np.inf
    for candidate in candidates:
        marginal = _fit_one(candidate, x, weight, resolution, n_levels)
        # The expected loss of leaving a row out is one nat per parameter (Stone 1977).
        merit = _log_likelihood(marginal, x, weight) - marginal.n_parameters
        if best is None or merit > most + _TIE:
            best, most = marginal, merit
    return best


def _fit_one(name, x, weight, resolution, n_levels):
    if name == "kernel":
        return KernelMarginal(x, weight, resolution)
    options = {"n_levels": n_levels} if name == "categorical" and n_levels else {}
    family = family_for(name, x, weight, resolution, **options)
    return FamilyMarginal(family, x, weight)


def _log_likelihood(marginal, x, weight):
    if marginal.name != "kernel" or marginal.base_measure == "lebesgue":
        return weight @ marginal.log_density(x)
    lower, upper = marginal.interval(x)
    return weight @ log_normal_interval(lower, upper)


def _candidates(x, resolution, kind):
    if kind == "categorical":
        return ["categorical"]
    if kind == "boolean" or (np.isin(x, (0.0, 1.0)).all() and resolution > 0):
        return ["bernoulli"]
    names = ["gaussian", "student_t", "kernel"]
    if x.min() > 0:
        names += ["lognormal", "gamma"]
    if resolution == 0:
        return names
    names.append("histogram")
    if x.min() >= 0 and (x == np.floor(x)).all():
        names += ["poisson", "negative_binomial"]
    return names


def check_families(families, schema):
    """The family's name of every column.

    Raises
    ------
    ValueError
        If `families` names an unknown column or family.
    """
    n_features = len(schema.kinds)
    if isinstance(families, str | tuple):
        return [families] * n_features
    names = ["auto"] * n_features
    for column, name in families.items():
        names[schema.column_indices([column], "families")[0]] = name
    return names
