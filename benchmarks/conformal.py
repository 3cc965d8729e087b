"""False-discovery rate and power of ConformalOutlierDetector on ADBench's tables.

Novelty: fit on a random part of the normal rows, tested on the other normal rows and
all outliers. Labels choose nothing but that.
"""

import time
import warnings

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks.data import find

LEVELS = (0.05, 0.1, 0.2)
MAX_ROWS = 10_000
# Share of the normal rows that are fitted to and calibrate, half each.
SEEN = 0.8
SEEDS = 100
FEW_SEEDS = 5


class ChosenMixture(BaseEstimator):
    """A Gaussian mixture of standardised columns, its size chosen on held-out rows.

    The size is chosen on at most 1000 of the rows given to fit: a tenth of the time.
    """

    def fit(self, X, y=None):
        from sklearn_gen.mixture import GaussianMixture

        self.scaler_ = StandardScaler().fit(X)
        Z = self.scaler_.transform(X)
        some, held_out = train_test_split(Z[:1000], test_size=0.25, random_state=0)
        best = -np.inf
        for K in (1, 2, 4, 8, 16, 32):
            if len(some) < 4 * K:
                break
            mixture = GaussianMixture(K, reg_covar=1e-2, max_iter=30, random_state=0)
            score = mixture.fit(some).score(held_out)
            if score < best:
                break
            best, chosen = score, K
        # As many rows per component in the end, as long as that is quick.
        chosen *= round(max(1.0, len(Z) / 1000))
        chosen = max(1, min(chosen, 32, 640 // Z.shape[1]))
        self.mixture_ = GaussianMixture(
            chosen, reg_covar=1e-2, max_iter=50, random_state=0
        ).fit(Z)
        return self

    def score_samples(self, X):
        return self.mixture_.score_samples(self.scaler_.transform(X))


def tables():
    """Yield name, normal rows and outliers; large tables thinned, keeping the share."""
    paths = find("adbench").glob("*.npz")
    for path in sorted(paths, key=lambda path: int(path.name.split("_")[0])):
        with np.load(path) as file:
            X, y = file["X"].astype(np.float64), file["y"]
        if len(X) > MAX_ROWS:
            X, _, y, _ = train_test_split(
                X, y, train_size=MAX_ROWS, stratify=y, random_state=0
            )
        yield path.stem, X[y == 0], X[y == 1]


def trial(model, method, normals, outliers, seed, seen):
    """One random part of the normals: false-discovery proportions, then powers."""
    from sklearn_gen.outlier import ConformalOutlierDetector, benjamini_hochberg

    rng = np.random.default_rng(seed)
    known, unknown = train_test_split(
        normals, train_size=seen, random_state=int(rng.integers(2**31))
    )
    detector = ConformalOutlierDetector(model, method=method, random_state=seed)
    p_values = detector.fit(known).p_values(np.vstack([unknown, outliers]))
    is_outlier = np.arange(len(p_values)) >= len(unknown)
    result = []
    for alpha in LEVELS:
        selected = benjamini_hochberg(p_values, alpha)
        false = np.count_nonzero(selected & ~is_outlier)
        result.append((false / max(selected.sum(), 1), selected[is_outlier].mean()))
    return np.transpose(result)


def table_of(report, make, method, seeds, seen):
    """One line per table, and their mean."""
    means = []
    for name, normals, outliers in tables():
        start = time.perf_counter()
        trials = np.array(
            [
                trial(make(), method, normals, outliers, seed, seen)
                for seed in range(seeds)
            ]
        )
        seconds = (time.perf_counter() - start) / seeds
        means.append(trials)
        _line(report, name, trials, f"{1e3 * seconds:.0f} ms each")
    # One seed's mean over the tables is one independent number.
    trials = np.mean(means, axis=0)
    _line(report, f"mean of {len(means)} tables", trials, "power asked for: 25 %")


def _line(report, name, trials, note):
    proportions, powers = 100 * trials.mean(axis=0)
    errors = 100 * trials[:, 0].std(axis=0, ddof=1) / np.sqrt(len(trials))
    note = [
        f"{level:.0%}: FDP {mean:.1f} ± {error:.1f}, power {power:.0f}"
        + (", EXCEEDED" if mean > 100 * level + 2 * error else "")
        for level, mean, error, power in zip(
            LEVELS, proportions, errors, powers, strict=True
        )
    ] + [note]
    report.add(name, powers[1], None, None, 1, "; ".join(note), unit="%")


def run(report):
    """All sections; `ours` is the power at alpha = 0.1."""
    sections = [
        (f"Split, {SEEDS} seeds, fit on 80 % of the normals", "split", SEEDS, SEEN),
        (f"Split, {FEW_SEEDS} seeds, fit on half of them", "split", FEW_SEEDS, 0.5),
        (f"Cross, {FEW_SEEDS} seeds, fit on 80 %", "cross", FEW_SEEDS, SEEN),
    ]
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for title, method, seeds, seen in sections:
            if report.section(title):
                table_of(report, ChosenMixture, method, seeds, seen)
