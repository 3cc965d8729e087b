"""Hidden Markov models of counts, levels and mixed columns."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.stats import bernoulli, chisquare, poisson
from sklearn.utils import Bunch

from sklearn_gen.base import DegenerateDataWarning
from sklearn_gen.hmm import BernoulliHMM, CategoricalHMM, MixedHMM, PoissonHMM
from tests.hmm.enumeration import all_paths

# Sums over paths are taken in another order than ours.
ROUNDING = 1e-11
# Of levels that fit never saw.
UNSEEN = 1e-6
START = np.array([0.5, 0.3, 0.2])
STEPS = np.array([[0.9, 0.06, 0.04], [0.1, 0.8, 0.1], [0.05, 0.15, 0.8]])
RATES = np.array([[2.0, 9.0], [8.0, 3.0], [20.0, 8.0]])
CHANCES = np.array([[0.9, 0.8, 0.1, 0.1], [0.1, 0.2, 0.7, 0.6], [0.1, 0.9, 0.1, 0.9]])
LEVELS = np.array(
    [[0.7, 0.1, 0.1, 0.05, 0.05], [0.1, 0.6, 0.1, 0.1, 0.1], [0.0, 0.1, 0.1, 0.2, 0.6]]
)


@pytest.fixture(scope="module")
def planted():
    """A chain of 4000 rows in 40 sequences, and what its states emitted."""
    rng = np.random.default_rng(7)
    groups = np.repeat(np.arange(40), 100)
    states = np.empty(4000, dtype=int)
    for t in range(4000):
        chances = START if t % 100 == 0 else STEPS[states[t - 1]]
        states[t] = rng.choice(3, p=chances)
    counts = rng.poisson(RATES[states])
    ones = rng.random((4000, 4)) < CHANCES[states]
    codes = np.array([rng.choice(5, p=LEVELS[k]) for k in states])
    numbers = rng.normal(3.0 * states)
    table = pd.DataFrame(
        {
            "sky": pd.Categorical(np.array([*"abcde"])[codes]),
            "visitors": counts[:, 0],
            "open": ones[:, 0],
            "heat": numbers,
        }
    )
    return Bunch(
        states=states, groups=groups, counts=counts, ones=ones, codes=codes, table=table
    )


def poissons(model, x):
    return poisson(model.lambdas_.T[:, :, None]).logpmf(x.T[:, None]).transpose(2, 1, 0)


def bernoullis(model, x):
    chances = model.probabilities_.T[:, :, None]
    return bernoulli(chances).logpmf(x.T[:, None]).transpose(2, 1, 0)


def levels(model, x):
    tables = np.log(model.emissionprob_ * (1 - UNSEEN))
    return tables.T[np.nan_to_num(x[:, 0]).astype(int)][:, :, None]


CASES = [
    (PoissonHMM, "counts", poissons),
    (BernoulliHMM, "ones", bernoullis),
    (CategoricalHMM, "codes", levels),
]


def rows_of(planted, name):
    return planted[name].reshape(4000, -1)


@pytest.mark.parametrize(("model", "name", "log_mass"), CASES)
def test_all_paths(planted, model, name, log_mass):
    """Scores, states and paths of six rows, some cells missing, path by path."""
    rows = rows_of(planted, name)
    model = model(3, random_state=0).fit(rows, groups=planted.groups)
    X = rows[96:104].astype(float)
    X[1] = X[6, 0] = np.nan
    groups = planted.groups[96:104]
    scores = model.score_samples(X, groups=groups)
    smoothed = model.predict_proba(X, groups=groups)
    cells = np.where(np.isnan(X)[:, None], 0.0, log_mass(model, X))
    for part in (slice(0, 4), slice(4, 8)):
        oracle = all_paths(cells[part].sum(axis=2), model.startprob_, model.transmat_)
        assert scores[part].sum() == pytest.approx(oracle.log_prob, rel=ROUNDING)
        np.testing.assert_allclose(smoothed[part], oracle.gamma, atol=ROUNDING)
        best = model.decode(X[part])[1]
        np.testing.assert_array_equal(best, oracle.paths[0])


def matching(model, planted, X):
    """The order of states in which they are those planted, and their agreement."""
    found = model.predict(X, groups=planted.groups)
    table = pd.crosstab(planted.states, found).to_numpy()
    order = table.argmax(axis=1)
    assert sorted(order) == [0, 1, 2]
    return order, table.max(axis=1).sum() / len(found)


@pytest.mark.parametrize(
    ("model", "name", "attribute", "truth"),
    [
        (PoissonHMM(), "counts", "lambdas_", RATES),
        (BernoulliHMM(), "ones", "probabilities_", CHANCES),
        (CategoricalHMM(), "codes", "emissionprob_", LEVELS),
    ],
)
def test_planted_parameters_come_back(planted, model, name, attribute, truth):
    """Within four standard errors of parameters whose states are known, doubled."""
    X = rows_of(planted, name)
    model.set_params(n_components=3, n_init=4, tol=1e-6, max_iter=500, random_state=0)
    model.fit(X, groups=planted.groups)
    order, agreement = matching(model, planted, X)
    assert agreement > {"counts": 0.95, "ones": 0.9, "codes": 0.75}[name]
    n = np.bincount(planted.states)[:, None]
    found = getattr(model, attribute)[order]
    variance = truth if name == "counts" else truth * (1 - truth)
    assert (np.abs(found - truth) < 8 * np.sqrt(variance / n) + 0.005).all()
    error = np.sqrt(STEPS * (1 - STEPS) / n)
    assert (np.abs(model.transmat_[np.ix_(order, order)] - STEPS) < 8 * error).all()
    known = type(model)(3, random_state=0)
    known.fit(X, groups=planted.groups, states=planted.states)
    assert model.score(X, groups=planted.groups) > known.score(X, groups=planted.groups)


def test_planted_table_comes_back(planted):
    """Numbers, counts, booleans and levels together tell all states."""
    model = MixedHMM(3, n_init=4, random_state=0)
    model.fit(planted.table, groups=planted.groups)
    assert matching(model, planted, planted.table)[1] > 0.97
    assert model.families_ == {
        "sky": "categorical",
        "visitors": "negative_binomial",
        "open": "bernoulli",
        "heat": "gaussian",
    }


def test_one_start_is_enough():
    """Single starts reach the highest likelihood of six states; of k-means' a fifth."""
    rng = np.random.default_rng(1)
    rates = np.array([[2, 20], [5, 5], [10, 2], [20, 20], [30, 5], [2, 2]])
    states = np.repeat(rng.integers(6, size=600), rng.geometric(0.2, size=600))
    X = rng.poisson(rates[states])
    scores = [
        PoissonHMM(6, random_state=i, max_iter=300).fit(X).score(X) for i in range(5)
    ]
    assert min(scores) > max(scores) - 0.01


# Yearly numbers of earthquakes of magnitude 7 or more in the world, 1900 to 2006:
# Zucchini & MacDonald (2009), "Hidden Markov models for time series", table 1.1, from
# the U.S. Geological Survey.
# fmt: off
EARTHQUAKES = np.array([
    13, 14, 8, 10, 16, 26, 32, 27, 18, 32, 36, 24, 22, 23, 22, 18, 25, 21, 21, 14,
    8, 11, 14, 23, 18, 17, 19, 20, 22, 19, 13, 26, 13, 14, 22, 24, 21, 22, 26, 21,
    23, 24, 27, 41, 31, 27, 35, 26, 28, 36, 39, 21, 17, 22, 17, 19, 15, 34, 10, 15,
    22, 18, 15, 20, 15, 22, 19, 16, 30, 27, 29, 23, 20, 16, 21, 21, 25, 16, 18, 15,
    18, 14, 10, 15, 8, 15, 6, 11, 8, 7, 18, 16, 13, 12, 13, 20, 15, 16, 12, 18,
    15, 16, 13, 15, 16, 11, 11,
])[:, None]
# fmt: on


@pytest.mark.parametrize(
    ("n_components", "minus_log_likelihood"),
    [(1, 391.9189), (2, 341.8787), (3, 328.5275), (4, 326.4106)],
)
def test_earthquakes(n_components, minus_log_likelihood):
    """The maxima of the likelihood that hmmlearn finds with 25 starts."""
    model = PoissonHMM(
        n_components, n_init=10, tol=1e-8, max_iter=1000, random_state=0
    ).fit(EARTHQUAKES)
    (found,) = model.score_sequences(EARTHQUAKES)
    assert found == pytest.approx(-minus_log_likelihood, abs=1e-3)


@pytest.mark.parametrize(("model", "name", "log_mass"), CASES)
def test_likelihood_never_falls(planted, model, name, log_mass):
    X = rows_of(planted, name)[:500].astype(float)
    X[::7, 0] = X[::11] = np.nan
    model = model(3, tol=0.0, max_iter=15, random_state=0)
    if "smoothing" in model.get_params():
        model.set_params(smoothing=0.0)
    with pytest.warns(UserWarning, match="did not converge"):
        model.fit(X, groups=planted.groups[:500])
    assert np.diff(model.lower_bounds_).min() > -1e-9


@pytest.mark.parametrize(("model", "name", "log_mass"), CASES)
def test_draws_match_scores(planted, model, name, log_mass):
    """Rows of given states have these states' shares; one false alarm in 1000."""
    model = model(3, random_state=0)
    X = rows_of(planted, name)
    model.fit(X, groups=planted.groups)
    drawn, states = model.sample(20_000, return_states=True, random_state=1)
    assert drawn.dtype == X.dtype
    expected = np.exp(log_mass(model, drawn.astype(float)))
    for k in range(3):
        own = drawn[states == k]
        for j, x in enumerate(own.T):
            _, first, counts = np.unique(x, return_index=True, return_counts=True)
            mass = expected[states == k][first, k, j] * len(own)
            often = mass > 5.0
            observed, mass = counts[often], mass[often]
            mass *= observed.sum() / mass.sum()
            assert len(mass) > 1
            assert chisquare(observed, mass).pvalue > 1e-3 / 3 / X.shape[1]


def every_model(planted):
    return [
        (PoissonHMM(3), pd.DataFrame(planted.counts, columns=["a", "b"])),
        (BernoulliHMM(3), pd.DataFrame(planted.ones, columns=[*"abcd"])),
        (CategoricalHMM(3), planted.table[["sky", "open"]]),
        (MixedHMM(3), planted.table),
    ]


@pytest.mark.parametrize("which", range(4))
def test_tables(planted, which):
    """Types come back; missing cells are drawn, others stay; copies score alike."""
    model, table = every_model(planted)[which]
    table, groups = table[:800], planted.groups[:800]
    model.set_params(random_state=0).fit(table, groups=groups)
    drawn = model.sample(50, groups=np.repeat([0, 1], 25), random_state=0)
    assert drawn.dtypes.equals(table.dtypes)
    missing = table.convert_dtypes(dtype_backend="numpy_nullable").astype(object)
    missing = missing.mask(np.random.default_rng(0).random(table.shape) < 0.3)
    missing.iloc[3] = None
    missing = missing.astype({name: "Float64" for name in table if name == "heat"})
    filled = model.sample_conditional(missing, groups=groups, random_state=0)
    assert not filled.isna().any(axis=None)
    seen = missing.notna().to_numpy()
    assert (filled.to_numpy()[seen] == missing.to_numpy()[seen]).all()
    scores = model.score_samples(missing, groups=groups)
    assert np.isfinite(scores).all()
    assert scores[3] == pytest.approx(0.0, abs=ROUNDING)
    again = pickle.loads(pickle.dumps(model))
    assert again.score_samples(table).tobytes() == model.score_samples(table).tobytes()
    threads = type(model)(3, random_state=0, n_jobs=2).fit(table, groups=groups)
    assert (
        threads.score_samples(table).tobytes() == model.score_samples(table).tobytes()
    )
    assert model.bic(table, groups=groups) > model.aic(table, groups=groups)


@pytest.mark.parametrize("which", range(4))
def test_weight_is_repeats(planted, which):
    model, table = every_model(planted)[which]
    # the start of an ordered topology is not drawn
    model.set_params(topology="linear", random_state=0)
    three = table[:300], planted.groups[:300]
    weighed = model.fit(three[0], groups=three[1], sequence_weight=[1, 2, 0])
    weighed = model.score(table[:300])
    again = pd.concat([table[:200], table[100:200]])
    repeated = model.fit(again, groups=np.repeat([0, 1, 2], 100)).score(table[:300])
    assert weighed == pytest.approx(repeated, rel=1e-8)


@pytest.mark.parametrize("which", range(4))
def test_learning_from_batches(planted, which):
    model, table = every_model(planted)[which]
    model.set_params(random_state=0, sticky=2.0)
    whole = model.fit(table, groups=planted.groups).score(table, groups=planted.groups)
    batches = type(model)(3, sticky=2.0, random_state=0)
    for start in range(0, 4000, 1000):
        rows = slice(start, start + 1000)
        batches.partial_fit(table[rows], groups=planted.groups[rows])
    assert batches.score(table, groups=planted.groups) > whole - 0.3


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("n_rows", [1, 2, 5])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_few_rows(planted, which, n_rows):
    """Fewer rows than states, and constant columns, fit."""
    model, table = every_model(planted)[which]
    model.set_params(random_state=0)
    for rows in (table[:n_rows], table.iloc[[0] * n_rows]):
        assert np.isfinite(model.fit(rows).score(rows))
        assert len(model.sample(3, random_state=0)) == 3


def test_unseen_levels(planted):
    """They are all alike unlikely, and say nothing of the state."""
    X = np.array([*"abcde"])[planted.codes][:, None].astype(object)
    model = CategoricalHMM(3, random_state=0).fit(X, groups=planted.groups)
    np.testing.assert_array_equal(model.categories_[0], [*"abcde"])
    rows = np.array([["a"], ["?"], ["b"]], dtype=object)
    gap = np.array([["a"], [None], ["b"]], dtype=object)
    expected = model.score_samples(gap).sum() + np.log(UNSEEN)
    assert model.score_samples(rows).sum() == pytest.approx(expected, rel=ROUNDING)
    np.testing.assert_allclose(model.predict_proba(rows), model.predict_proba(gap))


def test_symbols_by_number(planted):
    """`n_features` as in hmmlearn; -1 is no missing value; priors add counts."""
    X = planted.codes[:, None]
    model = CategoricalHMM(3, n_features=7, emissionprob_prior=2.0, random_state=0)
    model.fit(X, states=planted.states)
    counts = np.ones((3, 7))
    np.add.at(counts, (planted.states, planted.codes), 1.0)
    shares = counts / counts.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.emissionprob_, shares, rtol=1e-12)
    assert set(np.unique(model.sample(50_000, random_state=0))) == {*range(7)}
    with pytest.raises(ValueError, match=r"column 0 has the value 4; .*symbols are"):
        CategoricalHMM(3, n_features=4).fit(X)
    minus = CategoricalHMM(2, random_state=0).fit(X - 1)
    np.testing.assert_array_equal(minus.categories_[0], [-1, 0, 1, 2, 3])


def test_rates_have_priors(planted):
    model = PoissonHMM(3, lambdas_prior=[[30.0, 5.0]] * 3, lambdas_weight=10.0)
    model.fit(planted.counts, states=planted.states, groups=planted.groups)
    rows = np.bincount(planted.states)[:, None]
    sums = [planted.counts[planted.states == k].sum(axis=0) for k in range(3)]
    expected = (np.array(sums) + [30.0, 5.0]) / (rows + 10.0)
    np.testing.assert_allclose(model.lambdas_, expected, rtol=1e-9)


def test_smoothing_adds_rows_of_the_whole_table(planted):
    model = BernoulliHMM(3, smoothing=50.0)
    model.fit(planted.ones, states=planted.states, groups=planted.groups)
    rows = np.bincount(planted.states)[:, None]
    sums = np.array([planted.ones[planted.states == k].sum(axis=0) for k in range(3)])
    expected = (sums + 50.0 * planted.ones.mean(axis=0)) / (rows + 50.0)
    np.testing.assert_allclose(model.probabilities_, expected, rtol=1e-9)


def test_even_counts_may_be_odd():
    """A grid of two in the data is none of the model."""
    X = 2 * np.random.default_rng(0).poisson(30.0, size=(300, 1))
    drawn = PoissonHMM(random_state=0).fit(X).sample(100, random_state=0)
    assert (drawn % 2 == 1).any()


def test_families_by_kind():
    rng = np.random.default_rng(0)
    rain = np.where(rng.random(400) < 0.4, 0.0, rng.gamma(2.0, size=400))
    table = pd.DataFrame(
        {
            "signed": rng.normal(size=400),
            "whole": rng.integers(-5, 6, size=400),
            "far": rng.poisson(100.0, size=400),
            "wait": rng.gamma(1.0, size=400),
            "rain": rain,
            "day": pd.date_range("2020-01-01", periods=400),
        }
    )
    assert MixedHMM(random_state=0).fit(table).families_ == {
        "signed": "gaussian",
        "whole": "gaussian",
        "far": "gaussian",
        "wait": "gamma",
        "rain": "zero_inflated_gamma",
        "day": "histogram",
    }
    chosen = MixedHMM(families={"far": "poisson"}, random_state=0).fit(table)
    assert chosen.families_["far"] == "poisson"
    assert chosen.base_measure_["far"] == "counting"


@pytest.mark.parametrize(
    ("model", "X", "message"),
    [
        (PoissonHMM(), [[1], [-2]], "Negative values .*row 1 is -2"),
        (PoissonHMM(), [["a"], ["b"]], "needs numbers .*CategoricalHMM"),
        (PoissonHMM(lambdas_prior=[1.0, 2.0]), [[1], [2]], "lambdas_prior"),
        (PoissonHMM(lambdas_weight=np.nan), [[1], [2]], "lambdas_weight"),
        (BernoulliHMM(binarize=None), [[0], [2]], "row 1 is 2; with binarize=None"),
        (CategoricalHMM(emissionprob_prior=[0.0]), [[0], [2]], "emissionprob_prior"),
        (MixedHMM(families={3: "gamma"}), [[0.5], [2.5]], "families names 3"),
        (MixedHMM(families="poisson"), [[-0.5], [2.5]], "column 0.*counts"),
    ],
)
def test_messages(model, X, message):
    with pytest.raises(ValueError, match=message):
        model.fit(np.array(X))


def test_amounts_are_rounded():
    with pytest.warns(DegenerateDataWarning, match=r"row 1 is 2.6, .*rounded"):
        model = PoissonHMM(random_state=0).fit([[1.0], [2.6], [3.0]])
    assert model.lambdas_ == pytest.approx(7 / 3)
