"""Densities fitted to the rows that they find densest."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.neighbors import KernelDensity
from sklearn.preprocessing import StandardScaler

from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.mixture import GaussianMixture
from sklearn_gen.outlier import DensityOutlierDetector, TrimmedDensity


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return np.r_[rng.normal(size=(180, 2)), rng.normal(9, 1, (20, 2))]


def test_step_by_step(rows):
    trimmed = TrimmedDensity(GaussianMixture(), trim=0.2).fit(rows)
    kept = rows
    for _ in range(2):
        scores = GaussianMixture().fit(kept).score_samples(rows)
        kept = rows[np.argsort(scores)[40:]]
    expected = GaussianMixture().fit(kept)
    assert_allclose(trimmed.estimator_.means_, expected.means_)
    assert_allclose(trimmed.score_samples(rows), expected.score_samples(rows))
    assert_array_equal(rows[trimmed.support_], rows[np.isin(rows, kept).all(axis=1)])
    assert not trimmed.support_[180:].any()
    assert trimmed.score(rows) == pytest.approx(trimmed.score_samples(rows).mean())


def test_nothing_to_trim(rows):
    for trimmed in (
        TrimmedDensity(GaussianMixture(), trim=0.0),
        TrimmedDensity(GaussianMixture(), n_refits=0),
    ):
        trimmed.fit(rows)
        assert_array_equal(
            trimmed.score_samples(rows), GaussianMixture().fit(rows).score_samples(rows)
        )
        assert trimmed.support_.all()


def test_it_ends_where_the_rows_stay_the_same(rows):
    fits = []

    class Counts(GaussianMixture):
        def fit(self, X, y=None, sample_weight=None):
            fits.append(len(X))
            return super().fit(X, y, sample_weight)

    trimmed = TrimmedDensity(Counts(), n_refits=50).fit(rows)
    assert len(fits) < 20
    again = trimmed.score_samples(rows)
    assert_array_equal(np.sort(again)[:50], np.sort(again[~trimmed.support_]))


def test_weights_equal_repeats(rows):
    weight = np.random.default_rng(1).integers(0, 4, len(rows))
    weighted = TrimmedDensity(GaussianMixture()).fit(rows, sample_weight=weight)
    repeated = TrimmedDensity(GaussianMixture()).fit(np.repeat(rows, weight, axis=0))
    assert_allclose(weighted.score_samples(rows), repeated.score_samples(rows))


def test_any_density_in_any_container(rows):
    table = pd.DataFrame(rows, columns=["a", "b"])
    pipeline = make_generative_pipeline(StandardScaler(), GaussianMixture())
    trimmed = TrimmedDensity(pipeline).fit(table)
    plain = TrimmedDensity(GaussianMixture(reg_covar=0)).fit(rows)
    assert_allclose(trimmed.score_samples(table), plain.score_samples(rows), rtol=1e-4)
    assert list(trimmed.sample(3, random_state=0).columns) == ["a", "b"]
    gaps = table.head(3).assign(b=np.nan)
    assert trimmed.sample_conditional(gaps, random_state=0).notna().all(axis=None)
    assert trimmed.density_kind == trimmed.conditional_kind == "exact"
    cells = trimmed.score_cells(table)
    assert_allclose(cells, trimmed.estimator_.score_cells(table))
    detector = DensityOutlierDetector(clone(trimmed), contamination=0.1).fit(table)
    assert (detector.predict(table.tail(20)) == -1).all()
    assert_allclose(detector.explain(table), cells)


def test_it_offers_what_the_density_does(rows):
    kernel = TrimmedDensity(KernelDensity(bandwidth=0.3))
    assert not hasattr(kernel, "partial_fit")
    assert not hasattr(kernel, "sample_conditional")
    assert not hasattr(kernel, "score_cells")
    assert kernel.fit(rows).sample(2, random_state=0).shape == (2, 2)


def test_batches(rows):
    rng = np.random.default_rng(0)
    trimmed = TrimmedDensity(GaussianMixture())
    for _ in range(8):
        order = rng.permutation(len(rows))
        trimmed.partial_fit(rows[order], sample_weight=np.ones(len(rows)))
    assert_allclose(trimmed.estimator_.means_, 0.0, atol=0.3)
    assert len(trimmed.support_) == len(rows)


def test_errors(rows):
    with pytest.raises(TypeError, match=r"estimator must be a density.*without score"):
        TrimmedDensity(StandardScaler()).fit(rows)
    with pytest.raises(ValueError, match="'trim' parameter"):
        TrimmedDensity(GaussianMixture(), trim=1.0).fit(rows)
    fitted = TrimmedDensity(GaussianMixture()).fit(rows)
    before = fitted.score_samples(rows)
    with pytest.raises(ValueError, match="sample_weight"):
        fitted.fit(rows, sample_weight=-np.ones(200))
    assert_array_equal(fitted.score_samples(rows), before)
