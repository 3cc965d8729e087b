"""Synthetic tables: as useful as real ones, hard to tell from them, and no copies.

Adult (train and test as published), and, with a random split, bank, german credit,
churn, diamonds, california and titanic. HistGradientBoosting judges: trained on drawn
rows it labels real test rows (TSTR; R^2 where the target is a number), and over three
folds it tells drawn from real rows (detection score 1 - |2 AUC - 1|). The distance
share is that of draws that are nearer to the half of the rows they were learned from
than to the other half: 0.5 is no memory. CTGAN and TVAE, where the package ctgan is
installed, get the time that ours may take.
"""

import os
import statistics
import tempfile
import time
import warnings
from importlib.util import find_spec

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from benchmarks.data import find
from benchmarks.runner import child, in_turns, peak_beyond, ratio
from sklearn_gen._blocks import sum_blocks
from sklearn_gen.metrics import (
    classifier_two_sample_test,
    closest_record_share,
    train_synthetic_test_real,
)
from sklearn_gen.mixture import BernoulliMixture, CategoricalMixture, TableMixture

TABLES = {
    "bank": ("bank_4521.csv.gz", "y"),
    "german credit": ("credit_german_labelled.csv.gz", "default"),
    "churn": ("churn_modelling.csv.gz", "Exited"),
    "diamonds": ("diamonds.csv.gz", "price"),
    "california": ("california_housing.csv.gz", "median_house_value"),
    "titanic": ("titanic.csv.gz", "survived"),
}
# Sizes and smoothings of the frontier.
FRONTIER = [(size, smoothing) for size in (64, 256, 1024) for smoothing in (0.1, 1, 10)]
# Seconds that CTGAN and TVAE get on Adult.
BUDGET = 60


def adult():
    """Train and test rows of Adult."""
    train = pd.read_csv(find("tabular", "adult_train.csv.gz"))
    return train, pd.read_csv(find("tabular", "adult_test.csv.gz"))


def table(name):
    """Train and test rows of another table."""
    file, target = TABLES[name]
    rows = pd.read_csv(find("tabular", file))
    train, test = train_test_split(rows, test_size=0.25, random_state=0)
    return train.reset_index(drop=True), test.reset_index(drop=True), target


def judge(train, test, target, drawn, draw_of_half=None):
    """TSTR, detection score and distance share."""
    usefulness = train_synthetic_test_real(
        train, drawn, test, target=target, n_bootstrap=20, random_state=0
    )
    told = classifier_two_sample_test(train, drawn, cv=3, random_state=0)
    figures = {"TSTR": usefulness.synthetic, "detection": told.detection_score}
    if draw_of_half is not None:
        order = np.random.default_rng(0).permutation(len(train))
        half = len(train) // 2
        fitted, other = train.iloc[order[:half]], train.iloc[order[half : 2 * half]]
        share = closest_record_share(fitted, draw_of_half(fitted, half), other)
        figures["distance share"] = share.share
    return figures


def ours(train, n_rows, seed=0, **parameters):
    """Fit and draw; returns the rows, seconds of both and the model."""
    start = time.perf_counter()
    model = TableMixture(random_state=seed, **parameters).fit(train)
    fitted = time.perf_counter()
    drawn = model.sample(n_rows, reproduce_missing=True)
    return drawn, fitted - start, time.perf_counter() - fitted, model


def line(train, test, target, **parameters):
    """All figures of one setting."""
    drawn, fit, draw, model = ours(train, len(train), **parameters)
    # New names of rows are told from old ones, as they should be.
    columns = [c for c in train if c not in model.identifier_columns_]

    def draw_of_half(rows, n_rows):
        return ours(rows, n_rows, **parameters)[0]

    return {
        "K": model.n_components_,
        **judge(train[columns], test[columns], target, drawn[columns], draw_of_half),
        "test nats": model.score(test),
        "fit s": fit,
        "draw s": draw,
    }


def peer(name, epochs, folder):
    """Fit a peer for some epochs and draw; run in a process of its own."""
    import ctgan

    train, _ = adult()
    levels = [
        c for c in train if train[c].dtype == object or str(train[c].dtype) == "str"
    ]
    filled = train.fillna(dict.fromkeys(levels, "?"))
    start = time.perf_counter()
    model = getattr(ctgan, name)(epochs=int(epochs), enable_gpu=False)
    model.fit(filled.astype(dict.fromkeys(levels, object)), levels)
    fitted = time.perf_counter()
    drawn = model.sample(len(train)).replace("?", None)
    drawing = time.perf_counter() - fitted
    drawn.to_csv(os.path.join(folder, f"{name}.csv"), index=False)
    return {"fit s": fitted - start, "draw s": drawing}


def run_peers(report):
    """CTGAN and TVAE with as many epochs as fit into the time that ours may take."""
    if find_spec("ctgan") is None:
        print("ctgan isn't installed: pip install ctgan")
        return
    train, test = adult()
    drawn, fit, draw, _ = ours(train, len(train))
    figures = judge(train, test, "income", drawn)
    lines = {"TableMixture": {**figures, "fit s": fit, "draw s": draw}}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("CTGAN", "TVAE"):
            first = child("benchmarks.tables:peer", name, 1, folder)["fit s"]
            five = child("benchmarks.tables:peer", name, 5, folder)["fit s"]
            epoch = max((five - first) / 4, 1e-3)
            epochs = max(1, int((BUDGET - first) / epoch) + 1)
            seconds = child("benchmarks.tables:peer", name, epochs, folder)
            drawn = pd.read_csv(os.path.join(folder, f"{name}.csv"))
            figures = judge(train, test, "income", drawn[train.columns])
            lines[name] = {"epochs": epochs, **figures, **seconds}
    report.table(
        f"TableMixture beside CTGAN and TVAE of {BUDGET} s on Adult",
        pd.DataFrame(lines).T,
    )


def plain_em(X, probabilities, weights, n_iter):
    """EM of a Bernoulli mixture in NumPy; the peer."""
    for _ in range(n_iter):
        log_joint = X @ np.log(probabilities / (1 - probabilities)).T
        log_joint += np.log1p(-probabilities).sum(axis=1) + np.log(weights)
        top = log_joint.max(axis=1, keepdims=True)
        resp = np.exp(log_joint - top)
        total = resp.sum(axis=1, keepdims=True)
        log_likelihood = float(np.mean(top + np.log(total)))
        resp /= total
        counts = resp.sum(axis=0)
        overall = X.mean(axis=0)
        probabilities = (resp.T @ X + overall) / (counts[:, None] + 1.0)
        weights = counts / counts.sum()
    return log_likelihood


def binary_rows():
    """100,000 rows of 100 zeros and ones, from 32 components."""
    rng = np.random.default_rng(0)
    chances = rng.beta(0.5, 0.5, size=(32, 100))
    return (rng.random((100_000, 100)) < chances[rng.integers(0, 32, 100_000)]) * 1.0


def run_speed(report):
    """Seconds per iteration beside NumPy, and memory with 1,000 levels."""
    X = binary_rows()
    model = BernoulliMixture(32, random_state=0, max_iter=1, tol=0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X)
        probabilities, weights = model.probabilities_, model.weights_
        columns, params = model._columns, model._params
        with columns.looked_up(X), threadpool_limits(1):
            blocks = columns.blocks(X)

            def iterate():
                stats = sum_blocks(map, columns.e_step(params), blocks)
                return columns.m_step(stats, 1.0, params)

            expected = plain_em(X, probabilities, weights, 1)
            found = model.score(X)
            if abs(expected - found) > 1e-8 * abs(expected):
                raise AssertionError(f"log-likelihoods differ: {found} and {expected}")
            iterate()
            seconds = in_turns(
                {
                    "ours": iterate,
                    "numpy": lambda: plain_em(X, probabilities, weights, 1),
                },
                5,
            )
    report.add(
        "BernoulliMixture K=32, 100,000 x 100",
        1e3 * statistics.median(seconds["ours"]),
        1e3 * statistics.median(seconds["numpy"]),
        ratio(seconds["numpy"], seconds["ours"]),
        1,
        "one EM iteration beside NumPy",
    )
    report.add(
        "CategoricalMixture K=32, 50,000 x 3 of 1,000 levels",
        child("benchmarks.tables:levels_memory"),
        None,
        None,
        1,
        "peak memory beside the rows",
        unit="MB",
    )


def levels_memory():
    """Megabytes that a fit with 1,000 levels adds; run in a process of its own."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 1000, size=(50_000, 3)).astype(float)
    CategoricalMixture(2, max_iter=2).fit(X[:1000])
    return peak_beyond(lambda: CategoricalMixture(32, max_iter=10).fit(X)) / 1e6


def run(report):
    """Print every section."""
    if report.section("adult: defaults, three seeds", heads=False):
        train, test = adult()
        rows = [line(train, test, "income", seed=seed) for seed in range(3)]
        report.table("Adult, TableMixture()", pd.DataFrame(rows))
    if report.section("frontier: size and smoothing on Adult", heads=False):
        train, test = adult()
        lines = {
            setting: line(
                train, test, "income", n_components=setting[0], smoothing=setting[1]
            )
            for setting in FRONTIER
        }
        report.table("Adult, K and smoothing", pd.DataFrame(lines).T)
    if report.section("others: six tables", heads=False):
        lines = {}
        for name in TABLES:
            train, test, target = table(name)
            real = train_synthetic_test_real(
                train, train, test, target=target, n_bootstrap=20, random_state=0
            )
            lines[name] = {"real": real.real, **line(train, test, target)}
        report.table("Other tables, TableMixture()", pd.DataFrame(lines).T)
    if report.section("peers: CTGAN and TVAE on Adult", heads=False):
        run_peers(report)
    if report.section("speed: seconds per iteration and memory"):
        run_speed(report)
