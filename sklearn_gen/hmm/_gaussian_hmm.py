"""Hidden Markov model with Gaussian emissions."""

from numbers import Real
from typing import ClassVar

import numpy as np

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._column_moments import column_means, column_variances
from sklearn_gen._compat import Interval, StrOptions
from sklearn_gen._regularization import Regularization
from sklearn_gen.hmm._base import HiddenMarkovModel
from sklearn_gen.hmm._emissions_gaussian import GaussianEmission

_COVARIANCES = ("full", "tied", "diag", "spherical")


class GaussianHMM(Regularization, HiddenMarkovModel):
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
        Variance added to each column; 'scale' adds a millionth of the column's own.
    startprob_prior : float or array-like of shape (n_components,), default=1.0
        Parameters of the Dirichlet prior of `startprob_`; 1 is flat.
    transmat_prior : float or array-like of shape (n_components, n_components), \
default=1.0
        Parameters of the Dirichlet priors of the rows of `transmat_`.
    sticky : float, default=0.0
        Pseudo-counts of staying in a state, added to the prior's diagonal.
    topology : {'ergodic', 'left-right', 'linear', 'cyclic'} or array-like, \
default='ergodic'
        Which steps are possible: all; to the same or later states, from the first;
        to the same or the next, from the first; the same or the next, around; or a
        mask of shape (n_components, n_components).
    startprob_init : array-like of shape (n_components,) or None, default=None
        Where EM starts; zeros stay zero.
    transmat_init : array-like of shape (n_components, n_components) or None, \
default=None
        Where EM starts; zeros stay zero.
    dequantize : 'auto', array-like or None, default=None
        Columns whose values repeat, to which fit adds uniform noise of their
        resolution; 'auto' finds them.
    group_column : int, str or None, default=None
        Column of X with the ids of the sequences, for pipelines and searches.
    tol : float, default=1e-4
        EM stops when the mean log-likelihood changes by less, nats per row.
    max_iter : int, default=100
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

    An iteration costs O(n K (K + D)) (D^2 with full covariances) and O(K) memory per
    row of a piece of some thousand rows, whatever the length of the sequences.

    References
    ----------
    Rabiner (1989), "A tutorial on hidden Markov models", doi:10.1109/5.18626.

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
        **HiddenMarkovModel._parameter_constraints,
        "covariance_type": [StrOptions(set(_COVARIANCES))],
        "reg_covar": [Interval(Real, 0.0, None, closed="left"), StrOptions({"scale"})],
        "dequantize": [StrOptions({"auto"}), "array-like", None],
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
        topology="ergodic",
        startprob_init=None,
        transmat_init=None,
        dequantize=None,
        group_column=None,
        tol=1e-4,
        max_iter=100,
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

    @property
    def _structure(self):
        return gaussian.STRUCTURES[self.covariance_type]

    def _prepare(self, X, series, rng, first=True):
        X = super()._prepare(X, series, rng, first)
        return self._add_noise(X, rng).astype(self._dtype, copy=False)

    def _describe(self, X, series):
        weight = series.weight[series.sequences.of_rows]
        self._variances = column_variances(X, weight)
        self._dtype = X.dtype.name
        self._emission = GaussianEmission(self._structure)
        self._warn_of_scale()

    def _starting_emission(self, X, resp):
        filled = np.where(np.isnan(X), column_means(X, None), X).astype(np.float64)
        stats, centers = gaussian.initial_stats(self._structure, filled, resp)
        return gaussian.m_step(self._structure, stats, centers, self._reg, self._ridge)

    def _emission_m_step(self, stats, params):
        return self._emission.m_step(stats, params, self._reg, self._ridge)

    def _emission_attributes(self, params):
        return {"means_": params.means, "covars_": params.covariances}

    def _n_emission_parameters(self):
        K, D = self.means_.shape
        return self._structure.n_parameters(K, D) + K * D

    def _warn_of_degeneracy(self, params):
        super()._warn_of_degeneracy(params.emission)

    def _draw_rows(self, states, sequences, before, rng):
        params = self._params.emission
        nothing = np.full((len(states), params.means.shape[1]), np.nan)
        return self._fill_rows(nothing, states, rng)

    def _fill_rows(self, X, states, rng):
        resp = np.eye(self.n_components)[states]
        params = self._params.emission
        return gaussian.draw_missing(self._structure, params, X, resp, rng)
