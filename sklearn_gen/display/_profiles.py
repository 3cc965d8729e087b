"""What sets a segment's columns apart from those of the whole table."""

from typing import NamedTuple

import numpy as np
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from sklearn_gen._columns import Table, as_array, container_of
from sklearn_gen.display._drawing import select_columns, shortened

_LEVEL_LENGTH = 14
# Between these quantiles lie two standard deviations of a normal distribution.
_ONE_SD = (0.158655, 0.841345)


class Profile(NamedTuple):
    """One column: how far each segment is from the table, and what is typical.

    `differences` (n_segments,) is NaN where nothing was observed; `texts` are those of
    the whole table and of each segment.
    """

    differences: np.ndarray
    texts: list


def read_table(X):
    """Read the columns of any table, mixed or not."""
    return Table.read(as_array(X) if container_of(X) == "numpy" else X)


def profile_column(cells, segment, n_segments, *, average, has_levels):
    """Compare a column in each segment to the column in the whole table.

    Parameters
    ----------
    cells : Cells
        The column.
    segment : ndarray of shape (n_samples,)
        The segment of each row, 0 to `n_segments` - 1.
    n_segments : int
        Number of segments, none of them empty.
    average : {"mean", "median"}
        Of numbers and dates.
    has_levels : bool
        Whether its values are levels although they are numbers.

    Returns
    -------
    profile : Profile
    """
    seen = ~cells.missing
    values, segment = cells.values[seen], segment[seen]
    if not len(values):
        return Profile(np.full(n_segments, np.nan), [""] * (1 + n_segments))
    if has_levels or cells.kind in ("text", "category", "boolean"):
        return _of_levels(values, segment, n_segments)
    return _of_numbers(values.astype(float), segment, n_segments, average, cells)


def _of_numbers(values, segment, n_segments, average, cells):
    """Differences of averages, in standard deviations."""
    center = np.median if average == "median" else np.mean
    whole, spread = center(values), np.std(values)
    if average == "median":
        low, high = np.quantile(values, _ONE_SD)
        spread = (high - low) / 2 or spread  # most are the same: others' distance
    own = np.array(
        [
            center(values[segment == k]) if (segment == k).any() else np.nan
            for k in range(n_segments)
        ]
    )
    differences = (own - whole) / spread if spread > 0 else 0.0 * own
    return Profile(differences, [_shown(x, cells) for x in (whole, *own)])


def _of_levels(values, segment, n_segments):
    """Cohen's h of the level whose share has grown most."""
    values = values.tolist()
    levels = list(dict.fromkeys(values))
    codes = {level: code for code, level in enumerate(levels)}
    counts = np.zeros((n_segments, len(levels)))
    np.add.at(counts, (segment, [codes[value] for value in values]), 1.0)
    overall = counts.sum(axis=0) / len(values)
    texts = [_share(levels, overall, overall.argmax())]
    differences = np.full(n_segments, np.nan)
    for k in range(n_segments):
        if not counts[k].any():
            texts.append("")
            continue
        shares = counts[k] / counts[k].sum()
        level = (shares - overall).argmax()
        differences[k] = _cohen_h(shares[level], overall[level])
        texts.append(_share(levels, shares, level))
    return Profile(differences, texts)


def _cohen_h(share, overall):
    """Difference of proportions that stays moderate for rare levels."""
    return 2 * (np.arcsin(np.sqrt(share)) - np.arcsin(np.sqrt(min(overall, 1.0))))


def _share(levels, shares, level):
    return f"{shortened(str(levels[level]), _LEVEL_LENGTH)} {shares[level]:.0%}"


def _shown(x, cells):
    if np.isnan(x):
        return ""
    if cells.kind == "datetime" and cells.unit != "period":
        date = np.datetime64(round(x), cells.unit)
        return str(date.astype("M8[D]"))
    if cells.kind == "timedelta":
        days = np.timedelta64(round(x), cells.unit) / np.timedelta64(1, "D")
        return f"{days:.3g} days"
    return f"{x:,.0f}" if 1000 <= abs(x) < 1e9 else f"{x:.3g}"


def points_of(X, cells, kinds, scatter):
    """Two coordinates of each row to scatter, and their names."""
    if scatter is None:
        return None, None
    is_pca = isinstance(scatter, str) and scatter == "pca"
    positions, names = select_columns(X, None if is_pca else scatter)
    if is_pca:
        numbers = ("continuous", "integer")
        positions = [
            j
            for j in positions
            if cells[j].kind in numbers
            and kinds[j] not in ("categorical", "identifier")
        ]
        least = "scatter='pca' needs two numeric columns"
    else:
        least = "scatter must be None, 'pca' or two columns"
    if len(positions) < 2 or (len(positions) > 2 and not is_pca):
        raise ValueError(f"{least}, got {len(positions)}: {scatter!r}.")
    values = np.stack([_as_coordinates(cells[j], j) for j in positions], axis=1)
    if not is_pca:
        return values, tuple(names)
    scaled = np.nan_to_num(StandardScaler().fit_transform(values))  # missing: the mean
    axes = PCA(2, svd_solver="full").fit(scaled)
    shares = axes.explained_variance_ratio_
    titles = (f"principal axis {i + 1} ({share:.0%})" for i, share in enumerate(shares))
    return axes.transform(scaled), tuple(titles)


def _as_coordinates(cells, j):
    if cells.kind not in ("continuous", "integer", "boolean"):
        raise ValueError(
            f"scatter: column {j} holds {cells.kind} cells, which have no place on an "
            "axis. Choose numeric columns."
        )
    return np.where(cells.missing, np.nan, cells.values.astype(float))
