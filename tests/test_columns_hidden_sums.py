"""What a row tells of columns that it doesn't hold: against closed forms."""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from sklearn_gen._columns import FAMILIES, Layout, TableSchema
from sklearn_gen.constraints import FixedCombinations, Inequality, Sum

RNG = np.random.default_rng(0)


def layout_of(table, *constraints, **options):
    schema = TableSchema.from_table(table)
    return Layout.fit(schema, schema.encode(table), constraints, **options)


def family(name, values, resolution, **params):
    """A family of one column and components of known parameters."""
    made = FAMILIES[name].from_values(values, resolution=resolution)
    arrays = {key: np.array(value, dtype=float) for key, value in params.items()}
    return made, type(made).params_type(**arrays)


def test_masses_of_integers_and_their_gap_add_up():
    """Of a <= b: P(a), P(a, b) and P(b) = sum over a; all b together have mass 1."""
    a, gap = np.arange(6.0), np.arange(9.0)
    table = pd.DataFrame({"a": [0, 1, 5, 2], "b": [0, 3, 9, 7]})
    layout = layout_of(table, Inequality("a", "<=", "b"))
    families, params = zip(
        family("poisson", a, 1.0, mean=[1.0, 4.0]),
        family("poisson", gap, 1.0, mean=[2.0, 0.5]),
        strict=True,
    )
    b = np.arange(60.0)
    only_b = np.column_stack([np.full(60, np.nan), b])
    modelled = layout.forward(only_b)
    (hidden,) = modelled.hidden
    log_prob = hidden.log_prob(families, params)
    exact = stats.poisson.logpmf(b[hidden.rows, None], np.array([3.0, 4.5]))
    seen = exact > -60
    np.testing.assert_allclose(log_prob[seen], exact[seen], rtol=1e-9)
    np.testing.assert_allclose(np.exp(log_prob).sum(axis=0), 1.0, rtol=1e-9)
    drawn = hidden.draw(
        families, params, np.repeat([0, 1], 30), np.random.default_rng()
    )
    np.testing.assert_allclose(drawn.sum(axis=1), b)
    assert (drawn >= 0).all()


def test_draws_follow_the_conditional():
    table = pd.DataFrame({"a": [0, 1, 5, 2], "b": [0, 3, 9, 7]})
    layout = layout_of(table, Inequality("a", "<=", "b"))
    families, params = zip(
        family("poisson", np.arange(6.0), 1.0, mean=[1.0]),
        family("poisson", np.arange(9.0), 1.0, mean=[3.0]),
        strict=True,
    )
    n = 4000
    layout = layout.with_families(families)  # which may leave the bounds seen
    (hidden,) = layout.forward(np.tile([np.nan, 8.0], (n, 1))).hidden
    drawn = hidden.draw(families, params, np.zeros(n, int), np.random.default_rng(0))
    counts = np.bincount(drawn[:, 0].astype(int), minlength=9)
    expected = n * stats.binom.pmf(np.arange(9), 8, 0.25)
    few = expected < 5
    counts = np.r_[counts[~few], counts[few].sum()]
    expected = np.r_[expected[~few], expected[few].sum()]
    assert stats.chisquare(counts, expected).pvalue > 1e-5


def density_of_upper_end(x, mean, scale, shape, width):
    def given_share(q):
        return stats.norm.pdf(x - stats.gamma.ppf(q, shape, scale=width), mean, scale)

    points = [1e-6, 0.01, 0.5, 0.99, 1 - 1e-6]
    return integrate.quad(given_share, 0, 1, limit=500, epsabs=1e-12, points=points)[0]


def test_density_of_an_upper_end_alone():
    """Two components: normal ends, gaps of gamma; against adaptive quadrature."""
    low = RNG.normal(size=50)
    gap = RNG.gamma(0.7, size=50)
    table = pd.DataFrame({"low": low, "high": low + gap})
    layout = layout_of(table, Inequality("low", "<", "high"))
    families, params = zip(
        family("gaussian", low, 0.0, mean=[0.0, -3.0], scale=[1.0, 0.2]),
        family("gamma", gap, 0.0, shape=[0.7, 4.0], mean=[0.7, 2.0]),
        strict=True,
    )
    high = np.linspace(-2.0, 4.0, 7)
    encoded = np.column_stack([np.full(7, np.nan), high])
    (hidden,) = layout.forward(encoded).hidden
    log_prob = hidden.log_prob(families, params)
    for k, (mean, scale, shape, width) in enumerate(
        [(0.0, 1.0, 0.7, 1.0), (-3.0, 0.2, 4.0, 0.5)]
    ):
        for i, x in enumerate(high):
            exact = density_of_upper_end(x, mean, scale, shape, width)
            if exact > 1e-8:
                assert log_prob[i, k] == pytest.approx(np.log(exact), abs=0.01)
    only_low = layout.forward(np.column_stack([high, np.full(7, np.nan)]))
    np.testing.assert_array_equal(only_low.values[:, 0], high)
    assert not only_low.hidden  # nothing is known of the gap


def test_density_of_a_total_alone():
    """Three normal parts: one, two or three are missing."""
    parts = RNG.normal(size=(40, 3))
    table = pd.DataFrame(parts, columns=list("abc")).assign(total=parts.sum(axis=1))
    layout = layout_of(table, Sum(["a", "b", "c"], "total"))
    means, scales = [0.0, 1.0, -2.0], [1.0, 0.5, 2.0]
    families, params = zip(
        *(
            family("gaussian", x, 0.0, mean=[m], scale=[s])
            for x, m, s in zip(parts.T, means, scales, strict=True)
        ),
        strict=True,
    )
    for n_seen in (0, 1):
        cells = np.full((5, 4), np.nan)
        cells[:, 3] = np.linspace(-3, 3, 5)
        cells[:, :n_seen] = 0.3
        (hidden,) = layout.forward(cells).hidden
        mean, scale = sum(means[n_seen:]), np.linalg.norm(scales[n_seen:])
        expected = stats.norm.logpdf(cells[:, 3] - 0.3 * n_seen, mean, scale)
        log_prob = hidden.log_prob(families, params)[:, 0]
        np.testing.assert_allclose(log_prob, expected, atol=0.02)
        drawn = hidden.draw(
            families, params, np.zeros(5, int), np.random.default_rng(0)
        )
        np.testing.assert_allclose(drawn.sum(axis=1), cells[:, 3] - 0.3 * n_seen)


def test_chains_of_inequalities():
    """a <= b <= c, where what lies between is missing, and a <= c, b <= c."""
    rows = np.sort(RNG.integers(0, 9, (60, 3)), axis=1)
    table = pd.DataFrame(rows, columns=list("abc"))
    chain = [Inequality("a", "<=", "b"), Inequality("c", ">=", "b")]
    layout = layout_of(table, *chain)
    families, params = zip(
        *(family("poisson", np.arange(9.0), 1.0, mean=[r]) for r in (1.0, 2.0, 0.5)),
        strict=True,
    )
    (hidden,) = layout.forward(np.array([[np.nan, np.nan, 4.0]])).hidden
    log_prob = hidden.log_prob(families, params)[0, 0]
    assert log_prob == pytest.approx(stats.poisson.logpmf(4, 3.5), abs=0.05)
    (hidden,) = layout.forward(np.array([[1.0, np.nan, 4.0]])).hidden
    log_prob = hidden.log_prob(families, params)[0, 0]
    assert log_prob == pytest.approx(stats.poisson.logpmf(3, 2.5), abs=1e-6)
    under = [Inequality("a", "<=", "c"), Inequality("b", "<=", "c")]
    for constraints in (chain, under):
        layout = layout_of(table, *constraints)
        modelled = layout.forward(rows.astype(float))
        np.testing.assert_array_equal(layout.inverse(modelled.values), rows)
        drawn = layout.inverse(RNG.normal(scale=20, size=(500, 3))).T
        for constraint in constraints:
            lower, upper = ("abc".index(name) for name in constraint.columns)
            assert (drawn[lower] <= drawn[upper]).all()
    # both ends of one column: c = a + gap, and b = c - gap
    cells = np.array([[np.nan, 2.0, 5.0]])
    (hidden,) = layout.forward(cells).hidden
    assert (hidden.free, hidden.solved) == ((0,), (2,))
    assert layout.forward(cells).values[0, 1] == 3.0


def test_numbers_with_and_without_a_grid():
    """A total of a count and a real; a whole number strictly above a real one."""
    count, real = RNG.poisson(2.0, 60), RNG.normal(size=60)
    table = pd.DataFrame({"k": count, "x": real, "total": count + real})
    layout = layout_of(table, Sum(["k", "x"], "total"))
    poisson = family("poisson", count.astype(float), 1.0, mean=[2.0])
    normal = family("gaussian", real, 0.0, mean=[0.0], scale=[0.3])
    cells = np.array([[np.nan, np.nan, 2.7]])
    (hidden,) = layout.forward(cells).hidden
    k = np.arange(30)
    both = stats.poisson.pmf(k, 2.0) * stats.norm.pdf(2.7 - k, 0.0, 0.3)
    families, params = zip(poisson, normal, strict=True)
    log_prob = hidden.log_prob(families, params)
    assert log_prob[0, 0] == pytest.approx(np.log(both.sum()), abs=1e-9)

    above = np.floor(real) + 1 + count
    table = pd.DataFrame({"x": real, "k": above.astype(int)})
    layout = layout_of(table, Inequality("x", "<", "k"))
    gap = layout.columns[1]
    assert (gap.resolution, gap.grid) == (1.0, 0.0)
    values = layout.forward(layout.schema.encode(table)).values
    drawn = layout.schema.decode(layout.inverse(values))
    pd.testing.assert_frame_equal(drawn, table)
    values = np.column_stack([RNG.integers(-2, 3, 500), RNG.normal(size=500)])
    drawn = layout.schema.decode(layout.inverse(values.astype(float)))
    assert (drawn["x"] < drawn["k"]).all()


def test_partial_combinations():
    table = pd.DataFrame({"x": list("aabbc"), "y": list("uvuvu"), "z": range(5)})
    layout = layout_of(table, FixedCombinations(["x", "y"]), left_out=[2])
    assert [column.name for column in layout.columns] == ["x × y"]
    cells = np.array(
        [[0, 1, 0], [2, np.nan, 0], [np.nan, 0, 0], [2, 1, 0], [np.nan] * 3, [3, 0, 0]]
    )
    modelled = layout.forward(cells)
    np.testing.assert_array_equal(
        modelled.values[:, 0], [1, np.nan, np.nan, np.nan, np.nan, np.nan]
    )
    np.testing.assert_array_equal(modelled.violated, [-1, -1, -1, 0, -1, 0])
    (partial,) = modelled.partial
    np.testing.assert_array_equal(partial.rows, [1, 2])
    log_levels = np.log([[0.1, 0.3], [0.2, 0.3], [0.3, 0.2], [0.3, 0.1], [0.1, 0.1]])
    log_prob = partial.log_prob(log_levels)
    np.testing.assert_allclose(np.exp(log_prob), [[0.1, 0.1], [0.5, 0.6]])
    drawn = partial.draw(log_levels, np.array([0, 1]), np.random.default_rng(0))
    assert drawn[0] == 4.0
    assert drawn[1] in (0.0, 2.0, 4.0)
