"""Words as levels: frequent ones themselves, rare ones by their endings."""

import re
from collections import Counter

import numpy as np

_NUMBER = re.compile(r"[\d.,/:\\-]*\d[\d.,/:\\-]*")


class Vocabulary:
    """Levels for words, learned from those of a training text.

    Words that come once say how words behave that never came: they are replaced by the
    longest ending, with the case of the letters, that enough of them have.

    Parameters
    ----------
    words : sequence of str
        Training text.
    min_endings : int
        How many words an ending must have.
    longest : int
        Most letters of an ending.
    """

    def __init__(self, words, min_endings=5, longest=4):
        self.longest = longest
        counts = Counter(words)
        self.known = {word for word, n in counts.items() if n > 1}
        rare = [word for word in counts if word not in self.known]
        endings = Counter(name for word in rare for name in self._endings(word))
        self.endings = {name for name, n in endings.items() if n >= min_endings}

    def levels(self, words):
        """One column: the level of each word."""
        return np.array([self._level(word) for word in words], dtype=object)[:, None]

    def _level(self, word):
        if word in self.known:
            return word
        names = (name for name in self._endings(word) if name in self.endings)
        return next(names, "<other>")

    def _endings(self, word):
        if _NUMBER.fullmatch(word):
            return ["<number>"]
        case = "Aa" if word[0].isupper() else "aa"
        case = "AA" if len(word) > 1 and word.isupper() else case
        case += "-" * ("-" in word)
        lengths = range(min(self.longest, len(word) - 1), 0, -1)
        return [*(f"<{case} {word.lower()[-n:]}>" for n in lengths), f"<{case}>"]
