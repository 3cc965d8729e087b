"""
Outliers, and the columns to blame
==================================

A density knows what is usual, so it also knows what is not. This example takes a table
of measurements of breast tumours: all benign ones, and a few malignant ones mixed in.
Nobody tells the model which is which. We choose a density by how well it predicts rows
it has not seen, use it as an outlier detector, ask it which columns are to blame, and
draw new rows from it.
"""

# %%
# The table
# ---------
# The largest values of eight measurements in each of 357 benign and 15 malignant
# tumours. (Radius and smoothness are left out: they are rounded so much that a fifth of
# their values repeat, and a density of repeated values means little.)
import os
import time

start = time.perf_counter()

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.preprocessing import PowerTransformer, RobustScaler, StandardScaler

from sklearn_gen.compose import GenerativePipeline
from sklearn_gen.display import ExplanationDisplay
from sklearn_gen.mixture import GaussianMixture
from sklearn_gen.outlier import DensityOutlierDetector

QUICK = os.environ.get("SKLEARN_GEN_DOCS_QUICK") == "1"  # smaller, for the docs' tests
pd.set_option("display.width", 100, "display.max_columns", 12)

measurements, target = load_breast_cancer(return_X_y=True, as_frame=True)
measurements = measurements.filter(like="worst ").rename(columns=lambda name: name[6:])
measurements = measurements.drop(columns=["radius", "smoothness"])
benign, malignant = measurements[target == 1], measurements[target == 0]


def contaminated_table(seed, n_outliers=15):
    """All benign rows and a few malignant ones; True marks the latter."""
    table = pd.concat([benign, malignant.sample(n_outliers, random_state=seed)])
    is_outlier = np.arange(len(table)) >= len(benign)
    return table.reset_index(drop=True), is_outlier


X, is_outlier = contaminated_table(seed=0)
print(f"{len(X)} rows, {is_outlier.sum()} of them malignant, {X.shape[1]} columns")

# %%
# Choosing a density
# ------------------
# Which scaler, which shape of components, how many? The likelihood of held-out rows
# decides. The scaler can be part of the question because a
# :class:`~sklearn_gen.compose.GenerativePipeline` gives the density of the rows as they
# are in the table, in the units of the table, whatever happens to them inside.
pipeline = GenerativePipeline(
    [
        ("scaler", StandardScaler()),
        ("model", GaussianMixture(reg_covar=1e-3, random_state=0)),
    ]
)
grid = {
    "scaler": [StandardScaler(), RobustScaler(), PowerTransformer()],
    "model__covariance_type": ["full", "tied", "diag", "spherical"],
    "model__n_components": [1, 2] if QUICK else [1, 2, 3],
}
folds = KFold(n_splits=3, shuffle=True, random_state=0)
search = GridSearchCV(pipeline, grid, cv=folds, error_score="raise").fit(X)

table = pd.DataFrame(search.cv_results_).sort_values("rank_test_score")
table = table.rename(
    columns={
        "param_scaler": "scaler",
        "param_model__covariance_type": "covariance",
        "param_model__n_components": "components",
        "mean_test_score": "log-likelihood",
        "std_test_score": "+-",
    }
)[["scaler", "covariance", "components", "log-likelihood", "+-"]]
table["scaler"] = [type(scaler).__name__ for scaler in table["scaler"]]
print(f"\nHeld-out log-likelihood, nats per row ({len(table)} candidates, best first)")
print(table.head(8).round(2).to_string(index=False))
print("...")
print(table.tail(2).round(2).to_string(index=False, header=False))

# %%
# Finding the malignant rows
# --------------------------
# The detector ranks rows by their density. It never saw the labels; they only measure
# how far up the ranking the malignant rows come (1 is perfect, 0.5 is chance). A few
# rows are a matter of luck, so the comparison is repeated over ten choices of them. For
# those who don't want to choose, the detector has a density of its own, which outliers
# among the rows don't bend.
detector = DensityOutlierDetector(search.best_estimator_)
areas = []
for seed in range(3 if QUICK else 10):
    rows, labels = contaminated_table(seed)
    own = DensityOutlierDetector(random_state=seed).fit(rows)
    forest = IsolationForest(random_state=seed).fit(rows)
    areas.append(
        {
            "the density chosen": roc_auc_score(
                labels, -detector.fit(rows).score_samples(rows)
            ),
            "the detector's own": roc_auc_score(labels, -own.score_samples(rows)),
            "IsolationForest": roc_auc_score(labels, -forest.score_samples(rows)),
        }
    )
areas = pd.DataFrame(areas).agg(["mean", "std"]).T
print(f"\nROC-AUC over {seed + 1} choices of the malignant rows")
print(areas.round(3).to_string())

# %%
# Which columns are to blame
# --------------------------
# ``explain`` gives each cell's log density given the rest of its row, here relative to
# what is usual in its column: the lower, the more that cell is at odds with its row.
# Below are the five least likely rows with the three lowest cells of each.
detector.fit(X)
scores = detector.score_samples(X)
blame = detector.explain(X, reference=X)
most_anomalous = np.argsort(scores)[:5]
print("\nThe five most anomalous rows (log density in nats)")
for row in most_anomalous:
    kind = "malignant" if is_outlier[row] else "benign"
    worst = blame.loc[row].nsmallest(3)
    cells = ", ".join(f"{name} {X.at[row, name]:.4g}" for name in worst.index)
    print(f"  row {row:3d} ({kind:9}) {scores[row]:7.1f}   {cells}")

# %%
# New rows
# --------
# The same density draws rows that were never measured, in the container it was fitted
# on: a DataFrame with the same columns.
synthetic = search.best_estimator_.sample(5, random_state=0)
print("\nFive synthetic rows")
print(synthetic.round(3).to_string(index=False))

# %%
# In one picture
# --------------
figure, (left, right) = plt.subplots(
    ncols=2, figsize=(11, 4.2), layout="constrained", width_ratios=[1, 1.25]
)
bins = np.linspace(scores.min(), scores.max(), 40)
left.hist(scores[~is_outlier], bins, color="tab:blue", alpha=0.7, label="benign")
left.hist(scores[is_outlier], bins, color="tab:red", alpha=0.9, label="malignant")
left.axvline(detector.offset_, color="black", linestyle="--", label="offset_")
left.set(xlabel="log density (nats)", ylabel="rows", title="Scores of the detector")
left.legend()

ExplanationDisplay.from_estimator(
    detector, X.loc[most_anomalous], reference=X, ax=right
)
right.set_title("Columns to blame in the five most anomalous rows")
figure.savefig("plot_outliers.png", dpi=120)
print("\nFigure saved as plot_outliers.png in the current folder")
print(f"Done in {time.perf_counter() - start:.1f} s, imports and compilation included")
plt.show()
