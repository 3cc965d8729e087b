"""What the first use in a process costs. Imports nothing: imports are timed too."""

import time
import warnings


def times():
    """Seconds of importing the mixture, then wall and CPU seconds of its first fit."""
    import numba  # noqa: F401
    import sklearn.cluster  # noqa: F401

    start = time.perf_counter()
    from sklearn_gen.mixture import GaussianMixture

    imported = time.perf_counter() - start
    import numpy as np

    X = np.random.default_rng(0).normal(size=(1000, 5))
    warnings.simplefilter("ignore")
    start, cpu = time.perf_counter(), time.process_time()
    GaussianMixture(3, random_state=0).fit(X)
    return imported, time.perf_counter() - start, time.process_time() - cpu
