"""Distributions of single columns given the state, of emissions that have them."""

from functools import singledispatch
from typing import NamedTuple

import numpy as np

from sklearn_gen._columns import FAMILIES, Family
from sklearn_gen.hmm._emissions_categorical import CategoricalEmission
from sklearn_gen.hmm._emissions_families import FamiliesEmission
from sklearn_gen.hmm._emissions_gaussian import GaussianEmission
from sklearn_gen.hmm._emissions_mixture import MixtureEmission
from sklearn_gen.hmm._emissions_normal_wishart import NormalWishartEmission
from sklearn_gen.hmm._emissions_student import StudentEmission

# Halvings of the range of quantiles: what is left is below 1e-15 of it.
_HALVINGS = 50


class Marginals(NamedTuple):
    """Each column given each state, as mixtures of C components.

    Attributes
    ----------
    shares : ndarray of shape (K, C)
        Probability of each component in each state.
    columns : tuple of (family, params) or None
        Of each modelled column, C distributions side by side; None: no numbers.
    """

    shares: np.ndarray
    columns: tuple

    def mean(self, proba, column):
        """Expectations under mixtures of states, (n,).

        Parameters
        ----------
        proba : ndarray of shape (n, K)
            Probabilities of the states.
        column : int
            Which column.

        Returns
        -------
        mean : ndarray of shape (n,)
        """
        family, params = self.columns[column]
        return proba @ self.shares @ np.asarray(family.mean(params))

    def quantile(self, proba, column, q):
        """Least values whose cumulative probability reaches q, (n,).

        The quantile of a mixture lies between those of its components.

        Parameters
        ----------
        proba : ndarray of shape (n, K)
            Probabilities of the states.
        column : int
            Which column.
        q : float
            Between 0 and 1.

        Returns
        -------
        quantile : ndarray of shape (n,)
        """
        family, params = self.columns[column]
        weights = proba @ self.shares
        components = np.arange(weights.shape[1])
        ends = family.ppf(np.full(len(components), q), params, components)
        possible = weights > 0.0
        low = np.where(possible, ends, np.inf).min(axis=1)
        high = np.where(possible, ends, -np.inf).max(axis=1)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            reaches = self._cdf(family, params, weights, middle) >= q
            low, high = np.where(reaches, low, middle), np.where(reaches, middle, high)
        if isinstance(family, Family) and family.resolution != 1.0:
            return family.on_grid(high)
        whole = np.round(high)
        counts = family.base_measure == "counting" and np.allclose(high, whole, 1e-12)
        return whole if counts else high

    def _cdf(self, family, params, weights, x):
        return (weights * family.cdf(x, params)).sum(axis=1)


@singledispatch
def marginals_of(emission, params):
    """Marginals of an emission; None where they have no simple form.

    Parameters
    ----------
    emission : object
        Of a fitted model.
    params : NamedTuple
        Its parameters.

    Returns
    -------
    marginals : Marginals or None
    """


@marginals_of.register
def _(emission: GaussianEmission, params):
    return _components(np.eye(len(params.means)), emission.structure, params)


@marginals_of.register
def _(emission: CategoricalEmission, params):
    n_states, n_columns = len(params.log_tables), len(params.first) - 1
    return Marginals(np.eye(n_states), (None,) * n_columns)


@marginals_of.register
def _(emission: MixtureEmission, params):
    shares = np.kron(
        np.eye(len(params.means) // emission.n_mix), np.ones(emission.n_mix)
    )
    return _components(shares * params.weights, emission.structure, params)


@marginals_of.register
def _(emission: StudentEmission, params):
    return _components(
        np.eye(len(params.means)), emission.structure, params, params.dof
    )


@marginals_of.register
def _(emission: NormalWishartEmission, params):
    return marginals_of(emission.predicted, params)


@marginals_of.register
def _(emission: FamiliesEmission, params):
    columns = (
        (family, own) if hasattr(family, "mean") else None
        for family, own in zip(emission.families, params.columns, strict=True)
    )
    return Marginals(np.eye(params.n_states), tuple(columns))


def _components(shares, structure, params, *dof):
    """Marginals of Gaussians, or of t distributions with these degrees of freedom."""
    family = FAMILIES["student_t" if dof else "gaussian"]()
    scales = np.sqrt(structure.variances(params.covariances, *params.means.shape))
    columns = (
        (family, family.params_type(mean, scale, *dof))
        for mean, scale in zip(params.means.T, scales.T, strict=True)
    )
    return Marginals(shares, tuple(columns))
