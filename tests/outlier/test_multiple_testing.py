"""Selections and bounds against brute force, and their rates by simulation.

Simulations have fixed seeds. A mean over N draws is compared with its bound plus 4
standard errors: a correct method fails with probability 3e-5.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import betabinom

from sklearn_gen.outlier import (
    _multiple_testing,
    benjamini_hochberg,
    conformal_p_values,
    false_discovery_bound,
    null_proportion,
    weighted_selection,
)

N_ERRORS = 4.0


def assert_mean_at_most(values, bound):
    error = np.std(values) / np.sqrt(len(values))
    assert np.mean(values) <= bound + N_ERRORS * error, (np.mean(values), bound, error)


def false_share(selected, n_inliers):
    """Share of false discoveries where the first rows are the inliers."""
    return selected[:n_inliers].sum() / max(selected.sum(), 1)


# ---- Benjamini and Hochberg, share of inliers ----


def selected_by_definition(p_values, fdr, pi0):
    m = len(p_values)
    for k in range(m, 0, -1):
        line = fdr * k / (m * pi0)
        if np.count_nonzero(p_values <= line + 1e-12) >= k:
            return p_values <= line + 1e-12
    return np.zeros(m, dtype=bool)


@pytest.mark.parametrize("pi0", [1.0, 0.6])
def test_selection_by_definition(pi0):
    rng = np.random.default_rng(0)
    for _ in range(200):
        p_values = rng.integers(1, 101, size=rng.integers(1, 30)) / 100
        p_values[::3] /= 10
        for fdr in (0.05, 0.1, 0.3):
            assert_array_equal(
                benjamini_hochberg(p_values, fdr, pi0=pi0),
                selected_by_definition(p_values, fdr, pi0),
            )


def test_selection_is_not_lost_to_rounding():
    # 0.1 * 3 / 30 is a little above 0.01, 0.1 * 3 / 10 a little above 0.03
    assert benjamini_hochberg(np.r_[[0.01] * 3, [1.0] * 27], 0.1, pi0=1).sum() == 3
    assert benjamini_hochberg(np.r_[[0.03] * 3, [1.0] * 7], 0.1, pi0=1).sum() == 3


def test_storey_by_hand():
    p_values = [0.01, 0.02, 0.03, 0.04, 0.3, 0.6]
    assert null_proportion(p_values) == pytest.approx((1 + 1) / (6 * 0.5))
    assert null_proportion(p_values, 0.0) == 1.0
    assert null_proportion(p_values, 0.2) == pytest.approx(3 / (6 * 0.8))
    expected = benjamini_hochberg(p_values, 0.05, pi0=2 / 3)
    assert_array_equal(benjamini_hochberg(p_values, 0.05), expected)
    assert expected.sum() == 4
    assert benjamini_hochberg(p_values, 0.05, pi0=1).sum() == 0


def test_storey_raises_power_and_keeps_the_rate():
    rng = np.random.default_rng(1)
    shares, powers = [], []
    for _ in range(400):
        scores = np.r_[rng.normal(size=60), rng.normal(-3.0, 1.0, size=60)]
        p_values = conformal_p_values(scores, rng.normal(size=300))
        chosen = [benjamini_hochberg(p_values, 0.1, pi0=pi0) for pi0 in ("storey", 1)]
        shares.append([false_share(c, 60) for c in chosen])
        powers.append([c[60:].mean() for c in chosen])
    shares, powers = np.array(shares), np.array(powers)
    assert_mean_at_most(shares[:, 0], 0.1)
    assert_mean_at_most(shares[:, 1], 0.05)  # half of the rows are inliers
    assert shares[:, 0].mean() > 0.06
    assert powers[:, 0].mean() > powers[:, 1].mean() + 0.05


# ---- weighted selection ----


def weighted_by_definition(scores, calibration, weight, calibration_weight, fdr):
    """Algorithm 1 of Jin and Candès with deterministic pruning, loop by loop."""
    m, total = len(scores), calibration_weight.sum()
    sizes, first = np.zeros(m), np.zeros(m, dtype=bool)
    for j in range(m):
        p = np.zeros(m)
        for k in range(m):
            if k != j:
                p[k] = calibration_weight[calibration <= scores[k]].sum()
                p[k] += weight[j] * (scores[j] <= scores[k])
        sizes[j] = selected_by_definition(p / (total + weight[j]), fdr, 1).sum()
        p_value = calibration_weight[calibration <= scores[j]].sum() + weight[j]
        first[j] = p_value / (total + weight[j]) <= fdr * sizes[j] / m + 1e-12
    for r in range(m, 0, -1):
        if np.count_nonzero(first & (sizes <= r)) >= r:
            return first & (sizes <= r)
    return np.zeros(m, dtype=bool)


def test_weighted_selection_by_definition():
    rng = np.random.default_rng(2)
    n_selected = []
    for _ in range(150):
        n, m = rng.integers(5, 80), rng.integers(1, 15)
        calibration = rng.normal(size=n).round(1)  # ties, too
        scores = rng.normal(-1.5, 1.5, size=m).round(1)
        weight = 3 * rng.exponential(size=m) ** 3
        calibration_weight = rng.exponential(size=n) ** 3
        expected = weighted_by_definition(
            scores, calibration, weight, calibration_weight, 0.25
        )
        given = {"weight": weight, "calibration_weight": calibration_weight}
        selected = weighted_selection(scores, calibration, fdr=0.25, **given)
        assert_array_equal(selected, expected)
        n_selected.append(selected.sum())
        for pruning in ("homogeneous", "heterogeneous"):
            more = weighted_selection(
                scores,
                calibration,
                fdr=0.25,
                pruning=pruning,
                random_state=0,
                **given,
            )
            assert more.sum() >= selected.sum()
    assert np.mean(n_selected) > 1


@pytest.mark.parametrize("pruning", ["deterministic", "homogeneous", "heterogeneous"])
def test_equal_weights_select_as_benjamini_and_hochberg(pruning):
    rng = np.random.default_rng(3)
    calibration = rng.normal(size=200)
    scores = np.r_[rng.normal(size=40), rng.normal(-3.0, 1.0, size=20)]
    selected = weighted_selection(
        scores,
        calibration,
        weight=np.full(60, 7.0),
        calibration_weight=np.full(200, 7.0),
        pruning=pruning,
        random_state=0,
    )
    expected = benjamini_hochberg(conformal_p_values(scores, calibration), pi0=1)
    assert_array_equal(selected, expected)
    assert selected.sum() > 10


@pytest.mark.parametrize("pruning", ["deterministic", "homogeneous", "heterogeneous"])
def test_rate_under_a_shift(pruning):
    # Column 0 of the inliers moves from N(0, 1) to N(1, 1): density ratio exp(x), up to
    # a factor. Scores fall with it, and outliers have unusual values of column 1.
    rng = np.random.default_rng(4)
    weighted, unweighted, powers = [], [], []
    for draw in range(200):
        calibration, inliers, outliers = (
            rng.normal(size=(size, 2)) + mean
            for size, mean in [(800, (0, 0)), (45, (1, 0)), (15, (1, -6))]
        )
        rows = np.vstack([inliers, outliers])
        scores, usual = rows[:, 1] - rows[:, 0], calibration[:, 1] - calibration[:, 0]
        selected = weighted_selection(
            scores,
            usual,
            weight=np.exp(rows[:, 0]),
            calibration_weight=np.exp(calibration[:, 0]),
            fdr=0.2,
            pruning=pruning,
            random_state=draw,
        )
        weighted.append(false_share(selected, 45))
        powers.append(selected[45:].mean())
        plain = benjamini_hochberg(conformal_p_values(scores, usual), 0.2, pi0=1)
        unweighted.append(false_share(plain, 45))
    assert_mean_at_most(weighted, 0.2)
    assert np.mean(unweighted) > 0.25
    assert np.mean(powers) > 0.5


# ---- bounds on the false-discovery proportion ----


def test_envelope_is_of_the_urn():
    """At one rank it is a quantile of the beta-binomial law of the count."""
    for n, m, rank in [(50, 30, 3), (20, 200, 10), (200, 50, 1)]:
        (bound,) = _multiple_testing._envelope(n, m, np.array([rank]), 0.9, [0])
        law = betabinom(m, rank, n + 1 - rank)
        # Two simulated quantiles: standard errors of 0.0047 each.
        assert law.cdf(bound) > 0.9 - 0.03
        assert law.cdf(bound - 1) < 0.9 + 0.03


@pytest.mark.parametrize("confidence", [0.5, 0.9])
def test_coverage_of_all_thresholds_at_once(confidence, monkeypatch):
    # The theorem holds for any number of simulated counts; few are quick.
    monkeypatch.setattr(_multiple_testing, "_N_DRAWS", 300)
    n, n_inliers, m, n_draws = 150, 80, 120, 300
    rng = np.random.default_rng(5)
    missed, bounds = 0, []
    for draw in range(n_draws):
        scores = np.r_[rng.normal(size=n_inliers), rng.normal(-4.0, 1.0, m - n_inliers)]
        p_values = conformal_p_values(scores, rng.normal(size=n))
        bound = false_discovery_bound(
            p_values, n, confidence=confidence, random_state=draw
        )
        found = p_values <= p_values[:, np.newaxis]
        share = found[:, :n_inliers].sum(axis=1) / found.sum(axis=1)
        missed += np.any(share > bound + 1e-12)
        bounds.append(bound[p_values <= 0.1].max())
    risk = 1 - confidence
    assert missed / n_draws <= risk + N_ERRORS * np.sqrt(risk * confidence / n_draws)
    assert missed > 0  # a bound that is never missed says too little
    assert np.mean(bounds) < 0.55


def test_bounds_at_thresholds():
    rng = np.random.default_rng(6)
    p_values = np.r_[rng.random(300), np.full(100, 0.002)]
    thresholds = np.array([0.0, 0.002, 0.1, 0.01, 1.0])
    bound = false_discovery_bound(p_values, 1000, thresholds)
    assert bound[0] == 0.0  # nothing is found
    assert_allclose(bound[-1], 300 / 400, atol=0.05)
    assert bound[1] < bound[3] < bound[2] < bound[4]
    each = false_discovery_bound(p_values, 1000)
    again = false_discovery_bound(p_values, 1000, p_values[[5, 350]])
    assert_array_equal(each[[5, 350]], again)
    sure = false_discovery_bound(p_values, 1000, thresholds, confidence=0.99)
    assert (sure[1:] > bound[1:]).all()
    assert_array_equal(
        false_discovery_bound(p_values, 1000, thresholds, confidence=0.99999)[1:], 1.0
    )


# ---- errors ----


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: null_proportion([0.1, 1.5]), r"p_values\[1\] is 1.5"),
        (lambda: null_proportion([0.1, np.nan]), r"p_values\[1\] is nan"),
        (lambda: null_proportion([]), r"at least one value.*\(0,\)"),
        (lambda: null_proportion([[0.1]]), r"1-D.*\(1, 1\)"),
        (lambda: null_proportion([0.1], 1.0), r"threshold.*1\.0"),
        (lambda: benjamini_hochberg([0.1], 1.0), r"fdr.*above 0 and below 1.*1\.0"),
        (lambda: benjamini_hochberg([0.1], 0.1, pi0="mean"), "pi0.*'storey'.*'mean'"),
        (lambda: benjamini_hochberg([0.1], 0.1, pi0=0), "pi0.*got 0"),
        (lambda: false_discovery_bound([0.1], 0), "n_calibration.*got 0"),
        (lambda: false_discovery_bound([0.1], 9, confidence=1), "confidence.*got 1"),
        (lambda: false_discovery_bound([0.1], 9, [np.nan]), "thresholds.*nan"),
    ],
)
def test_errors_name_the_argument(call, says):
    with pytest.raises(ValueError, match=says):
        call()
