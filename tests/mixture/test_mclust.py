"""mclust's covariance families: published figures, and M-steps that maximise."""

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.optimize import minimize
from sklearn.datasets import load_iris

from sklearn_gen import DegenerateDataWarning
from sklearn_gen import _gaussian as gaussian
from sklearn_gen._kernels.orientation import turn_axes
from sklearn_gen.mixture import GaussianMixture
from tests.mixture.mclust_data import as_mclust_fits, faithful, galaxies

FAMILIES = [
    "EII",
    "VII",
    "EEI",
    "VEI",
    "EVI",
    "VVI",
    "EEE",
    "VEE",
    "EVE",
    "VVE",
    "EEV",
    "VEV",
    "EVV",
    "VVV",
]
AXIS_PARALLEL = [name for name in FAMILIES if name.endswith("I")]
# nVarParams of mclust, for 4 columns and 3 components
N_COVARIANCE_PARAMETERS = dict(
    zip(FAMILIES, (1, 3, 4, 6, 10, 12, 10, 12, 16, 18, 22, 24, 28, 30), strict=True)
)
pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn_gen.DiscreteColumnWarning"  # in iris, and by the minute
)
SKLEARN = {"VVV": "full", "EEE": "tied", "VVI": "diag", "VII": "spherical"}


def matrices(model):
    """Covariance matrices (K, D, D) of a fitted mixture."""
    (K, D), covariances = model.means_.shape, model.covariances_
    if model._structure.correlated:
        return np.broadcast_to(covariances, (K, D, D))
    variances = model._structure.variances(covariances, K, D)
    return variances[:, :, None] * np.eye(D)


def edda(name, X, y, **params):
    return GaussianMixture.from_responsibilities(
        X, y, covariance_type=name, reg_covar=0.0, **params
    )


# -- published figures ---------------------------------------------------------------


def test_edda_of_iris():
    # mclust's MclustDA(iris[, 1:4], iris$Species, modelType = "EDDA"), VEV
    X, y = load_iris(return_X_y=True)
    model = edda("VEV", X, y)
    assert abs(150 * model.score(X) - -187.7097) < 1e-4
    assert abs(model.bic(X) - 565.8236) < 1e-4
    assert model._n_parameters() == 38
    assert np.mean(model.predict(X) != y) == 0.02


def test_galaxies():
    # densityMclust's "V,3": log-likelihood -203.1792, BIC (its sign) -441.6122
    X = galaxies()
    model = GaussianMixture(
        3, covariance_type="VII", reg_covar=0, tol=1e-8, max_iter=5000, n_init=5
    )
    model.set_params(random_state=0).fit(X)
    assert abs(82 * model.score(X) - -203.1792) < 1e-2
    assert abs(model.bic(X) - 441.6122) < 1e-2


def test_faithful():
    X = faithful()
    model = as_mclust_fits(X, 3, "EEE")
    assert abs(272 * model.score(X) - -1126.326) < 1e-2
    assert abs(model.bic(X) - 2314.316) < 1e-2
    assert abs(model.icl(X) - 2357.824) < 1e-2
    # which is where mclust stops; the maximum is a little above
    model.set_params(tol=1e-9, max_iter=5000).fit(X)
    assert -1126.326 < 272 * model.score(X) < -1126.326 + 0.011


def test_icl_counts_certainty():
    X = faithful()
    model = GaussianMixture(2, random_state=0).fit(X)
    certain = np.log(model.predict_proba(X).max(axis=1))
    assert model.icl(X) == pytest.approx(model.bic(X) - 2 * certain.sum())
    weight = np.arange(len(X)) % 3.0
    repeated = np.repeat(X, weight.astype(int), axis=0)
    assert model.icl(X, weight) == pytest.approx(model.icl(repeated), rel=1e-12)


# -- the families --------------------------------------------------------------------


@pytest.mark.parametrize("name", FAMILIES)
def test_number_of_parameters(name):
    X, y = load_iris(return_X_y=True)
    assert edda(name, X, y)._n_parameters() == N_COVARIANCE_PARAMETERS[name] + 12 + 2


@pytest.mark.parametrize("name", FAMILIES)
def test_structure(name):
    X, y = load_iris(return_X_y=True)
    S = matrices(edda(name, X, y))
    values = np.linalg.eigvalsh(S)
    volumes = np.exp(np.log(values).mean(axis=1, keepdims=True))
    shapes = values / volumes
    assert np.allclose(volumes, volumes[0]) == (name[0] == "E")
    if name[1] == "I":
        assert np.allclose(shapes, 1.0)
    elif name[2] != "I":  # sorted values are those of one axis each
        assert np.allclose(shapes, shapes[0]) == (name[1] == "E")
    if name[2] == "E":
        assert np.allclose(S[0] @ S[1], S[1] @ S[0])
    elif name[2] == "I":
        assert np.array_equal(S != 0, np.broadcast_to(np.eye(4, dtype=bool), S.shape))


@pytest.mark.parametrize("name", FAMILIES)
def test_m_step_maximises(name):
    """No other covariances of the family have more expected log-likelihood."""
    K, D = 2, 3
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(K, D, D)) * rng.uniform(0.5, 2, size=(K, 1, 1))
    nk = np.array([20.0, 50.0])
    S = factors @ factors.swapaxes(1, 2) + 0.1 * np.eye(D)
    structure = gaussian.STRUCTURES[name]
    unconstrained = {
        "EEE": lambda: (nk[:, None, None] * S).sum(axis=0) / nk.sum(),
        "EII": lambda: np.trace(S, axis1=1, axis2=2) / D,
        "VII": lambda: np.trace(S, axis1=1, axis2=2) / D,
    }
    axis_parallel = name in AXIS_PARALLEL
    start = np.diagonal(S, axis1=1, axis2=2) if axis_parallel else S
    start = unconstrained.get(name, lambda: start)()
    found = structure.estimate(start, nk, np.full(D, 1e-8))[0]
    if axis_parallel:
        found = structure.variances(found, K, D)[:, :, None] * np.eye(D)
    found = np.broadcast_to(found, (K, D, D))
    ours = loss(found, S, nk)
    starts = [0.3 * rng.normal(size=parameters(name, K, D)) for _ in range(2)]
    others = [
        minimize(lambda p: loss(family(name, p, K, D), S, nk), start).fun
        for start in starts
    ]
    assert ours < min(others) + 1e-5


def loss(covariances, S, nk):
    _, log_det = np.linalg.slogdet(covariances)
    inside = np.trace(np.linalg.solve(covariances, S), axis1=1, axis2=2)
    return nk @ (log_det + inside)


def copies(letter, K):
    return {"I": 0, "E": 1, "V": K}[letter]


def parameters(name, K, D):
    sizes = (1, D, D * (D - 1) // 2)
    return sum(copies(c, K) * n for c, n in zip(name, sizes, strict=True))


def family(name, p, K, D):
    """Covariances of the family from unbounded numbers."""
    p = iter(np.clip(p, -20, 20))

    def take(letter, n):
        """Numbers for each component: their own, the same, or zeros."""
        rows = [[next(p) for _ in range(n)] for _ in range(copies(letter, K))]
        return np.broadcast_to(np.array(rows or [[0.0] * n]), (K, n))

    volumes = take(name[0], 1)
    shapes = take(name[1], D)
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    turns = take(name[2], D * (D - 1) // 2)
    axes = np.zeros((K, D, D))
    axes[:, *np.triu_indices(D, 1)] = turns
    axes = expm(axes - axes.swapaxes(1, 2))
    values = np.exp(np.clip(volumes + shapes, -20, 20))
    return (axes * values[:, None, :]) @ axes.swapaxes(1, 2)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", FAMILIES)
def test_em_is_monotone(name):
    X, _ = load_iris(return_X_y=True)
    X = X + np.random.default_rng(0).normal(0, 0.02, size=X.shape)
    X[::7, 2] = np.nan
    model = GaussianMixture(
        3, covariance_type=name, reg_covar=0.0, tol=0.0, max_iter=40, random_state=0
    ).fit(X)
    assert np.diff(model.lower_bounds_).min() > -1e-10


@pytest.mark.parametrize(("name", "ours"), SKLEARN.items())
def test_scikit_learns_under_mclusts_name(name, ours):
    X, _ = load_iris(return_X_y=True)
    models = [
        GaussianMixture(3, covariance_type=c, random_state=0).fit(X)
        for c in (name, ours)
    ]
    assert np.array_equal(*(m.covariances_ for m in models))
    assert models[0].bic(X) == models[1].bic(X)


def test_axes_of_crossing_ellipses():
    # Their mean is a circle, which has no axes; the pair of planes has.
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    S = np.array([turn @ np.diag(v) @ turn.T for v in ([4.0, 1.0], [1.0, 4.0])])
    found, *_ = gaussian.STRUCTURES["VVE"].estimate(S, np.ones(2), np.zeros(2))
    np.testing.assert_allclose(found, S, atol=1e-10)


@pytest.mark.parametrize("name", ["EVE", "EEV", "VEE", "EVI", "EEI", "EII"])
def test_marginal_and_conditional(name):
    X, _ = load_iris(return_X_y=True)
    model = GaussianMixture(
        3, covariance_type=name, reg_covar=1e-3, random_state=0
    ).fit(X)
    part = model.marginal([2, 0])
    rows = X[:5].copy()
    rows[:, [1, 3]] = np.nan
    np.testing.assert_allclose(
        part.score_samples(X[:5][:, [2, 0]]), model.score_samples(rows)
    )
    kept = {"VEE", "EEI", "EII"}  # in fewer columns, equal volumes may differ
    equivalent = "full" if name.endswith(("E", "V")) else "diag"
    assert part.covariance_type == (name if name in kept else equivalent)
    rest = model.conditional(rows[:1])
    joint = part.score_samples(X[:1, [2, 0]]) + rest.score_samples(X[:1][:, [1, 3]])
    np.testing.assert_allclose(joint, model.score_samples(X[:1]))


def test_repeated_and_constant_values_fit():
    X = np.repeat(np.arange(6.0), 5)[:, None] * [1.0, 1e8, 0.0]
    X[:, 1] += np.tile([0, 1, 2, 3, 4], 6)
    for name in FAMILIES:
        with pytest.warns(DegenerateDataWarning):
            model = GaussianMixture(2, covariance_type=name, random_state=0).fit(X)
        assert np.isfinite(model.score_samples(X)).all()


# -- from_responsibilities -----------------------------------------------------------


def test_from_responsibilities_is_the_m_step_of_em():
    X, _ = load_iris(return_X_y=True)
    one = GaussianMixture(3, reg_covar=0, random_state=0).fit(X)
    resp = one.predict_proba(X)
    two = GaussianMixture.from_responsibilities(X, resp, reg_covar=0)
    one.set_params(warm_start=True, max_iter=1, tol=1e300).fit(X)
    np.testing.assert_allclose(two.means_, one.means_)
    np.testing.assert_allclose(two.covariances_, one.covariances_, rtol=1e-9)
    two.set_params(warm_start=True, tol=1e-6, max_iter=500).fit(X)
    assert two.n_iter_ > 1  # no change of likelihood is known before
    one.set_params(tol=1e-6, max_iter=500).fit(X)
    assert two.score(X) == pytest.approx(one.score(X), abs=1e-4)


def test_from_responsibilities_weights_are_repeats():
    X, y = load_iris(return_X_y=True)
    weight = np.arange(150) % 3
    one = edda("EVE", X, y, sample_weight=weight)
    two = edda("EVE", np.repeat(X, weight, axis=0), np.repeat(y, weight))
    np.testing.assert_allclose(one.covariances_, two.covariances_)
    np.testing.assert_allclose(one.weights_, two.weights_)


@pytest.mark.parametrize(
    ("resp", "message"),
    [
        ([0.5, 1.0, 0.0], "labels from 0 to K - 1"),
        ([0, -1, 1], "labels from 0 to K - 1"),
        ([0, 1], "3 labels"),
        ([[0.5, 0.1]] * 3, "sum to one"),
        ([0, 2, 2], "Component 1 of resp has no row"),
        (["a", "b", "a"], "array of numbers"),
    ],
)
def test_broken_responsibilities(resp, message):
    with pytest.raises(ValueError, match=message):
        GaussianMixture.from_responsibilities([[0.0], [1.0], [2.0]], resp)


def test_from_responsibilities_refuses_nan():
    with pytest.raises(ValueError, match="complete rows"):
        GaussianMixture.from_responsibilities([[0.0], [np.nan]], [0, 1])


def test_from_parameters_checks_the_family():
    model = GaussianMixture.from_parameters(
        [0.5, 0.5], np.zeros((2, 2)), [np.eye(2), 3 * np.eye(2)], covariance_type="VEE"
    )
    assert model.score_samples([[0.0, 0.0]]) < 0
    with pytest.raises(ValueError, match="aren't of covariance_type='EEV'"):
        GaussianMixture.from_parameters(
            [0.5, 0.5],
            np.zeros((2, 2)),
            [np.eye(2), 3 * np.eye(2)],
            covariance_type="EEV",
        )


def test_turn_axes_finds_the_best_angle():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(3, 2, 2))
    scatter, precisions = A @ A.swapaxes(1, 2), rng.uniform(1, 3, size=(3, 2))

    def lost(turn):
        turned = np.diagonal(turn.T @ scatter @ turn, axis1=1, axis2=2)
        return (precisions * turned).sum()

    angles = np.linspace(0, np.pi, 20_001)
    c, s = np.cos(angles), np.sin(angles)
    best = min(lost(t) for t in np.stack([[c, -s], [s, c]], axis=0).transpose(2, 0, 1))
    for function in (turn_axes, turn_axes.py_func):
        axes, turned = function(np.eye(2), scatter, precisions)
        assert lost(axes) < best + 1e-12
        np.testing.assert_allclose(turned, axes.T @ scatter @ axes, atol=1e-12)
