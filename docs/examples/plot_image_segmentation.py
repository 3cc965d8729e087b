"""
Segmenting pictures: elongated and uneven clusters
==================================================

A pixel as a row: its colour and its place. A mixture of Gaussians groups rows into
clusters of any extent and direction, k-means into round ones of one size. People drew
outlines of what they saw in the same pictures, so both can be judged.

The pictures are those of the Berkeley segmentation data set (Arbelaez et al. 2011,
doi:10.1109/TPAMI.2010.161), for research only, and no part of the package. This script
looks for ``bsds_gt_segments.npz``, the outlines, and a folder ``bsds_jpg``, in the
folder ``pictures`` of the one that the environment variable ``SKLEARN_GEN_DATA`` names.
Where the documentation is built without them, this page has no output.
"""

# %%
# Pixels as rows
# --------------
# Colours are in Lab, where distances are about as large as they look, and a little
# blurred, so that texture counts less; places are in pixels. Every fifth pixel of every
# fifth line is enough.
import os
import sys
import warnings
from itertools import combinations
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

from sklearn_gen import DegenerateDataWarning
from sklearn_gen.mixture import GaussianMixture

QUICK = os.environ.get("SKLEARN_GEN_DOCS_QUICK") == "1"  # smaller, for the docs' tests
FOLDERS = [os.environ.get("SKLEARN_GEN_DATA"), "../shared/data", "../../../shared/data"]
NAME = "bsds_gt_segments.npz"
STEP = 12 if QUICK else 5
# A clear sky or a black background has hardly any variance of its own. That matters to
# a density, for which regularisation then decides, but not to segments.
warnings.filterwarnings("ignore", category=DegenerateDataWarning)


def read_pictures():
    """Pictures by name, and what each of some persons saw in them."""
    for folder in filter(None, FOLDERS):
        path = Path(folder, "pictures", NAME)
        if path.exists():
            outlines = np.load(path)
            files = {
                name: path.parent / "bsds_jpg" / f"{name}.jpg" for name in outlines
            }
            files = {name: file for name, file in files.items() if file.exists()}
            return {name: (plt.imread(files[name]), outlines[name]) for name in files}
    sys.exit(
        f"{NAME} is missing: set SKLEARN_GEN_DATA to the folder that holds pictures/"
        f"{NAME} and pictures/bsds_jpg/, of the Berkeley segmentation data set."
    )


def lab(picture):
    """CIE Lab of sRGB (IEC 61966-2-1), white point D65."""
    rgb = picture / 255.0
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = [
        [0.4124, 0.3576, 0.1805],
        [0.2126, 0.7152, 0.0722],
        [0.0193, 0.1192, 0.9505],
    ]
    xyz = linear @ np.transpose(to_xyz) / [0.9505, 1.0, 1.089]
    x, y, z = np.moveaxis(
        np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116), -1, 0
    )
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def features(picture, step=STEP):
    """Five standardised columns: colour and place."""
    color = gaussian_filter(lab(picture), (2, 2, 0))
    place = np.stack(np.indices(picture.shape[:2]), axis=-1)
    rows = np.concatenate([color, place], axis=-1)[::step, ::step].reshape(-1, 5)
    return StandardScaler().fit_transform(rows)


pictures = read_pictures()
X = {name: features(picture) for name, (picture, _) in pictures.items()}
seen = {
    name: outlines[:, ::STEP, ::STEP].reshape(len(outlines), -1)
    for name, (_, outlines) in pictures.items()
}
print(f"{len(X)} pictures, {np.mean([len(rows) for rows in X.values()]):.0f} rows each")

# %%
# Like what people saw
# --------------------
# The adjusted Rand index is 1 where two segmentations are the same and 0 on average
# where they have nothing to do with one another. It is averaged over the persons who
# segmented a picture, then over all pictures.


def agreement(labels, name):
    return np.mean([adjusted_rand_score(own, labels) for own in seen[name]])


def methods(n_segments):
    return {
        "GaussianMixture": GaussianMixture(
            n_segments, reg_covar=0.01, dequantize="auto", random_state=0
        ),
        "KMeans": KMeans(n_segments, n_init=1, random_state=0),
    }


found = {
    (name, n_segments, method): model.fit_predict(X[name])
    for name in X
    for n_segments in (4, 6, 8)
    for method, model in methods(n_segments).items()
}
scores = pd.Series({key: agreement(labels, key[0]) for key, labels in found.items()})
scores.index.names = ["picture", "segments", "method"]
table = scores.groupby(["segments", "method"]).mean().unstack()
better = scores.unstack("method").eval("GaussianMixture > KMeans")
table["mixture better"] = better.groupby("segments").mean()
print(table.round(3).to_string())
print(f"\nMeans: {scores.groupby('method').mean().round(3).to_dict()}")
persons = [
    np.mean([adjusted_rand_score(a, b) for a, b in combinations(seen[name], 2)])
    for name in X
]
print(f"Two persons agree by {np.mean(persons):.2f}")

# %%
# Whatever the number of segments, the mixture is nearer to the persons on average, and
# in about eight of ten pictures. Persons agree much better with one another: they know
# what a tiger is, and draw outlines around it whatever its colours. The number of
# segments is left to the user, as ``n_components="auto"`` is of no help here: among
# thousands of pixels every shade is worth a component.
#
# Three pictures
# --------------
# The one in which the mixture does best, a middling one, and one of the worst tenth,
# now with every second pixel. Segments have the mean colours of their pixels.
order = (
    scores.unstack("method")["GaussianMixture"].xs(6, level="segments").sort_values()
)
shown = [order.index[int(q * (len(order) - 1))] for q in (1.0, 0.5, 0.1)]
step = 6 if QUICK else 2
figure, axes = plt.subplots(3, 4, figsize=(11, 6.6), layout="constrained")
for row, name in zip(axes, shown, strict=True):
    picture, outlines = pictures[name]
    small, own = picture[::step, ::step], outlines[:, ::step, ::step]
    rows = features(picture, step)
    panels = {"one person": own[0]}
    for method, model in reversed(methods(6).items()):
        labels = model.fit_predict(rows)
        score = np.mean([adjusted_rand_score(a.ravel(), labels) for a in own])
        panels[f"{method}: {score:.2f}"] = labels.reshape(small.shape[:2])
    row[0].imshow(picture)
    row[0].set_title(name)
    for ax, (title, labels) in zip(row[1:], panels.items(), strict=True):
        _, label = np.unique(labels, return_inverse=True)
        flat = label.ravel()
        means = [np.bincount(flat, band.ravel()) for band in np.moveaxis(small, -1, 0)]
        colors = np.stack(means, axis=-1) / np.bincount(flat)[:, None]
        ax.imshow(colors[label.reshape(small.shape[:2])].astype(np.uint8))
        ax.set_title(title)
for ax in axes.flat:
    ax.set_axis_off()
figure.savefig("plot_image_segmentation.png", dpi=110)
plt.show()
