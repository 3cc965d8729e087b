"""GenerativeReport: every metric of a synthetic table, and charts to explain it."""

import importlib
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from textwrap import fill, indent

from sklearn_gen._columns import as_array, container_of
from sklearn_gen._validation import as_generator
from sklearn_gen.metrics import _lines
from sklearn_gen.metrics._naming import leave_out_names
from sklearn_gen.metrics._page import Pictures, fragment, listed, page
from sklearn_gen.metrics._tables import encode_tables


@dataclass(frozen=True, eq=False, repr=False)
class GenerativeReport:
    """What :func:`generative_report` found: a table of metrics, and a page of charts.

    Parameters
    ----------
    lines : tuple of named tuples
        One per metric: `part`, `metric`, `value`, `better`, `meaning`, `fresh`,
        `p_value` and `interval`.
    marginals : named tuple
        What :func:`marginal_similarity` returned.
    pairs : named tuple
        What :func:`pair_similarity` returned.
    two_sample : named tuple
        What :func:`classifier_two_sample_test` returned; None where there are too few
        different rows for it.
    n_rows : dict
        Rows of each table.
    max_rows : int
        How many of them were compared, at most.
    pictures : named tuple
        The charts of the page, as SVG.
    left_out : tuple
        Columns that only name rows, by name or index.
    remarks : tuple
        Sentences: what could not be said and why, and what to do about cells that are
        never missing.
    """

    lines: tuple
    marginals: tuple
    pairs: tuple
    two_sample: tuple | None
    n_rows: dict
    max_rows: int
    pictures: Pictures
    left_out: tuple = ()
    remarks: tuple = ()

    def to_frame(self):
        """Give the metrics as a table.

        Returns
        -------
        frame : pandas.DataFrame
            Index: the metric. Columns: `value`; `fresh`, the value of held-out real
            rows in place of the synthetic ones; the interval's `low` and `high`;
            `p_value`; `better`, the direction; `meaning`. NaN where there is none.

        Raises
        ------
        ImportError
            If pandas is missing.
        """
        try:
            pandas = importlib.import_module("pandas")
        except ImportError as error:
            raise ImportError(
                "to_frame needs pandas: python -m pip install pandas."
            ) from error
        rows = [
            {
                "metric": line.metric,
                "value": line.value,
                "fresh": line.fresh,
                "low": line.interval[0],
                "high": line.interval[1],
                "p_value": line.p_value,
                "better": line.better,
                "meaning": line.meaning,
            }
            for line in self.lines
        ]
        return pandas.DataFrame(rows).set_index("metric")

    def to_html(self, path=None):
        """Write the report as one page that needs nothing else: no network, no script.

        Parameters
        ----------
        path : str, path or None, default=None
            File to write, in UTF-8.

        Returns
        -------
        html : str
            The page.
        """
        html = page(self)
        if path is not None:
            Path(path).write_text(html, encoding="utf-8")
        return html

    def _repr_html_(self):
        return fragment(self)

    def __repr__(self):
        sizes = ", ".join(f"{n} {name}" for name, n in self.n_rows.items())
        width = max(len(line.metric) for line in self.lines)
        lines = [f"  {x.metric:{width}}  {x.value:.3f}" for x in self.lines]
        head = [f"GenerativeReport of {sizes} rows"]
        if self.left_out:
            head.append(f"  left out, only names rows: {listed(self.left_out)}")
        said = [indent(fill(remark, 77), "  ") for remark in self.remarks]
        return "\n".join(head + lines + said)


def generative_report(
    real,
    synthetic,
    holdout=None,
    *,
    target=None,
    max_rows=10_000,
    estimator=None,
    n_neighbors=5,
    categorical_features="from_dtype",
    identifiers="auto",
    n_jobs=None,
    random_state=0,
):
    """Judge a synthetic table by all metrics at once.

    Parameters
    ----------
    real : array-like of shape (n_real, n_features)
        Real rows that the model was fitted to.
    synthetic : array-like of shape (n_synthetic, n_features)
        Rows that it drew.
    holdout : array-like of shape (n_holdout, n_features) or None, default=None
        Real rows that it didn't see. Without them nothing can be said of usefulness
        and little of privacy, and there is nothing to compare the values with.
    target : str, int or None, default=None
        A column that is predicted from the others, by models trained on real and on
        synthetic rows.
    max_rows : int, default=10_000
        Of each table at most this many rows are compared, drawn at random. Privacy
        compares so many with all rows of the other table, and copies are looked for
        among all.
    estimator : classifier or None, default=None
        That of the two-sample test; None means HistGradientBoostingClassifier.
    n_neighbors : int, default=5
        The k of precision, recall, density and coverage.
    categorical_features : "from_dtype", list or mask, default="from_dtype"
        Which columns are categories: those of such a dtype, or names or indices.
    identifiers : "auto", list, mask or None, default="auto"
        Columns that only name rows, by name, index or mask: left out, as they tell real
        from synthetic rows whatever the model, but for the target; the report says
        which. "auto" finds those of nearly distinct numbers or codes in `real`, None
        compares all. In arrays the others are counted anew.
    n_jobs : int or None, default=None
        Threads of the distances; None means 1, -1 all cores.
    random_state : None, int, RandomState or Generator, default=0
        Seed of the rows drawn, of the folds and of the permutations.

    Returns
    -------
    report : GenerativeReport
        Shown as a page by notebooks; `to_frame` gives the numbers, `to_html` writes the
        page.

    Raises
    ------
    ValueError
        If the tables have different columns, too few rows, columns that are all
        missing, or infinities; if there is no such target; or if all columns only name
        rows.

    See Also
    --------
    marginal_similarity : The metrics it is made of, from here on.

    Notes
    -----
    With held-out rows, likeness has a second value: that of held-out real rows in place
    of the synthetic ones. Nothing drawn from the same distribution does better, so it
    is what to compare with. Tables are cut to equal sizes where sizes matter.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn_gen.metrics import generative_report
    >>> from sklearn_gen.mixture import GaussianMixture
    >>> rows = np.random.default_rng(0).normal(size=(300, 2)) @ [[1.0, 0.9], [0.0, 0.4]]
    >>> real, holdout = rows[:150], rows[150:]
    >>> model = GaussianMixture(random_state=0).fit(real)
    >>> report = generative_report(
    ...     real, model.sample(150), holdout, estimator=GaussianNB()
    ... )
    >>> print(f"{report.to_frame().loc['closest record share', 'value']:.2f}")
    0.51
    """
    if not isinstance(max_rows, Integral) or max_rows < 20:
        raise ValueError(
            f"max_rows must be an integer of at least 20, got {max_rows!r}."
        )
    rng = as_generator(random_state)
    given = {"real": real, "synthetic": synthetic, "holdout": holdout}
    given = {
        name: table if container_of(table) != "numpy" else as_array(table)
        for name, table in given.items()
        if table is not None
    }
    given, categorical_features, target, left_out = leave_out_names(
        given, identifiers, categorical_features, target
    )
    some = {name: _lines.sample(t, int(max_rows), rng) for name, t in given.items()}
    columns, *encoded = encode_tables(categorical_features, min_rows=20, **some)
    tables = _lines.Tables(
        some["real"],
        some["synthetic"],
        some.get("holdout"),
        categorical_features,
        n_jobs,
        rng,
    )
    likeness = _lines.likeness(tables, estimator, n_neighbors)
    whole = given["real"], given["synthetic"], given.get("holdout")
    privacy, distances = _lines.privacy(tables, whole)
    gaps = _lines.missing_remarks(*encoded[:2])
    useful, unsaid = _lines.usefulness(tables, target)
    names = {"holdout": "held-out"}
    return GenerativeReport(
        lines=(*likeness.lines, *useful, *privacy),
        marginals=likeness.marginals,
        pairs=likeness.pairs,
        two_sample=likeness.two_sample,
        n_rows={names.get(name, name): len(table) for name, table in given.items()},
        max_rows=int(max_rows),
        pictures=Pictures.draw(columns, *encoded[:2], likeness, distances),
        left_out=left_out,
        remarks=(*gaps, *likeness.remarks, *unsaid),
    )
