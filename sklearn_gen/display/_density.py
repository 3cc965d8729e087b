"""A density in one or two dimensions, with the data."""

import numpy as np
from sklearn.utils import get_tags

from sklearn_gen._columns import TableSchema
from sklearn_gen.compose._tables import as_floats
from sklearn_gen.display._drawing import (
    DATA_COLOR,
    MODEL_COLOR,
    axes_or_new,
    import_pyplot,
    pale_oranges,
    select_columns,
    unwrap,
)


class DensityDisplay:
    """Density of one column as a curve, or of two as contours, with the data.

    Use :meth:`from_estimator`; the constructor takes what was computed.

    Parameters
    ----------
    grid : list of ndarray
        Coordinates along each shown column, one or two arrays.
    log_density : ndarray of shape (n_first,) or (n_second, n_first)
        At the grid's points, in nats.
    data : ndarray of shape (n_samples, 1) or (n_samples, 2)
        Rows to show.
    names : list of str
        Of the shown columns.
    threshold : float or None, default=None
        Log density below which rows are outliers, in nats.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of `ax_`.
    line_ : matplotlib Line2D
        The curve; one column only.
    contours_ : matplotlib QuadContourSet
        Of the log density; two columns only.

    See Also
    --------
    SamplesDisplay : Draws beside the data.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.display import DensityDisplay
    >>> from sklearn_gen.mixture import GaussianMixture
    >>> X = np.random.default_rng(0).normal(size=(300, 2))
    >>> model = GaussianMixture().fit(X)
    >>> display = DensityDisplay.from_estimator(model, X)
    >>> display.ax_.get_xlabel()
    'column 0'
    """

    def __init__(self, *, grid, log_density, data, names, threshold=None):
        self.grid = grid
        self.log_density = log_density
        self.data = data
        self.names = names
        self.threshold = threshold

    @classmethod
    def from_estimator(
        cls, estimator, X, *, columns=None, grid_resolution=None, ax=None, **kwargs
    ):
        """Evaluate a fitted density on a grid around the data and draw it.

        Parameters
        ----------
        estimator : estimator instance
            Fitted, with `score_samples`: a density, a pipeline or a detector (whose
            threshold is then drawn too, where all columns are shown).
        X : array-like of shape (n_samples, n_features)
            Rows to show, with all columns that the estimator knows.
        columns : sequence of str or int or None, default=None
            One or two columns, by name or position; None means all, which must be one
            or two. The others are left out as not observed, so the curve is the
            marginal density; the estimator must allow NaN.
        grid_resolution : int or None, default=None
            Points along each column; None is 400 for one, 120 for two.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For the curve (``Axes.plot``) or the contours (``Axes.contourf``).

        Returns
        -------
        display : DensityDisplay
            With `ax_` and `figure_`.

        Raises
        ------
        ValueError
            If there are too many columns, or one has no finite values.
        TypeError
            If columns would be left out but the estimator doesn't allow NaN.
        """
        n_features = np.shape(X)[1]
        positions, names = select_columns(X, columns)
        if len(positions) not in (1, 2):
            raise ValueError(
                "columns must name one column, or two different ones, of the "
                f"{n_features} in X; got {columns!r}."
            )
        model = unwrap(estimator)[-1]
        if len(positions) < n_features and not get_tags(model).input_tags.allow_nan:
            raise TypeError(
                f"columns={columns!r} leaves out {n_features - len(positions)} of X, "
                f"but {type(model).__name__} doesn't allow NaN, by which a column "
                "is left out. Use a model that does "
                "(sklearn_gen.all_estimators('missing')), or fit one on these columns."
            )
        if grid_resolution is None:
            grid_resolution = 400 if len(positions) == 1 else 120
        data = as_floats(X)
        grid = [
            _around(data[:, j], grid_resolution, name)
            for j, name in zip(positions, names, strict=True)
        ]
        mesh = np.meshgrid(*grid)
        rows = np.full((mesh[0].size, n_features), np.nan)
        for j, coordinate in zip(positions, mesh, strict=True):
            rows[:, j] = coordinate.ravel()
        table = TableSchema.from_data(X, rows).restore(rows)
        log_density = np.asarray(estimator.score_samples(table))
        display = cls(
            grid=grid,
            log_density=log_density.reshape(mesh[0].shape),
            data=data[:, positions],
            names=names,
            threshold=(
                getattr(estimator, "offset_", None)
                if len(positions) == n_features
                else None
            ),
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, *, ax=None, **kwargs):
        """Draw what was computed.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For the curve (``Axes.plot``) or the contours (``Axes.contourf``).

        Returns
        -------
        display : DensityDisplay
            This object, with `ax_` and `figure_`.
        """
        import_pyplot()
        self.ax_ = axes_or_new(ax)
        self.figure_ = self.ax_.figure
        if len(self.grid) == 1:
            self._plot_curve(kwargs)
        else:
            self._plot_contours(kwargs)
        return self

    def _plot_curve(self, kwargs):
        column = self.data[:, 0]
        self.ax_.hist(
            column[np.isfinite(column)],
            bins="auto",
            density=True,
            color=DATA_COLOR,
            alpha=0.35,
            label="data",
        )
        style = {"color": MODEL_COLOR, "linewidth": 2, "label": "model"}
        (self.line_,) = self.ax_.plot(
            self.grid[0], np.exp(self.log_density), **{**style, **kwargs}
        )
        if self.threshold is not None:
            self.ax_.axhline(
                np.exp(self.threshold), color="black", linestyle="--", label="threshold"
            )
        self.ax_.set(
            xlabel=self.names[0], ylabel=f"density (per unit of {self.names[0]})"
        )
        self.ax_.legend()

    def _plot_contours(self, kwargs):
        plt = import_pyplot()
        shown = self.log_density  # contours leave -inf blank
        # Eight nats below the top the density is 3e-4 of the largest: tails beyond
        # would take all the colours.
        lowest = max(shown.min(), shown.max() - 8.0)
        levels = plt.MaxNLocator(nbins=9).tick_values(lowest, shown.max())
        style = {"levels": levels, "cmap": pale_oranges(), "extend": "min"}
        self.contours_ = self.ax_.contourf(*self.grid, shown, **{**style, **kwargs})
        self.figure_.colorbar(self.contours_, ax=self.ax_, label="log density (nats)")
        self.ax_.plot(
            *self.data.T,
            linestyle="none",
            marker="o",
            markersize=3,
            markeredgewidth=0,
            color=DATA_COLOR,
            alpha=max(0.2, min(0.8, 200 / max(1, len(self.data)))),
            label="data",
        )
        if self.threshold is not None and np.ptp(shown) > 0:
            self.ax_.contour(
                *self.grid,
                shown,
                levels=[self.threshold],
                colors="black",
                linestyles="--",
            )
            self.ax_.plot([], [], color="black", linestyle="--", label="threshold")
            self.ax_.legend()
        self.ax_.set(xlabel=self.names[0], ylabel=self.names[1])


def _around(column, resolution, name):
    """Space points evenly over a column's range and a tenth beyond."""
    finite = column[np.isfinite(column)]
    if len(finite) == 0:
        raise ValueError(f"{name} has no finite value to draw a grid around.")
    low, high = finite.min(), finite.max()
    margin = 0.1 * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, resolution)
