"""Run the checks that apply to an estimator, all at once or as pytest cases."""

from sklearn_gen.testing import (  # noqa: F401  each registers its checks
    capabilities,
    containers,
    degenerate,
    density,
    draws,
    malformed,
    partial_fit,
    seeds,
    state,
    weights,
)
from sklearn_gen.testing._check import ALL_CHECKS


def generative_checks(estimator):
    """List the checks that apply to `estimator`.

    Parameters
    ----------
    estimator : estimator instance
        Unfitted; its capabilities (tags, methods, parameters) choose the checks, its
        class doesn't.

    Returns
    -------
    checks : list of callables
        Each has a `name` and is called with an estimator, of which it fits clones;
        it raises AssertionError where the contract is broken.

    Examples
    --------
    >>> from sklearn_gen.mixture import GaussianMixture
    >>> from sklearn_gen.testing import generative_checks
    >>> checks = generative_checks(GaussianMixture())
    >>> checks[0](GaussianMixture())
    """
    if isinstance(estimator, type):
        raise TypeError(
            f"Checks need an instance, got the class {estimator.__name__}: "
            f"pass {estimator.__name__}()."
        )
    return [check for check in ALL_CHECKS if check.applies_to(estimator)]


def check_generative_model(estimator, *, on_fail="raise"):
    """Check that a model keeps the contract of the library.

    Among others: the density integrates to one, draws match scores, conditional draws
    match marginal scores, integer weights equal repeated rows, the same seed gives
    the same bytes for any `n_jobs`, inputs and global state stay untouched, models
    survive pickle and skops, and malformed input gets its documented error. It goes
    beyond :func:`sklearn.utils.estimator_checks.check_estimator`, which it doesn't
    repeat.

    Parameters
    ----------
    estimator : estimator instance
        Any estimator with `score_samples`: a model, a pipeline, an outlier detector.
        Nothing of it is changed; its capabilities choose the checks.
    on_fail : {"raise", None}, default="raise"
        Whether the first broken promise raises or all are collected.

    Returns
    -------
    results : list of dict
        One for each check, with keys "check_name", "status" ("passed" or "failed")
        and "exception" (None where passed).

    Raises
    ------
    AssertionError
        At the first check that fails, if `on_fail="raise"`.

    See Also
    --------
    parametrize_with_generative_checks : The same checks as pytest cases.

    Notes
    -----
    Statistical checks have a fixed seed and a false-alarm rate of 1e-5 each. Some
    checks are offered only where pandas, polars or skops are installed.

    Examples
    --------
    >>> from sklearn_gen.outlier import DensityOutlierDetector
    >>> from sklearn_gen.testing import check_generative_model
    >>> results = check_generative_model(DensityOutlierDetector(), on_fail=None)
    >>> [r["check_name"] for r in results if r["status"] == "failed"]
    []
    """
    if on_fail not in ("raise", None):
        raise ValueError(f"on_fail must be 'raise' or None, got {on_fail!r}.")
    results = []
    for check in generative_checks(estimator):
        failure = None
        try:
            check(estimator)
        except Exception as error:
            if on_fail == "raise":
                error.add_note(f"in {check.name} of {estimator!r}")
                raise
            failure = error
        results.append(
            {
                "check_name": check.name,
                "status": "passed" if failure is None else "failed",
                "exception": failure,
            }
        )
    return results


def parametrize_with_generative_checks(estimators, *, expected_failed_checks=None):
    """Make a pytest case of each estimator and check.

    Parameters
    ----------
    estimators : list of estimator instances
        Each gets the checks that apply to it.
    expected_failed_checks : callable or None, default=None
        Takes an estimator and returns a dict from check name to the reason why it
        contradicts what the estimator is; such a case is a strict xfail.

    Returns
    -------
    decorator : pytest.mark.parametrize
        For a test with arguments `estimator` and `check`.

    Raises
    ------
    ValueError
        If a check that is expected to fail doesn't exist or doesn't apply.

    See Also
    --------
    check_generative_model : The same checks without pytest.

    Examples
    --------
    >>> from sklearn_gen.mixture import GaussianMixture
    >>> from sklearn_gen.testing import parametrize_with_generative_checks
    >>> @parametrize_with_generative_checks([GaussianMixture()])
    ... def test_contract(estimator, check):
    ...     check(estimator)
    """
    import pytest

    cases = []
    for estimator in estimators:
        expected = dict((expected_failed_checks or (lambda _: {}))(estimator))
        for check in generative_checks(estimator):
            reason = expected.pop(check.name, None)
            marks = (
                []
                if reason is None
                else pytest.mark.xfail(
                    reason=reason, strict=True, raises=AssertionError
                )
            )
            name = f"{_short(estimator)}-{check.name}"
            cases.append(pytest.param(estimator, check, id=name, marks=marks))
        if expected:
            raise ValueError(
                f"expected_failed_checks of {_short(estimator)} names "
                f"{sorted(expected)}, which it doesn't run."
            )
    return pytest.mark.parametrize(("estimator", "check"), cases)


def _short(estimator):
    return " ".join(repr(estimator).split())
