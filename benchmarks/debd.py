"""Binary density estimation: test log-likelihood, settings chosen on validation rows.

Every family is fitted to the training rows with each of its settings; the validation
rows choose setting and number of EM iterations, and the test rows are scored once. One
thread; seconds are CPU seconds of all that was tried. Beside the figures stand those of
papers: LearnSPN and ID-SPN (Rooshenas & Lowd 2014), MADE (Germain et al. 2015).
"""

import time
import warnings
from itertools import product

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from benchmarks.data import find
from sklearn_gen.mixture import BernoulliMixture, ChowLiuTree, MixtureOfTrees

# Data set: goal, then what papers report (nats per test row).
PUBLISHED = {
    "nltcs": (-6.00, {"LearnSPN": -6.11, "ID-SPN": -6.02}),
    "dna": (-84.5, {"LearnSPN": -82.52, "ID-SPN": -81.21, "MADE": -83.63}),
    "nips": (None, {"MADE": -280.25}),
    "baudio": (-39.9, {"LearnSPN": -40.50, "ID-SPN": -39.79}),
    "bnetflix": (-56.4, {"LearnSPN": -57.33, "ID-SPN": -56.36}),
    "pumsb_star": (-23.3, {"LearnSPN": -24.78, "ID-SPN": -22.40}),
}
# EM goes on by so many iterations while validation rows gain, at most so often.
STEP, ROUNDS = 6, 8
POOLED = 16


def splits(name):
    """Training, validation and test rows of zeros and ones."""
    with np.load(find("debd", f"{name}.npz")) as packed:
        n_columns = int(packed["d"])
        return [
            np.unpackbits(packed[part], axis=1)[:, :n_columns].astype(np.float64)
            for part in ("train", "valid", "test")
        ]


def families(n_rows):
    """Name and settings to choose from; no fewer than 50 rows to a tree."""
    yield "independent Bernoulli", [ChowLiuTree(edge_penalty=1e9)]
    yield (
        "BernoulliMixture",
        [BernoulliMixture(k, random_state=0) for k in (8, 64, 256) if 50 * k <= n_rows],
    )
    yield "ChowLiuTree", [ChowLiuTree()]
    yield (
        "MixtureOfTrees",
        [
            MixtureOfTrees(k, smoothing=smoothing, random_state=0)
            for k, smoothing in product((8, 32, 64), (5.0, 50.0))
            if 50 * k <= n_rows
        ],
    )


def fit_while_it_pays(model, train, valid):
    """Fit by rounds of EM; returns the best round's clone, fitted, and its score."""
    if not hasattr(model, "n_components"):
        model = clone(model).fit(train)
        return model, model.score(valid)
    model = clone(model).set_params(max_iter=STEP, tol=1e-4, warm_start=True)
    scores = []
    while len(scores) < ROUNDS and (len(scores) < 2 or scores[-1] > scores[-2]):
        model.fit(train)
        scores.append(model.score(valid))
    best = int(np.argmax(scores))
    if best < len(scores) - 1:
        model = clone(model).set_params(max_iter=STEP * (best + 1)).fit(train)
    return model.set_params(warm_start=False, max_iter=STEP * (best + 1)), scores[best]


def said(model):
    """The settings that were chosen."""
    names = ("n_components", "smoothing", "max_iter", "n_init")
    values = model.get_params()
    return ", ".join(f"{n}={values[n]:g}" for n in names if n in values)


def lines(name):
    """One line per family: what was chosen, scores, seconds."""
    train, valid, test = splits(name)
    for family, models in families(len(train)):
        start = time.process_time()
        fits = [fit_while_it_pays(model, train, valid) for model in models]
        model, score = max(fits, key=merit)
        seconds = time.process_time() - start
        yield family, said(model), score, model.score(test), seconds
    # the last family once more: many starts, all kept, which bears less smoothing
    start = time.process_time()
    trials = []
    for smoothing in sorted({model.smoothing for model, _ in fits}):
        alike = [fit for fit in fits if fit[0].smoothing == smoothing]
        model, _ = max(alike, key=merit)
        trials.append(pooled(model, POOLED // 4, train, valid))
    model, score = pooled(max(trials, key=merit)[0], POOLED, train, valid)
    seconds = time.process_time() - start
    yield f"{family}, pooled", said(model), score, model.score(test), seconds


def merit(fit):
    """Score on validation rows."""
    return fit[1]


def pooled(model, n_init, train, valid):
    """The same model from many starts, all kept, and its score."""
    model = clone(model).set_params(n_init=n_init, pool=True).fit(train)
    return model, model.score(valid)


def run(report):
    """One table per data set."""
    for name, (goal, published) in PUBLISHED.items():
        if not report.section(f"debd: {name}", heads=False):
            continue
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            frame = pd.DataFrame(
                lines(name), columns=["model", "chosen", "valid", "test", "seconds"]
            ).set_index("model")
        chosen = frame["valid"].idxmax()
        best = frame.loc[chosen, "test"]
        beside = "; ".join(f"{who} {nats:.2f}" for who, nats in published.items())
        aim = "" if goal is None else f"goal {goal:.2f}; "
        report.table(f"{name}: nats per row ({aim}{beside})", frame)
        print(f"best by validation: {chosen}, test {best:.3f}", flush=True)
