"""Quadrature over heavy tails, and a power transformer with a bounded range."""

import numpy as np
from sklearn.preprocessing import PowerTransformer, StandardScaler


class FixedPower(PowerTransformer):
    """PowerTransformer with lambdas of our choice, to reach bounded ranges."""

    def __init__(self, lambdas=1.0, method="yeo-johnson", standardize=True):
        self.lambdas = lambdas
        super().__init__(method=method, standardize=standardize)

    def fit_transform(self, X, y=None):
        return self.fit(X).transform(X)

    def fit(self, X, y=None):
        super().fit(X)
        self.lambdas_ = np.broadcast_to(self.lambdas, X.shape[1]).astype(float)
        if self.standardize:
            self.standardize = False
            self._scaler = StandardScaler().fit(self.transform(X))
            self.standardize = True
        return self


class Grid:
    """Gauss-Legendre panels over the real line, or over the positive half-line.

    Panels are of constant width in t with x = 3 sinh(t) or x = exp(t), so that power
    laws at infinity (and at zero) are integrated; `edges` are kinks of the density.
    """

    def __init__(self, positive, n_nodes, edges=(), coarse=False):
        reach = 40.0
        core = np.arange(-6, 6.001, 0.3 if coarse else 0.05)
        outer = np.geomspace(6, reach, 12 if coarse else 200)
        self.positive = positive
        t = np.concatenate([-outer, core, outer, self.t(np.asarray(edges))])
        self.edges = np.unique(t)
        nodes, weights = np.polynomial.legendre.leggauss(n_nodes)
        half = np.diff(self.edges)[:, None] / 2
        self.nodes = (self.edges[:-1, None] + half * (1 + nodes)).ravel()
        self.x = np.exp(self.nodes) if positive else 3 * np.sinh(self.nodes)
        slope = self.x if positive else 3 * np.cosh(self.nodes)
        self.weights = (half * weights).ravel() * slope
        self.n_nodes = n_nodes

    def t(self, x):
        return np.log(x) if self.positive else np.arcsinh(np.asarray(x) / 3)

    def panel_edges(self, draws):
        """Four panel edges near quantiles of draws, in t."""
        wanted = self.t(np.quantile(draws, [0.1, 0.35, 0.65, 0.9]))
        return self.edges[np.searchsorted(self.edges, wanted)]

    def integrate(self, density):
        return self.weights @ density

    def cdf(self, density):
        panels = (self.weights * density).reshape(-1, self.n_nodes).sum(axis=1)
        at_edges = np.concatenate([[0.0], np.cumsum(panels)])
        return lambda x: np.interp(self.t(x), self.edges, at_edges)
