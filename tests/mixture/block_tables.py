"""Tables of numbers that correlate within two kinds of rows, and models of them."""

import numpy as np
import pandas as pd

from sklearn_gen.mixture import TableMixture

BLOCK = ["weight", "height", "girth"]


def table(n=600, seed=0, share=0.0):
    """Two kinds of rows; numbers that correlate within a kind, each in its own way."""
    rng = np.random.default_rng(seed)
    kind = rng.random(n) < 0.4
    z = rng.normal(size=(n, 3))
    z[:, 1] += np.where(kind, 1.5, -1.0) * z[:, 0]
    z[:, 2] += 0.7 * z[:, 0] - z[:, 1]
    frame = pd.DataFrame(z * [2.0, 30.0, 0.1] + [1e4, 0.0, -3.0], columns=BLOCK)
    frame["girth"] += 0.2 * kind
    frame.insert(1, "pet", np.where(rng.random(n) < 0.2 + 0.6 * kind, "cat", "dog"))
    frame.insert(3, "age", rng.gamma(np.where(kind, 2.0, 9.0)))
    return frame.mask(rng.random(frame.shape) < share)


HOLES = table(share=0.25, seed=1)


def fitted(X=HOLES, n_components=2, **parameters):
    defaults = {"gaussian_block": BLOCK, "smoothing": 0.5, "tol": 1e-5}
    defaults |= {"families": "gamma", "random_state": 0, "max_iter": 200}
    if isinstance(X, pd.DataFrame) and "pet" in X:
        defaults["families"] = {"age": "gamma"}
    return TableMixture(n_components, **(defaults | parameters)).fit(X)
