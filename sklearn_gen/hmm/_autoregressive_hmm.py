"""Hidden Markov model whose rows are linear in the rows before."""

from numbers import Integral
from typing import ClassVar

import numpy as np
from scipy.ndimage import uniform_filter1d

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._column_moments import column_means, column_variances
from sklearn_gen._compat import Interval
from sklearn_gen._kernels import autoregression as kernels
from sklearn_gen._validation import DegenerateDataWarning, warn
from sklearn_gen.hmm._continuous import ContinuousHMM
from sklearn_gen.hmm._emissions_autoregressive import (
    AutoregressiveEmission,
    AutoregressiveParams,
)
from sklearn_gen.hmm._sequences import Sequences, sequences_of

# Neighbouring rows whose dynamics starts take to be the same.
_AVERAGED = 15


class AutoregressiveHMM(ContinuousHMM):
    r"""Hidden Markov model of numbers: linear in the rows before, with Gaussian noise.

    .. math:: p(x_t | x_{<t}, z_t = k) = N\Bigl(x_t; b_k + \sum_{l=1}^{L} A_{kl}
        x_{t-l}, \Sigma_k\Bigr)

    where z is the Markov chain of :class:`GaussianHMM`: a switching vector
    autoregression, for series whose dynamics change. Only rows of the same sequence
    count. A row without all of its L rows before, because the sequence begins there or
    a cell of them is missing, has one Gaussian in every state, that of all rows; so it
    says nothing of the state.

    Parameters
    ----------
    n_components : int, default=1
        Number of states K.
    order : int, default=1
        How many rows before count, L.
    covariance_type : {'full', 'tied', 'diag', 'spherical'}, default='diag'
        Structure of the covariances of the noise.
    reg_covar : float or 'scale', default='scale'
        Variance added to the noise of each column; 'scale' adds a millionth of the
        variance of its steps, or of its values if that is less.
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
    intercepts_ : ndarray of shape (n_components, n_features)
        b of each state.
    coefficients_ : ndarray of shape (n_components, order, n_features, n_features)
        A of each state and lag: element (i, j) is the effect of column j, so many rows
        before, on column i.
    covars_ : ndarray
        Covariances of the noise, of the shape of `covars_` of :class:`GaussianHMM`.
    marginal_mean_ : ndarray of shape (n_features,)
        Mean of rows without all rows before: that of the training rows.
    marginal_covar_ : ndarray of shape (n_features, n_features)
        Their covariance.
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
    GaussianHMM : Rows depend on the state alone.

    Notes
    -----
    ``density_kind`` is "exact": every row has a normalised density given the rows
    before it. Missing cells of a row are integrated out of it; the rows after it begin
    anew, as said above, instead of being integrated over what it may have been, so a
    sequence with a gap has a density of its own. ``conditional_kind`` is "exact" for
    that density: missing cells are drawn given the row's other cells, the rows before
    and the states given all that is observed, and whole rows given those before, drawn
    ones, too; so a filled gap doesn't know where it must arrive.

    Draws of long sequences grow without bounds where a state's roots lie outside of the
    unit circle.

    EM starts from states that tell apart rows by the residuals of one autoregression of
    all, times the rows before: where these differ on average, dynamics do. An iteration
    costs O(n K (K + L D^2 + L^2 D^2)).

    References
    ----------
    Hamilton (1989), "A new approach to the economic analysis of nonstationary time
    series and the business cycle", doi:10.2307/1912559. Rabiner (1989), "A tutorial on
    hidden Markov models", section IV.B, doi:10.1109/5.18626.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.hmm import AutoregressiveHMM
    >>> rng = np.random.default_rng(0)
    >>> X = np.zeros((600, 1))
    >>> for t in range(1, 600):  # slow, then alternating
    ...     X[t] = (0.9 if t < 300 else -0.9) * X[t - 1] + rng.normal()
    >>> model = AutoregressiveHMM(n_components=2, random_state=0).fit(X)
    >>> np.sort(model.coefficients_.ravel()).round(1)
    array([-0.9,  0.9])
    """

    _rows_need_earlier = True
    _parameter_constraints: ClassVar[dict] = {
        **ContinuousHMM._parameter_constraints,
        "order": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_components=1,
        *,
        order=1,
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
        self.order = order
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

    def _describe(self, X, series):
        super()._describe(X, series)
        longest = series.sequences.lengths.max()
        if self.order >= longest:
            warn(
                f"No row has order={self.order} rows before it, the longest sequence "
                f"has {longest}: nothing can be learned of how rows follow one "
                "another. Lower order, or see to groups.",
                DegenerateDataWarning,
            )
        weight = series.weight[series.sequences.of_rows]
        self._center = column_means(X, weight)
        self._spread = np.sqrt(np.where(self._variances > 0.0, self._variances, 1.0))
        rows = np.where(np.isnan(X), self._center, X).astype(np.float64)
        full = gaussian.STRUCTURES["full"]
        stats, centers = gaussian.initial_stats(full, rows, weight[:, None])
        self._fresh = gaussian.m_step(full, stats, centers, self._reg, self._ridge)
        steps = column_variances(np.diff(X, axis=0), None) if len(X) > 1 else 0.0
        smaller = (steps > 0.0) & (steps < self._variances)
        self._variances = np.where(smaller, steps, self._variances)

    def _emission_of(self, X, weight):
        return AutoregressiveEmission(self._structure)

    def _coded(self, X, sequences):
        n, D = X.shape
        place = np.arange(n) - sequences.starts[sequences.of_rows]
        before = np.full((n, self.order, D), np.nan, X.dtype)
        for lag in range(1, min(self.order, n - 1) + 1):
            before[lag:, lag - 1] = X[:-lag]
        missing = (place < self.order) | np.isnan(before).any(axis=(1, 2))
        before = (before - self._center) / self._spread
        before[missing] = np.nan
        return np.concatenate([X, before.reshape(n, -1)], axis=1, dtype=X.dtype)

    def _starting_rows(self, X, series):
        """Residuals times what they are regressed on, averages over some rows."""
        coded = self._coded(X, series.sequences)
        one = self._regressions(coded, series.weight[series.sequences.of_rows, None])
        products = self._emission.gradients(coded, one)
        size = min(_AVERAGED, int(np.median(series.sequences.lengths)))
        return uniform_filter1d(products, max(size, 1), axis=0, mode="nearest")

    def _starting_emission(self, X, resp):
        return self._regressions(X, resp)

    def _regressions(self, X, resp):
        """Parameters of coded rows with responsibilities."""
        K, D = resp.shape[1], len(self._center)
        flat = np.zeros((K, self.order * D + 1, D))
        flat[:, -1] = self._center
        rows = X[:, :D]
        emission = self._emission
        noise = self._gaussian_states(rows, resp)
        noise = noise._replace(means=np.zeros((K, D)))
        start = AutoregressiveParams(flat, noise, self._fresh)
        return emission.m_step(
            emission.stats(X, resp, start), start, self._reg, self._ridge
        )

    def _emission_m_step(self, stats, params):
        return self._emission.m_step(stats, params, self._reg, self._ridge)

    def _recenter(self, stats, params, updated):
        change = updated.emission.coefficients - params.emission.coefficients
        return stats._replace(emission=stats.emission.recentered(change))

    def _emission_attributes(self, params):
        weights = self._unscaled(params)
        K, _, D = weights.shape
        lags = weights[:, :-1].reshape(K, -1, D, D)
        return {
            "intercepts_": weights[:, -1],
            "coefficients_": lags.swapaxes(2, 3),
            "covars_": params.noise.covariances,
            "marginal_mean_": params.fresh.means[0],
            "marginal_covar_": params.fresh.covariances[0],
        }

    def _unscaled(self, params):
        """Coefficients of the rows before as they are, and the intercept."""
        weights = params.coefficients.copy()
        order = (weights.shape[1] - 1) // len(self._center)
        weights[:, :-1] /= np.tile(self._spread, order)[:, None]
        weights[:, -1] -= np.tile(self._center, order) @ weights[:, :-1]
        return weights

    def _n_emission_parameters(self):
        K, D = self.intercepts_.shape
        regressions = K * D * (self.order * D + 1)
        marginal = D + D * (D + 1) // 2
        return regressions + self._structure.n_parameters(K, D) + marginal

    def _warn_of_degeneracy(self, params):
        super()._warn_of_degeneracy(params.emission.noise)

    def _check_goes_on(self, n_features):
        super()._check_goes_on(n_features)
        if self.coefficients_.shape[1] != self.order:
            raise ValueError(
                f"Can't go on from the last fit: it has order "
                f"{self.coefficients_.shape[1]}, order={self.order}. Set it back, or "
                "fit a clone."
            )

    def _draw_rows(self, states, sequences, before, rng):
        before = np.empty((0, len(self._center))) if before is None else before
        before = before[-self.order :]
        n_before, n_sequences = len(before), len(sequences.lengths)
        drawn = np.ones(len(states) + n_before * n_sequences, dtype=bool)
        starts = sequences.starts + n_before * np.arange(n_sequences)
        for i in range(n_before):
            drawn[starts + i] = False
        rows = np.full((len(drawn), len(self._center)), np.nan)
        rows[~drawn] = np.tile(before, (n_sequences, 1))
        of_all = np.zeros(len(drawn), dtype=np.int64)
        of_all[drawn] = states
        longer = Sequences(starts, sequences.lengths + n_before)
        return self._follow(rows, drawn, of_all, longer, rng)[drawn]

    def _follow(self, rows, todo, states, sequences, rng):
        """Draw the rows to do, in order of time."""
        params = self._params.emission
        nothing = np.full(rows.shape, np.nan)
        resp = np.eye(self.n_components)[states]
        noise = gaussian.draw_missing(self._structure, params.noise, nothing, resp, rng)
        fresh = gaussian.draw(gaussian.STRUCTURES["full"], params.fresh, len(rows), rng)
        return kernels.follow(
            *(np.ascontiguousarray(rows, np.float64), todo, *sequences, states),
            *(self._unscaled(params), noise, fresh),
        )

    def _fill_rows(self, X, states, rng):
        return self._fill_series(X, states, sequences_of(None, len(X)), rng)

    def _fill_series(self, X, states, sequences, rng):
        params = self._params.emission
        means = self._emission.means(self._coded(X, sequences), states, params)
        filled, without = X.astype(np.float64), np.isnan(means[:, 0])
        resp = np.eye(self.n_components)[states]
        gaps = np.isnan(X).all(axis=1)
        known = ~without & ~gaps
        filled[known] = means[known] + gaussian.draw_missing(
            *(self._structure, params.noise, X[known] - means[known], resp[known], rng)
        )
        first = without & ~gaps
        filled[first] = gaussian.draw_missing(
            *(gaussian.STRUCTURES["full"], params.fresh, X[first]),
            *(np.ones((first.sum(), 1)), rng),
        )
        return self._follow(filled, gaps, states, sequences, rng)
