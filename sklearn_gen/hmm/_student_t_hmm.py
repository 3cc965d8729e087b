"""Hidden Markov model with Student t emissions."""

from numbers import Real
from typing import ClassVar

import numpy as np

from sklearn_gen._compat import Interval, StrOptions
from sklearn_gen._gaussian import student
from sklearn_gen.hmm._base import MarkovParams
from sklearn_gen.hmm._continuous import (
    ContinuousHMM,
    checked_covariances,
    covariance_type_given,
)
from sklearn_gen.hmm._emissions_student import StudentEmission
from sklearn_gen.hmm._known_parameters import finite, given_chain, given_states
from sklearn_gen.hmm._segments import SegmentStarts

_STARTING_DOF = 10.0


class StudentTHMM(SegmentStarts, ContinuousHMM):
    r"""Hidden Markov model of numbers with outliers: multivariate t rows.

    .. math:: p(x_{1:T}) = \sum_{z_{1:T}} \prod_t A_{z_{t-1} z_t}
        \, t_{\nu_{z_t}}(x_t; \mu_{z_t}, S_{z_t})

    with :math:`\pi_{z_1}` in the place of :math:`A` at the first row, and the density
    :math:`t` of :class:`~sklearn_gen.mixture.StudentTMixture`. A far row counts little
    in the means and scale matrices and takes no state of its own. Where `dof` is one
    number it says little of its state, too; where each state has its own, it speaks for
    the one with the heaviest tails.

    Parameters
    ----------
    n_components : int, default=1
        Number of states K.
    covariance_type : {'full', 'tied', 'diag', 'spherical'}, default='diag'
        Structure of the scale matrices.
    dof : float or 'estimate', default='estimate'
        Degrees of freedom :math:`\nu`: estimated for each state, between 0.5 and 1000,
        or one number for all. Small is heavy-tailed; 1 is Cauchy, 30 all but Gaussian.
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
        Location of each state.
    scales_ : ndarray
        Scale matrices, of the shape of `covars_` of :class:`GaussianHMM`: covariances
        are dof / (dof - 2) times as large, where dof exceeds 2.
    dof_ : ndarray of shape (n_components,)
        Degrees of freedom.
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
    GaussianHMM : Without heavy tails.
    sklearn_gen.mixture.StudentTMixture : Rows without order.

    Notes
    -----
    ``density_kind`` and ``conditional_kind`` are "exact". The observed cells of a t
    vector are t, so NaN cells are integrated out; a row of NaN is a step in time that
    nobody saw. Where columns are uncorrelated within states they are not independent:
    they share their hidden scale, and so their outliers.

    An iteration costs O(n K (K + D)) (D^2 with full scale matrices). Degrees of freedom
    are Newton's solution of the M-step; a free scale of the hidden variables makes EM
    take few iterations (Liu, Rubin & Wu 1998). Starts see columns with values beyond
    three interquartile ranges cut off.

    References
    ----------
    Chatzis, Kosmopoulos & Varvarigou (2009), "Robust sequential data modeling using an
    outlier tolerant hidden Markov model", doi:10.1109/TPAMI.2008.215. Liu, Rubin & Wu
    (1998), "Parameter expansion to accelerate EM", doi:10.1093/biomet/85.4.755.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.hmm import StudentTHMM
    >>> rng = np.random.default_rng(0)
    >>> X = np.repeat([0.0, 5.0, 0.0], 50)[:, None] + rng.normal(size=(150, 1))
    >>> X[::30] += 1000.0  # outliers
    >>> model = StudentTHMM(n_components=2, dof=3.0, random_state=0).fit(X)
    >>> np.sort(model.means_.ravel()).round()
    array([0., 5.])
    >>> states = model.predict(X)
    >>> int((states[1:] != states[:-1]).sum())
    2
    """

    _parameter_constraints: ClassVar[dict] = {
        **ContinuousHMM._parameter_constraints,
        "dof": [Interval(Real, 0.0, None, closed="neither"), StrOptions({"estimate"})],
    }

    def __init__(
        self,
        n_components=1,
        *,
        covariance_type="diag",
        dof="estimate",
        reg_covar="scale",
        startprob_prior=1.0,
        transmat_prior=1.0,
        sticky=0.0,
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
        self.dof = dof
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

    @classmethod
    def from_parameters(
        cls, startprob, transmat, means, scales, dof, *, covariance_type="diag"
    ):
        """Make a fitted model of known parameters.

        Parameters
        ----------
        startprob : array-like of shape (n_components,)
            Probabilities of the first state.
        transmat : array-like of shape (n_components, n_components)
            Probability of the state in each column after that in each row.
        means : array-like of shape (n_components, n_features)
            Location of each state.
        scales : array-like
            Of the shape of `scales_`, positive definite.
        dof : float or array-like of shape (n_components,)
            Degrees of freedom; one number is kept by a fit that goes on.
        covariance_type : {'full', 'tied', 'diag', 'spherical'}, default='diag'
            Structure of the scale matrices.

        Returns
        -------
        model : StudentTHMM
            Fitted; with ``warm_start=True`` a fit goes on from there.

        Raises
        ------
        ValueError
            If shapes don't fit each other, probabilities don't sum to 1, or a value is
            out of range.

        Examples
        --------
        >>> from sklearn_gen.hmm import StudentTHMM
        >>> model = StudentTHMM.from_parameters(
        ...     *([0.5, 0.5], [[0.9, 0.1], [0.1, 0.9]]),
        ...     *([[0.0], [4.0]], [[1.0], [1.0]], 3),
        ... )
        >>> model.predict([[0.1], [0.2], [3.9]])
        array([0, 0, 1])
        """
        means = given_states(means, "means")
        dof = finite(dof, "dof")
        if dof.shape not in ((), (len(means),)) or dof.min() <= 0.0:
            raise ValueError(
                f"dof must be a positive number, or one for each of {len(means)} "
                f"states; got {dof.tolist()}."
            )
        model = cls(
            len(means),
            covariance_type=covariance_type_given(covariance_type),
            dof="estimate" if dof.shape else float(dof),
        )
        structure = model._structure
        shape = structure.shape(*means.shape)
        scales = checked_covariances(structure, scales, shape, "scales")
        emission = student.StudentParams(
            np.full(len(means), 1.0 / len(means)),
            means,
            *structure.cholesky(scales, np.zeros(means.shape[1])),
            np.broadcast_to(dof, len(means)).copy(),
        )
        chain = given_chain(startprob, transmat, len(means))
        model._known_states(MarkovParams(chain, emission), means, emission.covariances)
        return model

    @property
    def _fixed_dof(self):
        return None if isinstance(self.dof, str) else float(self.dof)

    def _starting_rows(self, X, series):
        return self._within(X)

    def _emission_of(self, X, weight):
        return StudentEmission(self._structure)

    def _starting_emission(self, X, resp):
        start = self._gaussian_states(self._within(X), resp)
        dof = np.full(self.n_components, self._fixed_dof or _STARTING_DOF)
        return student.StudentParams(*start, dof)

    def _emission_m_step(self, stats, params):
        return self._emission.m_step(
            stats, params, self._reg, self._ridge, self._fixed_dof
        )

    def _shift(self, stats, delta):
        return student.recenter(self._structure, stats, delta)

    def _emission_attributes(self, params):
        return {
            "means_": params.means,
            "scales_": params.covariances,
            "dof_": params.dof,
        }

    def _n_emission_parameters(self):
        K, D = self.means_.shape
        free = self._structure.n_parameters(K, D) + K * D
        return free + (K if self._fixed_dof is None else 0)

    def _warn_of_degeneracy(self, params):
        super()._warn_of_degeneracy(params.emission)

    def _fill_rows(self, X, states, rng):
        resp = np.eye(self.n_components)[states]
        params = self._params.emission
        return student.draw_missing(self._structure, params, X, resp, rng)
