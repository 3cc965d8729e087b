"""Columns that only name rows: found by rule, left out of the model, made anew."""

import re
from dataclasses import dataclass
from hashlib import blake2b
from math import gcd

import numpy as np

# Fewer rows say too little: any few values are distinct.
_MIN_ROWS = 20
# Shares of distinct values; the rest may be copies of rows.
_NEARLY_ALL = 0.98
# Text without digits is an identifier only in larger tables: the fifty states of a
# table of states are its subject.
_MIN_ROWS_OF_WORDS = 500
# As many pairs of independent draws would have coincided: none has a chance of 5e-5.
_COINCIDENCES = 10
_SAYS_ID = re.compile(r"(?i)(^|[\W_])(id|uuid|guid|identifier|row_?number)s?($|[\W_])")
_CAMEL_ID = re.compile(r"(?<=[a-z])(ID|Id)$|^RowNumber$")
_ORDERS = re.compile(r"(?i)rank|order|year|position|date|time|day|month|age\b")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?|\d{1,2}:\d{2}(:\d{2})?")
# with at most one mark that isn't between groups of three: no network addresses
_NUMBER = re.compile(r"\s*[-+]?\d*([.,]\d{3})*([.,]\d*)?([eE][-+]?\d+)?\s*[%€$£]?")
_MAIL = re.compile(r"[^@\s]+@([^@\s]+\.[A-Za-z]+)")
_CLASSES = (
    ("0", "0123456789"),
    ("x", "0123456789abcdef"),
    ("X", "0123456789ABCDEF"),
    ("a", "abcdefghijklmnopqrstuvwxyz"),
    ("A", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("z", "0123456789abcdefghijklmnopqrstuvwxyz"),
    ("Z", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
)
_MAX_SHAPES = 50
_MAX_SERIAL = 2**53
_NANOSECONDS = 10**17  # since 1970, in 1973


def names_rows(cells, name):
    """Whether a column only names rows.

    - Integers of which nearly all are distinct, if the column's name says so (id,
      uuid, CustomerID, row_number), or if they can't be independent draws: none is
      twice though, from their range, ten pairs or more would have coincided; so rows
      that are counted, also shuffled or a sample of them, are found, but not distinct
      ages of a small table, nor prices. Years and columns that their name calls an
      order or a time are none. Beyond 2**53 being distinct is enough, but for what may
      be nanoseconds since 1970: of 1973 or later, the latest at most twice the first.
    - Text of which nearly all is distinct, if it holds digits or is a mail address, or
      in tables of 500 rows or more: what is never twice can't be modelled, only copied.
      Dates and numbers as text are none; digits alone are judged as integers.
    - Whole floats, which pandas makes of integers where some are missing, only if the
      name says so.
    - Never booleans, other floats, dates, durations and declared categories, nor
      columns of fewer than 20 values.

    Parameters
    ----------
    cells : Cells
        The column.
    name : str, int or None
        What it is called.

    Returns
    -------
    found : bool
    """
    present = cells.values[~cells.missing]
    if not can_name_rows(cells) or len(present) < _MIN_ROWS:
        return False
    distinct = set(present.tolist())
    if len(distinct) < _NEARLY_ALL * len(present):
        return False
    if cells.kind == "continuous":
        return _says_so(name)
    if cells.kind == "integer":
        return _numbers_name_rows(distinct, len(present), name)
    texts = [_as_text(cell) for cell in distinct]
    if all(text.isdecimal() and text.isascii() for text in texts):
        widths = set(map(len, texts))
        padded = len(widths) == 1 and any(text[0] == "0" for text in texts)
        return padded or _numbers_name_rows(set(map(int, texts)), len(present), name)
    if all(_DATE.fullmatch(text) or _NUMBER.fullmatch(text) for text in texts):
        return False
    coded = [any(map(str.isdigit, text)) or _MAIL.fullmatch(text) for text in texts]
    share = np.mean([bool(code) for code in coded])
    return bool(share > 0.95 or len(present) >= _MIN_ROWS_OF_WORDS)


def can_name_rows(cells):
    """Whether a column holds text or whole numbers."""
    if cells.kind == "continuous":
        present = cells.values[~cells.missing]
        return bool((np.abs(present) < _MAX_SERIAL).all() and (present % 1 == 0).all())
    return cells.kind in ("integer", "text")


def _says_so(name):
    called = "" if name is None else str(name)
    return bool(_SAYS_ID.search(called) or _CAMEL_ID.search(called))


def _numbers_name_rows(distinct, n_values, name):
    low, high = min(distinct), max(distinct)
    if _says_so(name):
        return True
    if len(distinct) < n_values or _ORDERS.search(str(name)):
        return False
    if low >= 1500 and high <= 2100:  # years
        return False
    if max(abs(low), abs(high)) > _MAX_SERIAL:
        return not (low >= _NANOSECONDS and high <= 2 * low)
    pairs = n_values * (n_values - 1) / 2
    return pairs >= _COINCIDENCES * (high - low + 1)


@dataclass(frozen=True, eq=False)
class NumberedNames:
    """Names that are a number, perhaps within a text: 17, customer-00017.

    New numbers are above the known ones as long as the dtype has any, then below.

    Attributes
    ----------
    prefix, suffix : str
        Around the number.
    width : int
        Digits that shorter numbers are padded to; 0 for none.
    low, high : int
        Smallest and largest number known.
    least, greatest : int
        What the dtype can hold.
    spread : int
        New numbers are among so many; 0 where they follow one by one.
    is_text : bool
        Whether names are text.
    """

    prefix: str
    suffix: str
    width: int
    low: int
    high: int
    least: int
    greatest: int
    spread: int
    is_text: bool

    def draw(self, n_rows, rng):
        """Draw distinct serial numbers of new names."""
        above = self.greatest - self.high
        rooms = [above + max(self.low, 0), above + self.low - self.least]
        room = rooms[0] if n_rows <= rooms[0] else rooms[1]  # first none below zero
        if self.spread == 0 and n_rows <= room:
            return np.arange(n_rows, dtype=np.float64)
        size = min(max(self.spread, 4 * n_rows), room)
        return distinct_integers(size, n_rows, rng)

    def names(self, serials):
        """Names of serial numbers: an array of int or object."""
        above = self.greatest - self.high
        numbers = [
            self.high + 1 + s
            if s < above
            else max(self.low - 1 - s + above, self.least)
            for s in map(int, serials)
        ]
        if not self.is_text:
            return np.array(numbers, np.uint64 if self.greatest > 2**63 else np.int64)
        return np.array(
            [f"{self.prefix}{n:0{self.width}d}{self.suffix}" for n in numbers] + [None],
            dtype=object,
        )[:-1]


@dataclass(frozen=True, eq=False)
class ShapedNames:
    """Names of the same kinds of characters: UUIDs, hashes, plates, mail addresses.

    Attributes
    ----------
    shapes : tuple of tuple of str
        For each position the characters that may stand there.
    known : ndarray of uint64
        Hashes of the names in the training rows, sorted: these are never drawn.
    """

    shapes: tuple
    known: np.ndarray

    @property
    def sizes(self):
        """Number of names of each shape."""
        return [np.prod([len(chars) for chars in s], dtype=object) for s in self.shapes]

    def draw(self, n_rows, rng):
        """Draw distinct serial numbers of new names."""
        size = min(sum(self.sizes), _MAX_SERIAL)
        # Few names are known, or made twice (by two shapes made longer): if not, again.
        for spare in (n_rows // 8 + 20, n_rows + 4 * len(self.known)):
            serials = distinct_integers(size, min(size, n_rows + spare), rng)
            hashes = _hashes(self.names(serials))
            _, first = np.unique(hashes, return_index=True)
            fresh = np.sort(first[~np.isin(hashes[first], self.known)])
            if len(fresh) >= n_rows:
                return serials[fresh[:n_rows]]
        raise _too_few(len(fresh), n_rows)

    def names(self, serials):
        """Names of serial numbers: an array of objects, each serial another."""
        sizes = self.sizes
        total = sum(sizes)
        # A multiple without a common divisor visits all of them, far from one another.
        stride = total * 618_034 // 1_000_000 | 1
        while gcd(stride, total) != 1:
            stride += 2
        return np.array(
            [self._name(int(s) * stride % total, sizes) for s in serials] + [None],
            dtype=object,
        )[:-1]

    def _name(self, index, sizes):
        shape = 0
        while index >= sizes[shape]:
            index, shape = index - sizes[shape], shape + 1
        letters = []
        for choice in self.shapes[shape]:
            index, k = divmod(index, len(choice))
            letters.append(choice[k])
        return "".join(letters)


def new_names(cells):
    """Learn how to make new names of the pattern of a column of identifiers.

    Returns
    -------
    pattern : NumberedNames or ShapedNames
        `draw` gives serial numbers, `names` what they stand for: no name of the
        training rows.
    """
    present = cells.values[~cells.missing].tolist()
    if cells.kind in ("integer", "continuous"):
        return _numbered("", "", [int(n) for n in present], 0, False, cells.dtype)
    present = list(map(_as_text, present))
    parts = [re.fullmatch(r"(.*?)(\d{1,15})(\D*)", text) for text in present]
    if all(parts) and len({(p[1], p[3]) for p in parts}) == 1:
        widths = {len(p[2]) for p in parts}
        width = widths.pop() if len(widths) == 1 else 0
        numbers = [int(p[2]) for p in parts]
        return _numbered(parts[0][1], parts[0][3], numbers, width, True, "")
    return ShapedNames(_shapes(present), _known(present))


def _numbered(prefix, suffix, numbers, width, is_text, dtype):
    low, high = min(numbers), max(numbers)
    fixed = re.fullmatch(r"(u?int|float)(8|16|32|64)", dtype.lower())
    if fixed and fixed[1] == "float":  # beyond, whole numbers are left out
        greatest = 2 ** {"16": 11, "32": 24}.get(fixed[2], 53)
        least = -greatest
    else:
        limits = np.iinfo(fixed[0] if fixed else np.int64)
        least, greatest = int(limits.min), int(limits.max)
    # counted rows go on being counted; other numbers are as far apart as they were
    spread = 0 if high - low < 1.5 * len(numbers) else high - low
    return NumberedNames(
        prefix=prefix,
        suffix=suffix,
        width=width,
        low=low,
        high=high,
        least=least,
        greatest=greatest,
        spread=min(spread, _MAX_SERIAL),
        is_text=is_text,
    )


def _as_text(cell):
    return cell.decode("latin-1") if isinstance(cell, bytes) else str(cell)


def _known(names):
    return np.unique(_hashes(names))


def _hashes(names):
    digests = [blake2b(str(name).encode(), digest_size=8).digest() for name in names]
    return np.frombuffer(b"".join(digests), dtype=np.uint64)


def _shapes(texts):
    """Characters that may stand at each position, for the commonest shapes."""
    mails = [_MAIL.fullmatch(text) for text in texts]
    if all(mails):
        return (_mail_shape([mail[1] for mail in mails]),)
    if len({len(text) for text in texts}) == 1:
        shapes = [[_choice(set(chars)) for chars in zip(*texts, strict=True)]]
    else:
        counts = {}
        for text in texts:
            shape = tuple(map(_class_of, text))
            counts[shape] = counts.get(shape, 0) + 1
        shapes = sorted(counts, key=counts.get, reverse=True)[:_MAX_SHAPES]
    wanted = max(1000 * len(texts), 10**6)
    return tuple(tuple(_widened(shape, wanted)) for shape in shapes)


def _widened(shape, wanted):
    shape, size = list(shape), np.prod([len(c) for c in shape], dtype=object)
    while size < wanted:
        shape, size = [*shape, "0123456789"], size * 10
    return shape


def _choice(seen):
    if len(seen) == 1:
        return seen.pop()
    for _, chars in _CLASSES:
        if seen <= set(chars):
            return chars
    return "".join(sorted(seen))


def _class_of(char):
    for _, chars in _CLASSES:
        if char in chars and len(chars) in (10, 26):
            return chars
    if char.isalpha():
        return _CLASSES[3][1] if char.islower() else _CLASSES[4][1]
    return char


def _mail_shape(domains):
    """Eight letters at the commonest domain, if many share it: else at example.org."""
    domain = max(sorted(set(domains)), key=domains.count)
    if domains.count(domain) < 0.02 * len(domains) or domains.count(domain) < 5:
        domain = "example.org"
    return (*([_CLASSES[3][1]] * 8), "@", *domain)


def _too_few(size, n_rows):
    return ValueError(
        f"There are {size} new names of the pattern of a column of identifiers, "
        f"{n_rows} were asked for: draw fewer rows at a time, fit to it in a wider "
        "dtype, or leave the column out."
    )


def distinct_integers(size, n_rows, rng):
    """Distinct integers below `size`, in random order, as floats."""
    size = int(size)
    if n_rows > size:
        raise _too_few(size, n_rows)
    if size <= 4 * n_rows:
        return rng.permutation(size)[:n_rows].astype(np.float64)
    found = np.empty(0, dtype=np.int64)
    while len(found) < n_rows:
        more = rng.integers(0, size, size=n_rows + 16)
        found = np.concatenate([found, more])
        _, first = np.unique(found, return_index=True)
        found = found[np.sort(first)]
    return found[:n_rows].astype(np.float64)
