"""
Imputation: what a density expects of missing cells
===================================================

Filling a missing cell is predicting it from whatever else its row has. Imputers that
regress columns on each other assume straight lines; nearest neighbours suffer from
columns that say nothing. A density knows all conditionals at once:
:class:`~sklearn_gen.imputer.GenerativeImputer` asks it for means, or for draws.
"""

# %%
# A table that bends
# ------------------
# Two columns, one of which depends on the other, and not by a line. A third of the
# cells are missing.
import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_iris, load_wine, make_moons
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer

from sklearn_gen.imputer import GenerativeImputer, pool_estimates

QUICK = os.environ.get("SKLEARN_GEN_DOCS_QUICK") == "1"  # smaller, for the docs' tests
rng = np.random.default_rng(0)
complete = make_moons(400 if QUICK else 1200, noise=0.07, random_state=0)[0]
with_holes = complete.copy()
hidden = rng.random(len(complete)) < 1 / 3
with_holes[hidden, rng.integers(2, size=len(complete))[hidden]] = np.nan

imputers = {
    "IterativeImputer": IterativeImputer(random_state=0),
    "KNNImputer": KNNImputer(),
    "means of a density": GenerativeImputer(random_state=0),
    "draws of a density": GenerativeImputer(strategy="draw", random_state=0),
}
figure, axes = plt.subplots(
    ncols=4, figsize=(12, 3), sharex=True, sharey=True, layout="constrained"
)
for axis, (name, imputer) in zip(axes, imputers.items(), strict=True):
    filled = imputer.fit_transform(with_holes)
    whole = ~np.isnan(with_holes).any(axis=1)
    axis.scatter(*filled[whole].T, s=3, c="tab:gray", label="complete rows")
    axis.scatter(*filled[~whole].T, s=5, c="tab:red", label="filled in")
    axis.set_title(name)
axes[0].legend(loc="lower left", fontsize=8)
plt.show()

# %%
# Lines fill in what was never there. Means are the best single guesses, and where two
# branches are possible they lie between them; draws are where rows could have been.
#
# Errors on four tables
# ---------------------
# A fifth of all cells is hidden, and the error counted in standard deviations of each
# column: filling in column means has error one.
tables = {
    "iris": load_iris().data,
    "wine": load_wine().data,
    "breast cancer": load_breast_cancer().data[:, :10],
    "moons": complete,
}
contenders = {
    "column means": SimpleImputer(),
    "KNNImputer": KNNImputer(),
    "IterativeImputer": IterativeImputer(random_state=0),
    "GenerativeImputer": GenerativeImputer(random_state=0),
}
errors = pd.DataFrame(index=list(tables), columns=list(contenders), dtype=float)
for name, X in tables.items():
    mask = rng.random(X.shape) < 0.2
    holes = np.where(mask, np.nan, X)
    for contender, imputer in contenders.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # IterativeImputer: ten rounds are few
            filled = imputer.fit_transform(holes)
        errors.loc[name, contender] = np.sqrt(
            np.mean(((filled - X) / X.std(axis=0))[mask] ** 2)
        )
print(errors.round(2))
axis = errors.plot.bar(figsize=(8, 3.5), rot=0, width=0.75)
axis.set(ylabel="error of hidden cells (standard deviations)", ylim=(0, 1.3))
axis.legend(ncols=2, fontsize=8)
axis.figure.set_layout_engine("constrained")
plt.show()

# %%
# Several tables instead of one
# -----------------------------
# A filled table looks complete, and analyses of it are too sure of themselves. Drawing
# several tables, analysing each and pooling the answers by Rubin's rules keeps what the
# holes leave unknown. Here: the mean petal length of irises, of which more are missing
# the longer the sepals are, so that the mean of what is left is wrong.
X = load_iris().data[:, [0, 2]]
sepal, petal = X.T
lost = rng.random(len(X)) < np.clip((sepal - 5.2) / 1.5, 0, 0.9)
holes = X.copy()
holes[lost, 1] = np.nan
imputer = GenerativeImputer(random_state=0).fit(holes)
means, variances = [], []
for table in imputer.impute(holes, 20):
    means.append(table[:, 1].mean())
    variances.append(table[:, 1].var(ddof=1) / len(table))
pooled = pool_estimates(means, variances)
print(f"lost: {lost.mean():.0%}; true mean {petal.mean():.2f} cm")
print(f"mean of the rest          {petal[~lost].mean():.2f}")
print(
    f"pooled over 20 tables     {pooled.estimate:.2f} +- {pooled.variance**0.5:.2f}, "
    f"{pooled.fraction_missing:.0%} of the variance due to the holes"
)
