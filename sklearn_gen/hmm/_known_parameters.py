"""Parameters that are given: models of them, and attributes that were set by hand."""

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from sklearn_gen._em import Run
from sklearn_gen.hmm._recursions import Chain
from sklearn_gen.hmm._series import series_of
from sklearn_gen.hmm._transitions import allowed_steps, given_probabilities


class KnownParameters:
    """Models are made of parameters by a class method, not by setting attributes.

    Attributes show what was learned. Their arrays can't be written to, and what was put
    in their place is an error as soon as the model is used: it would change nothing.
    """

    def _known(self, params):
        """Be fitted, without data: with parameters that are given."""
        self._ids = None
        self._starts_at, self._allowed = allowed_steps(self.topology, self.n_components)
        self._keep(Run(params, converged=True))

    def _show(self, X):
        """Learn what columns are, as if X had been fitted to."""
        rows, _ = self._check_training_rows(X, None)
        self._describe(rows, series_of(None, len(rows)))

    def _keep(self, result):
        super()._keep(result)
        for name, value in self._public(result.params).items():
            setattr(self, name, _read_only(value))

    def _public(self, params):
        found = self._fitted_attributes(params).items()
        return {name: value for name, value in found if not name.startswith("_")}

    def _check_training_rows(self, X, sample_weight, reset=True):
        if hasattr(self, "converged_") and (self.warm_start or not reset):
            self._check_in_force()  # what the fit goes on from
        return super()._check_training_rows(X, sample_weight, reset)

    def _check_in_force(self):
        """Raise where the model isn't fitted, or shows other parameters than its own.

        Raises
        ------
        NotFittedError
            If there was no fit.
        ValueError
            If an attribute was set after it.
        """
        check_is_fitted(self)
        kind = type(self)
        advice = (
            f"Make a model of given parameters by {kind.__name__}.from_parameters(...)"
            if hasattr(kind, "from_parameters")
            else f"A {kind.__name__} learns them from rows: fit it"
        )
        if "_params" not in vars(self):
            names = [name for name in vars(self) if name.endswith("_")]
            raise NotFittedError(
                f"{', '.join(names)} was set, but there was no fit. {advice}; setting "
                "attributes makes none."
            )
        for name, value in self._public(self._fitted_params()).items():
            if not _same(vars(self).get(name), value):
                raise ValueError(
                    f"{name} was set after fit, to what the model doesn't score or "
                    f"draw by. {advice}; setting attributes doesn't change one."
                )

    def _fitted_params(self):
        return self._params

    def _check_goes_on(self, n_features):
        if len(self.startprob_) != self.n_components:
            raise ValueError(
                f"Can't go on from the last fit: it has {len(self.startprob_)} states, "
                f"n_components={self.n_components}. Set it back, or fit a clone."
            )


def _read_only(value):
    """What can't be written to, of the same numbers: kernels take the array itself."""
    if isinstance(value, list):
        return [_read_only(part) for part in value]
    if isinstance(value, np.ndarray):
        value = value.view()
        value.flags.writeable = False
    return value


def _same(shown, learned):
    if shown is learned:
        return True
    if isinstance(learned, list):
        return (
            isinstance(shown, list | tuple)
            and len(shown) == len(learned)
            and all(_same(*pair) for pair in zip(shown, learned, strict=True))
        )
    if isinstance(learned, np.ndarray):
        return np.array_equal(shown, learned) or (
            np.asarray(shown).dtype.kind == "f"
            and np.array_equal(shown, learned, equal_nan=True)
        )
    return bool(shown == learned)


def given_chain(startprob, transmat, n_components):
    """Check the chain of a model whose parameters are given.

    Raises
    ------
    ValueError
        If a shape is another, or probabilities don't sum to 1.
    """
    K, every = n_components, np.ones((n_components, n_components), dtype=bool)
    return Chain(
        given_probabilities(startprob, (K,), every[0], "startprob"),
        given_probabilities(transmat, (K, K), every, "transmat"),
    )


def given_table(values, name, n_components=None):
    """Check probabilities of levels, given for each state.

    Raises
    ------
    ValueError
        If they aren't a table of states and levels, or rows don't sum to 1.
    """
    values = np.array(values, dtype=np.float64)
    rows = "n_components" if n_components is None else n_components
    if (
        values.ndim != 2
        or 0 in values.shape
        or rows not in (len(values), "n_components")
    ):
        raise ValueError(
            f"{name} must be a table of states and levels, ({rows}, n_levels); got "
            f"shape {values.shape}."
        )
    every = np.ones(values.shape, dtype=bool)
    return given_probabilities(values, values.shape, every, name)


def finite(values, name):
    """Give numbers as an array of finite float64, a copy, or raise."""
    values = np.array(values, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite numbers; NaN or infinity was given.")
    return values


def given_states(values, name, columns=("n_features",)):
    """Check numbers that are given for each state and column.

    Raises
    ------
    ValueError
        If they aren't finite, or of another number of axes.
    """
    values = finite(values, name)
    if values.ndim != 1 + len(columns) or 0 in values.shape:
        raise ValueError(
            f"{name} must have shape (n_components, {', '.join(columns)}), got "
            f"{values.shape}."
        )
    return values
