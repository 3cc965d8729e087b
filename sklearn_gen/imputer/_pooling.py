"""Rubin's rules: one estimate from several completed tables."""

from typing import NamedTuple

import numpy as np


class PooledEstimates(NamedTuple):
    """What an analysis of several completed tables says, taken together.

    Attributes
    ----------
    estimate : float or ndarray
        Mean of the tables' estimates.
    variance : float or ndarray
        Its variance: within tables plus, for the finite number of tables, a little
        more than the one between them.
    within : float or ndarray
        Mean of the tables' variances.
    between : float or ndarray
        Variance of the tables' estimates: what missing cells leave unknown.
    df : float or ndarray
        Degrees of freedom of Student's t for intervals; inf where tables agree.
    fraction_missing : float or ndarray
        Share of the variance that is due to missing cells.
    """

    estimate: np.ndarray
    variance: np.ndarray
    within: np.ndarray
    between: np.ndarray
    df: np.ndarray
    fraction_missing: np.ndarray


def pool_estimates(estimates, variances, *, df_complete=np.inf):
    r"""Pool estimates from several completed tables by Rubin's rules.

    With :math:`\bar Q` the mean of m estimates, W the mean of their variances and B the
    variance of the estimates, the pooled variance is :math:`W + (1 + 1/m) B`.

    Parameters
    ----------
    estimates : array-like of shape (n_tables,) or (n_tables, n_estimates)
        What the analysis of each completed table estimates: a mean, coefficients.
    variances : array-like of the same shape
        Their squared standard errors, as that analysis gives them.
    df_complete : float, default=inf
        Degrees of freedom that the analysis would have without missing cells, for the
        correction of Barnard and Rubin in small tables.

    Returns
    -------
    pooled : PooledEstimates
        With fields of shape () or (n_estimates,).

    Raises
    ------
    ValueError
        If the shapes differ, there are fewer than two tables or a variance is negative.

    See Also
    --------
    GenerativeImputer.impute : Completed tables.

    References
    ----------
    Rubin (1987), "Multiple imputation for nonresponse in surveys",
    doi:10.1002/9780470316696. Barnard & Rubin (1999), doi:10.1093/biomet/86.4.948.

    Examples
    --------
    >>> from sklearn_gen.imputer import pool_estimates
    >>> pooled = pool_estimates([1.0, 1.2, 0.8], [0.04, 0.05, 0.03])
    >>> print(f"{pooled.estimate:.2f} +- {pooled.variance ** 0.5:.2f}")
    1.00 +- 0.31
    """
    estimates = np.asarray(estimates, dtype=np.float64)
    variances = np.asarray(variances, dtype=np.float64)
    if estimates.shape != variances.shape or estimates.ndim not in (1, 2):
        raise ValueError(
            "estimates and variances must have one shape, (n_tables,) or (n_tables, "
            f"n_estimates), got {estimates.shape} and {variances.shape}."
        )
    m = len(estimates)
    if m < 2:
        raise ValueError(
            f"Rubin's rules need at least two completed tables, got {m}: the variance "
            "between them is what missing cells leave unknown."
        )
    if not (variances >= 0).all():
        bad = variances[~(variances >= 0)][0]
        raise ValueError(f"variances must not be negative or NaN, got {bad}.")
    within, between = variances.mean(axis=0), estimates.var(axis=0, ddof=1)
    variance = within + (1 + 1 / m) * between
    with np.errstate(divide="ignore", invalid="ignore"):
        # the share of the variance that missing cells add
        share = np.where(variance > 0, (1 + 1 / m) * between / variance, 0.0)
        df = (m - 1) / share**2
        if np.isfinite(df_complete):
            observed = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share)
            df = 1 / (1 / df + 1 / observed)
        ratio = share / (1 - share)
        fraction = np.where(share < 1, (ratio + 2 / (df + 3)) / (ratio + 1), 1.0)
    fraction = np.where(share > 0, fraction, 0.0)
    mean = estimates.mean(axis=0)
    return PooledEstimates(mean, variance, within, between, df, fraction)
