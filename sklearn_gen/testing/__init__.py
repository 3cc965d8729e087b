"""The contract of the library as checks that any estimator can be put through.

One file for each group of checks; `_traits` decides from capabilities which apply.
"""

from sklearn_gen.testing._suite import (
    check_generative_model,
    generative_checks,
    parametrize_with_generative_checks,
)

__all__ = [
    "check_generative_model",
    "generative_checks",
    "parametrize_with_generative_checks",
]
