"""Draws from the box that holds a table's rows, for the volumes of level sets."""

import numpy as np

from sklearn_gen._columns import TableSchema

# Rows that the proposal is fitted to: its shape needs no more.
_FITTED_ROWS = 2000
# Share of the draws that are uniform: bounds the weights by its inverse.
_UNIFORM = 0.25
# Covariances are multiplied by this, so that tails are drawn often enough.
_WIDENED = 1.5


def weighted_draws(X, n_draws, rng):
    r"""Draw rows of the box that holds X, each with the volume that it stands for.

    Uniform draws alone miss the rows where columns are many: at twenty normal columns
    one draw in ten thousand is where nine rows in ten are. So most come from a mixture
    of Gaussians about the rows, and each weighs :math:`1 / q(x)`, the inverse of the
    density it was drawn from, the box having volume 1.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Numbers. NaN cells: each draw has the gaps of a row chosen at random, and its
        volume is that of the observed cells.
    n_draws : int
        Number of draws.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    draws : ndarray or DataFrame of shape (n_draws, n_features)
        In the container of X.
    weight : ndarray of shape (n_draws,)
        With mean 1, but for chance; 0 outside the box.
    row_weight : ndarray of shape (n_samples,)
        The volume that each row of X would stand for.

    Raises
    ------
    ValueError
        If a column isn't numeric, or none holds two different numbers.
    """
    rows = _numbers(X)
    observed = ~np.isnan(rows)
    low = np.min(rows, axis=0, where=observed, initial=np.inf)
    width = np.max(rows, axis=0, where=observed, initial=-np.inf) - low
    varies = width > 0
    if not varies.any():
        raise ValueError(
            "X needs a column with two different numbers: level sets of "
            f"{len(rows)} equal rows have no volume."
        )
    unit = (rows[:, varies] - low[varies]) / width[varies]
    proposal = _mixture_about(unit, rng)
    n_uniform = round(_UNIFORM * n_draws)
    points = np.vstack(
        [
            rng.uniform(size=(n_uniform, unit.shape[1])),
            proposal.sample(n_draws - n_uniform, random_state=rng),
        ]
    )
    gaps = ~observed[rng.integers(len(rows), size=n_draws)]
    points[gaps[:, varies]] = np.nan
    draws = np.where(varies, np.nan, low) + np.zeros((n_draws, 1))
    draws[:, varies] = low[varies] + points * width[varies]
    draws[gaps] = np.nan
    return (
        TableSchema.from_data(X, rows).restore(draws),
        _weight(proposal, points),
        _weight(proposal, unit),
    )


def _numbers(X):
    try:
        return np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Level sets have a volume only where all columns are numbers: {error}. "
            "Encode the table first and search over the encoded one, or score "
            "pipeline[-1] on pipeline[:-1].transform(X)."
        ) from error


def _mixture_about(unit, rng):
    from sklearn_gen.mixture import GaussianMixture

    n_rows, n_features = unit.shape
    # A trace of noise: repeated values and rows in a plane are no defect here.
    rows = unit[rng.integers(n_rows, size=max(_FITTED_ROWS, 5 * n_features))]
    spread = np.nanstd(unit, axis=0)
    rows = rows + 0.01 * spread * rng.standard_normal(rows.shape)
    n_components = int(np.clip(n_rows // (10 * n_features), 1, 5))
    proposal = GaussianMixture(
        n_components, reg_covar="scale", tol=0.1, random_state=rng
    ).fit(rows)
    proposal.covariances_ *= _WIDENED
    proposal.precisions_ /= _WIDENED
    proposal.precisions_cholesky_ /= _WIDENED**0.5
    return proposal


def _weight(proposal, points):
    """Inverse of the density of the draws: uniform in the unit box, and the mixture."""
    inside = np.all((points >= 0) & (points <= 1) | np.isnan(points), axis=1)
    log_density = np.logaddexp(
        np.log(_UNIFORM), np.log(1 - _UNIFORM) + proposal.score_samples(points)
    )
    return np.where(inside, np.exp(-log_density), 0.0)
