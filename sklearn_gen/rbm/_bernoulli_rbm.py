"""Restricted Boltzmann machine of binary columns."""

from numbers import Real
from typing import ClassVar

import numpy as np

from sklearn_gen._validation import DegenerateDataWarning, warn
from sklearn_gen.rbm._base import BaseRBM
from sklearn_gen.rbm._units import BERNOULLI, make_units


class BernoulliRBM(BaseRBM):
    r"""Restricted Boltzmann machine: p(x) of rows of zeros and ones, normalised.

    .. math:: p(x) = \frac{1}{Z} \sum_{h \in \{0, 1\}^H}
              \exp(b \cdot x + c \cdot h + h W x)

    Names and defaults are those of :class:`sklearn.neural_network.BernoulliRBM`, which
    has no likelihood; fits are better and several times as fast.

    Parameters
    ----------
    n_components : int, default=256
        Number of hidden units H.
    learning_rate : float, default=0.1
        Of the first epoch; `schedule` says of the later ones.
    batch_size : int, default=10
        Rows of a minibatch. The last of an epoch may have fewer, and then moves less.
    n_iter : int, default=10
        Number of epochs.
    verbose : int, default=0
        1 prints free energy and time of each epoch.
    random_state : None, int, RandomState or Generator, default=None
        Seeds learning and draws. None is fresh entropy.
    binarize : float or None, default=None
        Values above it are ones, others zeros. None: values are probabilities of ones,
        as in scikit-learn; those outside [0, 1] count as 0 or 1.
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
    optimizer : {'sgd', 'adam'}, default='sgd'
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
        Weights W.
    intercept_visible_ : ndarray of shape (n_features,)
        Biases b of the visible units.
    intercept_hidden_ : ndarray of shape (n_components,)
        Biases c of the hidden units.
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
    sklearn_gen.mixture.BernoulliMixture : One hidden unit of many values.

    Notes
    -----
    ``density_kind`` is "exact" where the hidden or the visible units have no more than
    2^22 states: all are summed, in seconds at most. Elsewhere it is "estimate": log Z
    comes from annealed importance sampling in both directions, when a score is first
    asked for, in O(partition_chains partition_temperatures H D). NaN means "not
    observed"; such cells are free units, in learning as in scores.

    Rows of probabilities score what the formula says of them: since it is convex in x,
    no more than their draws score on average.

    An epoch costs three matrix products of O(n H D), in single precision. Minibatches
    come from the rows sorted by value, in random order, so that integer weights give
    the machine that repeated rows give.

    References
    ----------
    Tieleman (2008), "Training restricted Boltzmann machines using approximations to the
    likelihood gradient", doi:10.1145/1390156.1390290. Melchior, Fischer & Wiskott
    (2016), "How to center deep Boltzmann machines", arXiv:1311.1354. Desjardins et al.
    (2010), "Tempered Markov chain Monte Carlo for training of restricted Boltzmann
    machines", PMLR 9:145-152.

    Examples
    --------
    >>> from sklearn_gen.rbm import BernoulliRBM
    >>> X = [[0, 0, 1], [0, 0, 1], [1, 1, 0], [1, 1, 0]] * 50
    >>> model = BernoulliRBM(n_components=2, random_state=0).fit(X)
    >>> model.transform(X).shape
    (200, 2)
    >>> model.sample_conditional([[1, float("nan"), 0]], random_state=0)
    array([[1., 1., 0.]])
    """

    _base_measure = "counting"
    _parameter_constraints: ClassVar[dict] = {
        **BaseRBM._parameter_constraints,
        "binarize": [Real, None],
    }

    def __init__(
        self,
        n_components=256,
        *,
        learning_rate=0.1,
        batch_size=10,
        n_iter=10,
        verbose=0,
        random_state=None,
        binarize=None,
        method="auto",
        n_gibbs_steps=1,
        n_chains=None,
        n_temperatures=10,
        optimizer="sgd",
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
        self.binarize = binarize

    def _describe(self, X, rows):
        return make_units(np.full(X.shape[1], BERNOULLI)), None, None

    def _check_training_rows(self, X, sample_weight, reset=True):
        X, sample_weight = super()._check_training_rows(X, sample_weight, reset)
        if self.binarize is None and reset:
            self._warn_of_clipping(X)
        return self._coerce(X), sample_weight

    def _warn_of_clipping(self, X):
        if np.nanmin(X, initial=0.0) >= 0.0 and np.nanmax(X, initial=1.0) <= 1.0:
            return
        row, column = np.argwhere((X < 0.0) | (X > 1.0))[0]
        warn(
            f"{self.schema_.label(column)}, row {row} is {X[row, column]:.6g}, "
            "where probabilities are expected: values below 0 count as 0, values "
            "above 1 as 1. Scale X to [0, 1], or set binarize to a threshold.",
            DegenerateDataWarning,
        )

    def _check_scored_rows(self, X):
        return self._coerce(super()._check_scored_rows(X))

    def _coerce(self, X):
        if self.binarize is None:
            return np.clip(X, 0.0, 1.0)
        return np.where(np.isnan(X), X, self.binarize < X)
