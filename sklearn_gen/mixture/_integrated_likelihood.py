"""The integrated completed likelihood: BIC that also asks for clear clusters."""

import numpy as np

from sklearn_gen._validation import weighted_sum


class IntegratedLikelihood:
    """Mixtures whose number of free parameters is known."""

    def icl(self, X, sample_weight=None):
        """Compute the integrated completed likelihood on X; lower is better.

        `bic` counts what describes the density, `icl` clusters that can be told from
        one another: two components that share their rows cost more than they gain.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights; their sum is the number of rows.

        Returns
        -------
        icl : float
            BIC - 2 sum log p(most probable component | x), in nats.

        References
        ----------
        Biernacki, Celeux & Govaert (2000), doi:10.1109/34.865189.
        """
        certainty = np.log(self.predict_proba(X).max(axis=1))
        total, _ = weighted_sum(certainty, sample_weight)
        return float(self.bic(X, sample_weight) - 2.0 * total)
