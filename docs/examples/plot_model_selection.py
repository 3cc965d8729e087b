"""
How many components?
====================

Three ways to choose the number of components of a mixture: the likelihood of held-out
rows, and two criteria that need no held-out rows because they charge for parameters,
BIC and AIC. All three plug into scikit-learn's searches.
"""

# %%
# Three clusters of unequal shape, drawn from known Gaussians: the right answer is 3.
import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV

from sklearn_gen.display import DensityDisplay
from sklearn_gen.mixture import GaussianMixture
from sklearn_gen.model_selection import neg_aic_scorer, neg_bic_scorer

QUICK = os.environ.get("SKLEARN_GEN_DOCS_QUICK") == "1"  # smaller, for the docs' tests
rng = np.random.default_rng(0)
n_rows = 750 if QUICK else 1500
X = np.vstack(
    [
        rng.multivariate_normal([-2.0, 0.0], [[0.6, 0.5], [0.5, 0.8]], n_rows // 3),
        rng.multivariate_normal([1.0, 1.5], [[1.2, -0.6], [-0.6, 0.5]], n_rows // 3),
        rng.multivariate_normal([1.5, -1.0], [[0.2, 0.0], [0.0, 0.2]], n_rows // 3),
    ]
)
X = rng.permutation(X)  # folds are cut in the order of the rows

# %%
# One search per criterion. Without ``scoring``, a search uses the model's own
# ``score``: the mean log-likelihood of the held-out fold. BIC and AIC belong to the
# fitted rows, so their "split" has the same rows on both sides.
candidates = {"n_components": range(1, 6 if QUICK else 8)}
everything = np.arange(len(X))
same_rows = [(everything, everything)]
model = GaussianMixture(n_init=3, reg_covar=1e-3, random_state=0)
searches = {
    "held-out log-likelihood": GridSearchCV(model, candidates, cv=5),
    "-BIC": GridSearchCV(model, candidates, scoring=neg_bic_scorer, cv=same_rows),
    "-AIC": GridSearchCV(model, candidates, scoring=neg_aic_scorer, cv=same_rows),
}
for name, search in searches.items():
    search.fit(X)
    print(f"{name}: {search.best_params_['n_components']} components")

# %%
# The three curves, and the density that the held-out likelihood chose.
figure, axes = plt.subplots(2, 2, figsize=(9, 7), layout="constrained")
for axis, (name, search) in zip(axes.flat, searches.items(), strict=False):
    values = search.cv_results_["mean_test_score"]
    axis.plot(candidates["n_components"], values, "o-")
    axis.axvline(search.best_params_["n_components"], color="tab:red", linestyle=":")
    axis.set(xlabel="n_components", ylabel=name)
chosen = searches["held-out log-likelihood"].best_estimator_
DensityDisplay.from_estimator(chosen, X, ax=axes[1, 1])
axes[1, 1].set_title("The chosen density")
plt.show()
