"""The report: its numbers, and its page in a real browser."""

from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from sklearn.naive_bayes import GaussianNB

from sklearn_gen.metrics import (
    classifier_two_sample_test,
    closest_record_share,
    exact_copy_share,
    generative_report,
    marginal_similarity,
    pair_similarity,
    precision_recall_density_coverage,
)
from tests.metrics.browser import find_browser, rendered
from tests.metrics.tables import mixed_table


class Judge(GaussianNB):
    """A fast classifier that takes NaN."""

    def fit(self, X, y):
        return super().fit(np.nan_to_num(X), y)

    def predict_proba(self, X):
        return super().predict_proba(np.nan_to_num(X))


@pytest.fixture(scope="module")
def tables():
    real, synthetic, holdout = (mixed_table(200, s, missing=0.05) for s in range(3))
    synthetic["job"] = synthetic["job"].replace({"nurse": "<b>a&b</b>"})
    return real, synthetic, holdout


@pytest.fixture(scope="module")
def report(tables):
    return generative_report(*tables, target="works", estimator=Judge())


def test_numbers_are_those_of_the_metrics(tables, report):
    frame = report.to_frame()
    value, fresh = frame["value"], frame["fresh"]
    for column, other in ((value, tables[1]), (fresh, tables[2])):
        pair = tables[0], other
        assert column["marginal similarity"] == marginal_similarity(*pair).score
        assert column["pair similarity"] == pair_similarity(*pair).score
        assert column["exact copy share"] == exact_copy_share(*pair)
        coverage = precision_recall_density_coverage(*pair)
        assert tuple(column[list(coverage._fields)]) == coverage
    test = classifier_two_sample_test(*tables[:2], Judge())
    assert value["two-sample AUC"] == pytest.approx(test.auc, abs=0.05)  # other folds
    assert value["detection score"] == pytest.approx(2 - 2 * value["two-sample AUC"])
    assert value["closest record share"] == closest_record_share(*tables).share
    low, high = frame.loc["membership AUC", ["low", "high"]]
    assert low < value["membership AUC"] < high
    low, high = frame.loc["ROC AUC, trained on real", ["low", "high"]]
    assert low < value["ROC AUC, trained on real"] < high
    assert frame["meaning"].str.len().min() > 20
    assert frame.loc["marginal similarity", "p_value"] <= 6 * 0.001 + 1e-12


def test_repr_is_short(report):
    lines = repr(report).splitlines()
    assert lines[0] == "GenerativeReport of 200 real, 200 synthetic, 200 held-out rows"
    assert len(lines) == 1 + len(report.lines)
    assert max(map(len, lines)) < 80


def test_without_holdout_and_target(tables):
    report = generative_report(*tables[:2], estimator=Judge())
    frame = report.to_frame()
    assert frame["fresh"].isna().all()
    assert not frame.index.str.contains("trained|closest record|membership").any()
    assert "held-out real" not in report.to_html().partition("<h2>")[2].replace(
        "Held-out", ""
    )


def test_rows_are_drawn(tables):
    report = generative_report(*tables, max_rows=60, estimator=Judge(), random_state=3)
    assert report.n_rows == {"real": 200, "synthetic": 200, "held-out": 200}
    assert "rows, of each up to 60 compared; 6 columns" in report.to_html()
    assert len(report.two_sample.predictions) == 120
    again = generative_report(*tables, max_rows=60, estimator=Judge(), random_state=3)
    pd.testing.assert_frame_equal(report.to_frame(), again.to_frame())
    assert report.to_html() == again.to_html()


def test_a_table_that_was_copied(tables):
    real, _, holdout = tables
    # Few rows are compared, but with all records: what was copied is among them.
    report = generative_report(real, real, holdout, estimator=Judge(), max_rows=80)
    frame = report.to_frame()
    assert frame.loc["exact copy share", "value"] == 1.0
    assert frame.loc["closest record share", ["value", "p_value"]].tolist() == [
        1,
        0.001,
    ]
    assert frame.loc["membership AUC", "value"] > 0.99
    assert frame.loc["membership AUC", "p_value"] < 1e-6


def test_arrays_and_odd_columns():
    rng = np.random.default_rng(0)
    real, synthetic = rng.normal(size=(2, 80, 5)) * [1, 1e-9, 1e9, 1, 1]
    real[:, 3] = 4.0  # constant in one
    synthetic[:, 4] = 0.0
    real[5, 0], synthetic[7, 0] = np.nan, 1e12
    html = generative_report(real, synthetic, estimator=Judge()).to_html()
    assert "nan" not in html.lower().replace("nan_", "")
    one = generative_report(real[:, :1], synthetic[:, :1], estimator=Judge())
    assert "Columns two by two" not in one.to_html()
    assert np.isnan(one.pairs.score)


def test_wide_tables_show_what_differs_most():
    rng = np.random.default_rng(0)
    real, synthetic = rng.normal(size=(2, 40, 62))
    synthetic[:, 61] += 5.0
    html = generative_report(real, synthetic, estimator=Judge()).to_html()
    assert html.count("Histogram of") == 60
    assert html.index(">61</strong>") + 3 == html.index("</strong>")
    assert "The 60 that differ most." in html


class Outline(HTMLParser):
    """What a page is made of; complains of tags that don't match."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.attributes, self.texts = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [value for _, value in attributes]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [value for _, value in attributes]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def outline(html):
    found = Outline()
    found.feed(html)
    return found


def assert_complete(found):
    """What a reader sees, whoever parsed the page."""
    texts = {text.strip() for text in found.texts}
    assert {"Report on a synthetic table", "two-sample AUC", "job"} <= texts
    assert "<b>a&b</b>" in texts  # shown, not obeyed
    assert "b" not in found.tags
    assert found.tags.count("svg") == 6 + 4  # columns; pairs, ROC, bars, distances
    assert found.tags.count("h2") == 4
    assert found.tags.count("rect") > 60
    assert found.tags.count("tr") == 1 + 3 + 14  # head, parts, metrics


def test_page_is_one_file(report, tmp_path):
    path = tmp_path / "report.html"
    html = report.to_html(path)
    assert path.read_text(encoding="utf-8") == html
    found = outline(html)
    assert found.open == []
    assert_complete(found)
    assert not {"script", "link", "img", "iframe"} & set(found.tags)
    for text in ("http:", "https:", "url(", "@import", "src="):
        assert text not in html
    assert "nan" not in {text.strip() for text in found.texts}
    for start in range(1, html.count("<svg")):
        svg = "<svg" + html.split("<svg")[start].partition("</svg>")[0] + "</svg>"
        box = ElementTree.fromstring(svg)  # well-formed, and nothing outside it
        width, height = float(box.get("width")), float(box.get("height"))
        for rect in box.iter("rect"):
            x, y, w, h = (float(rect.get(k)) for k in ("x", "y", "width", "height"))
            assert -0.1 <= x <= x + w <= width + 0.1
            assert -0.1 <= y <= y + h <= height + 0.1


def test_notebooks_show_the_page_without_its_frame(report):
    fragment = report._repr_html_()
    assert fragment.startswith('<div class="sg-report">')
    assert fragment in report.to_html()


def test_page_in_a_browser(report, tmp_path):
    """Chromium's own parser and style engine, with a proxy that leads nowhere.

    Where there is no browser, the same is asked of Python's parser.
    """
    path = tmp_path / "report.html"
    html = report.to_html(path)
    browser = find_browser()
    if browser is not None:
        # The page tells on itself: what is laid out has a size, and its style applies.
        probe = """<script>
        const box = (q) => document.querySelector(q).getBoundingClientRect();
        const body = getComputedStyle(document.querySelector('.sg-report'));
        const svgs = [...document.querySelectorAll('svg')];
        document.title = svgs.every((s) => s.getBoundingClientRect().width > 100)
          + ' ' + (box('table').width > 400) + ' ' + body.maxWidth
          + ' ' + performance.getEntriesByType('resource').length;
        </script></body>"""
        path.write_text(html.replace("</body>", probe), encoding="utf-8")
        html = rendered(browser, path, tmp_path / "profile")
        title = html.partition("<title>")[2].partition("</title>")[0]
        assert title == "true true 1184px 0"
        html = html.partition("<script>")[0]
    assert_complete(outline(html))


def test_errors(tables):
    with pytest.raises(ValueError, match=r"max_rows must be .* at least 20, got 5"):
        generative_report(*tables, max_rows=5)
    with pytest.raises(ValueError, match=r"synthetic has 19 rows; at least 20"):
        generative_report(tables[0], tables[1][:19])
    with pytest.raises(ValueError, match=r"holdout lacks \['age'\]"):
        generative_report(tables[0], tables[1], tables[2].drop(columns="age"))
    with pytest.raises(ValueError, match=r"target names 'wage'"):
        generative_report(*tables, target="wage", estimator=Judge())
