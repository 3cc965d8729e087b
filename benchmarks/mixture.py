"""GaussianMixture beside scikit-learn's: iterations, whole fits, memory, first use."""

import tempfile
import time
import warnings
from functools import partial

import numpy as np
from sklearn.mixture import BayesianGaussianMixture as BayesianPeer
from sklearn.mixture import GaussianMixture as Peer
from threadpoolctl import threadpool_limits

from benchmarks.runner import child, in_turns, peak_beyond, ratio

# rows, columns, components, and what the project asks for with full covariances
SIZES = [
    (200_000, 8, 8, 20),
    (100_000, 32, 16, 10),
    (50_000, 100, 10, 6),
    (500_000, 2, 5, 30),
]
STRUCTURES = ("full", "tied", "diag", "spherical")
# Equal results before any figure: mean log-likelihood after the same iterations from
# the same start, relative.
EQUAL = {np.float64: 1e-9, np.float32: 1e-4}
# rows, columns, components: nearly every row has a pattern of its own
MISSING_SIZES = [(1500, 12, 4), (5000, 20, 4)]
MISSING_SHARE = 0.2
OUR_ITERATIONS, PEER_ITERATIONS = 16, 2
TURNS = 3


def rows_of(n, d, K, spread, dtype=np.float64):
    """Rows around K means that lie ``spread`` standard deviations from the origin."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d), dtype)
    X += (spread * rng.standard_normal((K, d), dtype))[rng.integers(K, size=n)]
    return X


def start_of(X, K, structure):
    """Starting values for both: rows as means, variances of the columns."""
    d = X.shape[1]
    precision = 1 / X[:10_000].var(axis=0, dtype=np.float64)
    shapes = {
        "full": lambda: np.tile(np.diag(precision), (K, 1, 1)),
        "tied": lambda: np.diag(precision),
        "diag": lambda: np.tile(precision, (K, 1)),
        "spherical": lambda: np.full(K, precision.mean()),
    }
    return {
        "n_components": K,
        "covariance_type": structure,
        "weights_init": np.full(K, 1 / K),
        "means_init": X[:: len(X) // K][:K].reshape(K, d).astype(np.float64),
        "precisions_init": shapes[structure](),
        "tol": 0.0,
    }


def fit(model, X):
    """Fit without warnings about convergence: benchmarks stop early on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X)


def iteration_times(ours, peer, X, start, clock=time.process_time):
    """Seconds of one EM iteration, ours and the peer's, one value per turn.

    The difference between a fit of a few iterations and a fit of one, so that what
    surrounds the iterations cancels.
    """

    def fits(make, iterations):
        return lambda: fit(make(max_iter=iterations, **start), X)

    seconds = in_turns(
        {
            "ours": fits(ours, 1 + OUR_ITERATIONS),
            "ours, one": fits(ours, 1),
            "peer": fits(peer, 1 + PEER_ITERATIONS),
            "peer, one": fits(peer, 1),
        },
        TURNS,
        clock,
    )
    result = []
    for name, count in (("ours", OUR_ITERATIONS), ("peer", PEER_ITERATIONS)):
        pairs = zip(seconds[name], seconds[f"{name}, one"], strict=True)
        result.append([(many - one) / count for many, one in pairs])
    return result


def check_equal(X, start):
    """Raise unless both models make the same of three iterations."""
    from sklearn_gen.mixture import GaussianMixture

    bounds = [
        fit(make(max_iter=3, **start), X).lower_bound_
        for make in (GaussianMixture, Peer)
    ]
    if abs(bounds[0] - bounds[1]) > EQUAL[X.dtype.type] * abs(bounds[1]):
        raise AssertionError(f"not the same result: log-likelihoods {bounds}")


def name_of(n, d, K, structure, dtype, kind):
    return f"{n:,} x {d}, K={K}, {structure}, {np.dtype(dtype).name}, {kind}"


def iterations(report, sizes, structures, dtype, kinds):
    """One EM iteration, one thread, CPU time."""
    from sklearn_gen.mixture import GaussianMixture

    rate = report.machine["dgemm_gflops" if dtype == np.float64 else "sgemm_gflops"]
    for n, d, K, target in sizes:
        for kind, spread in kinds:
            X = rows_of(n, d, K, spread, dtype)
            for structure in structures:
                start = start_of(X, K, structure)
                check_equal(X, start)
                ours, peer = iteration_times(GaussianMixture, Peer, X, start)
                note = ""
                if structure == "full":
                    gflops = 2e-9 * n * K * d * d / np.median(ours)
                    note = f"{gflops / rate:.0%} of gemm"
                    if dtype == np.float64:
                        note += f", asked for {target}x"
                report.add(
                    name_of(n, d, K, structure, dtype, kind),
                    1e3 * np.median(ours),
                    1e3 * np.median(peer),
                    ratio(peer, ours),
                    1,
                    note,
                )


def missing_cells(report):
    """One EM iteration with a fifth of the cells missing at random, CPU time.

    The peer can't: in its place stands ours on the same rows when they were complete.
    """
    from sklearn_gen.mixture import GaussianMixture

    for n, d, K in MISSING_SIZES:
        X = rows_of(n, d, K, 3.0)
        gaps = X.copy()
        gaps[np.random.default_rng(1).random(X.shape) < MISSING_SHARE] = np.nan
        for structure in STRUCTURES:
            start = start_of(X, K, structure)

            def run(data, iterations, start=start):
                return fit(GaussianMixture(max_iter=iterations, **start), data)

            many = 1 + OUR_ITERATIONS
            seconds = in_turns(
                {
                    f"{name}, {iterations}": partial(run, data, iterations)
                    for name, data in (("gaps", gaps), ("complete", X))
                    for iterations in (1, many)
                },
                TURNS,
            )
            ours, peer = (
                [
                    (more - one) / OUR_ITERATIONS
                    for more, one in zip(
                        seconds[f"{name}, {many}"], seconds[f"{name}, 1"], strict=True
                    )
                ]
                for name in ("gaps", "complete")
            )
            report.add(
                name_of(n, d, K, structure, np.float64, "20 % missing"),
                1e3 * np.median(ours),
                1e3 * np.median(peer),
                ratio(peer, ours),
                1,
                "peer: ours, no cell missing",
            )


def threads(report):
    """Two threads against one, wall time: the peer here is ours with n_jobs=1."""
    from sklearn_gen.mixture import GaussianMixture

    for n, d, K, _ in SIZES:
        X = rows_of(n, d, K, 1.0)
        start = start_of(X, K, "full")

        def run(n_jobs, iterations, X=X, start=start):
            return fit(GaussianMixture(n_jobs=n_jobs, max_iter=iterations, **start), X)

        if run(1, 3).means_.tobytes() != run(2, 3).means_.tobytes():
            raise AssertionError("n_jobs=2 gave other bytes than n_jobs=1")
        seconds = in_turns(
            {"two": lambda run=run: run(2, 20), "one": lambda run=run: run(1, 20)},
            TURNS,
            time.perf_counter,
        )
        report.add(
            name_of(n, d, K, "full", np.float64, "20 iterations"),
            1e3 * np.median(seconds["two"]),
            1e3 * np.median(seconds["one"]),
            ratio(seconds["one"], seconds["two"]),
            "2 vs 1",
            "asked for 1.7x",
        )


def whole_fits(report):
    """``fit`` with default settings, seeding included, CPU time."""
    from sklearn_gen.mixture import GaussianMixture

    for n, d, K, _ in (SIZES[0], SIZES[3]):
        X = rows_of(n, d, K, 3.0)
        scores = {}

        def run(name, make, K=K, X=X, scores=scores):
            scores[name] = fit(make(K, random_state=0), X).score(X)

        seconds = in_turns(
            {
                "ours": lambda: run("ours", GaussianMixture),
                "peer": lambda: run("peer", Peer),
            },
            1,
        )
        report.add(
            name_of(n, d, K, "full", np.float64, "whole fit"),
            1e3 * np.median(seconds["ours"]),
            1e3 * np.median(seconds["peer"]),
            ratio(seconds["peer"], seconds["ours"]),
            1,
            f"nats per row {scores['ours']:.6f}, peer {scores['peer']:.6f}; "
            "asked for 6x",
        )


def bayesian_pair(X, K):
    """Ours and the peer's variational mixture, from the same responsibilities."""
    from sklearn_gen import _gaussian as gaussian
    from sklearn_gen.mixture import BayesianGaussianMixture

    resp = np.random.default_rng(1).dirichlet(np.ones(K), size=len(X))

    class Ours(BayesianGaussianMixture):
        def _initial_params(self, X, sample_weight, rng):
            return self._posterior_params(
                *gaussian.initial_stats(self._structure, X, resp)
            )

    class PeerFromResp(BayesianPeer):
        def _initialize_parameters(self, X, *arguments, **keywords):
            self._initialize(X, resp)

    return Ours, PeerFromResp


def bayesian(report):
    """One variational iteration, one thread, CPU time."""
    for n, d, K, _ in (SIZES[0], SIZES[1]):
        X = rows_of(n // 4, d, K, 1.0)
        ours, peer = bayesian_pair(X, K)
        for structure in STRUCTURES:
            start = {"n_components": K, "covariance_type": structure, "tol": 0.0}
            bounds = [
                float(np.ravel(fit(make(max_iter=3, **start), X).lower_bound_)[0])
                for make in (ours, peer)
            ]
            if abs(bounds[0] - bounds[1]) > EQUAL[np.float64] * abs(bounds[1]):
                raise AssertionError(f"not the same result: lower bounds {bounds}")
            seconds = iteration_times(ours, peer, X, start)
            report.add(
                name_of(len(X), d, K, structure, np.float64, "Bayesian"),
                *(1e3 * np.median(each) for each in seconds),
                ratio(*seconds[::-1]),
                1,
            )


def student_t(report):
    """One EM iteration of t components beside one of Gaussians: both are ours."""
    from sklearn_gen.mixture import GaussianMixture, StudentTMixture

    for n, d, K, _ in (SIZES[0], SIZES[3]):
        X = rows_of(n, d, K, 1.0)
        for structure in ("full", "diag"):
            start = start_of(X, K, structure)
            many = 1 + OUR_ITERATIONS

            def run(cls, iterations, X=X, start=start):
                return fit(cls(max_iter=iterations, **start), X)

            seconds = in_turns(
                {
                    (cls, iterations): partial(run, cls, iterations)
                    for cls in (StudentTMixture, GaussianMixture)
                    for iterations in (1, many)
                },
                TURNS,
            )
            ours, peer = (
                [
                    (more - one) / OUR_ITERATIONS
                    for more, one in zip(
                        seconds[cls, many], seconds[cls, 1], strict=True
                    )
                ]
                for cls in (StudentTMixture, GaussianMixture)
            )
            report.add(
                name_of(n, d, K, structure, np.float64, "Student t"),
                1e3 * np.median(ours),
                1e3 * np.median(peer),
                ratio(peer, ours),
                1,
                "peer: our GaussianMixture",
            )


def memory_of(library, n, d, K, whole):
    """Peak memory beyond X, divided by the size of X. Called in a child process."""
    from sklearn_gen.mixture import GaussianMixture

    make = GaussianMixture if library == "ours" else Peer
    X = rows_of(int(n), int(d), int(K), 1.0)
    fit(make(int(K), max_iter=2), X[:1000].copy())  # compiles, loads libraries
    start = start_of(X, int(K), "full") if whole == "em" else {"n_components": int(K)}
    with threadpool_limits(1):
        peak = peak_beyond(lambda: fit(make(max_iter=3, **start), X))
    return peak / X.nbytes


def memory(report):
    """Peak memory beyond X, as a share of X, each in a process of its own."""
    for n, d, K in [(1_000_000, 8, 8), (3_500_000, 2, 5), (200_000, 32, 16)]:
        for whole, limit in (("em", 10), ("whole fit", 50)):
            ours, peer = (
                100 * child("benchmarks.mixture:memory_of", library, n, d, K, whole)
                for library in ("ours", "peer")
            )
            report.add(
                name_of(n, d, K, "full", np.float64, whole),
                *(ours, peer, peer / max(ours, 0.1), 1),
                f"of X; asked for at most {limit} %",
                unit="%",
            )


def first_use(report):
    """Import and the first fit on 1000 rows, without and with compiled code on disk."""
    with tempfile.TemporaryDirectory() as folder:
        for state, limit in (("cold", 12), ("warm", 0.5)):
            imported, wall, cpu = child(
                "benchmarks.first_use:times", NUMBA_CACHE_DIR=folder
            )
            note = f"CPU {cpu:.2f} s, asked for at most {limit} s; "
            note += f"import {imported:.2f} s, asked for at most 1 s"
            report.add(f"first fit, {state}", wall, None, None, 1, note, unit="s")


def run(report):
    """All sections."""
    both = (("overlapping", 0.3), ("separated", 3.0))
    with threadpool_limits(1):
        if report.section("EM iteration, full covariance"):
            iterations(report, SIZES, ("full",), np.float64, both)
        if report.section("EM iteration, other covariances"):
            iterations(report, SIZES[:2], STRUCTURES[1:], np.float64, both[:1])
        if report.section("EM iteration, float32"):
            iterations(report, SIZES, ("full",), np.float32, both[:1])
            iterations(report, SIZES[:1], STRUCTURES[1:], np.float32, both[:1])
        if report.section("EM iteration, missing values"):
            missing_cells(report)
        if report.section("EM iteration, relatives"):
            bayesian(report)
            student_t(report)
        if report.section("Two threads"):
            threads(report)
        if report.section("Whole fit, default settings"):
            whole_fits(report)
    if report.section("Memory beyond X"):
        memory(report)
    if report.section("First use"):
        first_use(report)
