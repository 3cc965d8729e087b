"""Restricted Boltzmann machines: test log-likelihoods, and ratings.

Sections: ``nltcs`` (a setting found by GridSearchCV; scikit-learn's best of twelve
settings with as many epochs, normalised by the same enumeration), ``binary``
(dna, nips, baudio; settings chosen on validation rows, log Z by annealed chains),
``ratings`` (MovieLens, ua split), ``MNIST`` (static binarisation, 500 hidden units, all
10,000 test rows, the curve). One thread; seconds are CPU seconds.
"""

import time
import warnings
from itertools import product

import numpy as np
import pandas as pd
from scipy.special import logsumexp
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.neural_network import BernoulliRBM as PeerRBM
from threadpoolctl import threadpool_limits

from benchmarks.data import find
from benchmarks.debd import splits
from sklearn_gen.rbm import BernoulliRBM, CategoricalRBM

GRID = {
    "n_components": [20, 50],
    "learning_rate": [0.1, 0.2],
    "n_chains": [10, 50],
    "n_iter": [40],
}
# Goal, and what papers and our own runs of other models report (nats per test row).
PUBLISHED = {
    "dna": "trees -84.93, MADE -83.63 (here -79.88), ID-SPN -81.21",
    "nips": "MADE -280.25 (here -275.3)",
    "baudio": "trees -40.10, LearnSPN -40.50, ID-SPN -39.79",
}
# Settings to choose from by validation rows.
SETTINGS = {
    "dna": [
        {"n_components": h, "l1": l1, "learning_rate": 0.1, "n_iter": 200}
        for h, l1 in ((100, 0.003), (200, 0.003), (400, 0.003))
    ],
    "nips": [
        {"n_components": h, "l2": l2, "learning_rate": 0.05, "n_iter": 100}
        for h, l2 in ((50, 0.01), (50, 0.03), (100, 0.05))
    ],
    "baudio": [
        {"n_components": h, "l2": l2, "learning_rate": 0.05, "n_iter": 40}
        for h, l2 in ((20, 0.0), (100, 1e-3), (200, 2e-3))
    ],
}
# Epochs, learning rate and schedule of each stage: rates that fall as chains slow down.
MNIST_STAGES = [
    (20, 0.1, "constant"),
    (20, 0.05, "constant"),
    (30, 0.02, "constant"),
    (40, 0.02, "linear"),
]


def run(report):
    """All sections that are wanted."""
    with threadpool_limits(1):
        if report.section("nltcs", heads=False):
            report.table("nltcs: exact test log-likelihood", nltcs())
        if report.section("binary", heads=False):
            report.table("test log-likelihood", pd.concat(map(binary, SETTINGS)))
        if report.section("ratings", heads=False):
            report.table("MovieLens-100k, ua split", ratings())
        if report.section("MNIST", heads=False):
            report.table("binarised MNIST, 500 hidden units", mnist())


def nltcs():
    """The setting that a search over validation rows finds, and the peer's machines."""
    train, valid, test = splits("nltcs")
    began = time.process_time()
    search = GridSearchCV(
        BernoulliRBM(random_state=0),
        GRID,
        cv=PredefinedSplit(np.repeat([-1, 0], [len(train), len(valid)])),
    )
    search.fit(np.concatenate([train, valid]))
    spent = time.process_time() - began
    best = BernoulliRBM(random_state=0, **search.best_params_).fit(train)
    print(f"GridSearchCV: {search.best_params_}")
    rows = [("BernoulliRBM", best.score(valid), best.score(test), spent)]
    began, peers = time.process_time(), []
    for hidden, rate, size in product((20, 50), (0.1, 0.01, 0.001), (10, 100)):
        peer = PeerRBM(
            hidden, learning_rate=rate, batch_size=size, n_iter=40, random_state=0
        )
        peers.append((*enumerated(peer.fit(train), valid, test), hidden, rate, size))
    valid, test, hidden, rate, size = max(peers)
    print(f"scikit-learn's best of 12: {hidden} hidden, rate {rate}, batches of {size}")
    rows.append(("scikit-learn's", valid, test, time.process_time() - began))
    return pd.DataFrame(rows, columns=["", "valid", "test", "CPU s"]).set_index("")


def enumerated(machine, *tables):
    """Mean log p(x) of scikit-learn's machines: log Z by all states of 16 columns."""
    n_columns = machine.components_.shape[1]
    states = (np.arange(2**n_columns)[:, None] >> np.arange(n_columns) & 1).astype(
        float
    )

    def log_p(rows):
        inputs = rows @ machine.components_.T + machine.intercept_hidden_
        hidden = np.logaddexp(0.0, inputs).sum(axis=1)
        return rows @ machine.intercept_visible_ + hidden

    log_z = logsumexp(np.concatenate([log_p(s) for s in np.split(states, 16)]))
    return [float(log_p(rows).mean() - log_z) for rows in tables]


def binary(name):
    """The best of a few settings by validation rows; width is that of log Z."""
    train, valid, test = splits(name)
    rows = []
    for setting in SETTINGS[name]:
        began = time.process_time()
        model = BernoulliRBM(n_chains=100, random_state=0, **setting).fit(train)
        low, high = model.log_partition_interval_
        spent = time.process_time() - began
        rows.append((name, setting, model.score(valid), model.score(test), high - low))
        rows[-1] += (spent, PUBLISHED[name])
    columns = ["", "setting", "valid", "test", "width", "CPU s", "others"]
    table = pd.DataFrame(rows, columns=columns).set_index("")
    return table.iloc[[int(table["valid"].to_numpy().argmax())]]


def ratings():
    """Errors of stars: biases, singular values, and machines of users and films."""
    with np.load(find("ratings", "ml100k.npz")) as data:
        parts = data["ua_base"], data["ua_test"]
    X, test = np.full((943, 1682), np.nan), np.full((943, 1682), np.nan)
    for table, part in zip((X, test), parts, strict=True):
        user, film, stars = part.T[:3]
        table[user - 1, film - 1] = stars
    began = time.process_time()
    rows = [("biases", *errors(biases(X), test), time.process_time() - began)]
    began = time.process_time()
    rest = np.where(np.isnan(X), 0.0, X - biases(X))
    U, s, Vt = np.linalg.svd(rest, full_matrices=False)
    for rank in (10, 20, 30):
        table = biases(X) + (U[:, :rank] * s[:rank]) @ Vt[:rank]
        rows.append((f"SVD, rank {rank}", *errors(table, test)))
        rows[-1] += (time.process_time() - began,)
    total = 0.0
    stars = []
    for name, table in (("users", X), ("films", X.T)):
        began = time.process_time()
        found = machine_stars(table)
        stars.append(found if name == "users" else found.T)
        spent = time.process_time() - began
        rows.append((f"machine of {name}", *errors(stars[-1], test), spent))
        total += spent
    rows.append(("both machines", *errors(sum(stars) / 2, test), total))
    return pd.DataFrame(rows, columns=["", "RMSE", "MAE", "CPU s"]).set_index("")


def biases(X, shrinkage=5.0):
    """Expected stars by how strict the user and how good the film is."""
    seen, overall = ~np.isnan(X), np.nanmean(X)
    user, film = np.zeros((len(X), 1)), np.zeros(X.shape[1])
    for _ in range(20):
        rest = np.where(seen, X - overall - user, 0.0)
        film = rest.sum(axis=0) / (seen.sum(axis=0) + shrinkage)
        rest = np.where(seen, X - overall - film, 0.0)
        user = rest.sum(axis=1) / (seen.sum(axis=1) + shrinkage)
        user = user[:, None]
    return overall + user + film


def machine_stars(X):
    """Expected stars by a machine of the units that each row has."""
    model = CategoricalRBM(
        100,
        missing="absent",
        learning_rate=0.5,
        batch_size=100,
        momentum=0.5,
        l2=0.003,
        n_iter=30,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of two films that nobody rated
        means = model.fit(X).expected_values(X)
    return np.where(np.isnan(means), np.nanmean(X), means)


def errors(table, test):
    """Root mean squared and mean absolute error of stars in 1 to 5."""
    miss = (np.clip(table, 1.0, 5.0) - test)[~np.isnan(test)]
    return float(np.sqrt(np.mean(miss**2))), float(np.abs(miss).mean())


def mnist():
    """Test log-likelihood after each stage, with the bracket of log Z around it."""
    with np.load(find("images", "binarized_mnist.npz")) as packed:
        train, test = (
            np.unpackbits(packed[part], axis=1).astype(np.float32)
            for part in ("train", "test")
        )
    model = BernoulliRBM(
        500, batch_size=100, method="pcd", warm_start=True, random_state=0
    )
    rows, spent, epochs = [], 0.0, 0
    for n_iter, rate, schedule in MNIST_STAGES:
        began = time.process_time()
        model.set_params(n_iter=n_iter, learning_rate=rate, schedule=schedule)
        model.fit(train)
        spent += time.process_time() - began
        epochs += n_iter
        score, log_z = model.score(test), model.log_partition_
        low, high = model.log_partition_interval_
        rows.append((epochs, spent, score, score + log_z - high, score + log_z - low))
        print(*(f"{figure:.2f}" for figure in rows[-1]), flush=True)
    columns = ["epochs", "CPU s", "test", "at least", "at most"]
    return pd.DataFrame(rows, columns=columns).set_index("epochs")
