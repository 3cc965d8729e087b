"""
Failures of a machine
=====================

The temperature of a machine in a factory, measured every five minutes for eleven weeks:
four times something went wrong, and the last time it failed. An autoregressive hidden
Markov model learns how the temperature moves in usual days, and how surprising each
measurement is given those before it.

The series is "machine temperature" of the Numenta Anomaly Benchmark (Lavin & Ahmad
2015, doi:10.1109/ICMLA.2015.141), with windows of time around the known anomalies. Its
``nab.npz`` is no part of the package; this script looks for it in the folder ``series``
of the one that the environment variable ``SKLEARN_GEN_DATA`` names. Where the
documentation is built without it, this page has no output.
"""

# %%
# Two weeks to learn from
# -----------------------
# The benchmark gives the first 15 % of a series to learn what is usual.
import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sklearn_gen.display import StatesDisplay
from sklearn_gen.hmm import AutoregressiveHMM
from sklearn_gen.mixture import GaussianMixture

FILE = "series/nab.npz"
FOLDERS = [os.environ.get("SKLEARN_GEN_DATA"), "../shared/data", "../../../shared/data"]
paths = [Path(folder, FILE) for folder in filter(None, FOLDERS)]
path = next((path for path in paths if path.exists()), None)
if path is None:
    sys.exit(f"{FILE} wasn't found: set SKLEARN_GEN_DATA to the folder above it.")

data = np.load(path)
name = "realKnownCause__machine_temperature_system_failure"
X, odd = data[f"{name}__x"][:, None], data[f"{name}__y"].astype(bool)
times = data[f"{name}__t"].astype("datetime64[s]")
usual = len(X) * 15 // 100
model = AutoregressiveHMM(3, order=2, sticky=1.0, random_state=0).fit(X[:usual])
mixture = GaussianMixture(3, random_state=0).fit(X[:usual])
display = StatesDisplay.from_estimator(model, X[:usual], times=times[:usual])
display.axes_[0].set_ylabel("temperature")
display.figure_.savefig("plot_machine_failures_states.png", dpi=110)

# %%
# What came later
# ---------------
# The mixture knows only which temperatures are usual: it gives an alarm as long as the
# machine is as cold as never before. The Markov model sees how the temperature moves,
# and gives one when it falls or jumps as it shouldn't. Both see the two failures. The
# other windows the model finds by a hair, which proves little: with one alarm in a
# thousand measurements, chance finds a window of 567 nearly every second time.
figure, axes = plt.subplots(3, 1, figsize=(9, 6), sharex=True, layout="constrained")
axes[0].plot(times, X[:, 0], color="0.2", linewidth=0.5)
axes[0].set(ylabel="temperature")
for ax, (label, scored) in zip(
    axes[1:], [("mixture", mixture), ("Markov model", model)], strict=True
):
    surprise = -scored.score_samples(X)
    limit = np.quantile(surprise[~odd], 0.999)
    ax.plot(times, np.clip(surprise, None, 4 * limit), color="0.2", linewidth=0.5)
    ax.axhline(limit, color="#0072B2", linestyle=":")
    ax.set(ylabel=f"{label}\nsurprise (nats)")
    ends = np.flatnonzero(np.diff(np.r_[0, odd.astype(int), 0])).reshape(-1, 2)
    found = [bool((surprise[a:b] > limit).any()) for a, b in ends]
    print(
        f"{label:13} {sum(found)} of {len(found)} windows found, with alarms in 1 of "
        "1000 measurements outside them"
    )
for ax in axes:
    for a, b in ends:
        ax.axvspan(times[a], times[b - 1], color="#D55E00", alpha=0.25, linewidth=0)
    ax.axvspan(times[0], times[usual], color="0.9", zorder=0)
figure.savefig("plot_machine_failures.png", dpi=110)
