"""Seconds and peak memory of the metrics of synthetic tables.

Distances: 100,000 real, synthetic and held-out rows of 20 columns, two threads, each in
a process of its own; the goal is 60 s and 1 GB. Where other work runs on the machine,
CPU seconds over threads say what a free one would take. The peer is scikit-learn's
brute-force search.
"""

import time

import numpy as np

from benchmarks.runner import child, peak_beyond

N_ROWS, N_COLUMNS, N_JOBS = 100_000, 20, 2


def tables(kind, n_rows, n_tables=3):
    """Tables of 20 columns: 'numbers', or 'mixed', half of them categories."""
    rng = np.random.default_rng(0)
    result = []
    for _ in range(n_tables):
        table = rng.normal(size=(n_rows, N_COLUMNS))
        table[:, ::2] += rng.normal(size=(n_rows, 1))
        if kind == "mixed":
            table[:, 10:] = np.floor(np.abs(4 * table[:, 10:]))
            table[rng.random(table.shape) < 0.02] = np.nan
        result.append(table)
    return result


def measure(metric, kind, n_rows):
    """Wall and CPU seconds and peak bytes of one metric; run in a child process."""
    import sklearn_gen.metrics as m

    real, synthetic, holdout = tables(kind, int(n_rows))
    some = [t[:600] for t in (real, synthetic, holdout)]
    features = list(range(10, 20)) if kind == "mixed" else []
    options = {"categorical_features": features}
    threads = {**options, "n_jobs": N_JOBS}
    calls = {
        "precision, recall, density, coverage": lambda x, y, z: (
            m.precision_recall_density_coverage(x, y, **threads)
        ),
        "closest record share": lambda x, y, z: m.closest_record_share(
            x, y, z, **threads
        ),
        "closest record distances": lambda x, y, z: m.closest_record_distances(
            x, y, **threads
        ),
        "scikit-learn, k = 1": lambda x, y, z: _scikit_learn(x, y, 1),
        "neighbor distance ratios": lambda x, y, z: m.neighbor_distance_ratios(
            x, y, **threads
        ),
        "scikit-learn, k = 2": lambda x, y, z: _scikit_learn(x, y, 2),
        "membership AUC by distance": lambda x, y, z: m.membership_auc(
            -m.closest_record_distances(y, x, **threads),
            -m.closest_record_distances(y, z, **threads),
        ),
        "exact copy share": lambda x, y, z: m.exact_copy_share(x, y, **options),
        "marginal similarity": lambda x, y, z: m.marginal_similarity(x, y, **options),
        "pair similarity": lambda x, y, z: m.pair_similarity(x, y, **options),
        "classifier two-sample test": lambda x, y, z: m.classifier_two_sample_test(
            x, y, **options
        ),
        "train synthetic, test real": lambda x, y, z: m.train_synthetic_test_real(
            x, y, z, 0, **options
        ),
        "report": lambda x, y, z: m.generative_report(
            x, y, z, target=0, n_jobs=N_JOBS, **options
        ),
    }
    calls[metric](*some)  # compiles
    seconds = {}

    def timed():
        wall, cpu = time.perf_counter(), time.process_time()
        calls[metric](real, synthetic, holdout)
        seconds["wall"] = time.perf_counter() - wall
        seconds["cpu"] = time.process_time() - cpu

    peak = peak_beyond(timed)
    return seconds["wall"], seconds["cpu"], peak


def _scikit_learn(real, synthetic, k):
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(real)
    search.kneighbors(synthetic)


PEERS = {
    "closest record distances": "scikit-learn, k = 1",
    "neighbor distance ratios": "scikit-learn, k = 2",
}


def _lines(report, metrics, kind, n_rows):
    for metric in metrics:
        wall, cpu, peak = child(
            "benchmarks.metrics:measure",
            metric,
            kind,
            n_rows,
            OMP_NUM_THREADS=str(N_JOBS),
        )
        note = f"{cpu:.1f} CPU s, {peak / 1e9:.2f} GB"
        peer = None
        if kind == "numbers" and metric in PEERS:
            peer, peer_cpu, peer_peak = child(
                "benchmarks.metrics:measure",
                PEERS[metric],
                kind,
                n_rows,
                OMP_NUM_THREADS=str(N_JOBS),
            )
            note += f"; peer {peer_cpu:.1f} CPU s, {peer_peak / 1e9:.2f} GB"
        ratio = None if peer is None else peer / wall
        report.add(f"{metric}, {kind}", wall, peer, ratio, N_JOBS, note, unit="s")


def run(report):
    """All sections."""
    distances = [
        "precision, recall, density, coverage",
        "closest record share",
        "closest record distances",
        "neighbor distance ratios",
        "membership AUC by distance",
        "exact copy share",
    ]
    others = [
        "marginal similarity",
        "pair similarity",
        "classifier two-sample test",
        "train synthetic, test real",
        "report",
    ]
    for kind in ("numbers", "mixed"):
        if report.section(f"Distances, {N_ROWS:,} x {N_ROWS:,} rows, {kind}"):
            _lines(report, distances, kind, N_ROWS)
        if report.section(f"Other metrics, {N_ROWS:,} rows, {kind}"):
            _lines(report, others, kind, N_ROWS)
