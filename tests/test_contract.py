"""Every registered estimator keeps scikit-learn's contract and the library's own."""

import functools
import os
import subprocess
import sys

import pytest
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

import sklearn_gen
from sklearn_gen.testing import parametrize_with_generative_checks
from tests.models import EXPECTED_FAILURES, MODELS, expected_failures

# Checks fit small, odd tables by the thousand; what they warn of is tested elsewhere.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{category}")
    for category in (
        "sklearn.exceptions.ConvergenceWarning",
        "sklearn_gen.base.DegenerateDataWarning",
        "sklearn_gen.base.DiscreteColumnWarning",
    )
]
pytestmark.append(pytest.mark.filterwarnings("ignore:.* calibration rows allow no"))


@pytest.fixture(autouse=True)
def contract_record(request, monkeypatch):
    """Count calls of the estimator's own fit; tests/conftest.py prints the sums."""
    if "estimator" not in request.fixturenames:
        return
    cls = type(request.getfixturevalue("estimator"))
    suite = request.function.__name__.removeprefix("test_")
    record = [cls.__name__, suite, 0]
    request.node.user_properties.append(("contract", record))
    fit = cls.fit

    @functools.wraps(fit)
    def counted(*args, **kwargs):
        record[-1] += 1
        return fit(*args, **kwargs)

    monkeypatch.setattr(cls, "fit", counted)


@parametrize_with_checks(
    MODELS, expected_failed_checks=expected_failures, xfail_strict=True
)
def test_check_estimator(estimator, check):
    check(estimator)


# Those that need labels have the checks of densities in tests of their own.
@parametrize_with_generative_checks(
    [model for model in MODELS if not get_tags(model).target_tags.required]
)
def test_check_generative_model(estimator, check):
    check(estimator)


def test_array_api_checks():
    tests = [sys.executable, "-m", "pytest", "-q", __file__, "-k", "check_array_api"]
    done = subprocess.run(
        tests,
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert f"{len(MODELS)} passed" in done.stdout


def test_every_public_estimator_is_registered():
    registered = {type(model) for model in MODELS}
    public = {cls for _, cls in sklearn_gen.all_estimators()}
    assert registered == public


def test_expected_failures_are_of_registered_models_and_have_reasons():
    for expected in EXPECTED_FAILURES:
        assert any(expected.applies_to(model) for model in MODELS), expected.check
        assert len(expected.reason.split()) > 5
