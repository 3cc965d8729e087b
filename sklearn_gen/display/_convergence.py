"""The history of a fit."""

import numpy as np

from sklearn_gen.display._drawing import LINE_COLORS, axes_or_new, import_pyplot, unwrap


class ConvergenceDisplay:
    """Mean log-likelihood of the training rows at each iteration of a fit.

    Use :meth:`from_estimator`; the constructor takes what was recorded.

    Parameters
    ----------
    lower_bounds : array-like of shape (n_iterations,)
        Mean log-likelihood, nats per row.
    converged : bool or None, default=None
        Whether the fit says it converged; None where it doesn't say.
    transformed : bool, default=False
        Whether the likelihood is that of rows transformed by a pipeline, without the
        Jacobian.
    name : str or None, default=None
        Label of the curve.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of `ax_`.
    line_ : matplotlib Line2D
        The curve.

    See Also
    --------
    DensityDisplay : The fitted density.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.display import ConvergenceDisplay
    >>> from sklearn_gen.mixture import GaussianMixture
    >>> X = np.random.default_rng(0).normal(size=(300, 2))
    >>> model = GaussianMixture(2, tol=1e-2, random_state=0).fit(X)
    >>> display = ConvergenceDisplay.from_estimator(model)
    >>> display.ax_.get_ylabel()
    'mean log-likelihood (nats per row)'
    """

    def __init__(self, lower_bounds, *, converged=None, transformed=False, name=None):
        self.lower_bounds = lower_bounds
        self.converged = converged
        self.transformed = transformed
        self.name = name

    @classmethod
    def from_estimator(cls, estimator, *, name=None, ax=None, **kwargs):
        """Draw the history of a fitted model.

        Parameters
        ----------
        estimator : estimator instance
            Fitted, with `lower_bounds_`; or a pipeline, detector or search around one.
        name : str or None, default=None
            Label of the curve; None names the model's class.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For the curve (``Axes.plot``).

        Returns
        -------
        display : ConvergenceDisplay
            With `ax_` and `figure_`.

        Raises
        ------
        TypeError
            If there is no `lower_bounds_`: not fitted, or not by iterations.
        """
        model = unwrap(estimator)[-1]
        if not hasattr(model, "lower_bounds_"):
            raise TypeError(
                f"{type(model).__name__} has no lower_bounds_, the history of its fit: "
                "it isn't fitted yet, or isn't fitted by iterations."
            )
        display = cls(
            np.asarray(model.lower_bounds_, dtype=np.float64),
            converged=getattr(model, "converged_", None),
            transformed=any(hasattr(layer, "steps") for layer in unwrap(estimator)),
            name=type(model).__name__ if name is None else name,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, *, ax=None, **kwargs):
        """Draw what was recorded.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For the curve (``Axes.plot``).

        Returns
        -------
        display : ConvergenceDisplay
            This object, with `ax_` and `figure_`.
        """
        plt = import_pyplot()
        self.ax_ = axes_or_new(ax)
        self.figure_ = self.ax_.figure
        outcome = {None: "", True: ", converged", False: ", not converged"}
        style = {
            "color": LINE_COLORS[len(self.ax_.lines) % len(LINE_COLORS)],
            "marker": "o",
            "markersize": 3.5,
            "label": f"{self.name or 'fit'}{outcome[self.converged]}",
        }
        iterations = np.arange(1, len(self.lower_bounds) + 1)
        (self.line_,) = self.ax_.plot(
            iterations, self.lower_bounds, **{**style, **kwargs}
        )
        of = " of transformed rows" if self.transformed else ""
        self.ax_.set(
            xlabel="EM iteration", ylabel=f"mean log-likelihood{of} (nats per row)"
        )
        self.ax_.xaxis.set_major_locator(plt.MaxNLocator(integer=True))
        self.ax_.legend()
        return self
