"""Hidden Markov model with Bernoulli emissions."""

from numbers import Real
from typing import ClassVar

import numpy as np

from sklearn_gen._columns import FAMILIES
from sklearn_gen.hmm._base import MarkovParams
from sklearn_gen.hmm._emissions_families import FamiliesParams
from sklearn_gen.hmm._families_hmm import FamiliesHMM, OneFamilyHMM
from sklearn_gen.hmm._known_parameters import given_chain, given_states
from sklearn_gen.hmm._numbers import Numbers


class BernoulliHMM(Numbers, OneFamilyHMM):
    r"""Hidden Markov model of zeros and ones: independent columns, shares by state.

    .. math:: p(x_t | z_t = k) = \prod_j \theta_{kj}^{x_{tj}}
        (1 - \theta_{kj})^{1 - x_{tj}}

    A row is a time step; `groups` says which rows are one sequence.

    Parameters
    ----------
    n_components : int, default=1
        Number of states K.
    binarize : float or None, default=0.0
        Values above it are ones, others zeros, as in
        :class:`~sklearn.naive_bayes.BernoulliNB`. None: all are zeros and ones already.
    smoothing : float, default=1.0
        Pseudo-rows of the whole table's distribution in each state. At 0, what a state
        never saw is impossible in it.
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
    probabilities_ : ndarray of shape (n_components, n_features)
        P(one) of each column in each state; NaN where nothing was observed.
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
    CategoricalHMM : More than two levels.
    sklearn_gen.mixture.BernoulliMixture : Rows without order.

    Notes
    -----
    ``density_kind`` and ``conditional_kind`` are "exact": scores are log masses. NaN
    means "not observed". An iteration costs O(n K (K + D)). With `smoothing` above zero
    EM maximises the posterior density, so `lower_bounds_` may fall a little.

    References
    ----------
    Rabiner (1989), "A tutorial on hidden Markov models", doi:10.1109/5.18626.

    Examples
    --------
    >>> from sklearn_gen.hmm import BernoulliHMM
    >>> X = [[0, 0, 1]] * 6 + [[1, 1, 0]] * 6 + [[0, 0, 1]] * 6
    >>> model = BernoulliHMM(n_components=2, random_state=0).fit(X)
    >>> states = model.predict(X)
    >>> (states == states[0]).astype(int)
    array([1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
    """

    _family = "bernoulli"
    # k-means knows but few different rows of zeros and ones
    _start_by = "random"
    _parameter_constraints: ClassVar[dict] = {
        **FamiliesHMM._parameter_constraints,
        "binarize": [Real, None],
    }

    def __init__(
        self,
        n_components=1,
        *,
        binarize=0.0,
        smoothing=1.0,
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
        self.binarize = binarize
        self.smoothing = smoothing
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
    def from_parameters(cls, startprob, transmat, probabilities):
        """Make a fitted model of known parameters.

        Parameters
        ----------
        startprob : array-like of shape (n_components,)
            Probabilities of the first state.
        transmat : array-like of shape (n_components, n_components)
            Probability of the state in each column after that in each row.
        probabilities : array-like of shape (n_components, n_features)
            P(one) of each column in each state.

        Returns
        -------
        model : BernoulliHMM
            Fitted; with ``warm_start=True`` a fit goes on from there.

        Raises
        ------
        ValueError
            If shapes don't fit each other, probabilities don't sum to 1, or a value is
            out of range.

        Examples
        --------
        >>> from sklearn_gen.hmm import BernoulliHMM
        >>> model = BernoulliHMM.from_parameters(
        ...     [0.5, 0.5], [[0.9, 0.1], [0.1, 0.9]], [[0.1, 0.2], [0.9, 0.7]]
        ... )
        >>> model.predict([[0, 0], [0, 1], [1, 1], [1, 1]])
        array([0, 0, 1, 1])
        """
        ones = given_states(probabilities, "probabilities")
        if ones.min() < 0.0 or ones.max() > 1.0:
            raise ValueError(
                f"probabilities must be from 0 to 1, got {ones.min():g} to "
                f"{ones.max():g}."
            )
        model = cls(len(ones))
        model._show(np.repeat([[0], [1]], ones.shape[1], axis=1))
        with np.errstate(divide="ignore"):
            tables = np.log([1.0 - ones.T, ones.T]).swapaxes(0, 1)
        columns = tuple(FAMILIES["bernoulli"].params_type(own) for own in tables)
        chain = given_chain(startprob, transmat, len(ones))
        model._known(MarkovParams(chain, FamiliesParams(len(ones), columns)))
        return model

    def _coerce(self, X):
        if self.binarize is None:
            other = ~((X == 0.0) | (X == 1.0) | np.isnan(X))
            if other.any():
                row, column = np.argwhere(other)[0]
                raise ValueError(
                    f"{self.schema_.label(column)}, row {row} is {X[row, column]:g}; "
                    "with binarize=None all values are 0 or 1. Set binarize to the "
                    "number above which values are ones, or take CategoricalHMM."
                )
            return X
        return np.where(np.isnan(X), X, self.binarize < X)

    def _emission_attributes(self, params):
        ones = self._stack_columns(params, lambda own: np.exp(own.log_p[1]))
        return {"probabilities_": ones}
