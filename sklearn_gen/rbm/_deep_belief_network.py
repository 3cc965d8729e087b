"""Deep belief network: machines on top of one another."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from scipy.special import expit, logsumexp
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone

from sklearn_gen._compat import Interval
from sklearn_gen.base import GenerativeModel, LatentMixin
from sklearn_gen.rbm._bernoulli_rbm import BernoulliRBM
from sklearn_gen.rbm._training_start import rows_in_order
from sklearn_gen.rbm._up_down import Layer, draw, log_bernoulli, up_down

_BLOCK_ROWS = 1024


class DeepBeliefNetwork(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, LatentMixin, GenerativeModel
):
    r"""Deep belief network: p(x) of binary rows, a machine of hidden causes on top.

    .. math:: p(x) = \sum_{h_1 \dots h_{L-1}} p(x \mid h_1) \cdots
              p(h_{L-2} \mid h_{L-1}) \; p_{\mathrm{RBM}}(h_{L-1})

    Machines are learned one after the other, each from the hidden units of the one
    below; then all layers together. Scores are a lower bound of log p(x).

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(64, 64)
        Number of units of each hidden layer, from below. The last are the hidden units
        of the top machine.
    estimator : BernoulliRBM or None, default=None
        How the machines learn; `n_components`, `binarize` and `random_state` are not
        used. None is ``BernoulliRBM()``.
    n_fine_tuning : int, default=10
        Epochs in which all layers learn together, up and down. 0 leaves them as
        they are.
    fine_tuning_rate : float, default=0.01
        Learning rate of these epochs.
    n_draws : int, default=20
        Draws of the hidden layers that bound a row's density: more are closer to it.
    binarize : float or None, default=None
        Values above it are ones, others zeros. None: values are probabilities of ones;
        those outside [0, 1] count as 0 or 1.
    random_state : None, int, RandomState or Generator, default=None
        Seeds learning and draws. None is fresh entropy.

    Attributes
    ----------
    machine_ : BernoulliRBM
        The top machine; its rows are the units of the last hidden layer but one.
    layers_ : list of tuple of ndarray
        Of each layer below it: weights and biases upward, of shapes (D, H) and (H,),
        and downward, of shapes (H, D) and (D,).
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.
    schema_ : TableSchema
        Column names and types.

    See Also
    --------
    BernoulliRBM : One machine, whose scores are exact or bracketed.

    Notes
    -----
    ``density_kind`` is "lower_bound": the logarithm of the mean, over draws of the
    hidden layers given the row, of p(x, h) / q(h given x), the same random numbers for
    all rows. Over these numbers it is below log p(x) on average, as far as log Z of the
    top machine is known; as rows share them, a mean score may be above by some
    hundredths of a nat where `n_draws` are few. With one hidden layer there is nothing
    to draw, and it is the machine's own score. A score costs O(n_draws) passes through
    all layers.

    References
    ----------
    Hinton, Osindero & Teh (2006), "A fast learning algorithm for deep belief nets",
    doi:10.1162/neco.2006.18.7.1527.

    Examples
    --------
    >>> from sklearn_gen.rbm import DeepBeliefNetwork
    >>> X = [[0, 0, 1], [0, 0, 1], [1, 1, 0], [1, 1, 0]] * 50
    >>> model = DeepBeliefNetwork((4, 2), random_state=0).fit(X)
    >>> model.transform(X).shape
    (200, 2)
    >>> model.sample(3, random_state=0).shape
    (3, 3)
    """

    transform = LatentMixin.transform  # set_output looks for it in the class itself
    _base_measure = "counting"
    _parameter_constraints: ClassVar[dict] = {
        "hidden_layer_sizes": ["array-like"],
        "estimator": [BernoulliRBM, None],
        "n_fine_tuning": [Interval(Integral, 0, None, closed="left")],
        "fine_tuning_rate": [Interval(Real, 0.0, None, closed="neither")],
        "n_draws": [Interval(Integral, 1, None, closed="left")],
        "binarize": [Real, None],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        hidden_layer_sizes=(64, 64),
        *,
        estimator=None,
        n_fine_tuning=10,
        fine_tuning_rate=0.01,
        n_draws=20,
        binarize=None,
        random_state=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.estimator = estimator
        self.n_fine_tuning = n_fine_tuning
        self.fine_tuning_rate = fine_tuning_rate
        self.n_draws = n_draws
        self.binarize = binarize
        self.random_state = random_state

    @property
    def density_kind(self):
        """Nature of `score_samples`: 'lower_bound'."""
        return "lower_bound"

    def _coerce(self, X):
        if self.binarize is None:
            return np.clip(X, 0.0, 1.0)
        return (self.binarize < X).astype(np.float64)

    # -- learning ------------------------------------------------------------------

    def _fit(self, X, sample_weight, rng):
        X = self._coerce(np.asarray(X, dtype=np.float64))
        sizes, rows = _checked(self.hidden_layer_sizes), X
        template = BernoulliRBM() if self.estimator is None else self.estimator
        layers = []
        for size in sizes:
            seed = int(rng.integers(2**31))
            machine = clone(template).set_params(
                n_components=size, binarize=None, random_state=seed
            )
            machine.fit(rows, sample_weight=sample_weight)
            rows = machine.transform(rows)
            layers.append(_layer_of(machine))
        self.machine_ = machine
        self.layers_ = [tuple(layer) for layer in layers[:-1]]
        if self.n_fine_tuning and len(layers) > 1:
            self._fine_tune(X, rows_in_order(X, sample_weight), layers, rng)
        sizes = self.n_draws, sum(sizes[:-1])
        self._uniforms = rng.random(sizes)  # of scores: all rows have the same

    def _fine_tune(self, X, rows, layers, rng):
        machine, size = self.machine_, self.machine_.batch_size
        for _ in range(self.n_fine_tuning):
            order = rng.permutation(rows)
            for start in range(0, len(order), size):
                batch = X[order[start : start + size]]
                rate = self.fine_tuning_rate * len(batch) / size
                steps = machine.n_gibbs_steps
                up_down(batch, layers[:-1], layers[-1], rate, steps, rng)
        machine.components_ = layers[-1].down.astype(machine.dtype)
        machine.intercept_hidden_ = layers[-1].up_bias.astype(machine.dtype)
        machine.intercept_visible_ = layers[-1].down_bias.astype(machine.dtype)
        machine._partition = {}  # log Z is another

    @property
    def _layers(self):
        return [Layer(*arrays) for arrays in self.layers_]

    @property
    def _n_features_out(self):
        return len(self.machine_.components_)

    # -- upward: scores and codes --------------------------------------------------

    def _score_samples(self, X):
        X = self._coerce(np.asarray(X, dtype=np.float64))
        blocks = range(0, len(X), _BLOCK_ROWS)
        return np.concatenate([self._bound(X[i : i + _BLOCK_ROWS]) for i in blocks])

    def _bound(self, X):
        layers = self._layers
        if not layers:
            return self.machine_.score_samples(X)
        cuts = np.cumsum([len(layer.up_bias) for layer in layers])[:-1]
        log_weights = np.empty((self.n_draws, len(X)))
        for total, uniforms in zip(log_weights, self._uniforms, strict=True):
            state, total[:] = X, 0.0
            for layer, u in zip(layers, np.split(uniforms, cuts), strict=True):
                log_odds = layer.recognised(state)
                above = draw(log_odds, u)
                total += log_bernoulli(state, layer.generated(above))
                total -= log_bernoulli(above, log_odds)
                state = above
            total += self.machine_.score_samples(state)
        return logsumexp(log_weights, axis=0) - np.log(self.n_draws)

    def _transform(self, X):
        rows = self._coerce(np.asarray(X, dtype=np.float64))
        for layer in self._layers:
            rows = expit(layer.recognised(rows))
        return self.machine_.transform(rows)

    # -- downward: draws and rows of codes -----------------------------------------

    def _sample(self, n_samples, rng):
        rows = self.machine_.sample(n_samples, random_state=rng)
        for layer in reversed(self._layers):
            log_odds = layer.generated(rows)
            rows = draw(log_odds, rng.random(log_odds.shape))
        return rows

    def _inverse_transform(self, Z):
        rows = self.machine_.inverse_transform(Z)
        for layer in reversed(self._layers):
            rows = expit(layer.generated(rows))
        return rows


def _layer_of(machine):
    """A machine as a layer: the same weights upward and downward."""
    W = machine.components_.astype(np.float64)
    biases = machine.intercept_hidden_, machine.intercept_visible_
    hidden, visible = (bias.astype(np.float64) for bias in biases)
    return Layer(W.T.copy(), hidden, W.copy(), visible)


def _checked(sizes):
    wrong = [s for s in sizes if not isinstance(s, Integral) or s < 1]
    if wrong or len(sizes) == 0:
        raise ValueError(
            f"hidden_layer_sizes={sizes!r}: give the number of units of each hidden "
            "layer, whole numbers from 1, one at least."
        )
    return [int(size) for size in sizes]
