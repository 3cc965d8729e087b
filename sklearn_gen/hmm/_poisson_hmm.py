"""Hidden Markov model with Poisson emissions."""

from numbers import Real
from typing import ClassVar

import numpy as np

from sklearn_gen._columns import FAMILIES
from sklearn_gen._compat import Interval
from sklearn_gen.hmm._base import HiddenMarkovModel, MarkovParams
from sklearn_gen.hmm._emissions_families import FamiliesParams
from sklearn_gen.hmm._families_hmm import OneFamilyHMM
from sklearn_gen.hmm._known_parameters import given_chain, given_states
from sklearn_gen.hmm._numbers import Counts
from sklearn_gen.hmm._transitions import shaped


class PoissonHMM(Counts, OneFamilyHMM):
    r"""Hidden Markov model of counts: independent Poissons, their rates by state.

    .. math:: p(x_t | z_t = k) = \prod_j \lambda_{kj}^{x_{tj}} e^{-\lambda_{kj}} /
        x_{tj}!

    A row is a time step; `groups` says which rows are one sequence.

    Parameters
    ----------
    n_components : int, default=1
        Number of states K.
    lambdas_prior : float or array-like, default=0.0
        Events of a gamma prior's pseudo-rows: a rate is (events + `lambdas_prior`) /
        (rows + `lambdas_weight`).
    lambdas_weight : float or array-like, default=0.0
        Number of a gamma prior's pseudo-rows, a number or of the shape of `lambdas_`
        as `lambdas_prior`, too. 0 of both is no prior.
    startprob_prior : float or array-like of shape (n_components,), default=1.0
        Parameters of the Dirichlet prior of `startprob_`; 1 is flat.
    transmat_prior : float or array-like, default=1.0
        Parameters of the Dirichlet priors of the rows of `transmat_`, a number or of
        its shape.
    sticky : float, default=0.0
        Pseudo-counts of staying in a state, added to the prior's diagonal.
    topology : str or array-like, default='ergodic'
        Which steps are possible: 'ergodic', 'left-right', 'linear', 'cyclic' or a mask,
        as in :class:`GaussianHMM`.
    startprob_init : array-like of shape (n_components,) or None, default=None
        Where EM starts; zeros stay zero.
    transmat_init : array-like or None, default=None
        Of the shape of `transmat_`: where EM starts; zeros stay zero.
    group_column : int, str or None, default=None
        Column of X with the ids of the sequences, for pipelines and searches.
    tol : float, default=1e-6
        EM stops when the mean log-likelihood changes by less, nats per row.
    max_iter : int, default=1000
        Most EM iterations per start.
    n_init : int, default=1
        Number of starts; the one with the highest likelihood is kept.
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
    lambdas_ : ndarray of shape (n_components, n_features)
        Mean count of each column in each state; NaN where nothing was observed.
    startprob_ : ndarray of shape (n_components,)
        Probabilities of the first state.
    transmat_ : ndarray of shape (n_components, n_components)
        Probability of the state in each column after that in each row.
    converged_ : bool
        True only if the last change was below `tol`.
    n_iter_ : int
        Iterations of the best start.
    lower_bound_ : float
        Mean log-likelihood at the last E-step, nats per row.
    lower_bounds_ : list of float
        Its history.
    n_features_in_ : int
        Number of columns, without `group_column`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.
    schema_ : TableSchema
        Column names and types.

    See Also
    --------
    MixedHMM : Also counts that vary more than Poisson's ('negative_binomial').
    sklearn_gen.mixture.PoissonMixture : Rows without order.

    Notes
    -----
    ``density_kind`` and ``conditional_kind`` are "exact": scores are log masses. NaN
    means "not observed". An iteration costs O(n K (K + D)). Values between counts are
    rounded, with a warning. hmmlearn weighs `lambdas_weight` against the rows of all
    states together; here it is against those of each state.

    References
    ----------
    Zucchini & MacDonald (2009), "Hidden Markov models for time series",
    doi:10.1201/9781420010893.

    Examples
    --------
    >>> from sklearn_gen.hmm import PoissonHMM
    >>> X = [[3], [2], [4], [19], [22], [20], [18], [3], [1], [3]]
    >>> model = PoissonHMM(n_components=2, random_state=0).fit(X)
    >>> states = model.predict(X)
    >>> (states == states[0]).astype(int)
    array([1, 1, 1, 0, 0, 0, 0, 1, 1, 1])
    """

    _family = "poisson"
    _parameter_constraints: ClassVar[dict] = {
        **HiddenMarkovModel._parameter_constraints,
        "lambdas_prior": [Interval(Real, 0.0, None, closed="left"), "array-like"],
        "lambdas_weight": [Interval(Real, 0.0, None, closed="left"), "array-like"],
    }

    def __init__(
        self,
        n_components=1,
        *,
        lambdas_prior=0.0,
        lambdas_weight=0.0,
        startprob_prior=1.0,
        transmat_prior=1.0,
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
        self.n_components = n_components
        self.lambdas_prior = lambdas_prior
        self.lambdas_weight = lambdas_weight
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.sticky = sticky
        self.topology = topology
        self.startprob_init = startprob_init
        self.transmat_init = transmat_init
        self.group_column = group_column
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval
        self.n_jobs = n_jobs

    @classmethod
    def from_parameters(cls, startprob, transmat, lambdas):
        """Make a fitted model of known parameters.

        Parameters
        ----------
        startprob : array-like of shape (n_components,)
            Probabilities of the first state.
        transmat : array-like of shape (n_components, n_components)
            Probability of the state in each column after that in each row.
        lambdas : array-like of shape (n_components, n_features)
            Rate of each column in each state, above zero.

        Returns
        -------
        model : PoissonHMM
            Fitted; with ``warm_start=True`` a fit goes on from there.

        Raises
        ------
        ValueError
            If shapes don't fit each other, probabilities don't sum to 1, or a value is
            out of range.

        Examples
        --------
        >>> from sklearn_gen.hmm import PoissonHMM
        >>> model = PoissonHMM.from_parameters(
        ...     [0.5, 0.5], [[0.9, 0.1], [0.1, 0.9]], [[3.0], [20.0]]
        ... )
        >>> model.predict([[4], [2], [17]])
        array([0, 0, 1])
        """
        lambdas = given_states(lambdas, "lambdas")
        if lambdas.min() <= 0.0:
            raise ValueError(f"lambdas must be above zero, got {lambdas.min():g}.")
        model = cls(len(lambdas))
        model._show(np.repeat([[0], [1]], lambdas.shape[1], axis=1))
        params = FAMILIES["poisson"].params_type
        columns = tuple(params(rates) for rates in lambdas.T.copy())
        chain = given_chain(startprob, transmat, len(lambdas))
        model._known(MarkovParams(chain, FamiliesParams(len(lambdas), columns)))
        return model

    def _prepare(self, X, series, rng, first=True):
        X = super()._prepare(X, series, rng, first)
        shape = self.n_components, X.shape[1]
        chosen = [column.sources[0] for column in self._table.columns]
        rows, events = (
            _not_negative(getattr(self, name), shape, name)
            for name in ("lambdas_weight", "lambdas_prior")
        )
        # as the statistics of `Poisson`: rows and events of each column
        prior = np.stack([rows, events], axis=-1)[:, chosen]
        self._prior = prior.reshape(self.n_components, -1).T
        return X

    def _emission_m_step(self, stats, params):
        moments = stats.moments + self._prior_share * self._prior
        return self._emission.m_step(stats._replace(moments=moments), params)

    def _emission_attributes(self, params):
        return {"lambdas_": self._stack_columns(params, lambda own: own.mean)}


def _not_negative(values, shape, name):
    values = shaped(values, shape, name)
    if not (np.isfinite(values).all() and (values >= 0.0).all()):
        raise ValueError(
            f"{name} must be finite numbers that aren't negative (0 is no prior), got "
            f"{values.min():g}."
        )
    return values
