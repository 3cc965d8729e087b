"""Train on synthetic, test on real."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import r2_score, roc_auc_score

from sklearn_gen.metrics import train_synthetic_test_real
from tests.metrics.tables import mixed_table


def numbers(n_rows, seed, noise=0.5):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 3))
    return np.column_stack([X, X @ [1.0, -1.0, 0.0] + noise * rng.normal(size=n_rows)])


def test_scores_equal_scikit_learn():
    real, synthetic, holdout = numbers(300, 0), numbers(200, 1, 5.0), numbers(250, 2)
    result = train_synthetic_test_real(real, synthetic, holdout, 3, LinearRegression())
    assert result.metric == "R2"
    for score, table in ((result.real, real), (result.synthetic, synthetic)):
        model = LinearRegression().fit(table[:, :3], table[:, 3])
        want = r2_score(holdout[:, 3], model.predict(holdout[:, :3]))
        assert score == pytest.approx(want)
    assert result.difference == pytest.approx(result.real - result.synthetic)
    real, synthetic, holdout = (
        np.column_stack([t[:, :3], t[:, 3] > 0]) for t in (real, synthetic, holdout)
    )
    result = train_synthetic_test_real(
        real, synthetic, holdout, -1, LogisticRegression()
    )
    assert result.metric == "ROC AUC"
    model = LogisticRegression().fit(synthetic[:, :3], synthetic[:, 3])
    want = roc_auc_score(holdout[:, 3], model.predict_proba(holdout[:, :3])[:, 1])
    assert result.synthetic == pytest.approx(want)


def test_mixed_tables_and_targets():
    tables = [mixed_table(500, seed, missing=0.1) for seed in range(3)]
    useless = tables[1].assign(
        works=np.random.default_rng(0).permutation(tables[1].works)
    )
    small = HistGradientBoostingClassifier(max_iter=20)
    good = train_synthetic_test_real(*tables, "works", small)
    bad = train_synthetic_test_real(tables[0], useless, tables[2], "works", small)
    assert good.metric == "ROC AUC"
    assert good.real == bad.real > 0.8
    assert good.synthetic == pytest.approx(good.real, abs=0.05)
    assert good.difference_interval[0] <= 0.01
    assert bad.synthetic < 0.65
    assert bad.difference_interval[0] > 0.1
    few = [table[:80] for table in tables]  # the default models
    assert train_synthetic_test_real(*few, "income", n_bootstrap=20).metric == "R2"
    assert train_synthetic_test_real(*few, "works", n_bootstrap=20).real > 0.5


def test_several_classes_are_one_against_the_rest():
    tables = [mixed_table(400, seed, missing=0.05) for seed in range(3)]
    result = train_synthetic_test_real(
        *tables, "job", HistGradientBoostingClassifier(max_iter=20)
    )
    assert result.metric == "ROC AUC"
    assert 0.5 < result.real < 1.0  # nurses earn more
    holdout = tables[2].dropna(subset="job")
    model = HistGradientBoostingClassifier(max_iter=20)
    numbers = ["age", "children", "income"]
    tables = [t[[*numbers, "job"]] for t in tables]
    seen = tables[0].dropna(subset="job")
    model.fit(seen[numbers], seen["job"])
    want = roc_auc_score(
        holdout["job"], model.predict_proba(holdout[numbers]), multi_class="ovr"
    )
    result = train_synthetic_test_real(
        *tables, "job", HistGradientBoostingClassifier(max_iter=20)
    )
    assert result.real == pytest.approx(want)
    # A class that no synthetic row has isn't ranked: its AUC is 1/2.
    lacking = tables[1][tables[1].job != "nurse"]
    less = train_synthetic_test_real(
        tables[0],
        lacking,
        tables[2],
        "job",
        HistGradientBoostingClassifier(max_iter=20),
    )
    assert less.synthetic < result.synthetic


def test_intervals():
    # Ten tables: at 90 %, intervals of the score miss its mean over many holdouts
    # once; more than four times has a probability of 0.002.
    synthetic, real = numbers(200, 0), numbers(200, 1)
    truth = train_synthetic_test_real(
        real, synthetic, numbers(30_000, 2), 3, LinearRegression(), n_bootstrap=20
    )
    missed = 0
    for seed in range(3, 13):
        result = train_synthetic_test_real(
            real,
            synthetic,
            numbers(150, seed),
            3,
            LinearRegression(),
            confidence=0.9,
            n_bootstrap=80,
            random_state=seed,
        )
        low, high = result.synthetic_interval
        missed += not low <= truth.synthetic <= high
        assert low < result.synthetic < high
        # The same replicates for both models: their difference is known better.
        assert np.diff(result.difference_interval) < high - low
    assert missed <= 4


def test_errors():
    tables = [mixed_table(60, seed) for seed in range(3)]
    with pytest.raises(ValueError, match=r"target names 'wage', which is no column"):
        train_synthetic_test_real(*tables, "wage")
    with pytest.raises(ValueError, match=r"task must be .*got 'rank'"):
        train_synthetic_test_real(*tables, "job", task="rank")
    with pytest.raises(ValueError, match=r"n_bootstrap must be .*got 3"):
        train_synthetic_test_real(*tables, "job", n_bootstrap=3)
    one = tables[1].assign(works=True)
    with pytest.raises(ValueError, match=r"column 'works', has one class in synthetic"):
        train_synthetic_test_real(tables[0], one, tables[2], "works")
    with pytest.raises(ValueError, match=r"column 'works', has one class in holdout"):
        train_synthetic_test_real(tables[0], tables[1], one, "works")
    with pytest.raises(ValueError, match=r"no column but the target"):
        train_synthetic_test_real(*(t[["works"]] for t in tables), "works")


def test_estimators_are_cloned():
    estimator = DummyClassifier()
    tables = [mixed_table(60, seed) for seed in range(3)]
    assert train_synthetic_test_real(*tables, "works", estimator).real == 0.5
    assert not hasattr(estimator, "classes_")
