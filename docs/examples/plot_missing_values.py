"""
Missing values: score them, draw them
=====================================

NaN means "not observed". A mixture is fitted to the cells that are there, scores a row
by the density of its observed cells, and fills a hole with a draw from what the hole
could have been, given the rest of the row.
"""

# %%
# Irises, with a third of all cells removed at random.
import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_iris
from sklearn.impute import SimpleImputer

from sklearn_gen.mixture import GaussianMixture

QUICK = os.environ.get("SKLEARN_GEN_DOCS_QUICK") == "1"  # smaller, for the docs' tests
rng = np.random.default_rng(0)
complete = load_iris().data
complete += rng.uniform(-0.05, 0.05, complete.shape)  # undo rounding to a decimal
with_holes = complete.copy()
with_holes[rng.random(complete.shape) < 1 / 3] = np.nan
print(
    f"{np.isnan(with_holes).mean():.0%} of the cells are missing; rows without a "
    f"hole: {(~np.isnan(with_holes).any(axis=1)).sum()} of {len(complete)}"
)

# %%
# Fitting to the holes themselves loses little. Filling them with the column's mean
# first, as is often done, tells the model that a third of all irises are average.
model = GaussianMixture(n_components=3, n_init=2 if QUICK else 10, random_state=0)
filled = SimpleImputer().fit_transform(with_holes)
fits = {
    "complete table": model.fit(complete).score(complete),
    "table with holes": model.fit(with_holes).score(complete),
}
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # "more than 20% of the values repeat": the means
    fits["holes filled with means"] = model.fit(filled).score(complete)
print("Mean log-likelihood of the complete rows, nats")
for name, score in fits.items():
    print(f"  fitted to the {name:24} {score:7.2f}")

# %%
# Drawing the holes keeps the spread and the correlations of the table; filling in means
# destroys both.
model.fit(with_holes)
drawn = model.sample_conditional(with_holes, random_state=0)
was_missing = np.isnan(with_holes[:, 2]) | np.isnan(with_holes[:, 3])
figure, axes = plt.subplots(
    ncols=3, figsize=(10, 3.4), sharex=True, sharey=True, layout="constrained"
)
tables = {"complete": complete, "drawn": drawn, "filled with means": filled}
for axis, (name, table) in zip(axes, tables.items(), strict=True):
    for mask, color, label in (
        (~was_missing, "tab:gray", "observed"),
        (was_missing, "tab:red", "had a hole"),
    ):
        axis.scatter(table[mask, 2], table[mask, 3], s=10, c=color, label=label)
    axis.set(title=name, xlabel="petal length (cm)")
axes[0].set_ylabel("petal width (cm)")
axes[0].legend()
plt.show()
