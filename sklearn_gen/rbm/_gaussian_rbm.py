"""Restricted Boltzmann machine of numbers."""

from typing import ClassVar

import numpy as np

from sklearn_gen._validation import DegenerateDataWarning, warn
from sklearn_gen.rbm._base import BaseRBM
from sklearn_gen.rbm._training_start import feature_means
from sklearn_gen.rbm._units import GAUSSIAN, make_units


class GaussianRBM(BaseRBM):
    r"""Gaussian-Bernoulli RBM: p(x) of rows of numbers, normalised.

    .. math:: p(x) = \frac{1}{Z} \sum_{h \in \{0, 1\}^H}
              \exp(b \cdot z + c \cdot h + h W z - \tfrac{1}{2} \lambda \cdot z^2)

    with z the standardised columns: a mixture of 2^H Gaussians of a common diagonal
    covariance matrix, whose means are sums of what each hidden unit adds.

    Parameters
    ----------
    n_components : int, default=16
        Number of hidden units H. Up to 22, densities are exact.
    learning_rate : float, default=0.01
        Of the first epoch; `schedule` says of the later ones.
    batch_size : int, default=10
        Rows of a minibatch. The last of an epoch may have fewer, and then moves less.
    n_iter : int, default=50
        Number of epochs.
    verbose : int, default=0
        1 prints free energy and time of each epoch.
    random_state : None, int, RandomState or Generator, default=None
        Seeds learning and draws. None is fresh entropy.
    method : {'auto', 'pcd', 'cd', 'tempering', 'exact'}, default='auto'
        Where the gradient's second half comes from: persistent chains, chains from the
        data, persistent chains that exchange temperatures, or a sum over all states of
        one layer (at most 2^17). 'auto' is 'exact' up to 256 states, else 'pcd'.
    n_gibbs_steps : int, default=1
        Steps of the chains between two steps of the parameters.
    n_chains : int or None, default=None
        Number of persistent chains (at each temperature). None: `batch_size`.
    n_temperatures : int, default=10
        Of method='tempering'.
    optimizer : {'sgd', 'adam'}, default='adam'
        How gradients become steps. 'adam' wants smaller learning rates.
    momentum : float, default=0.0
        Share of the last step that 'sgd' repeats.
    schedule : {'decay', 'linear', 'constant'}, default='decay'
        How the learning rate falls to zero at the end of `n_iter` epochs: linearly in
        their last quarter, linearly from the start, or not at all.
    centered : bool, default=True
        Whether steps are those of a machine whose units have mean zero: the same for
        data whose zeros and ones are swapped.
    l1, l2 : float, default=0.0
        Penalties of weights: their absolute values, and half their squares.
    sparsity_target : float or None, default=None
        Mean wanted of each hidden unit.
    sparsity_cost : float, default=0.1
        Weight of that, beside the likelihood.
    early_stopping : {'free_energy', 'likelihood'} or None, default=None
        'likelihood' holds rows out, stops when they have got no likelier for
        `n_iter_no_change` epochs, and keeps the best machine. 'free_energy', which
        needs no log Z, stops when their free energy has differed from that of other
        rows, and ever more, for as many epochs; it keeps the last machine.
    validation_fraction : float, default=0.1
        Share of the rows that early stopping holds out.
    n_iter_no_change : int, default=5
        Patience of early stopping, in epochs.
    warm_start : bool, default=False
        Whether fit goes on from the last machine and its chains.
    dtype : {'float32', 'float64'}, default='float32'
        Precision of learning. Scores are computed in float64.
    partition_chains, partition_temperatures : int, default=100 and 1000
        Of the estimate of log Z, where it can't be exact.
    burn_in, thinning : int, default=100 and 10
        Sweeps of `sample` before the first draw, and between two of a chain, where the
        states of no layer can be listed.
    n_jobs : int or None, default=None
        Threads of scores and draws; None is 1, -1 all cores. Results are the same bytes
        for every number.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Weights W, of standardised columns.
    intercept_visible_ : ndarray of shape (n_features,)
        Biases b of the visible units.
    intercept_hidden_ : ndarray of shape (n_components,)
        Biases c of the hidden units.
    variances_ : ndarray of shape (n_features,)
        Of each column given the hidden units, in its units squared.
    location_, scale_ : ndarray of shape (n_features,)
        What columns are standardised by: their means and standard deviations.
    h_samples_ : ndarray of shape (n_chains, n_components)
        Hidden units of the persistent chains.
    log_partition_ : float
        log Z, nats; computed when it, or a score, is first asked for.
    log_partition_interval_ : tuple of float
        Bounds of log Z; equal where it is exact.
    log_partition_standard_error_ : float
        Of `log_partition_`; 0 where it is exact.
    n_iter_ : int
        Number of epochs.
    validation_scores_ : list of float
        With early stopping, what it looked at after each epoch.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.
    schema_ : TableSchema
        Column names and types.

    See Also
    --------
    sklearn_gen.mixture.GaussianMixture : Few Gaussians, each of its own shape.

    Notes
    -----
    ``density_kind`` is "exact" up to 22 hidden units, else "estimate". NaN means "not
    observed"; such cells are free units, in learning as in scores. Precisions are
    learned by their logarithms; variances given the hidden units are at least 1e-3 of a
    column's. An epoch costs three matrix products of O(n H D), in single precision.

    References
    ----------
    Welling, Rosen-Zvi & Hinton (2005), "Exponential family harmoniums with an
    application to information retrieval", NeurIPS 17. Melchior, Wang & Wiskott (2017),
    "Gaussian-binary restricted Boltzmann machines for modeling natural image
    statistics", doi:10.1371/journal.pone.0171015.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.rbm import GaussianRBM
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2)) + rng.choice([-3.0, 3.0], size=(200, 1))
    >>> model = GaussianRBM(n_components=3, random_state=0).fit(X)
    >>> model.density_kind
    'exact'
    >>> model.sample_conditional([[3.0, np.nan]], random_state=0)[0, 1] > 0
    np.True_
    """

    _parameter_constraints: ClassVar[dict] = {**BaseRBM._parameter_constraints}

    def __init__(
        self,
        n_components=16,
        *,
        learning_rate=0.01,
        batch_size=10,
        n_iter=50,
        verbose=0,
        random_state=None,
        method="auto",
        n_gibbs_steps=1,
        n_chains=None,
        n_temperatures=10,
        optimizer="adam",
        momentum=0.0,
        schedule="decay",
        centered=True,
        l1=0.0,
        l2=0.0,
        sparsity_target=None,
        sparsity_cost=0.1,
        early_stopping=None,
        validation_fraction=0.1,
        n_iter_no_change=5,
        warm_start=False,
        dtype="float32",
        partition_chains=100,
        partition_temperatures=1000,
        burn_in=100,
        thinning=10,
        n_jobs=None,
    ):
        super().__init__(
            n_components,
            learning_rate=learning_rate,
            batch_size=batch_size,
            n_iter=n_iter,
            verbose=verbose,
            random_state=random_state,
            method=method,
            n_gibbs_steps=n_gibbs_steps,
            n_chains=n_chains,
            n_temperatures=n_temperatures,
            optimizer=optimizer,
            momentum=momentum,
            schedule=schedule,
            centered=centered,
            l1=l1,
            l2=l2,
            sparsity_target=sparsity_target,
            sparsity_cost=sparsity_cost,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            warm_start=warm_start,
            dtype=dtype,
            partition_chains=partition_chains,
            partition_temperatures=partition_temperatures,
            burn_in=burn_in,
            thinning=thinning,
            n_jobs=n_jobs,
        )

    def _describe(self, X, rows):
        n_features = X.shape[1]
        location, _ = feature_means(X, rows)
        centred = X.astype(np.float64) - location
        # squares of a column scaled by its largest neither overflow nor vanish
        size = np.nanmax(np.abs(centred), axis=0, initial=0.0)
        size[size == 0.0] = 1.0
        variance, _ = feature_means((centred / size) ** 2, rows)
        spread = np.where(location == 0.0, 1.0, np.abs(location))
        scale = np.where(variance > 0.0, size * np.sqrt(variance), spread)
        self._warn_of_constants(np.flatnonzero(variance == 0.0))
        self.location_, self.scale_ = location, scale
        return make_units(np.full(n_features, GAUSSIAN)), location, scale

    def _warn_of_constants(self, columns):
        if len(columns):
            labels = ", ".join(self.schema_.label(j) for j in columns)
            warn(
                f"Only one value is observed in {labels}: it says nothing of how the "
                "column varies, and the value itself is taken as its deviation (1 "
                "where it is 0). Drop it, or fit to more rows.",
                DegenerateDataWarning,
            )

    @property
    def variances_(self):
        """Variance of each column given the hidden units."""
        return self.scale_**2 / self._precision
