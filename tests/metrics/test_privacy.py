"""Distance shares, copies and membership."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import kstest, mannwhitneyu
from sklearn.metrics import roc_auc_score

from sklearn_gen.metrics import (
    closest_record_share,
    exact_copy_share,
    membership_auc,
)
from tests.metrics.tables import mixed_table

# False alarms of the tests of uniformity; seeds are fixed.
ALARM = 1e-3


def test_share_equals_brute_force():
    rng = np.random.default_rng(0)
    fitted, held_out, synthetic = rng.normal(size=(3, 300, 3))
    scale = np.diff(np.quantile(fitted, [0.05, 0.95], axis=0), axis=0)
    near, far = (
        cdist(synthetic / scale, half / scale).min(axis=1)
        for half in (fitted, held_out)
    )
    result = closest_record_share(fitted, synthetic, held_out)
    assert result.share == np.mean(near < far)
    assert result.tied == 0.0


def test_copies_of_either_half():
    rng = np.random.default_rng(0)
    fitted, held_out = rng.normal(size=(2, 200, 3))
    assert closest_record_share(fitted, fitted, held_out)[:2] == (1.0, 0.001)
    assert closest_record_share(fitted, held_out, held_out)[:2] == (0.0, 1.0)


def test_ties_count_half():
    fitted = np.repeat([[0.0], [1.0], [2.0]], 20, axis=0)
    result = closest_record_share(fitted, [[1.0], [0.4], [7.0]], fitted)
    assert (result.share, result.tied) == (0.5, 1.0)
    held_out = fitted + 0.5
    result = closest_record_share(fitted, [[1.25], [0.0], [2.5], [1.75]], held_out)
    assert result.tied == 0.5
    assert result.share == (0.5 + 1 + 0 + 0.5) / 4


@pytest.mark.parametrize("kind", ["normal", "clustered", "discrete"])
def test_p_values_of_shares_are_uniform(kind):
    # Clustered: many synthetic rows per record, where a binomial test raises a false
    # alarm (at 5 %) in a fifth of all cases.
    rng = np.random.default_rng(0)
    n, m = (40, 1000) if kind == "clustered" else (100, 100)
    p_values, binomial = [], []
    for seed in range(200):
        if kind == "discrete":
            tables = rng.integers(0, 6, size=(2 * n + m, 2)).astype(float)
        else:
            tables = rng.normal(size=(2 * n + m, 2))
        fitted, held_out, synthetic = np.split(tables, [n, 2 * n])
        result = closest_record_share(fitted, synthetic, held_out, random_state=seed)
        p_values.append(result.p_value)
        binomial.append((result.share - 0.5) * 2 * np.sqrt(m) > 1.645)
    assert kstest(p_values, "uniform").pvalue > ALARM
    if kind == "clustered":
        assert np.mean(binomial) > 0.12


def test_halves_must_be_equal():
    X = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(ValueError, match=r"real has 20 rows and holdout 19.*same size"):
        closest_record_share(X, X, X[:19])


def test_share_does_not_depend_on_threads_or_order():
    tables = [mixed_table(3000, seed, missing=0.1) for seed in range(3)]
    result = closest_record_share(tables[0], tables[1], tables[2])
    assert closest_record_share(*tables, n_jobs=2) == closest_record_share(*tables)
    shuffled = [table.sample(frac=1.0, random_state=0) for table in tables]
    again = closest_record_share(shuffled[0], shuffled[1], shuffled[2])
    assert (again.share, again.tied) == (result.share, result.tied)


def test_exact_copies():
    table = mixed_table(100, 0, missing=0.3)
    assert exact_copy_share(table, table) == 1.0
    changed = table.copy()
    changed.loc[:49, "children"] += 100
    assert exact_copy_share(table, changed) == 0.5
    real = [[0.0, np.nan], [5.0, 1.0]]
    assert exact_copy_share(real, [[-0.0, np.nan], [np.nan, 0.0]]) == 0.5


def test_membership_equals_scikit_learn_and_scipy():
    rng = np.random.default_rng(0)
    members, others = rng.integers(0, 9, 80), rng.integers(1, 10, 50)  # many ties
    result = membership_auc(members, others)
    y = np.repeat([1, 0], [80, 50])
    want = roc_auc_score(y, np.concatenate([members, others]))
    assert result.auc == pytest.approx(want)
    test = mannwhitneyu(
        members,
        others,
        alternative="greater",
        method="asymptotic",
        use_continuity=False,
    )
    assert result.p_value == pytest.approx(test.pvalue)
    assert result.interval[0] < result.auc < result.interval[1]


def test_membership_interval_covers():
    # Normal scores 0.8 apart: the AUC is known. 0.9 within three standard errors.
    rng = np.random.default_rng(0)
    truth = 0.7141961  # Phi(0.8 / sqrt(2))
    covered = 0
    for _ in range(400):
        interval = membership_auc(
            rng.normal(0.8, 1.0, 60), rng.normal(size=90), confidence=0.9
        ).interval
        covered += interval[0] <= truth <= interval[1]
    assert covered / 400 == pytest.approx(0.9, abs=3 * np.sqrt(0.09 / 400))


def test_membership_p_values_are_uniform():
    rng = np.random.default_rng(0)
    p_values = [membership_auc(*rng.normal(size=(2, 50))).p_value for _ in range(400)]
    assert kstest(p_values, "uniform").pvalue > ALARM


def test_scores_that_say_nothing_or_are_wrong():
    assert membership_auc([1.0, 1.0], [1.0, 1.0]) == (0.5, (0.5, 0.5), 1.0)
    assert membership_auc([np.inf, 1.0], [-np.inf, 0.0]).auc == 1.0
    with pytest.raises(ValueError, match=r"other_scores\[1\] is NaN"):
        membership_auc([1.0, 2.0], [1.0, np.nan])
    with pytest.raises(ValueError, match=r"member_scores must be 1-D.*\(1,\)"):
        membership_auc([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"confidence must be.*got 95"):
        membership_auc([1.0, 2.0], [1.0, 2.0], confidence=95)
