"""Restricted Boltzmann machines beside scikit-learn's: epochs, and what they reach.

Times are CPU seconds of one thread, taken in turns. The floor of an epoch are its
matrix products: five of a minibatch, as scikit-learn makes them.
"""

import numpy as np
from scipy.special import logsumexp
from sklearn.datasets import load_digits
from sklearn.neural_network import BernoulliRBM as PlainRBM
from threadpoolctl import threadpool_limits

from benchmarks.rbm_partition import partition
from benchmarks.runner import in_turns, peak_beyond, ratio
from sklearn_gen.rbm import BernoulliRBM

TURNS = 5
# case: rows, columns, hidden units, rows of a minibatch, epochs timed, turns
CASES = {
    "digits": (1797, 64, 100, 10, 20),
    "sparse": (10_000, 784, 500, 100, 5),
}
# What the project asks for: peer / ours, and ours / matrix products.
GOALS = {
    ("digits", "float32"): (6.0, None),
    ("sparse", "float32"): (1.6, 1.2),
    ("sparse", "float64"): (1 / 1.15, None),
}


def rows(case):
    """Digits scaled to [0, 1], or zeros and ones of which 19 % are ones."""
    if case == "digits":
        return load_digits().data / 16.0
    n_rows, n_columns, *_ = CASES[case]
    return (np.random.default_rng(0).random((n_rows, n_columns)) < 0.19).astype(float)


def products(case, dtype):
    """The matrix products of an epoch alone: activations, draws and gradients."""
    n_rows, n_columns, n_hidden, size, _ = CASES[case]
    rng = np.random.default_rng(0)
    V = rng.random((size, n_columns)).astype(dtype)
    H = rng.random((size, n_hidden)).astype(dtype)
    W = rng.random((n_hidden, n_columns)).astype(dtype)
    T, S, G = np.empty_like(V), np.empty_like(H), np.empty_like(W)

    def epoch():
        for _ in range(-(-n_rows // size)):
            np.dot(V, W.T, out=S)
            np.dot(H, W, out=T)
            np.dot(T, W.T, out=S)
            np.dot(H.T, V, out=G)
            np.dot(H.T, T, out=G)

    return epoch


def epochs(report):
    """One epoch of learning, validation of the rows and all else included."""
    wanted = report.section("One epoch of BernoulliRBM beside scikit-learn's, CPU ms")
    for case, (n_rows, n_columns, n_hidden, size, n_epochs) in CASES.items():
        for dtype in ("float32", "float64") if wanted else ():
            X = rows(case).astype(dtype)
            options = {"batch_size": size, "n_iter": n_epochs, "random_state": 0}
            ours = BernoulliRBM(n_hidden, dtype=dtype, **options)
            peer = PlainRBM(n_hidden, **options)
            floor = products(case, dtype)
            ours.set_params(n_iter=1).fit(X[: 4 * size])  # compiles
            ours.set_params(n_iter=n_epochs)
            seconds = in_turns(
                {
                    "ours": lambda ours=ours, X=X: ours.fit(X),
                    "peer": lambda peer=peer, X=X: peer.fit(X),
                    "floor": lambda floor=floor, n=n_epochs: [
                        floor() for _ in range(n)
                    ],
                },
                TURNS if n_rows < 5000 else 2,
            )
            times = {
                name: 1e3 * np.median(spent) / n_epochs
                for name, spent in seconds.items()
            }
            goal, of_floor = GOALS.get((case, dtype), (None, None))
            note = f"products alone {times['floor']:.3g} ms"
            note += f", {ratio(seconds['ours'], seconds['floor']):.2f} of them"
            note += f" (goal {of_floor})" if of_floor else ""
            note += f"; goal {goal:.2g}x" if goal else ""
            spread = np.ptp(seconds["ours"]) / np.median(seconds["ours"])
            report.add(
                f"{n_rows:,} x {n_columns}, {n_hidden} hidden, batch {size}, {dtype}",
                times["ours"],
                times["peer"],
                ratio(seconds["peer"], seconds["ours"]),
                1,
                f"{note}; spread {spread:.0%}",
            )


def quality(report):
    """Exact log-likelihood of test rows after the same epochs, 16 hidden units."""
    title = "The same machine after the same epochs: exact log p per test row of digits"
    if not report.section(title):
        return
    X = (load_digits().data > 8.0).astype(float)
    X = X[np.random.default_rng(0).permutation(len(X))]
    train, test = X[:1300], X[1300:]
    states = (np.arange(2**16)[:, None] >> np.arange(16) & 1).astype(float)
    for n_iter in (10, 30, 100):
        reached = {"ours": [], "peer": []}
        for seed in range(3):
            options = {"n_iter": n_iter, "random_state": seed}
            ours = BernoulliRBM(16, **options).fit(train)
            peer = PlainRBM(16, **options).fit(train)
            reached["ours"].append(ours.score(test))
            T = states @ peer.components_ + peer.intercept_visible_
            log_p = states @ peer.intercept_hidden_ + np.logaddexp(0, T).sum(axis=1)
            reached["peer"].append(-peer._free_energy(test).mean() - logsumexp(log_p))
        means = {name: float(np.mean(values)) for name, values in reached.items()}
        report.add(
            f"{n_iter} epochs, batch 10",
            means["ours"],
            means["peer"],
            None,
            1,
            f"3 seeds, spread {np.ptp(reached['ours']):.2f} "
            f"and {np.ptp(reached['peer']):.2f}",
            unit="nats",
        )


def memory(report):
    """Growth of resident memory in a fit, beyond the rows."""
    if not report.section("Peak memory of a fit beyond its rows, 784 x 500"):
        return
    X = rows("sparse").astype(np.float32)
    options = {"batch_size": 100, "n_iter": 1, "random_state": 0}
    ours, peer = BernoulliRBM(500, **options), PlainRBM(500, **options)
    ours.fit(X[:200])
    sizes = [peak_beyond(lambda m=m: m.fit(X)) / 2**20 for m in (ours, peer)]
    report.add("10,000 rows of float32", *sizes, sizes[1] / sizes[0], 1, unit="MiB")


def run(report):
    """All sections."""
    with threadpool_limits(1):
        epochs(report)
        quality(report)
        memory(report)
        partition(report)
