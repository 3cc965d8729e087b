"""What a check is: a function of an estimator, and the estimators it applies to."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

from sklearn.base import clone

# All checks, in the order in which their modules are imported.
ALL_CHECKS = []


@dataclass(frozen=True)
class Check:
    """One named demand on estimators.

    Attributes
    ----------
    name : str
        Name of the function; cases of a table add theirs in square brackets.
    function : callable
        Called with a fresh clone of the estimator; raises AssertionError.
    applies_to : callable
        Says from capabilities whether an estimator must meet the demand.
    """

    name: str
    function: Callable = field(repr=False)
    applies_to: Callable = field(repr=False)

    def __call__(self, estimator):
        """Run the check on a clone of `estimator`."""
        with warnings.catch_warnings():
            # Convergence and degenerate data are no subject of most checks; those of
            # which they are record warnings themselves.
            warnings.simplefilter("ignore", UserWarning)
            # numpy's overflow, division by zero, mean of nothing: never on purpose.
            warnings.simplefilter("error", RuntimeWarning)
            self.function(clone(estimator))


def check(*predicates):
    """Register the decorated function for estimators that meet all `predicates`."""

    def register(function):
        ALL_CHECKS.append(
            Check(function.__name__, function, lambda est: _all(predicates, est))
        )
        return function

    return register


def check_each(cases, *predicates):
    """Register the decorated function once for each case of a table.

    A case has a `name` and `applies_to`; the function is called with the estimator
    and the case.
    """

    def register(function):
        ALL_CHECKS.extend(
            Check(
                f"{function.__name__}[{case.name}]",
                lambda est, case=case: function(est, case),
                lambda est, case=case: _all((*predicates, case.applies_to), est),
            )
            for case in cases
        )
        return function

    return register


def _all(predicates, estimator):
    return all(predicate(estimator) for predicate in predicates)
