"""ADBench's tables, two protocols and the detectors that are run beside ours."""

import time
from collections import defaultdict

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neighbors import LocalOutlierFactor
from sklearn.preprocessing import StandardScaler

from benchmarks.data import find

MAX_ROWS = 10_000
OURS = "ours"


def table_names():
    """Names of the tables in ADBench's order."""
    paths = find("adbench").glob("*.npz")
    return sorted((p.stem for p in paths), key=lambda name: int(name.split("_")[0]))


def load(name, seed, max_rows=MAX_ROWS):
    """Rows and labels (1 = outlier); a large table is thinned, keeping the shares."""
    with np.load(find("adbench", f"{name}.npz")) as content:
        X, y = content["X"].astype(np.float64), content["y"]
    if len(X) <= max_rows:
        return X, y
    _, X, _, y = train_test_split(
        X, y, test_size=max_rows, stratify=y, random_state=seed
    )
    return X, y


def halves(X, y, seed):
    """A random half of the normal rows to fit to; the other half and all outliers."""
    normal = np.flatnonzero(y == 0)
    fitted, others = train_test_split(normal, test_size=0.5, random_state=seed)
    tested = np.concatenate([others, np.flatnonzero(y)])
    return X[fitted], X[tested], y[tested]


def published(protocol, measure):
    """Published means, as shares: one row per table, one column per detector."""
    path = find("adbench", f"published_{protocol}_{measure}.csv")
    return pd.read_csv(path, index_col="dataset") / 100


def require_pyod():
    """Say plainly what is missing."""
    try:
        import pyod  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "The benchmark of outlier detectors runs PyOD's ECOD, COPOD and KNN beside "
            "ours, and pyod isn't installed: pip install pyod, or the extra 'bench'."
        ) from error


def default_detector(regime, seed):
    """Our detector of a regime: the one place where the benchmark makes it."""
    from sklearn_gen.outlier import DensityOutlierDetector

    return DensityOutlierDetector(regime=regime, random_state=seed)


def standardised(score):
    """Let a peer see columns standardised by the rows that it is fitted to."""

    def scaled(fitted, tested, seed):
        scaler = StandardScaler().fit(fitted)
        rows = scaler.transform(fitted)
        same = tested is fitted
        return score(rows, rows if same else scaler.transform(tested), seed)

    return scaled


def density(make):
    """Outlyingness by ``score_samples``; ``make`` gives a detector for a seed."""
    return lambda fitted, tested, seed: -make(seed).fit(fitted).score_samples(tested)


def _lof(fitted, tested, seed):
    if tested is fitted:
        return -LocalOutlierFactor().fit(fitted).negative_outlier_factor_
    return -LocalOutlierFactor(novelty=True).fit(fitted).score_samples(tested)


def _pyod(module, name):
    """PyOD's detector, whose own rows have scores that leave each row itself out."""

    def score(fitted, tested, seed):
        from importlib import import_module

        detector = getattr(import_module(f"pyod.models.{module}"), name)().fit(fitted)
        if tested is fitted:
            return detector.decision_scores_
        return detector.decision_function(tested)

    return score


def detectors(regime, names):
    """Functions (fitted rows, tested rows, seed) -> outlyingness of tested rows."""
    forest = density(lambda seed: IsolationForest(random_state=seed))
    envelope = density(lambda seed: EllipticEnvelope(random_state=seed))
    peers = {
        "IForest": standardised(forest),
        "EllipticEnv": standardised(envelope),
        "LOF": standardised(_lof),
        "ECOD": standardised(_pyod("ecod", "ECOD")),
        "COPOD": standardised(_pyod("copod", "COPOD")),
        "KNN": standardised(_pyod("knn", "KNN")),
    }
    ours = density(lambda seed: default_detector(regime, seed))
    return {OURS: ours, **{name: peers[name] for name in names}}


def quality(y, scores):
    """ROC-AUC and average precision.

    Of ranks: log densities of -inf are the lowest there are, and NaN is an error.
    """
    ranks = rankdata(scores, nan_policy="raise")
    return roc_auc_score(y, ranks), average_precision_score(y, ranks)


def compare(functions, protocol, seeds, tables):
    """Run detectors on tables, averaging over seeds.

    Parameters
    ----------
    functions : dict of str to callable
    protocol : {"unsup", "semi"}
        Fit and score all rows, or fit to half of the normal rows and score the rest.
    seeds : iterable of int
        Of the thinning, the halving and the detectors.
    tables : list of str

    Returns
    -------
    auc, ap : DataFrame of shape (n_tables, n_detectors)
    seconds : Series
        CPU seconds of each detector, per seed, all tables together.
    """
    results, seconds = defaultdict(list), defaultdict(float)
    seeds = list(seeds)
    for table in tables:
        for seed in seeds:
            X, y = load(table, seed)
            fitted, tested = X, X
            if protocol == "semi":
                fitted, tested, y = halves(X, y, seed)
            for name, function in functions.items():
                start = time.process_time()
                scores = function(fitted, tested, seed)
                seconds[name] += (time.process_time() - start) / len(seeds)
                results[table, name].append(quality(y, scores))
        shown = (f"{n} {np.mean(results[table, n], axis=0)[0]:.3f}" for n in functions)
        print(f"  {table:<22}", *shown, flush=True)
    frames = []
    for measure in range(2):
        means = {key: np.mean(value, axis=0)[measure] for key, value in results.items()}
        frame = pd.Series(means).unstack()
        frames.append(frame.loc[tables, list(functions)])
    return *frames, pd.Series(seconds)
