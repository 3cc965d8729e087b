"""Which columns make rows improbable."""

import numpy as np

from sklearn_gen._columns import container_of
from sklearn_gen.compose._tables import as_floats
from sklearn_gen.display._drawing import (
    DATA_COLOR,
    MODEL_COLOR,
    blue_to_orange,
    import_pyplot,
    select_columns,
    shortened,
)

# More bars, columns of a heat map, or pairs of so many are too many to read.
_BARS_SHOWN, _COLUMNS_SHOWN, _PAIRED = 10, 30, 12
# Heat maps of at most so many rows and columns have their numbers written in.
_NUMBERED = 12
_ROWS_NAMED = 60
# Full colour: odds of a hundred million to one. What is beyond shows the same.
_FULL_COLOR = 20.0
# And less than this is nothing to be shown in full colour.
_LEAST_FULL_COLOR = 5.0


class ExplanationDisplay:
    """Contributions of columns to log densities: bars for a row, a map for many.

    Orange is what makes a row less probable, blue what makes it more so.

    Use :meth:`from_estimator`; the constructor takes what was computed.

    Parameters
    ----------
    contributions : ndarray of shape (n_samples, n_features) or \
            (1, n_features, n_features)
        Of columns, or of pairs of columns of one row, in nats.
    values : ndarray of shape (n_samples, n_features)
        The cells; NaN is not observed.
    names : list of str
        Of the columns.
    row_names : list of str or None, default=None
        Of the rows; None counts them.
    relative : bool, default=False
        Whether contributions are relative to those of reference rows.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of `ax_`.
    bars_ : matplotlib BarContainer
        One row only, top to bottom.
    image_ : matplotlib AxesImage
        The heat map; many rows, or pairs.

    See Also
    --------
    sklearn_gen.outlier.DensityOutlierDetector.explain : The numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.display import ExplanationDisplay
    >>> from sklearn_gen.outlier import DensityOutlierDetector
    >>> X = np.random.default_rng(0).normal(size=(300, 3))
    >>> detector = DensityOutlierDetector().fit(X)
    >>> row = [[0.0, 6.0, 0.0]]
    >>> display = ExplanationDisplay.from_estimator(detector, row, reference=X)
    >>> display.ax_.get_yticklabels()[0].get_text()
    'column 1 = 6'
    """

    def __init__(self, *, contributions, values, names, row_names=None, relative=False):
        self.contributions = contributions
        self.values = values
        self.names = names
        self.row_names = row_names
        self.relative = relative

    @classmethod
    def from_estimator(
        cls,
        detector,
        X,
        *,
        reference=None,
        pairs=False,
        max_columns=None,
        ax=None,
        **kwargs,
    ):
        """Explain rows and draw what was found.

        Parameters
        ----------
        detector : estimator instance
            Fitted, with `explain`.
        X : array-like of shape (n_samples, n_features)
            Rows to explain; bars for one, a heat map for more.
        reference : array-like of shape (n_reference, n_features) or None, default=None
            Rows whose median contributions are subtracted, normally those of the fit:
            without them columns don't compare.
        pairs : bool, default=False
            Draw a map of pairs of columns, of one row: its columns' contributions on
            the diagonal, and below it the interactions, by which a pair's contribution
            differs from the sum of its two columns'.
        max_columns : int or None, default=None
            Show as many columns, those with the lowest contributions; None is 10 bars,
            30 columns of a map, or the pairs of 12.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For the bars (``Axes.barh``) or the map (``Axes.imshow``).

        Returns
        -------
        display : ExplanationDisplay
            With `ax_` and `figure_`.

        Raises
        ------
        TypeError
            If the estimator can't explain.
        ValueError
            If `pairs` is asked of more than one row.
        """
        if not hasattr(detector, "explain"):
            raise TypeError(
                f"{type(detector).__name__} has no explain method. Wrap the density in "
                "a DensityOutlierDetector."
            )
        n_rows = np.shape(X)[0]
        if pairs and n_rows != 1:
            raise ValueError(
                f"pairs=True draws one row, got {n_rows}. Pass a slice of one, such as "
                "X[3:4], or leave pairs out."
            )
        keywords = {"pairs": True} if pairs else {}  # others' explain may not know it
        contributions = detector.explain(X, reference=reference, **keywords)
        index = X.index if container_of(X) == "pandas" else None
        display = cls(
            contributions=np.asarray(contributions),
            values=as_floats(X),
            names=select_columns(X, None)[1],
            row_names=None if index is None else [str(label) for label in index],
            relative=reference is not None,
        )
        return display.plot(max_columns=max_columns, ax=ax, **kwargs)

    def plot(self, *, max_columns=None, ax=None, **kwargs):
        """Draw what was computed.

        Parameters
        ----------
        max_columns : int or None, default=None
            As in `from_estimator`.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For the bars (``Axes.barh``) or the map (``Axes.imshow``).

        Returns
        -------
        display : ExplanationDisplay
            This object, with `ax_` and `figure_`.

        Raises
        ------
        ValueError
            If `max_columns` is below 1.
        """
        if max_columns is not None and max_columns < 1:
            raise ValueError(
                f"max_columns must be None or at least 1, got {max_columns!r}."
            )
        if self.contributions.ndim == 3:
            self._plot_pairs(max_columns or _PAIRED, ax, kwargs)
        elif len(self.contributions) == 1:
            self._plot_bars(max_columns or _BARS_SHOWN, ax, kwargs)
        else:
            self._plot_map(max_columns or _COLUMNS_SHOWN, ax, kwargs)
        return self

    def _new_axes(self, ax, width, height):
        plt = import_pyplot()
        if ax is None:
            ax = plt.subplots(figsize=(width, height), layout="constrained")[1]
        self.ax_, self.figure_ = ax, ax.figure

    def _plot_bars(self, n_shown, ax, kwargs):
        contributions = self.contributions[0]
        order = np.argsort(contributions, kind="stable")
        shown, others = order[:n_shown], order[n_shown:]
        lengths = contributions[shown].tolist()
        labels = [self._cell_label(j) for j in shown]
        if len(others):
            lengths.append(contributions[others].sum())
            plural = "s" if len(others) > 1 else ""
            labels.append(f"{len(others)} other column{plural}, sum")
        self._new_axes(ax, 7.0, 1.2 + 0.34 * len(lengths))
        heights = np.arange(len(lengths))
        finite = np.array(lengths)[np.isfinite(lengths)]
        longest = 1.1 * np.abs(finite).max(initial=1.0)
        drawn = np.clip(lengths, -longest, longest)  # -inf gets a bar too
        colors = [MODEL_COLOR if length < 0 else DATA_COLOR for length in lengths]
        if len(others):
            colors[-1] = "0.6"
        self.bars_ = self.ax_.barh(heights, drawn, **{"color": colors, **kwargs})
        self.ax_.bar_label(
            self.bars_, [f"{x:+.1f}" for x in lengths], padding=3, fontsize="small"
        )
        self.ax_.axvline(0.0, color="black", linewidth=0.8)
        self.ax_.set_yticks(heights, labels)
        self.ax_.invert_yaxis()
        # room for the numbers
        low, high = min(drawn.min(), 0.0), max(drawn.max(), 0.0)
        room = 0.2 * (high - low)
        self.ax_.set_xlim(low - room * (low < 0), high + room * (high > 0))
        self.ax_.set_xlabel("contribution (nats)")
        self.ax_.set_title(self._title(self._row()))

    def _cell_label(self, j):
        value = self.values[0, j]
        name = shortened(self.names[j], 28)
        return f"{name}: not observed" if np.isnan(value) else f"{name} = {value:.4g}"

    def _row(self):
        return f"row {self.row_names[0]}" if self.row_names else ""

    def _title(self, *parts):
        reference = "relative to the reference" if self.relative else ""
        return ", ".join(part for part in (*parts, reference) if part)

    def _plot_map(self, n_shown, ax, kwargs):
        # columns in their order, those left out being the least to blame
        lowest = np.argsort(self.contributions.min(axis=0), kind="stable")
        shown = np.sort(lowest[:n_shown])
        n_rows = len(self.contributions)
        height = 2.2 + n_rows * (0.3 if n_rows <= _NUMBERED else 0.16)
        self._new_axes(ax, max(5.0, 3.0 + 0.42 * len(shown)), min(height, 14.0))
        values = self.contributions[:, shown].copy()
        missing = np.isnan(self.values[:, shown])
        self._draw_image(values, missing, [self.names[j] for j in shown], kwargs)
        ticks = np.arange(0, n_rows, -(-n_rows // _ROWS_NAMED))
        names = self.row_names or [str(i) for i in range(n_rows)]
        self.ax_.set_yticks(ticks, [shortened(names[i], 24) for i in ticks])
        self.ax_.tick_params(axis="y", labelsize="small")
        self.ax_.set_ylabel("row")
        self.ax_.set_title(self._title("contributions") + self._notes(shown, missing))

    def _plot_pairs(self, n_shown, ax, kwargs):
        contributions = self.contributions[0]
        single = np.diagonal(contributions)
        with np.errstate(invalid="ignore"):
            values = contributions - single[:, None] - single
        np.fill_diagonal(values, single)
        values = np.where(np.isnan(values), 0.0, values)  # -inf less -inf
        lowest = np.argsort(values.min(axis=0), kind="stable")
        shown = np.sort(lowest[:n_shown])
        values = values[np.ix_(shown, shown)]
        side = 2.6 + 0.45 * len(shown)
        self._new_axes(ax, max(6.5, side + 1.5), side)
        absent = np.isnan(self.values[0, shown])
        missing = absent[:, None] | absent
        names = [self.names[j] for j in shown]
        above = np.triu(np.ones_like(missing), 1)
        self._draw_image(values, missing, names, kwargs, hidden=above)
        self.ax_.set_yticks(range(len(shown)), [self._cell_label(j) for j in shown])
        title = f"{self._title(self._row())}\ndiagonal: columns; below: interactions"
        self.ax_.set_title((title + self._notes(shown, absent)).lstrip())

    def _notes(self, shown, missing):
        """Say below a title what isn't shown."""
        notes = []
        if len(shown) < len(self.names):
            rest = len(self.names) - len(shown)
            notes.append(f"{rest} less to blame not shown")
        if missing.any():
            notes.append("grey: not observed")
        return "\n" + "; ".join(notes) if notes else ""

    def _draw_image(self, values, missing, names, kwargs, hidden=None):
        """Draw a map; missing cells are grey, hidden ones (of a triangle) white."""
        finite = values[np.isfinite(values) & ~missing]
        largest = np.abs(finite).max(initial=_LEAST_FULL_COLOR)
        limit = min(largest, _FULL_COLOR)
        style = {"cmap": blue_to_orange(), "vmin": -limit, "vmax": limit}
        style = {"aspect": "auto", "interpolation": "nearest", **style, **kwargs}
        drawn = np.ma.masked_array(np.clip(values, -1e30, 1e30), mask=missing)
        self.ax_.set_facecolor("0.82")
        self.image_ = self.ax_.imshow(drawn, **style)
        if hidden is not None:
            self.ax_.imshow(
                np.ma.masked_array(np.ones(hidden.shape), mask=~hidden),
                cmap="gray",
                vmin=0,
                vmax=1,
                aspect=style["aspect"],
                interpolation="nearest",
            )
        vmin, vmax = self.image_.get_clim()
        low, high = (values[~missing] < vmin).any(), (values[~missing] > vmax).any()
        extend = {(1, 0): "min", (0, 1): "max", (1, 1): "both"}.get((low, high))
        self.figure_.colorbar(
            self.image_, ax=self.ax_, extend=extend or "neither", label="nats"
        )
        self.ax_.set_xticks(
            range(len(names)),
            [shortened(name, 24) for name in names],
            rotation=45,
            ha="right",
            rotation_mode="anchor",
        )
        if max(values.shape) <= _NUMBERED:
            self._write_numbers(values, missing if hidden is None else missing | hidden)

    def _write_numbers(self, values, left_out):
        dark = 0.8 * self.image_.norm.vmax
        for i, j in np.argwhere(~left_out):
            self.ax_.text(
                j,
                i,
                f"{values[i, j].round(1) + 0.0:.1f}",  # not -0.0
                ha="center",
                va="center",
                fontsize="small",
                color="white" if abs(values[i, j]) > dark else "black",
            )
