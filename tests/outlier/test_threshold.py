import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sklearn_gen.mixture import GaussianMixture
from sklearn_gen.outlier import DensityOutlierDetector
from sklearn_gen.outlier._threshold import (
    cut,
    false_alarm_threshold,
    thompson_tau,
    tukey_fence,
    weighted_quantile,
)

SHARES = st.sampled_from([0.05, 0.1, 0.25, 1 / 3, 0.5])


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(st.integers(-20, 20), min_size=1, max_size=30),
    q=SHARES,
    seed=st.integers(0, 1000),
)
def test_integer_weights_equal_repeats(values, q, seed):
    values = np.array(values, dtype=float)
    weight = np.random.default_rng(seed).integers(0, 5, len(values))
    weight[0] += 1  # at least one row counts
    assert weighted_quantile(values, q, weight) == weighted_quantile(
        np.repeat(values, weight), q
    )


@settings(max_examples=200, deadline=None)
@given(
    n=st.integers(1, 60),
    q=SHARES,
    scale=st.floats(1e-6, 1e6),
    seed=st.integers(0, 1000),
)
def test_weight_below_is_the_largest_that_does_not_exceed_the_share(n, q, scale, seed):
    rng = np.random.default_rng(seed)
    values, weight = rng.permutation(n).astype(float), scale * rng.integers(1, 4, n)
    quantile = weighted_quantile(values, q, weight)
    below = weight[values < quantile].sum() / weight.sum()
    upto = weight[values <= np.ceil(quantile)].sum() / weight.sum()
    assert below <= q + 1e-12
    assert upto >= q - 1e-12


@settings(max_examples=100, deadline=None)
@given(n=st.integers(1, 300), k=st.integers(1, 150), seed=st.integers(0, 1000))
def test_exactly_k_of_n_are_below(n, k, seed):
    k = max(1, min(k, n // 2))
    values = np.random.default_rng(seed).normal(size=n)
    assert np.sum(values < weighted_quantile(values, k / n)) == (k if n > 1 else 0)


def test_order_of_the_rows_does_not_matter():
    rng = np.random.default_rng(0)
    values, weight = rng.normal(size=50), rng.uniform(size=50)
    order = rng.permutation(50)
    assert weighted_quantile(values, 0.1, weight) == pytest.approx(
        weighted_quantile(values[order], 0.1, weight[order]), rel=1e-15
    )


def test_at_a_step_it_is_the_midpoint():
    values = np.arange(100.0)
    assert 0.07 * 100 > 7  # the rounding that must not matter
    assert weighted_quantile(values, 0.07) == 6.5
    assert weighted_quantile(values, 0.071) == 7.0
    assert weighted_quantile(values, 0.07, np.full(100, 0.7)) == 6.5


def test_rows_without_density_are_below_the_others():
    values = np.array([-np.inf, 1.0, 2.0, 3.0])
    # The step is between -inf and 1: the midpoint would not separate them.
    assert weighted_quantile(values, 0.25) == 1.0
    assert weighted_quantile(values, 0.2) == -np.inf


# ---- rules ----


@settings(max_examples=100, deadline=None)
@given(
    values=st.lists(st.integers(-20, 20), min_size=12, max_size=40),
    seed=st.integers(0, 1000),
    rule=st.sampled_from(["quantile", "iqr", "mtt"]),
)
def test_rules_take_weights_as_repeats(values, seed, rule):
    scores = np.array(values, dtype=float)
    weight = np.random.default_rng(seed).integers(0, 4, len(scores)).astype(float)
    weight[:6] += 4  # enough rows for a rate of 5 %
    repeated = np.repeat(scores, weight.astype(int))
    assert cut(rule, scores, "auto", None, weight) == pytest.approx(
        cut(rule, repeated, "auto", None), rel=1e-9, abs=1e-9
    )


def test_tukeys_fence():
    scores = np.arange(1.0, 101.0)
    assert tukey_fence(scores) == 25.5 - 1.5 * 50.0
    assert tukey_fence(np.r_[np.full(40, -np.inf), scores]) == -np.inf


def thompson_by_hand(scores):
    """As the test is written: out with the lowest, compute anew, until one stays."""
    left = np.sort(scores[np.isfinite(scores)])
    while len(left) > 2:
        n = len(left)
        t = stats.t.isf(0.005, n - 2)
        tau = t * (n - 1) / (np.sqrt(n) * np.sqrt(n - 2 + t**2))
        if left.mean() - left[0] <= tau * left.std(ddof=1):
            break
        left = left[1:]
    return left[0]


@pytest.mark.parametrize("seed", range(5))
def test_thompson_tau_by_hand(seed):
    rng = np.random.default_rng(seed)
    scores = np.r_[rng.normal(100, 1, 60), rng.uniform(50, 99, 6), -np.inf]
    assert thompson_tau(scores) == thompson_by_hand(scores)
    # far from zero no digits are lost
    assert thompson_tau(scores + 1e8) == pytest.approx(
        thompson_by_hand(scores) + 1e8, abs=1e-6
    )


def test_thompson_tau_of_little():
    assert thompson_tau(np.array([3.0])) == 3.0
    assert thompson_tau(np.array([3.0, -50.0])) == -50.0
    assert thompson_tau(np.full(9, 2.0)) == 2.0
    assert thompson_tau(np.full(9, -np.inf)) == -np.inf


def test_false_alarms_of_new_rows():
    # One new row per draw of held-out rows: exchangeable, so at most the rate.
    rng = np.random.default_rng(0)
    for n, rate in [(19, 0.05), (99, 0.1), (50, 0.05)]:
        alarms = [
            rng.normal() < false_alarm_threshold(rng.normal(size=n), rate)
            for _ in range(4000)
        ]
        # Four standard errors: fails by chance once in 30,000.
        assert np.mean(alarms) < rate + 4 * np.sqrt(rate / 4000)
        exact = np.floor(rate * (n + 1) + 1e-9) / (n + 1)
        assert abs(np.mean(alarms) - exact) < 4 * np.sqrt(rate / 4000)


def test_too_few_held_out_rows():
    with pytest.warns(UserWarning, match="needs 19 held-out rows, and there are 5"):
        assert false_alarm_threshold(np.arange(5.0), 0.05) == 0.0


@pytest.fixture(scope="module")
def contaminated():
    rng = np.random.default_rng(0)
    return np.r_[rng.normal(size=(570, 2)), rng.uniform(-9, 9, (30, 2))]


@pytest.mark.parametrize("rule", ["iqr", "mtt"])
def test_rules_that_find_the_share(contaminated, rule):
    detector = DensityOutlierDetector(threshold=rule, random_state=0)
    labels = detector.fit_predict(contaminated)
    assert np.mean(labels[570:] == -1) > 0.7
    assert np.mean(labels[:570] == 1) > 0.93
    with pytest.raises(ValueError, match=f"contamination=0.2 with threshold='{rule}'"):
        detector.set_params(contamination=0.2).fit(contaminated)


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("score_type", ["nll", "typicality"])
def test_false_alarms_of_a_flexible_density(rate, score_type):
    rng = np.random.default_rng(0)
    detector = DensityOutlierDetector(
        regime="novelty", false_alarm_rate=rate, score_type=score_type, random_state=0
    ).fit(rng.normal(size=(2000, 2)))
    alarms = np.mean(detector.predict(rng.normal(size=(4000, 2))) == -1)
    # 500 rows set the threshold: four standard errors of theirs and of the 4,000.
    assert abs(alarms - rate) < 4 * np.sqrt(rate * (1 / 500 + 1 / 4000))


@pytest.mark.parametrize("rule", ["quantile", "iqr", "mtt"])
def test_every_rule_of_novelty_goes_by_rows_held_out(rule):
    rng = np.random.default_rng(0)
    X, fresh = rng.normal(size=(400, 10)), rng.normal(size=(2000, 10))
    share = 0.05 if rule == "quantile" else "auto"
    detector = DensityOutlierDetector(
        regime="novelty", threshold=rule, contamination=share, random_state=0
    ).fit(X)
    # By the scores of the training rows it would be 0.3 and more.
    assert np.mean(detector.predict(fresh) == -1) < 0.12


def test_a_rate_of_false_alarms_chooses_its_rule(contaminated):
    detector = DensityOutlierDetector(false_alarm_rate=0.2, random_state=0)
    assert 0.1 < np.mean(detector.fit_predict(contaminated) == -1) < 0.3
    with pytest.raises(ValueError, match=r"false_alarm_rate=0\.2 with thresh"):
        detector.set_params(threshold="iqr").fit(contaminated)


def test_rows_of_no_weight_are_not_held_out():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))
    weight = (np.arange(100) < 60).astype(float)
    X[60:] = 1e6
    detector = DensityOutlierDetector(
        GaussianMixture(), threshold="holdout", false_alarm_rate=0.2, random_state=0
    ).fit(X, sample_weight=weight)
    assert np.mean(detector.predict(X[:60]) == -1) < 0.4
    assert (detector.predict(X[60:]) == -1).all()


def test_one_row_is_not_held_out():
    detector = DensityOutlierDetector(regime="novelty", threshold="holdout")
    with pytest.warns(UserWarning, match="held-out rows"):
        assert detector.fit_predict([[1.0, 2.0]]) == 1


def test_weights_of_rows_held_out_are_relative():
    scores = np.random.default_rng(0).normal(size=200)
    asked = false_alarm_threshold(scores, 0.05)
    assert false_alarm_threshold(scores, 0.05, np.full(200, 0.01)) == asked
    assert false_alarm_threshold(scores, 0.05, np.full(200, 7.0)) == asked
    doubled = np.where(scores < np.median(scores), 2.0, 0.5)
    assert false_alarm_threshold(scores, 0.05, doubled) < asked


def test_generators_move_on():
    X = np.random.default_rng(0).normal(size=(200, 2))
    detector = DensityOutlierDetector(random_state=np.random.default_rng(1))
    first, second = (detector.fit(X).score_samples(X) for _ in range(2))
    assert not np.array_equal(first, second)
