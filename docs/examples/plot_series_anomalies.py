"""
Anomalies in a series
=====================

A value that is usual at other times may be odd now. ``score_samples`` of a hidden
Markov model is the density of each row given those before it, so that what is odd
*here* gets a low score, and a detector needs no more than that.

The series is made by the script: a pump that idles, runs and is flushed in turn.
"""

# %%
# A pump
# ------
# Three regimes follow one another, two quantities are measured each minute. On the
# second day three things go wrong: the sensors get stuck for a while, a valve leaks,
# and the pump runs backwards through its programme.
import matplotlib.pyplot as plt
import numpy as np

from sklearn_gen.display import StatesDisplay
from sklearn_gen.hmm import GaussianHMM
from sklearn_gen.mixture import GaussianMixture

rng = np.random.default_rng(0)
LEVELS = np.array([[1.0, 20.0], [6.0, 55.0], [9.0, 35.0]])  # idle, run, flush
NOISE = np.array([0.3, 2.0])


def day(order=(0, 1, 2), cycles=24):
    minutes = rng.integers([20, 25, 8], [28, 35, 12], size=(cycles, 3))
    states = np.repeat(np.tile(order, cycles), minutes[:, list(order)].ravel())
    return LEVELS[states] + NOISE * rng.normal(size=(len(states), 2))


usual, second = day(), day()
odd = np.zeros(len(second), dtype=bool)
second[300:340] = second[310] + 0.05 * NOISE * rng.normal(size=(40, 2))
second[700:720] = [6.0, 24.0] + NOISE * rng.normal(size=(20, 2))
backwards = day(order=(2, 1, 0), cycles=3)
second[1000 : 1000 + len(backwards)] = backwards
odd[300:340] = odd[700:720] = odd[1000 : 1000 + len(backwards)] = True

# %%
# Learned from a usual day
# ------------------------
# A cyclic topology says that regimes follow one another in turn; how long they last and
# what they look like is learned.
model = GaussianHMM(3, topology="cyclic", covariance_type="full", random_state=0)
model.fit(usual)
display = StatesDisplay.from_estimator(model, usual[:400])
for panel, name in zip(display.axes_, ["flow (l/s)", "pressure (kPa)"], strict=True):
    panel.set_ylabel(name)
display.figure_.savefig("plot_series_anomalies_usual.png", dpi=110)

# %%
# Scored minute by minute
# -----------------------
# A mixture of the same three Gaussians sees the leak, which is unlike any regime. That
# the order is wrong it can't see. The Markov model scores each row given those before:
# steps that the cycle doesn't have stand out. A stuck sensor is usual row by row for
# both; for that, differences of rows would have to be columns.
mixture = GaussianMixture(3, random_state=0).fit(usual)
figure, axes = plt.subplots(2, 1, figsize=(9, 4.5), sharex=True, layout="constrained")
for ax, (name, scored) in zip(
    axes, [("mixture", mixture), ("hidden Markov model", model)], strict=True
):
    surprise = -scored.score_samples(second)
    limit = np.quantile(-scored.score_samples(usual), 0.999)
    ax.fill_between(
        np.arange(len(odd)),
        *(0, 1),
        where=odd,
        transform=ax.get_xaxis_transform(),
        color="#D55E00",
        alpha=0.25,
        linewidth=0,
        label="the pump fails",
    )
    ax.plot(np.minimum(surprise, 60), color="0.2", linewidth=0.7)
    ax.axhline(limit, color="#0072B2", linestyle=":", label="1 in 1000 usual minutes")
    ax.set(title=name, ylabel="surprise (nats)")
    found = (surprise > limit) & odd
    print(
        f"{name}: leak {found[700:720].mean():.0%} of its minutes, backwards "
        f"{found[1000 : 1000 + len(backwards)].sum()} alarms, false alarms "
        f"{((surprise > limit) & ~odd).sum()} of {(~odd).sum()}"
    )
axes[0].legend(fontsize="small", loc="upper left")
axes[1].set_xlabel("minute of the second day")
figure.savefig("plot_series_anomalies.png", dpi=110)

# %%
# What was it doing?
# ------------------
# Which regimes the pump was in says :class:`~sklearn_gen.display.StatesDisplay`, gaps
# in the record included: rows of NaN are minutes that nobody saw, and the states go on
# through them.
gap = second[640:900].copy()
gap[40:60] = np.nan
display = StatesDisplay.from_estimator(model, gap, times=np.arange(640, 900))
display.figure_.savefig("plot_series_anomalies_states.png", dpi=110)
