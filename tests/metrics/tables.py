"""Tables that the tests of the metrics share."""

import numpy as np
import pandas as pd


def mixed_table(n_rows, seed, *, missing=0.0, shift=0.0):
    """Numbers, integers, booleans, strings and dates, some of which go together."""
    rng = np.random.default_rng(seed)
    age = rng.normal(40.0 + shift, 12.0, n_rows)
    job = rng.choice(["baker", "carpenter", "nurse"], n_rows, p=[0.5, 0.3, 0.2])
    table = pd.DataFrame(
        {
            "age": age,
            "children": rng.poisson(1.5, n_rows),
            "job": job,
            "works": rng.random(n_rows) < 1 / (1 + np.exp((age - 55) / 5)),
            "income": rng.lognormal(10.0, 0.5, n_rows) * (1 + (job == "nurse")),
            "since": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(rng.integers(0, 1000, n_rows), unit="D"),
        }
    )
    for name in ("age", "job"):
        table.loc[rng.random(n_rows) < missing, name] = None
    return table
