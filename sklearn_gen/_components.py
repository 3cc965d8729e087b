"""Which component each row comes from."""

import numpy as np


def draw_components(resp, rng):
    """Draw a component for each row by inverse CDF, so that a row's draw is its own.

    Parameters
    ----------
    resp : ndarray of shape (n_samples, n_components)
        Probabilities of the components, up to a factor per row.
    rng : numpy.random.Generator
        Gives one number per row.

    Returns
    -------
    component : ndarray of shape (n_samples,)
    """
    cumulated = np.cumsum(resp, axis=1, dtype=np.float64)
    at = rng.random(len(resp)) * cumulated[:, -1]
    return np.minimum((cumulated <= at[:, None]).sum(axis=1), resp.shape[1] - 1)
