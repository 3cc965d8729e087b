"""Distances of mixed rows and exact neighbours, beside brute force in numpy."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from sklearn_gen.metrics import closest_record_distances, neighbor_distance_ratios
from sklearn_gen.metrics._distances import balls, embed, nearest
from sklearn_gen.metrics._tables import encode_tables
from tests.metrics.tables import mixed_table


def brute_force(columns, reference, X, Y):
    """Squared distances as the documentation says, cell by cell."""
    squared = np.zeros((len(X), len(Y)))
    for j, is_level in enumerate(columns.is_level):
        x, y = X[:, j][:, None], Y[:, j][None]
        both, either = np.isnan(x) & np.isnan(y), np.isnan(x) | np.isnan(y)
        if is_level:
            squared += np.where(both, 0.0, x != y)
            continue
        seen = reference[:, j][~np.isnan(reference[:, j])]
        scale = np.diff(np.quantile(seen, [0.05, 0.95]))[0]
        filled = [np.where(np.isnan(v), np.median(seen), v) for v in (x, y)]
        squared += ((filled[0] - filled[1]) / scale) ** 2 + (either & ~both)
    return squared


@pytest.fixture(scope="module")
def space():
    """Tables of more rows than a tile (256) and a task (2048) have."""
    tables = mixed_table(2500, 0, missing=0.1), mixed_table(700, 1, missing=0.1)
    columns, real, other = encode_tables("from_dtype", real=tables[0], other=tables[1])
    (x, y), n_numeric = embed(columns, real, real, other)
    return x, y, n_numeric, brute_force(columns, real, real, other)


def test_nearest_equals_brute_force(space):
    x, y, n_numeric, squared = space
    found, index = nearest(x, y, n_numeric, 4)
    np.testing.assert_allclose(found, np.sort(squared, axis=1)[:, :4], atol=1e-12)
    at_index = np.take_along_axis(squared, index, axis=1)
    np.testing.assert_allclose(at_index, found, atol=1e-12)


@pytest.mark.parametrize("unit", [1.0, 1e-25, 1e25, 1e150])
def test_nearest_of_heavy_tails_beyond_the_range_of_float32(unit):
    rng = np.random.default_rng(3)
    x, y = (unit * rng.standard_cauchy((n, 4)) ** 3 for n in (200, 500))
    y[:200:7] = x[::7]  # copies, at distance 0
    y[1:200:7] = x[1::7] * (1 + 1e-9)
    found, _ = nearest(x, y, 4, 2)
    with np.errstate(over="ignore"):
        squared = cdist(x, y, "sqeuclidean")
    np.testing.assert_allclose(found, np.sort(squared, axis=1)[:, :2], rtol=1e-12)
    radii = np.append(found[:, 1], np.sort(squared, axis=0)[1]) * (1 + 1e-12)
    counts, covered, reached = balls(x, y, 4, radii[:200], radii[200:])
    inside = squared <= radii[200:]
    np.testing.assert_array_equal(counts, inside.sum(axis=1))
    np.testing.assert_array_equal(covered, inside.any(axis=0))
    np.testing.assert_array_equal(reached, (squared <= radii[:200, None]).any(axis=0))


def test_nearest_where_float32_sees_no_difference():
    rng = np.random.default_rng(4)
    x, y = (1e7 + rng.normal(size=(n, 4)) for n in (200, 500))
    found, _ = nearest(x, y, 4, 3)
    squared = np.sort(cdist(x, y, "sqeuclidean"), axis=1)[:, :3]
    np.testing.assert_allclose(found, squared, rtol=1e-12)


def test_no_row_is_its_own_neighbour(space):
    x, _, n_numeric, _ = space
    found, index = nearest(x, x, n_numeric, 1, same=True)
    assert (index[:, 0] != np.arange(len(x))).all()
    some = slice(2040, 2060)  # at the border of two tasks
    columns = n_numeric
    squared = cdist(x[some, :columns], x[:, :columns], "sqeuclidean")
    codes = x[:, columns:]
    squared += (codes[some, None] != codes[None]).sum(axis=2)
    squared[np.arange(20), np.arange(2040, 2060)] = np.inf
    np.testing.assert_allclose(found[some, 0], squared.min(axis=1), atol=1e-12)


def test_of_equally_near_rows_the_first():
    points = np.zeros((600, 4))
    _, index = nearest(points[:3], points, 4, 2)
    assert index.tolist() == [[0, 1]] * 3
    _, index = nearest(points[:3], points, 4, 2, same=True)
    assert index.tolist() == [[1, 2], [0, 2], [0, 1]]


def test_too_few_rows_leave_infinity():
    squared, index = nearest(np.zeros((2, 4)), np.ones((1, 4)), 4, 2)
    assert squared.tolist() == [[4.0, np.inf]] * 2
    assert index.tolist() == [[0, -1]] * 2


def test_balls_equal_brute_force(space):
    x, y, n_numeric, squared = space
    rng = np.random.default_rng(0)
    # Radii that end exactly at a row: closed balls hold it.
    x_radii = squared[np.arange(len(x)), rng.integers(len(y), size=len(x))] * 0.2
    y_radii = np.sort(squared, axis=0)[3] + 1e-12
    counts, covered, reached = balls(x, y, n_numeric, x_radii, y_radii)
    np.testing.assert_array_equal(counts, (squared <= y_radii).sum(axis=1))
    np.testing.assert_array_equal(covered, (squared <= y_radii).any(axis=0))
    np.testing.assert_array_equal(reached, (squared <= x_radii[:, None]).any(axis=0))
    assert counts.sum() >= 4 * len(y)
    assert 0 < reached.sum() < len(y)


def test_a_pair_has_one_distance_whoever_asks(space):
    x, y, n_numeric, _ = space
    there = nearest(x[:300], y[:300], n_numeric, 300)
    back = nearest(y[:300], x[:300], n_numeric, 300)
    squared = np.zeros((2, 300, 300))
    for table, (values, index) in zip(squared, (there, back), strict=True):
        np.put_along_axis(table, index, values, axis=1)
    np.testing.assert_array_equal(squared[0], squared[1].T)


def test_same_bytes_for_any_number_of_threads(space):
    x, y, n_numeric, _ = space
    radii = np.ones(len(x)), np.ones(len(y))
    for function, arguments in (
        (nearest, (x, y, n_numeric, 3)),
        (balls, (x, y, n_numeric, *radii)),
    ):
        for one, two in zip(
            function(*arguments), function(*arguments, n_jobs=2), strict=True
        ):
            assert one.tobytes() == two.tobytes()


def test_distances_of_mixed_rows():
    real = mixed_table(200, 0)
    other = real.copy()
    other["job"] = "astronaut"  # no level of the real table: differs from all
    assert (closest_record_distances(real, real) == 0).all()
    np.testing.assert_array_equal(closest_record_distances(real, other), 1.0)
    other["works"] = ~other["works"]
    assert closest_record_distances(real, other).max() <= np.sqrt(2)


def test_units_do_not_count_and_constants_are_categories():
    rng = np.random.default_rng(0)
    real, other = rng.normal(size=(2, 100, 3))
    want = closest_record_distances(real, other)
    units = np.array([1e-8, 1.0, 1e8])
    np.testing.assert_allclose(
        closest_record_distances(real * units, other * units), want
    )
    real, other = (np.column_stack([x, np.ones(100)]) for x in (real, other))
    np.testing.assert_allclose(closest_record_distances(real, other), want)
    other[:, 3] = 1e6
    np.testing.assert_allclose(
        closest_record_distances(real, other), np.sqrt(want**2 + 1)
    )


def test_mostly_one_value_is_scaled_by_the_whole_range():
    real = np.zeros((100, 1))
    real[0] = 50.0
    assert closest_record_distances(real, [[25.0]]) == 0.5


def test_ratios():
    ratios = neighbor_distance_ratios([[0.0], [0.0], [2.0]], [[0.0], [1.0], [1.5]])
    np.testing.assert_allclose(ratios, [1.0, 1.0, 1 / 3])
