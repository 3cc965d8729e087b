"""What comes next: distributions of the rows after those of each sequence."""

from dataclasses import replace

import numpy as np
from scipy.special import logsumexp

from sklearn_gen._validation import as_generator, check_n_samples
from sklearn_gen.hmm._marginals import marginals_of
from sklearn_gen.hmm._paths import simulate
from sklearn_gen.hmm._sequences import Sequences, sequences_of

_NUMBERS = ("continuous", "integer", "boolean")
# Where means and quantiles are of draws, so many, and always the same ones.
_DRAWS = 2000


class Forecasting:
    """Models of sequences that say what comes next."""

    # Whether a row depends on the rows before beyond the state: paths are then drawn.
    _rows_need_earlier = False

    def forecast(self, X, steps=1, *, groups=None):
        """Find the distribution of the rows that follow each sequence.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps of whole sequences up to now; NaN is not observed.
        steps : int, default=1
            How many rows to look ahead.
        groups : array-like of shape (n_samples,) or None, default=None
            Id of each row's sequence; None: one sequence, or `group_column` says.

        Returns
        -------
        forecast : Forecast
            With `state_proba`, `mean`, `quantile`, `sample` and `score_samples`.

        Raises
        ------
        ValueError
            If `steps` is no positive integer, or a sequence is impossible.
        """
        if not isinstance(steps, int | np.integer) or steps < 1:
            raise ValueError(f"steps must be an integer of at least 1, got {steps!r}.")
        rows, encoded = self._scored(X, groups)
        _, ids = self._take_groups(X, groups)
        sequences = encoded.layout.sequences
        proba = [self._next_states(encoded, "X")]
        for _ in range(steps - 1):
            proba.append(proba[-1] @ self._params.chain.transitions)
        ids = np.zeros(len(rows), int) if ids is None else np.asarray(ids)
        proba = np.stack(proba, axis=1)
        return Forecast(self, rows, sequences, ids[sequences.starts], proba)


class Forecast:
    """Distribution of the rows that follow sequences.

    Its rows are time steps to come: `steps` of the first sequence, then those of the
    second, and so on.

    Parameters
    ----------
    model : HiddenMarkovModel
        Fitted.
    before : ndarray of shape (n_samples, n_features)
        Rows up to now.
    sequences : Sequences
        Where they begin and end.
    ids : ndarray of shape (n_sequences,)
        Their ids.
    proba : ndarray of shape (n_sequences, steps, n_components)
        Probabilities of the states to come.

    Attributes
    ----------
    groups : ndarray of shape (n_rows,)
        Id of each row's sequence, 0 where there were none.
    state_proba : ndarray of shape (n_rows, n_components)
        Probabilities of the states.
    exact : bool
        Whether `mean` and `quantile` are those of the mixture of states; else of 2000
        draws, always the same ones.
    """

    def __init__(self, model, before, sequences, ids, proba):
        self._model, self._before, self._sequences = model, before, sequences
        self._first, self._drawn = proba[:, 0], None
        self.steps = proba.shape[1]
        self.groups = np.repeat(ids, self.steps)
        self.state_proba = proba.reshape(-1, proba.shape[2])
        self._marginals = None
        if not model._rows_need_earlier:
            self._marginals = marginals_of(model._emission, model._params.emission)

    @property
    def exact(self):
        """Whether `mean` and `quantile` are those of the mixture of states."""
        return self._marginals is not None

    def mean(self):
        """Compute expectations of the columns.

        Returns
        -------
        mean : ndarray or DataFrame of shape (n_rows, n_features)
            In the container that `fit` saw; NaN in columns that hold no numbers.
        """
        if self.exact:
            return self._table(lambda j: self._marginals.mean(self.state_proba, j))
        return self._table(lambda j: self._draws[:, :, j].mean(axis=0))

    def quantile(self, q):
        """Compute quantiles of each column.

        Parameters
        ----------
        q : float or array-like of shape (n_quantiles,)
            Between 0 and 1, both excluded; 0.5 is the median.

        Returns
        -------
        quantile : ndarray or DataFrame of shape (n_rows, n_features), or a list of them
            In the container that `fit` saw; NaN in columns that hold no numbers. Of
            several `q` one for each, in their order.

        Raises
        ------
        ValueError
            If `q` isn't between 0 and 1.
        """
        if np.ndim(q) == 1:
            return [self.quantile(one) for one in q]
        if not 0.0 < q < 1.0:
            raise ValueError(f"q must be between 0 and 1, both excluded, got {q!r}.")
        if self.exact:
            return self._table(
                lambda j: self._marginals.quantile(self.state_proba, j, q)
            )
        return self._table(lambda j: np.quantile(self._draws[:, :, j], q, axis=0))

    def sample(self, n_draws=1, *, random_state=None):
        """Draw what comes next, whole paths.

        Parameters
        ----------
        n_draws : int, default=1
            Number of draws of all rows.
        random_state : None, int, RandomState or Generator, default=None
            None uses the model's own `random_state`.

        Returns
        -------
        X : ndarray or DataFrame of shape (n_draws * n_rows, n_features)
            One draw after the other, in the container that `fit` saw.

        Raises
        ------
        ValueError
            If `n_draws` is no positive integer.
        """
        rng = self._model._draw_generator(random_state)
        rows = self._draw(check_n_samples(n_draws), rng)
        return self._model.schema_.restore(rows.reshape(-1, rows.shape[2]), rng=rng)

    def score_samples(self, X, *, at=None):
        """Compute log p(row to come | rows up to now), each row for itself.

        That of a whole path is `score_samples` of the model, of sequences with the path
        at their end.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            What came, row by row; or, with `at`, any number of rows. NaN is not
            observed.
        at : int or None, default=None
            Hold all of X against this row of the forecast: 0 is the next one.

        Returns
        -------
        log_prob : ndarray of shape (n_rows,)
            In nats.

        Raises
        ------
        ValueError
            If there are other than `n_rows` rows, `at` is no row of the forecast, or
            the model's rows depend on those between.
        """
        model = self._model
        if model._rows_need_earlier:
            raise ValueError(
                f"Rows of {type(model).__name__} depend on those before, not on the "
                "state alone: score what came with the model, after the rows up to now."
            )
        X, _ = model._take_groups(X, None)
        rows = model._check_scored_rows(X)
        n_rows = len(self.state_proba)
        if at is None and len(rows) != n_rows:
            raise ValueError(
                f"X has {len(rows)} rows, the forecast {n_rows}: give one for each, or "
                "say with at= which one to hold them against."
            )
        if at is not None and not 0 <= at < n_rows:
            raise ValueError(
                f"at must be from 0 to {n_rows - 1}, a row of the forecast, got {at!r}."
            )
        proba = self.state_proba if at is None else self.state_proba[[at]]
        coded = model._coded(rows, sequences_of(None, len(rows)))
        shared = model._shared(coded, model._params.emission)
        with np.errstate(divide="ignore"):
            joint = model._emission.log_prob(coded, shared) + np.log(proba)
        return logsumexp(joint, axis=1)

    @property
    def _draws(self):
        if self._drawn is None:
            self._drawn = self._draw(_DRAWS, as_generator(0))
        return self._drawn

    def _draw(self, n_draws, rng):
        """Draws of all rows, (n_draws, n_rows, D), as the model encodes them."""
        steps, chain = self.steps, self._model._params.chain
        starts = np.arange(0, n_draws * steps, steps)
        ahead = Sequences(starts, np.full(n_draws, steps))
        parts = []
        for first, start, length in zip(self._first, *self._sequences, strict=True):
            before = self._before[start : start + length]
            first = np.repeat(first[None], n_draws, axis=0)
            states = simulate(chain, ahead.lengths, rng, first)
            rows = self._model._draw_rows(states, ahead, before, rng)
            parts.append(rows.reshape(n_draws, steps, -1))
        return np.concatenate(parts, axis=1)

    def _table(self, of_column):
        """A table of numbers; NaN in columns that hold none."""
        model, n_rows = self._model, len(self.state_proba)
        values = np.full((n_rows, len(model.schema_.kinds)), np.nan)
        for j, place in enumerate(self._places()):
            numbers = model.schema_.kinds[place] in _NUMBERS
            if numbers and (not self.exact or self._marginals.columns[j] is not None):
                values[:, place] = of_column(j if self.exact else place)
        # not decoded: means of counts stay what they are
        return replace(model.schema_, columns=()).restore(values)

    def _places(self):
        """Where the modelled columns stand among all; some are left out of tables."""
        table = getattr(self._model, "_table", None)
        if table is None:
            return range(len(self._model.schema_.kinds))
        return [column.sources[0] for column in table.columns]
