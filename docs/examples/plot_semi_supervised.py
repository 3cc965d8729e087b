"""
Semi-supervised classification: rows without labels count too
=============================================================

Rows are cheap and labels are not. A classifier made of densities can learn the shape of
its classes from rows whose class nobody wrote down: EM gives each of them to every
class by its posterior, refits, and starts over.
"""

# %%
# Ten labels
# ----------
# Two crescents, five labels each, and some hundred rows without.
import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_wine, make_moons
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_gen.classifier import GenerativeClassifier
from sklearn_gen.mixture import GaussianMixture

QUICK = os.environ.get("SKLEARN_GEN_DOCS_QUICK") == "1"  # smaller, for the docs' tests
warnings.simplefilter("ignore")  # few rows leave variances undetermined

X, y = make_moons(600, noise=0.12, random_state=1)
rng = np.random.default_rng(0)
known = np.concatenate([rng.choice(np.flatnonzero(y == c), 5, False) for c in (0, 1)])
partly = np.full(len(y), -1)
partly[known] = y[known]

density = GaussianMixture(3, reg_covar=0.02, random_state=0)
models = {
    "ten labels": GenerativeClassifier(density).fit(X[known], y[known]),
    "and 590 rows without": GenerativeClassifier(density, unlabeled=-1).fit(X, partly),
}
across, up = np.meshgrid(np.linspace(-1.6, 2.6, 120), np.linspace(-1.1, 1.6, 80))
grid = np.c_[across.ravel(), up.ravel()]
figure, axes = plt.subplots(
    ncols=2, figsize=(10, 3.6), sharex=True, sharey=True, layout="constrained"
)
for axis, (name, model) in zip(axes, models.items(), strict=True):
    chance = model.predict_proba(grid)[:, 1].reshape(across.shape)
    axis.contourf(across, up, chance, levels=20, cmap="RdBu_r", alpha=0.6)
    if "without" in name:
        axis.scatter(*X.T, s=2, c="black", alpha=0.5)
    for label, color in ((0, "tab:blue"), (1, "tab:red")):
        rows = known[y[known] == label]
        axis.scatter(*X[rows].T, s=50, c=color, edgecolors="black")
    axis.set_title(f"{name}: {model.score(X, y):.0%} right")
plt.show()

# %%
# ``unlabeled=-1`` says which label marks rows without one; -1 is also a usual label of
# two-class problems, so it has to be said. The bound is the likelihood of labelled rows
# with their labels and of the others without.
bounds = models["and 590 rows without"].lower_bounds_
print(
    f"{len(bounds)} iterations, from {bounds[0]:.2f} to {bounds[-1]:.2f} nats per row"
)

# %%
# How many labels it takes
# ------------------------
# Wines of three growers, 13 columns. With few labels a covariance per class is
# hopeless, and independent columns do; with rows that have no label they do better.
X, y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
density = GaussianMixture(covariance_type="diag", reg_covar=0.05)
results = []
for seed in range(2 if QUICK else 6):
    train, test = train_test_split(np.arange(len(y)), random_state=seed, stratify=y)
    rng = np.random.default_rng(seed)
    order = rng.permutation(train)
    for n_labels in (1, 2, 3, 5, 10):
        known = np.concatenate([order[y[order] == c][:n_labels] for c in range(3)])
        partly = np.full(len(y), -1)
        partly[known] = y[known]
        alone = GenerativeClassifier(density).fit(X[known], y[known])
        both = GenerativeClassifier(density, unlabeled=-1).fit(X[train], partly[train])
        results.append({
            "labels per class": n_labels,
            "labelled rows alone": alone.score(X[test], y[test]),
            "with the others": both.score(X[test], y[test]),
        })  # fmt: skip
table = pd.DataFrame(results).groupby("labels per class").mean()
print(table.round(3))
axis = table.plot(marker="o", figsize=(6.5, 3.5), logx=True)
axis.set(ylabel="share of test rows right", xticks=table.index)
axis.set_xticklabels(table.index)
axis.figure.set_layout_engine("constrained")
plt.show()

# %%
# It helps where classes are what the densities take them for. Where they aren't,
# unlabelled rows may pull the densities away from the classes: then less
# ``unlabeled_weight``, or a richer density, is worth a try.
