"""Degenerate and discrete columns: fits with finite densities, and says what it did."""

import warnings

import numpy as np
import pandas as pd
import pytest

from sklearn_gen.base import DegenerateDataWarning, DiscreteColumnWarning
from sklearn_gen.mixture import GaussianMixture
from tests.mixture.test_gaussian_mixture import (
    COVARIANCE_TYPES,
    mixed_rows,
    same_start,
)


def test_dequantize_takes_away_what_reg_covar_can_buy():
    rng = np.random.default_rng(0)
    X = rng.poisson(3.0, size=(800, 1)).astype(float)
    kwargs = {"n_components": 6, "random_state": 0, "n_init": 3, "max_iter": 500}
    with pytest.warns(DiscreteColumnWarning, match=r"column 0.*dequantize='auto'"):
        bought = [
            GaussianMixture(reg_covar=reg, **kwargs).fit(X).score(X)
            for reg in (1e-4, 1e-8)
        ]
    assert bought[1] > bought[0] + 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        honest = [
            GaussianMixture(reg_covar=reg, dequantize="auto", **kwargs).fit(X).score(X)
            for reg in (1e-4, 1e-8)
        ]
    assert honest[1] == pytest.approx(honest[0], abs=0.05)


def test_dequantize_names_columns_of_a_frame():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"count": rng.poisson(3.0, 300), "x": rng.normal(size=300)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = GaussianMixture(dequantize=["count"], random_state=0).fit(frame)
    assert model.covariances_[0, 0, 0] == pytest.approx(
        frame["count"].var(ddof=0) + 1 / 12, rel=0.05
    )


DEGENERATE = {
    "one-hot": np.eye(3)[np.arange(60) % 3],
    "constant column": np.c_[mixed_rows(60, 2, 1), np.full(60, 5.0)],
    "duplicates": np.repeat(mixed_rows(2, 3, 1), 30, axis=0),
    "more columns than rows": mixed_rows(5, 10, 1),
    "fewer distinct rows than components": np.full((50, 3), 2.5),
    "one row": mixed_rows(1, 3, 1),
    "tiny": 1e-8 * np.c_[mixed_rows(60, 2, 1), np.zeros(60)],
    "huge": 1e8 * np.c_[mixed_rows(60, 2, 1), np.ones(60)],
    "huge and collinear": 1e8 * mixed_rows(60, 2, 1) @ [[1.0, 0, 1], [0, 1, 1]],
}


@pytest.mark.parametrize("reg_covar", [1e-6, 0.0, "scale"])
@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_data_fit_with_finite_densities(name, covariance_type, reg_covar):
    X = DEGENERATE[name]
    model = GaussianMixture(
        3, covariance_type=covariance_type, reg_covar=reg_covar, random_state=0
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X)
    if not (name == "huge and collinear" and covariance_type in ("diag", "spherical")):
        named = [w for w in caught if issubclass(w.category, DegenerateDataWarning)]
        assert any("column" in str(w.message) for w in named)
    assert np.isfinite(model.score_samples(X)).all()
    assert np.isfinite(model.precisions_).all()
    assert np.isfinite(model.sample(10, random_state=0)).all()


def test_scale_regularisation_follows_units():
    X = mixed_rows(300, 3, 2)
    units = np.array([1e-6, 1.0, 1e6])
    start = same_start(X, 2, "full") | {"reg_covar": "scale", "max_iter": 50}
    plain = GaussianMixture(**start).fit(X)
    start["means_init"] = start["means_init"] * units
    start["precisions_init"] = start["precisions_init"] / units[:, None] / units
    rescaled = GaussianMixture(**start).fit(X * units)
    np.testing.assert_allclose(
        rescaled.score_samples(X * units),
        plain.score_samples(X) - np.log(units).sum(),
        rtol=1e-9,
    )


def test_dequantize_of_a_named_column_always_adds_noise():
    rng = np.random.default_rng(0)
    X = np.c_[rng.integers(0, 100_000, size=300) * 4.0, rng.normal(size=300)]
    model = GaussianMixture(dequantize=[0], random_state=0).fit(X)
    plain = GaussianMixture(random_state=0).fit(X)
    assert model.means_[0, 0] != plain.means_[0, 0]
    assert abs(model.means_[0, 0] - plain.means_[0, 0]) < 4.0
    with pytest.raises(ValueError, match="column 1, whose values lie on no grid"):
        GaussianMixture(dequantize=[1]).fit(X)
