"""What models of sequences say of rows and arguments that are something else."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sklearn_gen import DegenerateDataWarning, DiscreteColumnWarning
from sklearn_gen.display import StatesDisplay, TransitionDisplay
from sklearn_gen.display._states import state_color
from sklearn_gen.hmm import (
    AutoregressiveHMM,
    BernoulliHMM,
    CategoricalHMM,
    GaussianHMM,
    MultinomialHMM,
)

X = np.random.default_rng(0).normal(size=(60, 2))


def test_columns_that_are_no_numbers():
    with pytest.raises(ValueError, match=r"sklearn_gen\.hmm\.MixedHMM"):
        GaussianHMM(2).fit([["a"], ["b"]])
    with pytest.raises(ValueError, match="could not convert string to float: 'abc'"):
        GaussianHMM(2).fit("abc")
    with pytest.warns(DiscreteColumnWarning, match="CategoricalHMM, PoissonHMM or Mix"):
        GaussianHMM(2, random_state=0).fit(np.rint(3 * X))
    with pytest.raises(ValueError, match=r"row 1 is 2; with binarize=None .*Categor"):
        BernoulliHMM(2, binarize=None).fit([[0], [2], [1]])
    flat = np.c_[np.ones(60), np.ones(60)]
    with pytest.warns(DegenerateDataWarning, match=r"column 0 \(0: constant or never"):
        GaussianHMM(1).fit(flat)


def test_a_single_iteration_has_no_change():
    with pytest.warns(ConvergenceWarning, match="after one the mean log-likelihood"):
        GaussianHMM(2, max_iter=1, random_state=0).fit(X)


def test_lengths_in_the_place_of_groups():
    model = GaussianHMM(2, random_state=0).fit(X)
    with pytest.raises(TypeError, match=r"but n_samples by position; .*groups_from_l"):
        model.sample(10, [5, 5])


def test_several_quantiles():
    ahead = GaussianHMM(2, random_state=0).fit(X).forecast(X, 3)
    low, high = ahead.quantile([0.05, 0.95])
    np.testing.assert_array_equal(low, ahead.quantile(0.05))
    np.testing.assert_array_equal(high, ahead.quantile(0.95))
    with pytest.raises(ValueError, match="q must be between 0 and 1"):
        ahead.quantile([0.5, 1.0])


def test_nothing_can_be_learned_of_steps():
    with pytest.warns(DegenerateDataWarning, match="All 60 sequences have one row"):
        GaussianHMM(2, group_column=0, random_state=0).fit(X)
    with pytest.warns(DegenerateDataWarning, match="No row has order=3 rows before"):
        AutoregressiveHMM(2, order=3, random_state=0).fit(
            X, groups=np.repeat(range(20), 3)
        )
    with pytest.warns(DegenerateDataWarning, match="symbols take CategoricalHMM"):
        MultinomialHMM(2, random_state=0).fit(np.arange(12)[:, None] % 3)
    with pytest.warns(DegenerateDataWarning, match="Take GaussianHMM or MixedHMM"):
        CategoricalHMM(2, random_state=0).fit(X)


def test_ids_that_are_none():
    groups = np.array(["a"] * 30 + [None] * 30, dtype=object)
    with pytest.raises(ValueError, match="missing value at row 30"):
        GaussianHMM(2).fit(X, groups=groups)


def test_names_of_states_must_be_as_many():
    model = GaussianHMM(2, random_state=0).fit(X)
    with pytest.raises(ValueError, match="state_names has 1 names for 2 states"):
        StatesDisplay.from_estimator(model, X, state_names=["calm"])
    with pytest.raises(ValueError, match="state_names has 1 names for 2 states"):
        TransitionDisplay.from_estimator(model, state_names=["calm"])


def test_many_states_have_colours_of_their_own_and_no_tiny_numbers():
    assert len({state_color(k) for k in range(20)}) == 20
    display = TransitionDisplay(
        np.array([[1.0 - 1e-18, 1e-18], [0.5, 0.5]]), [0.5, 0.5]
    )
    texts = {text.get_text() for text in display.plot().ax_.texts}
    assert texts == {"1.00", "0", "0.50"}
