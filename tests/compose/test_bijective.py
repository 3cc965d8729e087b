"""BijectiveTransformer: what it checks, refuses and passes through."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_gen.compose import (
    BijectiveTransformer,
    inverse,
    log_abs_det_jacobian,
    make_generative_pipeline,
    output_range,
)
from sklearn_gen.mixture import GaussianMixture

X = np.array([[0.5, 2.0], [1.5, np.nan], [3.0, 0.1]])
SCALE = np.array([2.0, 10.0])


def scaled_log(x):
    return SCALE * np.log(x)


def scaled_exp(z):
    return np.exp(z / SCALE)


def log_slope(x):
    return np.log(SCALE / x)


def zeros(x):
    return np.zeros_like(x)


def ones(x):
    return np.ones_like(x)


def halve(x):
    return x / 2


def column(x):
    return x[:, :1]


def write(x):
    x += 1
    return x


def log_double(x):
    return np.log(2 * x)


def log_tanh_slope(x):
    return -2 * np.log(np.cosh(x))


def broken_below(x):
    with np.errstate(invalid="ignore"):
        return np.log(x - 0.3)


LOG = BijectiveTransformer(
    scaled_log, scaled_exp, log_slope, input_range=(0.0, [np.inf, np.inf])
)


@parametrize_with_checks([BijectiveTransformer()])
def test_scikit_learns_checks_pass_with_defaults(estimator, check):
    check(estimator)


def test_columns_may_be_treated_differently():
    Z = LOG.fit_transform(X)
    np.testing.assert_allclose(Z[0], SCALE * np.log(X[0]))
    assert np.isnan(Z[1, 1])
    np.testing.assert_allclose(LOG.inverse_transform(Z), X)
    np.testing.assert_allclose(inverse(LOG, Z), X)
    np.testing.assert_allclose(log_abs_det_jacobian(LOG, X)[1], np.log(2.0 / 1.5))
    lower, upper = output_range(LOG, np.full(2, -np.inf), np.full(2, np.inf))
    assert np.isinf([lower, upper]).all()


def test_names_dtypes_and_copies():
    frame = pd.DataFrame(X, columns=["a", "b"])
    transformer = clone(LOG).set_output(transform="pandas").fit(frame)
    assert list(transformer.transform(frame).columns) == ["a", "b"]
    assert list(transformer.get_feature_names_out()) == ["a", "b"]
    low = BijectiveTransformer(np.exp, np.log, np.positive).fit(X.astype(np.float32))
    assert low.transform(X.astype(np.float32)).dtype == np.float32
    assert low.inverse_transform(X.astype(np.float32)).dtype == np.float32
    identity = BijectiveTransformer().fit(X)
    assert identity.transform(X) is not X
    np.testing.assert_array_equal(log_abs_det_jacobian(identity, X), 0.0)
    loaded = pickle.loads(pickle.dumps(low))
    np.testing.assert_array_equal(loaded.transform(X), low.transform(X))


REFUSED = [
    ({"func": np.exp}, r"needs func, inverse_func and log_derivative.*got func"),
    ({"inverse_func": np.exp, "log_derivative": zeros}, "got inverse_func and log"),
    (
        {"func": np.exp, "inverse_func": halve, "log_derivative": np.positive},
        r"inverse_func does not undo func: 0\.5 in column 0 comes back as",
    ),
    (
        {"func": np.exp, "inverse_func": np.log, "log_derivative": zeros},
        r"log_derivative disagrees with func: at 0\.5 in column 0 it states 0",
    ),
    (
        {"func": np.exp, "inverse_func": np.log, "log_derivative": ones},
        r"quotient gives 0\.5",
    ),
    (
        {"func": column, "inverse_func": column, "log_derivative": zeros},
        r"func must return an array of the shape of its input, \(3, 2\), got \(3, 1\)",
    ),
    (
        {"func": write, "inverse_func": write, "log_derivative": zeros},
        "read-only",
    ),
    (
        {"func": broken_below, "inverse_func": np.exp, "log_derivative": zeros},
        r"func gave NaN for column 1, row 2 \(value 0\.1\).*input_range",
    ),
    ({"input_range": (0.2, np.inf)}, r"column 1 is 0\.1 in row 2, outside of"),
    ({"input_range": (1.0, 0.0)}, "input_range must be .* lower < upper"),
    ({"output_range": (1.0, "high")}, r"output_range must be .*got \(1\.0, 'high'\)"),
    ({"output_range": (0, 1, 2)}, "output_range must be"),
    ({"input_range": ([0, 0, 0], 9)}, "arrays of 2 values"),
]


@pytest.mark.parametrize(("params", "message"), REFUSED)
def test_contradictions_are_refused_at_fit(params, message):
    with pytest.raises(ValueError, match=message):
        BijectiveTransformer(**params).fit(X)


def test_the_check_can_be_skipped():
    wrong = BijectiveTransformer(np.exp, np.log, zeros, check_inverse=False).fit(X)
    np.testing.assert_array_equal(log_abs_det_jacobian(wrong, X), 0.0)


def test_rows_outside_of_the_input_range():
    LOG.fit(X)
    outside = np.array([[1.0, -1.0], [1.0, np.nan]])
    with pytest.raises(ValueError, match=r"column 1 is -1 in row 0.*input_range"):
        LOG.transform(outside)
    log_det = log_abs_det_jacobian(LOG, outside)
    assert log_det[0] == -np.inf
    assert log_det[1] == pytest.approx(np.log(2.0))


def test_a_decreasing_function_keeps_the_density():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 2))
    flip = BijectiveTransformer(np.negative, np.negative, zeros)
    flipped = make_generative_pipeline(flip, GaussianMixture()).fit(rows)
    plain = GaussianMixture().fit(rows)
    np.testing.assert_allclose(
        flipped.score_samples(rows), plain.score_samples(rows), rtol=1e-10
    )


def test_a_range_that_is_only_partly_reached_is_an_error():
    rows = np.abs(np.random.default_rng(0).normal(size=(50, 2))) + 0.5
    positive = (0, np.inf)
    square = BijectiveTransformer(
        np.square, np.sqrt, log_double, input_range=positive, output_range=positive
    )
    ranged = make_generative_pipeline(square, LOG, GaussianMixture()).fit(rows)
    assert np.isfinite(ranged.score(rows))
    capped = BijectiveTransformer(
        np.tanh, np.arctanh, log_tanh_slope, output_range=(-1, 1)
    )
    with pytest.raises(ValueError, match="fill only a part"):
        make_generative_pipeline(capped, LOG, GaussianMixture()).fit(rows)
