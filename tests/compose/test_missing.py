"""NaN through pipelines: marginals, conditionals and draws given observed cells."""

import numpy as np
import pytest
from scipy.stats import kstest, multivariate_normal
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.preprocessing import QuantileTransformer, RobustScaler, StandardScaler

from sklearn_gen.base import GenerativeModel
from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.mixture import GaussianMixture
from tests.compose.quadrature import FixedPower, Grid

# A correct pipeline fails a test of draws for one seed in a million.
FALSE_ALARM = 1e-6
NAN = np.nan


def rows(n_rows=200):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(n_rows, 2)) @ [[0.7, 0.5], [0.0, 0.4]]
    X[::3] += [1.0, -0.8]
    return X


def power(*lambdas):
    return FixedPower(np.array(lambdas))


CASES = {
    "linear": RobustScaler(),
    "first_bounded": power(-1.3, 1.0),
    "second_bounded": power(1.0, 3.2),
    "both_bounded": power(-1.3, 3.2),
    "quantile": QuantileTransformer(n_quantiles=6),
    "columns": make_column_transformer(
        (QuantileTransformer(n_quantiles=6), [1]), remainder=StandardScaler()
    ),
}
EVERY = pytest.mark.parametrize("name", CASES)
STRUCTURES = pytest.mark.parametrize("covariance_type", ["full", "tied", "diag"])


def fitted(name, covariance_type):
    model = GaussianMixture(2, covariance_type=covariance_type, random_state=0)
    return make_generative_pipeline(CASES[name], model).fit(rows())


def grid_of(name, column):
    kinks = ()
    if name in {"quantile", "columns"}:
        kinks = QuantileTransformer(n_quantiles=6).fit(rows()).quantiles_[:, column]
    return Grid(False, n_nodes=8, edges=kinks)


@EVERY
@STRUCTURES
def test_marginals_are_integrals_of_the_joint_density(name, covariance_type):
    pipeline = fitted(name, covariance_type)
    for missing in (0, 1):
        grid = grid_of(name, missing)
        for value in (-0.7, 0.2, 1.9):
            joint = np.full((len(grid.x), 2), value)
            joint[:, missing] = grid.x
            integral = grid.integrate(np.exp(pipeline.score_samples(joint)))
            row = np.full((1, 2), value)
            row[0, missing] = NAN
            found = np.exp(pipeline.score_samples(row)[0])
            # 1e-5 where both columns are bounded, by the model's own integration.
            assert found == pytest.approx(integral, rel=2e-5)


@EVERY
def test_nothing_observed_has_log_probability_zero(name):
    pipeline = fitted(name, "full")
    log_prob = pipeline.score_samples([[NAN, NAN], [0.1, NAN], [0.1, 0.2]])
    assert log_prob[0] == pytest.approx(0.0, abs=1e-14)
    assert np.isfinite(log_prob).all()
    alone = [pipeline.score_samples([row])[0] for row in ([0.1, NAN], [0.1, 0.2])]
    np.testing.assert_allclose(log_prob[1:], alone, rtol=1e-12)


@EVERY
@STRUCTURES
def test_conditional_draws_follow_the_conditional_density(name, covariance_type):
    pipeline = fitted(name, covariance_type)
    for missing in (0, 1):
        given = np.full((2000, 2), 0.4)
        given[:, missing] = NAN
        drawn = pipeline.sample_conditional(given, random_state=1)
        assert (drawn[:, 1 - missing] == 0.4).all()
        grid = grid_of(name, missing)
        joint = np.full((len(grid.x), 2), 0.4)
        joint[:, missing] = grid.x
        conditional = np.exp(
            pipeline.score_samples(joint) - pipeline.score_samples(given[:1])
        )
        test = kstest(drawn[:, missing], grid.cdf(conditional))
        assert test.pvalue > FALSE_ALARM
    everything = pipeline.sample_conditional(np.full((5, 2), NAN), random_state=0)
    assert np.isfinite(everything).all()
    np.testing.assert_array_equal(
        pipeline.sample_conditional(given[:9], random_state=4),
        pipeline.sample_conditional(given[:9], random_state=4),
    )


def test_rows_without_missing_cells_come_back_as_they_are():
    pipeline = fitted("both_bounded", "full")
    X = rows(5)
    np.testing.assert_array_equal(pipeline.sample_conditional(X), X)


def test_a_step_that_mixes_columns_names_itself():
    pipeline = make_generative_pipeline(StandardScaler(), PCA(), GaussianMixture()).fit(
        rows()
    )
    missing = rows(4)
    missing[2, 0] = NAN
    for method in ("score_samples", "score", "sample_conditional", "predict", "bic"):
        with pytest.raises(ValueError, match=r"Step 'pca' \(PCA\).*NaN \(row 2\)"):
            getattr(pipeline, method)(missing)
    with pytest.raises(ValueError, match="PCA"):
        pipeline.fit(missing)


def test_rows_outside_the_domain():
    box_cox = FixedPower(np.array([0.0, 0.5]), method="box-cox")
    pipeline = make_generative_pipeline(box_cox, GaussianMixture()).fit(np.exp(rows()))
    X = np.array([[1.0, 2.0], [-1.0, NAN], [NAN, 3.0], [2.0, 0.0]])
    log_prob = pipeline.score_samples(X)
    assert np.isfinite(log_prob[[0, 2]]).all()
    assert (log_prob[[1, 3]] == -np.inf).all()
    assert (pipeline.score_samples(X[[1, 3]]) == -np.inf).all()
    assert pipeline.score(X) == -np.inf
    for method in ("sample_conditional", "predict", "predict_proba"):
        with pytest.raises(ValueError, match=r"2 row\(s\), the first at 1"):
            getattr(pipeline, method)(X)


@STRUCTURES
def test_box_probabilities_agree_with_scipy_and_with_draws(covariance_type):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 5)) @ rng.normal(size=(5, 5))
    X[:150] += 2.0
    model = GaussianMixture(2, covariance_type=covariance_type, random_state=0).fit(X)
    deviation = X.std(axis=0)
    lower = np.array([-np.inf, -2.0, -np.inf, -1.5, -2.5]) * deviation
    upper = np.array([np.inf, 2.5, 1.5, np.inf, 3.0]) * deviation
    found = model.interval_probability(lower, upper)
    draws = model.sample(100_000, random_state=1)
    inside = ((draws > lower) & (draws < upper)).all(axis=1)
    assert found == pytest.approx(inside.mean(), abs=8e-3)  # five standard errors
    expected = 0.0
    for k, weight in enumerate(model.weights_):
        covariance = {
            "full": lambda k=k: model.covariances_[k],
            "tied": lambda: model.covariances_,
            "diag": lambda k=k: np.diag(model.covariances_[k]),
        }[covariance_type]()
        expected += weight * multivariate_normal.cdf(
            upper, model.means_[k], covariance, lower_limit=lower, abseps=1e-5,
            releps=1e-5, rng=np.random.default_rng(0),
        )  # fmt: skip
    assert found == pytest.approx(expected, abs=5e-5)
    assert model.interval_probability(lower, upper) == found
    # Given observed cells: the same as from the conditional mixture, row by row.
    missing = X[:6].copy()
    missing[0, 2] = missing[1, [1, 3]] = missing[2, [0, 1, 4]] = NAN
    missing[3] = missing[4, 0] = NAN
    given = model.interval_probability(lower, upper, missing)
    for i in range(3):
        cells = np.isnan(missing[i])
        alone = model.conditional(missing[i : i + 1])
        expected = alone.interval_probability(lower[cells], upper[cells])
        assert given[i] == pytest.approx(expected, abs=2e-5)
    assert given[3] == pytest.approx(found, abs=2e-5)
    assert given[4] == given[5] == 1.0


def test_one_row_is_redrawn_from_an_int_seed():
    pipeline = fitted("both_bounded", "full")
    box = pipeline._range()
    mass = pipeline[-1].interval_probability(box.lower, box.upper)
    assert mass < 0.95  # else no seed below needs a second draw
    for seed in range(100):
        assert np.isfinite(pipeline.sample(random_state=seed)).all()
        filled = pipeline.sample_conditional([[NAN, 0.4]], random_state=seed)
        assert np.isfinite(filled).all()


def test_a_range_that_is_never_hit_is_an_error_and_no_endless_loop():
    class Far(GenerativeModel):
        """Claims that the range is probable and draws outside of it."""

        def __init__(self, random_state=None):
            self.random_state = random_state

        _parameter_constraints = {"random_state": ["random_state"]}  # noqa: RUF012

        def _fit(self, X, sample_weight, rng):
            pass

        def _score_samples(self, X):
            return np.zeros(len(X))

        def _sample(self, n_samples, rng):
            return np.full((n_samples, 2), 1e9)

        def interval_probability(self, lower, upper, X=None):
            return self.claim if X is None else np.full(len(X), self.claim)

        claim = 0.5

    pipeline = make_generative_pipeline(power(-1.3, 1.0), Far()).fit(rows())
    with pytest.raises(ValueError, match="not hit after"):
        pipeline.sample(2)
    Far.claim = 0.0
    with pytest.raises(ValueError, match=r"probability 0\.0"):
        pipeline.fit(rows())
