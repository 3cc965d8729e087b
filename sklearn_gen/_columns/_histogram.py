"""Histogram family: adaptive bins whose inside is shared by all components."""

import numpy as np

from sklearn_gen._columns._tabulated import UNSEEN_MASS, Tabulated

# A bin's share of repeated values leans on that of all bins by so many rows.
_SHARE_ROWS = 3.0
# Gaps within a bin less probable than this are no chance.
_CHANCE = 1e-4
# The outermost bins hold at least so many distinct values, so that none is singled out.
_FEWEST = 3


def default_bins(n_rows):
    """Bins for so many rows: 2 n^(1/3) balances bias and noise; at most 64.

    More than 64 don't raise held-out likelihoods of mixtures on tables of up to 50,000
    rows: components share what bins would say.
    """
    return int(np.clip(np.round(2.0 * n_rows ** (1.0 / 3.0)), 4, 64))


class Histogram(Tabulated):
    """Bins of about equal mass; values that repeat often have bins of their own.

    The outermost bins are halved, again and again, where values thin out.

    Without resolution the density within a bin is uniform. With one, a bin's mass is
    spread over its cells, partly evenly and partly as repeated values have it; values
    that came once count for nothing there, so none is singled out (absolute
    discounting, the share chosen by leave-one-out likelihood). Beyond the bins on
    either side lies an exponential tail of mass 5e-7.
    """

    name = "histogram"

    @classmethod
    def from_values(
        cls, x, sample_weight=None, resolution=0.0, n_bins=None, lower=-np.inf
    ):
        """Choose bins from the values of a column, none of which is below `lower`."""
        family = cls()
        values, inverse = np.unique(x, return_inverse=True)
        counts = np.bincount(inverse, sample_weight, len(values)).astype(float)
        values, counts = values[counts > 0], counts[counts > 0]
        if len(values) == 0:
            values, counts = np.zeros(1), np.ones(1)
        family.resolution = float(resolution)
        total = counts.sum()
        n_bins = default_bins(total) if n_bins is None else n_bins
        if resolution > 0.0:
            family.edges = _cell_edges(values, counts, n_bins, resolution)
        else:
            family.base_measure = "lebesgue"
            edges = _quantile_edges(values, counts, n_bins)
            family.edges = np.append(max(edges[0], lower), edges[1:])
        family.edges = _finer_ends(family.edges, values, counts, family.resolution)
        family.edges = _around_gaps(family.edges, values, family.resolution)
        bins = np.searchsorted(family.edges, values, side="right") - 1
        bins = bins.clip(0, len(family.edges) - 2)
        family._share_within(values, counts, bins)
        mass = np.bincount(bins, counts, len(family.edges) - 1)
        # Gaps between values are a little possible.
        mass[mass == 0.0] = min(0.5, 1e-3 * total)
        unseen = np.zeros(len(mass) + 2)
        unseen[-2:] = UNSEEN_MASS / 2.0
        family._describe(np.append(mass, [0.0, 0.0]), unseen)
        return family

    def _share_within(self, values, counts, bins):
        width = np.diff(self.edges)
        if self.resolution == 0.0:
            self._even = -np.log(width)
            self._repeated, self._peaks = np.empty(0), np.empty(0)
            self._share = np.zeros(len(width))
            self._cumulative = np.empty(0)
            return
        cells = np.maximum(1.0, np.round(width / self.resolution))
        surplus = np.maximum(counts - 1.0, 0.0)
        in_bin = np.bincount(bins, surplus, len(width))
        share = _repeated_share(counts, bins, in_bin, cells)
        self._share = np.where((in_bin > 0.0) & (cells > 1.0), share, 0.0)
        self._even = np.log1p(-self._share) - np.log(cells)
        peak = (surplus > 0.0) & (self._share[bins] > 0.0)
        self._repeated = values[peak]
        self._weights = surplus[peak] / in_bin[bins[peak]]
        own = self._share[bins[peak]] * self._weights
        self._peaks = np.log(own + np.exp(self._even[bins[peak]]))
        self._cumulative = np.cumsum(self._weights)
        self._first = np.searchsorted(bins[peak], np.arange(len(width)))
        self._before = np.append(0.0, self._cumulative)[self._first]

    def code(self, x):
        """Bin; the last two codes are below and above all bins."""
        n_bins = len(self.edges) - 1
        code = np.searchsorted(self.edges, x, side="right") - 1
        code = np.where(x == self.edges[-1], n_bins - 1, code)
        return np.where(code < 0, n_bins, np.where(code >= n_bins, n_bins + 1, code))

    def offset(self, x):
        """Log density, or log mass of the cell, given the bin."""
        n_bins, code = len(self.edges) - 1, self.code(x)
        inside = code < n_bins
        offset = self._even[np.where(inside, code, 0)]
        if len(self._repeated):
            place = self._nearest(x)
            hit = np.abs(self._repeated[place] - x) < self.resolution / 2.0
            offset = np.where(hit & inside, self._peaks[place], offset)
        span = self.edges[-1] - self.edges[0]
        beyond = np.where(code == n_bins, self.edges[0] - x, x - self.edges[-1])
        tail = -np.maximum(beyond, 0.0) / span - np.log(span)
        if self.resolution > 0.0:
            tail = tail + np.log(min(self.resolution, span))
        return np.where(inside, offset, tail)

    def _nearest(self, x):
        place = np.searchsorted(self._repeated, x - self.resolution / 2.0)
        return np.minimum(place, len(self._repeated) - 1)

    def draw_within(self, code, rng):
        """A value within each bin, on the grid if there is one."""
        n_bins = len(self.edges) - 1
        inside = np.where(code < n_bins, code, 0)
        u = rng.random(len(code))
        low, high = self.edges[inside], self.edges[inside + 1]
        x = self._on_grid(low, high, u)
        if len(self._repeated):
            again = rng.random(len(code)) < self._share[inside]
            target = self._before[inside] + u
            place = np.searchsorted(self._cumulative, target, side="right")
            last = np.append(self._first[1:], len(self._repeated))[inside] - 1
            place = np.clip(place, 0, len(self._repeated) - 1)
            x = np.where(again, self._repeated[np.minimum(place, last)], x)
        # Tails have too little mass to matter: what falls there is put at the ends.
        x = np.where(code == n_bins, self._on_grid(low, high, 0.0 * u), x)
        top = self.edges[-2:]
        return np.where(code > n_bins, self._on_grid(top[0], top[1], 1.0 - 0 * u), x)

    @property
    def peaks(self):
        """Log density, or log mass, of `typical` values given their codes."""
        even = np.append(self._even, [-np.inf, -np.inf])
        np.maximum.at(even, self.code(self._repeated), self._peaks)
        return even

    def typical(self, code):
        """The most probable value of each bin, else its middle, on the grid if any."""
        inside = np.minimum(code, len(self.edges) - 2)
        half = np.full(len(inside), 0.5)
        middle = self._on_grid(self.edges[inside], self.edges[inside + 1], half)
        if not len(self._repeated):
            return middle
        order = np.argsort(self._peaks, kind="stable")
        highest = np.full(self.n_codes, -1)
        highest[self.code(self._repeated[order])] = order  # the last one stays
        found = highest[inside]
        return np.where(found >= 0, self._repeated[found], middle)

    def _on_grid(self, low, high, u):
        if self.resolution == 0.0:
            return low + u * (high - low)
        cells = np.maximum(1.0, np.round((high - low) / self.resolution))
        cell = np.minimum(np.floor(u * cells), cells - 1.0)
        return low + (cell + 0.5) * self.resolution

    def within_cdf(self, x):
        """P(X <= x | bin)."""
        n_bins, code = len(self.edges) - 1, self.code(x)
        inside = np.where(code < n_bins, code, 0)
        low, high = self.edges[inside], self.edges[inside + 1]
        upto = np.minimum(x + self.resolution / 2.0, high)
        even = np.clip((upto - low) / (high - low), 0.0, 1.0)
        if len(self._repeated):
            place = np.searchsorted(
                self._repeated, x + self.resolution / 2.0, side="right"
            )
            sums = np.append(0.0, self._cumulative)[place] - self._before[inside]
            share = self._share[inside]
            even = share * np.clip(sums, 0.0, 1.0) + (1.0 - share) * even
        span = self.edges[-1] - self.edges[0]
        below = np.exp(np.minimum(x - self.edges[0], 0.0) / span)
        above = -np.expm1(-np.maximum(x - self.edges[-1], 0.0) / span)
        return np.where(
            code == n_bins, below, np.where(code == n_bins + 1, above, even)
        )

    @property
    def _order(self):
        n_bins = len(self.edges) - 1
        return np.concatenate([[n_bins], np.arange(n_bins), [n_bins + 1]])

    def ppf(self, q, params, component):
        """Smallest value whose cumulative probability reaches q, by bisection."""
        q, component = np.asarray(q, dtype=float), np.asarray(component)
        shares = np.exp(params.log_p[self._order])[:, component]
        below = np.cumsum(shares, axis=0)
        place = np.minimum((below < q).sum(axis=0), len(shares) - 1)
        column = np.arange(len(q))
        bin_ = np.clip(place - 1, 0, len(self.edges) - 2)
        rest = q - below[place, column] + shares[place, column]
        rest = np.clip(rest / shares[place, column], 0.0, 1.0)
        low, high = self.edges[bin_], self.edges[bin_ + 1]
        if self.resolution == 0.0:
            return low + rest * (high - low)
        cells = np.maximum(1.0, np.round((high - low) / self.resolution))
        first, last = np.zeros(len(q)), cells - 1.0
        for _ in range(int(np.ceil(np.log2(cells.max(initial=1.0)))) + 1):
            middle = np.floor((first + last) / 2.0)
            enough = self.within_cdf(low + (middle + 0.5) * self.resolution) >= rest
            last = np.where(enough, middle, last)
            first = np.where(enough, first, np.minimum(middle + 1.0, last))
        return low + (last + 0.5) * self.resolution

    def mean(self, params):
        """Mean of every component, without its tails."""
        middle = (self.edges[:-1] + self.edges[1:]) / 2.0
        if len(self._repeated):
            first = self._repeated[0]  # sums of differences, so as to lose no digits
            sums = np.cumsum(self._weights * (self._repeated - first))
            sums = np.diff(np.append(0.0, sums)[np.append(self._first, len(sums))])
            middle += np.where(
                self._share > 0.0, self._share * (first + sums - middle), 0.0
            )
        shares = np.exp(params.log_p[:-2])
        shares /= shares.sum(axis=0)
        return middle[0] + (middle - middle[0]) @ shares


def _cell_edges(values, counts, n_bins, resolution):
    """Edges on boundaries of cells; frequent values have a cell to themselves."""
    total, half = counts.sum(), resolution / 2.0
    frequent = counts > total / (2.0 * n_bins)
    rest = counts * ~frequent
    n_rest = min(n_bins, default_bins(rest.sum())) if rest.any() else 1
    passed = np.floor(np.cumsum(rest) / (max(rest.sum(), 1e-300) / n_rest))
    cut = np.flatnonzero(np.diff(passed) > 0) + 1
    edges = np.concatenate(
        [
            [values[0] - half, values[-1] + half],
            values[frequent] - half,
            values[frequent] + half,
            values[cut[~frequent[cut]]] + half,
        ]
    )
    # the same boundary may come from two neighbours
    steps = np.unique(np.round((edges - edges[0]) / resolution))
    return edges[0] + steps * resolution


def _quantile_edges(values, counts, n_bins):
    """Edges midway between values, about equal counts between them."""
    if len(values) == 1:
        return values[0] + np.array([-0.5, 0.5]) * max(abs(values[0]) * 1e-3, 1e-3)
    cumulative = np.cumsum(counts)
    passed = np.floor(cumulative * n_bins / cumulative[-1])
    passed[-1] = passed[-2]  # the last value is in the last bin, with others
    cut = np.flatnonzero(np.diff(passed) > 0)
    inner = (values[cut] + values[cut + 1]) / 2.0
    # half a typical spacing beyond the outermost values
    size = max(1, len(values) // n_bins)
    first = (values[size] - values[0]) / (2.0 * size)
    last = (values[-1] - values[-1 - size]) / (2.0 * size)
    edges = np.concatenate([[values[0] - first], inner, [values[-1] + last]])
    return np.unique(edges)


def _finer_ends(edges, values, counts, resolution):
    """Cut the outermost bins at their medians while they thin out.

    Evenly spread, the last 64th of a heavy-tailed column is far heavier than it is:
    balances at a bank would be drawn with 2.5 times their deviation.
    """
    added = [np.empty(0)]
    for sign in (1.0, -1.0):
        beyond = np.searchsorted(values, edges[1 if sign < 0 else -2])
        own, mass = (x[:beyond] if sign < 0 else x[beyond:] for x in (values, counts))
        own, mass = (own, mass) if sign > 0 else (-own[::-1], mass[::-1])
        inner, outer = edges[-2:] if sign > 0 else -edges[1::-1]
        while len(own) >= 2 * _FEWEST:
            lean = (inner + outer) / 2.0 - own @ mass / mass.sum()
            if lean < 2.0 * (outer - inner) / np.sqrt(12.0 * len(own)):
                break
            half = np.searchsorted(np.cumsum(mass), mass.sum() / 2.0) + 1
            if len(own) - half < _FEWEST:
                break
            inner = own[half - 1] + resolution / 2.0
            if resolution == 0.0:
                inner = (own[half - 1] + own[half]) / 2.0
            added.append(np.array([sign * inner]))
            own, mass = own[half:], mass[half:]
    cut = np.concatenate(added)
    if resolution > 0.0:
        cut = edges[0] + np.round((cut - edges[0]) / resolution) * resolution
    return np.unique(np.append(edges, cut))


def _around_gaps(edges, values, resolution):
    """Edges at both ends of gaps that values spread evenly in their bin wouldn't have.

    A bin across the gap between two groups of values would fill it with draws. Parts
    of fewer than three values join the next bin, so that none is singled out.
    """
    start = np.searchsorted(values, edges)
    start[-1], last = len(values), len(edges) - 2
    wide = np.diff(edges) > 1.5 * resolution
    added, dropped = [], []
    for b in range(1, last):  # not the tails
        own = values[start[b] : start[b + 1]]
        if len(own) < 4:
            continue
        gaps = np.diff(own)
        at, span = int(gaps.argmax()), own[-1] - own[0]
        rest = 1.0 - gaps[at] / span
        if len(gaps) * rest ** (len(gaps) - 1) > _CHANCE:
            continue
        few = [side for side, n in ((0, at + 1), (1, len(own) - at - 1)) if n < _FEWEST]
        beside = [b + 2 * side - 1 for side in few]
        if not wide[beside].all():
            continue
        margin = resolution / 2.0 or rest * span / (2.0 * len(gaps))
        added += [own[at] + margin, own[at + 1] - margin]
        dropped += [b + side for side in few]
    return np.unique(np.append(np.delete(edges, dropped), added))


def _repeated_share(counts, bins, surplus, cells):
    """Share of each bin that follows its repeated values, by leave-one-out likelihood.

    Every bin leans on all bins' share, as if by so many rows of it.
    """
    again = np.maximum(counts - 2.0, 0.0) / np.maximum(surplus[bins] - 1.0, 1.0)
    even, inside = 1.0 / cells[bins], cells[bins] > 1.0
    counts, again, even, bins = (x[inside] for x in (counts, again, even, bins))
    if not again.any():
        return np.zeros(len(cells))
    rows, overall, share = np.bincount(bins, counts, len(cells)), 0.5, 0.5

    def from_repeats(share):
        repeated = counts * share * again
        return repeated / (share * again + (1.0 - share) * even)

    for _ in range(30):  # EM of a two-component mixture with one unknown
        overall = from_repeats(overall).sum() / counts.sum()
    share = np.full(len(cells), overall)
    for _ in range(30):  # and with one in each bin
        own = np.bincount(bins, from_repeats(share[bins]), len(cells))
        share = (own + _SHARE_ROWS * overall) / (rows + _SHARE_ROWS)
    return np.clip(share, 0.0, 0.99)
