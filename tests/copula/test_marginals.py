"""Marginals of copulas: the kernel's density, cdf and inverse agree; auto chooses."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate
from scipy.special import ndtr

from sklearn_gen.copula._kernel import KernelMarginal
from sklearn_gen.copula._marginals import fit_marginal, latent

RNG = np.random.default_rng(0)
SHAPES = {
    "normal": RNG.normal(size=300),
    "heavy tails": 100 + 3 * RNG.standard_t(2, 300),
    "two modes": np.concatenate([RNG.normal(-4, 1, 200), RNG.normal(4, 0.3, 100)]),
    "uniform": RNG.uniform(size=300),
    "far": 1e8 + RNG.normal(size=100),
    "an outlier": np.append(RNG.normal(size=60), 1e8),
    "constant": np.full(20, 3.0),
    "one row": np.array([2.0]),
}


def kernel(x, resolution=0.0, weight=None):
    """Fit a kernel marginal."""
    weight = np.ones(len(x)) if weight is None else weight
    return KernelMarginal(np.asarray(x, dtype=float), weight, resolution)


@pytest.mark.parametrize("shape", SHAPES)
def test_kernel_density_is_the_derivative_of_its_cdf(shape):
    marginal = kernel(SHAPES[shape])
    z = np.linspace(-5, 5, 201)
    x = marginal.from_normal(z)
    assert np.all(np.diff(x) >= 0)
    assert_allclose(marginal.interval(x)[0], z, atol=1e-7)
    # Nodes of equal steps in normal scores: dense wherever the mass is, however far.
    inside = marginal.from_normal(np.linspace(-5, 5, 100_001))
    density = np.exp(marginal.log_density(inside))
    total = integrate.trapezoid(density, inside)
    assert_allclose(total, 1 - 2 * ndtr(-5.0), rtol=5e-3)


def test_kernel_far_out_is_finite():
    marginal = kernel(SHAPES["two modes"])
    x = np.array([-1e8, -1e3, 1e3, 1e8])
    assert np.isfinite(marginal.log_density(x)).all()
    assert np.isfinite(marginal.interval(x)[0]).all()


def test_kernel_finds_modes_that_a_gaussian_does_not():
    rng = np.random.default_rng(1)
    test = np.concatenate([rng.normal(-4, 1, 2000), rng.normal(4, 0.3, 1000)])
    weight = np.ones(300)
    x = SHAPES["two modes"]
    smooth = kernel(x).log_density(test).mean()
    normal = fit_marginal("gaussian", x, weight, 0.0, "continuous", None)
    assert smooth > normal.log_density(test).mean() + 0.7
    # the truth: 1/3 log 1/3 + ...
    truth = np.log(
        2 / 3 * np.exp(-0.5 * (test + 4) ** 2) / np.sqrt(2 * np.pi)
        + np.exp(-0.5 * ((test - 4) / 0.3) ** 2) / 0.9 / np.sqrt(2 * np.pi)
    ).mean()
    assert smooth > truth - 0.05


def test_kernel_weights_are_repeats():
    x = SHAPES["heavy tails"][:80]
    repeats = RNG.integers(1, 4, size=80)
    weighted = kernel(x, weight=repeats.astype(float))
    repeated = kernel(np.repeat(x, repeats))
    grid = np.linspace(80, 120, 50)
    assert_allclose(
        weighted.log_density(grid), repeated.log_density(grid), rtol=1e-6, atol=1e-6
    )


NAMES = ["gaussian", "student_t", "lognormal", "gamma", "kernel", "histogram",
         "poisson", "negative_binomial", "zero_inflated_poisson"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_intervals_of_counts_tile_the_line(name):
    x = np.round(np.random.default_rng(0).gamma(3, 2, 400)) + 1
    marginal = fit_marginal(name, x, np.ones(400), 1.0, "integer", None)
    grid = np.arange(-30.0, 200)
    if name in ("lognormal", "gamma", "poisson", "negative_binomial"):
        grid = grid[grid >= 0]
    found = latent(marginal, grid)
    assert not found.log_density.any()
    assert np.all(found.lower < found.upper)
    assert_allclose(ndtr(found.lower[1:60]), ndtr(found.upper[:59]), atol=1e-6)
    total = (ndtr(found.upper) - ndtr(found.lower)).sum()
    assert_allclose(total, 1.0, atol=2e-4)
    z = 0.5 * (found.lower + found.upper)
    inside = (z > -4) & (z < 4)
    assert_allclose(marginal.from_normal(z[inside]), grid[inside])
    assert np.isfinite(marginal.from_normal(np.array([-50.0, 50.0]))).all()


def test_atoms_are_intervals_and_the_rest_points():
    x = np.concatenate([np.zeros(50), np.random.default_rng(0).gamma(3, 2, 50)])
    marginal = fit_marginal(
        "zero_inflated_gamma", x, np.ones(100), 0.0, "continuous", None
    )
    found = latent(marginal, x)
    assert_allclose(ndtr(found.upper[:50]) - ndtr(found.lower[:50]), 0.5, atol=1e-6)
    assert np.all(found.lower[50:] == found.upper[50:])
    assert_allclose(marginal.from_normal(found.lower[50:]), x[50:], rtol=1e-8)


@pytest.mark.parametrize(
    ("x", "resolution", "expected"),
    [
        (np.random.default_rng(0).normal(size=2000), 0.0, {"gaussian"}),
        (np.exp(np.random.default_rng(0).normal(size=500)), 0.0, {"lognormal"}),
        (np.random.default_rng(0).standard_t(2, size=500), 0.0, {"student_t"}),
        (np.random.default_rng(0).uniform(size=500), 0.0, {"kernel"}),
        (np.random.default_rng(0).poisson(3, size=500), 1.0, {"poisson"}),
        (np.random.default_rng(0).integers(2, size=50), 1.0, {"bernoulli"}),
        (np.repeat([0.0, 7.0, 50.0], [300, 50, 60]), 1.0, {"histogram"}),
    ],
)
def test_auto_chooses(x, resolution, expected):
    x = x.astype(float)
    chosen = fit_marginal("auto", x, np.ones(len(x)), resolution, "continuous", None)
    assert chosen.name in expected
