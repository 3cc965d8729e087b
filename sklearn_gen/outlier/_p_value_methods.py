"""What p-values answer: which rows are outliers, and how many are false alarms."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_gen._validation import as_generator
from sklearn_gen.outlier._calibration import conformity, threshold
from sklearn_gen.outlier._conformal_p_values import pooled_p_values, weighted_selection
from sklearn_gen.outlier._covariate_shift import (
    check_covariate_shift,
    density_ratio,
)
from sklearn_gen.outlier._multiple_testing import (
    benjamini_hochberg,
    false_discovery_bound,
)


class PValueMixin:
    """Detectors with calibration scores, one set for each of their models."""

    @property
    def offset_(self):
        """Threshold on the score of complete rows, at the present `level`."""
        offset = self._offset()
        if offset == -np.inf:
            raise AttributeError(
                "There is no offset_, below which scores have p-values of at most "
                f"level={self.level}: it takes one model (here {len(self.estimators_)})"
                f", no covariate_shift (here {self.covariate_shift!r}) and enough "
                f"calibration rows (here {len(self.calibration_scores_)})."
            )
        return offset

    def _offset(self):
        if not self._is_plain_split():
            return -np.inf
        return threshold(self.calibration_scores_, self.level)

    def decision_function(self, X):
        """Compute how far from being an outlier each row is.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            Negative where the p-value (with conservative ties) is at most the present
            `level`. With ``method="split"`` and no `covariate_shift` it is the score
            less `offset_`: that of `score_samples`, but missing cells count as usual
            ones. Where too few rows calibrate for an `offset_`, it is a positive,
            increasing function of the score. Otherwise it is how far the p-value is
            above `level`.
        """
        if not self._is_plain_split():
            # A p-value that equals the level is an outlier's.
            return self._p_values(X, "conservative") - np.nextafter(self.level, 1.0)
        (scores,) = self._fold_scores(X, conformity)
        offset = self._offset()
        if offset == -np.inf:  # no row is an outlier, but some are more so than others
            return np.exp(np.arcsinh(scores))
        return scores - offset

    def predict(self, X):
        """Tell outliers from inliers, at `level`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            -1 where the p-value (ties conservative, whatever `ties`, so that equal
            rows get equal labels) is at most `level`, +1 elsewhere.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def p_values(self, X):
        """Compute the p-value of each row: small for outliers.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows that weren't given to `fit`.

        Returns
        -------
        p_values : ndarray of shape (n_samples,)
            In (0, 1]. With ``covariate_shift="auto"`` or a classifier they depend on
            all rows of `X`.
        """
        return self._p_values(X, self.ties)

    def _p_values(self, X, ties):
        scores = self._fold_scores(X, conformity)
        calibration = [
            self.calibration_scores_[self.calibration_folds_ == fold]
            for fold in range(len(scores))
        ]
        weight = calibration_weight = None
        if self.covariate_shift is not None:
            calibration_weight, weight = self._weights(X)
        return pooled_p_values(
            scores,
            calibration,
            weight=weight,
            calibration_weight=calibration_weight,
            ties=ties,
            random_state=self._later_seed(),
        )

    def _later_seed(self):
        """Draw a stream of its own: the split has had the seed's first numbers."""
        return np.random.default_rng(
            as_generator(self.random_state).integers(2**32, size=4)
        )

    def select(self, X, fdr=0.1, *, pi0="storey", pruning="deterministic"):
        """Select outliers, of which on average at most a share `fdr` are inliers.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows that weren't given to `fit`.
        fdr : float, default=0.1
            The false-discovery rate, in (0, 1). With ``method="cross"`` it is a target
            and not a theorem.
        pi0 : "storey" or float, default="storey"
            Share of inliers among the rows, or :func:`null_proportion` to estimate it.
            Without effect where there is `covariate_shift`.
        pruning : {"deterministic", "homogeneous", "heterogeneous"}, \
                default="deterministic"
            With `covariate_shift`: see :func:`weighted_selection`.

        Returns
        -------
        selected : ndarray of bool of shape (n_samples,)
            True for outliers. Whether a row is one depends on the other rows of `X`.
        """
        if self.covariate_shift is None:
            return benjamini_hochberg(self.p_values(X), fdr, pi0=pi0)
        scores = self._fold_scores(X, conformity)[0]
        calibration_weight, weight = self._weights(X)
        return weighted_selection(
            scores,
            self.calibration_scores_,
            weight=weight,
            calibration_weight=calibration_weight,
            fdr=fdr,
            pruning=pruning,
            random_state=self._later_seed(),
        )

    def fdp_bound(self, X, thresholds=None, *, confidence=0.9):
        """Bound the share of inliers among the rows found, at all thresholds at once.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows that weren't given to `fit`.
        thresholds : array-like of shape (n_thresholds,) or None, default=None
            Rows with p-values of at most a threshold are found. None means the
            p-values of `X`: one bound per row, for the rows at least as abnormal. Ties
            are conservative here, whatever `ties`: the theorem is about such p-values.
        confidence : float, default=0.9
            Probability that no bound is exceeded.

        Returns
        -------
        bound : ndarray of shape (n_thresholds,)
            Upper bounds on the false-discovery proportion.

        Raises
        ------
        ValueError
            With ``method="cross"`` or `covariate_shift`, where the joint law of the
            p-values isn't known.
        """
        if not self._is_plain_split():
            raise ValueError(
                "fdp_bound needs method='split' and covariate_shift=None, where the "
                f"joint law of p-values is known; got {len(self.estimators_)} model(s) "
                f"and covariate_shift={self.covariate_shift!r}."
            )
        return false_discovery_bound(
            self._p_values(X, "conservative"),
            len(self.calibration_scores_),
            thresholds,
            confidence=confidence,
        )

    def _is_plain_split(self):
        """Whether one model's scores, all alike, are what p-values compare."""
        check_is_fitted(self)  # what was fitted counts, not what is set since
        return len(self.estimators_) == 1 and self.covariate_shift is None

    def _weights(self, X):
        method = "split" if len(self.estimators_) == 1 else "cross"
        check_covariate_shift(self.covariate_shift, method)
        if not hasattr(self, "calibration_rows_"):
            raise ValueError(
                f"covariate_shift={self.covariate_shift!r} was set after fit, which "
                "kept no calibration rows: fit again."
            )
        return density_ratio(self.covariate_shift, self.calibration_rows_, X)
