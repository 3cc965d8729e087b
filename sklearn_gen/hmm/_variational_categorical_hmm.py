"""Hidden Markov model of levels with a posterior of its parameters."""

from numbers import Real
from typing import ClassVar, NamedTuple

import numpy as np
from scipy.special import digamma, gammaln

from sklearn_gen._columns import UNSEEN_MASS
from sklearn_gen._compat import Interval
from sklearn_gen.hmm._categorical_hmm import CategoricalHMM
from sklearn_gen.hmm._emissions_categorical import CategoricalParams
from sklearn_gen.hmm._variational import VariationalHMM

_POSITIVE = Interval(Real, 0.0, None, closed="neither")


class DirichletTables(NamedTuple):
    """Posterior of all columns' probabilities of levels, stacked."""

    log_tables: np.ndarray  # (K, R) expected log p(code | z = k)
    first: np.ndarray  # (D + 1,) row at which each column's codes start, and R
    counts: np.ndarray  # (K, R) parameters of Dirichlet distributions


class VariationalCategoricalHMM(VariationalHMM, CategoricalHMM):
    r"""Hidden Markov model of levels, variational Bayes.

    .. math:: p(x_{1:T}, z_{1:T}, \theta) = p(\theta) \, \pi_{z_1} \prod_{t>1}
        A_{z_{t-1} z_t} \prod_t \prod_j B^{(j)}_{z_t x_{tj}}

    All probabilities have Dirichlet priors. Their posterior takes the place of
    estimates, and the bound of the evidence says how many states the rows ask for.

    Parameters
    ----------
    n_components : int, default=1
        Most states K.
    n_features : int or None, default=None
        Levels are 0, 1, ..., `n_features` - 1 in all columns; None: those that fit
        sees, or that the column's type declares.
    emissionprob_prior : float, array-like or None, default=None
        Parameters of the Dirichlet priors of the levels: a number, or of shape
        (n_components, n_levels) with all columns' levels. None is 1 / n_levels.
    startprob_prior : float, array-like or None, default=None
        Parameters of the Dirichlet prior of the first state. None is 1 / n_components.
    transmat_prior : float, array-like or None, default=None
        Parameters of the Dirichlet priors of the steps from each state. None is
        1 / n_components: few steps are likely from each.
    sticky : float, default=0.0
        Pseudo-counts of staying in a state, added to the prior's diagonal.
    topology : str or array-like, default='ergodic'
        Which steps are possible: 'ergodic', 'left-right', 'linear', 'cyclic' or a mask,
        as in :class:`GaussianHMM`.
    startprob_init : array-like of shape (n_components,) or None, default=None
        Where iterations start; zeros stay zero.
    transmat_init : array-like or None, default=None
        Of the shape of `transmat_`: where iterations start; zeros stay zero.
    group_column : int, str or None, default=None
        Column of X with the ids of the sequences, for pipelines and searches.
    tol : float, default=1e-6
        Iterations stop when the lower bound changes by less, nats per row.
    max_iter : int, default=1000
        Most iterations per start.
    n_init : int, default=1
        Number of starts; the one with the highest lower bound is kept.
    random_state : None, int, RandomState or Generator, default=None
        Seeds starts and draws. None is fresh entropy.
    warm_start : bool, default=False
        Whether fit goes on from the last parameters.
    verbose : int, default=0
        1 prints starts and iterations, 2 also likelihoods and times.
    verbose_interval : int, default=10
        Iterations between prints.
    n_jobs : int or None, default=None
        Threads; None is 1, -1 all cores. Results are the same bytes for every number.

    Attributes
    ----------
    emissionprob_ : ndarray of shape (n_components, n_levels), or list of them
        Posterior mean of the probabilities of levels; of several columns a list.
    emissionprob_posterior_ : ndarray or list of ndarray
        Parameters of their Dirichlet posterior, of the same shape.
    categories_ : list of ndarray of shape (n_levels,)
        Of each column, its levels.
    startprob_ : ndarray of shape (n_components,)
        Posterior mean of the probabilities of the first state.
    transmat_ : ndarray of shape (n_components, n_components)
        Posterior mean of the probabilities of steps.
    startprob_posterior_ : ndarray of shape (n_components,)
        Parameters of the Dirichlet posterior.
    transmat_posterior_ : ndarray of shape (n_components, n_components)
        The same of the steps from each state.
    converged_ : bool
        True only if the last change was below `tol`.
    n_iter_ : int
        Iterations of the best start.
    lower_bound_ : float
        Lower bound of the log evidence, nats per row: it compares numbers of states.
    lower_bounds_ : list of float
        Its history; it never falls.
    n_features_in_ : int
        Number of columns, without `group_column`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.
    schema_ : TableSchema
        Column names and types.

    See Also
    --------
    CategoricalHMM : Maximum likelihood, or highest posterior density.
    VariationalGaussianHMM : Numbers instead of levels.

    Notes
    -----
    ``density_kind`` is "exact": `score_samples` and draws are those of the Markov model
    with the attributes above, means of the posterior, not of all models it allows.

    An iteration costs what one of :class:`CategoricalHMM` costs.

    References
    ----------
    MacKay (1997), "Ensemble learning for hidden Markov models". Beal (2003),
    "Variational algorithms for approximate Bayesian inference", chapter 3.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.hmm import VariationalCategoricalHMM
    >>> X = np.tile(np.repeat([0, 1, 2, 1], 5), 30)[:, None]
    >>> model = VariationalCategoricalHMM(2, n_init=3, random_state=0).fit(X)
    >>> model.emissionprob_posterior_.shape
    (2, 3)
    """

    _parameter_constraints: ClassVar[dict] = {
        **CategoricalHMM._parameter_constraints,
        "startprob_prior": [_POSITIVE, "array-like", None],
        "transmat_prior": [_POSITIVE, "array-like", None],
        "emissionprob_prior": [_POSITIVE, "array-like", None],
    }

    def __init__(
        self,
        n_components=1,
        *,
        n_features=None,
        emissionprob_prior=None,
        startprob_prior=None,
        transmat_prior=None,
        sticky=0.0,
        topology="ergodic",
        startprob_init=None,
        transmat_init=None,
        group_column=None,
        tol=1e-6,
        max_iter=1000,
        n_init=1,
        random_state=None,
        warm_start=False,
        verbose=0,
        verbose_interval=10,
        n_jobs=None,
    ):
        super().__init__(
            n_components,
            n_features=n_features,
            emissionprob_prior=emissionprob_prior,
            startprob_prior=startprob_prior,
            transmat_prior=transmat_prior,
            sticky=sticky,
            topology=topology,
            startprob_init=startprob_init,
            transmat_init=transmat_init,
            group_column=group_column,
            tol=tol,
            max_iter=max_iter,
            n_init=n_init,
            random_state=random_state,
            warm_start=warm_start,
            verbose=verbose,
            verbose_interval=verbose_interval,
            n_jobs=n_jobs,
        )

    def _spans(self):
        """Of each column with levels, where their codes are."""
        spans = zip(self._first[:-1], self._unseen, strict=True)
        return [slice(start, end) for start, end in spans if end > start]

    def _emission_m_step(self, stats, params):
        counts = stats.counts + self._pseudo_counts + 1.0
        log_tables = np.zeros_like(counts)
        for span in self._spans():
            total = counts[:, span].sum(axis=1, keepdims=True)
            log_tables[:, span] = digamma(counts[:, span]) - digamma(total)
        return DirichletTables(log_tables, self._first, counts)

    def _expected_emission(self, stats, params):
        seen = np.delete(np.arange(self._first[-1]), self._unseen)
        counts = stats.counts[:, seen]
        expected = np.sum(counts * params.log_tables[:, seen])
        return expected + counts.sum() * np.log1p(-UNSEEN_MASS)

    def _emission_evidence(self, params):
        return _log_beta(params.counts, self._spans()) - _log_beta(
            self._pseudo_counts + 1.0, self._spans()
        )

    def _predictive_emission(self, params):
        log_tables = np.full_like(params.counts, -np.inf)
        for span in self._spans():
            part = params.counts[:, span]
            log_tables[:, span] = np.log(part / part.sum(axis=1, keepdims=True))
        return CategoricalParams(log_tables, self._first)

    def _posterior_attributes(self, params):
        tables = [params.counts[:, span] for span in self._spans()]
        return {"emissionprob_posterior_": tables[0] if len(tables) == 1 else tables}


def _log_beta(counts, spans):
    """Logarithm of the normalising constants of all tables."""
    return sum(
        gammaln(counts[:, span]).sum() - gammaln(counts[:, span].sum(axis=1)).sum()
        for span in spans
    )
