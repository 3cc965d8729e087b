"""mclust's published figures, and the number of components beside a grid search."""

import warnings

import numpy as np
import pandas as pd
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture as SklearnMixture
from threadpoolctl import threadpool_limits

from benchmarks.runner import in_turns, ratio
from sklearn_gen import DegenerateDataWarning, DiscreteColumnWarning
from sklearn_gen.mixture import GaussianMixture
from tests.mixture.mclust_data import as_mclust_fits, faithful, galaxies

N_CLUSTERS = 8
LARGEST = 12
SEEDS = 8
TURNS = 3


def figures():
    """Ours beside what mclust's documentation prints, in its sign."""
    X, y = load_iris(return_X_y=True)
    exact = {"reg_covar": 0.0, "tol": 1e-9, "max_iter": 5000, "n_init": 10}
    exact["random_state"] = 0
    edda = GaussianMixture.from_responsibilities(
        X, y, covariance_type="VEV", reg_covar=0.0
    )
    eee = as_mclust_fits(faithful(), 3, "EEE")
    vii = GaussianMixture(3, covariance_type="VII", **exact).fit(galaxies())
    rows = [
        ("iris EDDA VEV", "log-likelihood", 150 * edda.score(X), -187.7097),
        ("iris EDDA VEV", "parameters", edda._n_parameters(), 38),
        ("iris EDDA VEV", "BIC", -edda.bic(X), -565.8236),
        ("iris EDDA VEV", "training error", np.mean(edda.predict(X) != y), 0.02),
        ("faithful EEE,3", "log-likelihood", 272 * eee.score(faithful()), -1126.326),
        ("faithful EEE,3", "BIC", -eee.bic(faithful()), -2314.316),
        ("faithful EEE,3", "ICL", -eee.icl(faithful()), -2357.824),
        ("galaxies V,3", "log-likelihood", 82 * vii.score(galaxies()), -203.1792),
        ("galaxies V,3", "BIC", -vii.bic(galaxies()), -441.6122),
    ]
    return pd.DataFrame(rows, columns=["model", "figure", "ours", "mclust"])


def stretched(seed, n_columns=2, n_rows=1500):
    """Long thin clusters in all directions, some of which cross."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(N_CLUSTERS):
        axes, _ = np.linalg.qr(rng.normal(size=(n_columns, n_columns)))
        scales = np.r_[3.0, np.full(n_columns - 1, 0.25)]
        center = rng.uniform(-6, 6, size=n_columns)
        noise = rng.normal(size=(n_rows // N_CLUSTERS, n_columns)) * scales
        rows.append(center + noise @ axes.T)
    return np.vstack(rows)


def grid(mixture, X, n_init=1):
    """The mixture of lowest BIC among 1 to LARGEST components."""
    sizes = range(1, LARGEST + 1)
    models = [mixture(K, n_init=n_init, random_state=0).fit(X) for K in sizes]
    return min(models, key=lambda model: model.bic(X))


def auto(X):
    return GaussianMixture("auto", random_state=0).fit(X)


def sizes():
    """How many components each way of choosing finds, seed by seed."""
    rows = []
    for seed in range(SEEDS):
        X = stretched(seed)
        ways = {
            "auto": auto(X),
            "grid, ours": grid(GaussianMixture, X),
            "grid, scikit-learn": grid(SklearnMixture, X),
            "grid, 10 starts": grid(GaussianMixture, X, n_init=10),
        }
        lowest = min(model.bic(X) for model in ways.values())
        for way, model in ways.items():
            rows.append((way, len(model.weights_), model.bic(X) - lowest))
    frame = pd.DataFrame(rows, columns=["way", "K", "BIC above best"])
    right = frame["K"].eq(N_CLUSTERS).groupby(frame["way"]).sum()
    found = frame.groupby("way")["K"].agg(lambda values: " ".join(map(str, values)))
    above = frame.groupby("way")["BIC above best"].mean()
    names = [f"K = {N_CLUSTERS} found, of {SEEDS}", "K, seed by seed", "mean BIC above"]
    return pd.concat([right, found, above], axis=1, keys=names)


def run(report):
    with threadpool_limits(1), warnings.catch_warnings():
        for category in (
            ConvergenceWarning,
            DegenerateDataWarning,
            DiscreteColumnWarning,
        ):
            warnings.simplefilter("ignore", category)
        _run(report)


def _run(report):
    if report.section("mclust: published figures", heads=False):
        report.table("ours beside mclust's, in its sign", figures())
    if report.section("mclust: number of stretched clusters", heads=False):
        report.table(f"{N_CLUSTERS} clusters, grids of 1 to {LARGEST} by BIC", sizes())
    if report.section("mclust: time to choose the number"):
        for shape in ((1500, 2), (10_000, 5)):
            X = stretched(0, shape[1], shape[0])
            ways = {
                "auto": lambda X=X: auto(X),
                "grid": lambda X=X: grid(SklearnMixture, X),
            }
            for way in ways.values():
                way()
            seconds = in_turns(ways, TURNS)
            ours, peer = (np.median(seconds[name]) for name in ways)
            report.add(
                f"{shape[0]:,} x {shape[1]}, auto; grid of {LARGEST}",
                *(ours, peer, ratio(seconds["grid"], seconds["auto"]), 1),
                note="scikit-learn, one start",
                unit="s",
            )
