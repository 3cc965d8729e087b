"""What a Gaussian mixture knows before EM: given starts, scales of the columns."""

import numpy as np

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._gaussian import STRUCTURES, GaussianParams
from sklearn_gen._seeding import starting_responsibilities
from sklearn_gen._validation import DegenerateDataWarning, warn
from sklearn_gen.mixture._noise import UniformNoise


class GaussianStarts:
    """What a Gaussian mixture does before its first E-step."""

    def _prepare(self, X, sample_weight, rng, first=True):
        X = super()._prepare(X, sample_weight, rng, first)
        if self.noise is not None:
            box = UniformNoise.around(X)
            box = box if first else box.wider(self._noise)
            self.noise_bounds_ = np.array(box)
        elif first:
            for name in ("noise_bounds_", "noise_weight_"):
                self.__dict__.pop(name, None)
        return X

    @property
    def _noise(self):
        bounds = getattr(self, "noise_bounds_", None)
        return None if bounds is None else UniformNoise(*bounds)

    def _initial_params(self, X, sample_weight, rng):
        weights, means, precisions = check_initial(self, X.shape[1])
        start = None
        if weights is None or means is None or precisions is None:
            start = self._params_from(
                *starting_responsibilities(
                    self.init_params, X, sample_weight, self._start_size(), rng
                )
            )
        if precisions is not None:
            covariances, factors = self._structure.from_precisions(precisions)
        else:
            covariances, factors = start.covariances, start.precisions_cholesky
        if weights is not None:
            weights = weights * (1.0 - (self.noise or 0.0))
        return GaussianParams(
            start.weights if weights is None else weights,
            start.means if means is None else means,
            covariances,
            factors,
            np.zeros(X.shape[1], dtype=bool),
        )

    def _params_from(self, rows, resp):
        stats, centers = gaussian.initial_stats(self._structure, rows, resp)
        params = gaussian.m_step(
            self._structure, stats, centers, self._reg, self._ridge
        )
        share = 1.0 - (self.noise or 0.0)
        return params._replace(weights=share * params.weights)


def check_initial(model, n_features):
    """Validate `weights_init`, `means_init` and `precisions_init` of a model.

    Returns
    -------
    weights, means, precisions : ndarray (float64) or None
        Copies; the parameters themselves are left as they are.

    Raises
    ------
    ValueError
        Naming the parameter, what was received and the rule.
    """
    K, structure = model._start_size(), model._structure
    weights = _as_weights(model.weights_init, "weights_init", K)
    means = as_array(model.means_init, "means_init", (K, n_features))
    shape = structure.shape(K, n_features)
    precisions = as_array(model.precisions_init, "precisions_init", shape)
    if precisions is not None:
        check_definite(precisions, structure.correlated, "precisions_init")
    return weights, means, precisions


def given_parameters(weights, means, covariances, covariance_type):
    """Validate parameters that somebody gives.

    Raises
    ------
    ValueError
        Naming the parameter, what was received and the rule.
    """
    if covariance_type not in STRUCTURES:
        raise ValueError(
            f"covariance_type must be one of {list(STRUCTURES)}, got "
            f"{covariance_type!r}."
        )
    structure = STRUCTURES[covariance_type]
    means = _as_numbers(means, "means")
    if means.ndim != 2 or not means.size:
        raise ValueError(
            f"means must have shape (n_components, n_features), got {means.shape}."
        )
    K, D = means.shape
    means = as_array(means, "means", (K, D))
    weights = _as_weights(_as_numbers(weights, "weights"), "weights", K)
    covariances = _as_numbers(covariances, "covariances")
    covariances = as_array(covariances, "covariances", structure.shape(K, D))
    check_definite(covariances, structure.correlated, "covariances")
    nk = np.maximum(weights, np.finfo(float).eps)
    nearest = structure.estimate(covariances, nk, np.zeros(D), covariances)[0]
    if not np.allclose(nearest, covariances, rtol=1e-5, atol=0):
        raise ValueError(
            f"covariances aren't of covariance_type={covariance_type!r}, whose "
            "components have volume, shape or orientation in common; the nearest that "
            f"are differ by up to {np.abs(nearest - covariances).max():.3g}. Use "
            f"covariance_type={'full' if structure.correlated else 'diag'!r}."
        )
    factors = structure.cholesky(covariances, np.zeros(D))
    return GaussianParams(weights, means, *factors)


def given_responsibilities(resp, n_rows):
    """Validate labels, or responsibilities, that somebody gives: (n_rows, K).

    Raises
    ------
    ValueError
        Naming what was received and the rule.
    """
    resp = _as_numbers(resp, "resp")
    if resp.ndim == 1 and (resp >= 0).all() and (resp == np.floor(resp)).all():
        resp = np.eye(int(resp.max(initial=0)) + 1)[resp.astype(int)]
    right = resp.ndim == 2 and len(resp) == n_rows and resp.shape[1] > 0
    if not right or not ((resp >= 0).all() and np.allclose(resp.sum(axis=1), 1.0)):
        raise ValueError(
            f"resp must be {n_rows} labels from 0 to K - 1, or an array of shape "
            f"({n_rows}, n_components) of non-negative rows that sum to one, got shape "
            f"{resp.shape}."
        )
    return resp


def warn_of_constant_columns(schema, variances):
    """Say that a column has no spread to measure others' rows by."""
    constant = np.flatnonzero(variances == 0)
    if len(constant):
        others = f" and {len(constant) - 1} more" if len(constant) > 1 else ""
        warn(
            f"{schema.label(constant[0])}{others} is constant or never observed: its "
            "spread is taken to be one unit, and the density is high there for that "
            "reason alone. Drop such columns.",
            DegenerateDataWarning,
        )


def _as_weights(value, name, n_components):
    weights = as_array(value, name, (n_components,))
    if weights is not None and not (
        (weights >= 0).all() and np.isclose(weights.sum(), 1.0, rtol=0, atol=1e-6)
    ):
        raise ValueError(
            f"{name} must be non-negative and sum to 1, got "
            f"min {weights.min():g}, sum {weights.sum():g}. Divide by the sum."
        )
    return weights


def as_array(value, name, shape):
    if value is None:
        return None
    array = _as_numbers(value, name)
    if array.shape != shape:
        raise ValueError(
            f"{name} must have shape {shape} (n_components and n_features as given), "
            f"got {array.shape}."
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity.")
    return array


def _as_numbers(value, name):
    try:
        return np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be an array of numbers: {error}.") from error


def check_definite(matrices, correlated, name):
    what = name.removesuffix("_init")
    if not correlated:
        if (matrices <= 0).any():
            inverse = " Precisions are inverse variances." * (what == "precisions")
            raise ValueError(
                f"{name} must be positive, got min {matrices.min():g}.{inverse}"
            )
        return
    for k, matrix in enumerate(np.atleast_3d(matrices.T).T):
        symmetric = np.allclose(matrix, matrix.T)
        if not symmetric or np.linalg.eigvalsh(matrix).min() <= 0:
            inverse = " Precisions are inverse covariances." * (what == "precisions")
            raise ValueError(
                f"{name} must be symmetric and positive definite; matrix {k} is "
                f"not.{inverse}"
            )
