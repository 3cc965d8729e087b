"""Draws of a pipeline: rows of its input."""

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_gen._columns import TableSchema, read_conditions
from sklearn_gen._inner._sequences import rows_are_steps
from sklearn_gen._validation import check_n_samples
from sklearn_gen.base import as_generator
from sklearn_gen.compose._composite import pull
from sklearn_gen.compose._steps import PipelineSteps, model_has
from sklearn_gen.compose._tables import as_floats, take_rows


class PipelineDraws(PipelineSteps):
    """Draws, unconditional and given the observed cells of rows."""

    @property
    def conditional_kind(self):
        """Nature of `sample_conditional`, as the last step reports it."""
        return self._model.conditional_kind

    @available_if(model_has("sample"))
    def sample(self, n_samples=1, *, conditions=None, random_state=None, **params):
        """Draw rows of the input space, or given the values of some columns.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows.
        conditions : dict or None, default=None
            ``{column: value}``: these columns of the input have exactly these values in
            every row; the others are drawn given them, by `sample_conditional`.
        random_state : None, int, RandomState or Generator, default=None
            None uses the last step's own `random_state`.
        **params : dict
            Further keywords of the last step's `sample`; with `conditions`, of its
            `sample_conditional`.

        Returns
        -------
        X : ndarray or DataFrame of shape (n_samples, n_features)
            In the container that `fit` saw, with the same columns.

        Raises
        ------
        ValueError
            If `conditions` names an unknown column, or what no row can have.
        """
        check_is_fitted(self)
        if conditions is not None and conditions != {}:
            draw = self.sample_conditional  # its AttributeError says who hasn't it
            rows = self._rows_given(conditions, check_n_samples(n_samples))
            return draw(rows, random_state=random_state, **params)
        if params.get("prefix") is not None:
            params = {**params, "prefix": self._pushed_prefix(params["prefix"])}
        output_range = self._range()
        random_state = self._draw_state(random_state, output_range)

        def draw(n_rows):
            with self._naming_model():
                return self._model.sample(n_rows, random_state=random_state, **params)

        def draw_rows(wanted):
            # Keywords may hold one value per row, so then all rows are drawn anew.
            return take_rows(draw(n_samples), wanted) if params else draw(wanted.sum())

        Z = output_range.redraw(draw(n_samples), draw_rows)
        X = self._restore(pull(self.steps[:-1], Z))
        if not self._has_groups:
            return X
        groups = params.get("groups", np.zeros(len(X), dtype=int))
        return self._ids.put(X, np.asarray(groups))

    def _pushed_prefix(self, prefix):
        """Rows that a sequence goes on from, as the model has them."""
        rows, ids = self._take_groups(prefix)
        names = set(ids["groups"].ids.tolist()) if ids else ()
        if len(names) > 1:
            raise ValueError(f"prefix must be rows of one sequence, got {len(names)}.")
        return self._push_inside(rows)

    @available_if(model_has("sample_conditional"))
    def sample_conditional(self, X, *, random_state=None, **params):
        """Replace every NaN of X by a draw from p(missing | observed).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            NaN means "draw this"; observed cells are returned untouched.
        random_state : None, int, RandomState or Generator, default=None
            None uses the last step's own `random_state`.
        **params : dict
            Further keywords of the last step's `sample_conditional`.

        Returns
        -------
        X_drawn : ndarray or DataFrame of shape (n_samples, n_features)
            In the container of `X`.
        """
        check_is_fitted(self)
        if rows_are_steps(self._model):
            return self._complete_sequences(X, random_state, params)
        Z = self._push_inside(X)  # validates X
        drawn = as_floats(X, copy=True)
        missing = np.isnan(drawn)
        incomplete = missing.any(axis=1)
        if incomplete.any():
            output_range = self._range()
            random_state = self._draw_state(random_state, output_range)
            given = take_rows(Z, incomplete)

            def draw(rows):
                with self._naming_model():
                    return self._model.sample_conditional(
                        rows, random_state=random_state, **params
                    )

            Z = output_range.redraw(
                draw(given), lambda wanted: draw(take_rows(given, wanted))
            )
            drawn[missing] = pull(self.steps[:-1], Z)[missing[incomplete]]
        return self._restore(drawn, like=X)

    def _complete_sequences(self, X, random_state, params):
        """Draw missing cells of sequences: all rows go to the model, not some."""
        X, ids = self._take_groups(X, params.get("groups"))
        self._range().check(self._model)
        Z = self._push_inside(X)  # validates X
        drawn, missing = as_floats(X, copy=True), np.isnan(as_floats(X))
        with self._naming_model():
            Z = self._model.sample_conditional(
                Z, random_state=random_state, **{**params, **ids}
            )
        drawn[missing] = np.asarray(pull(self.steps[:-1], Z))[missing]
        drawn = self._restore(drawn, like=X)
        return self._ids.put(drawn, ids["groups"].ids) if self._has_groups else drawn

    def _rows_given(self, conditions, n_samples):
        """Rows of the input that hold nothing but the values asked for."""
        schema = getattr(self, "schema_", None)
        if schema is None:  # put together from fitted steps
            nothing = np.empty((0, self.n_features_in_))
            schema = TableSchema.from_data(nothing, nothing)
        given = read_conditions(schema, conditions).encoded
        if self.score_samples(schema.restore(given))[0] == -np.inf:
            raise ValueError(
                f"conditions={conditions!r}: no row has these values; their density is "
                "zero. Leave one out."
            )
        return schema.restore(np.repeat(given, n_samples, axis=0))

    def _draw_state(self, random_state, output_range):
        if random_state is None:
            random_state = getattr(self._model, "random_state", None)
        # An int would repeat its draws, and so never leave what it drew outside.
        bounded = output_range.bounded.any()
        return as_generator(random_state) if bounded else random_state

    def _restore(self, values, like=None):
        # A pipeline put together from fitted steps has seen no table.
        schema = getattr(self, "schema_", None)
        return values if schema is None else schema.restore(values, like=like)
