"""Mixtures of tables: what reviews of draws, scores and times found."""

import numpy as np
import pandas as pd
import pytest

from sklearn_gen._columns import _family, family_for
from sklearn_gen._columns._intervals import _log_wide_interval, log_normal_interval
from sklearn_gen.mixture import TableMixture, _twins


def test_most_pairs_of_columns_are_refused_as_twins_by_their_first_rows(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, size=(600, 60)).astype(float)
    X[::7, 3] = np.nan
    X[:, 59] = np.array([5.0, 4.0, 6.0])[X[:, 2].astype(int)]
    compared, pair = [], _twins._pair
    monkeypatch.setattr(
        _twins, "_pair", lambda *args: compared.append(args[1:3]) or pair(*args)
    )
    (found,) = _twins.find_twins(X, [True] * 60)
    assert (found.leader, found.follower) == (2, 59)
    assert compared == [(2, 59)]


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("resolution", [0.0, 1.0])
def test_histograms_of_heavy_tails_keep_their_moments(resolution, sign):
    """The last 64th of such a column, evenly spread, doubles its deviation."""
    rng = np.random.default_rng(0)
    x = sign * 1000.0 * rng.pareto(2.2, size=4000)
    x = np.rint(x) if resolution else x
    family = family_for("histogram", x, None, resolution)
    params = family.m_step(family.stats(x, np.ones((len(x), 1))))
    drawn = family.draw(params, np.zeros(50_000, dtype=int), rng)
    # five standard errors of 50,000 draws of deviation 1.8 times the mean
    assert drawn.mean() == pytest.approx(x.mean(), rel=0.04)
    assert 0.9 < drawn.std() / x.std() < 1.1
    outermost = np.bincount(family.code(x))[[0, len(family.edges) - 2]]
    assert outermost.min() >= 3


def test_histograms_of_even_columns_have_no_finer_ends():
    x = np.linspace(0.0, 1.0, 4000)
    assert len(family_for("histogram", x, None, 0.0).edges) <= 33


@pytest.mark.parametrize("middle", [0.0, 0.3, -2.0, 7.0, -15.0, 25.0])
def test_narrow_normal_intervals_continue_wide_ones(middle):
    """Differences of log cdfs have about 1e-16 / width digits: 1e-10 here."""
    width = np.array([[0.003], [0.006], [0.0099], [0.0101], [0.2]])
    lower, upper = middle - width / 2.0, middle + width / 2.0
    narrow, wide = log_normal_interval(lower, upper), _log_wide_interval(lower, upper)
    np.testing.assert_allclose(narrow, wide, rtol=0.0, atol=1e-10)


@pytest.mark.parametrize("name", ["gaussian", "lognormal", "zero_inflated_gamma"])
@pytest.mark.parametrize("resolution", [0.0, 1.0])
def test_log_probabilities_are_the_same_in_parts(name, resolution, monkeypatch):
    rng = np.random.default_rng(0)
    x = np.ceil(rng.gamma(2.0, 400.0, size=301))
    family = family_for(name, x, None, resolution)
    params = family.m_step(family.stats(x, rng.random((301, 5))), family.prior(1.0))
    whole = family.log_prob(x, params)
    monkeypatch.setattr(_family, "_AT_ONCE", 35)
    np.testing.assert_allclose(family.log_prob(x, params), whole, rtol=1e-13)


def test_sizes_of_negative_binomials_do_not_depend_on_where_they_start():
    rng = np.random.default_rng(0)
    x = np.r_[rng.negative_binomial(2, 0.01, 800), rng.poisson(30, 800)].astype(float)
    family = family_for("negative_binomial", x, None, 1.0)
    resp = np.eye(2)[np.repeat([0, 1], 800)]
    stats = family.stats(x, resp)
    cold = family.m_step(stats, family.prior(1.0))
    for size in (1e-3, 0.7, 1e7):
        start = cold._replace(size=np.full(2, size))
        again = family.m_step(stats, family.prior(1.0), start)
        np.testing.assert_allclose(again.size, cold.size, rtol=1e-6)


def test_whole_numbers_with_gaps_are_drawn_as_integers_are():
    rng = np.random.default_rng(0)
    grams = rng.normal(4200.0, 300.0, size=300).round(-1)
    table = pd.DataFrame({"grams": grams, "pieces": grams.astype(int)})
    table.loc[::9, "grams"] = np.nan
    model = TableMixture(1, smoothing=1.0, families="gaussian", random_state=0)
    drawn = model.fit(table).sample(5000)
    assert (drawn % 10 == 0).all(axis=None)
    # no heap at the bounds seen, where a gaussian goes on
    assert (drawn.max() > table.max()).all()
    assert ((drawn >= table.max()).mean() < 0.01).all()
    assert drawn["grams"].dtype == float
    half = model.sample_conditional(table.assign(pieces=np.nan))
    assert (half["grams"] % 10 == 0).all()


def test_two_values_are_a_histogram():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.random(300) < 0.2, np.full(300, 3)]).astype(int)
    assert set(TableMixture(1, random_state=0).fit(X).families_.values()) == {
        "histogram"
    }


@pytest.mark.parametrize("seed", range(3))
def test_columns_of_which_none_tells_of_another_get_one_component(seed):
    """Rows held out must not be praised by a smoothing that has seen them."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {"x": rng.random(500), "c": rng.choice(list("abcdefghij"), size=500)}
    )
    model = TableMixture(random_state=seed, identifiers=None).fit(table)
    assert model.n_components_ == 1
    grown = TableMixture(8, random_state=seed).fit(table)
    # fresh rows have entropy log(10); a tenth of a nat is five standard errors of 150
    assert -grown.trials_[0].held_out > np.log(10.0) - 0.1


def test_conditions_beyond_the_bounds_seen_are_kept():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "visits": rng.poisson(3, size=200),
            "day": pd.date_range("2020-01-01", periods=200),
            "kind": rng.choice(["a", "b"], size=200),
        }
    )
    model = TableMixture(2, random_state=0).fit(table)
    later = pd.Timestamp("2021-06-01")
    drawn = model.sample(5, conditions={"visits": 40, "day": later})
    assert set(drawn["visits"]) == {40}
    assert set(drawn["day"]) == {later}
    assert drawn.dtypes.equals(table.dtypes)
    with pytest.raises(TypeError, match="conditions must be a dict"):
        model.sample(5, conditions=["visits"])


@pytest.mark.parametrize("family", ["gamma", "auto"])
@pytest.mark.parametrize("unit", [1e300, 1e-300, "offset"])
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_values_of_any_size_fit(unit, family):
    X = np.random.default_rng(0).gamma(2.0, size=(200, 2))
    X[:, 0] = X[:, 0] + 1e8 if unit == "offset" else X[:, 0] * unit
    model = TableMixture(2, families={0: family}, random_state=0).fit(X)
    assert np.isfinite(model.score_samples(X)).all()
    drawn = model.sample(50)
    assert np.isfinite(drawn).all()
    # gamma's deviation is at least 1e-5 of its mean
    middle = np.median(drawn[:, 0]) / np.median(X[:, 0])
    assert 0.5 < middle < 2.0
