"""Each transformer's rule against numerical Jacobians and round trips."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from sklearn_gen.compose import (
    BijectiveTransformer,
    forward,
    inverse,
    log_abs_det_jacobian,
    output_range,
)


def minus_log(x):
    return -np.log(x)


def log_logistic_slope(x):
    return np.log(expit(x)) + np.log(expit(-x))


def cube(x):
    return x**3 + x


def cube_root(z):
    """Solve x³ + x = z by Cardano's formula in hyperbolic form."""
    return 2 / np.sqrt(3) * np.sinh(np.arcsinh(1.5 * np.sqrt(3) * z) / 3)


def log_cube_slope(x):
    return np.log(3 * x**2 + 1)


LOG = BijectiveTransformer(np.log, np.exp, minus_log, input_range=(0, np.inf))
SIGMOID = BijectiveTransformer(expit, logit, log_logistic_slope, output_range=(0, 1))
CUBE = BijectiveTransformer(cube, cube_root, log_cube_slope)

TRANSFORMERS = {
    "standard": StandardScaler(),
    "standard_no_mean": StandardScaler(with_mean=False),
    "standard_no_std": StandardScaler(with_std=False),
    "standard_nothing": StandardScaler(with_mean=False, with_std=False),
    "minmax": MinMaxScaler(feature_range=(-2, 5)),
    "maxabs": MaxAbsScaler(),
    "robust": RobustScaler(),
    "robust_unit_variance": RobustScaler(unit_variance=True, with_centering=False),
    "robust_nothing": RobustScaler(with_scaling=False, with_centering=False),
    "yeo_johnson": PowerTransformer(),
    "yeo_johnson_raw": PowerTransformer(standardize=False),
    "box_cox": PowerTransformer(method="box-cox"),
    "box_cox_raw": PowerTransformer(method="box-cox", standardize=False),
    "quantile_uniform": QuantileTransformer(n_quantiles=8),
    "quantile_normal": QuantileTransformer(n_quantiles=8, output_distribution="normal"),
    "pca": PCA(),
    "pca_whiten": PCA(whiten=True),
    "identity": FunctionTransformer(),
    "bijective_log": LOG,
    "bijective_sigmoid": SIGMOID,
    "bijective_cube": CUBE,
    "pipeline": make_pipeline(MinMaxScaler((1, 2)), None, LOG, PCA(whiten=True)),
    "columns": ColumnTransformer(
        [
            ("power", make_pipeline(PowerTransformer(), StandardScaler()), [2, 0]),
            ("quantile", QuantileTransformer(n_quantiles=5), [1]),
        ],
        remainder="passthrough",
    ),
    "columns_rotated": ColumnTransformer(
        [("keep", "passthrough", [3]), ("pca", PCA(whiten=True), [2, 1, 0])]
    ),
}
EVERY = pytest.mark.parametrize("name", TRANSFORMERS)
SEEDS = st.integers(0, 2**32 - 1)
EXAMPLES = settings(max_examples=15, deadline=None, derandomize=True)


def positive_rows(seed, n_rows=60):
    """Skewed, correlated positive rows on the scale of ones and tens."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(4, 4)) / 2 + np.eye(4)
    scale = rng.uniform(0.5, 5.0, size=4)
    # Bounded before the exponential: numerical derivatives lose all digits far out in
    # a tail, where uniform quantile outputs and sigmoids saturate.
    return np.exp(0.5 * rng.uniform(-1, 1, size=(n_rows, 4)) @ mixing) * scale


def fitted(name, seed):
    X = positive_rows(seed)
    transformer = TRANSFORMERS[name].fit(X)
    # Some beyond the training range.
    new = positive_rows(seed, n_rows=72)[60:] * np.array([1.1, 0.9, 1.1, 1.0])
    return transformer, new


def numerical_log_det(transformer, X):
    step = 1e-6 * np.abs(X).max(axis=0)
    columns = []
    for j in range(X.shape[1]):
        shift = np.zeros(X.shape[1])
        shift[j] = step[j]
        rise = forward(transformer, X + shift) - forward(transformer, X - shift)
        columns.append(np.asarray(rise) / (2 * step[j]))
    return np.linalg.slogdet(np.stack(columns, axis=-1))[1]


@EVERY
@EXAMPLES
@given(seed=SEEDS)
def test_log_det_agrees_with_a_numerical_jacobian(name, seed):
    transformer, X = fitted(name, seed)
    exact = log_abs_det_jacobian(transformer, X)
    assert exact.shape == (len(X),)
    np.testing.assert_allclose(exact, numerical_log_det(transformer, X), atol=1e-4)


@EVERY
@EXAMPLES
@given(seed=SEEDS)
def test_inverse_undoes_forward(name, seed):
    transformer, X = fitted(name, seed)
    back = inverse(transformer, forward(transformer, X))
    np.testing.assert_allclose(back, X, rtol=1e-7)
    # QuantileTransformer.transform differs from forward by 1e-7 of probability.
    Z = np.asarray(transformer.transform(positive_rows(seed)))
    np.testing.assert_allclose(inverse(transformer, Z), positive_rows(seed), rtol=1e-5)


@EVERY
def test_forward_is_transform_on_training_rows(name):
    X = positive_rows(3)
    transformer = TRANSFORMERS[name].fit(X)
    # A row between an end and the next quantile: its probability differs by 1e-7.
    np.testing.assert_allclose(
        forward(transformer, X), transformer.transform(X), atol=1e-4
    )


@EVERY
def test_images_lie_in_the_output_range_and_fill_it(name):
    transformer, _ = fitted(name, 5)
    infinite = np.full(4, np.inf)
    lower, upper = output_range(transformer, -infinite, infinite)
    positive = "box_cox" in name or name == "bijective_log"
    tiny, huge = (1e-290, 1e290) if positive else (-1e5, 1e5)
    ends = np.outer([tiny, huge], np.ones(4))
    if name == "pipeline":
        pytest.importorskip("sklearn")  # its image is not a box; all bounds infinite
        assert np.isinf([lower, upper]).all()
        return
    images = np.asarray(forward(transformer, ends))
    assert (images >= lower).all()
    assert (images <= upper).all()


@pytest.mark.parametrize("power", [-1.5, -1e-9, 0.0, 0.3, 1.0, 2.0, 2.0 + 1e-9, 4.0])
@pytest.mark.parametrize("method", ["yeo-johnson", "box-cox"])
def test_every_power_is_inverted_with_its_derivative_and_range(power, method):
    X = positive_rows(0) - (5.0 if method == "yeo-johnson" else 0.0)
    transformer = PowerTransformer(method=method).fit(X)
    transformer.lambdas_ = np.full(4, power)
    Z = transformer.transform(X)
    np.testing.assert_allclose(inverse(transformer, Z), X, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(
        log_abs_det_jacobian(transformer, X),
        numerical_log_det(transformer, X),
        atol=1e-4,
    )
    infinite = np.full(4, np.inf)
    lower, upper = output_range(transformer, -infinite, infinite)
    free_below = power <= 2 if method == "yeo-johnson" else power <= 0
    free_above = power >= 0
    assert np.isinf(lower).all() == free_below
    assert np.isinf(upper).all() == free_above
    if not free_above and power < -0.1:
        far = transformer.transform(np.full((1, 4), 1e12))
        np.testing.assert_allclose(far[0], upper, rtol=1e-9)
    if not free_below and power > 2.1:
        near = -1e12 if method == "yeo-johnson" else 1e-12
        np.testing.assert_allclose(
            transformer.transform(np.full((1, 4), near))[0], lower, rtol=1e-9
        )


def test_ranges_pass_through_later_steps():
    X = positive_rows(1)
    uniform = QuantileTransformer(n_quantiles=9).fit(X)
    scaler = MinMaxScaler((10, 30)).fit(uniform.transform(X))
    yeo = PowerTransformer(standardize=False).fit(
        scaler.transform(uniform.transform(X))
    )
    lower, upper = np.full(4, -np.inf), np.full(4, np.inf)
    for step in (uniform, scaler, yeo):
        lower, upper = output_range(step, lower, upper)
    # epsilon = 1/(n_quantiles + 1) beyond [0, 1], mapped to [10, 30]
    ends = yeo.transform(np.outer([8.0, 32.0], np.ones(4)))
    np.testing.assert_allclose([lower, upper], ends, rtol=1e-12)


def test_missing_cells_are_left_out_of_the_sum():
    X = positive_rows(2)
    columnwise = [n for n in TRANSFORMERS if "pca" not in n and "rotated" not in n]
    for name in set(columnwise) - {"pipeline"}:
        transformer = TRANSFORMERS[name].fit(X)
        missing = X[:5].copy()
        missing[0, 1] = missing[1, :3] = missing[2] = np.nan
        total = np.zeros(5)
        for j in range(4):
            only = np.full_like(missing, np.nan)
            only[:, j] = X[:5, j]
            part = log_abs_det_jacobian(transformer, only)
            total += np.where(np.isnan(missing[:, j]), 0.0, part)
        log_det = log_abs_det_jacobian(transformer, missing)
        np.testing.assert_allclose(log_det, total, atol=1e-12, err_msg=name)
        assert log_det[2] == 0.0
        back = inverse(transformer, forward(transformer, missing))
        np.testing.assert_allclose(back, missing, rtol=1e-7, err_msg=name)


def test_zero_density_outside_the_domain():
    X = positive_rows(4)
    for transformer in (TRANSFORMERS["box_cox"].fit(X), LOG.fit(X)):
        rows = X[:3].copy()
        rows[1, 2] = 0.0
        rows[2, 0] = -1.0
        log_det = log_abs_det_jacobian(transformer, rows)
        assert np.isfinite(log_det[0])
        assert (log_det[1:] == -np.inf).all()


def test_quantile_tails_are_exponential_with_the_stated_mass():
    x = np.sort(positive_rows(6)[:, :1], axis=0)
    end, rate = x[-1, 0], 1.0
    for output in ("uniform", "normal"):
        transformer = QuantileTransformer(
            n_quantiles=len(x), output_distribution=output
        ).fit(x)
        scale = np.mean(x[-6:, 0] - x[-7, 0])
        beyond = end + scale * np.array([[0.5], [1.5], [7.0]])
        decay = np.exp(-(beyond - end) / scale)
        Z = forward(transformer, beyond)
        if output == "uniform":
            np.testing.assert_allclose(Z, 1 + (1 - decay) / (len(x) + 1), rtol=1e-12)
        else:
            from scipy.stats import norm

            np.testing.assert_allclose(norm.sf(Z), 1e-7 * decay, rtol=1e-6)
        rate = np.diff(log_abs_det_jacobian(transformer, beyond))
        if output == "uniform":
            np.testing.assert_allclose(rate, [-1.0, -5.5], rtol=1e-9)
        np.testing.assert_allclose(inverse(transformer, Z), beyond, rtol=1e-9)


@EVERY
def test_float32_stays_float32(name):
    X = positive_rows(8).astype(np.float32)
    transformer = TRANSFORMERS[name].fit(X)
    transformed = np.asarray(transformer.transform(X))
    Z = np.asarray(forward(transformer, X))
    assert Z.dtype == transformed.dtype == np.float32
    np.testing.assert_allclose(Z, transformed, atol=1e-3)
    assert log_abs_det_jacobian(transformer, X).dtype == np.float64


def test_containers_and_names_survive():
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    X = positive_rows(7)
    names = ["a", "b", "c", "d"]
    columns = ColumnTransformer(
        [
            ("quantile", QuantileTransformer(n_quantiles=9), ["d", "a"]),
            ("scale", StandardScaler(), ["b"]),
        ],
        remainder="passthrough",
    )
    expected = log_abs_det_jacobian(
        columns.fit(pd.DataFrame(X, columns=names)), pd.DataFrame(X, columns=names)
    )
    for frame, library in (
        (pd.DataFrame(X, columns=names), "pandas"),
        (pl.DataFrame(X, schema=names), "polars"),
    ):
        columns.set_output(transform=library).fit(frame)
        Z = forward(columns, frame)
        assert type(Z) is type(frame)
        assert list(Z.columns) == list(columns.transform(frame).columns)
        np.testing.assert_allclose(inverse(columns, Z), X, rtol=1e-9)
        np.testing.assert_allclose(log_abs_det_jacobian(columns, frame), expected)
        shuffled = frame[["c", "d", "b", "a"]]  # ColumnTransformer selects by name
        np.testing.assert_allclose(log_abs_det_jacobian(columns, shuffled), expected)
        np.testing.assert_allclose(inverse(columns, forward(columns, shuffled)), X)
