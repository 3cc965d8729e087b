"""Parameters of the column families beside the same distributions in scipy."""

from typing import NamedTuple

import numpy as np
import pytest
from scipy import stats

from sklearn_gen._columns._families import family_for
from sklearn_gen._columns._families_continuous import GammaParams, StudentTParams
from sklearn_gen._columns._families_counts import NegativeBinomialParams, PoissonParams
from sklearn_gen._columns._families_normal import Normal


class Case(NamedTuple):
    """A family, parameters of two components, and the same in scipy."""

    name: str
    params: tuple
    peers: tuple
    counts: bool = False


CASES = [
    Case(
        "gaussian",
        Normal(np.array([1.0, -3.0]), np.array([0.5, 2.0])),
        (stats.norm(1, 0.5), stats.norm(-3, 2)),
    ),
    Case(
        "student_t",
        StudentTParams(
            np.array([1.0, -3.0]), np.array([0.5, 2.0]), np.array([1.5, 30.0])
        ),
        (stats.t(1.5, 1, 0.5), stats.t(30, -3, 2)),
    ),
    Case(
        "lognormal",
        Normal(np.array([1.0, 0.0]), np.array([0.5, 2.0])),
        (stats.lognorm(0.5, scale=np.e), stats.lognorm(2.0)),
    ),
    Case(
        "gamma",
        GammaParams(np.array([0.4, 60.0]), np.array([2.0, 9.0])),
        (stats.gamma(0.4, scale=5.0), stats.gamma(60, scale=0.15)),
    ),
    Case(
        "poisson",
        PoissonParams(np.array([0.7, 40.0])),
        (stats.poisson(0.7), stats.poisson(40)),
        counts=True,
    ),
    Case(
        "negative_binomial",
        NegativeBinomialParams(np.array([0.7, 40.0]), np.array([0.5, 9.0])),
        (stats.nbinom(0.5, 0.5 / 1.2), stats.nbinom(9, 9 / 49)),
        counts=True,
    ),
]
CONTINUOUS = [case for case in CASES if not case.counts]


def by_name(cases):
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


def described(case, resolution=0.0, size=400):
    """A family that looked at draws of the first component, and the draws."""
    x = case.peers[0].rvs(size, random_state=0)
    if resolution:
        x = np.round(x / resolution) * resolution
    return family_for(case.name, x, resolution=resolution), x


def mass_of(case, x, resolution):
    """Reference log masses in (x - half, x + half], by the better tail."""
    columns = []
    for peer in case.peers:
        low, high = x - resolution / 2, x + resolution / 2
        lower = peer.cdf(high) - peer.cdf(low)
        upper = peer.sf(low) - peer.sf(high)
        with np.errstate(divide="ignore"):
            columns.append(np.log(np.where(x > peer.median(), upper, lower)))
    return np.stack(columns, axis=1)
