"""Columns that are tables: levels, booleans, histograms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from sklearn_gen._columns import UNSEEN_MASS, family_for
from sklearn_gen._columns._tabulated import TableParams

# False alarms of the tests of draws, which have fixed seeds: one seed in a thousand.
ALPHA = 1e-3


def spiky(n=4000, seed=0):
    """Like capital gains: nine in ten nothing, a few amounts, a long tail."""
    rng = np.random.default_rng(seed)
    amounts = rng.choice([7298.0, 7688.0, 15024.0, 99999.0], n, p=[0.4, 0.3, 0.2, 0.1])
    tail = np.round(rng.lognormal(8, 1, n))
    kind = rng.choice(3, n, p=[0.9, 0.07, 0.03])
    return np.choose(kind, [np.zeros(n), amounts, tail])


def rounded(n=500, seed=0):
    return np.round(np.random.default_rng(seed).normal(3, 2, n), 1)


COLUMNS = {
    "spiky": (spiky(), 1.0),
    "tenths": (rounded(), 0.1),
    "hours": (np.random.default_rng(1).choice([35.0, 40, 40, 40, 50, 12], 300), 1.0),
    "ages": (np.random.default_rng(2).integers(17, 90, 2000).astype(float), 1.0),
    "constant": (np.full(50, 7.0), 1.0),
    "one value": (np.array([3.5]), 0.5),
    "smooth": (np.random.default_rng(3).gamma(2, size=700), 0.0),
    "ties": (np.random.default_rng(4).normal(size=60)[[*range(60)] * 3], 0.0),
    "two": (np.array([0.0, 1.0]), 0.0),
    "two groups": (np.r_[rounded(), 50 + 3 * rounded(300, 1)], 0.1),
    "far groups": (
        np.random.default_rng(7).normal([0, 50, 51], size=(300, 3)).T.ravel(),
        0.0,
    ),
    "tiny": (1e-8 * np.random.default_rng(5).normal(size=90), 0.0),
    "huge": (1e8 + np.random.default_rng(6).normal(size=90), 0.0),
}
by_name = pytest.mark.parametrize("name", COLUMNS)


def histogram(name, n_components=3):
    """A histogram of a column and parameters of components unlike one another."""
    x, resolution = COLUMNS[name]
    family = family_for("histogram", x, None, resolution)
    rng = np.random.default_rng(0)
    resp = rng.dirichlet(np.full(n_components, 0.5), len(x))
    return family, family.m_step(family.stats(x, resp), family.prior(0.1))


def cells_of(family, extra=0):
    """All cells of the grid between the outermost edges, and some beyond."""
    width = family.resolution
    n_cells = round((family.edges[-1] - family.edges[0]) / width)
    return family.edges[0] + width * (np.arange(-extra, n_cells + extra) + 0.5)


@by_name
def test_masses_sum_to_one(name):
    family, params = histogram(name)
    if family.resolution > 0:
        cells = cells_of(family)
        inside = np.exp(family.log_prob(cells, params)).sum(axis=0)
        beyond = np.arange(1, 12 * len(cells) + 1) * family.resolution
        below = np.exp(family.log_prob(cells[0] - beyond, params)).sum(axis=0)
        above = np.exp(family.log_prob(cells[-1] + beyond, params)).sum(axis=0)
        tolerance = 1e-10
    else:
        low, high = family.edges[0], family.edges[-1]
        widths = np.diff(family.edges)
        middle = (family.edges[1:] + family.edges[:-1]) / 2
        inside = widths @ np.exp(family.log_prob(middle, params))
        span = high - low

        def density(x):
            return np.exp(family.log_prob(np.array([x]), params))[0, 0]

        below = quad(density, low - 12 * span, low)[0]
        above = quad(density, np.nextafter(high, np.inf), high + 12 * span)[0]
        tolerance = 1e-9
    np.testing.assert_allclose(inside, 1 - UNSEEN_MASS, atol=tolerance)
    np.testing.assert_allclose(below, UNSEEN_MASS / 2, rtol=0.05)
    np.testing.assert_allclose(above, UNSEEN_MASS / 2, rtol=0.05)


@by_name
def test_cdf_sums_masses(name):
    family, params = histogram(name)
    if family.resolution > 0:
        cells = cells_of(family)
        masses = np.exp(family.log_prob(cells, params))
        below = UNSEEN_MASS / 2 + np.cumsum(masses, axis=0)
        np.testing.assert_allclose(family.cdf(cells, params), below, atol=1e-9)
        off = cells + 0.4 * family.resolution  # still in the cell, and still below
        assert (
            np.diff(family.cdf(np.sort(np.r_[cells, off]), params), axis=0) >= 0
        ).all()
    else:
        x = np.linspace(family.edges[0], family.edges[-1], 201)
        slopes = np.diff(family.cdf(x, params), axis=0) / np.diff(x)[:, None]
        same = family.code(x[1:]) == family.code(x[:-1])
        density = np.exp(family.log_prob((x[1:] + x[:-1]) / 2, params))
        np.testing.assert_allclose(slopes[same], density[same], rtol=1e-4)
    far = np.array([-1e300, 1e300])
    np.testing.assert_allclose(family.cdf(far, params), [[0] * 3, [1] * 3], atol=1e-12)


@by_name
def test_ppf_inverts_cdf(name):
    family, params = histogram(name)
    q = np.linspace(1e-5, 1 - 1e-5, 199)
    for k in range(3):
        component = np.full(len(q), k)
        x = family.ppf(q, params, component)
        if family.resolution == 0:
            np.testing.assert_allclose(family.cdf(x, params)[:, k], q, atol=1e-9)
            continue
        # the smallest value of which the cdf reaches q
        assert (family.cdf(x, params)[:, k] >= q - 1e-9).all()
        assert (family.cdf(x - family.resolution, params)[:, k] < q + 1e-9).all()
    ends = family.ppf(np.array([0.0, 1.0]), params, np.zeros(2, int))
    assert np.isfinite(ends).all()
    assert ends[0] <= ends[1]


@by_name
def test_draws_follow(name):
    family, params = histogram(name)
    rng = np.random.default_rng(7)
    for k in range(3):
        x = family.draw(params, np.full(4000, k), rng)
        if family.resolution == 0:
            assert stats.kstest(family.cdf(x, params)[:, k], "uniform").pvalue > ALPHA
            continue
        cells = cells_of(family)
        expected = 4000 * np.exp(family.log_prob(cells, params))[:, k]
        place = np.rint((x - cells[0]) / family.resolution).astype(int)
        np.testing.assert_allclose(cells[place], x, rtol=1e-12, atol=1e-9)
        counts = np.bincount(place, minlength=len(cells))
        often = expected > 5
        counts = np.r_[counts[often], counts[~often].sum()]
        expected = np.r_[expected[often], expected[~often].sum()]
        if expected[-1] < 5 and len(expected) > 1:  # join what is rare to another
            counts = np.r_[counts[:-2], counts[-2:].sum()]
            expected = np.r_[expected[:-2], expected[-2:].sum()]
        if len(counts) == 1:
            assert counts[0] == 4000
            continue
        expected *= counts.sum() / expected.sum()
        assert stats.chisquare(counts, expected).pvalue > ALPHA


@by_name
def test_draws_of_several_components_at_once(name):
    family, params = histogram(name)
    component = np.random.default_rng(0).integers(3, size=3000)
    x = family.draw(params, component, np.random.default_rng(1))
    for k in range(3):
        own = x[component == k]
        middle = family.ppf(np.array([0.5]), params, np.array([k]))[0]
        share = family.cdf(np.array([middle]), params)[0, k]
        below = stats.binomtest(int((own <= middle).sum()), len(own), min(share, 1))
        assert below.pvalue > ALPHA


@by_name
def test_mean(name):
    family, params = histogram(name)
    if family.resolution > 0:
        cells = cells_of(family)
        masses = np.exp(family.log_prob(cells, params))
        mean = cells @ masses / masses.sum(axis=0)
    else:
        q = (np.arange(20000) + 0.5) / 20000
        mean = [family.ppf(q, params, np.full(len(q), k)).mean() for k in range(3)]
    spread = max(np.ptp(COLUMNS[name][0]), 1e-300)
    np.testing.assert_allclose(family.mean(params) / spread, mean / spread, atol=2e-4)


def test_a_frequent_value_has_a_bin_of_its_own():
    family, params = histogram("spiky", 1)
    x, _ = COLUMNS["spiky"]
    scores = np.exp(family.log_prob(np.array([0.0, 7298.0, 99999.0]), params))[:, 0]
    shares = [np.mean(x == value) for value in (0.0, 7298.0, 99999.0)]
    np.testing.assert_allclose(scores[:2], shares[:2], rtol=0.02)
    # too rare for that, but a repeat in a bin of values that came once
    assert 0.9 * shares[2] < scores[2] < shares[2]


@by_name
def test_the_most_probable_value(name):
    family, params = histogram(name)
    if family.resolution == 0:
        grid = (family.edges[1:] + family.edges[:-1]) / 2
    else:
        grid = cells_of(family)
    mass = np.exp(family.log_prob(grid, params))
    share = np.exp(params.log_p + family.peaks[:, None])
    np.testing.assert_allclose(share.max(axis=0), mass.max(axis=0), rtol=1e-9)
    at = family.typical(share.argmax(axis=0))
    best = np.exp(family.log_prob(at, params)).diagonal()
    np.testing.assert_allclose(best, mass.max(axis=0), rtol=1e-9)


@pytest.mark.parametrize(("name", "gap"), [("two groups", 0.8), ("far groups", 0.9)])
def test_gaps_between_groups_stay_empty(name, gap):
    family, params = histogram(name, 1)
    x = np.sort(COLUMNS[name][0])
    at = np.diff(x).argmax()
    low, high = x[at : at + 2]
    drawn = family.draw(params, np.zeros(20_000, int), np.random.default_rng(0))
    middle = (low + high) / 2 + gap * (high - low) * np.array([-0.5, 0.5])
    assert ((drawn > middle[0]) & (drawn < middle[1])).mean() < 2e-3
    inside = np.array([low, (low + high) / 2, high])
    scores = family.log_prob(inside, params)[:, 0]
    assert scores[1] < min(scores[0], scores[2]) - 4
    assert np.isfinite(scores).all()


def test_lonely_values_have_no_bin_of_their_own():
    x = np.sort(np.r_[np.random.default_rng(0).normal(size=500), 40.0, 90.0])
    family = family_for("histogram", x, None, 0.0)
    counts = np.bincount(family.code(x), minlength=len(family.edges) - 1)
    assert counts.min() >= 3
    family = family_for("histogram", x[100:107], None, 0.0)
    assert np.bincount(family.code(x[100:107])).max() < 4


def test_a_value_that_came_once_is_like_its_neighbours():
    """Nothing tells who was in the table: values of one row score as those of none."""
    x = spiky()
    values, counts = np.unique(x, return_counts=True)
    family = family_for("histogram", x, None, 1.0)
    params = family.m_step(family.stats(x, np.ones((len(x), 1))), family.prior(1.0))
    once = values[counts == 1]
    others = np.setdiff1d(np.arange(2000.0, 9000.0), values)
    bins_of_once = family.code(once)
    same = 0
    for other in others:
        peers = once[bins_of_once == family.code(np.array([other]))[0]]
        if len(peers):
            both = family.log_prob(np.r_[other, peers], params)[:, 0]
            np.testing.assert_allclose(both, both[0], rtol=1e-12)
            same += 1
    assert same > 1000
    assert len(once) > 50


@by_name
def test_values_never_seen_are_finite(name):
    family, params = histogram(name)
    x = np.array([-1e12, -1.0, 0.25, 1e12])
    scores = family.log_prob(x, params)
    assert np.isfinite(scores).all()
    low, high = family.edges[[0, -1]]
    span = high - low
    further = family.log_prob(high + span * np.array([1.0, 2.0, 3.0]), params)
    np.testing.assert_allclose(np.diff(further, axis=0), -1.0, rtol=1e-6)


def test_gaps_begin_at_their_lower_bound():
    x = np.random.default_rng(0).exponential(size=300)
    edges = family_for("histogram", x, None, 0.0).edges
    assert family_for("histogram", x, None, 0.0, lower=0.0).edges[0] == max(0, edges[0])
    x[0] = 1e-9
    family = family_for("histogram", x, None, 0.0, lower=0.0)
    params = family.m_step(family.stats(x, np.ones((300, 1))))
    drawn = family.draw(params, np.zeros(5000, int), np.random.default_rng(0))
    assert drawn.min() >= 0.0
    assert np.isfinite(family.log_prob(x, params)).all()


@pytest.mark.parametrize("resolution", [0.0, 1.0])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_weights_are_repeats(resolution, data):
    size = data.draw(st.integers(1, 25))
    number = st.integers(-20, 20) if resolution else st.floats(-9, 9, width=16)
    x = np.array(data.draw(st.lists(number, min_size=size, max_size=size)), float)
    weights = data.draw(st.lists(st.integers(0, 4), min_size=size, max_size=size))
    weights = np.array([*weights[:-1], 1])
    some = weights > 0
    repeated = np.repeat(x, weights)
    new = np.linspace(-30, 30, 41)
    names = ["histogram", "categorical"] if resolution else ["histogram"]
    for name in names:
        if name == "categorical":
            x, repeated, new = np.abs(x), np.abs(repeated), np.abs(np.rint(new))
        one = family_for(name, x[some], weights[some].astype(float), resolution)
        other = family_for(name, repeated, None, resolution)
        fits = []
        for family, values, w in ((one, x, weights), (other, repeated, None)):
            resp = np.ones((len(values), 1)) if w is None else w[:, None].astype(float)
            fits.append(family.m_step(family.stats(values, resp), family.prior(0.5)))
        np.testing.assert_allclose(
            one.log_prob(new, fits[0]), other.log_prob(new, fits[1]), rtol=1e-9
        )


# Levels


def levels():
    rng = np.random.default_rng(0)
    x = rng.choice(5, 400, p=[0.5, 0.3, 0.1, 0.1, 0.0]).astype(float)
    family = family_for("categorical", x, None, 1.0, n_levels=5)
    resp = rng.dirichlet(np.ones(2), 400)
    return x, resp, family


def test_categorical_is_relative_counts():
    x, resp, family = levels()
    params = family.m_step(family.stats(x, resp))
    mass = np.exp(family.log_prob(np.arange(5.0), params))
    want = np.array([resp[x == level].sum(axis=0) for level in range(5)])
    want /= want.sum(axis=0)
    np.testing.assert_allclose(mass, want * (1 - UNSEEN_MASS), atol=1e-12)
    new = np.exp(family.log_prob(np.array([5.0]), params))[0]
    np.testing.assert_allclose(mass.sum(axis=0) + new, 1.0, atol=1e-12)
    np.testing.assert_allclose(new, UNSEEN_MASS)
    assert family.n_parameters == 4
    # smoothed: the column's own shares, in which a declared level is a little possible
    params = family.m_step(family.stats(x, resp), family.prior(2.0))
    overall = np.bincount(x.astype(int), minlength=5) / 400
    want = np.array([resp[x == level].sum(axis=0) for level in range(5)])
    want = (want + 2.0 * overall[:, None]) / (resp.sum(axis=0) + 2.0)
    mass = np.exp(family.log_prob(np.arange(5.0), params))
    np.testing.assert_allclose(mass, want, atol=3e-6)
    assert (mass[4] > 0).all()


def test_categorical_cdf_ppf_and_draws():
    x, resp, family = levels()
    params = family.m_step(family.stats(x, resp), family.prior(1.0))
    grid = np.arange(5.0)
    below = np.cumsum(np.exp(family.log_prob(grid, params)), axis=0)
    np.testing.assert_allclose(family.cdf(grid, params), below, atol=1e-12)
    q = np.linspace(0.01, 0.99, 99)
    for k in (0, 1):
        want = (below[:, k] < q[:, None]).sum(axis=1)
        got = family.ppf(q, params, np.full(len(q), k))
        np.testing.assert_array_equal(got, np.minimum(want, 4))
        drawn = family.draw(params, np.full(3000, k), np.random.default_rng(k))
        counts = np.bincount(drawn.astype(int), minlength=5)[:4]
        expected = np.exp(family.log_prob(grid[:4], params))[:, k]
        expected *= counts.sum() / expected.sum()
        assert stats.chisquare(counts, expected).pvalue > ALPHA


def test_components_without_rows_are_the_whole_column():
    x, resp, family = levels()
    resp = np.column_stack([resp[:, 0], np.zeros(400)])
    params = family.m_step(family.stats(x, resp))
    overall = np.bincount(x.astype(int), minlength=5) / 400
    np.testing.assert_allclose(np.exp(params.log_p[:5, 1]), overall, atol=1e-5)
    with np.errstate(all="raise"):
        h, _ = histogram("ages")
        params = h.m_step(np.zeros((h.n_codes, 2)))
    assert np.isfinite(params.log_p).all()


def test_bernoulli():
    x = np.array([0.0, 1, 1, 1])
    family = family_for("bernoulli", x, None, 1.0)
    params = family.m_step(family.stats(x, np.ones((4, 1))))
    np.testing.assert_allclose(np.exp(params.log_p[:, 0]), [0.25, 0.75])
    np.testing.assert_allclose(family.mean(params), 0.75)
    scores = family.log_prob(np.array([0.0, 1.0, 2.0, 0.5, -1.0]), params)[:, 0]
    np.testing.assert_allclose(np.exp(scores), [0.25, 0.75, 0, 0, 0])
    np.testing.assert_allclose(family.cdf(x, params)[:, 0], [0.25, 1, 1, 1])
    ppf = family.ppf(np.array([0.2, 0.3]), params, np.zeros(2, int))
    np.testing.assert_array_equal(ppf, [0, 1])
    drawn = family.draw(params, np.zeros(2000, int), np.random.default_rng(0))
    assert stats.binomtest(int(drawn.sum()), 2000, 0.75).pvalue > ALPHA
    assert family.n_parameters == 1
    with pytest.raises(ValueError, match="zeros and ones, got 2"):
        family_for("bernoulli", np.array([0.0, 2.0]))


def test_impossible_components_are_never_drawn():
    family = family_for("bernoulli", np.array([0.0, 1.0]))
    params = TableParams(np.log(np.array([[1.0, 1e-300], [1e-300, 1.0]])))
    component = np.tile([0, 1], 5000)
    drawn = family.draw(params, component, np.random.default_rng(0))
    np.testing.assert_array_equal(drawn, component)
