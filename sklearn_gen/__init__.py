"""Generative models as scikit-learn estimators.

Every model learns p(x) with ``fit``, gives its natural logarithm with
``score_samples`` (nats per row) and draws from it with ``sample``.

Submodules are loaded when they are first used: importing :mod:`sklearn_gen` loads no
torch, no matplotlib and compiles nothing.
"""

import importlib

__version__ = "0.1.0.dev0"

# The public submodules, in the order of the API reference. Families and wrappers add
# themselves here and nowhere else.
_PUBLIC_MODULES = (
    "mixture",
    "copula",
    "hmm",
    "rbm",
    "compose",
    "constraints",
    "outlier",
    "classifier",
    "imputer",
    "resampler",
    "regressor",
    "model_selection",
    "metrics",
    "display",
    "testing",
)
_PUBLIC_NAMES = {
    "GenerativeModel": "base",
    "DegenerateDataWarning": "base",
    "DiscreteColumnWarning": "base",
    "all_estimators": "_discovery",
    "trusted_types": "_discovery",
}

__all__ = ["__version__", *_PUBLIC_MODULES, *_PUBLIC_NAMES]


def __getattr__(name):
    if name in _PUBLIC_MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _PUBLIC_NAMES:
        module = importlib.import_module(f"{__name__}.{_PUBLIC_NAMES[name]}")
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
