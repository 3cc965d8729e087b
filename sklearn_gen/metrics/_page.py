"""The page of a report: one HTML file with its style and charts inside."""

from html import escape
from typing import NamedTuple

import numpy as np

from sklearn_gen.metrics._charts import (
    bar_chart,
    distance_chart,
    marginal_chart,
    pair_chart,
    roc_chart,
)

# The charts are for looking at: of wide tables those of the columns that differ most.
_MOST_MARGINALS = 60
_MOST_PAIRED = 40
_MOST_TELLING = 10

_LIGHT = """{--back:#fff;--ink:#1f2328;--soft:#59636e;--line:#d1d9e0;--card:#f6f8fa;
--real:#0072b2;--drawn:#d55e00;--fresh:#009e73;color-scheme:light}"""
_DARK = """{--back:#15191f;--ink:#e6edf3;--soft:#9aa7b4;--line:#3a434d;--card:#1e242c;
--real:#56b4e9;--drawn:#f0883e;--fresh:#3fcf9f;color-scheme:dark}"""
# What the reader's system says; of documentation and notebooks, what they say.
_THEMES = f"""
.sg-report{_LIGHT}
@media (prefers-color-scheme:dark){{.sg-report{_DARK}}}
[data-theme=light] .sg-report,[data-jp-theme-light=true] .sg-report{_LIGHT}
[data-theme=dark] .sg-report,[data-jp-theme-light=false] .sg-report{_DARK}"""
_STYLE = """
.sg-report{background:var(--back);color:var(--ink);padding:1.2rem;max-width:74rem;
margin:auto;font:14px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",
sans-serif}
.sg-report h1{font-size:1.5rem;margin:0 0 .2rem}
.sg-report h2{font-size:1.1rem;margin:2rem 0 .4rem;border-bottom:1px solid var(--line)}
.sg-report p{color:var(--soft);margin:.2rem 0 .8rem;max-width:60rem}
.sg-report .remark{color:var(--ink);border-left:3px solid var(--fresh);padding:0 .7rem}
.sg-report table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
.sg-report th,.sg-report td{padding:.28rem .6rem;text-align:right;color:var(--ink);
background:none;border-bottom:1px solid var(--line);vertical-align:top}
.sg-report th:first-child,.sg-report td:first-child,.sg-report th:last-child,
.sg-report td:last-child{text-align:left}
.sg-report td:last-child{color:var(--soft);min-width:16rem}
.sg-report th{color:var(--soft);font-weight:600}
.sg-report th,.sg-report td:not(:last-child){white-space:nowrap}
.sg-report .part th{text-align:left;color:var(--ink);padding-top:.9rem;
text-transform:capitalize}
.sg-report .wide{overflow-x:auto}
.sg-report .grid{display:flex;flex-wrap:wrap;gap:.7rem;align-items:flex-start}
.sg-report figure{margin:0;padding:.6rem;background:var(--card);border-radius:6px;
overflow-x:auto}
.sg-report figcaption{margin-bottom:.3rem;display:flex;gap:1rem;width:0;min-width:100%;
justify-content:space-between}
.sg-report figcaption strong{font-weight:600;overflow:hidden;text-overflow:ellipsis;
white-space:nowrap}
.sg-report figcaption span{font-weight:400;color:var(--soft)}
.sg-report .key{display:inline-block;width:.8em;height:.8em;border-radius:2px;
margin:0 .3em 0 1em}
.sg-report .entry{white-space:nowrap}
.sg-report svg{display:block}
.sg-report svg text{font-size:11px;fill:var(--soft)}
.sg-report .axis{stroke:var(--line);fill:none}
.sg-report .chance{stroke:var(--soft);stroke-dasharray:3 4;fill:none}
.sg-report polyline.synthetic{stroke:var(--drawn);stroke-width:1.8;fill:none}
.sg-report polyline.fresh{stroke:var(--fresh);stroke-width:1.8;fill:none;
stroke-dasharray:6 3}
.sg-report rect.real{fill:var(--real);fill-opacity:.55}
.sg-report rect.drawn,.sg-report rect.pair{fill:var(--drawn)}
.sg-report rect.pair{stroke:var(--line);stroke-width:.5}
"""


class Pictures(NamedTuple):
    """The charts of a report, as SVG."""

    marginals: list  # of (column, similarity, chart), the worst first
    pairs: str | None
    telling: tuple | None  # ROC curve, and columns
    distances: str
    n_columns: int
    has_holdout: bool

    @classmethod
    def draw(cls, columns, real, synthetic, likeness, distances):
        """Draw them.

        Parameters
        ----------
        columns : Columns
            What the tables hold.
        real, synthetic : ndarray of shape (n_rows, n_features)
            The encoded tables.
        likeness : Likeness
            What was found about them.
        distances : tuple
            Distances to the closest record of synthetic and held-out rows, or None.
        """
        marginals, pairs, test = likeness[1:4]
        d = len(columns.names)
        order = np.argsort(marginals.similarity, kind="stable")[:_MOST_MARGINALS]
        off_diagonal = pairs.similarity.sum(axis=0)
        worst = np.sort(np.argsort(off_diagonal, kind="stable")[:_MOST_PAIRED])
        return cls(
            marginals=[
                (
                    str(columns.names[j]),
                    marginals.similarity[j],
                    marginal_chart(columns, j, real[:, j], synthetic[:, j]),
                )
                for j in order
            ],
            pairs=pair_chart(
                [columns.names[j] for j in worst],
                pairs.similarity[np.ix_(worst, worst)],
            )
            if d > 1
            else None,
            telling=None if test is None else _telling_charts(test),
            distances=distance_chart(*distances),
            n_columns=d,
            has_holdout=distances[1] is not None,
        )


def _telling_charts(test):
    most = slice(_MOST_TELLING)
    return roc_chart(test.is_synthetic, test.predictions, test.fold), bar_chart(
        test.columns[most],
        test.importance[most],
        "The most telling columns",
        "AUC lost where it is shuffled",
    )


def page(report):
    """Give a report as a whole document."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<title>Report on a synthetic table</title>"
        "<style>body{margin:0}@media (prefers-color-scheme:dark)"
        "{body{background:#15191f}}</style>"
        f"</head><body>{fragment(report)}</body></html>\n"
    )


def fragment(report):
    """Give a report as one element, for a page or a notebook."""
    pictures = report.pictures
    shown = len(pictures.marginals)
    all_shown = "" if shown == pictures.n_columns else f" The {shown} that differ most."
    sections = [
        f"<h1>Report on a synthetic table</h1><p>{_sizes(report)}</p>",
        *(f'<p class="remark">{escape(remark)}</p>' for remark in report.remarks),
        f'<div class="wide">{_table(report.lines)}</div>',
        "<h2>Columns one by one</h2><p>The numbers are similarities, the lowest first."
        f"{all_shown}{_key('real', 'drawn')}</p>",
        '<div class="grid">',
        *(
            _figure(name, f"{value:.3f}", svg)
            for name, value, svg in pictures.marginals
        ),
        "</div>",
    ]
    if pictures.pairs is not None:
        sections += [
            "<h2>Columns two by two</h2><p>The stronger the colour, the more a "
            "correlation or a contingency table differs from the real one.</p>",
            '<div class="grid">',
            _figure("Pairs", f"mean {report.pairs.score:.3f}", pictures.pairs),
            "</div>",
        ]
    if pictures.telling is not None:
        roc, telling = pictures.telling
        sections += [
            "<h2>What gives synthetic rows away</h2><p>A classifier is shown rows that "
            "it wasn't fitted to. On the diagonal it guesses.</p>",
            '<div class="grid">',
            _figure("ROC curve", f"AUC {report.two_sample.auc:.3f}", roc),
            _figure("Most telling columns", "", telling),
            "</div>",
        ]
    sections += [
        "<h2>Distances to the fitted rows</h2>",
        f"<p>{_DISTANCES[pictures.has_holdout]}",
        _key("drawn", *(["fresh"] if pictures.has_holdout else [])),
        '</p><div class="grid">',
        _figure("Rows within a distance", "", pictures.distances),
        "</div>",
    ]
    style = f"<style>{_THEMES}{_STYLE}</style>"
    return f'<div class="sg-report">{style}{"".join(sections)}</div>'


_DISTANCES = {
    True: "A curve above that of held-out real rows means synthetic rows that are too "
    "near to rows that the model was fitted to.",
    False: "Held-out real rows would show what distances are usual.",
}


def _sizes(report):
    sizes = ", ".join(f"{n:,} {name}" for name, n in report.n_rows.items())
    compared = f", of each up to {report.max_rows:,} compared"
    if max(report.n_rows.values()) <= report.max_rows:
        compared = ""
    columns = f"{report.pictures.n_columns} columns"
    if report.left_out:
        columns += f"; left out, as it only names rows: {listed(report.left_out)}"
    return escape(f"{sizes} rows{compared}; {columns}")


def listed(columns):
    """Names of columns for one line."""
    more = f" and {len(columns) - 5} more" if len(columns) > 5 else ""
    return ", ".join(map(str, columns[:5])) + more


def _key(*kinds):
    names = {"real": "real", "drawn": "synthetic", "fresh": "held-out real"}
    return "".join(
        '<span class="entry"><span class="key" '
        f'style="background:var(--{kind})"></span>{names[kind]}</span>'
        for kind in kinds
    )


def _figure(name, note, svg):
    note = f"<span>{escape(note)}</span>" if note else ""
    name = f'<strong title="{escape(name)}">{escape(name)}</strong>'
    return f"<figure><figcaption>{name}{note}</figcaption>{svg}</figure>"


def _table(lines):
    heads = ("", "value", "held-out real", "interval", "p-value", "better", "")
    rows = ["<tr>" + "".join(f"<th>{h}</th>" for h in heads) + "</tr>"]
    part = None
    for line in lines:
        if line.part != part:
            part = line.part
            rows.append(f'<tr class="part"><th colspan="{len(heads)}">{part}</th></tr>')
        low, high = line.interval
        interval = "" if np.isnan(low) else f"{low:.3f} to {high:.3f}"
        cells = (
            line.metric,
            _shown(line.value),
            _shown(line.fresh),
            interval,
            _p_value(line.p_value),
            line.better,
            line.meaning,
        )
        rows.append("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in cells) + "</tr>")
    return f"<table>{''.join(rows)}</table>"


def _shown(value):
    return "" if np.isnan(value) else f"{value:.3f}"


def _p_value(value):
    if np.isnan(value):
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
