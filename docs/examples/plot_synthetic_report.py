"""
A synthetic table and its report
================================

A table of persons may not leave the house; rows drawn from a model of it may, if they
are like the real ones, useful in their place, and no copies of them.
:func:`~sklearn_gen.metrics.generative_report` judges all three on one page.

The table is Adult (Becker and Kohavi 1996, doi:10.24432/C5XW20): age, education, work
and income of persons of a census, numbers and categories, some missing. It isn't part
of the package: this script looks for ``adult_train.csv.gz`` in the folder ``tabular``
of the one that the environment variable ``SKLEARN_GEN_DATA`` names. Where the
documentation is built without it, this page has no output.
"""

# %%
# Two halves
# ----------
# One half of the rows is for the model. The other shows what fresh real rows would
# score, tests models trained on synthetic rows, and is what nobody can have copied.
import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklearn_gen.metrics import generative_report
from sklearn_gen.mixture import TableMixture

QUICK = os.environ.get("SKLEARN_GEN_DOCS_QUICK") == "1"  # smaller, for the docs' tests
FOLDERS = [os.environ.get("SKLEARN_GEN_DATA"), "../shared/data", "../../../shared/data"]
FILE = Path("tabular", "adult_train.csv.gz")
found = [Path(folder) / FILE for folder in FOLDERS if folder]
found = [path for path in found if path.exists()]
if not found:
    sys.exit(f"{FILE} wasn't found: set SKLEARN_GEN_DATA to the folder above it.")
table = pd.read_csv(found[0])
if QUICK:
    table = table.sample(4000, random_state=0)
table = table.sample(frac=1.0, random_state=0).reset_index(drop=True)
real, holdout = table[: len(table) // 2], table[len(table) // 2 :]
print(real.head().to_string())

# %%
# The model
# ---------
# A mixture finds its size, its smoothing and the family of each column by rows held
# out. Draws have the columns and dtypes of the table, and with
# ``reproduce_missing=True`` its gaps: whose class of work is missing has no occupation
# either, and so it is among the draws.
model = TableMixture(max_components=64 if QUICK else 512, random_state=0, n_jobs=2)
model.fit(real)
synthetic = model.sample(len(real), reproduce_missing=True, random_state=1)
print(f"{model.n_components_} components")
print(synthetic.head().to_string())
gaps = {"real": real.isna().mean(), "synthetic": synthetic.isna().mean()}
print(pd.DataFrame(gaps).query("real > 0").round(3).to_string())

# %%
# The report
# ----------
# ``target`` is a column to predict from the others. In a notebook the report shows
# itself, as below; ``report.to_html("report.html")`` writes the page to a file that
# needs nothing else, to be sent along with the synthetic table.
report = generative_report(
    real, synthetic, holdout, target="income", max_rows=2000 if QUICK else 8000
)
report  # noqa: B018

# %%
# The column "fresh" has the values of the held-out rows: nothing that was drawn from
# the same distribution could do better.
frame = report.to_frame()
print(frame[["value", "fresh", "low", "high", "p_value"]].round(3).to_string())

# %%
# A copy
# ------
# What the report is for: a "model" that repeats real rows, each with one cell replaced
# from another row. It is hardly told from the real table, and useful. The distances
# give it away.
rng = np.random.default_rng(0)
copies = real.copy()
changed = rng.integers(copies.shape[1], size=len(copies))
for j, name in enumerate(copies.columns):
    rows = np.flatnonzero(changed == j)
    others = rng.integers(len(real), size=len(rows))
    copies.iloc[rows, j] = real[name].to_numpy()[others]
copied = generative_report(
    real, copies, holdout, target="income", max_rows=2000 if QUICK else 8000
).to_frame()
both = pd.DataFrame({"mixture": frame["value"], "copies": copied["value"]})
both["fresh rows"] = frame["fresh"]
print(both.round(3).to_string())

# %%
# In one picture
# --------------
names = [
    "marginal similarity",
    "pair similarity",
    "detection score",
    "coverage",
    "closest record share",
    "membership AUC",
]
figure, ax = plt.subplots(figsize=(9, 4), layout="constrained")
both.loc[names, ["mixture", "copies"]].plot.barh(ax=ax, color=["tab:orange", "tab:red"])
ax.plot(
    both.loc[names, "fresh rows"], range(len(names)), "k|", ms=16, label="fresh rows"
)
ax.plot([0.5, 0.5], [3.5, 5.5], "k:", lw=1)  # as near to rows that were not fitted
ax.invert_yaxis()
ax.set(
    xlim=(0, 1),
    ylabel="",
    title="Like the real rows (above), and not too near to them (below)",
)
ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=3)
figure.savefig("plot_synthetic_report.png", dpi=110)
plt.show()
