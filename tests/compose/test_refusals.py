"""What is not a bijection is refused, with the step, the reason and the way out."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)

from sklearn_gen.compose import (
    GenerativePipeline,
    log_abs_det_jacobian,
    make_generative_pipeline,
)
from sklearn_gen.mixture import GaussianMixture
from tests.compose.recorder import Recorder

WINE = load_wine().data[:, :4]


def double(x):
    return 2 * x


TIED = np.round(WINE)
REFUSED = [
    (FunctionTransformer(double), WINE, TypeError, "nowhere to hold the derivative"),
    (FunctionTransformer(double), WINE, TypeError, "no inverse_func either"),
    (PolynomialFeatures(), WINE, TypeError, "another number of columns"),
    (OneHotEncoder(), WINE, TypeError, "its output is discrete"),
    (PCA(2), WINE, ValueError, "2 of 4 components"),
    (MinMaxScaler(clip=True), WINE, ValueError, "clip=True"),
    (MaxAbsScaler(clip=True), WINE, ValueError, "clip=True"),
    (QuantileTransformer(n_quantiles=50), TIED, ValueError, r"column 0 has ties"),
    (
        QuantileTransformer(n_quantiles=50, output_distribution="normal"),
        1e-7 * WINE,
        ValueError,
        "Rescale the column first",
    ),
    (
        make_column_transformer((StandardScaler(), [0, 1])),
        WINE,
        ValueError,
        r"drops columns 2, 3",
    ),
    (
        make_column_transformer(("drop", [1]), remainder="passthrough"),
        WINE,
        ValueError,
        "'drop' removes columns",
    ),
    (
        make_column_transformer(
            (StandardScaler(), [0, 1]), (PCA(), [1, 2, 3]), remainder="passthrough"
        ),
        WINE,
        ValueError,
        r"sends column 1 to both",
    ),
    (
        make_pipeline(StandardScaler(), PolynomialFeatures()),
        WINE,
        TypeError,
        "Step 'polynomialfeatures'",
    ),
    (
        make_pipeline(PowerTransformer(method="box-cox"), PCA()),
        WINE,
        ValueError,
        "Put PCA first",
    ),
]


@pytest.mark.parametrize(("transformer", "X", "error", "message"), REFUSED)
def test_what_is_not_a_bijection_is_refused_at_fit(transformer, X, error, message):
    pipeline = GenerativePipeline(
        [("the_step", transformer), ("gm", GaussianMixture())]
    )
    with pytest.raises(error, match=message) as caught:
        pipeline.fit(X)
    assert "Step 'the_step'" in str(caught.value)


def test_an_unknown_transformer_is_named_with_the_way_to_register_it():
    class Doubling(TransformerMixin, BaseEstimator):
        def fit(self, X, y=None):
            self.n_features_in_ = X.shape[1]
            return self

        def transform(self, X):
            return 2 * X

        def inverse_transform(self, Z):
            return Z / 2

    pipeline = GenerativePipeline([("twice", Doubling()), ("gm", GaussianMixture())])
    with pytest.raises(
        TypeError, match=r"Step 'twice' \(Doubling\).*register"
    ) as caught:
        pipeline.fit(WINE)
    assert "log_abs_det_jacobian.register(Doubling)" in str(caught.value)

    @log_abs_det_jacobian.register
    def _(transformer: Doubling, X):
        return np.full(len(X), X.shape[1] * np.log(2.0))

    pipeline.fit(WINE)
    plain = GaussianMixture(reg_covar=0).fit(WINE)
    pipeline.set_params(gm__reg_covar=0).fit(WINE)
    np.testing.assert_allclose(pipeline.score_samples(WINE), plain.score_samples(WINE))
    assert pipeline.sample(3).shape == (3, 4)
    bounded = make_generative_pipeline(
        PowerTransformer(method="box-cox"), Doubling(), GaussianMixture()
    )
    with pytest.raises(ValueError, match=r"output_range\.register\(Doubling\)"):
        bounded.fit(WINE)


def test_a_bounded_range_needs_a_model_that_knows_its_probability():
    pipeline = make_generative_pipeline(PowerTransformer(method="box-cox"), Recorder())
    with pytest.raises(ValueError, match="interval_probability") as caught:
        pipeline.fit(WINE)
    assert "Step 'powertransformer'" in str(caught.value)


def test_errors_of_the_model_name_its_step():
    pipeline = make_generative_pipeline(StandardScaler(), Recorder()).fit(WINE)
    missing = WINE.copy()
    missing[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"Step 'recorder' \(Recorder\).*NaN"):
        pipeline.score_samples(missing)
    with pytest.raises(ValueError, match=r"Step 'standardscaler'.*infinity"):
        pipeline.score_samples(np.where(np.isnan(missing), np.inf, missing))
    with pytest.raises(ValueError, match="Step 'standardscaler'"):
        pipeline.score_samples(WINE[:, :2])


def test_steps_that_are_no_steps_get_scikit_learns_error():
    with pytest.raises((TypeError, ValueError)):
        GenerativePipeline([]).fit(WINE)
    with pytest.raises((TypeError, ValueError)):
        GenerativePipeline([("scaler", StandardScaler), ("gm", GaussianMixture())]).fit(
            WINE
        )
    assert isinstance(GenerativePipeline([("gm", GaussianMixture())]), Pipeline)


def test_power_transformer_that_loses_its_digits_is_refused():
    # The likeliest power is about -9: all of 31 ** -9 / -9 + 1 / 9 is 1 / 9.
    X = 30 + np.random.default_rng(0).gamma(4, 0.3, size=(1500, 1))
    bare = make_generative_pipeline(PowerTransformer(), GaussianMixture())
    with pytest.raises(ValueError, match=r"lambda=-.*column 0.*Put StandardScaler"):
        bare.fit(X)
    scaled = make_generative_pipeline(
        StandardScaler(), PowerTransformer(), GaussianMixture(random_state=0)
    ).fit(X)
    assert len(np.unique(scaled.sample(200))) == 200
