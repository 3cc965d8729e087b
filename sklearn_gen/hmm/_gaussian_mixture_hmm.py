"""Hidden Markov model with mixtures of Gaussians as emissions."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._compat import Interval
from sklearn_gen._seeding import starting_responsibilities
from sklearn_gen.hmm._base import MarkovParams
from sklearn_gen.hmm._continuous import (
    ContinuousHMM,
    checked_covariances,
    covariance_type_given,
)
from sklearn_gen.hmm._emissions_gaussian import GaussianEmission
from sklearn_gen.hmm._emissions_mixture import MixtureEmission
from sklearn_gen.hmm._known_parameters import given_chain, given_states
from sklearn_gen.hmm._segments import SegmentStarts
from sklearn_gen.hmm._transitions import (
    dirichlet,
    given_probabilities,
    most_probable,
)

# Of a state's rows, what its components have in common at the start: none is empty.
_COMMON = 0.01


class GaussianMixtureHMM(SegmentStarts, ContinuousHMM):
    r"""Hidden Markov model of numbers: each state is a mixture of Gaussians.

    .. math:: p(x_{1:T}) = \sum_{z_{1:T}} \prod_t A_{z_{t-1} z_t}
        \sum_m w_{z_t m} N(x_t; \mu_{z_t m}, \Sigma_{z_t m})

    with :math:`\pi_{z_1}` in the place of :math:`A` at the first row. For states whose
    rows aren't one ellipsoid: phones in speech, gaits, regimes with outliers.

    Parameters
    ----------
    n_components : int, default=1
        Number of states K.
    n_mix : int, default=2
        Number of Gaussians M in each state.
    covariance_type : {'full', 'tied', 'diag', 'spherical'}, default='diag'
        Structure of the covariances, as in hmmlearn: 'tied' is one matrix for all
        components of a state.
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
    weights_prior : float or array-like of shape (n_components, n_mix), default=1.0
        Parameters of the Dirichlet priors of the rows of `weights_`; 1 is flat.
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
    weights_ : ndarray of shape (n_components, n_mix)
        Weights of the components of each state; rows sum to 1.
    means_ : ndarray of shape (n_components, n_mix, n_features)
        Means of the components.
    covars_ : ndarray
        Their covariances: (n_components, n_mix, n_features, n_features) full,
        (n_components, n_features, n_features) tied, (n_components, n_mix, n_features)
        diag, (n_components, n_mix) spherical.
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
    GaussianHMM : One Gaussian per state.
    sklearn_gen.mixture.GaussianMixture : Rows without order.

    Notes
    -----
    ``density_kind`` and ``conditional_kind`` are "exact". NaN cells are integrated out;
    a row of NaN is a step in time that nobody saw.

    An iteration costs O(n K (K + M D)) (D^2 with full and tied covariances). States
    start from short stretches of rows, which have rows of all components of a state;
    clusters would be single components, of whatever state. Within each state,
    components start from k-means. Where clusters as states are likelier, EM starts
    from those.

    References
    ----------
    Juang, Levinson & Sondhi (1986), "Maximum likelihood estimation for multivariate
    mixture observations of Markov chains", doi:10.1109/TIT.1986.1057145.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.hmm import GaussianMixtureHMM
    >>> rng = np.random.default_rng(0)
    >>> side = rng.choice([-4.0, 4.0], size=100)  # the first state has two sides
    >>> X = np.r_[side, np.zeros(100)][:, None] + rng.normal(size=(200, 1))
    >>> model = GaussianMixtureHMM(n_components=2, n_mix=2, random_state=0).fit(X)
    >>> model.means_.shape
    (2, 2, 1)
    """

    _parameter_constraints: ClassVar[dict] = {
        **ContinuousHMM._parameter_constraints,
        "n_mix": [Interval(Integral, 1, None, closed="left")],
        "weights_prior": [Interval(Real, 0.0, None, closed="neither"), "array-like"],
    }

    def __init__(
        self,
        n_components=1,
        *,
        n_mix=2,
        covariance_type="diag",
        reg_covar="scale",
        startprob_prior=1.0,
        transmat_prior=1.0,
        sticky=0.0,
        weights_prior=1.0,
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
        self.n_mix = n_mix
        self.covariance_type = covariance_type
        self.reg_covar = reg_covar
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.sticky = sticky
        self.weights_prior = weights_prior
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
        cls, startprob, transmat, weights, means, covars, *, covariance_type="diag"
    ):
        """Make a fitted model of known parameters.

        Parameters
        ----------
        startprob : array-like of shape (n_components,)
            Probabilities of the first state.
        transmat : array-like of shape (n_components, n_components)
            Probability of the state in each column after that in each row.
        weights : array-like of shape (n_components, n_mix)
            Weights of the components of each state.
        means : array-like of shape (n_components, n_mix, n_features)
            Their means.
        covars : array-like
            Of the shape of `covars_`, positive definite.
        covariance_type : {'full', 'tied', 'diag', 'spherical'}, default='diag'
            Structure of the covariances.

        Returns
        -------
        model : GaussianMixtureHMM
            Fitted; with ``warm_start=True`` a fit goes on from there.

        Raises
        ------
        ValueError
            If shapes don't fit each other, probabilities don't sum to 1, or a value is
            out of range.

        Examples
        --------
        >>> from sklearn_gen.hmm import GaussianMixtureHMM
        >>> model = GaussianMixtureHMM.from_parameters(
        ...     *([0.5, 0.5], [[0.9, 0.1], [0.1, 0.9]]),
        ...     *([[0.5, 0.5], [0.5, 0.5]], [[[-4.0], [4.0]], [[0.0], [1.0]]]),
        ...     [[[1.0], [1.0]], [[1.0], [1.0]]],
        ... )
        >>> model.predict([[-4.1], [3.9], [0.2], [0.9], [0.1]])
        array([0, 0, 1, 1, 1])
        """
        means = given_states(means, "means", ("n_mix", "n_features"))
        K, M, D = means.shape
        weights = given_probabilities(
            weights, (K, M), np.ones((K, M), dtype=bool), "weights"
        )
        model = cls(K, n_mix=M, covariance_type=covariance_type_given(covariance_type))
        structure, tied = model._structure, covariance_type == "tied"
        of_one = structure.shape(1, D)[1:]
        shape = (K, *of_one) if tied else (K, M, *of_one)
        covars = checked_covariances(structure, covars, shape)
        covars = np.repeat(covars, M, 0) if tied else covars.reshape(K * M, *of_one)
        means = means.reshape(-1, D)
        emission = gaussian.GaussianParams(
            weights.ravel(), means, *structure.cholesky(covars, np.zeros(D))
        )
        chain = given_chain(startprob, transmat, K)
        model._known_states(MarkovParams(chain, emission), means, emission.covariances)
        return model

    @property
    def _structure(self):
        kind = "full" if self.covariance_type == "tied" else self.covariance_type
        return gaussian.STRUCTURES[kind]

    def _emission_of(self, X, weight):
        return MixtureEmission(
            self._structure, self.n_mix, self.covariance_type == "tied"
        )

    def _prepare(self, X, series, rng, first=True):
        shape = self.n_components, self.n_mix
        self._mix_prior = dirichlet(self.weights_prior, shape, "weights_prior")
        return super()._prepare(X, series, rng, first)

    # Segments that are longer than runs leave components of a row or two, which soon
    # have no variance: the start itself shows that, its likelihood later hides it.
    _compares_starts, _ahead = True, 1

    def _rough(self):
        # One Gaussian tells segments apart as well as a mixture, in half of the time.
        return GaussianEmission(self._structure), self._gaussian_states

    def _starting_emission(self, X, resp):
        states = self._gaussian_states(X, resp)
        # The same for the same rows, so that only starts of states differ.
        rng = np.random.default_rng(0)
        spread = np.sqrt(np.where(self._variances > 0.0, self._variances, 1.0))
        parts = []
        for k in range(self.n_components):
            rows, shares = starting_responsibilities(
                "kmeans", X / spread, resp[:, k], self.n_mix, rng
            )
            of_all = shares.sum(axis=1, keepdims=True) / self.n_mix
            shares = (1.0 - _COMMON) * shares + _COMMON * of_all
            parts.append(gaussian.initial_stats(self._structure, rows * spread, shares))
        s0, s1, s2, centers = (
            np.concatenate(values)
            for values in zip(
                *((s.s0, s.s1, s.s2, center) for s, center in parts), strict=True
            )
        )
        stats = gaussian.GaussianStats(0.0, s0.sum(), s0, s1, s2)
        states = gaussian.GaussianParams(
            *(s0 / s0.sum(), centers, np.repeat(states.covariances, self.n_mix, 0)),
            *(None, states.repaired),
        )
        return self._emission.m_step(stats, states, self._reg, self._ridge)

    def _emission_m_step(self, stats, params):
        updated = self._emission.m_step(stats, params, self._reg, self._ridge)
        shape = self.n_components, self.n_mix
        weights = most_probable(
            *(stats.s0.reshape(shape), self._mix_prior, np.ones(shape, bool)),
            params.weights.reshape(shape),
        )
        return updated._replace(weights=weights.ravel())

    def _emission_attributes(self, params):
        # those of the fit, whatever `n_mix` and `covariance_type` are by now
        weights = params.weights.reshape(-1, self._emission.n_mix)
        shape, of_one = weights.shape, params.covariances.shape[1:]
        covariances = params.covariances.reshape(*shape, *of_one)
        return {
            "weights_": weights,
            "means_": params.means.reshape(*shape, -1),
            "covars_": covariances[:, 0] if self._emission.tied else covariances,
        }

    def _n_emission_parameters(self):
        K, M, D = self.means_.shape
        n_matrices = K if self.covariance_type == "tied" else K * M
        return self._structure.n_parameters(n_matrices, D) + K * M * D + K * (M - 1)

    def _warn_of_degeneracy(self, params):
        super()._warn_of_degeneracy(params.emission)

    def _check_goes_on(self, n_features):
        super()._check_goes_on(n_features)
        if self.weights_.shape[1] != self.n_mix:
            raise ValueError(
                f"Can't go on from the last fit: its states have "
                f"{self.weights_.shape[1]} components, n_mix={self.n_mix}. Set it "
                "back, or fit a clone."
            )

    def _fill_rows(self, X, states, rng):
        params = self._params.emission
        resp = self._emission.shares(X, states, params)
        return gaussian.draw_missing(self._structure, params, X, resp, rng)
