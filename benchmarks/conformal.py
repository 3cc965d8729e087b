"""False-discovery rate and power of ConformalOutlierDetector on ADBench's tables.

Novelty: a random part of the normal rows is given to fit, which splits it again; tested
on the other normal rows and all outliers. Labels choose nothing but that. One thing is
no default: `calibration_size`, by which large tables calibrate with more than half.
"""

import time
import warnings

import numpy as np
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from benchmarks.adbench import load, table_names

LEVELS = (0.05, 0.1, 0.2)
# More rows than these make a density little better; they calibrate instead.
MAX_FITTED = 2000


def trial(method, normals, outliers, seed, seen):
    """One random part of the normals: false-discovery proportions, then powers."""
    from sklearn_gen.outlier import ConformalOutlierDetector, benjamini_hochberg

    rng = np.random.default_rng(seed)
    known, unknown = train_test_split(
        normals, train_size=seen, random_state=int(rng.integers(2**31))
    )
    detector = ConformalOutlierDetector(
        method=method,
        calibration_size=max(len(known) // 2, len(known) - MAX_FITTED),
        random_state=seed,
    )
    p_values = detector.fit(known).p_values(np.vstack([unknown, outliers]))
    is_outlier = np.arange(len(p_values)) >= len(unknown)
    result = []
    for alpha in LEVELS:
        selected = benjamini_hochberg(p_values, alpha)
        false = np.count_nonzero(selected & ~is_outlier)
        result.append((false / max(selected.sum(), 1), selected[is_outlier].mean()))
    return np.transpose(result)


def table_of(report, method, seeds, seen):
    """One line per table, and their mean."""
    means = []
    for name in table_names():
        X, y = load(name, seed=0)
        normals, outliers = X[y == 0], X[y == 1]
        start = time.perf_counter()
        trials = np.array(
            [trial(method, normals, outliers, seed, seen) for seed in range(seeds)]
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
    known = len(trials) >= 20  # of fewer seeds the standard error is a guess
    note = [
        f"{level:.0%}: FDP {mean:.1f} ± {error:.1f}, power {power:.0f}"
        + (", EXCEEDED" if known and mean > 100 * level + 2 * error else "")
        for level, mean, error, power in zip(
            LEVELS, proportions, errors, powers, strict=True
        )
    ] + [note]
    report.add(name, powers[1], None, None, 1, "; ".join(note), unit="%")


def run(report):
    """All sections; `ours` is the power at alpha = 0.1."""
    sections = [
        ("Split, 100 seeds, given 80 % of the normals", "split", 100, 0.8),
        ("Split, 6 seeds, given half of the normals", "split", 6, 0.5),
        ("Cross, 4 seeds, given 80 % of the normals", "cross", 4, 0.8),
    ]
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for title, method, seeds, seen in sections:
            if report.section(title):
                table_of(report, method, seeds, seen)
