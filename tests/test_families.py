"""Column families score, invert and draw as their definitions say."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, special, stats

from sklearn_gen._columns._families import family_for
from sklearn_gen._columns._families_continuous import GammaParams, StudentTParams
from sklearn_gen._columns._families_normal import Normal
from tests.family_cases import CASES, CONTINUOUS, by_name, described, mass_of

# What is scored


@by_name(CASES)
def test_log_prob_is_scipys(case):
    family, x = described(case)
    x = np.concatenate([x, case.peers[1].rvs(100, random_state=1)])
    attribute = "logpmf" if case.counts else "logpdf"
    expected = np.stack([getattr(p, attribute)(x) for p in case.peers], axis=1)
    assert_allclose(family.log_prob(x, case.params), expected, rtol=1e-9, atol=1e-9)


@by_name(CONTINUOUS)
@pytest.mark.parametrize("resolution", [1.0, 0.01])
def test_log_mass_is_the_difference_of_cdfs(case, resolution):
    family, x = described(case, resolution)
    expected = mass_of(case, x, resolution)
    got = family.log_prob(x, case.params)
    near = expected > -30  # the reference's own digits
    assert near.sum() > 300
    assert_allclose(got[near], expected[near], rtol=1e-7, atol=1e-7)


@by_name(CONTINUOUS)
@pytest.mark.parametrize("resolution", [1.0, 0.25])
def test_cells_hold_all_mass(case, resolution):
    family, _ = described(case, resolution)
    grid = resolution * np.arange(-40_000, 160_000)
    if case.name in ("lognormal", "gamma"):
        grid = grid[grid >= 0]
    total = np.exp(family.log_prob(grid, case.params)).sum(axis=0)
    outside = np.array(
        [
            1 - p.cdf(grid[-1] + resolution / 2) + p.cdf(grid[0] - resolution / 2)
            for p in case.peers
        ]
    )
    assert_allclose(total + outside, 1.0, rtol=1e-9)


@by_name([case for case in CASES if case.counts])
def test_counts_hold_all_mass(case):
    family, _ = described(case)
    total = np.exp(family.log_prob(np.arange(2000.0), case.params)).sum(axis=0)
    assert_allclose(total, 1.0, rtol=1e-10)
    assert np.all(family.log_prob(np.array([-1.0, 0.5]), case.params) == -np.inf)


@by_name(CONTINUOUS)
def test_density_integrates_to_one(case):
    family, _ = described(case)
    for k, peer in enumerate(case.peers):
        points = peer.ppf([1e-6, 0.01, 0.2, 0.5, 0.8, 0.99, 1 - 1e-6])
        total = 2e-6 + sum(
            integrate.quad(
                lambda v, k=k: np.exp(family.log_prob(np.array([v]), case.params))[
                    0, k
                ],
                low,
                high,
            )[0]
            for low, high in itertools.pairwise(points)
        )
        assert_allclose(total, 1.0, rtol=1e-6)


@by_name(CONTINUOUS)
@pytest.mark.parametrize("resolution", [1.0, 1e-3])
def test_masses_are_finite_wherever_the_density_is_positive(case, resolution):
    family, _ = described(case, resolution)
    x = resolution * np.array([0, 1, 50, 1e3, 1e5, 1e7, 1e9])
    if case.name not in ("lognormal", "gamma"):
        x = np.concatenate([-x[::-1], x])
    log_mass = family.log_prob(x, case.params)
    assert np.isfinite(log_mass).all()
    # far out masses fall
    assert np.all(np.diff(log_mass[-4:], axis=0) < 0)


@pytest.mark.parametrize("x", [0.9, 2.0, 20.0, -15.0])
@pytest.mark.parametrize("name", ["student_t", "gamma"])
def test_cells_of_any_width_hold_the_integral_of_the_density(name, x):
    # Where a series takes over from cdfs, neither knows more than the other.
    params = {
        "gamma": GammaParams(np.array([0.4, 1.0, 3.0, 50.0]), np.full(4, abs(x))),
        "student_t": StudentTParams(
            np.zeros(4), np.array([0.5, 1, 4, 9]), np.array([1, 3, 9, 200.0])
        ),
    }[name]
    x = np.array([abs(x) if name == "gamma" else x])
    density = family_for(name, np.arange(1.0, 9.0))
    nodes, weights = np.polynomial.legendre.leggauss(40)
    for width in np.geomspace(1e-5, 1.0, 60):
        family = family_for(name, np.arange(1.0, 9.0), resolution=width)
        log_pdf = density.log_prob(x + 0.5 * width * nodes, params)
        expected = np.log(0.5 * width * weights @ np.exp(log_pdf))
        assert_allclose(family.log_prob(x, params)[0], expected, rtol=0, atol=3e-10)


def test_far_cells_agree_with_the_asymptote():
    family = family_for("gaussian", np.arange(5.0), resolution=1.0)
    params = Normal(np.array([0.0]), np.array([0.25]))
    # Mills' ratio: log Q(t) = -t^2 / 2 - log(t sqrt(2 pi)) + log(1 - 1 / t^2 + ...)
    t = (100 - 0.5) / 0.25
    expected = -t * t / 2 - np.log(t * np.sqrt(2 * np.pi)) + np.log1p(-(t**-2))
    for x in (100.0, -100.0):
        assert_allclose(
            family.log_prob(np.array([x]), params)[0, 0], expected, rtol=1e-12
        )
    gamma = family_for("gamma", np.arange(1.0, 5.0), resolution=1.0)
    params = GammaParams(np.array([3.0]), np.array([1.0]))
    y = 3 * 399.5  # sf of a whole shape: exp(-y) sum y^j / j!
    expected = -y + np.log(1 + y + y * y / 2) + np.log1p(-np.exp(-3.0))
    assert_allclose(
        gamma.log_prob(np.array([400.0]), params)[0, 0], expected, rtol=1e-5
    )


@pytest.mark.parametrize("name", ["gaussian", "student_t", "lognormal", "gamma"])
@pytest.mark.parametrize("scale", [1e300, 1e8, 1.0, 1e-8, 1e-300])
def test_units_cancel(name, scale):
    rng = np.random.default_rng(0)
    x = rng.gamma(3.0, size=300)
    resp = rng.dirichlet([1, 1], size=300)
    one, other = family_for(name, x), family_for(name, scale * x)
    a = one.m_step(one.stats(x, resp))
    b = other.m_step(other.stats(scale * x, resp))
    assert_allclose(
        other.log_prob(scale * x, b),
        one.log_prob(x, a) - np.log(scale),
        rtol=1e-7,
        atol=1e-7,
    )


@pytest.mark.parametrize("name", ["gaussian", "student_t", "lognormal", "gamma"])
def test_tight_cluster_far_from_the_centre(name):
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [1e6 + 1e4 * rng.standard_normal(500), 2e6 + rng.normal(size=500)]
    )
    resp = np.repeat(np.eye(2), 500, axis=0)
    family = family_for(name, x)
    params = None
    for _ in range(50 if name == "student_t" else 1):
        params = family.m_step(family.stats(x, resp, params), previous=params)
    floor = 1e-3 * np.std(x)
    expected = stats.norm(2e6, floor).logpdf(2e6)
    got = family.log_prob(np.array([2e6]), params)[0, 1]
    assert abs(got - expected) < 1.5


# Distribution functions and draws


@by_name(CASES)
def test_cdf_is_scipys(case):
    family, x = described(case)
    x = np.concatenate([x, x + 0.3])
    expected = np.stack([p.cdf(x) for p in case.peers], axis=1)
    assert_allclose(family.cdf(x, case.params), expected, rtol=1e-9, atol=1e-14)


@by_name(CASES)
def test_sf_and_normal_scores_in_both_tails(case):
    family, _ = described(case)
    x = np.concatenate([p.ppf([1e-12, 0.1, 0.5]) for p in case.peers])
    x = np.append(x, [p.isf([0.1, 1e-12, 1e-40]) for p in case.peers])
    expected = np.stack([p.sf(x) for p in case.peers], axis=1)
    assert_allclose(family.sf(x, case.params), expected, rtol=1e-8, atol=1e-300)
    z = family.normal_scores(x, case.params)
    seen = (expected > 1e-290) & (np.abs(z) < 37)
    assert_allclose(special.ndtr(-z)[seen], expected[seen], rtol=1e-7)


@by_name(CONTINUOUS)
def test_normal_scores_lead_back(case):
    family, _ = described(case)
    params = type(case.params)(*(field[:1] for field in case.params))
    z = np.linspace(-7, 7, 31)
    x = family.from_normal(z, params)
    assert_allclose(family.normal_scores(x, params)[:, 0], z, atol=1e-6)
    assert np.isfinite(family.from_normal(np.array([-60.0, 60.0]), params)).all()


@by_name(CASES)
def test_ppf_inverts_cdf(case):
    family, _ = described(case)
    q = np.random.default_rng(0).uniform(0.001, 0.999, 200)
    component = np.arange(200) % 2
    x = family.ppf(q, case.params, component)
    expected = np.where(component, case.peers[1].ppf(q), case.peers[0].ppf(q))
    assert_allclose(x, expected, rtol=1e-8)


@by_name(CONTINUOUS)
def test_ppf_on_a_grid_is_the_smallest_value_reaching_q(case):
    family, _ = described(case, 0.1)
    q = np.random.default_rng(0).uniform(0.001, 0.999, 200)
    zeros = np.zeros(200, dtype=int)
    x = family.ppf(q, case.params, zeros)
    assert_allclose(x, np.round(x, 1), atol=0)  # 0.3, not 0.30000000000000004
    assert np.all(family.cdf(x, case.params)[:, 0] >= q - 1e-12)
    assert np.all(family.cdf(x - 0.1, case.params)[:, 0] < q)


# False alarms: 1e-4 per component.
@by_name(CASES)
@pytest.mark.parametrize("resolution", [0.0, 1.0])
def test_draws_follow_the_scores(case, resolution):
    family, _ = described(case, resolution)
    component = np.repeat([0, 1], 4000)
    x = family.draw(case.params, component, np.random.default_rng(3))
    for k, peer in enumerate(case.peers):
        drawn = x[component == k]
        if family.base_measure == "lebesgue":
            assert stats.kstest(drawn, peer.cdf).pvalue > 1e-4
            continue
        values, counts = np.unique(drawn, return_counts=True)
        expected = 4000 * np.exp(family.log_prob(values, case.params)[:, k])
        large = expected > 10
        rest = [4000 - counts[large].sum(), 4000 - expected[large].sum()]
        observed = np.append(counts[large], rest[0])
        expected = np.append(expected[large], rest[1])
        assert stats.chisquare(observed, expected).pvalue > 1e-4
