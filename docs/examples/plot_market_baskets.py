"""
Market baskets: what is bought together
=======================================

A basket is a row of zeros and ones, one column per item. A Chow-Liu tree keeps the
pairs of items that tell most about one another, and can be drawn; a mixture of trees
has a tree for each sort of customer. Both answer questions about any items, given any
others: what will go into this basket next?

The data are no part of the package: ``groceries_baskets.txt.gz`` holds 9835 baskets of
169 items, one per line, with commas between items (a month of a grocery store, known as
``Groceries`` of the R package arules: Hahsler, Hornik and Reutterer 2006). This script
looks for it in the folder ``tabular`` of the one that the environment variable
``SKLEARN_GEN_DATA`` names. Where the documentation is built without it, this page has
no output.
"""

# %%
# Baskets as rows
# ---------------
# Items in fewer than one in two hundred baskets are left out: little can be learned
# about them. A quarter of the baskets is kept for judging.
import gzip
import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from sklearn_gen.mixture import ChowLiuTree, MixtureOfTrees

QUICK = os.environ.get("SKLEARN_GEN_DOCS_QUICK") == "1"  # smaller, for the docs' tests
FOLDERS = [os.environ.get("SKLEARN_GEN_DATA"), "../shared/data", "../../../shared/data"]
NAME = "groceries_baskets.txt.gz"


def read_baskets():
    """One set of items per basket."""
    for folder in filter(None, FOLDERS):
        path = Path(folder, "tabular", NAME)
        if path.exists():
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                return [{item.strip() for item in line.split(",")} for line in lines]
    sys.exit(
        f"{NAME} is missing: set SKLEARN_GEN_DATA to the folder that holds tabular/"
        f"{NAME}, the baskets of Groceries (R package arules), one per line."
    )


baskets = read_baskets()
counts = pd.Series([item for basket in baskets for item in basket]).value_counts()
items = list(counts.index[counts >= len(baskets) / 200])
X = pd.DataFrame(
    [[float(item in basket) for item in items] for basket in baskets], columns=items
)
train, test = train_test_split(X, test_size=0.25, random_state=0)
print(f"{len(X)} baskets, {len(items)} items, {X.sum(axis=1).mean():.1f} in each")

# %%
# How well baskets are predicted
# ------------------------------
# Scores are log probabilities of whole baskets, in nats, so all models compare. The
# penalty of an edge is that of BIC, which leaves a forest. Of the mixture several fits
# are pooled: that helps with baskets it has not seen.
by_bic = np.log(len(train)) / 2
models = {
    "items independent": ChowLiuTree(edge_penalty=1e9),
    "tree": ChowLiuTree(edge_penalty=by_bic),
    "mixture of trees": MixtureOfTrees(8, random_state=0),
    "mixtures, pooled": MixtureOfTrees(
        8, n_init=2 if QUICK else 5, pool=True, random_state=0
    ),
}
scores = {name: model.fit(train).score(test) for name, model in models.items()}
print(pd.Series(scores, name="nats per new basket").round(2).to_string())

# %%
# The tree
# --------
# Of the forty items that are bought most, fitted by itself so that it can be drawn.
# Width is mutual information; a line is blue where the two items are bought together
# more often than by chance, as nearly all are, and red where less often.
top = items[:20] if QUICK else items[:40]
tree = ChowLiuTree(edge_penalty=by_bic).fit(train[top])
parents = tree.parents_[0]
depth, height = np.zeros(len(top)), np.zeros(len(top))
n_placed = 0


def place(j):
    """Put an item right of its parent, level with the middle of its own children."""
    global n_placed
    depth[j] = depth[parents[j]] + 1 if parents[j] >= 0 else 0
    children = np.flatnonzero(parents == j)
    for child in children:
        place(child)
    if len(children):
        height[j] = height[children].mean()
    else:
        height[j] = n_placed
        n_placed += 1


for root in np.flatnonzero(parents < 0):
    place(root)
share = train[top].mean().to_numpy()
figure, axes = plt.subplots(figsize=(11, 8), layout="constrained")
for (parent, child), gain in zip(tree.edges_, tree.edge_information_, strict=True):
    both = train[[top[parent], top[child]]].all(axis=1).mean()
    axes.plot(
        depth[[parent, child]],
        height[[parent, child]],
        color="tab:blue" if both > share[parent] * share[child] else "tab:red",
        linewidth=0.5 + 6 * gain / tree.edge_information_[0],
        alpha=0.5,
        zorder=1,
    )
axes.scatter(depth, height, s=600 * share, color="0.3", zorder=2)
for j, item in enumerate(top):
    at = depth[j], height[j]
    axes.annotate(item, at, (6, 4), textcoords="offset points", fontsize=8)
axes.set(title="What tells most about what, of the items bought most")
axes.set_xlim(-0.1, depth.max() + 0.8)
axes.axis("off")

# %%
# What else is in this basket
# ---------------------------
# Some items are known to be in it; of all others nothing is known: NaN. The chance of
# an item is that of the basket with it, by that of the basket. Beer drinkers buy like
# everybody, but for water and soda; bakers need margarine.
model = models["mixtures, pooled"]


def chances(basket):
    """P(item | basket) of all items that are not in it."""
    others = [item for item in items if item not in basket]
    rows = pd.DataFrame(np.nan, index=["known", *others], columns=items)
    rows[basket] = 1.0
    for item in others:
        rows.loc[item, item] = 1.0
    log_p = pd.Series(model.score_samples(rows), index=rows.index)
    return np.exp(log_p[others] - log_p["known"]).sort_values(ascending=False)


for basket in (["root vegetables", "onions"], ["bottled beer"], ["flour", "sugar"]):
    found = chances(basket)
    found = pd.DataFrame(
        {"P(item | basket)": found, "P(item)": train[found.index].mean()}
    )
    print(f"\n{' + '.join(basket)}\n{found[:5].round(3).to_string()}")

# %%
# What has been forgotten
# -----------------------
# One item is taken out of each new basket of three or more, and one item is put in: the
# one that makes the basket most probable, or the one that is bought most. Here all
# other items are known not to be there. What people buy is hard to foresee, and the
# model is ahead by little: the item is among its first ten in 35 % of 500 baskets and
# among the ten most popular ones in 33 %.
rng = np.random.default_rng(0)
popular = train.mean().to_numpy()
rows = test.to_numpy()
rows = rows[rows.sum(axis=1) >= 3][: 50 if QUICK else 500]
completed, asked = [], []
for i, row in enumerate(rows):
    forgotten = rng.choice(np.flatnonzero(row))
    row[forgotten] = 0.0
    others = np.flatnonzero(row == 0.0)
    completed.append(np.maximum(row, np.eye(len(items))[others]))
    more_popular = popular[others] > popular[forgotten]
    asked.append(
        pd.DataFrame(
            {"basket": i, "is it": others == forgotten, "popularity": more_popular}
        )
    )
asked = pd.concat(asked, ignore_index=True)
completed = pd.DataFrame(np.concatenate(completed), columns=items)
log_p = pd.Series(model.score_samples(completed))
threshold = asked["basket"].map(log_p[asked["is it"]].set_axis(range(len(rows))))
asked["mixture of trees"] = log_p > threshold
ranks = asked.groupby("basket")[["mixture of trees", "popularity"]].sum()
hits = pd.DataFrame({f"first {n}": (ranks < n).mean() for n in (1, 3, 5, 10)})
print(f"{len(ranks)} baskets\n{hits.round(3).to_string()}")

axes = hits.T.plot.bar(rot=0, figsize=(6, 4), color=["tab:blue", "0.7"])
axes.set(ylabel="share of baskets", title="The forgotten item is among the")
plt.show()
