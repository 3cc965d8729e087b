"""
Resampling: more rows of a rare class
=====================================

Where one class is rare, classifiers learn to ignore it. Resampling fills it up:
with copies, with SMOTE's points between neighbours, or with draws from a density of the
class. This example shows what they draw, and what a classifier makes of it; class
weights, which draw nothing, are beside them.
"""

# %%
# What is drawn
# -------------
# A rare class of two groups, thirty rows of it.
import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline as make_resampling_pipeline
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from sklearn_gen.resampler import GenerativeResampler

QUICK = os.environ.get("SKLEARN_GEN_DOCS_QUICK") == "1"  # smaller, for the docs' tests
warnings.simplefilter("ignore")  # of thirty rows some parameters aren't determined


def rows(n_usual, n_rare, seed):
    rng = np.random.default_rng(seed)
    usual = rng.normal(size=(n_usual, 2)) * [1.5, 1.0]
    group = rng.choice([-1.0, 1.0], size=n_rare)
    rare = np.c_[2.2 * group, 1.6 * group] + rng.normal(size=(n_rare, 2)) * [0.3, 0.7]
    return np.vstack([usual, rare]), np.repeat(["usual", "rare"], [n_usual, n_rare])


X, y = rows(1000, 30, seed=0)
resamplers = {
    "copies": RandomOverSampler(random_state=0),
    "SMOTE": SMOTE(random_state=0),
    "draws of a density": GenerativeResampler(random_state=0),
}
figure, axes = plt.subplots(
    ncols=3, figsize=(11, 3.4), sharex=True, sharey=True, layout="constrained"
)
for axis, (name, resampler) in zip(axes, resamplers.items(), strict=True):
    X_new, y_new = resampler.fit_resample(X, y)
    drawn = X_new[len(X) :]
    axis.scatter(*X[y == "usual"].T, s=2, c="lightgray", label="usual")
    axis.scatter(*drawn.T, s=4, c="tab:orange", label="drawn")
    axis.scatter(*X[y == "rare"].T, s=12, c="tab:red", label="rare")
    axis.set_title(f"{name}: {len(drawn)} rows")
axes[0].legend(loc="lower right", fontsize=8)
plt.show()

# %%
# Copies are where rows are, SMOTE's points on the lines between them (also between the
# two groups, if they are neighbours), and draws around them as the density has learned.
#
# What a classifier makes of it
# -----------------------------
# The protocol is imbalanced-learn's, whose pipelines resample in fit alone. A logistic
# regression on quadratic features, and 40 000 new rows to judge it by.
X_test, y_test = rows(4_000 if QUICK else 40_000, 120 if QUICK else 1200, seed=99)


def judged(model, seeds):
    found = []
    for seed in range(seeds):
        model.fit(*rows(1000, 30, seed))
        rare = list(model.classes_).index("rare")
        chance = model.predict_proba(X_test)[:, rare]
        found.append({
            "average precision": average_precision_score(y_test == "rare", chance),
            "balanced accuracy": balanced_accuracy_score(
                y_test == "rare", chance > 0.5
            ),
            "mean p(rare)": chance.mean(),
        })  # fmt: skip
    return pd.DataFrame(found).mean()


def classifier(**params):
    return [StandardScaler(), PolynomialFeatures(2), LogisticRegression(**params)]


contenders = {
    "nothing": make_pipeline(*classifier()),
    "class weights": make_pipeline(*classifier(class_weight="balanced")),
} | {
    name: make_resampling_pipeline(resampler, *classifier())
    for name, resampler in resamplers.items()
}
table = pd.DataFrame({
    name: judged(model, 2 if QUICK else 10) for name, model in contenders.items()
}).T  # fmt: skip
print(table.round(3))
print(f"share of the rare class: {np.mean(y_test == 'rare'):.3f}")

# %%
# All but the first move the threshold, for which no row needs to be drawn: class
# weights do as much. Which rows come first (average precision) gets no better, but
# worse: where the model is simple, rare rows that count more bend it for all others.
# And the probabilities are no longer those of the world, where the class is rare. Draws
# pay where rows are too few for what comes after: a nearest-neighbour rule, a flexible
# model, a table to be shared.
axis = table[["average precision", "balanced accuracy"]].plot.barh(figsize=(7.5, 3.2))
axis.invert_yaxis()
axis.set_xlim(0, 1.3)
axis.legend(loc="upper right", fontsize=8)
axis.figure.set_layout_engine("constrained")
plt.show()
