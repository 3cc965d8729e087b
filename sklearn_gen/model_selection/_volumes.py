"""Draws from the box that holds a table's rows, for the volumes of level sets."""

import numpy as np

from sklearn_gen._columns import TableSchema, container_of

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
        Columns of a DataFrame that hold no numbers have their values as a volume: each
        of the values seen has as much. NaN cells: each draw has the gaps of a row
        chosen at random, and its volume is that of the observed cells.
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
        If an array holds text, or no column holds two different numbers.
    """
    categories = _categories(X)
    rows = _numbers(X, categories)
    observed = ~np.isnan(rows)
    low = np.min(rows, axis=0, where=observed, initial=np.inf)
    width = np.max(rows, axis=0, where=observed, initial=-np.inf) - low
    varies = width > 0
    if not varies.any():
        raise ValueError(
            "X needs a column with two different numbers: level sets of "
            f"{len(rows)} rows that differ in none have no volume."
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
    draws = TableSchema.from_data(X, rows).restore(draws)
    weight, row_weight = _weight(proposal, points), _weight(proposal, unit)
    if categories:
        sources, share, row_share = _draw_categories(X, categories, n_draws, rng)
        for name, source in zip(categories, sources, strict=True):
            draws = _with_column(draws, name, X[name], source)
        weight, row_weight = weight * share, row_weight * row_share
    return draws, weight, row_weight


def _categories(X):
    """Names of the columns that hold no numbers."""
    if container_of(X) == "numpy":
        return []
    numbers = ("int", "uint", "float")
    return [
        name
        for name, dtype in zip(X.columns, X.dtypes, strict=True)
        if not str(dtype).lower().startswith(numbers)
    ]


def _numbers(X, categories):
    """Rows as floats; columns of categories are 0."""
    if categories:
        zeros = np.zeros(len(X))
        columns = [zeros if c in categories else X[c].to_numpy() for c in X.columns]
        X = np.column_stack([np.asarray(c, dtype=np.float64) for c in columns])
    try:
        return np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"X holds cells that aren't numbers: {error}. Level sets of such columns "
            "can be measured in a DataFrame; encode them otherwise."
        ) from error


def _draw_categories(X, names, n_draws, rng):
    """Half of the draws are those of rows, half are uniform over all combinations.

    Returns
    -------
    sources : list of ndarray of shape (n_draws,)
        For each column the rows of X from which draws take their value.
    share : ndarray of shape (n_draws,)
        Uniform probability of a draw over the one it was drawn with.
    row_share : ndarray of shape (n_samples,)
        The same of the rows of X.
    """
    n_rows = len(X)
    firsts, codes = zip(
        *(
            np.unique(
                np.asarray(X[name]).astype(str), return_index=True, return_inverse=True
            )[1:]
            for name in names
        ),
        strict=True,
    )
    together = rng.integers(n_rows, size=n_draws)
    apart = rng.uniform(size=n_draws) < 0.5
    sources = [
        np.where(apart, first[rng.integers(len(first), size=n_draws)], together)
        for first in firsts
    ]
    rows = np.column_stack(codes)
    drawn = np.column_stack([c[s] for c, s in zip(codes, sources, strict=True)])
    _, place = np.unique(np.vstack([rows, drawn]), axis=0, return_inverse=True)
    frequency = np.bincount(place[:n_rows], minlength=place.max() + 1) / n_rows
    uniform = 1.0 / np.prod([float(len(first)) for first in firsts])
    share = uniform / (0.5 * uniform + 0.5 * frequency[place])
    return sources, share[n_rows:], share[:n_rows]


def _with_column(draws, name, column, source):
    if container_of(draws) == "polars":
        return draws.with_columns(column[source].alias(name))
    return draws.assign(**{name: column.iloc[source].array})


def _mixture_about(unit, rng):
    from sklearn_gen.mixture import GaussianMixture

    n_rows, n_features = unit.shape
    # A trace of noise: repeated values and rows in a plane are no defect here.
    rows = unit[rng.integers(n_rows, size=max(_FITTED_ROWS, 5 * n_features))]
    spread = np.nanstd(unit, axis=0)
    rows = rows + 0.01 * spread * rng.standard_normal(rows.shape)
    n_components = int(np.clip(n_rows // (10 * n_features), 1, 5))
    fitted = GaussianMixture(
        n_components, reg_covar="scale", tol=0.1, random_state=rng
    ).fit(rows)
    return GaussianMixture.from_parameters(
        fitted.weights_, fitted.means_, _WIDENED * fitted.covariances_
    )


def _weight(proposal, points):
    """Inverse of the density of the draws: uniform in the unit box, and the mixture."""
    inside = np.all((points >= 0) & (points <= 1) | np.isnan(points), axis=1)
    log_density = np.logaddexp(
        np.log(_UNIFORM), np.log(1 - _UNIFORM) + proposal.score_samples(points)
    )
    return np.where(inside, np.exp(-log_density), 0.0)
