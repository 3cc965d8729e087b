"""
Parts of speech
===============

Which words of a sentence are nouns, which verbs? ("Time flies like an arrow.") The
states of a hidden Markov model can be parts of speech: each has words of its own, and
they follow one another by the habits of grammar. In training texts the states are
known, so that learning is counting; in a new sentence the most probable path names them
all at once.

The texts, sentences of the Wall Street Journal with tags (CoNLL-2000), are no part of
the package. This script looks for ``conll2000.train.txt.gz`` and
``conll2000.test.txt.gz`` in the folder ``text`` of the one that the environment
variable ``SKLEARN_GEN_DATA`` names. Where the documentation is built without them, this
page has no output.
"""

# %%
# Words and tags
# --------------
# A row is a word, a sequence a sentence.
import gzip
import os
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from sklearn_gen.display import TransitionDisplay
from sklearn_gen.hmm import CategoricalHMM, groups_from_lengths

QUICK = os.environ.get("SKLEARN_GEN_DOCS_QUICK") == "1"  # smaller, for the docs' tests
FOLDERS = [os.environ.get("SKLEARN_GEN_DATA"), "../shared/data", "../../../shared/data"]


def read(name):
    paths = [Path(folder, "text", name) for folder in filter(None, FOLDERS)]
    path = next((path for path in paths if path.exists()), None)
    if path is None:
        sys.exit(f"{name} is missing: set SKLEARN_GEN_DATA to the folder above text/.")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        sentences = [s.splitlines() for s in file.read().strip().split("\n\n")]
    sentences = sentences[: 500 if QUICK else None]
    words, tags = np.array([line.split()[:2] for s in sentences for line in s]).T
    return words, tags, groups_from_lengths([len(s) for s in sentences])


words, tags, groups = read("conll2000.train.txt.gz")
new_words, new_tags, new_groups = read("conll2000.test.txt.gz")
names, states = np.unique(tags, return_inverse=True)
seen = np.isin(new_words, words)
print(f"{len(words):,} words, {len(names)} tags; {(~seen).mean():.1%} of the new ones")
print("were never seen, such as", ", ".join(new_words[~seen][:4]))

# %%
# Words that never came
# ---------------------
# Words that came once are how new words will behave: their levels are endings and the
# case of their letters, as long as enough words share them.
counts = Counter(words.tolist())


def endings(word):
    if re.fullmatch(r"[\d.,/:\\-]*\d[\d.,/:\\-]*", word):
        return ["<number>"]
    case = "Aa" if word[0].isupper() else "aa"
    case = "AA" if len(word) > 1 and word.isupper() else case
    case += "-" * ("-" in word)
    longest = range(min(4, len(word) - 1), 0, -1)
    return [*(f"<{case} {word.lower()[-n:]}>" for n in longest), f"<{case}>"]


once = [word for word, n in counts.items() if n == 1]
common = Counter(name for word in once for name in endings(word))


def level(word):
    if counts[word] > 1:
        return word
    return next((name for name in endings(word) if common[name] >= 5), "<other>")


def levels(words):
    return np.array([level(word) for word in words.tolist()], dtype=object)[:, None]


print([level(word) for word in ("market", "flummoxing", "Smithville", "1,234.5")])

# %%
# Counting and tagging
# --------------------
# Pseudo-counts (priors above 1) keep rare steps and words possible.
model = CategoricalHMM(
    len(names),
    emissionprob_prior=1.001,
    transmat_prior=1.1,
    startprob_prior=1.1,
    max_iter=5,
    random_state=0,
).fit(levels(words), groups=groups, states=states)
found = names[model.predict(levels(new_words), groups=new_groups)]

by_word = defaultdict(Counter)
for word, tag in zip(words.tolist(), tags.tolist(), strict=True):
    by_word[word][tag] += 1
usual = [by_word[w].most_common(1)[0][0] if w in by_word else "NN" for w in new_words]
for name, guess in [("most frequent tag", np.array(usual)), ("Markov model", found)]:
    right = guess == new_tags
    print(
        f"{name:18} {right.mean():.1%} right: {right[seen].mean():.1%} of known words, "
        f"{right[~seen].mean():.1%} of new ones"
    )

# %%
# One sentence
# ------------
# Probabilities say where the model isn't sure.
sentence = np.array(["He", "plans", "to", "present", "the", "present", "plans", "."])
proba = model.predict_proba(levels(sentence))
tagged = names[model.predict(levels(sentence))]
for word, tag, p in zip(sentence, tagged, proba.max(axis=1), strict=True):
    print(f"{word:8} {tag:4} {p:.2f}")

# %%
# Grammar
# -------
# What follows what: articles (DT) are followed by nouns (NN) and adjectives (JJ), "to"
# (TO) by verbs (VB).
kept = np.isin(names, ["DT", "JJ", "NN", "NNS", "IN", "VB", "VBD", "VBZ", "TO", "MD"])
display = TransitionDisplay(
    model.transmat_[np.ix_(kept, kept)],
    model.startprob_[kept],
    state_names=names[kept],
).plot()
display.figure_.savefig("plot_tagging.png", dpi=110)
