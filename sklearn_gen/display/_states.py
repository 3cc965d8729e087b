"""Series coloured by the states that a model of sequences finds."""

import numpy as np

from sklearn_gen._columns import GroupColumn, as_array, container_of
from sklearn_gen._compat import safe_indexing
from sklearn_gen.display._drawing import (
    DATA_COLOR,
    LINE_COLORS,
    import_pyplot,
    select_columns,
    unwrap,
)

_COLUMNS_SHOWN = 4
# Of series up to this length each row has a point.
_POINTS_SHOWN = 400
# Paul Tol's muted colours follow the usual ones; beyond these they come again.
_COLORS = (
    DATA_COLOR,
    *(color for color in LINE_COLORS if color != DATA_COLOR),
    *("#332288", "#117733", "#882255", "#999933", "#AA4499", "#661100", "#88CCEE"),
    *("#DDCC77", "#44AA99", "#F0E442", "#000000", "#6699CC", "#AA4466", "#4B0092"),
)


def state_color(state):
    """Colour of a state; grey where a sequence is impossible (-1)."""
    return "0.6" if state < 0 else _COLORS[state % len(_COLORS)]


def check_state_names(names, n_states):
    """Names of states, or None.

    Raises
    ------
    ValueError
        If there are fewer than states.
    """
    if names is not None and len(names) < n_states:
        raise ValueError(
            f"state_names has {len(names)} names for {n_states} states: give one for "
            "each, or None."
        )
    return names


class StatesDisplay:
    """One sequence, a panel per column, in front of the colours of its states.

    Use :meth:`from_estimator`; the constructor takes what was computed.

    Parameters
    ----------
    times : ndarray of shape (n_rows,)
        Where rows stand on the axis of time.
    values : list of ndarray of shape (n_rows,)
        Of each column drawn.
    names : list of str
        Of these columns.
    states : ndarray of shape (n_rows,)
        From 0; -1 where there is none.
    state_names : sequence of str or None, default=None
        What the legend says; None: "state 0" and so on.
    title : str or None, default=None
        Which sequence it is.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        The panels, one above the other.
    figure_ : matplotlib Figure
        The figure of `axes_`.
    lines_ : list of matplotlib Line2D
        The series.

    See Also
    --------
    TransitionDisplay : How states follow one another.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.display import StatesDisplay
    >>> from sklearn_gen.hmm import GaussianHMM
    >>> rng = np.random.default_rng(0)
    >>> X = np.repeat([0.0, 5.0, 0.0], 50)[:, None] + rng.normal(size=(150, 1))
    >>> model = GaussianHMM(n_components=2, random_state=0).fit(X)
    >>> display = StatesDisplay.from_estimator(model, X)
    >>> len(display.axes_)
    1
    """

    def __init__(self, times, values, names, states, *, state_names=None, title=None):
        self.times = times
        self.values = values
        self.names = names
        self.states = states
        n_states = int(np.max(states, initial=-1)) + 1
        self.state_names = check_state_names(state_names, n_states)
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        groups=None,
        sequence=None,
        columns=None,
        times=None,
        method="viterbi",
        state_names=None,
        ax=None,
        **kwargs,
    ):
        """Draw a sequence and the states of its rows.

        Parameters
        ----------
        estimator : estimator instance
            A fitted hidden Markov model, or a pipeline around one that has a
            `group_column`.
        X : array-like of shape (n_samples, n_features)
            Time steps.
        groups : array-like of shape (n_samples,) or None, default=None
            Id of each row's sequence; None: one sequence, or `group_column` says.
        sequence : object or None, default=None
            Id of the sequence to draw; None is the first.
        columns : sequence of str or int, or None, default=None
            Columns to draw, by name or index; None: the first four.
        times : array-like of shape (n_samples,) or None, default=None
            Numbers or dates of the rows; None: the index of a pandas DataFrame, else
            0, 1, 2, ...
        method : {'viterbi', 'smooth', 'filter'}, default='viterbi'
            As in the model's `predict`.
        state_names : sequence of str or None, default=None
            What the legend says; None: "state 0" and so on.
        ax : matplotlib Axes or None, default=None
            Its space is divided among the panels; None makes a figure.
        **kwargs : dict
            For the lines (``Axes.plot``).

        Returns
        -------
        display : StatesDisplay
            With `axes_` and `figure_`.

        Raises
        ------
        ValueError
            If there is no such sequence or column, or `times` has another length.
        """
        X = as_array(X) if container_of(X) == "numpy" else X
        column = getattr(unwrap(estimator)[-1], "group_column", None)
        place = None
        ids = groups if groups is None else np.asarray(groups)
        if groups is None and column is not None:
            place = GroupColumn.find(X, column)
            ids = place.take(X)[1]
        rows = _rows_of(ids, sequence, len(X))
        if times is None:
            times = X.index if container_of(X) == "pandas" else np.arange(len(X))
        times = np.asarray(times)
        if times.shape != (len(X),):
            raise ValueError(
                f"times must have one entry per row, shape ({len(X)},); got "
                f"{times.shape}."
            )
        part = safe_indexing(X, rows)
        # scikit-learn's pipelines hand on what predict takes beyond rows
        states = estimator.predict(part, method=method)
        values, names = _series(part, columns, place)
        title = None if ids is None else f"sequence {ids[rows[0]]}"
        display = cls(
            *(times[rows], values, names, np.asarray(states)),
            state_names=state_names,
            title=title,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, *, ax=None, **kwargs):
        """Draw what was computed.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Its space is divided among the panels; None makes a figure.
        **kwargs : dict
            For the lines (``Axes.plot``).

        Returns
        -------
        display : StatesDisplay
            This object, with `axes_` and `figure_`.
        """
        self._divide(ax)
        style = {"color": "0.15", "linewidth": 0.8, **kwargs}
        self.lines_ = []
        for panel, values, name in zip(
            self.axes_, self.values, self.names, strict=True
        ):
            self.lines_ += panel.plot(self.times, values, **style)
            self._color(panel, values)
            panel.set_ylabel(name)
        handles, labels = self.axes_[0].get_legend_handles_labels()
        self.axes_[0].legend(
            handles,
            labels,
            ncols=min(len(labels), 4),
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),  # above the panels, not over the series
            frameon=False,
            title=self.title,
            alignment="left",
        )
        self.axes_[-1].set_xlabel("time step" if self.times.dtype.kind in "iu" else "")
        return self

    def _divide(self, ax):
        plt, n = import_pyplot(), len(self.values)
        if ax is None:
            size = (9.0, 1.0 + 1.8 * n)
            self.figure_ = plt.figure(figsize=size, layout="constrained")
            spec = self.figure_.add_gridspec(1, 1)[0]
        else:
            self.figure_ = ax.figure
            ax.set_axis_off()
            spec = ax.get_subplotspec()
        panels = []
        for part in spec.subgridspec(n, 1):
            first = panels[0] if panels else None
            panels.append(self.figure_.add_subplot(part, sharex=first))
        for panel in panels[:-1]:
            panel.tick_params(axis="x", labelbottom=False)
        self.axes_ = np.array(panels, dtype=object)

    def _color(self, panel, values):
        x = np.asarray(panel.convert_xunits(self.times), dtype=np.float64)
        middle = 0.5 * (x[1:] + x[:-1])
        changes = np.flatnonzero(np.diff(self.states))
        starts = np.r_[x[0], middle[changes]]
        widths = np.diff(np.r_[starts, x[-1]])
        of_runs = self.states[np.r_[0, changes + 1]]
        for state in np.unique(self.states):
            own = of_runs == state
            share = np.mean(self.states == state)
            panel.broken_barh(
                list(zip(starts[own], widths[own], strict=True)),
                (0.0, 1.0),
                transform=panel.get_xaxis_transform(),
                color=state_color(state),
                alpha=0.3,
                linewidth=0.0,
                zorder=0,
                label=f"{self._name(state)} ({share:.0%})",
            )
            if len(x) <= _POINTS_SHOWN:
                at = self.states == state
                style = {"markersize": 3, "color": state_color(state)}
                panel.plot(self.times[at], values[at], "o", **style)
        if len(x) > 1:
            panel.set_xlim(x[0], x[-1])

    def _name(self, state):
        if state < 0:
            return "impossible"
        return f"state {state}" if self.state_names is None else self.state_names[state]


def _rows_of(ids, sequence, n_rows):
    """Indices of the rows of a sequence."""
    if ids is None:
        if sequence is not None:
            raise ValueError(
                f"sequence={sequence!r} needs ids: give groups=, or a model with a "
                "group_column."
            )
        return np.arange(n_rows)
    wanted = ids[0] if sequence is None else sequence
    rows = np.flatnonzero(ids == wanted)
    if len(rows) == 0:
        raise ValueError(
            f"sequence={sequence!r} is no id of X; the first ids are "
            f"{list(dict.fromkeys(ids.tolist()))[:5]}."
        )
    return rows


def _series(X, columns, group_column):
    """Values and names of the columns to draw; ids aren't drawn unless asked for."""
    positions, names = select_columns(X, columns)
    if columns is None:
        kept = [
            (j, name)
            for j, name in zip(positions, names, strict=True)
            if group_column is None or j != group_column.place
        ]
        positions, names = zip(*kept[:_COLUMNS_SHOWN], strict=True)
    values = [np.asarray(safe_indexing(X, j, axis=1)) for j in positions]
    return values, list(names)
