"""The lines of a report: which metrics, of which tables, and what each one means."""

from typing import NamedTuple

import numpy as np

from sklearn_gen.metrics._coverage import precision_recall_density_coverage
from sklearn_gen.metrics._marginals import marginal_similarity
from sklearn_gen.metrics._pairs import pair_similarity
from sklearn_gen.metrics._privacy import (
    closest_record_distances,
    closest_record_share,
    exact_copy_share,
    membership_auc,
    neighbor_distance_ratios,
)
from sklearn_gen.metrics._tables import UndefinedMetricError, take
from sklearn_gen.metrics._two_sample import classifier_two_sample_test
from sklearn_gen.metrics._usefulness import train_synthetic_test_real


class Line(NamedTuple):
    """One metric of a report."""

    part: str  # "likeness", "usefulness" or "privacy"
    metric: str
    value: float
    better: str
    meaning: str
    fresh: float = np.nan  # the same of held-out real rows
    p_value: float = np.nan
    interval: tuple = (np.nan, np.nan)


class Tables(NamedTuple):
    """The tables to compare, and how."""

    real: object
    synthetic: object
    holdout: object  # or None
    features: object
    n_jobs: int | None
    rng: np.random.Generator

    @property
    def options(self):
        """Keywords of every metric."""
        return {"categorical_features": self.features}

    def sized(self, *tables):
        """Cut tables to the size of the smallest."""
        n = min(len(table) for table in tables)
        return [sample(table, n, self.rng) for table in tables]


class Likeness(NamedTuple):
    """What compares distributions."""

    lines: list
    marginals: tuple
    pairs: tuple
    two_sample: tuple | None
    remarks: list


def sample(table, n_rows, rng):
    """At most `n_rows` rows, drawn at random, in their order."""
    if len(table) <= n_rows:
        return table
    return take(table, np.sort(rng.choice(len(table), n_rows, replace=False)))


def likeness(tables, estimator, n_neighbors):
    """Compare the distributions; of held-out rows too."""

    def compare(others):
        marginals = marginal_similarity(
            tables.real, others, random_state=tables.rng, **tables.options
        )
        pairs = pair_similarity(tables.real, others, **tables.options)
        try:
            test = classifier_two_sample_test(
                tables.real,
                others,
                estimator,
                random_state=tables.rng,
                **tables.options,
            )
        except UndefinedMetricError:
            test = None
        return marginals, pairs, test

    def cover(real, others):
        return precision_recall_density_coverage(
            real,
            others,
            n_neighbors=n_neighbors,
            n_jobs=tables.n_jobs,
            **tables.options,
        )

    marginals, pairs, test = compare(tables.synthetic)
    fresh_scores, fresh_coverage = [np.nan] * 4, [np.nan] * 4
    if tables.holdout is None:
        coverage = cover(*tables.sized(tables.real, tables.synthetic))
    else:
        m, p, t = compare(tables.holdout)
        fresh_scores = [m.score, p.score, *_told_apart(t)]
        real, synthetic, holdout = tables.sized(*tables[:3])
        coverage, fresh_coverage = cover(real, synthetic), cover(real, holdout)
    # Of several p-values the smallest, times their number (Bonferroni).
    worst = min(1.0, len(marginals.p_value) * marginals.p_value.min())
    auc, detection = _told_apart(test)
    scores = [
        ("marginal similarity", marginals.score, "higher", _MARGINAL, worst),
        ("pair similarity", pairs.score, "higher", _PAIR, np.nan),
        ("two-sample AUC", auc, "0.5", _AUC, test.p_value if test else np.nan),
        ("detection score", detection, "higher", _DETECTION, np.nan),
    ]
    lines = [
        Line("likeness", name, value, better, meaning, fresh, p_value)
        for (name, value, better, meaning, p_value), fresh in zip(
            scores, fresh_scores, strict=True
        )
        if not np.isnan(value)  # one column has no pairs, few rows no test
    ]
    lines += [
        Line("likeness", name, value, "higher", meaning, fresh)
        for name, value, meaning, fresh in zip(
            coverage._fields, coverage, _COVERAGE, fresh_coverage, strict=True
        )
    ]
    remarks = [] if test else [_NO_TEST]
    return Likeness(lines, marginals, pairs, test, remarks)


def _told_apart(test):
    return (np.nan, np.nan) if test is None else (test.auc, test.detection_score)


def usefulness(tables, target):
    """Train on synthetic, test on real: lines, and why there are none."""
    if target is None:
        return [], []
    if tables.holdout is None:
        return [], [_NO_HOLDOUT]
    try:
        found = train_synthetic_test_real(
            *tables[:3], target, random_state=tables.rng, **tables.options
        )
    except UndefinedMetricError as error:
        return [], [f"Usefulness is not judged. {error}"]
    lines = [
        Line(
            "usefulness",
            f"{found.metric}, trained on {kind}",
            getattr(found, kind),
            "higher",
            f"A model of {target!r} trained on {kind} rows, tested on held-out ones.",
            interval=getattr(found, f"{kind}_interval"),
        )
        for kind in ("synthetic", "real")
    ]
    return lines, []


def missing_remarks(real, synthetic):
    """Say that no cell was drawn missing where real ones are.

    Parameters
    ----------
    real, synthetic : ndarray of shape (n_rows, n_features)
        The encoded tables.

    Returns
    -------
    remarks : list of str
    """
    if np.isnan(real).any() and not np.isnan(synthetic).any():
        return [_NO_GAPS.format(np.isnan(real).mean())]
    return []


def privacy(tables, whole):
    """Distances, copies and membership: lines, and the distances for a chart.

    Records to be near to are those of the whole tables, `whole`: among some of them, a
    copy would mostly miss what it copied. Only the rows that ask are some.
    """
    near = {"n_jobs": tables.n_jobs, **tables.options}
    real, synthetic, holdout = whole
    kinds = [1] if holdout is None else [1, 2]
    copies = [exact_copy_share(real, whole[k], **tables.options) for k in kinds]
    ratios = [
        np.quantile(neighbor_distance_ratios(real, tables[k], **near), 0.05)
        for k in kinds
    ]
    distances = [closest_record_distances(real, tables[k], **near) for k in kinds]
    fresh = [np.nan] if holdout is None else []
    lines = [
        Line("privacy", "exact copy share", *_spread(copies, "lower", _COPIES, fresh)),
        Line("privacy", "neighbor distance ratio, 5 % quantile",
             *_spread(ratios, "as fresh", _RATIOS, fresh)),
    ]  # fmt: skip
    if holdout is None:
        return lines, (distances[0], None)
    fitted, held_out = tables.sized(real, holdout)
    share = closest_record_share(
        fitted, tables.synthetic, held_out, random_state=tables.rng, **near
    )
    attack = membership_auc(
        -closest_record_distances(synthetic, tables.real, **near),
        -closest_record_distances(synthetic, tables.holdout, **near),
    )
    lines += [
        Line("privacy", "closest record share", share.share, "0.5", _SHARE,
             p_value=share.p_value),
        Line("privacy", "membership AUC", attack.auc, "0.5", _MEMBERSHIP,
             p_value=attack.p_value, interval=attack.interval),
    ]  # fmt: skip
    return lines, tuple(distances)


def _spread(values, better, meaning, fresh):
    value, fresh = (*values, *fresh)
    return float(value), better, meaning, float(fresh)


_NO_TEST = (
    "The two-sample test is left out: there are too few different rows to show some of "
    "them to a classifier and judge it by others."
)
_NO_HOLDOUT = (
    "Usefulness is not judged: models of the target are tested on real rows that are "
    "given as holdout."
)
_NO_GAPS = (
    "{:.1%} of the real cells are missing and none of the synthetic ones, which gives "
    "those away: a TableMixture draws gaps too with sample(n, reproduce_missing=True)."
)
_MARGINAL = (
    "Columns one by one: 1 minus the largest difference of distribution functions, or "
    "half the sum of differences of shares. P-value: of the worst column, corrected "
    "for their number."
)
_PAIR = "Columns two by two: correlations and contingency tables."
_AUC = "A classifier tells synthetic from real rows: 0.5 is guessing, 1 certainty."
_DETECTION = "The same as 1 - (2 AUC - 1): 1 where they can't be told apart."
_COVERAGE = (
    "Synthetic rows that lie where real ones do.",
    "Real rows that lie where synthetic ones do.",
    "How many real neighbourhoods a synthetic row lies in, relative to what is usual.",
    "Real rows with a synthetic row in their neighbourhood.",
)
_COPIES = "Synthetic rows that equal a row the model was fitted to in every cell."
_RATIOS = (
    "Distance to the closest over that to the second closest fitted row: far below "
    "that of fresh rows, single records shine through."
)
_SHARE = (
    "Synthetic rows closer to fitted rows than to as many held-out rows: above 0.5, "
    "the model remembers its rows."
)
_MEMBERSHIP = (
    "Whether a fitted row is known by a synthetic row near it: 0.5 is guessing."
)
