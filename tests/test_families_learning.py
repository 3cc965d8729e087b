"""Column families learn what maximises the likelihood, and survive any column."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import optimize, stats
from scipy.special import digamma

from sklearn_gen._columns._families import family_for
from sklearn_gen._columns._families_continuous import _dof
from sklearn_gen._columns._families_normal import Normal
from sklearn_gen._columns._zero_inflated import ZeroInflatedParams
from tests.family_cases import CASES, by_name, described

NAMES = [case.name for case in CASES]


# Learning


def numeric_best(family, x, weight, start):
    """Maximise the weighted log-likelihood over the logs of positive parameters."""
    names = type(start)._fields
    free = [np.asarray(f, dtype=float)[0] for f in start]
    signed = [
        n in ("location",) or (n == "mean" and isinstance(start, Normal)) for n in names
    ]

    def unpack(theta):
        return type(start)(
            *(
                np.array([t if s else np.exp(t)])
                for t, s in zip(theta, signed, strict=True)
            )
        )

    def loss(theta):
        return -weight @ family.log_prob(x, unpack(theta))[:, 0] / weight.sum()

    theta = [f if s else np.log(f) for f, s in zip(free, signed, strict=True)]
    best = optimize.minimize(
        loss,
        theta,
        method="Nelder-Mead",
        options={"xatol": 1e-7, "fatol": 1e-13, "maxiter": 4000, "maxfev": 8000},
    )
    return -best.fun


@by_name(CASES)
def test_m_step_maximises(case):
    family, x = described(case)
    weight = np.random.default_rng(0).uniform(0, 2, len(x))
    params = None
    for _ in range(300 if case.name == "student_t" else 1):
        params = family.m_step(
            family.stats(x, weight[:, None], params), previous=params
        )
    got = weight @ family.log_prob(x, params)[:, 0] / weight.sum()
    best = numeric_best(family, x, weight, params)
    assert got > best - (1e-6 if case.name == "student_t" else 1e-9)


def test_student_t_is_monotone():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.standard_t(2, 300), 8 + 0.1 * rng.standard_t(5, 200)])
    weight = rng.uniform(0, 2, 500)[:, None]
    family = family_for("student_t", x)
    params, history = None, []
    for _ in range(40):
        params = family.m_step(family.stats(x, weight, params), previous=params)
        history.append(float(weight[:, 0] @ family.log_prob(x, params)[:, 0]))
    assert np.all(np.diff(history) > -1e-9 * abs(history[0]))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_stats_are_additive_and_weights_are_repeats(name, seed):
    rng = np.random.default_rng(seed)
    x = rng.poisson(6.0, size=40) + 1.0
    resp = rng.uniform(size=(40, 3))
    family = family_for(name, x)
    previous = family.m_step(family.stats(x, resp))
    whole = family.stats(x, resp, previous)
    order = rng.permutation(40)
    first, second = order[:13], order[13:]
    parts = family.stats(x[first], resp[first], previous) + family.stats(
        x[second], resp[second], previous
    )
    assert_allclose(parts, whole, rtol=1e-9, atol=1e-9)
    assert_allclose(whole[0], resp.sum(axis=0))
    repeats = rng.integers(0, 4, size=40)
    repeats[0] = 1
    rows = np.repeat(np.arange(40), repeats)
    assert_allclose(
        family.stats(x, resp * repeats[:, None], previous),
        family.stats(x[rows], resp[rows], previous),
        rtol=1e-9,
        atol=1e-9,
    )
    weighted = family_for(name, x, repeats.astype(float))
    repeated = family_for(name, x[rows])
    assert_allclose(weighted.overall, repeated.overall, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", [*NAMES, "zero_inflated_gamma"])
def test_empty_components_get_the_column(name):
    x = np.random.default_rng(0).poisson(4.0, size=50) + 1.0
    family = family_for(name, x)
    resp = np.zeros((50, 2))
    resp[:, 0] = 1
    params = family.m_step(family.stats(x, resp))
    alone = family.m_step(family.overall[:, None])
    for field, expected in zip(params, alone, strict=True):
        assert_allclose(field[..., 1], expected[..., 0])
    strong = family.m_step(family.stats(x, resp), prior=family.prior(1e9))
    for field, expected in zip(strong, alone, strict=True):
        assert_allclose(field, np.broadcast_to(expected, field.shape), rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0.0, 1.0, 1e8, 1e-8])
@pytest.mark.parametrize("resolution", [0.0, 1.0])
@pytest.mark.parametrize("n_rows", [1, 20])
def test_constant_columns(name, value, resolution, n_rows):
    counts = name in ("poisson", "negative_binomial")
    if (counts or resolution) and value == 1e-8:
        value = 2.0
    if name in ("lognormal", "gamma") and value == 0.0 and not resolution:
        with pytest.raises(
            ValueError, match=r"needs positive values, got 0: .*zero_infl"
        ):
            family_for(name, np.zeros(n_rows))
        return
    x = np.full(n_rows, value)
    family = family_for(name, x, resolution=resolution)
    params = None
    for _ in range(3):
        stats_ = family.stats(x, np.ones((n_rows, 2)), params)
        params = family.m_step(stats_, previous=params)
    assert all(np.isfinite(field).all() for field in params)
    log_prob = family.log_prob(x, params)
    assert np.isfinite(log_prob).all()
    if family.base_measure == "counting":
        assert np.all(log_prob <= 1e-12)
    drawn = family.draw(params, np.zeros(5, dtype=int), np.random.default_rng(0))
    assert np.isfinite(drawn).all()
    assert np.isfinite(family.mean(params)).all()
    assert np.isfinite(family.cdf(x, params)).all()


@pytest.mark.parametrize("name", ["gaussian", "student_t", "lognormal", "gamma"])
def test_no_component_collapses(name):
    x = np.random.default_rng(0).gamma(5.0, size=200)
    resp = np.zeros((200, 1))
    resp[7] = 1
    family = family_for(name, x)
    params = family.m_step(family.stats(x, resp))
    peak = family.log_prob(x[[7]], params)[0, 0]
    assert peak < np.log(1 / (1e-3 * np.std(x))) + 2


def test_negative_binomial_of_large_counts():
    # Counts above 1024 share bins of half a percent.
    x = stats.nbinom(3, 3 / 50_003).rvs(4000, random_state=0).astype(float)
    family = family_for("negative_binomial", x)
    params = family.m_step(family.stats(x, np.ones((4000, 1))))
    assert_allclose(params.mean, x.mean(), rtol=1e-12)
    best = numeric_best(family, x, np.ones(4000), params)
    assert family.log_prob(x, params).mean() > best - 1e-8


def test_negative_binomial_without_overdispersion_is_poisson():
    x = np.repeat([4.0, 5.0, 6.0], 10)
    family, peer = (family_for(n, x) for n in ("negative_binomial", "poisson"))
    params = [f.m_step(f.stats(x, np.ones((30, 1)))) for f in (family, peer)]
    assert_allclose(
        family.log_prob(x, params[0]), peer.log_prob(x, params[1]), atol=1e-5
    )


# Atoms


def inflated(base, peers):
    """A family with an atom at 0, its parameters, and one component's distribution."""
    x = np.concatenate([np.zeros(30), peers[0].rvs(70, random_state=0)])
    family = family_for(f"zero_inflated_{base}", x)
    case = next(case for case in CASES if case.name == base)
    return family, ZeroInflatedParams(np.array([0.3, 0.6]), np.stack(case.params)), x


@by_name(CASES)
def test_atoms_density_and_distribution(case):
    family, params, x = inflated(case.name, case.peers)
    assert family.name == f"zero_inflated_{case.name}"
    assert family.n_parameters == len(case.params) + 1
    log_prob = family.log_prob(x, params)
    for k, (w, peer) in enumerate(zip(params.atom_weight, case.peers, strict=True)):
        if case.counts:
            assert family.base_measure == "counting"
            expected = w * (x == 0) + (1 - w) * peer.pmf(x)
        else:
            assert family.base_measure == "counting at 0.0, lebesgue elsewhere"
            expected = np.where(x == 0, w, (1 - w) * peer.pdf(x))
        assert_allclose(np.exp(log_prob[:, k]), expected, rtol=1e-9, atol=1e-300)
        assert_allclose(
            family.cdf(x, params)[:, k], w * (x >= 0) + (1 - w) * peer.cdf(x), rtol=1e-9
        )
    q = np.random.default_rng(0).uniform(0.001, 0.999, 300)
    component = np.arange(300) % 2
    drawn = family.ppf(q, params, component)
    reached = family.cdf(drawn, params)[np.arange(300), component]
    assert np.all(reached >= q - 1e-9)
    if not case.counts:
        off = drawn != 0
        assert_allclose(reached[off], q[off], rtol=1e-7)
    share = np.mean(
        family.draw(params, np.zeros(4000, int), np.random.default_rng(0)) == 0
    )
    zero = np.exp(family.log_prob(np.zeros(1), params)[0, 0])
    assert abs(share - zero) < 4 * np.sqrt(zero * (1 - zero) / 4000)


@by_name(CASES)
def test_atoms_are_learnt(case):
    family, params, _ = inflated(case.name, case.peers)
    rng = np.random.default_rng(0)
    x = family.draw(params, np.zeros(3000, int), rng)
    resp, params, history = np.ones((3000, 1)), None, []
    family = family_for(f"zero_inflated_{case.name}", x)
    for _ in range(60):
        params = family.m_step(family.stats(x, resp, params), previous=params)
        history.append(family.log_prob(x, params).mean())
    assert np.all(np.diff(history) > -1e-9)
    assert abs(np.mean(x == 0) - np.exp(family.log_prob(np.zeros(1), params))) < 0.02


def test_atoms_of_other_values_and_all_atoms():
    x = np.array([9.0, 9.0, 9.0, 1.5, 2.5, 4.0])
    family = family_for(("zero_inflated", "lognormal", 9), x)
    params = family.m_step(family.stats(x, np.ones((6, 1))))
    assert_allclose(params.atom_weight, 0.5)
    assert family.base_measure == "counting at 9.0, lebesgue elsewhere"
    zeros = np.zeros(5)
    family = family_for("zero_inflated_gamma", zeros)
    params = family.m_step(family.stats(zeros, np.ones((5, 1))))
    assert_allclose(family.log_prob(zeros, params), 0.0, atol=1e-5)
    assert np.isfinite(family.log_prob(np.array([2.0]), params)).all()


def test_atom_over_cells():
    # With a resolution the base's own cell is at the atom, too.
    rng = np.random.default_rng(0)
    x = np.where(rng.random(3000) < 0.4, 0.0, np.round(rng.gamma(3, 2, 3000)))
    family = family_for("zero_inflated_gamma", x, resolution=1.0)
    params = None
    for _ in range(80):
        params = family.m_step(
            family.stats(x, np.ones((3000, 1)), params), previous=params
        )
    assert family.base_measure == "counting"
    total = np.exp(family.log_prob(np.arange(2000.0), params)).sum()
    assert_allclose(total, 1.0, rtol=1e-9)
    assert abs(params.atom_weight[0] - 0.4) < 0.05


def test_degrees_of_freedom_solve_their_equation():
    excess = -1.0 - np.append(np.geomspace(1e-4, 3.0, 40), [-0.1, 0.0])
    got = _dof(excess)

    def value(dof, e):
        return np.log(dof / 2) - digamma(dof / 2) + 1 + e

    for e, dof in zip(excess, got, strict=True):
        ends = value(1.0, e), value(200.0, e)
        want = 1.0 if ends[0] < 0 else 200.0 if ends[1] > 0 else None
        want = want or optimize.brentq(value, 1.0, 200.0, args=(e,), xtol=1e-12)
        assert dof == pytest.approx(want, rel=1e-9)


# Refusals


@pytest.mark.parametrize(
    ("name", "x", "message"),
    [
        (
            "poisson",
            [1.0, 2.5],
            r"poisson family needs counts \(0, 1, 2, ...\), got 2.5",
        ),
        ("negative_binomial", [-1.0], "needs counts .* got -1"),
        ("lognormal", [1.0, -2.0], "lognormal family needs positive values, got -2"),
        ("gamma", [0.0], "gamma family needs positive values, got 0"),
        ("zero_inflated_gamma", [0.0, -1.0], "needs positive values, got -1"),
        ("categorical", [-1.0], "coded 0, 1, 2, ..., got -1: .*categorical_features"),
        ("bernoulli", [0.0, 3.0], "needs zeros and ones, got 3: choose histogram"),
        ("normal", [1.0], "There is no column family 'normal': families are gaussian"),
        ("zero_inflated_normal", [1.0], "There is no column family"),
        (("zero_inflated", "gamma"), [1.0], "There is no column family"),
        ("gaussian", [], "at least one observed value of positive weight"),
    ],
)
def test_refusals(name, x, message):
    with pytest.raises(ValueError, match=message):
        family_for(name, np.array(x))


@pytest.mark.parametrize("name", ["gaussian", "student_t", "lognormal", "gamma"])
@pytest.mark.parametrize(
    "column",
    [
        lambda x: 1e300 * x,
        lambda x: 1e-300 * x,
        lambda x: 1e8 + x,
        lambda x: np.where(x == x.max(), 1e300, x),
        lambda x: 10.0 ** (300 * np.tanh(x - 1)),
        lambda x: np.full_like(x, 1e300),
    ],
    ids=["huge", "tiny", "offset", "one huge", "all magnitudes", "huge constant"],
)
def test_values_of_any_size_fit(name, column):
    x = column(np.random.default_rng(0).gamma(2.0, size=200))
    with np.errstate(all="raise", under="ignore"):
        family = family_for(name, x)
        resp, params = np.random.default_rng(1).dirichlet([1, 1], size=200), None
        for _ in range(3):
            stats_of_rows = family.stats(x, resp, params)
            params = family.m_step(stats_of_rows, family.prior(1.0), params)
        log_prob = family.log_prob(x, params)
    assert np.isfinite(np.stack(params)).all()
    assert np.isfinite(log_prob).all()


@pytest.mark.parametrize("name", ["gaussian", "student_t", "lognormal", "gamma"])
def test_cells_narrower_than_floats_are_apart(name):
    x = np.round(1e17 * np.random.default_rng(0).gamma(2.0, size=200))
    family, density = family_for(name, x, resolution=1.0), family_for(name, x)
    params = density.m_step(density.stats(x, np.ones((200, 1))))
    got, expected = family.log_prob(x, params), density.log_prob(x, params)
    assert_allclose(got, expected, rtol=1e-12)
