"""Reasons for outliers: cells scored in one pass, beside one pass per marginal."""

import numpy as np
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator
from sklearn.preprocessing import PowerTransformer, StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks.runner import in_turns, ratio
from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.mixture import GaussianMixture
from sklearn_gen.outlier import DensityOutlierDetector

COMPONENTS = 8
TURNS = 7
# Equal results before any figure: nats, of rows of about 100.
EQUAL = {"rtol": 1e-7, "atol": 1e-7}


class Marginals(BaseEstimator):
    """A density that has scores but no cells, so that columns are left out singly."""

    def __init__(self, density):
        self.density = density

    def fit(self, X, y=None):
        self.density_ = self.density.fit(X)
        return self

    def score_samples(self, X):
        return self.density_.score_samples(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def table(n, d):
    """Two correlated clusters."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) / np.sqrt(d)
    return X + 4 * rng.integers(2, size=(n, 1))


def mixture(structure="full"):
    return GaussianMixture(
        COMPONENTS, covariance_type=structure, max_iter=30, tol=1e-1, random_state=0
    )


def cases():
    """Name, density, rows to explain, whether in pairs."""
    X = table(6000, 20)
    gaps = X[:1000].copy()
    gaps[::2, 3] = gaps[::3, 7] = np.nan
    yield "1,000 x 20, full K=8", mixture(), X[:1000], False
    yield "the same, float32", mixture(), X[:1000].astype(np.float32), False
    yield "the same, 4 patterns of NaN", mixture(), gaps, False
    yield "1,000 x 20, diag K=8", mixture("diag"), X[:1000], False
    for scaler in (StandardScaler(), PowerTransformer()):
        pipeline = make_generative_pipeline(scaler, mixture())
        name = f"behind {type(scaler).__name__}"
        yield f"1,000 x 20, full K=8, {name}", pipeline, X[:1000], False
    yield "1,000 x 20, full K=8, pairs", mixture(), X[:1000], True
    yield "1,000 x 100, full K=8", mixture(), table(6000, 100)[:1000], False


def run(report):
    """One line per case."""
    if not report.section("explain: all cells at once (ours), by marginals (peer)"):
        return
    for name, density, X, pairs in cases():
        training = table(6000, X.shape[1]).astype(X.dtype)
        ours, peer = (
            DensityOutlierDetector(inner).fit(training)
            for inner in (density, Marginals(density))
        )

        def by_cells(ours=ours, X=X, pairs=pairs):
            return ours.explain(X, pairs=pairs)

        def by_marginals(peer=peer, X=X, pairs=pairs):
            return peer.explain(X, pairs=pairs)

        with threadpool_limits(1):
            equal = {"rtol": 1e-3, "atol": 1e-3} if X.dtype == np.float32 else EQUAL
            assert_allclose(by_cells(), by_marginals(), **equal)
            turns = 2 if pairs else TURNS
            seconds = in_turns({"ours": by_cells, "peer": by_marginals}, turns)
        ours_ms, peer_ms = (1e3 * np.median(s) for s in seconds.values())
        note = "asked for: 50 ms" if name == "1,000 x 20, full K=8" else ""
        times = ratio(seconds["peer"], seconds["ours"])
        report.add(name, ours_ms, peer_ms, times, 1, note)
