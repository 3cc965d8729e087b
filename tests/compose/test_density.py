"""Pipeline densities integrate to one, and draws follow them.

Statistical tests use fixed seeds and would fail a correct pipeline for one seed in a
million each (FALSE_ALARM).
"""

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import chisquare, kstest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from sklearn_gen.compose import BijectiveTransformer, inverse, make_generative_pipeline
from sklearn_gen.mixture import GaussianMixture
from tests.compose.quadrature import FixedPower, Grid

FALSE_ALARM = 1e-6


def minus_log(x):
    return -np.log(x)


def log_logistic_slope(x):
    return np.log(expit(x)) + np.log(expit(-x))


LOG = BijectiveTransformer(np.log, np.exp, minus_log, input_range=(0, np.inf))
SIGMOID = BijectiveTransformer(expit, logit, log_logistic_slope, output_range=(0, 1))


def yeo(*lambdas, **kwargs):
    return FixedPower(np.array(lambdas), **kwargs)


def box_cox(*lambdas):
    return FixedPower(np.array(lambdas), method="box-cox")


def rows(n_features, positive):
    """Two skewed groups with room on both sides; correlated columns."""
    rng = np.random.default_rng(0)
    first = rng.normal([0.0, 0.5][:n_features], 0.7, size=(150, n_features))
    second = rng.normal([2.0, -0.5][:n_features], 0.4, size=(100, n_features))
    X = np.concatenate([first, second])
    if n_features == 2:
        X[:, 1] += 0.8 * X[:, 0]
    return np.exp(0.6 * X) if positive else X


def flat(steps):
    for _, step in steps:
        yield from flat(step.steps) if isinstance(step, Pipeline) else [step]


def kinks(pipeline, column):
    """Input values where the density jumps, denser towards the ends of the range."""
    before = []
    for step in flat(pipeline.steps[:-1]):
        if isinstance(step, QuantileTransformer):
            x = step.quantiles_
            near = np.geomspace(1e-9, 1.0, 25)[:, None]
            x = np.concatenate([x, x[0] + near * (x[1] - x[0]),
                                x[-1] - near * (x[-1] - x[-2])])  # fmt: skip
            for earlier in reversed(before):
                x = inverse(earlier, x)
            return x[:, column]
        before.append(step)
    return ()


def assert_valid_1d(transformer, model, positive=False):
    X = rows(1, positive)
    pipeline = make_generative_pipeline(transformer, model).fit(X)
    grid = Grid(positive, n_nodes=8, edges=kinks(pipeline, 0))
    density = np.exp(pipeline.score_samples(grid.x[:, None]))
    assert grid.integrate(density) == pytest.approx(1.0, abs=1e-7)
    draws = pipeline.sample(4000, random_state=1)
    assert kstest(draws[:, 0], grid.cdf(density)).pvalue > FALSE_ALARM
    return pipeline


LINEAR = [StandardScaler(), MinMaxScaler((-3, 8)), MaxAbsScaler(), RobustScaler()]
CURVED = [
    ("fitted_yeo", PowerTransformer(), False),
    ("yeo_-1.5", yeo(-1.5), False),
    ("yeo_0", yeo(0.0), False),
    ("yeo_2", yeo(2.0), False),
    ("yeo_3.5", yeo(3.5), False),
    ("yeo_raw", yeo(-1.0, standardize=False), False),
    ("fitted_box_cox", PowerTransformer(method="box-cox"), True),
    ("box_cox_-1", box_cox(-1.0), True),
    ("box_cox_0", box_cox(0.0), True),
    ("box_cox_1.5", box_cox(1.5), True),
    ("quantile_uniform", QuantileTransformer(n_quantiles=7), False),
    (
        "quantile_normal",
        QuantileTransformer(n_quantiles=7, output_distribution="normal"),
        False,
    ),
    (
        "uniform_then_minmax",
        make_pipeline(QuantileTransformer(n_quantiles=250), MinMaxScaler((2, 3))),
        False,
    ),
    (
        "uniform_then_yeo",
        make_pipeline(yeo(-1.0), QuantileTransformer(n_quantiles=250)),
        False,
    ),
    ("log", LOG, True),
    ("sigmoid", SIGMOID, False),
    ("sigmoid_scaled", make_pipeline(SIGMOID, StandardScaler()), False),
]
BOUNDED = {"yeo_-1.5", "yeo_3.5", "yeo_raw", "box_cox_-1", "box_cox_1.5",
           "quantile_uniform", "sigmoid", "sigmoid_scaled", "uniform_then_minmax",
           "uniform_then_yeo"}  # fmt: skip


@pytest.mark.parametrize("scaler", LINEAR, ids=lambda s: type(s).__name__)
def test_linear_scalers_1d(scaler):
    assert_valid_1d(scaler, GaussianMixture(2, random_state=0))


@pytest.mark.parametrize(("name", "transformer", "positive"), CURVED)
def test_curved_transformers_1d(name, transformer, positive):
    pipeline = assert_valid_1d(
        transformer, GaussianMixture(2, random_state=0, reg_covar=1e-2), positive
    )
    bounded = pipeline._range()
    if name in BOUNDED:  # the test must test something
        mass = pipeline[-1].interval_probability(bounded.lower, bounded.upper)
        assert mass < 0.997
    elif "fitted" not in name:
        assert not bounded.bounded.any()


PLANE = [
    ("pca", PCA(), False),
    ("pca_whiten", make_pipeline(StandardScaler(), PCA(whiten=True)), False),
    ("yeo_one_bounded", yeo(-1.5, 1.0), False),
    ("yeo_both_bounded", yeo(-1.2, 3.0), False),
    ("box_cox_both_bounded", box_cox(-0.7, 1.3), True),
    ("uniform", QuantileTransformer(n_quantiles=6), False),
    ("normal", QuantileTransformer(n_quantiles=6, output_distribution="normal"), False),
    ("pca_then_yeo", make_pipeline(PCA(), yeo(-1.0, 2.8)), False),
    ("columns",
     ColumnTransformer([("a", yeo(-1.5), [1])], remainder=StandardScaler()), False),
]  # fmt: skip


@pytest.mark.parametrize("covariance_type", ["full", "diag"])
@pytest.mark.parametrize(("name", "transformer", "positive"), PLANE)
def test_transformers_2d(name, transformer, positive, covariance_type):
    X = rows(2, positive)
    model = GaussianMixture(2, covariance_type=covariance_type, random_state=0)
    pipeline = make_generative_pipeline(transformer, model).fit(X)
    first, second = (Grid(positive, 6, kinks(pipeline, j), coarse=True) for j in (0, 1))
    points = np.stack(np.meshgrid(first.x, second.x, indexing="ij"), axis=-1)
    density = np.exp(pipeline.score_samples(points.reshape(-1, 2)))
    # A rotated box has its edges across the panels.
    tolerance = 5e-3 if name == "pca_then_yeo" else 1e-4
    mass = density * np.outer(first.weights, second.weights).ravel()
    assert mass.sum() == pytest.approx(1.0, abs=tolerance)
    # Draws per cell of a 5 x 5 table, against the mass of the cells.
    draws = pipeline.sample(3000, random_state=2)
    cuts = [
        grid.panel_edges(x) for grid, x in ((first, draws[:, 0]), (second, draws[:, 1]))
    ]
    node_cell = np.add.outer(
        5 * np.searchsorted(cuts[0], first.nodes),
        np.searchsorted(cuts[1], second.nodes),
    )
    expected = np.bincount(node_cell.ravel(), mass, minlength=25) / mass.sum()
    draw_cell = 5 * np.searchsorted(cuts[0], first.t(draws[:, 0]))
    draw_cell += np.searchsorted(cuts[1], second.t(draws[:, 1]))
    counted = np.bincount(draw_cell, minlength=25)
    rare = expected < 2e-3  # too few draws each for chi-square: pooled
    counted = np.append(counted[~rare], counted[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    possible = expected > 1e-9
    assert (counted[~possible] == 0).all()
    expected = 3000 * expected[possible] / expected[possible].sum()
    assert chisquare(counted[possible], expected).pvalue > FALSE_ALARM
