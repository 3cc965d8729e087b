"""Hidden Markov model with Gaussian emissions and a posterior of its parameters."""

from numbers import Real
from typing import ClassVar

import numpy as np
from scipy.special import digamma

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._compat import Interval
from sklearn_gen._gaussian import student, variational
from sklearn_gen._validation import DegenerateDataWarning, warn
from sklearn_gen.hmm._continuous import GaussianStates
from sklearn_gen.hmm._emissions_normal_wishart import NormalWishartEmission
from sklearn_gen.hmm._variational import VariationalHMM

_POSITIVE = Interval(Real, 0.0, None, closed="neither")


class VariationalGaussianHMM(VariationalHMM, GaussianStates):
    r"""Hidden Markov model of numbers, variational Bayes.

    .. math:: p(x_{1:T}, z_{1:T}, \theta) = p(\theta) \, \pi_{z_1} \prod_{t>1}
        A_{z_{t-1} z_t} \prod_t N(x_t; \mu_{z_t}, \Lambda_{z_t}^{-1})

    Probabilities have Dirichlet priors, states' means and precisions Normal-Wishart
    ones. Their posterior takes the place of estimates, and the bound of the evidence
    says how many states the rows ask for.

    Parameters
    ----------
    n_components : int, default=1
        Most states K.
    covariance_type : {'full', 'tied', 'diag', 'spherical'}, default='diag'
        Structure of the covariances.
    reg_covar : float or 'scale', default='scale'
        Variance added to each column; 'scale' adds a millionth of the column's own.
    startprob_prior : float, array-like or None, default=None
        Parameters of the Dirichlet prior of the first state. None is 1 / n_components.
    transmat_prior : float, array-like or None, default=None
        Parameters of the Dirichlet priors of the steps from each state. None is
        1 / n_components: few steps are likely from each.
    sticky : float, default=0.0
        Pseudo-counts of staying in a state, added to the prior's diagonal.
    means_prior : array-like of shape (n_features,) or None, default=None
        Prior mean of all states. None is the mean of the rows.
    beta_prior : float, default=1.0
        Rows that the prior mean is worth.
    dof_prior : float or None, default=None
        Degrees of freedom of the Wishart prior, above n_features - 1. None is
        n_features + 2, with which `scale_prior` is the covariance expected, and what a
        state without rows predicts has a variance.
    scale_prior : array-like or None, default=None
        Inverse scale matrix of the Wishart prior: (n_features, n_features) of
        covariances 'full' and 'tied', (n_features,) of 'diag', a number of
        'spherical'. None is the covariance of the rows.
    topology : str or array-like, default='ergodic'
        Which steps are possible: all ('ergodic'); to the same or later states, from
        the first ('left-right'); to the same or the next, from the first ('linear');
        to the same or the next, around ('cyclic'); or where a mask of shape
        (n_components, n_components) is True.
    startprob_init : array-like of shape (n_components,) or None, default=None
        Where iterations start; zeros stay zero.
    transmat_init : array-like or None, default=None
        Of the shape of `transmat_`: where iterations start.
    dequantize : 'auto', array-like or None, default=None
        Columns whose values repeat, to which fit adds uniform noise of their
        resolution; 'auto' finds them.
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
    startprob_ : ndarray of shape (n_components,)
        Posterior mean of the probabilities of the first state.
    transmat_ : ndarray of shape (n_components, n_components)
        Posterior mean of the probabilities of steps.
    means_ : ndarray of shape (n_components, n_features)
        Posterior mean of each state's mean.
    covars_ : ndarray
        Inverse of the posterior mean of the precisions.
    startprob_posterior_ : ndarray of shape (n_components,)
        Parameters of the Dirichlet posterior.
    transmat_posterior_ : ndarray of shape (n_components, n_components)
        The same of the steps from each state.
    beta_posterior_ : ndarray of shape (n_components,)
        Rows that each posterior mean is worth.
    dof_posterior_ : ndarray of shape (n_components,)
        Degrees of freedom of each Wishart posterior; a number if covariances are tied.
    converged_ : bool
        True only if the last change was below `tol`.
    n_iter_ : int
        Iterations of the best start.
    lower_bound_ : float
        Lower bound of the log evidence, nats per row (with missing cells but for a
        constant): it compares numbers of states.
    lower_bounds_ : list of float
        Its history; it never falls.
    n_features_in_ : int
        Number of columns, without `group_column`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.
    schema_ : TableSchema
        Names, kinds and resolution of the columns.

    See Also
    --------
    GaussianHMM : Maximum likelihood, or highest posterior density.
    sklearn_gen.mixture.BayesianGaussianMixture : Rows without order.

    Notes
    -----
    ``density_kind`` is "exact": `score_samples` and draws are those of a Markov model
    whose states are what the posterior predicts, t distributions with the states' means
    and precisions integrated out, and whose chain is its mean. Few rows leave wide
    tails; with one state, scores are the exact predictive density.

    An iteration costs what one of :class:`GaussianHMM` costs.

    References
    ----------
    MacKay (1997), "Ensemble learning for hidden Markov models". Bishop (2006), "Pattern
    recognition and machine learning", chapter 10.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.hmm import VariationalGaussianHMM
    >>> rng = np.random.default_rng(0)
    >>> X = np.repeat([0.0, 6.0, 0.0], 50)[:, None] + rng.normal(size=(150, 1))
    >>> fits = [VariationalGaussianHMM(K, random_state=0).fit(X) for K in (1, 2, 3)]
    >>> int(np.argmax([model.lower_bound_ for model in fits])) + 1
    2
    """

    _parameter_constraints: ClassVar[dict] = {
        **GaussianStates._parameter_constraints,
        "startprob_prior": [_POSITIVE, "array-like", None],
        "transmat_prior": [_POSITIVE, "array-like", None],
        "means_prior": ["array-like", None],
        "beta_prior": [_POSITIVE],
        "dof_prior": [_POSITIVE, None],
        "scale_prior": [_POSITIVE, "array-like", None],
    }

    def __init__(
        self,
        n_components=1,
        *,
        covariance_type="diag",
        reg_covar="scale",
        startprob_prior=None,
        transmat_prior=None,
        sticky=0.0,
        means_prior=None,
        beta_prior=1.0,
        dof_prior=None,
        scale_prior=None,
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
        self.beta_prior = beta_prior
        self.dof_prior = dof_prior
        self.scale_prior = scale_prior
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

    def _describe(self, X, series):
        super()._describe(X, series)
        self._n_values = int(np.count_nonzero(~np.isnan(X)))
        D = X.shape[1]
        dof = D + 2.0 if self.dof_prior is None else float(self.dof_prior)
        if dof <= D - 1:
            raise ValueError(
                f"dof_prior must exceed n_features - 1 = {D - 1}, got {dof:g}: with "
                "fewer the prior isn't a distribution."
            )
        # One Gaussian of all rows.
        everything = series.weight[series.sequences.of_rows][:, None].astype(float)
        whole = self._gaussian_states(X, everything)
        tied = self._structure.shape(1, D) == (D, D)
        usual = whole.covariances if tied else whole.covariances[0]
        scatter = _of_shape(self.scale_prior, np.shape(usual), "scale_prior", usual)
        mean = _of_shape(self.means_prior, (D,), "means_prior", whole.means[0])
        beta = float(self.beta_prior)
        self._prior = variational.NormalWishartPrior(
            1.0, False, beta, mean, dof, np.asarray(scatter)
        )
        self._prior_evidence = self._emission_evidence(self._prior_states())

    def _prior_states(self):
        """The posterior of states without rows: the prior."""
        K, D = self.n_components, len(self._prior.mean)
        nothing = np.zeros((0, D)), np.zeros((0, K))
        stats, centers = gaussian.initial_stats(self._structure, *nothing)
        return self._posterior_states(stats, centers)

    def _emission_of(self, X, weight):
        return NormalWishartEmission(self._structure)

    def _starting_emission(self, X, resp):
        start = self._gaussian_states(X, resp)
        rows = np.where(np.isnan(X), start.weights @ start.means, X)
        stats, centers = gaussian.initial_stats(self._structure, rows, resp)
        return self._posterior_states(stats, centers)

    def _emission_m_step(self, stats, params):
        return self._posterior_states(stats, params.means)

    def _posterior_states(self, stats, centers):
        found = variational.posterior_params(
            self._structure, stats, centers, self._prior, self._reg, self._ridge
        )
        # Weights are the chain's: of theirs only what is the same for all is left.
        K = len(found.means)
        flat = variational.variational_params(
            np.ones(K), found.mean_precision, found.dof, *found[1:5]
        )
        rest = digamma(1.0) - digamma(float(K))
        return flat._replace(log_weights=flat.log_weights - rest)

    def _expected_emission(self, stats, params):
        return -variational.entropy(self._structure, stats, params)

    def _emission_evidence(self, params):
        return variational.log_evidence(self._structure, params)

    def _bound(self, stats, params, updated):
        rest = self._prior_evidence / self._rows_seen
        rest += (
            0.5
            * np.log(2.0 * np.pi)
            * updated.emission.means.shape[1]
            * (stats.emission.s0.sum() / stats.weight)
        )
        return super()._bound(stats, params, updated) - rest

    def _predictive_emission(self, params):
        return variational.predictive(self._structure, params)

    def _fill_rows(self, X, states, rng):
        resp = np.eye(self.n_components)[states]
        structure = self._emission.predicted.structure
        return student.draw_missing(structure, self._params.emission, X, resp, rng)

    def _posterior_attributes(self, params):
        return {
            "covars_": params.covariances,
            "beta_posterior_": params.mean_precision,
            "dof_posterior_": params.dof,
        }

    def _warn_of_degeneracy(self, params):
        super()._warn_of_degeneracy(params.emission)
        if self._n_parameters() > self._n_values:
            warn(
                f"{self._n_values} observed values can't determine "
                f"{self._n_parameters()} parameters: states lean on their priors. Use "
                "fewer n_components, or covariance_type='diag'.",
                DegenerateDataWarning,
            )


def _of_shape(values, shape, name, usual):
    if values is None:
        return usual
    values = np.asarray(values, dtype=np.float64)
    if values.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {values.shape}.")
    return values
