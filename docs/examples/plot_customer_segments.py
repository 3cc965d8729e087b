"""
Customer segments
=================

Which sorts of customers are there, how many of each, and what sets them apart? A
mixture answers with probabilities, chooses how many there are, and places customers of
whom not all is known. :class:`~sklearn_gen.display.ClustersDisplay` shows who is in the
segments.

The two tables are no part of the package: ``wholesale_customers.csv.gz`` (Cardoso 2013,
doi:10.24432/C5030X) holds what 440 shops and restaurants spent in a year, and
``mall_customers.csv.gz`` 200 (probably made-up) visitors of a mall. This script looks
for them in the folder ``tabular`` of the one that the environment variable
``SKLEARN_GEN_DATA`` names. Where the documentation is built without them, this page has
no output.
"""

# %%
# Amounts of money
# ----------------
# Yearly spending by kind of goods, in monetary units. Most customers spend little and a
# few a lot, so the mixture sees logarithms. Inside a pipeline its density is still that
# of the money itself: the scores with and without the logarithms compare.
import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import cross_val_score

from sklearn_gen.compose import BijectiveTransformer, make_generative_pipeline
from sklearn_gen.display import ClustersDisplay
from sklearn_gen.mixture import GaussianMixture, TableMixture

QUICK = os.environ.get("SKLEARN_GEN_DOCS_QUICK") == "1"  # smaller, for the docs' tests
FOLDERS = [os.environ.get("SKLEARN_GEN_DATA"), "../shared/data", "../../../shared/data"]


def read_table(name):
    for folder in filter(None, FOLDERS):
        path = Path(folder, "tabular", name)
        if path.exists():
            return pd.read_csv(path)
    sys.exit(
        f"{name} is missing: set SKLEARN_GEN_DATA to the folder that holds tabular/"
        f"{name}."
    )


shops = read_table("wholesale_customers.csv.gz")
spending = shops.drop(columns=["Channel", "Region"])
log = BijectiveTransformer(np.log, np.exp, lambda x: -np.log(x))
models = {
    "as it is": GaussianMixture("auto", random_state=0),
    "logarithms": make_generative_pipeline(
        log, GaussianMixture("auto", random_state=0)
    ),
}
for name, model in models.items():
    held_out = cross_val_score(model, spending, cv=3 if QUICK else 10).mean()
    n_segments = model.fit(spending).predict_proba(spending).shape[1]
    print(f"{name:10}  {n_segments} segments, {held_out:.2f} nats per row held out")

# %%
# Who they are
# ------------
# Each line is a column, each column a segment, the largest first; colours say how far
# its median is from that of all customers.
display = ClustersDisplay.from_estimator(
    models["logarithms"], spending, average="median", scatter=["Grocery", "Fresh"]
)
display.axes_[2].set(xscale="log", yscale="log")
display.figure_.savefig("plot_customer_segments_wholesale.png", dpi=110)

# %%
# Half of the customers buy fresh and frozen goods, a third groceries, milk and
# detergents; the rest, who buy little that is fresh, are an odd lot. The table also
# says whether a customer is a shop, or a hotel, restaurant or café. The mixture has not
# seen that, and yet its two large segments are nearly these:
channel = shops["Channel"].map({1: "hotel, restaurant, café", 2: "shop"})
print(
    pd.crosstab(models["logarithms"].predict(spending), channel, rownames=["segment"])
)

# %%
# Mixed columns
# -------------
# Visitors of a mall have a gender, an age, an income and a score of what they spend. A
# :class:`~sklearn_gen.mixture.TableMixture` takes the table as it is; the column of
# running numbers it finds to be mere names. Held-out likelihood, by which it would
# choose the number of components, is after the best density and gladly has some more;
# for segments BIC is more sparing. Differences below two hardly count, so of the
# numbers that come so close to the best the largest is taken.
visitors = read_table("mall_customers.csv.gz").rename(columns={"Genre": "Gender"})
families = dict.fromkeys(["Age", "AnnualIncome", "SpendingScore"], "gaussian")
mixtures = {
    k: TableMixture(k, families=families, n_init=3 if QUICK else 10, random_state=0)
    for k in range(1, 9)
}
bic = {k: model.fit(visitors).bic(visitors) for k, model in mixtures.items()}
print(pd.Series(bic, name="BIC").round(1).rename_axis("segments").to_string())
segments = mixtures[max(k for k in bic if bic[k] < min(bic.values()) + 2)]

# %%
# Of categories the display names the level that a segment has more of than the table.
display = ClustersDisplay.from_estimator(
    segments, visitors, scatter=["AnnualIncome", "SpendingScore"]
)
display.figure_.savefig("plot_customer_segments_mall.png", dpi=110)

# %%
# Somebody of whom little is known
# --------------------------------
# Missing cells are left out, exactly: what is known is enough for a guess, and the
# mixture says how good a guess it is.
somebody = pd.DataFrame(
    {
        "CustomerID": None,
        "Gender": ["Male", "Female", None],
        "Age": [25, None, None],
        "AnnualIncome": [None, 90, 90],
        "SpendingScore": [None, None, 15],
    }
)
probabilities = pd.DataFrame(segments.predict_proba(somebody)).add_prefix("segment ")
known = somebody.drop(columns="CustomerID")
print(known.join(probabilities.round(2)).to_string())
plt.show()
