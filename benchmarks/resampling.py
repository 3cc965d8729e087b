"""Classifiers after resampling: ours beside SMOTE, copies, class weights and nothing.

Eight tables of ADBench with 2 to 22 % of rows in the rare class, chosen before any was
looked at; their labels are learned, which outlier detectors don't do. At most 4000 rows
at random, three stratified folds.
"""

import time
import warnings

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE, RandomOverSampler
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    roc_auc_score,
)
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks.data import find
from sklearn_gen.mixture import AdaptiveKernelDensity
from sklearn_gen.resampler import GenerativeResampler

TABLES = (
    "7_Cardiotocography",
    "23_mammography",
    "26_optdigits",
    "28_pendigits",
    "37_Stamps",
    "38_thyroid",
    "40_vowels",
    "41_Waveform",
)
MAX_ROWS = 4000
FOLDS = 3
OURS = "GenerativeResampler"
RESAMPLERS = {
    "nothing": None,
    "class weights": None,
    "copies": RandomOverSampler(random_state=0),
    "SMOTE": SMOTE(random_state=0),
    OURS: GenerativeResampler(random_state=0),
    "ours, kernels": GenerativeResampler(AdaptiveKernelDensity(), random_state=0),
}
CLASSIFIERS = {
    "logistic regression": make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=1000)
    ),
    "boosted trees": HistGradientBoostingClassifier(max_iter=50, random_state=0),
}


def load(name):
    data = np.load(find("adbench", f"{name}.npz"))
    X, y = data["X"].astype(np.float64), data["y"].astype(int)
    rows = np.random.default_rng(0).permutation(len(X))[:MAX_ROWS]
    return X[rows], y[rows]


def weighted(classifier):
    """The same with balanced class weights."""
    classifier = clone(classifier)
    last = classifier.steps[-1][1] if hasattr(classifier, "steps") else classifier
    last.set_params(class_weight="balanced")
    return classifier


def measure(X, y):
    """Mean over folds of each figure, and seconds of resampling."""
    figures, seconds = {}, {}
    splits = list(StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(X, y))
    for fold, (train, test) in enumerate(splits):
        for way, resampler in RESAMPLERS.items():
            start = time.process_time()
            rows, labels = X[train], y[train]
            if resampler is not None:
                rows, labels = clone(resampler).fit_resample(rows, labels)
            seconds[way, fold] = time.process_time() - start
            for name, classifier in CLASSIFIERS.items():
                model = weighted(classifier) if way == "class weights" else classifier
                proba = clone(model).fit(rows, labels).predict_proba(X[test])[:, 1]
                figures[name, way, fold] = {
                    "average precision": average_precision_score(y[test], proba),
                    "AUC": roc_auc_score(y[test], proba),
                    "balanced accuracy": balanced_accuracy_score(y[test], proba > 0.5),
                }
    frame = pd.DataFrame(figures).T.groupby(level=[0, 1]).mean()
    return frame, pd.Series(seconds).groupby(level=0).mean()


def run(report):
    if not report.section("Resampling: eight tables", heads=False):
        return
    figures, seconds = {}, {}
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        for name in TABLES:
            X, y = load(name)
            label = f"{name} {len(X)}x{X.shape[1]}, {y.mean():.1%}"
            figures[label], seconds[label] = measure(X, y)
    ways = list(RESAMPLERS)
    whole = pd.concat(figures, names=["table", "classifier", "way"])
    for classifier in CLASSIFIERS:
        part = whole.xs(classifier, level="classifier")
        for figure in part.columns:
            shown = part[figure].unstack("way")[ways]
            shown.loc["mean"] = shown.mean()
            report.table(f"{figure}, {classifier}", shown)
    report.table("CPU seconds of resampling", pd.DataFrame(seconds).T[ways])
