"""
Digits from their upper half
============================

A restricted Boltzmann machine learns which pixels of handwritten digits go together.
Each hidden unit is a stroke, or the lack of one; a digit is which of them are on. As
the machine is a distribution of whole images, it can draw the half of an image that
nobody has seen, given the other.
"""

# %%
# Learning
# --------
# The 1797 digits of scikit-learn, 8 by 8 pixels, black or white. Every fourth is kept
# for later. Persistent chains are the default.
import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_gen.display import FiltersDisplay
from sklearn_gen.mixture import BernoulliMixture
from sklearn_gen.rbm import BernoulliRBM

QUICK = os.environ.get("SKLEARN_GEN_DOCS_QUICK") == "1"  # smaller, for the docs' tests
digits = load_digits()
X = (digits.data > 7).astype(float)
X, X_test, y, y_test = train_test_split(X, digits.target, random_state=0)
model = BernoulliRBM(
    n_components=64,
    learning_rate=0.05,
    n_iter=10 if QUICK else 100,
    n_chains=100,
    l2=1e-3,
    random_state=0,
)
model.fit(X)

# %%
# How good is it? The partition function sums over 2^64 images: annealed chains from
# below and above tell log Z, and with it the likelihood of digits never seen. A mixture
# of one unit with many values is the measure.
low, high = model.log_partition_interval_
print(f"log Z: {model.log_partition_:.2f}, between {low:.2f} and {high:.2f}")
mixture = BernoulliMixture(n_components=40, random_state=0).fit(X)
print(f"digits not seen, nats each: machine {model.score(X_test):.2f}")
print(f"                            mixture {mixture.score(X_test):.2f}")

# %%
# Filters
# -------
# The weights of each hidden unit: blue pixels switch it on, orange ones off.
display = FiltersDisplay.from_estimator(model, image_shape=(8, 8))
display.figure_.savefig("plot_rbm_digits_filters.png", dpi=110)

# %%
# The lower half
# --------------
# Pixels of the lower half are missing: NaN. ``sample_conditional`` draws them given the
# upper half, three times; ``conditional_mean`` has their probabilities. Where a half
# fits two digits, draws are of both.
chosen = [np.flatnonzero(y_test == digit)[0] for digit in range(10)]
chosen = chosen[:3] if QUICK else chosen
upper = X_test[chosen].copy()
upper[:, 32:] = np.nan
rows = [X_test[chosen], upper]
rows += [model.sample_conditional(upper, random_state=seed) for seed in range(3)]
rows += [model.conditional_mean(upper)]
titles = ["digit", "given", "draw", "draw", "draw", "mean"]
figure, axes = plt.subplots(
    len(rows), len(chosen), figsize=(0.75 * len(chosen) + 0.6, 4.8), squeeze=False
)
for line, title, images in zip(axes, titles, rows, strict=True):
    line[0].set_ylabel(title)
    for ax, image in zip(line, images, strict=True):
        ax.imshow(image.reshape(8, 8), cmap="Greys", vmin=0, vmax=1)
        ax.set_facecolor("#F2B27C")  # not seen
        ax.set_xticks([])
        ax.set_yticks([])
figure.savefig("plot_rbm_digits.png", dpi=110)
