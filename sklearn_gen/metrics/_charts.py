"""The charts of a report: marginals, pairs, the two-sample test, distances."""

import numpy as np

from sklearn_gen.metrics._svg import Chart, shortened, ticks

_N_BINS = 24
_MOST_LEVELS = 8


def marginal_chart(columns, j, real, synthetic):
    """Histograms, or bars of the shares of levels, of one column of both tables.

    Parameters
    ----------
    columns : Columns
        What the column holds.
    j : int
        Which column.
    real, synthetic : ndarray of shape (n_rows,)
        Its encoded cells.

    Returns
    -------
    svg : str
    """
    draw = _levels if columns.is_level[j] else _numbers
    return draw(columns, j, real, synthetic)


def _numbers(columns, j, real, synthetic):
    cells = [c[~np.isnan(c)] for c in (real, synthetic)]
    # The bulk: one wild value must not make the rest one bar. What is beyond counts in
    # the first and last bin.
    ends = np.array([np.quantile(c, [0.005, 0.995]) for c in cells])
    low, high = ends[:, 0].min(), ends[:, 1].max()
    edges = (
        np.linspace(low, high, _N_BINS + 1) if high > low else [low - 0.5, low + 0.5]
    )
    if columns.schema.kinds[j] != "continuous" and high - low < _N_BINS:
        edges = np.arange(np.floor(low), np.ceil(high) + 2) - 0.5
    shares = [
        np.histogram(np.clip(c, edges[0], edges[-1]), edges)[0] / len(all_cells)
        for c, all_cells in zip(cells, (real, synthetic), strict=True)
    ]
    name = columns.names[j]
    chart = Chart(
        (edges[0], edges[-1]),
        (0, max(s.max() for s in shares)),
        width=230,
        height=130,
        title=f"Histogram of {name}, real and synthetic",
        left=10,
        bottom=18,
    )
    for left, right, share in zip(edges[:-1], edges[1:], shares[0], strict=True):
        chart.bar(left, right, 0, share, "real", f"real: {share:.1%}")
    chart.steps(edges, shares[1], "synthetic")
    at = ticks(edges[0], edges[-1])
    labels = None
    if columns.schema.kinds[j] in ("datetime", "timedelta"):
        at = [low, high] if high > low else [low]
        labels = _as_stored(columns, j, at)
    chart.x_ticks(at, labels)
    return chart.svg()


def _as_stored(columns, j, ends):
    """Show dates or durations as the table does, as finely as they differ."""
    table = columns.schema.select(np.array([j])).decode(np.array(ends)[:, None])
    cells = table.iloc[:, 0] if hasattr(table, "iloc") else table[:, 0]
    texts = [str(cell).replace("T", " ") for cell in cells]
    if columns.schema.kinds[j] == "timedelta":
        return [text.partition(".")[0] for text in texts]
    # The day if that differs, else the minute, else the time of that day.
    for part in (slice(10), slice(16), slice(11, 19), slice(11, 26)):
        if len({text[part] for text in texts}) == len(texts):
            break
    return [text[part] for text in texts]


def _levels(columns, j, real, synthetic):
    levels = [*columns.levels[j], "missing"]
    shares = [
        np.bincount(
            np.where(np.isnan(c), len(levels) - 1, c).astype(int), minlength=len(levels)
        )
        / len(c)
        for c in (real, synthetic)
    ]
    order = np.argsort(-np.add(*shares), kind="stable")
    order = [k for k in order if shares[0][k] + shares[1][k] > 0]
    shown, rest = order[:_MOST_LEVELS], order[_MOST_LEVELS:]
    rows = [(levels[k], shares[0][k], shares[1][k]) for k in shown]
    if rest:
        rows.append(
            (f"{len(rest)} others", shares[0][rest].sum(), shares[1][rest].sum())
        )
    largest = max(max(r[1:]) for r in rows)
    chart = Chart(
        (0, largest),
        (0, len(rows)),
        width=230,
        height=max(60, 16 * len(rows) + 24),
        title=f"Shares of the levels of {columns.names[j]}, real and synthetic",
        left=92,
        bottom=18,
    )
    labels = shortened([level for level, _, _ in rows], 14)
    for k, (level, share, other) in enumerate(rows):
        y = len(rows) - k
        chart.bar(0, share, y - 0.5, y - 0.1, "real", f"{level}, real: {share:.1%}")
        chart.bar(
            0, other, y - 0.9, y - 0.5, "drawn", f"{level}, synthetic: {other:.1%}"
        )
        chart.text(0, y - 0.5, labels[k], "end", dx=-5, dy=4)
    at = ticks(0, largest, 2)
    chart.x_ticks(at, [f"{value:.0%}" for value in at])
    return chart.svg()


def pair_chart(names, similarity):
    """Matrix of the similarities of pairs: strong colours where they differ.

    Parameters
    ----------
    names : list of str
        The columns.
    similarity : ndarray of shape (n_columns, n_columns)
        Between 0 and 1.

    Returns
    -------
    svg : str
    """
    d = len(names)
    cell = 26 if d <= 16 else 16
    left, bottom = 130, 20 + 5 * min(16, max(len(str(name)) for name in names))
    chart = Chart(
        (0, d),
        (0, d),
        width=left + cell * d + 8,
        height=6 + cell * d + bottom,
        title="Similarity of pairs of columns",
        left=left,
        bottom=bottom,
    )
    rows, below = shortened(names, 18), shortened(names, 16)
    for i in range(d):
        for j in range(i):
            value = similarity[i, j]
            # Full colour at 0.6: the worst that is common.
            strength = min(1.0, (1.0 - value) / 0.4)
            a, b = chart.place(j, d - i)
            chart.parts.append(
                f'<rect class="pair" fill-opacity="{strength:.2f}" x="{a:.1f}" '
                f'y="{b:.1f}" width="{cell - 1}" height="{cell - 1}"><title>'
                f"{_safe(names[i])}, {_safe(names[j])}: {value:.3f}</title></rect>"
            )
        chart.text(0, d - i - 0.5, rows[i], "end", dx=-6, dy=4)
        a, b = chart.place(i + 0.5, 0)
        chart.parts.append(
            f'<text x="{a:.1f}" y="{b + 8:.1f}" text-anchor="end" '
            f'transform="rotate(-50 {a:.1f} {b + 8:.1f})">'
            f"{_safe(below[i])}</text>"
        )
    return chart.svg()


def _safe(text):
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def roc_chart(is_synthetic, predictions, fold):
    """Curve of the two-sample test: the mean of the folds' ROC curves.

    Parameters
    ----------
    is_synthetic, predictions, fold : ndarray of shape (n_rows,)
        As :func:`classifier_two_sample_test` returns them.

    Returns
    -------
    svg : str
    """
    grid = np.linspace(0, 1, 101)
    curves = []
    for f in range(fold.max() + 1):
        real, drawn = (
            np.sort(predictions[(fold == f) & (is_synthetic == kind)])
            for kind in (False, True)
        )
        thresholds = np.unique(np.concatenate([real, drawn]))
        rates = [
            np.r_[1.0 - np.searchsorted(s, thresholds, "left") / len(s), 0.0][::-1]
            for s in (real, drawn)
        ]
        curves.append(np.interp(grid, *rates))
    chart = Chart(
        (0, 1), (0, 1), width=280, height=260, title="ROC curve of the two-sample test"
    )
    chart.line([0, 1], [0, 1], "chance")
    chart.line(grid, np.mean(curves, axis=0), "synthetic")
    chart.x_ticks([0, 0.5, 1], label="real rows called synthetic")
    chart.y_ticks([0, 0.5, 1])
    return chart.svg()


def bar_chart(names, values, title, label):
    """Horizontal bars, the first on top.

    Parameters
    ----------
    names : list of str
        Labels.
    values : ndarray
        Lengths; negative ones are drawn as 0.
    title, label : str
        What it is, and what its axis is.

    Returns
    -------
    svg : str
    """
    largest = max(float(np.max(values)), 0.01)
    chart = Chart(
        (0, largest),
        (0, len(names)),
        width=340,
        height=20 * len(names) + 46,
        title=title,
        left=140,
        bottom=36,
    )
    for k, (name, value) in enumerate(zip(shortened(names, 20), values, strict=True)):
        y = len(names) - k
        chart.bar(0, max(value, 0.0), y - 0.85, y - 0.15, "drawn", f"{value:.4f}")
        chart.text(0, y - 0.5, name, "end", dx=-6, dy=4)
    chart.x_ticks(ticks(0, largest, 3), label=label)
    return chart.svg()


def distance_chart(synthetic, holdout):
    """Share of rows within each distance of their closest real record.

    Parameters
    ----------
    synthetic : ndarray of shape (n_synthetic,)
        Distances of the synthetic rows.
    holdout : ndarray of shape (n_holdout,) or None
        Those of fresh real rows.

    Returns
    -------
    svg : str
    """
    curves = [(synthetic, "synthetic")]
    if holdout is not None:
        curves.insert(0, (holdout, "fresh"))
    far = max(np.quantile(values, 0.99) for values, _ in curves) or 1.0
    chart = Chart(
        (0, far), (0, 1), width=340, height=260, title="Distances to the closest record"
    )
    shares = np.linspace(0, 1, 201)
    for values, kind in curves:
        at = np.quantile(values, shares)
        inside = at <= far
        chart.line(np.r_[0, at[inside]], np.r_[0, shares[inside]], kind)
    chart.x_ticks(ticks(0, far), label="distance to the closest real row")
    chart.y_ticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    return chart.svg()
