"""Variational posterior of a Markov chain: a Dirichlet distribution per row.

The E-step runs the same recursions with exp(E[log probability]), whose rows sum to less
than one (MacKay 1997, "Ensemble learning for hidden Markov models").
"""

from abc import abstractmethod
from typing import NamedTuple

import numpy as np
from scipy.special import digamma, gammaln

from sklearn_gen._blocks import scale
from sklearn_gen.hmm._base import HiddenMarkovModel, MarkovParams
from sklearn_gen.hmm._recursions import Chain
from sklearn_gen.hmm._starts import transitions_of


class VariationalMarkovParams(NamedTuple):
    """Posterior of a hidden Markov model.

    Attributes
    ----------
    chain : Chain
        Exponentials of expected logarithms.
    emission : NamedTuple
    start : ndarray of shape (K,)
        Parameters of the Dirichlet posterior.
    transitions : ndarray of shape (K, K)
        The same of every row.
    """

    chain: Chain
    emission: tuple
    start: np.ndarray
    transitions: np.ndarray


class VariationalHMM(HiddenMarkovModel):
    """A hidden Markov model with a posterior of its parameters instead of a point.

    Children have the hooks below beside those of all models; `_emission_m_step` gets
    statistics counted in rows.
    """

    @abstractmethod
    def _expected_emission(self, stats, params):
        """Expected log density of the rows that the statistics are of."""

    @abstractmethod
    def _emission_evidence(self, params):
        """Logarithm of the normalising constants of the emission's posterior."""

    @abstractmethod
    def _predictive_emission(self, params):
        """Emissions with their parameters integrated out, for scores and draws."""

    @abstractmethod
    def _posterior_attributes(self, params):
        """Public attributes of the emission's posterior, as a dict."""

    _bound_name = "lower bound"

    def _params_of(self, X, series, resp):
        chain, emission = super()._params_of(X, series, resp)
        start, steps = transitions_of(resp, series)
        return self._posterior_of(
            self._start_prior + start.sum() * chain.start,
            self._step_prior + steps.sum(axis=1, keepdims=True) * chain.transitions,
            emission,
        )

    def _opened(self, params):
        return params

    def _posterior_of(self, start, transitions, emission):
        chain = Chain(
            _expected(start, self._starts_at), _expected(transitions, self._allowed)
        )
        return VariationalMarkovParams(chain, emission, start, transitions)

    def _m_step(self, stats, params):
        # Stepwise EM has statistics per unit of weight; priors are counted in rows.
        rows = self._rows_seen / stats.weight
        return self._posterior_of(
            self._start_prior + rows * stats.start,
            self._step_prior + rows * stats.transitions,
            self._emission_m_step(scale(stats.emission, rows), params.emission),
        )

    def _bound(self, stats, params, updated):
        """Lower bound of log p(rows), per row."""
        rows = self._rows_seen / stats.weight
        expected = _dot(stats.start, params.chain.start)
        expected += _dot(stats.transitions, params.chain.transitions)
        expected += self._expected_emission(stats.emission, params.emission)
        whole = rows * (stats.log_likelihood - expected)  # the entropy of paths
        whole += _log_beta(updated.start, self._starts_at)
        whole += _log_beta(updated.transitions, self._allowed)
        prior = _log_beta(self._start_prior, self._starts_at)
        prior += _log_beta(self._step_prior, self._allowed)
        whole += self._emission_evidence(updated.emission)
        return float((whole - prior) / self._rows_seen)

    def _fitted_attributes(self, params):
        mean = Chain(
            _mean(params.start, self._starts_at),
            _mean(params.transitions, self._allowed),
        )
        return {
            **super()._fitted_attributes(
                MarkovParams(mean, self._predictive_emission(params.emission))
            ),
            **self._posterior_attributes(params.emission),
            "startprob_posterior_": np.where(self._starts_at, params.start, 0.0),
            "transmat_posterior_": np.where(self._allowed, params.transitions, 0.0),
            "_posterior": params,
        }

    def _dead_states(self, run):
        return ()  # without rows a state has its prior: nothing needs to begin again

    def _n_starts(self):
        return self.n_init

    def _fitted_params(self):
        return self._posterior


def _expected(concentration, allowed):
    """exp(E[log p]) of Dirichlet distributions over what is allowed."""
    total = np.where(allowed, concentration, 0.0).sum(axis=-1, keepdims=True)
    return np.where(allowed, np.exp(digamma(concentration) - digamma(total)), 0.0)


def _mean(concentration, allowed):
    kept = np.where(allowed, concentration, 0.0)
    return kept / kept.sum(axis=-1, keepdims=True)


def _log_beta(concentration, allowed):
    """Logarithm of the normalising constants of Dirichlet distributions."""
    total = np.where(allowed, concentration, 0.0).sum(axis=-1)
    return np.where(allowed, gammaln(concentration), 0.0).sum() - gammaln(total).sum()


def _dot(counts, probabilities):
    """Sum of counts times log probabilities; nothing counts where both are zero."""
    there = counts > 0.0
    return float(counts[there] @ np.log(probabilities[there]))
