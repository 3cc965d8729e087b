"""What each hidden unit of a machine looks for."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_gen.display._drawing import (
    DATA_COLOR,
    MODEL_COLOR,
    blue_to_orange,
    import_pyplot,
    shortened,
    unwrap,
)

_UNITS_SHOWN = {"images": 64, "bars": 9}
_BARS = 8
_NAME_LENGTH = 24


class FiltersDisplay:
    """Weights of hidden units: as images, or as bars of the largest ones.

    Units come by the length of their weights, the longest first. Orange is below zero,
    blue above it; white is zero. Images have one scale for all units.

    Use :meth:`from_estimator`; the constructor takes what was computed.

    Parameters
    ----------
    weights : ndarray of shape (n_units, n_features)
        Of the units shown.
    units : ndarray of shape (n_units,)
        Their numbers.
    image_shape : tuple of two int, or None
        Rows and columns of the images; None draws bars.
    names : list of str, or None
        Of the features; None where they are pixels.

    Attributes
    ----------
    axes_ : ndarray of shape (n_rows, n_columns)
        The panels (matplotlib Axes), None where there is no unit.
    ax_ : matplotlib Axes or None
        What was passed as `ax`, the space of which the panels take.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    SamplesDisplay : Draws beside the data.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_gen.display import FiltersDisplay
    >>> from sklearn_gen.rbm import BernoulliRBM
    >>> X = load_digits().data / 16
    >>> model = BernoulliRBM(n_components=16, n_iter=1, random_state=0).fit(X)
    >>> display = FiltersDisplay.from_estimator(model, image_shape=(8, 8))
    >>> display.axes_.shape
    (4, 4)
    """

    def __init__(self, *, weights, units, image_shape, names):
        self.weights = weights
        self.units = units
        self.image_shape = image_shape
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        estimator,
        *,
        image_shape=None,
        units=None,
        feature_names=None,
        ax=None,
        **kwargs,
    ):
        """Show the weights of a fitted machine.

        Parameters
        ----------
        estimator : estimator instance
            Fitted, with `components_`, or a pipeline or search that ends in one.
        image_shape : tuple of two int, or None, default=None
            Rows and columns of the images that rows of X are. None draws bars.
        units : int, sequence of int or None, default=None
            How many units, those with the longest weights; or which. None is 64
            images, or the bars of 9.
        feature_names : sequence of str or None, default=None
            Names of the bars. None: those of the columns, if each has one weight.
        ax : matplotlib Axes or None, default=None
            Its space is divided among the panels; None makes a figure.
        **kwargs : dict
            For the images (``Axes.imshow``) or bars (``Axes.barh``).

        Returns
        -------
        display : FiltersDisplay
            With `axes_` and `figure_`.

        Raises
        ------
        TypeError
            If the estimator has no `components_`.
        ValueError
            If images have another number of pixels than there are weights, names
            another number, or a unit doesn't exist.
        """
        model = unwrap(estimator)[-1]
        check_is_fitted(model)
        if not hasattr(model, "components_"):
            raise TypeError(
                f"{type(model).__name__} has no components_, the weights of hidden "
                "units. sklearn_gen.rbm has models with them."
            )
        weights = np.asarray(model.components_)
        if image_shape is not None and np.prod(image_shape) != weights.shape[1]:
            raise ValueError(
                f"image_shape={image_shape!r} has {np.prod(image_shape)} pixels, but "
                f"each unit has {weights.shape[1]} weights. Give the shape of the "
                "images that rows of X are, or None for bars."
            )
        names = None
        if image_shape is None:
            names = _names(model, feature_names, weights.shape[1])
        kind = "bars" if image_shape is None else "images"
        units = _chosen(weights, _UNITS_SHOWN[kind] if units is None else units)
        display = cls(
            weights=weights[units], units=units, image_shape=image_shape, names=names
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, *, ax=None, **kwargs):
        """Draw what was computed.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Its space is divided among the panels; None makes a figure.
        **kwargs : dict
            For the images (``Axes.imshow``) or bars (``Axes.barh``).

        Returns
        -------
        display : FiltersDisplay
            This object, with `axes_` and `figure_`.
        """
        plt = import_pyplot()
        n_columns = int(np.ceil(np.sqrt(len(self.units))))
        n_rows = -(-len(self.units) // n_columns)
        self.ax_ = ax
        if ax is None:
            width, height = (0.9, 0.95) if self.names is None else (3.2, 1.9)
            self.figure_ = plt.figure(
                figsize=(max(width * n_columns, 2.5), max(height * n_rows, 1.5)),
                layout="constrained",
            )
            spec = self.figure_.add_gridspec(n_rows, n_columns)
        else:
            self.figure_ = ax.figure
            ax.set_axis_off()
            spec = ax.get_subplotspec().subgridspec(n_rows, n_columns)
        draw = self._draw_bars if self.image_shape is None else self._draw_image
        self.axes_ = np.full((n_rows, n_columns), None)
        for i, unit in enumerate(self.units):
            at = divmod(i, n_columns)
            panel = self.axes_[at] = self.figure_.add_subplot(spec[at])
            draw(panel, self.weights[i], kwargs)
            if self.image_shape is None:
                panel.set_title(f"unit {unit}", fontsize="small", loc="left")
        return self

    def _draw_image(self, panel, weights, kwargs):
        largest = np.quantile(np.abs(self.weights), 0.995) or 1.0
        style = {"cmap": blue_to_orange(), "vmin": -largest, "vmax": largest}
        panel.imshow(weights.reshape(self.image_shape), **{**style, **kwargs})
        panel.set_xticks([])
        panel.set_yticks([])

    def _draw_bars(self, panel, weights, kwargs):
        largest = np.argsort(-np.abs(weights), kind="stable")[:_BARS][::-1]
        values = weights[largest]
        colors = np.where(values < 0, MODEL_COLOR, DATA_COLOR)
        names = [shortened(self.names[p], _NAME_LENGTH) for p in largest]
        places = np.arange(len(largest))
        panel.barh(places, values, **{"color": colors, **kwargs})
        panel.set_yticks(places, names)
        panel.axvline(0.0, color="black", linewidth=0.8)
        panel.tick_params(labelsize="small")


def _chosen(weights, units):
    """Numbers of the units to show."""
    if np.ndim(units) == 0:
        length = np.linalg.norm(weights, axis=1)
        return np.argsort(-length, kind="stable")[:units]
    wrong = [unit for unit in units if not 0 <= unit < len(weights)]
    if wrong:
        raise ValueError(
            f"units names {wrong[0]!r}: there are {len(weights)} hidden units, from 0."
        )
    return np.asarray(units)


def _names(model, given, n_features):
    if given is not None:
        if len(given) != n_features:
            raise ValueError(
                f"feature_names has {len(given)} names for {n_features} weights of "
                "each unit: give one for each."
            )
        return [str(name) for name in given]
    columns = getattr(model, "feature_names_in_", None)
    if columns is not None and len(columns) == n_features:
        return [str(name) for name in columns]
    return [f"feature {p}" for p in range(n_features)]
