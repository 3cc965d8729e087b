"""P-values by their definition, and what they promise, by simulation.

Simulations have fixed seeds. Uniformity is tested with one p-value for each independent
draw of training and calibration rows: those of one draw depend on one another. Tests
fail a correct method with a probability of 1e-5 or, where a mean may exceed its bound
by 4 standard errors, 3e-5.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp
from scipy.stats import binom, chisquare, kstest, rankdata
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from sklearn_gen.outlier import (
    ConformalOutlierDetector,
    benjamini_hochberg,
    conformal_p_values,
    false_discovery_bound,
)
from tests.outlier.distance import NEW, Distance

FALSE_ALARM_RATE = 1e-5
N_ERRORS = 4.0


@pytest.fixture(name="X")
def training_rows():
    return np.random.default_rng(0).normal(size=(150, 2)).round(2)


# ---- definitions ----


def p_values_by_definition(models, folds, X, rows):
    n_calibration = sum(len(fold) for fold in folds)
    p_values = []
    for row in rows:
        count = 0
        for model, fold in zip(models, folds, strict=True):
            usual = model.score_samples(X[fold])
            count += np.count_nonzero(usual <= model.score_samples(row[np.newaxis]))
        p_values.append((1 + count) / (n_calibration + 1))
    return np.array(p_values)


def test_split_by_definition(X):
    detector = ConformalOutlierDetector(
        Distance(decimals=1), calibration_size=0.4, random_state=0
    ).fit(X)
    held_out = detector.calibration_indices_
    assert len(np.unique(held_out)) == 60
    model = Distance(decimals=1).fit(np.delete(X, held_out, axis=0))
    assert_array_equal(detector.score_samples(NEW), model.score_samples(NEW))
    assert_array_equal(detector.calibration_scores_, model.score_samples(X[held_out]))
    expected = p_values_by_definition([model], [held_out], X, NEW)
    assert_array_equal(detector.p_values(NEW), expected)


def test_cross_by_definition(X):
    folds = list(KFold(4).split(X))
    detector = ConformalOutlierDetector(
        Distance(decimals=1), method="cross", cv=KFold(4), random_state=0
    ).fit(X)
    models = [Distance(decimals=1).fit(X[train]) for train, _ in folds]
    tests = [test for _, test in folds]
    expected = p_values_by_definition(models, tests, X, NEW)
    assert_array_equal(detector.p_values(NEW), expected)
    level = np.sort(expected)[20]  # itself still an outlier's
    detector.set_params(level=level).fit(X)
    assert_array_equal(detector.predict(NEW), np.where(expected <= level, -1, 1))
    scores = [model.score_samples(NEW) for model in models]
    assert_allclose(detector.score_samples(NEW), logsumexp(scores, axis=0) - np.log(4))
    shuffled = ConformalOutlierDetector(Distance(), method="cross", cv=4).fit(X)
    assert_array_equal(np.sort(shuffled.calibration_indices_), np.arange(len(X)))
    assert (np.diff(shuffled.calibration_indices_[:38]) > 1).any()


def test_weighted_by_definition():
    rng = np.random.default_rng(2)
    scores, calibration = rng.normal(size=20).round(1), rng.normal(size=50).round(1)
    weight, calibration_weight = rng.exponential(size=20), rng.exponential(size=50)
    expected = [
        (calibration_weight[calibration <= score].sum() + own)
        / (calibration_weight.sum() + own)
        for score, own in zip(scores, weight, strict=True)
    ]
    given = {"weight": weight, "calibration_weight": calibration_weight}
    assert_allclose(conformal_p_values(scores, calibration, **given), expected)
    same = conformal_p_values(
        scores, calibration, weight=np.full(20, 3.0), calibration_weight=3.0
    )
    assert_allclose(same, conformal_p_values(scores, calibration))


@pytest.mark.parametrize("n_calibration", [18, 19, 20, 99])
def test_predict_is_the_p_value_at_the_level(X, n_calibration):
    # 1 / 20 and 5 / 100 are the level itself; 1 / 19 is above.
    detector = ConformalOutlierDetector(
        Distance(), calibration_size=n_calibration, random_state=0
    )
    if n_calibration < 19:
        with pytest.warns(UserWarning, match="18 calibration rows allow no .* 1 / 19"):
            detector.fit(X)
    else:
        detector.fit(X)
    wide = np.vstack([NEW, 3 * NEW])
    expected = np.where(detector.p_values(wide) <= 0.05, -1, 1)
    assert_array_equal(detector.predict(wide), expected)
    assert (expected == -1).any() == (n_calibration >= 19)
    scores, decision = detector.score_samples(wide), detector.decision_function(wide)
    if n_calibration < 19:  # nothing is found, but ranked all the same
        assert not hasattr(detector, "offset_")
        assert (decision > 0).all()
        assert_array_equal(rankdata(decision), rankdata(scores))
    else:
        assert_array_equal(decision, scores - detector.offset_)
    randomised = clone(detector).set_params(ties="randomized")
    if n_calibration >= 19:
        assert_array_equal(randomised.fit(X).predict(wide), expected)
        assert (randomised.p_values(wide) < detector.p_values(wide)).all()


@pytest.mark.parametrize("method", ["split", "cross"])
def test_decisions_go_by_the_present_level(X, method):
    detector = ConformalOutlierDetector(Distance(), method=method, random_state=0)
    p_values = detector.fit(X).p_values(NEW)
    for level in (0.2, 0.5):
        detector.set_params(level=level)
        assert_array_equal(detector.predict(NEW), np.where(p_values <= level, -1, 1))
    detector.set_params(method="cross" if method == "split" else "split")
    assert_array_equal(detector.predict(NEW), np.where(p_values <= 0.5, -1, 1))


def test_rows_of_weight_zero():
    """Inliers are never there: the smallest p-values, but not 0."""
    given = {"weight": [0.0, 1.0], "calibration_weight": [0.0, 1.0]}
    p_values = conformal_p_values([-5.0, 5.0], [0.0, 1.0], **given)
    assert 0 < p_values[0] < 1e-300
    assert p_values[1] == 1.0
    given["weight"] = [0.0, 0.0]
    assert_array_equal(
        conformal_p_values([-5.0, 5.0], [0.0, 1.0], **given), [p_values[0], 1.0]
    )


# ---- promises ----


def p_values_of_draws(detector, n_draws, n_rows, decimals=12):
    """One inlier's p-value for each independent draw of everything."""
    rng = np.random.default_rng(3)
    result = np.empty(n_draws)
    for draw in range(n_draws):
        rows = rng.normal(size=(n_rows + 1, 1)).round(decimals)
        detector.set_params(random_state=draw).fit(rows[:-1])
        result[draw] = detector.p_values(rows[-1:])[0]
    return result


@pytest.mark.filterwarnings("ignore:.* calibration rows allow no")
@pytest.mark.parametrize("nearest", [False, True])
def test_split_is_uniform(nearest):
    detector = ConformalOutlierDetector(Distance(nearest), calibration_size=9)
    p_values = p_values_of_draws(detector, 600, 14)
    counts = np.bincount((10 * p_values).round().astype(int), minlength=11)[1:]
    assert counts.sum() == 600
    assert chisquare(counts).pvalue > FALSE_ALARM_RATE


@pytest.mark.filterwarnings("ignore:.* calibration rows allow no")
def test_ties_are_conservative_or_randomised_away():
    detector = ConformalOutlierDetector(Distance(decimals=0), calibration_size=9)
    p_values = p_values_of_draws(detector, 400, 14, decimals=0)
    for level in (0.2, 0.5):
        found = np.count_nonzero(p_values <= level)
        assert binom.sf(found - 1, 400, level) > FALSE_ALARM_RATE
    assert np.mean(p_values <= 0.5) < 0.4  # ties make them larger
    detector.set_params(ties="randomized")
    p_values = p_values_of_draws(detector, 400, 14, decimals=0)
    assert kstest(p_values, "uniform").pvalue > FALSE_ALARM_RATE


@pytest.mark.parametrize("nearest", [False, True])
def test_cross_keeps_twice_the_level(nearest):
    n_rows, n_folds, n_draws = 60, 5, 300
    detector = ConformalOutlierDetector(Distance(nearest), method="cross", cv=n_folds)
    p_values = p_values_of_draws(detector, n_draws, n_rows)
    slack = min(
        2 * (1 - 1 / n_folds) / (n_rows / n_folds + 1),
        (1 - n_folds / n_rows) / (n_folds + 1),
    )
    for level in (0.05, 0.1, 0.3):
        found = np.count_nonzero(p_values <= level)
        assert binom.sf(found - 1, n_draws, 2 * level + slack) > FALSE_ALARM_RATE
        # The bound is for the worst case; usually they are nearly uniform.
        assert found / n_draws == pytest.approx(level, abs=0.06)


def trial(detector, rng, shift=0.0, dirt=0):
    """Fit to inliers and select: share of false discoveries, and power."""
    training = rng.normal(size=(400, 2))
    training[:dirt] += 4.0
    rows = np.vstack(
        [rng.normal(shift, 1.0, size=(60, 2)), rng.normal(4.0, 1, (30, 2))]
    )
    selected = detector.fit(training).select(rows, fdr=0.2)
    return selected[:60].sum() / max(selected.sum(), 1), selected[60:].mean()


@pytest.mark.parametrize("method", ["split", "cross"])
def test_selection_keeps_its_rate(method):
    rng = np.random.default_rng(4)
    detector = ConformalOutlierDetector(Distance(), method=method, cv=3, random_state=0)
    shares, powers = np.transpose([trial(detector, rng) for _ in range(150)])
    assert shares.mean() <= 0.2 + N_ERRORS * shares.std() / np.sqrt(150)
    assert shares.mean() > 0.1
    assert powers.mean() > 0.8


def test_outliers_among_calibration_rows_cost_power_only():
    rng = np.random.default_rng(5)
    detector = ConformalOutlierDetector(Distance(), random_state=0)
    clean = np.mean([trial(detector, rng) for _ in range(80)], axis=0)
    dirty = np.mean([trial(detector, rng, dirt=40) for _ in range(80)], axis=0)
    assert dirty[0] < clean[0]
    assert dirty[1] < clean[1] - 0.2


@pytest.mark.parametrize(
    "covariate_shift",
    [
        lambda rows: np.exp(1.0 * np.sum(rows, axis=1)),
        "auto",
        LogisticRegression(C=0.1),
    ],
    ids=["true ratio", "auto", "classifier"],
)
def test_selection_under_a_shift(covariate_shift):
    rng = np.random.default_rng(6)
    plain = ConformalOutlierDetector(Distance(), calibration_size=0.8, random_state=0)
    shares = [trial(plain, rng, shift=1.0)[0] for _ in range(60)]
    assert np.mean(shares) > 0.25
    detector = plain.set_params(covariate_shift=covariate_shift)
    shares, _ = np.transpose([trial(detector, rng, shift=1.0) for _ in range(60)])
    assert shares.mean() <= 0.2 + N_ERRORS * shares.std() / np.sqrt(60)
    rows = rng.normal(1.0, 1.0, size=(20, 2))
    p_values = detector.p_values(rows)
    assert_array_equal(detector.predict(rows), np.where(p_values <= 0.05, -1, 1))
    assert len(detector.calibration_rows_) == len(detector.calibration_scores_)


def test_methods_are_the_functions(X):
    detector = ConformalOutlierDetector(Distance(), random_state=0).fit(X)
    p_values = detector.p_values(3 * NEW)
    assert_array_equal(
        detector.select(3 * NEW, 0.2, pi0=0.7),
        benjamini_hochberg(p_values, 0.2, pi0=0.7),
    )
    for ties in ("conservative", "randomized"):  # bounds are of conservative p-values
        detector.set_params(ties=ties)
        for thresholds in (None, [0.01, 0.1]):
            assert_array_equal(
                detector.fdp_bound(3 * NEW, thresholds, confidence=0.8),
                false_discovery_bound(p_values, 75, thresholds, confidence=0.8),
            )
