"""How hidden states follow one another."""

import numpy as np

from sklearn_gen.display._drawing import axes_or_new, import_pyplot, unwrap
from sklearn_gen.display._states import check_state_names, state_color

# Up to so many states numbers fit into the cells of a matrix.
_NUMBERS_SHOWN = 16
_NODE_SIZE, _WIDEST = 0.27, 5.0


class TransitionDisplay:
    """Transition probabilities of a hidden Markov model, as a matrix or a graph.

    Use :meth:`from_estimator`; the constructor takes what was read.

    Parameters
    ----------
    transmat : ndarray of shape (n_components, n_components)
        Probability of the state in each column after that in each row.
    startprob : ndarray of shape (n_components,)
        Probabilities of the first state.
    state_names : sequence of str or None, default=None
        None: "state 0" and so on.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of `ax_`.
    image_ : matplotlib AxesImage
        The matrix.
    arrows_ : dict of (int, int) to matplotlib FancyArrowPatch
        Arrows of the graph, by the states from and to.

    See Also
    --------
    StatesDisplay : A series coloured by its states.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.display import TransitionDisplay
    >>> from sklearn_gen.hmm import GaussianHMM
    >>> rng = np.random.default_rng(0)
    >>> X = np.repeat([0.0, 5.0, 0.0], 50)[:, None] + rng.normal(size=(150, 1))
    >>> model = GaussianHMM(n_components=2, random_state=0).fit(X)
    >>> display = TransitionDisplay.from_estimator(model)
    >>> display.ax_.get_ylabel()
    'from'
    """

    def __init__(self, transmat, startprob, *, state_names=None):
        self.transmat = transmat
        self.startprob = startprob
        self.state_names = check_state_names(state_names, len(transmat))

    @classmethod
    def from_estimator(
        cls,
        estimator,
        *,
        kind="matrix",
        state_names=None,
        min_share=0.05,
        ax=None,
        **kwargs,
    ):
        """Draw the transitions of a fitted model.

        Parameters
        ----------
        estimator : estimator instance
            A fitted hidden Markov model, or a pipeline or search around one.
        kind : {'matrix', 'graph'}, default='matrix'
            A coloured table, or circles and arrows, which suit up to about eight
            states.
        state_names : sequence of str or None, default=None
            None: "state 0" and so on.
        min_share : float, default=0.05
            Of the graph: steps that are a smaller share of those leaving a state have
            no arrow.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For the matrix (``Axes.imshow``) or the arrows (``FancyArrowPatch``).

        Returns
        -------
        display : TransitionDisplay
            With `ax_` and `figure_`.

        Raises
        ------
        TypeError
            If there are no transitions: not fitted, or no such model.
        ValueError
            If `kind` is another.
        """
        model = unwrap(estimator)[-1]
        if not hasattr(model, "transmat_"):
            raise TypeError(
                f"{type(model).__name__} has no transmat_, the probabilities of "
                "transitions: it isn't fitted yet, or is no hidden Markov model."
            )
        display = cls(model.transmat_, model.startprob_, state_names=state_names)
        return display.plot(kind=kind, min_share=min_share, ax=ax, **kwargs)

    def plot(self, *, kind="matrix", min_share=0.05, ax=None, **kwargs):
        """Draw what was read.

        Parameters
        ----------
        kind : {'matrix', 'graph'}, default='matrix'
            As in `from_estimator`.
        min_share : float, default=0.05
            As in `from_estimator`.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For the matrix (``Axes.imshow``) or the arrows (``FancyArrowPatch``).

        Returns
        -------
        display : TransitionDisplay
            This object, with `ax_` and `figure_`.

        Raises
        ------
        ValueError
            If `kind` is another.
        """
        if kind not in ("matrix", "graph"):
            raise ValueError(f"kind must be 'matrix' or 'graph', got {kind!r}.")
        self.ax_ = axes_or_new(ax)
        self.figure_ = self.ax_.figure
        if kind == "matrix":
            self._plot_matrix(kwargs)
        else:
            self._plot_graph(min_share, kwargs)
        return self

    def _names(self):
        if self.state_names is not None:
            return [str(name) for name in self.state_names]
        return [f"state {k}" for k in range(len(self.transmat))]

    def _plot_matrix(self, kwargs):
        style = {"cmap": "Blues", "vmin": 0.0, "vmax": 1.0, **kwargs}
        self.image_ = self.ax_.imshow(self.transmat, **style)
        K, names = len(self.transmat), self._names()
        if K <= _NUMBERS_SHOWN:
            for (i, j), p in np.ndenumerate(self.transmat):
                if p > 0.0:
                    self.ax_.text(
                        *(j, i, _short(p)),
                        ha="center",
                        va="center",
                        fontsize="small",
                        color="white" if p > 0.6 else "black",
                    )
        turned = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
        self.ax_.set_xticks(range(K), names, **turned)
        self.ax_.set_yticks(range(K), names)
        self.ax_.set(xlabel="to", ylabel="from")
        self.figure_.colorbar(self.image_, ax=self.ax_, label="probability")

    def _plot_graph(self, min_share, kwargs):
        import_pyplot()
        from matplotlib.patches import Circle, FancyArrowPatch

        K, names = len(self.transmat), self._names()
        angle = np.pi / 2 - 2 * np.pi * np.arange(K) / K
        places = np.stack([np.cos(angle), np.sin(angle)], axis=1) * (K > 1)
        size = _NODE_SIZE if K < 9 else _NODE_SIZE * 8 / K
        self.arrows_ = {}
        for (i, j), p in np.ndenumerate(self.transmat):
            share = p / max(1.0 - self.transmat[i, i], np.finfo(float).tiny)
            if i == j or p == 0.0 or share < min_share:
                continue
            # to the left of the way, so that there and back don't cover each other
            step = places[j] - places[i]
            step /= np.linalg.norm(step)
            side = np.array([-step[1], step[0]])
            ends = [places[i] + size * step, places[j] - size * step]
            style = {
                "arrowstyle": "-|>",
                "mutation_scale": 12,
                "connectionstyle": "arc3,rad=-0.18",
                "linewidth": 0.6 + (_WIDEST - 0.6) * share,
                "color": state_color(i),
                "alpha": 0.8,
            }
            arrow = FancyArrowPatch(*ends, **{**style, **kwargs})
            self.arrows_[i, j] = self.ax_.add_patch(arrow)
            # near its start, where fewer arrows cross
            length = np.linalg.norm(ends[1] - ends[0])
            at = 0.65 * ends[0] + 0.35 * ends[1] + 0.08 * length * side
            self.ax_.text(
                *(*at, _short(p)),
                ha="center",
                va="center",
                fontsize="small",
                bbox={
                    "boxstyle": "round,pad=0.1",
                    "facecolor": "white",
                    "linewidth": 0,
                },
            )
        for k in range(K):
            node = Circle(places[k], size, color=state_color(k), alpha=0.35, zorder=2)
            self.ax_.add_patch(node)
            lines = [names[k], f"stays {_short(self.transmat[k, k])}"]
            if self.startprob[k] >= min_share:
                lines.append(f"starts {_short(self.startprob[k])}")
            self.ax_.text(
                *places[k],
                "\n".join(lines),
                ha="center",
                va="center",
                fontsize="small",
                zorder=3,
            )
        self.ax_.set(xlim=(-1.4, 1.4), ylim=(-1.4, 1.4), aspect="equal")
        self.ax_.set_axis_off()


def _short(p):
    """A probability in two digits, or more where it is near one."""
    if p > 0.995 and p < 1.0:
        return f"{np.floor(1000 * p) / 1000:.3f}"
    if p >= 0.005:
        return f"{p:.2f}"
    if p < 1e-6:
        return "0"
    return f"{p:.3f}" if p >= 0.0005 else f"{p:.0e}"
