"""Hidden Markov models beside hmmlearn: EM's iterations, restarts, paths, samples."""

import time
import warnings
from functools import partial
from typing import NamedTuple

import numpy as np
from hmmlearn import hmm as peers
from threadpoolctl import threadpool_limits

from benchmarks.runner import in_turns, ratio
from sklearn_gen import _gaussian as gaussian
from sklearn_gen._kernels import markov
from sklearn_gen.hmm import GaussianHMM, PoissonHMM
from sklearn_gen.hmm._emissions_categorical import (
    CategoricalEmission,
    CategoricalParams,
)
from sklearn_gen.hmm._emissions_gaussian import GaussianEmission
from sklearn_gen.hmm._layout import lay_out
from sklearn_gen.hmm._paths import simulate
from sklearn_gen.hmm._recursions import Chain, Recursions
from sklearn_gen.hmm._sequences import groups_from_lengths, sequences_of

TURNS = 5
EQUAL = 1e-9  # log-likelihood, relative; statistics, relative to the largest


class Case(NamedTuple):
    """What is fitted, and what the project asks for: (floor, goal) per peer mode."""

    name: str
    emission: str
    lengths: tuple
    K: int
    D: int
    against_log: tuple
    against_scaling: tuple


CASES = [
    Case("diag, one sequence", "diag", (100_000,), 8, 4, (30, 60), (8, 15)),
    Case("diag, 5000 sequences", "diag", (50,) * 5000, 8, 4, (80, 100), (10, 15)),
    Case("full, 5000 sequences", "full", (50,) * 5000, 8, 4, (60, 100), (30, 60)),
    Case("diag, many states", "diag", (20_000,), 64, 8, (70, 100), (13, 20)),
    Case("categorical, V=16", "categorical", (100_000,), 8, 1, (30, 60), (5, 10)),
]


def problem(case, dtype=np.float64):
    """Rows from a sticky chain, and parameters that are near, not at, the truth."""
    rng = np.random.default_rng(0)
    K, n = case.K, sum(case.lengths)
    transitions = rng.dirichlet(np.ones(K), K) + 2.0 * np.eye(K)
    chain = Chain(
        rng.dirichlet(np.ones(K)), transitions / transitions.sum(axis=1, keepdims=True)
    )
    states = simulate(chain, np.array(case.lengths), rng)
    if case.emission == "categorical":
        tables = rng.dirichlet(np.ones(16), K)
        X = (rng.random((n, 1)) > np.cumsum(tables, axis=1)[states]).sum(axis=1)
        X = np.minimum(X, 15)[:, None].astype(np.int32)
        return X, chain, 0.5 * tables + 0.5 * rng.dirichlet(np.ones(16), K)
    means = 2.0 * rng.normal(size=(K, case.D))
    X = (means[states] + rng.normal(size=(n, case.D))).astype(dtype)
    means = means + 0.2 * rng.normal(size=means.shape)
    variances = rng.uniform(0.8, 1.5, means.shape)
    return X, chain, (means, variances)


class Ours:
    """One iteration of EM with the functions that the estimators use."""

    def __init__(self, case, X, chain, emitted, n_jobs=None):
        sequences = sequences_of(groups_from_lengths(case.lengths), len(X))
        dtype = np.float64 if X.dtype.kind == "i" else X.dtype
        self.layout = lay_out(sequences, case.K, dtype)
        self.X, self.chain, self.n_jobs = X, chain, n_jobs
        if case.emission == "categorical":
            self.emission = CategoricalEmission()
            self.params = CategoricalParams(
                np.log(emitted).astype(dtype), np.array([0, emitted.shape[1]])
            )
            self.more = ()
        else:
            structure = gaussian.STRUCTURES[case.emission]
            self.emission = GaussianEmission(structure)
            means, variances = emitted
            if case.emission == "full":
                variances = variances[:, :, None] * np.eye(case.D)
            estimate = structure.cholesky(variances, np.zeros(case.D))
            weights = np.full(case.K, 1 / case.K)
            self.params = gaussian.GaussianParams(weights, means, *estimate)
            self.more = np.full(case.D, 1e-6), np.full(case.D, 1e-12)

    def recursions(self):
        """With the current parameters."""
        return Recursions(
            self.layout,
            self.chain,
            partial(markov.taken, self.X),
            partial(self.emission.log_prob, params=self.params),
            self.n_jobs,
        )

    def e_step(self):
        """Sums of the chain and of the emissions."""
        stats = partial(self.emission.stats, params=self.params)
        return self.recursions().expect(stats)

    def iterate(self):
        """E-step and M-step; the parameters stay, so that each turn is the same."""
        sums, emitted = self.e_step()
        chain = Chain(
            sums.start / sums.start.sum(),
            sums.transitions / sums.transitions.sum(axis=1, keepdims=True),
        )
        return chain, self.emission.m_step(emitted, self.params, *self.more)


class Peer:
    """hmmlearn with the same parameters, in one of its two modes."""

    def __init__(self, case, X, chain, emitted, mode):
        self.X, self.lengths = X, np.array(case.lengths)
        common = {"implementation": mode, "init_params": "", "n_iter": 1, "tol": 0.0}
        if case.emission == "categorical":
            self.model = peers.CategoricalHMM(case.K, **common)
        else:
            self.model = peers.GaussianHMM(case.K, case.emission, **common)
        self.values = {"startprob_": chain.start, "transmat_": chain.transitions}
        if case.emission == "categorical":
            self.values |= {"emissionprob_": emitted}
        else:
            means, variances = emitted
            if case.emission == "full":
                variances = variances[:, :, None] * np.eye(case.D)
            self.values |= {"means_": means, "covars_": variances}
        self.reset()

    def reset(self):
        """Give the model the parameters again."""
        for name, value in self.values.items():
            setattr(self.model, name, value.copy())
        if "emissionprob_" in self.values:
            self.model.n_features = self.values["emissionprob_"].shape[1]
        else:
            self.model.n_features = self.values["means_"].shape[1]

    def e_step(self):
        """Its statistics and log-likelihood."""
        return self.model._do_estep(self.X, self.lengths)

    def iterate(self):
        """E-step and M-step."""
        self.reset()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.model.fit(self.X, self.lengths)


def check_equal(case, ours, peer):
    """Raise unless both E-steps are the same."""
    sums, emitted = ours.e_step()
    want, log_likelihood = peer.e_step()
    if abs(sums.log_likelihood - log_likelihood) > EQUAL * abs(log_likelihood):
        raise AssertionError(
            f"not the same result: {sums.log_likelihood} and {log_likelihood}"
        )
    pairs = [(sums.start, want["start"]), (sums.transitions, want["trans"])]
    if case.emission == "categorical":
        pairs.append((emitted.counts, want["obs"]))
    else:
        means = ours.params.means
        pairs.append((emitted.s0, want["post"]))
        first = emitted.s1 + emitted.s0[:, None] * means
        pairs.append((first, want["obs"]))
    for got, other in pairs:
        error = np.abs(got - other).max() / np.abs(other).max()
        # its default mode is off by up to 3e-9 itself
        limit = EQUAL if peer.model.implementation == "scaling" else 1e-6
        if error > limit:
            raise AssertionError(f"not the same result: off by {error:.1e}")


def name_of(case, dtype=np.float64):
    """Case and sizes."""
    n, S = sum(case.lengths), len(case.lengths)
    shape = f"T={n:,}" if S == 1 else f"{S}x{case.lengths[0]}"
    return f"{case.name}: {shape}, K={case.K}, {np.dtype(dtype).name}"


def iterations(report, dtype):
    """One EM iteration, one thread, CPU time."""
    for case in CASES:
        if dtype == np.float32 and case.emission == "categorical":
            continue
        X, chain, emitted = problem(case, dtype)
        ours = Ours(case, X, chain, emitted)
        both = {
            mode: Peer(case, X, chain, emitted, mode) for mode in ("log", "scaling")
        }
        if dtype == np.float64:
            for peer in both.values():
                check_equal(case, ours, peer)
        ours.iterate()
        seconds = {"log": [], "scaling": [], "ours": []}
        for _ in range(TURNS):
            turn = in_turns(
                {"log": both["log"].iterate, "scaling": both["scaling"].iterate}, 1
            )
            turn |= in_turns({"ours": ours.iterate}, 5)
            for name, values in turn.items():
                seconds[name] += values
        for mode, (floor, goal) in (
            ("log", case.against_log),
            ("scaling", case.against_scaling),
        ):
            report.add(
                name_of(case, dtype),
                1e3 * np.median(seconds["ours"]),
                1e3 * np.median(seconds[mode]),
                ratio(seconds[mode], seconds["ours"]),
                1,
                f"hmmlearn {mode}; asked for {floor}x, goal {goal}x",
            )


def restarts(report):
    """Fits of many starts to short series, 50 iterations each, one thread, CPU time."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(rng.choice([13.0, 20.0, 30.0], 107))[:, None]
    rows = rng.normal(size=(2000, 2))
    for name, X, K, n_init, own, other in (
        ("Poisson", counts, 3, 25, PoissonHMM, peers.PoissonHMM),
        ("diag", rows[:300], 4, 10, GaussianHMM, peers.GaussianHMM),
        ("diag", rows, 4, 10, GaussianHMM, peers.GaussianHMM),
    ):
        ours = own(K, n_init=n_init, max_iter=50, tol=0.0, random_state=0)

        def peer(X=X, K=K, n_init=n_init, other=other):
            for seed in range(n_init):
                other(K, n_iter=50, tol=-1.0, random_state=seed).fit(X)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ours.fit(X)
            turns = {"ours": partial(ours.fit, X), "peer": peer}
            seconds = in_turns(turns, TURNS)
        report.add(
            f"{n_init} starts, {name}: T={len(X):,}, K={K}",
            1e3 * np.median(seconds["ours"]),
            1e3 * np.median(seconds["peer"]),
            ratio(seconds["peer"], seconds["ours"]),
            1,
            "hmmlearn log, a fit for each start",
        )


def best_paths(report):
    """Viterbi over 5000 sequences, one thread, CPU time; equal paths first."""
    case = CASES[1]
    X, chain, emitted = problem(case)
    runs = Ours(case, X, chain, emitted).recursions()
    peer = Peer(case, X, chain, emitted, "log")
    if not np.array_equal(runs.viterbi()[0], peer.model.decode(X, peer.lengths)[1]):
        raise AssertionError("not the same paths")
    seconds = in_turns(
        {
            "ours": runs.viterbi,
            "peer": lambda: peer.model.decode(X, peer.lengths),
        },
        TURNS,
    )
    report.add(
        name_of(case),
        1e3 * np.median(seconds["ours"]),
        1e3 * np.median(seconds["peer"]),
        ratio(seconds["peer"], seconds["ours"]),
        1,
        "asked for 10x, goal 20x",
    )


def samples(report):
    """Drawing 100,000 rows, states and Gaussians, one thread, CPU time."""
    for case in CASES[1:3]:
        X, *_ = problem(case)
        n = 100_000
        start = {"covariance_type": case.emission, "max_iter": 5, "random_state": 0}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ours = GaussianHMM(case.K, **start).fit(X[:20_000])
        peer = peers.GaussianHMM(case.K, case.emission, init_params="")
        peer.n_features = case.D
        for name in ("startprob_", "transmat_", "means_", "covars_"):
            setattr(peer, name, getattr(ours, name).astype(np.float64))
        drawn = ours.sample(n), peer.sample(n, random_state=0)[0]
        apart = np.abs(drawn[0].mean(axis=0) - drawn[1].mean(axis=0)).max()
        if apart > 0.1:  # some 5 standard errors, of rows that depend on one another
            raise AssertionError(f"not the same distribution: means differ by {apart}")
        seconds = in_turns(
            {
                "ours": partial(ours.sample, n),
                "peer": partial(peer.sample, n, random_state=0),
            },
            3,
        )
        report.add(
            f"{case.emission}, {n:,} rows, K={case.K}",
            1e3 * np.median(seconds["ours"]),
            1e3 * np.median(seconds["peer"]),
            ratio(seconds["peer"], seconds["ours"]),
            1,
            "asked for 100x, goal 300x",
        )


def threads(report):
    """Two threads against one, wall time: the peer here is ours with n_jobs=1."""
    for case in CASES:
        X, chain, emitted = problem(case)
        one, two = (Ours(case, X, chain, emitted, n_jobs) for n_jobs in (1, 2))
        if (
            one.e_step()[0].transitions.tobytes()
            != two.e_step()[0].transitions.tobytes()
        ):
            raise AssertionError("n_jobs=2 gave other bytes than n_jobs=1")
        seconds = in_turns(
            {"one": one.iterate, "two": two.iterate}, 4 * TURNS, time.perf_counter
        )
        report.add(
            name_of(case),
            1e3 * np.median(seconds["two"]),
            1e3 * np.median(seconds["one"]),
            ratio(seconds["one"], seconds["two"]),
            "2 vs 1",
            "asked for 1.7x",
        )


def run(report):
    """All sections."""
    with threadpool_limits(1):
        if report.section("EM iteration, float64"):
            iterations(report, np.float64)
        if report.section("EM iteration, float32"):
            iterations(report, np.float32)
        if report.section("Restarts, short series"):
            restarts(report)
        if report.section("Best paths"):
            best_paths(report)
        if report.section("Samples"):
            samples(report)
        if report.section("Two threads"):
            threads(report)
