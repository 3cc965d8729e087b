"""Precision, recall, density and coverage: balls around the rows of each table."""

from numbers import Integral
from typing import NamedTuple

import numpy as np

from sklearn_gen.metrics._distances import balls, embed, nearest
from sklearn_gen.metrics._tables import encode_tables


class Coverage(NamedTuple):
    """What the balls of two tables say; see `precision_recall_density_coverage`."""

    precision: float
    recall: float
    density: float
    coverage: float


def precision_recall_density_coverage(
    real,
    synthetic,
    *,
    n_neighbors=5,
    categorical_features="from_dtype",
    n_jobs=None,
):
    r"""Compare where two tables lie by balls around their rows.

    The ball :math:`B(x)` around a row reaches to its k-th nearest neighbour in its own
    table. Of n real rows x and m synthetic rows y,

    .. math::
        \text{precision} &= \frac1m \#\{y: y \in B(x) \text{ for some } x\}, &
        \text{recall} &= \frac1n \#\{x: x \in B(y) \text{ for some } y\}, \\
        \text{density} &= \frac{1}{km} \#\{(x, y): y \in B(x)\}, &
        \text{coverage} &= \frac1n \#\{x: \text{some } y \in B(x)\}.

    Parameters
    ----------
    real : array-like of shape (n_real, n_features)
        Real rows. Their ranges are the units of the distance.
    synthetic : array-like of shape (n_synthetic, n_features)
        Synthetic rows, about as many: precision and recall grow with the number of
        balls.
    n_neighbors : int, default=5
        The k, below the number of rows of either table.
    categorical_features : "from_dtype", list or mask, default="from_dtype"
        Which columns are categories: those of such a dtype, or names or indices.
    n_jobs : int or None, default=None
        Threads; None means 1, -1 all cores. Results are the same.

    Returns
    -------
    result : named tuple
        `precision`, `recall` and `coverage` between 0 and 1 and `density`, which may
        exceed 1; higher is better for each.

    Raises
    ------
    ValueError
        If the tables have different columns, too few rows, columns that are all
        missing, or infinities.

    See Also
    --------
    closest_record_share : Whether rows are near because they were copied.

    Notes
    -----
    Balls are closed, and a row is no neighbour of itself. So a table compared with
    itself has precision, recall and coverage 1, and density (k + 1) / k: in each ball
    lie its center and k others (more where distances tie, as they do in tables of
    categories). Two samples of one continuous distribution have density near 1 and
    coverage near :math:`1 - 2^{-k}` if n = m, which is what to compare with; precision
    and recall then depend on the distribution.

    Rows are compared by one distance for mixed columns: numbers in units of the range
    of the middle nine tenths of the real values, 1 where categories differ (also from a
    missing one). Neighbours are exact.

    Costs O((n + m)^2) distances and O(n + m) memory: 100,000 rows of 20 columns each
    take 20 to 30 seconds on two cores, the latter where half of the columns are
    categories and all have missing cells.

    References
    ----------
    T. Kynkäänniemi, T. Karras, S. Laine, J. Lehtinen and T. Aila, "Improved precision
    and recall metric for assessing generative models", 2019. arXiv:1904.06991

    M. F. Naeem, S. J. Oh, Y. Uh, Y. Choi and J. Yoo, "Reliable fidelity and diversity
    metrics for generative models", 2020. arXiv:2002.09797

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.metrics import precision_recall_density_coverage
    >>> rng = np.random.default_rng(0)
    >>> real = rng.normal(size=(1000, 2))
    >>> narrow = 0.5 * rng.normal(size=(1000, 2))
    >>> result = precision_recall_density_coverage(real, narrow)
    >>> print(f"precision {result.precision:.2f}, recall {result.recall:.2f}")
    precision 1.00, recall 0.77
    """
    if not isinstance(n_neighbors, Integral) or n_neighbors < 1:
        raise ValueError(
            f"n_neighbors must be a positive integer, got {n_neighbors!r}."
        )
    columns, real, synthetic = encode_tables(
        categorical_features,
        min_rows=int(n_neighbors) + 1,
        real=real,
        synthetic=synthetic,
    )
    (x, y), n_numeric = embed(columns, real, real, synthetic)
    x_radii, y_radii = (
        nearest(rows, rows, n_numeric, int(n_neighbors), same=True, n_jobs=n_jobs)[0]
        for rows in (x, y)
    )
    counts, covered, reached = balls(
        y, x, n_numeric, y_radii[:, -1], x_radii[:, -1], n_jobs=n_jobs
    )
    return Coverage(
        precision=float(np.mean(counts > 0)),
        recall=float(np.mean(reached)),
        density=float(counts.sum() / (n_neighbors * len(y))),
        coverage=float(np.mean(covered)),
    )
