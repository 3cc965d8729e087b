"""Draws beside the data they should look like."""

import numpy as np

from sklearn_gen.base import as_generator
from sklearn_gen.compose._tables import as_floats
from sklearn_gen.display._drawing import (
    DATA_COLOR,
    MODEL_COLOR,
    import_pyplot,
    select_columns,
)

# More panels than this many columns give are too small to read.
_COLUMNS_SHOWN = 5
_ROWS_SHOWN = 1000


class SamplesDisplay:
    """Rows of the data beside rows drawn from a model, column by column and in pairs.

    Two blocks with the same axes: the data on the left, the draws on the right. Each
    has histograms on its diagonal and a scatter plot for every pair of columns below
    it. The outline of the data's histogram is repeated over that of the draws.

    Use :meth:`from_estimator`; the constructor takes what was computed.

    Parameters
    ----------
    real : ndarray of shape (n_real, n_columns)
        Rows of the data.
    drawn : ndarray of shape (n_drawn, n_columns)
        Rows of the model.
    names : list of str
        Of the columns.

    Attributes
    ----------
    axes_ : ndarray of shape (n_columns, 2 * n_columns)
        The panels (matplotlib Axes), None above the diagonals.
    ax_ : matplotlib Axes or None
        What was passed as `ax`, the space of which the panels take.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    DensityDisplay : The density itself.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.display import SamplesDisplay
    >>> from sklearn_gen.mixture import GaussianMixture
    >>> X = np.random.default_rng(0).normal(size=(300, 3))
    >>> model = GaussianMixture().fit(X)
    >>> display = SamplesDisplay.from_estimator(model, X, random_state=0)
    >>> display.axes_.shape
    (3, 6)
    """

    def __init__(self, *, real, drawn, names):
        self.real = real
        self.drawn = drawn
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        columns=None,
        n_samples=None,
        random_state=None,
        ax=None,
        **kwargs,
    ):
        """Draw rows from a fitted model and show them beside X.

        Parameters
        ----------
        estimator : estimator instance
            Fitted, with `sample`.
        X : array-like of shape (n_samples, n_features)
            Rows of the data.
        columns : sequence of str or int or None, default=None
            Columns to show, by name or position; None means the first five.
        n_samples : int or None, default=None
            Rows on each side; None means as many as X has, 1000 at most. Where X has
            more, a random choice of its rows is shown.
        random_state : None, int, RandomState or Generator, default=None
            For the draws and the choice of rows.
        ax : matplotlib Axes or None, default=None
            Its space is divided among the panels; None makes a figure.
        **kwargs : dict
            For the scatter plots (``Axes.plot``).

        Returns
        -------
        display : SamplesDisplay
            With `axes_` and `figure_`.

        Raises
        ------
        TypeError
            If the estimator can't sample.
        ValueError
            If a column doesn't exist or is given twice.
        """
        if not hasattr(estimator, "sample"):
            raise TypeError(
                f"{type(estimator).__name__} has no sample method, so there are no "
                "draws to show. sklearn_gen.all_estimators('density') lists models."
            )
        positions, names = select_columns(X, columns, at_most=_COLUMNS_SHOWN)
        real = as_floats(X)[:, positions]
        if n_samples is None:
            n_samples = min(len(real), _ROWS_SHOWN)
        rng = as_generator(random_state)
        if n_samples < len(real):
            real = real[rng.choice(len(real), n_samples, replace=False)]
        drawn = estimator.sample(n_samples, random_state=rng)
        display = cls(real=real, drawn=as_floats(drawn)[:, positions], names=names)
        return display.plot(ax=ax, **kwargs)

    def plot(self, *, ax=None, **kwargs):
        """Draw what was computed.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Its space is divided among the panels; None makes a figure.
        **kwargs : dict
            For the scatter plots (``Axes.plot``).

        Returns
        -------
        display : SamplesDisplay
            This object, with `axes_` and `figure_`.
        """
        plt = import_pyplot()
        n_columns = len(self.names)
        self.ax_ = ax
        if ax is None:
            size = max(1.7, 3.2 - 0.4 * n_columns)
            self.figure_ = plt.figure(
                figsize=(2 * size * n_columns + 1, size * n_columns + 0.6),
                layout="constrained",
            )
            spec = self.figure_.add_gridspec(1, 2)
        else:
            self.figure_ = ax.figure
            ax.set_axis_off()
            spec = ax.get_subplotspec().subgridspec(1, 2)
        self.axes_ = np.full((n_columns, 2 * n_columns), None)
        blocks = (("data", self.real, DATA_COLOR), ("draws", self.drawn, MODEL_COLOR))
        for side, (title, rows, color) in enumerate(blocks):
            grid = spec[side].subgridspec(n_columns, n_columns)
            panels = self.axes_[:, side * n_columns : (side + 1) * n_columns]
            self._plot_block(grid, panels, rows, color, kwargs)
            panels[0, 0].set_title(f"{title}, {len(rows)} rows", loc="left")
        return self

    def _plot_block(self, grid, panels, rows, color, kwargs):
        style = {
            "linestyle": "none",
            "marker": "o",
            "markersize": 2.5,
            "markeredgewidth": 0,
            "color": color,
            "alpha": max(0.25, min(0.8, 200 / max(1, len(rows)))),
        }
        n_columns = len(self.names)
        for i in range(n_columns):
            for j in range(i + 1):
                panel = panels[i, j] = self.figure_.add_subplot(grid[i, j])
                panel.set_xlim(self._limits(j))
                if i == j:
                    self._plot_histogram(panel, rows, j, color)
                else:
                    panel.plot(rows[:, j], rows[:, i], **{**style, **kwargs})
                    panel.set_ylim(self._limits(i))
                panel.locator_params(nbins=4)
                panel.tick_params(labelsize="small")
                if i == n_columns - 1:
                    panel.set_xlabel(self.names[j])
                else:
                    panel.tick_params(labelbottom=False)
                if i != j and j == 0:
                    panel.set_ylabel(self.names[i])
                elif i != j:
                    panel.tick_params(labelleft=False)

    def _plot_histogram(self, panel, rows, j, color):
        edges = np.histogram_bin_edges(_finite(self.real[:, j]), bins="auto")
        step = edges[1] - edges[0]
        low, high = self._limits(j)
        edges = edges[0] + step * np.arange(
            np.floor((low - edges[0]) / step), np.ceil((high - edges[0]) / step) + 1
        )
        panel.hist(_finite(rows[:, j]), edges, density=True, color=color, alpha=0.6)
        panel.hist(
            _finite(self.real[:, j]),
            edges,
            density=True,
            histtype="step",
            color="black",
            linewidth=0.8,
        )
        panel.set_yticks([])

    def _limits(self, j):
        both = _finite(np.concatenate([self.real[:, j], self.drawn[:, j]]))
        margin = 0.05 * np.ptp(both) or 0.5
        return both.min() - margin, both.max() + margin


def _finite(column):
    return column[np.isfinite(column)]
