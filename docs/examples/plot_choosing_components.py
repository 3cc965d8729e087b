"""
Splitting and merging components
================================

``n_components="auto"`` finds the number of clusters that are long, thin and crossing,
where a loop over sizes that starts from k-means finds too many.
"""

# %%
# Eight clusters, none of them round, and which of them a row came from unknown.
import os

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Ellipse
from sklearn.mixture import GaussianMixture as SklearnMixture

from sklearn_gen.mixture import GaussianMixture

QUICK = os.environ.get("SKLEARN_GEN_DOCS_QUICK") == "1"  # smaller, for the docs' tests
rng = np.random.default_rng(1)
clusters = []
for _ in range(8):
    axes, _ = np.linalg.qr(rng.normal(size=(2, 2)))
    center = rng.uniform(-6, 6, size=2)
    clusters.append(center + rng.normal(size=(187, 2)) * [3.0, 0.25] @ axes.T)
X = np.vstack(clusters)

# %%
# One fit, and beside it what is usual: scikit-learn's mixture for each size, compared
# by BIC. The loop starts each size afresh; the search goes on from what it has.
auto = GaussianMixture("auto", random_state=0).fit(X)
sizes = range(4, 13)
models = [SklearnMixture(K, max_iter=500, random_state=0).fit(X) for K in sizes]
grid_bic = [model.bic(X) for model in models]
grid = models[int(np.argmin(grid_bic))]
print(f"search: {auto.n_components_} components, BIC {auto.bic(X):.0f}")
print(f"loop: {grid.n_components} components, BIC {min(grid_bic):.0f}")


# %%
# Ellipses hold 86 % of their component. The loop's describe the same rows by more and
# shorter pieces, since k-means starts with round ones.
def draw(ax, model, title):
    labels = model.predict(X)
    ax.scatter(*X.T, c=labels, cmap="tab20", s=3, alpha=0.6)
    for mean, covariance in zip(model.means_, model.covariances_, strict=True):
        values, axes = np.linalg.eigh(covariance)
        angle = np.degrees(np.arctan2(axes[1, 1], axes[0, 1]))
        width, height = 4.0 * np.sqrt(values[::-1])
        ax.add_patch(Ellipse(mean, width, height, angle=angle, fill=False, lw=1.5))
    ax.set(title=title, aspect="equal", xticks=[], yticks=[])


figure, (left, middle, right) = plt.subplots(
    1, 3, figsize=(12, 4), layout="constrained"
)
draw(left, auto, f"splits and merges: {auto.n_components_}")
draw(middle, grid, f"loop from k-means: {grid.n_components}")
results = auto.search_results_
kept = results["n_components"] >= min(sizes)
right.plot(sizes, grid_bic, "o-", color="tab:gray", label="loop from k-means")
right.plot(
    results["n_components"][kept],
    results["bic"][kept],
    ".--",
    color="tab:blue",
    label="search, in its order",
)
right.plot(auto.n_components_, auto.bic(X), "*", ms=14, color="tab:red", label="found")
right.set(xlabel="number of components", ylabel="BIC (lower is better)")
right.legend()
plt.show()
