"""
Features before a classifier
============================

scikit-learn's example of a restricted Boltzmann machine: the hidden units of a machine
that never saw a label are better columns for a logistic regression than the pixels are.
Here with this package's machine, whose settings need no search, and beside
:class:`~sklearn_gen.rbm.ClassificationRBM`, which learns digits and classes together.
"""

# %%
# Data
# ----
# As in scikit-learn's example each digit also comes moved by a pixel in each of four
# directions; a linear classifier of pixels suffers from that.
import os

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import shift
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_gen.display import FiltersDisplay
from sklearn_gen.rbm import BernoulliRBM, ClassificationRBM

QUICK = os.environ.get("SKLEARN_GEN_DOCS_QUICK") == "1"  # smaller, for the docs' tests
X, y = load_digits(return_X_y=True)
moves = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)]
images = X.reshape(-1, 8, 8) / 16
X = np.concatenate([shift(images, (0, *move), order=0) for move in moves])
X, y = X.reshape(-1, 64), np.tile(y, len(moves))
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
if QUICK:
    X_train, y_train = X_train[:500], y_train[:500]

# %%
# A pipeline
# ----------
# Grey values are taken as probabilities of ones, as in scikit-learn.
logistic = LogisticRegression(C=6000.0, solver="newton-cg")
machine = BernoulliRBM(
    n_components=100,
    learning_rate=0.06,
    n_iter=2 if QUICK else 20,
    random_state=0,
)
pipeline = make_pipeline(machine, logistic).fit(X_train, y_train)
of_pixels = clone(logistic).fit(X_train, y_train)
both = ClassificationRBM(
    n_components=100,
    families="bernoulli",
    n_iter=2 if QUICK else 20,
    batch_size=50,
    random_state=0,
)
both.fit((X_train > 0.4).astype(float), y_train)
found = {
    "logistic regression of pixels": of_pixels.score(X_test, y_test),
    "of hidden units": pipeline.score(X_test, y_test),
    "one machine of pixels and classes": both.score(X_test > 0.4, y_test),
}
for name, share in found.items():
    print(f"{name:34} {share:.1%} right")

# %%
# What the hidden units see
# -------------------------
display = FiltersDisplay.from_estimator(pipeline[0], image_shape=(8, 8), units=100)
display.figure_.savefig("plot_rbm_features.png", dpi=110)

# %%
# Digits drawn by class
# ---------------------
# The machine of classes draws them, too: five of each.
classes = np.repeat(np.arange(10), 5)
drawn = both.sample(y=classes, random_state=0).reshape(10, 5, 8, 8)
figure, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
sheet = np.pad(drawn, [(0, 0), (0, 0), (1, 0), (1, 0)], constant_values=0.5)
ax.imshow(sheet.transpose(1, 2, 0, 3).reshape(45, 90), cmap="Greys")
ax.set_axis_off()
figure.savefig("plot_rbm_features_classes.png", dpi=110)
