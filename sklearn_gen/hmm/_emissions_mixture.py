"""Mixtures of Gaussians as emissions: several components per state."""

import numpy as np

from sklearn_gen._kernels import markov_mixture as kernels
from sklearn_gen.hmm._emissions_gaussian import GaussianEmission
from sklearn_gen.hmm._gaussian_m_step import m_step


class MixtureEmission:
    """States are mixtures of M Gaussians; rows without any cell say nothing.

    Parameters are GaussianParams of K M components, those of a state in a row, with
    weights that sum to 1 in each state.

    Parameters
    ----------
    structure : Full, Diag or Spherical
        Of the covariances of single components.
    n_mix : int
        Components per state.
    tied : bool
        Whether the components of a state share their covariance.
    """

    def __init__(self, structure, n_mix, tied):
        self.structure, self.n_mix, self.tied = structure, n_mix, tied
        self.components = GaussianEmission(structure)

    def log_prob(self, X, params):
        """Log density of each row's observed cells under each state.

        Parameters
        ----------
        X : ndarray of shape (n, D)
            NaN means not observed.
        params : GaussianParams
            Of all components.

        Returns
        -------
        log_prob : ndarray of shape (n, K)
            The transpose of a C-contiguous array.
        """
        return kernels.state_log_densities(*self._joint(X, params)).T

    def stats(self, X, gamma, params):
        """Expected moments of all components; gamma is shared out by their posterior.

        Parameters
        ----------
        X : ndarray of shape (n, D)
            NaN means not observed.
        gamma : ndarray of shape (n, K)
            Weights of the states.
        params : GaussianParams
            Of all components.

        Returns
        -------
        stats : GaussianStats
            Of K M components; its log-likelihood is 0.
        """
        gamma = np.ascontiguousarray(gamma.T)
        shares = kernels.split_by_component(*self._joint(X, params), gamma)
        return self.components.stats(X, shares.reshape(-1, len(X)).T, params)

    def m_step(self, stats, params, reg, ridge):
        """Parameters that maximise the expected log-likelihood.

        Parameters
        ----------
        stats : GaussianStats
            What `stats` gave.
        params : GaussianParams
            Those of the E-step.
        reg, ridge : ndarray of shape (D,)
            Variance added always, and where a covariance is singular nevertheless.

        Returns
        -------
        params : GaussianParams
        """
        return m_step(
            *(self.structure, stats, params, reg, ridge),
            n_mix=self.n_mix,
            pooled=self.tied,
        )

    def shares(self, X, states, params):
        """Probabilities of components given observed cells and the state.

        Parameters
        ----------
        X : ndarray of shape (n, D)
            NaN means not observed.
        states : ndarray of shape (n,)
            State of each row.
        params : GaussianParams
            Of all components.

        Returns
        -------
        shares : ndarray of shape (n, K M)
            Zero for components of other states.
        """
        joint, log_weights = self._joint(X, params)
        gamma = np.eye(len(joint), dtype=joint.dtype)[:, states]
        shares = kernels.split_by_component(joint, log_weights, gamma)
        return shares.reshape(-1, len(X)).T

    def _joint(self, X, params):
        """Log densities of the components, (K, M, n), and log weights, (K, M)."""
        parts = self.components.log_prob(X, params).T
        log_weights = params.log_weights.reshape(-1, self.n_mix).astype(parts.dtype)
        return parts.reshape(*log_weights.shape, len(X)), log_weights
