"""What a pipeline leaves alone, what it refuses, and whom its messages name."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from sklearn_gen.base import DegenerateDataWarning
from sklearn_gen.compose import (
    BijectiveTransformer,
    GenerativePipeline,
    forward,
    make_generative_pipeline,
)
from sklearn_gen.mixture import GaussianMixture

WINE = load_wine().data[:, :3] + np.random.default_rng(0).uniform(0, 0.01, (178, 3))
TABLE = pd.DataFrame(WINE, columns=["a", "b", "c"])


def in_place():
    box_cox = PowerTransformer(method="box-cox", copy=False)
    return [
        StandardScaler(copy=False),
        PCA(copy=False),
        box_cox,
        make_pipeline(box_cox, QuantileTransformer(n_quantiles=9, copy=False)),
        make_column_transformer(
            (StandardScaler(copy=False), slice(0, 2)), (MaxAbsScaler(copy=False), [2])
        ),
    ]


@pytest.mark.parametrize("index", range(5))
def test_transformers_that_work_in_place_leave_the_input_alone(index):
    model = GaussianMixture(random_state=0)
    X, given = WINE.copy(), WINE[:5].copy()
    pipeline = make_generative_pipeline(in_place()[index], model).fit(X)
    copying = in_place()[index]
    for name, value in copying.get_params().items():
        if value is False and name.endswith("copy"):
            copying.set_params(**{name: True})
    expected = make_generative_pipeline(copying, model).fit(WINE.copy())
    np.testing.assert_allclose(pipeline.score_samples(X), expected.score_samples(WINE))
    forward(pipeline[0], X)
    pipeline.predict(X)
    if index != 1:  # PCA takes no NaN
        given[:, 0] = np.nan
        drawn = pipeline.sample_conditional(given, random_state=0)
        np.testing.assert_array_equal(drawn[:, 1:], WINE[:5, 1:])
        np.testing.assert_array_equal(given[:, 1:], WINE[:5, 1:])
    np.testing.assert_array_equal(X, WINE)


def test_weights_of_a_column_transformer_are_refused_before_fitting():
    weighted = ColumnTransformer(
        [("s", StandardScaler(), [0])],
        remainder="passthrough",
        transformer_weights={"s": 10.0},
    )
    pipeline = make_generative_pipeline(weighted, GaussianMixture())
    with pytest.raises(ValueError, match=r"Step 'columntransformer'.*_weights="):
        pipeline.fit(WINE)
    assert not hasattr(weighted, "transformers_")
    with pytest.raises(ValueError, match="transformer_weights"):
        forward(weighted.fit(WINE), WINE)


def test_a_column_listed_twice_is_refused():
    twice = ColumnTransformer([("s", StandardScaler(), [0, 0, 1])], remainder=PCA())
    with pytest.raises(ValueError, match="sends column 0 to 's' twice"):
        make_generative_pipeline(twice, GaussianMixture()).fit(WINE)


def test_criteria_ignore_rows_of_weight_zero_and_take_one_number():
    box_cox = PowerTransformer(method="box-cox")
    pipeline = make_generative_pipeline(box_cox, GaussianMixture()).fit(WINE)
    X, weight = WINE.copy(), np.ones(len(WINE))
    X[0], weight[0] = -1.0, 0.0
    for criterion in (pipeline.bic, pipeline.aic):
        assert criterion(X, weight) == pytest.approx(criterion(WINE[1:]))
        assert criterion(WINE, 1) == pytest.approx(criterion(WINE))
        with pytest.raises(ValueError, match=r"sample_weight\[1\] is -1"):
            criterion(WINE[:2], [1, -1])


def test_errors_in_fit_name_the_column_or_the_step():
    pipeline = make_generative_pipeline(StandardScaler(), PCA(), GaussianMixture())
    with pytest.raises(ValueError, match=r"Step 'pca' \(PCA\): Input X contains NaN"):
        pipeline.fit(TABLE.mask(TABLE > 13))
    assert not hasattr(pipeline, "_step_in_fit")
    with pytest.raises(ValueError, match=r"column 'b', row 2.*GenerativePipeline"):
        pipeline.fit(TABLE.replace(TABLE.iloc[2, 1], np.inf))
    with pytest.raises(ValueError, match=r"Column 't' has dtype"):
        pipeline.fit(TABLE.assign(t="x"))
    with pytest.raises(ValueError, match=r"Step 'gaussianmixture'.*n_components"):
        pipeline.set_params(gaussianmixture__n_components=0).fit(WINE)


def test_warnings_in_fit_name_the_step():
    columns = make_column_transformer((StandardScaler(), ["c"]), remainder=PCA())
    pipeline = make_generative_pipeline(columns, GaussianMixture())
    shown = warnings.showwarning
    expected = r"^Step 'gaussianmixture' \(GaussianMixture\), columns counted in its"
    with pytest.warns(DegenerateDataWarning, match=expected):
        pipeline.fit(TABLE.assign(b=1.0))
    assert warnings.showwarning is shown or shown.__module__ == "warnings"


def test_values_too_far_out_are_named():
    far = WINE.copy()
    far[7, 1] = 1e300
    # The likeliest power of the mirrored column is above one: it overflows.
    skewed = -np.random.default_rng(0).lognormal(size=WINE.shape)
    pipeline = make_generative_pipeline(PowerTransformer(), GaussianMixture())
    with pytest.raises(ValueError, match=r"output is infinite for 1e\+300 in column 1"):
        pipeline.fit(skewed).score_samples(np.where(far == 1e300, far, skewed))
    scaler = MinMaxScaler((0, 1e100))
    pipeline = make_generative_pipeline(
        scaler, MinMaxScaler(), GaussianMixture(reg_covar="scale")
    )
    with pytest.raises(
        ValueError, match=r"Step 'minmaxscaler-1'.*infinite for row 7 \(column 1"
    ):
        pipeline.fit(WINE).score_samples(far * 1e6)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_column_without_a_scale_is_named():
    model = GaussianMixture(reg_covar="scale")
    pipeline = make_generative_pipeline(RobustScaler(), model)
    with pytest.raises(ValueError, match=r"column 'b' had no finite scale"):
        pipeline.fit(TABLE.assign(b=np.nan))


def test_names_and_number_of_columns_of_passthrough_and_unfitted_pipelines():
    through = GenerativePipeline([("one", "passthrough"), ("two", None)])
    unfitted = make_generative_pipeline(StandardScaler(), GaussianMixture())
    for pipeline in (through, unfitted):
        for name in ("n_features_in_", "feature_names_in_"):
            with pytest.raises(AttributeError, match=f"'GenerativePipeline'.*'{name}'"):
                getattr(pipeline, name)
    through = GenerativePipeline([("one", "passthrough"), ("two", "passthrough")])
    assert through.fit(TABLE).n_features_in_ == 3
    assert list(through.feature_names_in_) == ["a", "b", "c"]
    assert not hasattr(through.fit(WINE), "feature_names_in_")


def test_bijective_transformer_checks_the_width_on_the_way_back():
    identity = BijectiveTransformer().fit(WINE)
    for wrong in (WINE[:, :2], WINE[0]):
        with pytest.raises(ValueError, match="must have the 3 columns"):
            identity.inverse_transform(wrong)
