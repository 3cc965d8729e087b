"""BernoulliRBM: scikit-learn's names, learning that goes on, stops, and is better."""

import numpy as np
import pytest
from scipy.special import expit, logsumexp
from scipy.stats import chisquare
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import BernoulliRBM as PlainRBM

from sklearn_gen.base import DegenerateDataWarning
from sklearn_gen.rbm import (
    BernoulliRBM,
    DeepBeliefNetwork,
    GaussianRBM,
    _drawing,
    _scoring,
)
from sklearn_gen.rbm._partition_annealed import LogPartition
from sklearn_gen.rbm._units import make_units
from tests.rbm import enumeration

# log Z of a machine that scikit-learn fitted, by its own formula
_ALL_ROWS = enumeration.all_rows(make_units([0] * 8))


def _rows(n_rows=600, seed=0):
    """Eight columns: two groups of four that are mostly alike, noise of a tenth."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 2, (n_rows, 2)).astype(float)
    noise = rng.random((n_rows, 8)) < 0.1
    return np.abs(np.repeat(groups, 4, axis=1) - noise)


def _noise(n_rows, seed=0):
    """Twelve columns in which there is nothing to learn."""
    return np.random.default_rng(seed).integers(0, 2, (n_rows, 12)).astype(float)


def _score_of_plain(model, X):
    return -model._free_energy(X).mean() - logsumexp(-model._free_energy(_ALL_ROWS))


def test_names_defaults_and_shapes_are_those_of_scikit_learn():
    plain, ours = PlainRBM(), BernoulliRBM()
    shared = {name: ours.get_params()[name] for name in plain.get_params()}
    assert shared == plain.get_params()
    X = _rows()
    for model in (plain, ours):
        model.set_params(n_components=5, n_iter=1, random_state=0).fit(X)
    for name in (
        "components_",
        "intercept_hidden_",
        "intercept_visible_",
        "h_samples_",
    ):
        assert getattr(ours, name).shape == getattr(plain, name).shape, name
    assert ours.get_feature_names_out()[0] == "bernoullirbm0"
    hidden = expit(X @ ours.components_.T + ours.intercept_hidden_)
    np.testing.assert_allclose(ours.transform(X), hidden, rtol=1e-6)
    assert ours.fit_transform(X).shape == (600, 5)
    assert set(np.unique(ours.gibbs(X, random_state=0))) == {0.0, 1.0}
    assert ours.partial_fit(X) is ours


def test_scores_are_those_of_the_enumerated_machine():
    X = _rows(100)
    model = BernoulliRBM(5, n_iter=2, random_state=0).fit(X)
    log_p = model.score_samples(_ALL_ROWS)
    assert abs(logsumexp(log_p)) < 1e-12
    np.testing.assert_allclose(
        model.free_energy(X), -model.score_samples(X) - model.log_partition_
    )
    assert model.log_partition_interval_ == (model.log_partition_,) * 2
    assert model.log_partition_standard_error_ == 0.0
    assert model.density_kind == model.conditional_kind == "exact"


@pytest.mark.parametrize("method", ["auto", "pcd", "tempering"])
def test_fits_are_better_than_those_of_scikit_learn(method):
    # the same machine, epochs and minibatches; half the difference seen
    X, test = _rows(), _rows(2000, seed=1)
    plain = PlainRBM(16, n_iter=10, random_state=0).fit(X)
    ours = BernoulliRBM(16, n_iter=10, method=method, random_state=0).fit(X)
    assert ours.score(test) > _score_of_plain(plain, test) + 0.25


def test_rows_of_probabilities_score_less_than_their_draws_on_average():
    model = BernoulliRBM(5, random_state=0).fit(_rows())
    chance = np.full((1, 8), 0.3)
    p = np.where(_ALL_ROWS == 1.0, chance, 1.0 - chance).prod(axis=1)
    assert model.score_samples(chance)[0] <= p @ model.score_samples(_ALL_ROWS)


def test_binarize_is_a_threshold_and_values_outside_are_named():
    X = 255.0 * _rows()
    model = BernoulliRBM(4, n_iter=1, binarize=100.0, random_state=0).fit(X)
    same = BernoulliRBM(4, n_iter=1, random_state=0).fit(X / 255.0)
    np.testing.assert_array_equal(model.components_, same.components_)
    with pytest.warns(DegenerateDataWarning, match="column 1, row 0 is 255"):
        clipped = BernoulliRBM(4, n_iter=1, random_state=0).fit(X)
    np.testing.assert_array_equal(clipped.components_, same.components_)


def test_a_warm_start_goes_on():
    X = _rows()
    model = BernoulliRBM(4, n_iter=3, schedule="constant", random_state=0).fit(X)
    first, n_steps = model.score(X), model._running[-1]
    model.set_params(warm_start=True).fit(X)
    assert model._running[-1] == 2 * n_steps
    assert model.score(X) > first
    chains = model.set_params(method="pcd").fit(X).h_samples_
    model.set_params(n_iter=0).fit(X)
    np.testing.assert_array_equal(model.h_samples_, chains)
    with pytest.raises(ValueError, match=r"n_components=5.*Set n_components back"):
        model.set_params(n_components=5).fit(X)


def test_adam_goes_on_where_it_was():
    # one fit of two epochs, and one of one epoch that another goes on from, differ in
    # the order of rows only: exact gradients of the whole table don't
    X = _rows()
    options = {
        "optimizer": "adam",
        "learning_rate": 0.05,
        "schedule": "constant",
        "batch_size": 600,
        "method": "exact",
        "dtype": "float64",
        "random_state": 0,
    }
    two = BernoulliRBM(4, n_iter=2, **options).fit(X)
    one = BernoulliRBM(4, n_iter=1, warm_start=True, **options).fit(X).fit(X)
    np.testing.assert_allclose(one.components_, two.components_, rtol=1e-9)


@pytest.mark.parametrize("kind", ["likelihood", "free_energy"])
def test_early_stopping_ends_what_learns_its_rows_by_heart(kind):
    X, test = _noise(80), _noise(2000, seed=1)
    options = {"n_iter": 300, "schedule": "constant", "random_state": 0}
    model = BernoulliRBM(
        32, early_stopping=kind, validation_fraction=0.5, **options
    ).fit(X)
    assert model.n_iter_ < 300
    assert len(model.validation_scores_) == model.n_iter_
    by_heart = BernoulliRBM(32, **options).fit(X)
    assert model.score(test) > by_heart.score(test) + 0.25
    if kind == "likelihood":  # the best epoch is kept
        scores = model.validation_scores_
        assert len(scores) - 1 - np.argmax(scores) == model.n_iter_no_change
        short = clone(model).set_params(n_iter=int(np.argmax(scores)) + 1).fit(X)
        np.testing.assert_array_equal(short.components_, model.components_)
    with pytest.raises(ValueError, match="one row"):
        clone(model).fit(X[:1])


def test_missing_cells_are_learned_from_what_is_observed():
    # a tenth of the cells missing costs little; rows of means cost more
    X, test = _rows(2000), _rows(2000, seed=1)
    holes = np.random.default_rng(0).random(X.shape) < 0.4
    options = {"n_components": 8, "n_iter": 20, "random_state": 0}
    complete = BernoulliRBM(**options).fit(X).score(test)
    free = BernoulliRBM(**options).fit(np.where(holes, np.nan, X)).score(test)
    means = np.where(holes, 0.5, X)
    filled = BernoulliRBM(**options).fit(means).score(test)
    assert complete - 0.1 < free
    assert filled < free - 0.1


class _Stop:
    """A callback that interrupts in the third epoch."""

    requires_fit_info = ()

    def __init__(self, error):
        self.error, self.seen = error, 0

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, **info):
        pass

    def on_fit_task_end(self, estimator, context, **info):
        self.seen += 1
        if self.seen == 3 and self.error:
            raise KeyboardInterrupt
        return self.seen == 3

    def teardown(self, estimator, context):
        pass


@pytest.mark.parametrize("error", [False, True])
def test_callbacks_see_epochs_and_interrupted_fits_keep_what_they_have(error):
    X = _rows()
    model = BernoulliRBM(4, random_state=0).set_callbacks(_Stop(error))
    if error:
        with pytest.raises(KeyboardInterrupt):
            model.fit(X)
    else:
        model.fit(X)
    assert model.n_iter_ == 3
    assert np.isfinite(model.score(X))


def test_verbose_prints_epochs(capsys):
    BernoulliRBM(4, n_iter=2, verbose=1, random_state=0).fit(_rows())
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == [
        "[BernoulliRBM] Iteration 1",
        "[BernoulliRBM] Iteration 2",
    ]


def test_large_machines_are_estimates_between_bounds():
    X = _rows()
    wide = np.tile(X, (1, 4))[:, :24]
    model = BernoulliRBM(24, n_iter=1, random_state=0).fit(wide)
    assert model.density_kind == "estimate"
    low, high = model.log_partition_interval_
    assert low < model.log_partition_ < high
    assert 0.0 < model.log_partition_standard_error_ < 0.1
    assert model.diagnose_draws(1000, random_state=0).r_hat < 1.1


def test_estimates_start_at_the_chains_of_learning(monkeypatch):
    asked = []

    def log_partition(*args, starts, **options):
        asked.append(starts)
        return LogPartition(0.0, (0.0, 0.0))

    def draw(*args, starts, **options):
        asked.append(starts)
        return np.zeros((1, 24))

    monkeypatch.setattr(_scoring, "log_partition", log_partition)
    monkeypatch.setattr(_drawing, "draw", draw)
    X = np.tile(_rows(), (1, 3))
    model = BernoulliRBM(24, n_iter=0, n_chains=7, random_state=0).fit(X)
    model.components_[:], model.intercept_visible_[:] = 0.0, -50.0
    model.components_[:, 5] = 100.0 * model.h_samples_[0]
    assert model.log_partition_ == 0.0
    on = model.h_samples_ @ model.h_samples_[0] > 0.5
    np.testing.assert_array_equal(asked[0], np.outer(on, np.arange(24) == 5))
    model.sample()
    np.testing.assert_array_equal(asked.pop(), asked[0])
    BernoulliRBM(4, n_iter=0, random_state=0).fit(X).score(X)
    assert asked[1] is None


def test_gibbs_steps_leave_the_distribution_as_it_is():
    """Chi-square; a false alarm in 1e4."""
    model = BernoulliRBM(3, random_state=0).fit(_rows())
    after = model.gibbs(model.sample(20_000, random_state=1), random_state=2)
    expected = 20_000 * np.exp(model.score_samples(_ALL_ROWS))
    places = (after @ 2 ** np.arange(8)[::-1]).astype(int)
    assert expected.min() > 5.0
    assert chisquare(np.bincount(places, minlength=256), expected).pvalue > 1e-4


def test_free_energies_are_of_complete_rows():
    model = BernoulliRBM(4, n_iter=1, random_state=0).fit(_rows())
    row = np.zeros((1, 8))
    row[0, 3] = np.nan
    with pytest.raises(ValueError, match="column 3, row 0 is missing"):
        model.free_energy(row)
    with pytest.raises(NotFittedError):
        BernoulliRBM().diagnose_draws()


def test_pseudo_likelihoods_expect_what_probabilities_say():
    # of one column it is the likelihood
    model = BernoulliRBM(4, n_iter=1, random_state=0).fit(_rows()[:, :1])
    log_p = model.score_samples([[0.0], [1.0]])
    np.testing.assert_allclose(
        model.pseudo_log_likelihood([[0.0], [1.0], [0.25]]),
        [*log_p, 0.75 * log_p[0] + 0.25 * log_p[1]],
    )
    numbers = GaussianRBM(2, n_iter=1).fit(np.random.default_rng(0).normal(size=(9, 2)))
    with pytest.raises(ValueError, match="Gaussian units"):
        numbers.pseudo_log_likelihood(np.ones((1, 2)))


def test_too_many_states_for_the_exact_gradient_are_refused():
    X = np.tile(_rows(), (1, 3))
    with pytest.raises(ValueError, match=r"there are 1.68e\+07"):
        BernoulliRBM(24, method="exact").fit(X)


def test_codes_decode_into_what_the_visible_units_expect():
    model = BernoulliRBM(4, n_iter=5, random_state=0).fit(_rows())
    h = np.array([[0.0, 1.0, 1.0, 0.0]])
    expected = expit(h @ model.components_ + model.intercept_visible_)
    np.testing.assert_allclose(model.inverse_transform(h), expected, rtol=1e-6)


def test_layers_of_more_states_than_float64_counts():
    X = np.random.default_rng(0).integers(0, 2, (20, 1030)).astype(float)
    wide = BernoulliRBM(2, n_iter=1, random_state=0).fit(X)
    many = BernoulliRBM(1030, n_iter=1, random_state=0).fit(X[:, :4])
    for model, rows in ((wide, X), (many, X[:, :4])):
        assert model.density_kind == model.conditional_kind == "exact"
        assert np.isfinite(model.score(rows))
    both = BernoulliRBM(1030, n_iter=1, random_state=0).fit(X)
    assert both.density_kind == both.conditional_kind == "estimate"
    assert both.gibbs(X).shape == X.shape
    assert not both._partition  # complete rows need no log Z, which takes long


@pytest.mark.parametrize("model", [BernoulliRBM(3), DeepBeliefNetwork((4, 3))])
def test_codes_come_in_the_container_wanted(model):
    model = clone(model).set_params(random_state=0).set_output(transform="pandas")
    codes = model.fit(_rows(50)).transform(_rows(50))
    assert list(codes.columns) == list(model.get_feature_names_out())
