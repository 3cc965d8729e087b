"""
Spoken digits
=============

Words are spoken faster or slower, but their sounds come in order. A hidden Markov model
of which states only stay or go on to the next is such a word, and
:class:`~sklearn_gen.hmm.SequenceClassifier` recognises a recording as the word that
makes it most probable. So speech was recognised for thirty years.

``fsdd.npz``, 3000 recordings of ten digits by six speakers (Z. Jackson's Free Spoken
Digit Dataset), is no part of the package. This script looks for it in the folder
``audio`` of the one that the environment variable ``SKLEARN_GEN_DATA`` names. Where the
documentation is built without it, this page has no output.
"""

# %%
# From sound to rows
# ------------------
# Every hundredth of a second is a row: the shape of the spectrum as the ear hears it
# (mel-frequency cepstral coefficients), less its mean over the recording, and how it
# changes.
import os
import sys
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.fft import dct
from sklearn.metrics import ConfusionMatrixDisplay

from sklearn_gen.display import StatesDisplay
from sklearn_gen.hmm import GaussianMixtureHMM, SequenceClassifier, groups_from_lengths

QUICK = os.environ.get("SKLEARN_GEN_DOCS_QUICK") == "1"  # smaller, for the docs' tests
FILE = "audio/fsdd.npz"
FOLDERS = [os.environ.get("SKLEARN_GEN_DATA"), "../shared/data", "../../../shared/data"]
paths = [Path(folder, FILE) for folder in filter(None, FOLDERS)]
path = next((path for path in paths if path.exists()), None)
if path is None:
    sys.exit(f"{FILE} wasn't found: set SKLEARN_GEN_DATA to the folder above it.")

# Triangular filters, evenly spaced in mel from 100 to 4000 Hz
mel = np.linspace(2595 * np.log10(1 + 100 / 700), 2595 * np.log10(1 + 4000 / 700), 28)
edges, hertz = 700 * (10 ** (mel / 2595) - 1), np.fft.rfftfreq(256, 1 / 8000)
rising = (hertz - edges[:-2, None]) / np.diff(edges)[:-1, None]
falling = (edges[2:, None] - hertz) / np.diff(edges)[1:, None]
filters = np.maximum(np.minimum(rising, falling), 0.0)


def features(wave):
    wave = wave[1:] - 0.97 * wave[:-1]
    wave = np.pad(wave, (0, max(0, 200 - len(wave))))
    frames = np.lib.stride_tricks.sliding_window_view(wave, 200)[::80]
    power = np.abs(np.fft.rfft(frames * np.hamming(200), 256)) ** 2
    shape = dct(np.log(power @ filters.T + 1.0), norm="ortho")[:, :13]
    shape -= shape.mean(axis=0)
    slope = np.gradient(shape, axis=0) if len(shape) > 1 else 0.0 * shape
    return np.hstack([shape, 2.0 * slope])


data = np.load(path)
waves = np.split(data["wave"].astype(float), np.cumsum(data["length"])[:-1])
kept = np.flatnonzero(data["index"] < (10 if QUICK else 50))
rows = [features(waves[i]) for i in kept]
groups, X = groups_from_lengths([len(r) for r in rows]), np.vstack(rows)
X /= X.std(axis=0)
y = data["digit"][kept]
speaker = data["speakers"][data["speaker"]][kept]
print(f"{len(y)} recordings, {len(X)} rows of {X.shape[1]} numbers")

# %%
# A model for each digit
# ----------------------
# The recordings 0 to 4 of each speaker and digit are the official test part.
word = GaussianMixtureHMM(
    *(8,),
    n_mix=2,
    topology="linear",
    reg_covar=0.01,
    max_iter=10,
    tol=1e-2,
    random_state=0,
)
recogniser = SequenceClassifier(word, priors="uniform")
test = data["index"][kept] < 5
rows_of_test = test[groups]
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of digital silence: columns without variance
    recogniser.fit(X[~rows_of_test], y[~test], groups=groups[~rows_of_test])
found = recogniser.predict(X[rows_of_test], groups=groups[rows_of_test])
print(f"official split: {(found == y[test]).mean():.1%} of {test.sum()} recognised")
figure, ax = plt.subplots(figsize=(5, 4.5), layout="constrained")
ConfusionMatrixDisplay.from_predictions(
    y[test], found, ax=ax, cmap="Blues", colorbar=False
)
figure.savefig("plot_spoken_digits.png", dpi=110)

# %%
# The sounds of a seven
# ---------------------
# States are stretches of the word. Here are the first two coefficients of one
# recording, and the states of the most probable path through the model of its digit.
one = np.flatnonzero(y == 7)[0]
seven = recogniser.estimators_[7]
times = np.concatenate([np.arange(len(r)) for r in rows])
display = StatesDisplay.from_estimator(
    seven, X, groups=groups, sequence=one, columns=[0, 1], times=times
)
for panel, name in zip(display.axes_, ["loudness", "dark or bright"], strict=True):
    panel.set_ylabel(name)
display.axes_[-1].set_xlabel("hundredths of a second")
display.figure_.savefig("plot_spoken_digits_states.png", dpi=110)

# %%
# Speakers never heard
# --------------------
# A split by recordings flatters: each voice is known. Without a speaker's recordings
# fewer of his words are recognised.
for name in np.unique(speaker)[: 1 if QUICK else None]:
    own = (speaker == name)[groups]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        recogniser.fit(X[~own], y[speaker != name], groups=groups[~own])
    share = recogniser.score(X[own], y[speaker == name], groups=groups[own])
    print(f"without {name:9} {share:.1%}")
