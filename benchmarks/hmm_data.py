"""Hidden Markov models on real series: what they are worth, beside simple baselines.

Choices (sizes, vocabularies) were made on parts of the training data: recordings 5 to 9
of each speaker and digit, the last tenth of the training sentences. Test parts were
looked at once.
"""

import gzip
import time
import warnings
from collections import Counter, defaultdict

import numpy as np
import pandas as pd
from scipy.fft import dct
from scipy.signal import lfilter
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from benchmarks.data import find
from benchmarks.words import Vocabulary
from sklearn_gen.hmm import (
    AutoregressiveHMM,
    CategoricalHMM,
    GaussianHMM,
    GaussianMixtureHMM,
    PoissonHMM,
    SequenceClassifier,
    StudentTHMM,
    groups_from_lengths,
)
from sklearn_gen.mixture import GaussianMixture, StudentTMixture

# Major earthquakes (magnitude 7 and more) of the years 1900 to 2006: Zucchini &
# MacDonald (2009), table 1.1, and what hmmlearn reaches with 25 restarts.
EARTHQUAKES = """
13 14 8 10 16 26 32 27 18 32 36 24 22 23 22 18 25 21 21 14 8 11 14 23 18 17 19 20 22 19
13 26 13 14 22 24 21 22 26 21 23 24 27 41 31 27 35 26 28 36 39 21 17 22 17 19 15 34 10
15 22 18 15 20 15 22 19 16 30 27 29 23 20 16 21 21 25 16 18 15 18 14 10 15 8 15 6 11 8 7
18 16 13 12 13 20 15 16 12 18 15 16 13 15 16 11 11
"""
ANCHORS = {1: 391.9189, 2: 341.8787, 3: 328.5275, 4: 326.4106}


def earthquakes(report):
    X = np.array(EARTHQUAKES.split(), dtype=float)[:, None]
    rows = {}
    for K, anchor in ANCHORS.items():
        model = PoissonHMM(K, n_init=25, tol=1e-9, max_iter=2000, random_state=0)
        found = -model.fit(X).score(X) * len(X)
        rows[f"{K} states"] = {
            "-log-likelihood": f"{found:.4f}",
            "anchor": f"{anchor:.4f}",
            "BIC": f"{model.bic(X):.1f}",
        }
    report.table("Earthquakes, 107 counts", pd.DataFrame(rows).T)


def cepstra(wave, rate=8000):
    """Mel-frequency cepstral coefficients, less their means, and two derivatives."""
    wave = lfilter([1.0, -0.97], 1.0, wave.astype(float))
    wave = np.pad(wave, (0, max(0, 200 - len(wave))))
    frames = np.lib.stride_tricks.sliding_window_view(wave, 200)[::80]
    power = np.abs(np.fft.rfft(frames * np.hamming(200), 256)) ** 2
    low, high = (2595 * np.log10(1 + f / 700) for f in (100, rate / 2))
    edges = 700 * (10 ** (np.linspace(low, high, 28) / 2595) - 1)
    f, width = np.fft.rfftfreq(256, 1 / rate), np.diff(edges)[:, None]
    rising = (f - edges[:-2, None]) / width[:-1]
    falling = (edges[2:, None] - f) / width[1:]
    bands = np.maximum(np.minimum(rising, falling), 0.0)
    found = dct(np.log(power @ bands.T + 1.0), norm="ortho")[:, :13]
    found -= found.mean(axis=0)
    first = slopes(found)
    return np.hstack([found, first, slopes(first)])


def slopes(X):
    """Regression slopes over five rows."""
    p = np.pad(X, ((2, 2), (0, 0)), "edge")
    n = len(X)
    return (p[3 : 3 + n] - p[1 : 1 + n] + 2.0 * (p[4 : 4 + n] - p[:n])) / 10.0


def digit_model():
    return SequenceClassifier(
        GaussianMixtureHMM(
            8,
            n_mix=3,
            topology="linear",
            reg_covar=1e-2,
            tol=1e-3,
            max_iter=20,
            random_state=0,
        ),
        priors="uniform",
    )


def digits(report):
    data = np.load(find("audio", "fsdd.npz"))
    waves = np.split(data["wave"], np.cumsum(data["length"])[:-1])
    features = [cepstra(wave) for wave in waves]
    X, groups = np.vstack(features), groups_from_lengths([len(f) for f in features])
    y, speaker = data["digit"], data["speakers"][data["speaker"]]

    def predicted(train, test):
        model = digit_model().fit(
            X[train[groups]], y[train], groups=groups[train[groups]]
        )
        return model.predict(X[test[groups]], groups=groups[test[groups]])

    test = data["index"] < 5
    start = time.process_time()
    found = predicted(~test, test)
    seconds = time.process_time() - start
    confusion = pd.crosstab(
        pd.Series(y[test], name="digit"), pd.Series(found, name="recognised")
    )
    report.table("Spoken digits, official split", confusion)
    accuracy = {"official split (goal: .95)": np.mean(found == y[test])}
    for name in np.unique(speaker):
        own = speaker == name
        accuracy[f"without {name}"] = np.mean(predicted(~own, own) == y[own])
    accuracy["mean without the speaker"] = np.mean(list(accuracy.values())[1:])
    accuracy["CPU seconds, official split"] = seconds
    report.table("Spoken digits, accuracy", pd.Series(accuracy).to_frame("ours"))


def sentences(name):
    """Sentences of a file, each a list of (word, tag)."""
    found = [[]]
    with gzip.open(find("text", name), "rt", encoding="utf-8") as lines:
        for line in lines:
            cells = line.rstrip("\n").split("\t" if ".tsv" in name else " ")
            if len(cells) < 2:
                found.append([])
            else:
                found[-1].append((cells[0], cells[1]))
    return [sentence for sentence in found if sentence]


def flat(train):
    """Words, tags and the ids of sentences."""
    words, tags = zip(*(pair for sentence in train for pair in sentence), strict=True)
    return words, np.array(tags), groups_from_lengths([len(s) for s in train])


def tagger(n_tags):
    # pseudo-counts: no step is impossible, and no word in any tag
    return CategoricalHMM(
        n_tags,
        emissionprob_prior=1.001,
        transmat_prior=1.1,
        startprob_prior=1.1,
        max_iter=2,
        random_state=0,
    )


def tag(train, test, labelled=1.0):
    """Accuracies of tags: our tagger's, and of each word's most frequent tag.

    Sentences without tags weigh a tenth, and EM stops early: what it goes on to find
    are other classes of words than those of grammar (Merialdo 1994).
    """
    words, tags, groups = flat(train)
    words, n_sentences = np.array(words, dtype=object), groups[-1] + 1
    names, states = np.unique(tags, return_inverse=True)
    known = groups < labelled * n_sentences
    vocabulary = Vocabulary(words[known])
    model = tagger(len(names))
    model.fit(
        vocabulary.levels(words),
        groups=groups,
        states=np.where(known, states, -1),
        sequence_weight=np.where(known[np.unique(groups, True)[1]], 1.0, 0.1),
    )
    counts = defaultdict(Counter)
    for word, name in zip(words[known], tags[known], strict=True):
        counts[word][name] += 1
    common = Counter(tags[known]).most_common(1)[0][0]
    words, tags, groups = flat(test)
    found = names[model.predict(vocabulary.levels(words), groups=groups)]
    usual = np.array(
        [counts[w].most_common(1)[0][0] if w in counts else common for w in words]
    )
    seen = np.array([w in counts for w in words])
    right = found == tags
    return {
        "all words": right.mean(),
        "words of training": right[seen].mean(),
        "other words": right[~seen].mean(),
        "share of others": 1.0 - seen.mean(),
        "most frequent tag": np.mean(usual == tags),
    }


def tags(report):
    train, test = (
        sentences("conll2000.train.txt.gz"),
        sentences("conll2000.test.txt.gz"),
    )
    rows = {"conll2000 (goal: .93)": tag(train, test)}
    train, test = sentences("ud_ewt.train.tsv.gz"), sentences("ud_ewt.test.tsv.gz")
    rows["ud_ewt, 17 tags"] = tag(train, test)
    for share in (0.01, 0.05):
        few = train[: int(share * len(train))]
        rows[f"ud_ewt, {share:.0%} of the sentences"] = tag(few, test)
        rows[f"ud_ewt, {share:.0%} with tags, the others without"] = tag(
            train, test, share
        )
    report.table("Tags, accuracy", pd.DataFrame(rows).T)


def nab(report):
    """The first 15 % of a series are learned, the others scored."""
    data = np.load(find("series", "nab.npz"))
    names = sorted({key.rsplit("__", 1)[0] for key in data.files})
    rows = {}
    for name in names:
        x, label = data[f"{name}__x"], data[f"{name}__y"].astype(bool)
        n = int(0.15 * len(x))
        if not label[n:].any() or label[n:].all():
            continue
        spread = x[:n].std() or 1.0
        x = ((x - x[:n].mean()) / spread)[:, None]
        rows[name.split("__")[1]] = {
            kind: measured(score(x, n), label[n:]) for kind, score in SCORES.items()
        }
    means = {
        kind: np.mean([row[kind] for row in rows.values()], axis=0) for kind in SCORES
    }
    heads = ["ROC-AUC of rows", "windows found", "windows found, 10 x alarms"]
    report.table(
        f"NAB, {len(rows)} series, means; alarms in 0.1 % of the rows outside windows",
        pd.DataFrame(means, index=heads).T,
    )


def markov_scores(x, n):
    model = GaussianHMM(8, sticky=1.0, reg_covar=1e-3, random_state=0).fit(x[:n])
    return -model.score_samples(x)[n:]


def autoregressive_scores(x, n):
    model = AutoregressiveHMM(3, order=2, sticky=1.0, reg_covar=1e-3, random_state=0)
    return -model.fit(x[:n]).score_samples(x)[n:]


def heavy_tailed_scores(x, n):
    model = StudentTHMM(8, sticky=1.0, reg_covar=1e-3, random_state=0).fit(x[:n])
    return -model.score_samples(x)[n:]


def mixture_scores(x, n):
    model = GaussianMixture(8, reg_covar=1e-3, random_state=0).fit(x[:n])
    return -model.score_samples(x)[n:]


def step_sizes(x, n):
    return np.abs(np.diff(x[:, 0], prepend=x[0, 0]))[n:]


SCORES = {
    "GaussianHMM, 8 states": markov_scores,
    "StudentTHMM, 8 states": heavy_tailed_scores,
    "AutoregressiveHMM, 3 states, 2 rows before": autoregressive_scores,
    "GaussianMixture, 8 components": mixture_scores,
    "distance from the mean": lambda x, n: np.abs(x[n:, 0]),
    "size of the step": step_sizes,
    "random numbers": lambda x, n: np.random.default_rng(0).random(len(x) - n),
}


def measured(score, label):
    """ROC-AUC, and shares of windows with an alarm, at two rates of false ones."""
    edges = np.flatnonzero(np.diff(np.r_[0, label.astype(int), 0]))
    windows = list(zip(edges[::2], edges[1::2], strict=True))
    shares = []
    for rate in (0.001, 0.01):
        threshold = np.quantile(score[~label], 1.0 - rate)
        shares.append(np.mean([score[a:b].max() > threshold for a, b in windows]))
    return [roc_auc_score(label, score), *shares]


def regimes(report):
    """Monthly returns: regimes of all years, and forecasts of the later half."""
    table = pd.read_csv(find("series", "sp500_shiller_monthly.csv.gz"))
    price = table["SP500"].to_numpy()
    X = 100.0 * np.diff(np.log(price[price > 0]))[:, None]
    rows = {}
    for K in (1, 2, 3, 4):
        model = GaussianHMM(K, n_init=5, random_state=0).fit(X)
        order = np.argsort(model.covars_[:, 0])
        rows[f"{K} states"] = {
            "BIC": f"{model.bic(X):.0f}",
            "deviations, % a month": np.sqrt(model.covars_[order, 0]).round(1).tolist(),
            "means": model.means_[order, 0].round(1).tolist(),
            "stay": model.transmat_.diagonal()[order].round(2).tolist(),
        }
    report.table(f"Regimes of {len(X)} monthly returns", pd.DataFrame(rows).T)
    half = len(X) // 2
    held_out = {
        f"GaussianHMM, {K} states": GaussianHMM(K, n_init=5, random_state=0)
        .fit(X[:half])
        .score_samples(X)[half:]
        for K in (2, 3, 4)
    }
    for model in (GaussianMixture(), StudentTMixture(), GaussianMixture(3)):
        name = repr(model).replace("n_components=", "")
        model.set_params(random_state=0).fit(X[:half])
        held_out[name] = model.score_samples(X[half:])
    means = {name: score.mean() for name, score in held_out.items()}
    report.table(
        "Density of the later half given the earlier months, nats a month",
        pd.Series(means).to_frame("mean"),
    )


def run(report):
    """Each section is one set of data."""
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        for name in ("earthquakes", "regimes", "nab", "tags", "digits"):
            if report.section(f"HMM on data: {name}", heads=False):
                globals()[name](report)
