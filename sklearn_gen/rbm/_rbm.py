"""Restricted Boltzmann machine of columns of any types."""

from typing import ClassVar

import numpy as np

from sklearn_gen._columns import refuse_levels, wanted_families
from sklearn_gen._compat import StrOptions
from sklearn_gen.rbm._tables import TableRBM
from sklearn_gen.rbm._units import BERNOULLI, BINOMIAL, CATEGORICAL, GAUSSIAN, KINDS

# 'auto' takes whole numbers up to this for counts.
_MOST_COUNTED = 100


class RBM(TableRBM):
    r"""Restricted Boltzmann machine of tables: a kind of unit for each column.

    .. math:: p(x) = \frac{1}{Z} \sum_{h \in \{0, 1\}^H}
              \exp(g(x) + b \cdot F(x) + c \cdot h + h W F(x))

    Given the hidden units, columns are independent, each of its family, whose natural
    parameters are b + h W.

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
        Weights W, of the features of all columns, one after the other: one of each
        level, one of each other column; numbers are standardised.
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
    sklearn_gen.mixture.TableMixture : One hidden unit of many values; more families.

    Notes
    -----
    ``density_kind`` is "exact" up to 22 hidden units, or where the visible ones have no
    more than 2^22 states; else "estimate". Missing values are not observed: free units,
    in learning as in scores. Numbers that have a resolution score the density times its
    width, the mass of their cell where it is narrow. Levels never seen have mass 1e-6;
    counts above the largest seen, N, have 1e-6 together, halved with each step; neither
    says anything of the other columns. An epoch costs three matrix products of
    O(n H P), P features.

    Counts have binomial units, not Poisson ones: the mean of these is exponential in
    the sum of hidden units, which neither learning nor log Z survives.

    References
    ----------
    Welling, Rosen-Zvi & Hinton (2005), "Exponential family harmoniums with an
    application to information retrieval", NeurIPS 17. Teh & Hinton (2001),
    "Rate-coded restricted Boltzmann machines for face recognition", NeurIPS 13.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_gen.rbm import RBM
    >>> X = pd.DataFrame(
    ...     {
    ...         "sky": ["clear"] * 80 + ["rain"] * 80,
    ...         "visitors": [9, 8] * 40 + [1, 0] * 40,
    ...     }
    ... )
    >>> model = RBM(n_components=2, n_iter=100, random_state=0).fit(X)
    >>> model.families_
    {'sky': 'categorical', 'visitors': 'binomial'}
    >>> rain = model.sample(50, conditions={"sky": "rain"}, random_state=0)
    >>> bool(rain["visitors"].mean() < 3)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        **TableRBM._parameter_constraints,
        "families": [StrOptions({"auto", *KINDS}), dict],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like"],
        "identifiers": [StrOptions({"auto"}), "array-like", None],
    }

    def __init__(
        self,
        n_components=16,
        *,
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
        self.families = families
        self.categorical_features = categorical_features
        self.identifiers = identifiers

    def _kinds_of(self, table, V):
        kinds = []
        names = wanted_families(table, self.families)
        for column, x, name in zip(table.columns, V.T, names, strict=True):
            refuse_levels(name, column)
            seen = x[~np.isnan(x)]
            kinds.append(_by_kind(column, seen) if name == "auto" else KINDS.get(name))
            _refuse_values(column, seen, name, kinds[-1])
        return kinds

    @property
    def families_(self):
        """Family of each column, by name or index."""
        names = list(self.schema_.names or range(len(self.schema_.kinds)))
        found, of_kind = dict.fromkeys(names), {k: name for name, k in KINDS.items()}
        kinds = self._column_units.kinds
        for column, kind in zip(self._table.columns, kinds, strict=True):
            found[names[column.sources[0]]] = of_kind[int(kind)]
        return found


def _by_kind(column, x):
    """The kind of unit that 'auto' takes for a column."""
    if column.kind == "categorical":
        return CATEGORICAL
    if column.kind == "boolean":
        return BERNOULLI
    whole = column.kind == "integer" and (x == np.floor(x)).all()
    if whole and x.min() >= 0.0 and x.max() <= _MOST_COUNTED:
        return BINOMIAL
    return GAUSSIAN


def _refuse_values(column, x, name, kind):
    """Raise where a column's values can't be of its family."""
    of = f"families, column {column.name!r}"
    if kind is None:
        raise ValueError(f"{of}: there is no family {name!r}; there are {[*KINDS]}.")
    rule = {
        BERNOULLI: "zeros and ones",
        BINOMIAL: "whole numbers from 0",
        CATEGORICAL: "levels; name it in categorical_features",
    }
    wrong = np.zeros(len(x), bool)
    if kind == CATEGORICAL:
        wrong[:] = column.categories is None and column.kind != "boolean"
    elif kind != GAUSSIAN:
        wrong = (x < 0.0) | (x != np.floor(x))
        wrong |= (kind == BERNOULLI) & (x > 1.0)
    if wrong.any():
        raise ValueError(
            f"{of} is to be {name!r}, but has the value {x[wrong][0]:g}: it needs "
            f"{rule[kind]}. Name another family."
        )
