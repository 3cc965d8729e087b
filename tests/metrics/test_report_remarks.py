"""What a report can't say, and labels of its charts that a reader can tell apart."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.naive_bayes import GaussianNB

from sklearn_gen.metrics import generative_report
from sklearn_gen.metrics._svg import numbers, shortened, ticks

LABEL = re.compile(r"<text[^>]*>([^<]*)</text>")


def two_levels(n, seed):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"a": rng.choice(["x", "y"], n), "b": rng.integers(2, size=n)})


def test_few_distinct_rows_leave_out_the_two_sample_test():
    real, synthetic, holdout = (two_levels(80, seed) for seed in range(3))
    report = generative_report(real, synthetic, holdout, target="a")
    frame = report.to_frame()
    assert report.two_sample is None
    assert not frame.index.str.contains("two-sample|detection").any()
    assert {"pair similarity", "ROC AUC, trained on real", "membership AUC"} <= {
        *frame.index
    }
    (remark,) = report.remarks
    assert remark.startswith("The two-sample test is left out: there are too few diff")
    assert "cv" not in remark.split()
    html = report.to_html()
    assert remark in html
    assert "gives synthetic rows away" not in html
    assert "two-sample test is left out" in repr(report)
    one = generative_report(np.full((30, 1), 7.0), np.full((30, 1), 7.0))
    assert one.to_frame().loc["exact copy share", "value"] == 1.0


def test_a_target_of_one_class_is_said_to_teach_nothing():
    real, synthetic, holdout = (two_levels(80, seed) for seed in range(3))
    report = generative_report(real, synthetic.assign(a="x"), holdout, target="a")
    assert any("has one class in synthetic" in remark for remark in report.remarks)
    assert "usefulness" not in {line.part for line in report.lines}
    report = generative_report(real, synthetic, target="a")
    assert any("are given as holdout" in remark for remark in report.remarks)


def test_cells_that_are_never_missing_are_remarked_on():
    rng = np.random.default_rng(0)
    real, synthetic = rng.normal(size=(2, 60, 3))
    real[:12, 0] = np.nan
    judge = GaussianNB()

    class Judge(GaussianNB):
        def fit(self, X, y):
            return super().fit(np.nan_to_num(X), y)

        def predict_proba(self, X):
            return super().predict_proba(np.nan_to_num(X))

    (remark,) = generative_report(real, synthetic, estimator=Judge()).remarks
    assert remark.startswith("6.7% of the real cells are missing and none of the synth")
    assert "reproduce_missing=True" in remark
    synthetic[0, 1] = np.nan
    assert generative_report(real, synthetic, estimator=Judge()).remarks == ()
    assert generative_report(real[12:], real[12:], estimator=judge).remarks == ()


@pytest.mark.parametrize(
    ("step", "labels"),
    [
        ("7D", ["2024-03-01", "2024-07-20"]),
        ("1min", ["2024-03-01 08:30", "2024-03-01 08:50"]),
        ("1s", ["08:30:07", "08:30:27"]),
    ],
)
def test_dates_are_written_as_finely_as_they_differ(step, labels):
    when = pd.date_range(
        "2024-03-01 08:30:07", periods=21, freq=step, tz="Asia/Kolkata"
    )
    if step == "1min":
        when = when.floor("min")
    table = pd.DataFrame({"when": when, "x": np.arange(21.0) % 5})
    html = generative_report(table, table, identifiers=None).to_html()
    chart = html[html.index("Histogram of when") :].partition("</svg>")[0]
    texts = LABEL.findall(chart)
    # Ends are those of the middle 99 %.
    assert [len(text) for text in texts] == [len(text) for text in labels]
    assert texts[0] < texts[1]
    assert texts[0][:8] == labels[0][:8]


def test_numbers_of_ticks_differ_where_ticks_do():
    assert numbers([999998.0, 1e6, 1000002.0]) == ["999998", "1000000", "1000002"]
    assert numbers([0.1 + 0.2, 0.6]) == ["0.3", "0.6"]
    assert numbers([-2e-7, 0.0, 2e-7]) == ["-2e-7", "0", "2e-7"]
    assert numbers([2.8e9, 3e9]) == ["2.8e9", "3.0e9"]
    assert numbers([0.0]) == ["0"]
    rng = np.random.default_rng(0)
    for low, width in zip(
        rng.normal(size=200) * 10, 10 ** rng.normal(size=200), strict=True
    ):
        at = ticks(low, low + width)
        assert 1 <= len(at) <= 4
        assert len(set(numbers(at))) == len(at)


def test_long_names_are_cut_where_they_stay_apart():
    assert shortened(["short", "a long name"], 6) == ["short", "a lon…"]
    assert shortened(["sensor_1", "sensor_2"], 6) == ["…sor_1", "…sor_2"]
