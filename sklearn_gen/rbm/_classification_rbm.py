"""Restricted Boltzmann machine of rows and their classes."""

from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.callback import with_callbacks

from sklearn_gen._compat import Interval, StrOptions, fit_context
from sklearn_gen._inner._labels import check_labels, codes_of
from sklearn_gen._validation import as_generator
from sklearn_gen.rbm._class_posteriors import ClassPosteriors
from sklearn_gen.rbm._rbm import RBM
from sklearn_gen.rbm._training_classes import ClassTrainer
from sklearn_gen.rbm._units import CATEGORICAL, make_units


class ClassificationRBM(ClassPosteriors, ClassifierMixin, RBM):
    r"""Restricted Boltzmann machine of rows and their classes: a classifier with p(x).

    .. math:: p(x, y) = \frac{1}{Z} \sum_{h \in \{0, 1\}^H}
              \exp(g(x) + b \cdot F(x) + d_y + h (c + W F(x) + U_y))

    The class y is a unit as the columns are, with biases d and weights U. Its posterior
    needs no Z, and is exact:

    .. math:: p(y \mid x) \propto
              \exp(d_y) \prod_j (1 + \exp(c_j + W_j F(x) + U_{yj}))

    Parameters
    ----------
    n_components : int, default=64
        Number of hidden units H. Class posteriors are exact for any number, densities
        up to 22.
    objective : {'hybrid', 'discriminative', 'generative'}, default='hybrid'
        What learning raises: log p(y | x) + `generative_weight` log p(x, y), either
        without the second term, or log p(x, y) alone.
    generative_weight : float, default=0.1
        Of objective='hybrid'.
    unlabeled : object, default=None
        Label that marks training rows whose class isn't known, such as -1: p(x) is
        learned from them. None: all rows have a label, as -1 often is one. Where few
        have one, 'hybrid' and many epochs do best; 'generative' learns little of y.
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
    families : str or dict, default='auto'
        Family of all columns, or of those named: 'bernoulli' (0 and 1), 'gaussian'
        (numbers), 'categorical' (levels) or 'binomial' (counts up to the largest seen).
        'auto', and columns not named: levels are 'categorical', booleans 'bernoulli',
        whole numbers from 0 to at most 100 'binomial', others 'gaussian'.
    categorical_features : array-like or 'from_dtype', default='from_dtype'
        Columns whose values are levels, by name, index or mask, beside those of text
        and categories.
    identifiers : 'auto', array-like or None, default='auto'
        Columns that only name rows, by name, index or mask: not learned, and drawn as
        new names. 'auto' finds them.
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
    schedule : {'decay', 'linear', 'constant'}, default='linear'
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
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    components_ : ndarray of shape (n_components, n_features)
        Weights W, of the features of all columns, one after the other: one of each
        level, one of each other column; numbers are standardised. One of each class
        comes last.
    intercept_visible_ : ndarray of shape (n_features,)
        Biases b of the features.
    intercept_hidden_ : ndarray of shape (n_components,)
        Biases c of the hidden units.
    families_ : dict
        Family of each column, by name or index; None where nothing is modelled.
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
    RBM : The same without classes.
    sklearn_gen.classifier.GenerativeClassifier : One density for each class.

    Notes
    -----
    `score` is the accuracy; the mean of `score_samples`, log p(x) over all classes, is
    the density's. It is that of data under 'hybrid' only as far as `generative_weight`
    lets it, and under 'discriminative' not at all. ``density_kind`` is "exact" up to 22
    hidden units, or where the visible ones have no more than 2^22 states; else
    "estimate". Missing values are not observed: p(y | x) is then that of the observed
    cells, a ratio of sums that is exact where either layer can be enumerated.

    Hybrid epochs alternate between steps of both terms, 20 times an epoch. A step of
    log p(y | x) costs O(n H (P + K)), K classes. Where rows have no label, y is one
    more missing cell.

    References
    ----------
    Larochelle & Bengio (2008), "Classification using discriminative restricted
    Boltzmann machines", doi:10.1145/1390156.1390224. Larochelle, Mandel, Pascanu &
    Bengio (2012), "Learning algorithms for the classification restricted Boltzmann
    machine", JMLR 13:643-669.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_gen.rbm import ClassificationRBM
    >>> X, y = load_iris(return_X_y=True)
    >>> model = ClassificationRBM(n_components=8, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.9)
    True
    >>> model.predict([[float("nan"), float("nan"), 1.4, 0.2]])
    array([0])
    """

    _parameter_constraints: ClassVar[dict] = {
        **RBM._parameter_constraints,
        "objective": [StrOptions({"hybrid", "discriminative", "generative"})],
        "generative_weight": [Interval(Real, 0.0, None, closed="neither")],
        "unlabeled": "no_validation",
    }

    def __init__(
        self,
        n_components=64,
        *,
        objective="hybrid",
        generative_weight=0.1,
        unlabeled=None,
        learning_rate=0.01,
        batch_size=10,
        n_iter=50,
        verbose=0,
        random_state=None,
        families="auto",
        categorical_features="from_dtype",
        identifiers="auto",
        method="auto",
        n_gibbs_steps=1,
        n_chains=None,
        n_temperatures=10,
        optimizer="adam",
        momentum=0.0,
        schedule="linear",
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
            families=families,
            categorical_features=categorical_features,
            identifiers=identifiers,
        )
        self.objective = objective
        self.generative_weight = generative_weight
        self.unlabeled = unlabeled

    # -- the class is one more unit, the last ----------------------------------------

    @property
    def _column_units(self):
        units = self._units
        n_levels = units.n_levels[:-1]
        return make_units(units.kinds[:-1], n_levels, units.trials[:-1])

    def _describe(self, X, rows):
        units, location, scale = super()._describe(X[:, :-1], rows)
        with_class = make_units(
            np.append(units.kinds, CATEGORICAL),
            np.append(units.n_levels, len(self.classes_)),
            np.append(units.trials, 1.0),
        )
        return with_class, location, scale

    def _modelled(self, X):
        """Values of the units, from encoded rows with or without codes of classes."""
        n_columns = len(self.schema_.kinds)
        codes = X[:, n_columns:] if X.shape[1] > n_columns else np.full(len(X), np.nan)
        return np.column_stack([super()._modelled(X[:, :n_columns]), codes])

    def _encoded(self, V):
        return super()._encoded(V[:, :-1])

    # -- learning ------------------------------------------------------------------

    def _by_objective(self, trainer):
        if self.objective == "generative":
            return trainer
        hybrid = self.objective == "hybrid"
        return ClassTrainer(trainer, self.generative_weight if hybrid else 0.0)

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Learn p(y | x), p(x, y) or both.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Labels; `unlabeled` marks rows without one.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Non-negative weights.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter, column, label or weight is invalid; the message names it.
            The earlier fitted state is then kept.
        """
        with self._kept_on_failure():
            before = getattr(self, "classes_", None)
            rows, sample_weight = self._check_labelled_rows(X, y, sample_weight)
            if self.warm_start and before is not None:
                _check_same(before, self.classes_)
            self._fit(rows, sample_weight, as_generator(self.random_state))
        return self

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Pass once over a batch of rows, in minibatches, at the full learning rate.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            One batch; the first describes the columns and should have some hundred
            rows in random order.
        y : array-like of shape (n_samples,)
            Labels; `unlabeled` marks rows without one.
        classes : array-like of shape (n_classes,) or None, default=None
            All labels there will be; needed at the first call.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Non-negative weights.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            As `fit`; if the first call names no classes, or a label is none of them.
        """
        with self._kept_on_failure():
            first = not hasattr(self, "components_")
            if first and classes is None:
                raise ValueError(
                    "classes=None in the first call of partial_fit: name all labels "
                    "there will be, as later batches may have others than this one."
                )
            classes = np.unique(classes) if first else self.classes_
            rows, sample_weight = self._check_labelled_rows(
                X, y, sample_weight, classes, reset=first
            )
            self._learn_batch(rows, sample_weight, first)
        return self

    def _check_labelled_rows(self, X, y, sample_weight, classes=None, reset=True):
        """Encoded rows with codes of their classes in a last column, and weights."""
        rows, kept_weight = self._check_training_rows(X, sample_weight, reset=reset)
        weights = np.asarray(1.0 if sample_weight is None else sample_weight)
        kept = weights > 0 if weights.ndim else np.ones(len(rows), dtype=bool)
        name = type(self).__name__
        found, codes = check_labels(y, len(kept), self.unlabeled, name=name)
        self.classes_ = found if classes is None else classes
        codes = np.append(codes_of(found, self.classes_), np.nan)[codes]
        return np.column_stack([rows, codes[kept]]), kept_weight


def _check_same(before, classes):
    if list(before) != list(classes):
        raise ValueError(
            f"Can't go on from the last fit: its classes are {list(before)}, those of "
            f"y {list(classes)}. Fit a clone of the model."
        )
