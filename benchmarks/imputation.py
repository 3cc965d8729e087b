"""Imputers on real tables with cells hidden at random: ours beside scikit-learn's.

Eight tables, chosen before any was looked at. Of each numeric columns (no class labels,
no constants), complete rows, at most 5000 at random. A fifth of all cells is hidden
completely at random; the error is the root of the mean square over the hidden cells, in
units of each column's standard deviation.
"""

import time
import warnings
from functools import partial

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks.data import find
from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.imputer import GenerativeImputer
from sklearn_gen.mixture import GaussianMixture

# name -> whether the first line names the columns, and columns that are class labels
TABLES = {
    "abalone": (False, []),
    "banknote": (False, [4]),
    "california_housing": (True, []),
    "diamonds": (True, []),
    "ionosphere": (False, []),
    "parkinsons": (True, ["status"]),
    "pima_diabetes": (False, [8]),
    "wine_white": (False, []),
}
SEEDS = 3
SHARE = 0.2
MAX_ROWS = 5000
OURS = "GenerativeImputer"
PEERS = ("IterativeImputer", "KNNImputer")
FOREST = "Iterative, ExtraTrees"
FOREST_ROWS = 1500


def one_gaussian(seed):
    return GenerativeImputer(
        make_generative_pipeline(StandardScaler(), GaussianMixture(reg_covar=1e-3))
    )


def forest(seed):
    trees = ExtraTreesRegressor(n_estimators=50, random_state=seed)
    return IterativeImputer(trees, max_iter=5, random_state=seed)


IMPUTERS = {
    OURS: lambda seed: GenerativeImputer(random_state=seed),
    "one Gaussian": one_gaussian,
    "IterativeImputer": lambda seed: IterativeImputer(random_state=seed),
    "KNNImputer": lambda seed: KNNImputer(),
    "column means": lambda seed: SimpleImputer(),
}


def load(name, max_rows=MAX_ROWS):
    """Complete numeric rows of a table."""
    named, labels = TABLES[name]
    frame = pd.read_csv(
        find("tabular", f"{name}.csv.gz"), header=0 if named else None
    ).drop(columns=labels)
    frame = frame.select_dtypes("number").dropna()
    X = frame.loc[:, frame.nunique() > 1].to_numpy(dtype=np.float64)
    if len(X) > max_rows:
        rows = np.random.default_rng(0).choice(len(X), max_rows, replace=False)
        X = X[rows]
    return X


def hide(X, seed, share=SHARE):
    """A copy of X with cells hidden, and which they are."""
    hidden = np.random.default_rng(seed).random(X.shape) < share
    return np.where(hidden, np.nan, X), hidden


def error(X, filled, hidden):
    return np.sqrt((((filled - X) / X.std(axis=0))[hidden] ** 2).mean())


def measure(name, imputers, seeds):
    """Mean error and seconds of each imputer on one table; all take turns."""
    X = load(name)
    errors = {key: [] for key in imputers}
    seconds = {key: [] for key in imputers}
    for seed in range(seeds):
        with_holes, hidden = hide(X, seed)
        for key, make in imputers.items():
            start = time.process_time()
            filled = make(seed).fit_transform(with_holes)
            seconds[key].append(time.process_time() - start)
            errors[key].append(error(X, filled, hidden))
    average = partial(pd.Series.map, arg=np.mean)
    return average(pd.Series(errors)), average(pd.Series(seconds)), X.shape


def compare(report):
    errors, seconds = {}, {}
    for name in TABLES:
        row, times, shape = measure(name, IMPUTERS, SEEDS)
        label = f"{name} {shape[0]}x{shape[1]}"
        errors[label], seconds[label] = row, times
    errors, seconds = pd.DataFrame(errors).T, pd.DataFrame(seconds).T
    report.table("Standardised RMSE of hidden cells, mean of seeds", errors)
    report.table("CPU seconds to fit and fill in", seconds)
    won = {
        f"ours better than {peer}": int((errors[OURS] < errors[peer]).sum())
        for peer in errors.columns.drop(OURS)
    }
    won["ours better than both"] = int(
        (errors[OURS] < errors[list(PEERS)].min(axis=1)).sum()
    )
    report.table("Tables won of 8 (goal: both, 6)", pd.Series(won).to_frame("tables"))


def beside_forests(report):
    small = [name for name in TABLES if len(load(name)) <= FOREST_ROWS]
    rows, imputers = {}, {OURS: IMPUTERS[OURS], FOREST: forest}
    for name in small:
        errors, seconds, _ = measure(name, imputers, 1)
        rows[name] = {**errors, **seconds.add_suffix(", s")}
    report.table(
        f"Beside forests, tables of at most {FOREST_ROWS} rows, one seed",
        pd.DataFrame(rows).T,
    )


def run(report):
    """Quality first: it is what an imputer is for."""
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        if report.section("Imputation: eight tables", heads=False):
            compare(report)
        if report.section("Imputation: forests", heads=False):
            beside_forests(report)
