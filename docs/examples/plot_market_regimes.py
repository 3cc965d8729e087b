"""
Regimes of a market
===================

Share prices have calm years and wild months. Which month is of which kind nobody
notes down, but how prices move says it: a hidden Markov model finds the regimes, how
long they last, and what may come next.

``sp500_shiller_monthly.csv.gz``, the S&P 500 and its forerunners by month since 1871
(R. J. Shiller, "Irrational exuberance"), is no part of the package. This script looks
for it in the folder ``series`` of the one that the environment variable
``SKLEARN_GEN_DATA`` names. Where the documentation is built without it, this page has
no output.
"""

# %%
# Two regimes
# -----------
# A row is a month's change in percent. The model is told nothing but that there are two
# kinds of months. :class:`~sklearn_gen.display.StatesDisplay` draws the series in front
# of the colours of its states.
import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklearn_gen.display import StatesDisplay, TransitionDisplay
from sklearn_gen.hmm import GaussianHMM
from sklearn_gen.mixture import GaussianMixture

FILE = "series/sp500_shiller_monthly.csv.gz"
FOLDERS = [os.environ.get("SKLEARN_GEN_DATA"), "../shared/data", "../../../shared/data"]
paths = [Path(folder, FILE) for folder in filter(None, FOLDERS)]
path = next((path for path in paths if path.exists()), None)
if path is None:
    sys.exit(f"{FILE} wasn't found: set SKLEARN_GEN_DATA to the folder above it.")

prices = pd.read_csv(path, parse_dates=["Date"], index_col="Date")["SP500"]
prices = prices[prices > 0]
changes = (100 * np.log(prices).diff().dropna()).to_frame("change (%)")
model = GaussianHMM(2, n_init=3, random_state=0).fit(changes)
names = np.array(["", ""], dtype=object)
names[np.argsort(model.covars_[:, 0])] = ["calm", "wild"]
for k in (0, 1):
    months = 1 / (1 - model.transmat_[k, k])
    print(
        f"{names[k]}: {model.means_[k, 0]:+.1f} % a month, deviation "
        f"{np.sqrt(model.covars_[k, 0]):.1f} %, lasts {months:.0f} months on average"
    )

display = StatesDisplay.from_estimator(model, changes, state_names=names)
display.figure_.savefig("plot_market_regimes.png", dpi=110)

# %%
# How regimes follow one another
# ------------------------------
# Wild months come in bouts, and in them prices fall.
figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
TransitionDisplay.from_estimator(model, state_names=names, ax=axes[0])
TransitionDisplay.from_estimator(model, state_names=names, kind="graph", ax=axes[1])
figure.savefig("plot_market_regimes_transitions.png", dpi=110)

# %%
# Volatility of the coming months
# -------------------------------
# ``forecast`` gives the distribution of the next rows. After a wild month the range of
# what may come is wide, and narrows as the regime may have passed; after calm ones it
# widens a little.
steps = 12
figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), sharey=True, layout="constrained")
for ax, end in zip(axes, ["2008-11-01", "2017-11-01"], strict=True):
    past = changes[:end]
    ahead = model.forecast(past, steps=steps)
    months = np.arange(1, steps + 1)
    for low, high, alpha in [(0.025, 0.975, 0.2), (0.25, 0.75, 0.35)]:
        ax.fill_between(
            months,
            ahead.quantile(low)["change (%)"],
            ahead.quantile(high)["change (%)"],
            color="#D55E00",
            alpha=alpha,
            linewidth=0,
            label=f"{high - low:.0%} of what may come",
        )
    ax.plot(months, ahead.mean(), color="#D55E00", label="mean")
    came = changes[end:].iloc[1 : steps + 1]
    ax.plot(months[: len(came)], came, "o", color="0.2", label="what came")
    ax.plot(np.arange(-11, 1), past[-12:], "o-", color="0.6", markersize=3)
    ax.set(title=f"after {end[:7]}", xlabel="months from then")
axes[0].set_ylabel("change (%)")
axes[1].legend(fontsize="small", loc="lower left")
figure.savefig("plot_market_regimes_forecast.png", dpi=110)

# %%
# Is it worth it?
# ---------------
# Learned from the first half, each later month is scored before it is seen, by its
# density given the months until then. A mixture has the same two kinds of months, but
# doesn't know in which of them it is. Nothing here is a way to get rich: the *mean* of
# the next month is hardly known better. Its risk is.
half = len(changes) // 2
mixture = GaussianMixture(2, random_state=0).fit(changes[:half])
later = GaussianHMM(2, n_init=3, random_state=0).fit(changes[:half])
for name, scores in [
    ("mixture of two Gaussians", mixture.score_samples(changes)),
    ("hidden Markov model", later.score_samples(changes)),
]:
    print(f"{name:25} {scores[half:].mean():.3f} nats a month")
