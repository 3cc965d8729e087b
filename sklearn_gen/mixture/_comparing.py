"""Which of two mixtures is better, by a number or by rows held out."""

from typing import NamedTuple

import numpy as np


class Judged(NamedTuple):
    """A mixture that was tried, and how good it is."""

    size: int
    merit: float
    scores: np.ndarray | None = None  # of rows held out, whose mean is the merit
    weight: np.ndarray | None = None  # of these rows

    def replaces(self, best, top, margin):
        """Whether it is to be preferred to the best so far.

        What rows held out say is uncertain. So a larger mixture must gain more than one
        standard error, and a smaller one may lose as much (Breiman et al. 1984,
        "Classification and Regression Trees").

        Parameters
        ----------
        best : Judged or None
            What was preferred so far.
        top : Judged or None
            What had the highest merit.
        margin : float
            The least gain that counts.

        Returns
        -------
        better : bool
        """
        if best is None:
            return True
        if self.scores is None:
            return self.merit > best.merit + margin
        if self.size < best.size:
            return self.merit > top.merit - self._error(top)
        return self.merit > best.merit + max(margin, self._error(best))

    def _error(self, other):
        """Standard error of the difference of two merits."""
        differences = self.scores - other.scores
        deviations = differences - np.average(differences, weights=self.weight)
        variance = np.average(deviations**2, weights=self.weight)
        n_rows = len(differences) if self.weight is None else self.weight.sum()
        return np.sqrt(variance / n_rows)
