"""What is asked of a fitted model of sequences: densities, states, criteria."""

import numpy as np

from sklearn_gen._validation import check_weights
from sklearn_gen.base import ComponentMixin, InformationCriteriaMixin
from sklearn_gen.hmm._paths import best_paths
from sklearn_gen.hmm._series import refuse_lengths, without_lengths


class Decoding(ComponentMixin, InformationCriteriaMixin):
    """Scores and states of the rows of sequences, given a fitted model."""

    _rows_are_steps = True

    @without_lengths
    def score_samples(self, X, *, groups=None):
        """Compute log p(x_t | earlier rows of its sequence).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps; NaN is not observed.
        groups : array-like of shape (n_samples,) or None, default=None
            Id of each row's sequence; None: one sequence, or `group_column` says.

        Returns
        -------
        log_prob : ndarray of shape (n_samples,)
            In nats; sums over a sequence are its log-likelihood. A row without any
            observed cell has 0.
        """
        _, steps = self._scored(X, groups)
        return self._row_scores(steps)

    def _row_scores(self, steps):
        return self._recursions(steps, self._params).filter(with_states=False)[0]

    @without_lengths
    def score_sequences(self, X, *, groups=None):
        """Compute the log-likelihood of each sequence.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps.
        groups : array-like of shape (n_samples,) or None, default=None
            Ids, as in `score_samples`.

        Returns
        -------
        log_prob : ndarray of shape (n_sequences,)
            In nats, in the order of the sequences.
        """
        _, steps = self._scored(X, groups)
        sequences = steps.layout.sequences
        return np.add.reduceat(self._row_scores(steps), sequences.starts)

    @without_lengths
    def score(self, X, y=None, *, groups=None, sequence_weight=None):
        """Compute the mean of `score_samples`: log-likelihood per row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps.
        y : Ignored
            Present for pipelines and searches.
        groups : array-like of shape (n_samples,) or None, default=None
            Ids, as in `score_samples`.
        sequence_weight : array-like of shape (n_sequences,) or None, default=None
            Non-negative weights.

        Returns
        -------
        score : float
            Nats per row.

        Raises
        ------
        ValueError
            If `y` looks like lengths of sequences, as hmmlearn takes them.
        """
        total, weight = self._weighted_likelihood(X, groups, sequence_weight, y)
        return total / weight

    def _weighted_likelihood(self, X, groups, sequence_weight, y=None):
        """Weighted log-likelihood, and the weight of all rows."""
        rows, steps = self._scored(X, groups)
        refuse_lengths(y, {}, len(rows))
        sequences, scores = steps.layout.sequences, self._row_scores(steps)
        weight = steps.weight
        if sequence_weight is not None:
            weight = check_weights(
                sequence_weight, len(sequences.lengths), name="sequence_weight"
            )
        kept = weight > 0.0
        totals = np.add.reduceat(scores.astype(np.float64), sequences.starts)
        return float(weight[kept] @ totals[kept]), float(weight @ sequences.lengths)

    @without_lengths
    def predict(self, X, *, groups=None, method="viterbi"):
        """Name the state of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps.
        groups : array-like of shape (n_samples,) or None, default=None
            Ids, as in `score_samples`.
        method : {'viterbi', 'smooth', 'filter'}, default='viterbi'
            'viterbi': the most probable path of each sequence. 'smooth': the most
            probable state of each row given its whole sequence. 'filter': given the
            rows up to it.

        Returns
        -------
        states : ndarray of shape (n_samples,)
            From 0; -1 in sequences that are impossible.

        Raises
        ------
        ValueError
            If `method` is another.
        """
        if method not in ("viterbi", "smooth", "filter"):
            raise ValueError(
                f"method must be 'viterbi', 'smooth' or 'filter', got {method!r}."
            )
        if method == "viterbi":
            _, steps = self._scored(X, groups)
            return self._recursions(steps, self._params).viterbi()[0]
        found = self.predict_proba(X, groups=groups, method=method)
        return np.where(found.any(axis=1), found.argmax(axis=1), -1)

    def fit_predict(self, X, y=None, *, groups=None, sequence_weight=None):
        """Fit, then name the states of the most probable path of each sequence.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps.
        y : Ignored
            Present for pipelines and searches.
        groups : array-like of shape (n_samples,) or None, default=None
            Ids, as in `fit`.
        sequence_weight : array-like of shape (n_sequences,) or None, default=None
            As in `fit`.

        Returns
        -------
        states : ndarray of shape (n_samples,)
            From 0.
        """
        self.fit(X, y, groups=groups, sequence_weight=sequence_weight)
        return self.predict(X, groups=groups)

    @without_lengths
    def predict_proba(self, X, *, groups=None, method="smooth"):
        """Compute probabilities of the states of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps.
        groups : array-like of shape (n_samples,) or None, default=None
            Ids, as in `score_samples`.
        method : {'smooth', 'filter', 'predict'}, default='smooth'
            Given the whole sequence, the rows up to this one, or those before it.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_components)
            Rows sum to one; zeros where the sequence is impossible.

        Raises
        ------
        ValueError
            If `method` is another.
        """
        if method not in ("smooth", "filter", "predict"):
            raise ValueError(
                f"method must be 'smooth', 'filter' or 'predict', got {method!r}."
            )
        _, steps = self._scored(X, groups)
        recursions = self._recursions(steps, self._params)
        if method == "filter":
            return recursions.filter()[1]
        return recursions.smooth() if method == "smooth" else recursions.predict()

    @without_lengths
    def decode(self, X, *, groups=None, k=1):
        """Find the k most probable paths of each sequence.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps.
        groups : array-like of shape (n_samples,) or None, default=None
            Ids, as in `score_samples`.
        k : int, default=1
            Number of paths.

        Returns
        -------
        log_prob : ndarray of shape (n_sequences,), or (n_sequences, k)
            Of the paths, in nats; -inf where a sequence has no more.
        states : ndarray of shape (n_samples,), or (k, n_samples)
            The paths, best first; -1 where there are no more.

        Raises
        ------
        ValueError
            If `k` is no positive integer.
        """
        if not isinstance(k, int | np.integer) or k < 1:
            raise ValueError(f"k must be an integer of at least 1, got {k!r}.")
        _, steps = self._scored(X, groups)
        recursions = self._recursions(steps, self._params)
        if k == 1:
            states, log_prob = recursions.viterbi()
            return log_prob, states
        states, log_prob = best_paths(
            *(steps.layout.sequences, recursions.chain),
            *(recursions.take, recursions.log_prob, int(k), self.n_jobs),
        )
        return log_prob, states

    def sample_states(self, X, *, groups=None, random_state=None):
        """Draw a path of states given the rows of each sequence.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps.
        groups : array-like of shape (n_samples,) or None, default=None
            Ids, as in `score_samples`.
        random_state : None, int, RandomState or Generator, default=None
            None uses the estimator's own `random_state`.

        Returns
        -------
        states : ndarray of shape (n_samples,)
            -1 in sequences that are impossible.
        """
        rows, steps = self._scored(X, groups)
        rng = self._draw_generator(random_state)
        return self._recursions(steps, self._params).sample_paths(rng.random(len(rows)))

    def bic(self, X, *, groups=None, sequence_weight=None):
        """Compute the Bayesian information criterion on X; lower is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps.
        groups : array-like of shape (n_samples,) or None, default=None
            Ids, as in `score_samples`.
        sequence_weight : array-like of shape (n_sequences,) or None, default=None
            Non-negative weights.

        Returns
        -------
        bic : float
            -2 log-likelihood + n_parameters * log(n_samples), in nats.
        """
        return self._criterion_of(X, groups, sequence_weight, np.log)

    def aic(self, X, *, groups=None, sequence_weight=None):
        """Compute Akaike's information criterion on X; lower is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps.
        groups : array-like of shape (n_samples,) or None, default=None
            Ids, as in `score_samples`.
        sequence_weight : array-like of shape (n_sequences,) or None, default=None
            Non-negative weights.

        Returns
        -------
        aic : float
            -2 log-likelihood + 2 * n_parameters, in nats.
        """
        return self._criterion_of(X, groups, sequence_weight, lambda n_rows: 2.0)

    def _criterion_of(self, X, groups, sequence_weight, penalty):
        total, n_rows = self._weighted_likelihood(X, groups, sequence_weight)
        return float(-2.0 * total + penalty(n_rows) * self._n_parameters())

    def _n_parameters(self):
        starts, steps = self._starts_at, self._allowed
        free = int(starts.sum()) - 1 + int(steps.sum()) - len(steps)
        return free + self._n_emission_parameters()
