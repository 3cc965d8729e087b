"""A small chart in SVG: what a page needs that must open anywhere, without matplotlib.

Colours and fonts are classes that the page's style sheet knows, so that one chart suits
light and dark pages.
"""

from html import escape
from math import ceil, floor, log10

import numpy as np

_LEFT, _RIGHT, _TOP, _BOTTOM = 42, 8, 6, 30


class Chart:
    """A chart with linear axes.

    Parameters
    ----------
    x, y : tuple of two floats
        Ranges of the axes.
    width, height : int
        Size in pixels, of which the margins are taken.
    title : str
        What a reader who can't see it hears.
    left, bottom : int
        Margins for tick labels.
    """

    def __init__(self, x, y, *, width, height, title, left=_LEFT, bottom=_BOTTOM):
        self.x, self.y = _wide(x), _wide(y)
        self.width, self.height, self.title = width, height, title
        self.box = (left, width - _RIGHT, height - bottom, _TOP)
        self.parts = []

    def place(self, x, y):
        """Pixels of points."""
        left, right, bottom, top = self.box
        (x0, x1), (y0, y1) = self.x, self.y
        return (
            left + (np.asarray(x, dtype=float) - x0) / (x1 - x0) * (right - left),
            bottom + (np.asarray(y, dtype=float) - y0) / (y1 - y0) * (top - bottom),
        )

    def line(self, x, y, kind):
        """Draw a polyline."""
        points = " ".join(
            f"{a:.1f},{b:.1f}" for a, b in zip(*self.place(x, y), strict=True)
        )
        self.parts.append(f'<polyline class="{kind}" points="{points}"/>')

    def steps(self, edges, heights, kind):
        """Draw the outline of a histogram."""
        self.line(
            np.repeat(edges, 2), np.concatenate([[0], np.repeat(heights, 2), [0]]), kind
        )

    def bar(self, x0, x1, y0, y1, kind, note=""):
        """Draw a rectangle between two corners; `note` shows where the mouse is."""
        (a, b), (c, d) = self.place([x0, x1], [y0, y1])
        note = f"<title>{escape(note)}</title>" if note else ""
        self.parts.append(
            f'<rect class="{kind}" x="{min(a, b):.1f}" y="{min(c, d):.1f}" '
            f'width="{abs(b - a):.1f}" height="{abs(d - c):.1f}">{note}</rect>'
        )

    def text(self, x, y, text, anchor="middle", dx=0, dy=0):
        """Write at a point of the axes, moved by some pixels."""
        a, b = self.place(x, y)
        self.parts.append(
            f'<text x="{a + dx:.1f}" y="{b + dy:.1f}" text-anchor="{anchor}">'
            f"{escape(str(text))}</text>"
        )

    def x_ticks(self, at, labels=None, label=""):
        """Write tick labels below the axis, inside the picture, and what it is."""
        self.line(self.x, [self.y[0]] * 2, "axis")
        at = list(at)
        for value, text in zip(at, labels or numbers(at), strict=True):
            x = self.place(value, 0)[0]
            half = 3.2 * len(text)  # about, of the page's font
            inside = min(max(x, half + 2), self.width - half - 2)
            self.text(value, self.y[0], text, dx=inside - x, dy=13)
        if label:
            self.text(np.mean(self.x), self.y[0], label, dy=26)

    def y_ticks(self, at, labels=None):
        """Write tick labels left of the axis."""
        for value, text in zip(at, labels or numbers(at), strict=True):
            self.text(self.x[0], value, text, "end", dx=-5, dy=4)

    def svg(self):
        """Give the chart as SVG."""
        size = f'viewBox="0 0 {self.width} {self.height}" width="{self.width}"'
        title = escape(self.title, quote=True)
        return (
            f'<svg {size} height="{self.height}" role="img" aria-label="{title}">'
            + "".join(self.parts)
            + "</svg>"
        )


def _wide(limits):
    low, high = (float(v) for v in limits)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def ticks(low, high, count=4):
    """Round numbers between two others, at most `count` of them."""
    if not high > low:
        return [low]
    power = 10.0 ** floor(log10((high - low) / count))
    for factor in (1, 2, 5, 10):
        step = factor * power
        first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
        if last - first < count:
            break
    return [step * i + 0.0 for i in range(first, last + 1)]  # no -0.0


def numbers(values):
    """Write numbers in few characters, but so many that different ones look so."""
    values = np.array(values, dtype=float)
    largest = np.abs(values).max()
    gaps = np.diff(np.unique(values))
    # Steps are round: what is left beyond is rounding.
    close = 1e-3 * (gaps.min() if len(gaps) else largest)
    plain = largest == 0.0 or 1e-3 <= largest < 1e7
    for digits in range(17):
        texts = [f"{value:.{digits}{'f' if plain else 'e'}}" for value in values]
        if (np.abs(values - list(map(float, texts))) <= close).all():
            break
    return texts if plain else list(map(_scientific, texts))


def _scientific(text):
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if float(mantissa) else "0"


def shortened(texts, length):
    """Cut the ends off long labels, or the starts where those alone differ."""
    texts = list(map(str, texts))
    cut = [t if len(t) <= length else t[: length - 1] + "…" for t in texts]
    if len(set(cut)) < len(set(texts)):
        cut = [t if len(t) <= length else "…" + t[1 - length :] for t in texts]
    return cut
