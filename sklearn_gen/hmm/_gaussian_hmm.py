"""Hidden Markov model with Gaussian emissions."""

from numbers import Real
from typing import ClassVar

import numpy as np

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._compat import Interval
from sklearn_gen.hmm._base import MarkovParams
from sklearn_gen.hmm._continuous import (
    GaussianStates,
    checked_covariances,
    covariance_type_given,
)
from sklearn_gen.hmm._emissions_gaussian import GaussianEmission
from sklearn_gen.hmm._gaussian_m_step import gaussian_prior, m_step
from sklearn_gen.hmm._known_parameters import given_chain, given_states


class GaussianHMM(GaussianStates):
    r"""Hidden Markov model of numbers: Gaussian rows, one component per state.

    .. math:: p(x_{1:T}) = \sum_{z_{1:T}} \pi_{z_1} N(x_1; \mu_{z_1}, \Sigma_{z_1})
        \prod_{t>1} A_{z_{t-1} z_t} N(x_t; \mu_{z_t}, \Sigma_{z_t})

    A row is a time step; `groups` says which rows are one sequence.

    Parameters
    ----------
    n_components : int, default=1
        Number of states K.
    covariance_type : {'full', 'tied', 'diag', 'spherical'}, default='diag'
        Structure of the covariances, as in hmmlearn and scikit-learn.
    reg_covar : float or 'scale', default='scale'
        Variance added to each column; 'scale' adds a millionth of the column's own,
        outliers cut off.
    startprob_prior : float or array-like of shape (n_components,), default=1.0
        Parameters of the Dirichlet prior of `startprob_`; 1 is flat.
    transmat_prior : float or array-like, default=1.0
        Parameters of the Dirichlet priors of the rows of `transmat_`, a number or of
        its shape.
    sticky : float, default=0.0
        Pseudo-counts of staying in a state, added to the prior's diagonal.
    means_prior : float or array-like of shape (n_components, n_features), default=0.0
        Means of the normal prior of `means_`.
    means_weight : float or array-like of shape (n_components,), default=0.0
        How many rows at `means_prior` that prior counts as; 0 is no prior.
    covars_prior : float or array-like, default=0.0
        Sums of squares that the Wishart prior adds to those of the rows: a number (on
        the diagonal), or of the shape of `covars_` (diag and spherical as diag).
    covars_weight : float, default=0.0
        How many rows it counts as, plus n_features with full and tied covariances and
        plus 1 with diag and spherical ones, as in hmmlearn; no less than none.
    topology : str or array-like, default='ergodic'
        Which steps are possible: all ('ergodic'); to the same or later states, from
        the first ('left-right'); to the same or the next, from the first ('linear');
        to the same or the next, around ('cyclic'); or where a mask of shape
        (n_components, n_components) is True.
    startprob_init : array-like of shape (n_components,) or None, default=None
        Where EM starts; zeros stay zero.
    transmat_init : array-like or None, default=None
        Of the shape of `transmat_`: where EM starts; zeros stay zero.
    dequantize : 'auto', array-like or None, default=None
        Columns whose values repeat, to which fit adds uniform noise of their
        resolution; 'auto' finds them.
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
    startprob_ : ndarray of shape (n_components,)
        Probabilities of the first state.
    transmat_ : ndarray of shape (n_components, n_components)
        Probability of the state in each column after that in each row.
    means_ : ndarray of shape (n_components, n_features)
        Mean of each state.
    covars_ : ndarray
        Covariances, of the shape of `covariances_` of
        :class:`~sklearn_gen.mixture.GaussianMixture`.
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
        Names, kinds and resolution of the columns.

    See Also
    --------
    CategoricalHMM : Levels instead of numbers.
    sklearn_gen.mixture.GaussianMixture : Rows without order.

    Notes
    -----
    ``density_kind`` and ``conditional_kind`` are "exact". `score_samples` depends on
    the rows before: it is log p(x_t | earlier rows of the sequence), and sums to the
    sequence's log-likelihood. NaN cells are integrated out; a row of NaN is a step in
    time that nobody saw.

    Priors make estimates those of highest posterior density (Gauvain & Lee 1994): a
    state with responsibilities of sum n, mean m and squares S about it has, for full
    covariances, the mean :math:`\mu = (n m + \tau \mu_0) / (n + \tau)` and the
    covariance :math:`(U + S + n (m - \mu)(m - \mu)^T + \tau (\mu - \mu_0)
    (\mu - \mu_0)^T) / (n + \max(\alpha - D, 0))`, where :math:`\mu_0, \tau, U,
    \alpha` are `means_prior`, `means_weight`, `covars_prior` and `covars_weight`.
    hmmlearn's defaults for these are 0, 0, 0.01 and 1. `lower_bound_` is the
    likelihood without them.

    An iteration costs O(n K (K + D)) (D^2 with full covariances) and O(K) memory per
    row of a piece of some thousand rows, whatever the length of the sequences.

    References
    ----------
    Rabiner (1989), "A tutorial on hidden Markov models", doi:10.1109/5.18626. Gauvain &
    Lee (1994), "Maximum a posteriori estimation for multivariate Gaussian mixture
    observations of Markov chains", doi:10.1109/89.279278.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.hmm import GaussianHMM
    >>> rng = np.random.default_rng(0)
    >>> X = np.repeat([0.0, 5.0, 0.0], 50)[:, None] + rng.normal(size=(150, 1))
    >>> model = GaussianHMM(n_components=2, random_state=0).fit(X)
    >>> states = model.predict(X)
    >>> int((states[1:] != states[:-1]).sum())
    2
    """

    _parameter_constraints: ClassVar[dict] = {
        **GaussianStates._parameter_constraints,
        "means_prior": [Real, "array-like"],
        "means_weight": [Interval(Real, 0.0, None, closed="left"), "array-like"],
        "covars_prior": [Interval(Real, 0.0, None, closed="left"), "array-like"],
        "covars_weight": [Interval(Real, 0.0, None, closed="left")],
    }

    def __init__(
        self,
        n_components=1,
        *,
        covariance_type="diag",
        reg_covar="scale",
        startprob_prior=1.0,
        transmat_prior=1.0,
        sticky=0.0,
        means_prior=0.0,
        means_weight=0.0,
        covars_prior=0.0,
        covars_weight=0.0,
        topology="ergodic",
        startprob_init=None,
        transmat_init=None,
        dequantize=None,
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
        self.covariance_type = covariance_type
        self.reg_covar = reg_covar
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.sticky = sticky
        self.means_prior = means_prior
        self.means_weight = means_weight
        self.covars_prior = covars_prior
        self.covars_weight = covars_weight
        self.topology = topology
        self.startprob_init = startprob_init
        self.transmat_init = transmat_init
        self.dequantize = dequantize
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
    def from_parameters(
        cls, startprob, transmat, means, covars, *, covariance_type="diag"
    ):
        """Make a fitted model of known parameters.

        Parameters
        ----------
        startprob : array-like of shape (n_components,)
            Probabilities of the first state.
        transmat : array-like of shape (n_components, n_components)
            Probability of the state in each column after that in each row.
        means : array-like of shape (n_components, n_features)
            Mean of each state.
        covars : array-like
            Of the shape of `covars_`, positive definite.
        covariance_type : {'full', 'tied', 'diag', 'spherical'}, default='diag'
            Their structure.

        Returns
        -------
        model : GaussianHMM
            Fitted; with ``warm_start=True`` a fit goes on from there.

        Raises
        ------
        ValueError
            If shapes don't fit each other, probabilities don't sum to 1, a value isn't
            finite, or a covariance isn't positive definite.

        Examples
        --------
        >>> from sklearn_gen.hmm import GaussianHMM
        >>> model = GaussianHMM.from_parameters(
        ...     [0.5, 0.5], [[0.9, 0.1], [0.1, 0.9]], [[0.0], [4.0]], [[1.0], [1.0]]
        ... )
        >>> model.predict([[0.1], [0.2], [3.9]])
        array([0, 0, 1])
        """
        means = given_states(means, "means")
        model = cls(len(means), covariance_type=covariance_type_given(covariance_type))
        structure = model._structure
        shape = structure.shape(*means.shape)
        covars = checked_covariances(structure, covars, shape)
        emission = gaussian.GaussianParams(
            np.full(len(means), 1.0 / len(means)),
            means,
            *structure.cholesky(covars, np.zeros(means.shape[1])),
        )
        chain = given_chain(startprob, transmat, len(means))
        model._known_states(MarkovParams(chain, emission), means, emission.covariances)
        return model

    def _prepare(self, X, series, rng, first=True):
        X = super()._prepare(X, series, rng, first)
        self._prior = gaussian_prior(
            *(self._structure, self.n_components, X.shape[1]),
            *(self.means_prior, self.means_weight),
            *(self.covars_prior, self.covars_weight),
        )
        return X

    def _emission_of(self, X, weight):
        return GaussianEmission(self._structure)

    def _starting_emission(self, X, resp):
        return self._gaussian_states(X, resp)

    def _emission_m_step(self, stats, params):
        return m_step(
            self._structure, stats, params, self._reg, self._ridge, self._prior
        )

    def _warn_of_degeneracy(self, params):
        super()._warn_of_degeneracy(params.emission)
