"""Who is in the segments that a model finds."""

import numpy as np

from sklearn_gen.display._drawing import (
    DATA_COLOR,
    LINE_COLORS,
    blue_to_orange,
    import_pyplot,
    select_columns,
    shortened,
)
from sklearn_gen.display._profiles import points_of, profile_column, read_table

# More segments or columns than these are too many to read.
_SEGMENTS_SHOWN, _COLUMNS_SHOWN = 10, 20
_POINTS_SHOWN = 5000
# Full colour: this many standard deviations, and what is beyond shows the same.
_FULL_COLOR = 2.0
# Colours come again with another marker.
_COLORS = (DATA_COLOR, *(color for color in LINE_COLORS if color != DATA_COLOR))
_MARKERS = "o^sD"


class ClustersDisplay:
    """Segments of a table: their sizes, and what sets their columns apart.

    Bars are sizes, by the segment each row most probably belongs to. Below them is one
    line per column. Of numbers and dates it holds averages, coloured by their
    distance from that of all rows in standard deviations (blue above, orange below);
    of categories the level whose share exceeds that in all rows most, coloured by
    Cohen's h, a difference of proportions on the same scale.

    Use :meth:`from_estimator`; the constructor takes what was computed.

    Parameters
    ----------
    labels : list of str
        Names of the segments.
    sizes : ndarray of shape (n_segments,)
        Their numbers of rows.
    names : list of str
        Of the columns.
    differences : ndarray of shape (n_columns, n_segments)
        Of each segment from all rows; NaN where nothing was observed.
    texts : list of list of str
        For each column what is typical of all rows, then of each segment.
    points : ndarray of shape (n_points, 2) or None, default=None
        Rows to scatter.
    segment : ndarray of shape (n_points,) or None, default=None
        The segment of each point, by position in `labels`.
    point_names : tuple of str or None, default=None
        Of the points' two coordinates.
    certainty : float or None, default=None
        Mean probability of the segments that rows were given.

    Attributes
    ----------
    ax_ : matplotlib Axes or None
        What was passed as `ax`, the space of which the panels take.
    axes_ : ndarray of shape (2,) or (3,)
        The panels: sizes, columns and the scatter plot, if there is one.
    figure_ : matplotlib Figure
        The figure.
    bars_ : matplotlib BarContainer
        The sizes.
    image_ : matplotlib AxesImage
        The differences, all rows first.

    See Also
    --------
    DensityDisplay : The density itself.

    References
    ----------
    Cohen (1988), "Statistical power analysis for the behavioral sciences", 2nd ed.,
    chapter 6, doi:10.4324/9780203771587.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.display import ClustersDisplay
    >>> from sklearn_gen.mixture import GaussianMixture
    >>> rng = np.random.default_rng(0)
    >>> X = np.vstack([rng.normal(0, 1, (200, 2)), rng.normal(7, 1, (100, 2))])
    >>> model = GaussianMixture(2, random_state=0).fit(X)
    >>> display = ClustersDisplay.from_estimator(model, X)
    >>> [int(bar.get_height()) for bar in display.bars_]
    [200, 100]
    """

    def __init__(
        self,
        *,
        labels,
        sizes,
        names,
        differences,
        texts,
        points=None,
        segment=None,
        point_names=None,
        certainty=None,
    ):
        self.labels = labels
        self.sizes = sizes
        self.names = names
        self.differences = differences
        self.texts = texts
        self.points = points
        self.segment = segment
        self.point_names = point_names
        self.certainty = certainty

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        columns=None,
        average="mean",
        scatter=None,
        max_segments=None,
        max_columns=None,
        ax=None,
        **kwargs,
    ):
        """Find the segment of each row and draw what sets the segments apart.

        Parameters
        ----------
        estimator : estimator instance
            Fitted, with `predict`: a mixture, a pipeline that ends in one, or a
            clusterer.
        X : array-like of shape (n_samples, n_features)
            Rows, with all columns that the estimator knows; missing cells are left out.
        columns : sequence of str or int or None, default=None
            Columns to show, by name or position; None means all but identifiers.
        average : {'mean', 'median'}, default='mean'
            Of numbers and dates. Distances of medians are in half the range of the
            middle 68 %, which heavy tails leave alone.
        scatter : None, 'pca' or two of str or int, default=None
            Scatter rows too: along the first two principal axes of the numeric columns,
            standardised, or along two columns.
        max_segments : int or None, default=None
            Show as many, the largest; None is 10.
        max_columns : int or None, default=None
            Show as many, those that differ most; None is 20.
        ax : matplotlib Axes or None, default=None
            Its space is divided among the panels; None makes a figure.
        **kwargs : dict
            For the map (``Axes.imshow``).

        Returns
        -------
        display : ClustersDisplay
            With `axes_` and `figure_`.

        Raises
        ------
        TypeError
            If the estimator can't predict.
        ValueError
            If a column doesn't exist, or `average` or `scatter` is none of the above.
        """
        if not hasattr(estimator, "predict"):
            raise TypeError(
                f"{type(estimator).__name__} has no predict method, so there are no "
                "segments to show. Use a mixture, such as TableMixture."
            )
        if average not in ("mean", "median"):
            raise ValueError(f"average must be 'mean' or 'median', got {average!r}.")
        labels, segment, sizes = np.unique(
            estimator.predict(X), return_inverse=True, return_counts=True
        )
        order = np.argsort(-sizes, kind="stable")
        segment = np.argsort(order)[segment]
        cells = read_table(X).columns
        schema = getattr(estimator, "schema_", None)
        kinds = getattr(schema, "kinds", ("",) * len(cells))
        positions, names = select_columns(X, columns)
        if columns is None:
            positions = [j for j in positions if kinds[j] != "identifier"]
            names = [names[j] for j in positions]
        profiles = [
            profile_column(
                cells[j],
                segment,
                len(labels),
                average=average,
                has_levels=kinds[j] == "categorical",
            )
            for j in positions
        ]
        certainty = None
        if hasattr(estimator, "predict_proba"):
            certainty = float(np.max(estimator.predict_proba(X), axis=1).mean())
        points, point_names = points_of(X, cells, kinds, scatter)
        display = cls(
            labels=[str(label) for label in labels[order]],
            sizes=sizes[order],
            names=names,
            differences=np.array([profile.differences for profile in profiles]),
            texts=[profile.texts for profile in profiles],
            points=points,
            segment=None if points is None else segment,
            point_names=point_names,
            certainty=certainty,
        )
        return display.plot(
            max_segments=max_segments, max_columns=max_columns, ax=ax, **kwargs
        )

    def plot(self, *, max_segments=None, max_columns=None, ax=None, **kwargs):
        """Draw what was computed.

        Parameters
        ----------
        max_segments : int or None, default=None
            As in `from_estimator`.
        max_columns : int or None, default=None
            As in `from_estimator`.
        ax : matplotlib Axes or None, default=None
            Its space is divided among the panels; None makes a figure.
        **kwargs : dict
            For the map (``Axes.imshow``).

        Returns
        -------
        display : ClustersDisplay
            This object, with `axes_` and `figure_`.

        Raises
        ------
        ValueError
            If `max_segments` or `max_columns` is below 1.
        """
        for name, most in (
            ("max_segments", max_segments),
            ("max_columns", max_columns),
        ):
            if most is not None and most < 1:
                raise ValueError(f"{name} must be None or at least 1, got {most!r}.")
        n_segments = min(len(self.labels), max_segments or _SEGMENTS_SHOWN)
        differences = self.differences[:, :n_segments]
        farthest = np.nan_to_num(np.abs(differences)).max(axis=1)
        # columns in their order, those left out being the least different
        most = max_columns or _COLUMNS_SHOWN
        shown = np.sort(np.argsort(-farthest, kind="stable")[:most])
        self._divide(n_segments, len(shown), ax)
        self._plot_sizes(self.axes_[0], n_segments)
        self._plot_columns(self.axes_[1], n_segments, shown, kwargs)
        if self.points is not None:
            self._plot_points(self.axes_[2], n_segments)
        return self

    def _divide(self, n_segments, n_columns, ax):
        plt = import_pyplot()
        has_points = self.points is not None
        width, height = 3.2 + 1.15 * n_segments, 2.4 + 0.34 * n_columns
        self.ax_ = ax
        if ax is None:
            size = (width + 5.0 * has_points, max(height, 4.4 * has_points))
            self.figure_ = plt.figure(figsize=size, layout="constrained")
            spec = self.figure_.add_gridspec(1, 1)[0]
        else:
            self.figure_ = ax.figure
            ax.set_axis_off()
            spec = ax.get_subplotspec()
        if has_points:
            left, right = spec.subgridspec(1, 2, width_ratios=[width, 4.5])
        else:
            left = spec
        heights = [1.2, max(1.0, 0.34 * n_columns)]
        above, below = left.subgridspec(2, 1, height_ratios=heights)
        columns = self.figure_.add_subplot(below)
        sizes = self.figure_.add_subplot(above, sharex=columns)
        panels = [sizes, columns]
        if has_points:
            panels.append(self.figure_.add_subplot(right))
        self.axes_ = np.array(panels, dtype=object)

    def _plot_sizes(self, ax, n_segments):
        sizes = self.sizes[:n_segments]
        places = np.arange(1, n_segments + 1)  # 0 is all rows, with its own scale
        colors = [_COLORS[k % len(_COLORS)] for k in range(n_segments)]
        self.bars_ = ax.bar(places, sizes, width=0.7, color=colors)
        shares = sizes / self.sizes.sum()
        numbers = [
            f"{n:,} ({share:.0%})" for n, share in zip(sizes, shares, strict=True)
        ]
        ax.bar_label(self.bars_, numbers, padding=2, fontsize="small")
        ax.margins(y=0.25)
        ax.set_yticks([])
        ax.tick_params(axis="x", bottom=False, labelbottom=False)
        for side in ("top", "left", "right"):
            ax.spines[side].set_visible(False)
        title = f"{len(self.labels)} segments of {self.sizes.sum():,} rows"
        if self.certainty is not None:
            title += f", mean probability {self.certainty:.2f}"
        hidden = len(self.labels) - n_segments
        ax.set_title(title + (f"\n{hidden} smaller not shown" if hidden else ""))

    def _plot_columns(self, ax, n_segments, shown, kwargs):
        values = np.zeros((len(shown), 1 + n_segments))
        values[:, 1:] = self.differences[shown, :n_segments]
        missing = np.isnan(values)
        limit = _FULL_COLOR
        style = {"cmap": blue_to_orange(), "vmin": -limit, "vmax": limit}
        style = {"aspect": "auto", "interpolation": "nearest", **style, **kwargs}
        ax.set_facecolor("0.82")
        self.image_ = ax.imshow(np.ma.masked_array(values, mask=missing), **style)
        vmin, vmax = self.image_.get_clim()
        for i, j in np.argwhere(~missing):
            depth = max(values[i, j] / vmax, values[i, j] / vmin)
            ax.text(
                j,
                i,
                self.texts[shown[i]][j],
                ha="center",
                va="center",
                fontsize="small",
                color="white" if depth > 0.8 else "black",
            )
        ax.axvline(0.5, color="black", linewidth=0.8)
        ax.set_xticks(
            range(1 + n_segments),
            ["all rows", *(shortened(x, 14) for x in self.labels[:n_segments])],
        )
        ax.set_yticks(range(len(shown)), [shortened(self.names[j], 28) for j in shown])
        ax.tick_params(length=0)
        hidden = len(self.names) - len(shown)
        note = f"; {hidden} columns that differ less not shown" if hidden else ""
        ax.set_xlabel("segment" + note)
        low, high = np.nanmin(values) < vmin, np.nanmax(values) > vmax
        extend = {(1, 0): "min", (0, 1): "max", (1, 1): "both"}.get((low, high))
        self.figure_.colorbar(
            self.image_,
            ax=list(self.axes_[:2]),
            extend=extend or "neither",
            label="difference from all rows\n(standard deviations)",
        )

    def _plot_points(self, ax, n_segments):
        # some of many rows, at even steps: the same at every call
        step = -(-len(self.points) // _POINTS_SHOWN)
        points, segment = self.points[::step], self.segment[::step]
        for k in range(len(self.labels)):
            own = points[segment == k]
            ax.plot(
                own[:, 0],
                own[:, 1],
                _MARKERS[k // len(_COLORS) % len(_MARKERS)],
                color=_COLORS[k % len(_COLORS)] if k < n_segments else "0.7",
                markersize=3,
                markeredgewidth=0,
                alpha=0.7,
                zorder=1 if k < n_segments else 0.5,
                label=self.labels[k] if k < n_segments else None,
            )
        ax.set(xlabel=self.point_names[0], ylabel=self.point_names[1])
        ax.legend(
            title="segment",
            fontsize="small",
            markerscale=2,
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),  # beside the points, not over them
        )
