"""
Screening tumours: p-values, false alarms and missing cells
===========================================================

A detector's score says which rows come first. A clinic asks other questions: how many
healthy people will be called back, and how many of those called back are ill? With a
calibrated detector both can be answered before the first patient comes, whatever the
distribution of the measurements is.
"""

# %%
# Nothing but healthy rows to learn from
# --------------------------------------
# Ten measurements of breast tumours. The model sees benign ones only: 250, of which the
# detector keeps half apart from the fit to calibrate. The other 107 benign ones and 20
# malignant ones are the patients to come. A few patients are a matter of luck, so all
# is repeated with other choices of them.
import os

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer

from sklearn_gen.mixture import AdaptiveKernelDensity
from sklearn_gen.outlier import ConformalOutlierDetector, DensityOutlierDetector

QUICK = os.environ.get("SKLEARN_GEN_DOCS_QUICK") == "1"  # smaller, for the docs' tests
N_REPEATS = 10 if QUICK else 100
measurements, target = load_breast_cancer(return_X_y=True, as_frame=True)
measurements = measurements.filter(like="mean ").rename(columns=lambda name: name[5:])
benign, malignant = measurements[target == 1], measurements[target == 0]


def patients(seed):
    """Benign rows to learn from; patients to come; True for the ill among them."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(benign))
    ill = malignant.iloc[rng.choice(len(malignant), 20, replace=False)]
    to_come = pd.concat([benign.iloc[order[250:]], ill])
    return benign.iloc[order[:250]], to_come, np.arange(len(to_come)) >= 107


def with_gaps(rows, share, seed):
    """The rows, with a share of their cells not observed."""
    hidden = np.random.default_rng(seed).random(rows.shape) < share
    return rows.mask(hidden)


# %%
# Three ways to draw the line
# ---------------------------
# *A share of the training rows* below the line is what most detectors offer, and these
# are the very rows that the model was fitted to. (A density given to the detector is
# judged so; ``regime="novelty"`` goes by rows held out instead.) *A p-value*
# of at most 0.05 is one benign tumour in twenty, by a theorem. *Selection* looks at all
# patients together and promises that of those called back at most a tenth are benign,
# on average.
#
# Every rule is tried on complete tables and with 20 % of all cells missing, in the rows
# to learn from and in those to judge.
density = DensityOutlierDetector(regime="novelty", random_state=0)
trusting = DensityOutlierDetector(
    AdaptiveKernelDensity(random_state=0), contamination=0.05
)
results, p_values = [], []
for gaps in (0.0, 0.2):
    for seed in range(N_REPEATS):
        learned, to_come, is_ill = patients(seed)
        learned, to_come = (
            with_gaps(learned, gaps, seed),
            with_gaps(to_come, gaps, 1000 + seed),
        )
        plain = trusting.fit(learned)
        conformal = ConformalOutlierDetector(
            density, ties="randomized", level=0.05, random_state=seed
        ).fit(learned)
        if gaps == 0:
            p_values.append(conformal.p_values(to_come))
        called = {
            "5 % of the training rows": plain.predict(to_come) == -1,
            "p-value of at most 0.05": conformal.predict(to_come) == -1,
            "selection at a rate of 0.1": conformal.select(to_come, fdr=0.1),
        }
        for rule, rows in called.items():
            results.append(
                {
                    "rule": rule,
                    "missing cells": f"{gaps:.0%}",
                    "false alarms": rows[~is_ill].mean(),
                    "ill found": rows[is_ill].mean(),
                    "benign among the called": rows[~is_ill].sum() / max(rows.sum(), 1),
                }
            )
results = pd.DataFrame(results)
groups = results.groupby(["rule", "missing cells"], sort=False)
means, errors = groups.mean(), groups.sem()
print(f"Means over {N_REPEATS} choices of the patients")
print((100 * means).round(1).astype(str).add(" %").to_string())
print("Standard errors, in per cent:")
print((100 * errors.max()).round(1).to_string())

# %%
# The share of the training rows was meant to be a rate of false alarms, and is several
# times that: the model follows the rows it knows, and new ones surprise it. P-values
# compare new rows with rows that were new, too, and keep their 5 %; missing cells cost
# power, not validity. Selection is the strictest, because its promise is about those
# called back, of whom few would be ill to begin with.
#
# In one picture
# --------------
# P-values of the benign patients are uniform, so each of the bars holds as many. Those
# of the ill are small.
p_values = np.array(p_values)
figure, (left, right) = plt.subplots(ncols=2, figsize=(11, 4.2), layout="constrained")
bins = np.linspace(0, 1, 21)
for rows, label, color in (
    (~is_ill, "benign", "tab:blue"),
    (is_ill, "malignant", "tab:red"),
):
    share = np.full(p_values[:, rows].size, 1 / p_values[:, rows].size)
    left.hist(
        p_values[:, rows].ravel(),
        bins,
        weights=share,
        alpha=0.6,
        color=color,
        label=label,
    )
left.axhline(0.05, color="black", linestyle=":", label="uniform")
left.set(xlabel="p-value", ylabel="share of the patients", title="Complete tables")
left.legend()

rules = list(called)
for k, (gaps, color) in enumerate({"0%": "tab:blue", "20%": "tab:orange"}.items()):
    shown = means.xs(gaps, level="missing cells").loc[rules]
    places = np.arange(len(rules)) + 0.36 * k - 0.18
    right.barh(places, shown["ill found"], 0.32, color=color, alpha=0.5)
    right.plot(shown["false alarms"], places, "o", color="black")
    right.plot(shown["benign among the called"], places, "D", color="tab:red")
    right.barh(0, 0, color=color, alpha=0.5, label=f"ill found, {gaps} missing")
right.plot([], [], "o", color="black", label="false alarms among the benign")
right.plot([], [], "D", color="tab:red", label="benign among the called")
right.set_yticks(range(len(rules)), rules)
right.set(xlim=(0, 1), title="What the rules do")
right.invert_yaxis()
right.legend(loc="upper center", bbox_to_anchor=(0.4, -0.08), ncols=2)
figure.savefig("plot_screening.png", dpi=110)
plt.show()
