"""
Films to recommend
==================

A table of ratings is mostly empty: each user saw a few of the films. A restricted
Boltzmann machine of categorical units learns from such rows if each has a machine of
its own, made of the units that are there, all with the same weights (Salakhutdinov,
Mnih & Hinton 2007): ``CategoricalRBM(missing="absent")``.

``ml100k.npz``, 100,000 ratings of 1682 films by 943 users (MovieLens, GroupLens
research, University of Minnesota), may not be given away with the package. This script
looks for it in the folder ``ratings`` of the one that the environment variable
``SKLEARN_GEN_DATA`` names. Where the documentation is built without it, this page has
no output.
"""

# %%
# Rows of users, rows of films
# ----------------------------
# The official split ``ua`` keeps ten ratings of each user for the test.
import os
import sys
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sklearn_gen.rbm import CategoricalRBM

QUICK = os.environ.get("SKLEARN_GEN_DOCS_QUICK") == "1"  # smaller, for the docs' tests
FILE = "ratings/ml100k.npz"
FOLDERS = [os.environ.get("SKLEARN_GEN_DATA"), "../shared/data", "../../../shared/data"]
paths = [Path(folder, FILE) for folder in filter(None, FOLDERS)]
path = next((path for path in paths if path.exists()), None)
if path is None:
    sys.exit(f"{FILE} wasn't found: set SKLEARN_GEN_DATA to the folder above it.")

data = np.load(path)
ratings = np.full((943, 1682), np.nan)
test = ratings.copy()
for table, part in ((ratings, "ua_base"), (test, "ua_test")):
    user, film, stars = data[part][:, :3].T
    table[user - 1, film - 1] = stars
print(f"{np.isnan(ratings).mean():.0%} of the cells are missing")

# %%
# What means and a singular value decomposition say
# -------------------------------------------------
# Each user is stricter or milder, each film better or worse; the decomposition is of
# what that leaves.
seen = ~np.isnan(ratings)
overall, by_user, by_film = np.nanmean(ratings), np.zeros((943, 1)), np.zeros(1682)
for _ in range(20):
    rest = np.where(seen, ratings - overall - by_user, 0.0)
    by_film = rest.sum(axis=0) / (seen.sum(axis=0) + 5.0)
    rest = np.where(seen, ratings - overall - by_film, 0.0)
    by_user = rest.sum(axis=1, keepdims=True) / (seen.sum(axis=1, keepdims=True) + 5.0)
biases = overall + by_user + by_film
U, s, Vt = np.linalg.svd(np.where(seen, ratings - biases, 0.0), full_matrices=False)
predicted = {
    "biases": biases,
    "SVD of rank 20": biases + (U[:, :20] * s[:20]) @ Vt[:20],
}


def errors(table):
    miss = (np.clip(table, 1, 5) - test)[~np.isnan(test)]
    return f"RMSE {np.sqrt(np.mean(miss**2)):.4f}  MAE {np.abs(miss).mean():.4f}"


# %%
# Machines
# --------
# Rows may be users, with a unit for each film, or films, with a unit for each user.
# Each knows what the other has to learn, so that their mean is better than both. Two
# films that nobody rated are given the mean of all.
def expected_stars(rows, learning_rate):
    machine = CategoricalRBM(
        n_components=10 if QUICK else 100,
        missing="absent",
        learning_rate=learning_rate,
        batch_size=100,
        momentum=0.5,
        l2=0.003,
        n_iter=2 if QUICK else 30,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the films that nobody rated
        means = machine.fit(rows).expected_values(rows)
    return np.where(np.isnan(means), overall, means)


predicted["machine of users"] = expected_stars(ratings, 0.5)
predicted["machine of films"] = expected_stars(ratings.T, 0.5).T
both = (predicted["machine of users"] + predicted["machine of films"]) / 2
predicted["both machines"] = both
for name, table in predicted.items():
    print(f"{name:18} {errors(table)}")

# %%
# For one user
# ------------
# What somebody liked, and what both machines say should be seen next, of films that at
# least 20 users rated.
who = 41
titles = data["titles"]
liked = np.argsort(-np.nan_to_num(ratings[who]), kind="stable")[:8]
known = seen.sum(axis=0) >= 20
order = np.argsort(-np.where(seen[who] | ~known, -np.inf, both[who]))[:8]
print(f"user {who + 1} rated {seen[who].sum()} films, and liked")
for film in liked:
    print(f"    {ratings[who, film]:.0f}    {titles[film]}")
print("and may like")
for film in order:
    print(f"    {both[who, film]:.1f}  {titles[film]}")

figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
ax.barh([str(titles[film])[:40] for film in order][::-1], both[who, order][::-1])
ax.axvline(np.nanmean(ratings[who]), color="black", linewidth=0.8)
ax.set(xlim=(1, 5), xlabel=f"expected stars (line: the mean of user {who + 1})")
figure.savefig("plot_rbm_movielens.png", dpi=110)
