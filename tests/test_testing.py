"""Each check of the contract fails on a model with the defect it is there for."""

import subprocess
import sys

import pytest

from sklearn_gen.testing import (
    check_generative_model,
    generative_checks,
    parametrize_with_generative_checks,
)
from sklearn_gen.testing._check import ALL_CHECKS
from tests.broken_conditionals import Expects
from tests.broken_inputs import Deaf, Mumbles
from tests.broken_models import DEFECTS, Derived, Unnormalised
from tests.reference_models import ReferenceBernoulli, ReferenceGaussian

BY_NAME = {check.name: check for check in ALL_CHECKS}
# Tables of malformed input: all caught on one model that refuses nothing, and on one
# that doesn't say why.
TABLES = (
    "check_fit_refuses",
    "check_scoring_refuses",
    "check_columns_refused",
    "check_weights_refused",
    "check_draws_refused",
    "check_conditions_refused",
)
MALFORMED = [name for name in BY_NAME if name.startswith(TABLES)]
DEFECT_CASES = [
    pytest.param(name, cls, raises, id=f"{name}-{cls.__name__}")
    for name, defects in DEFECTS.items()
    for cls, raises in defects
]


@parametrize_with_generative_checks([ReferenceGaussian(), ReferenceBernoulli()])
def test_reference_models_pass(estimator, check):
    check(estimator)


@pytest.mark.parametrize(("name", "cls", "raises"), DEFECT_CASES)
def test_check_fails_on_broken_model(name, cls, raises):
    broken = cls()
    assert BY_NAME[name].applies_to(broken)
    with pytest.raises(raises):
        BY_NAME[name](broken)


@pytest.mark.parametrize("cls", [Deaf, Mumbles])
@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_input_check_fails(name, cls):
    with pytest.raises(AssertionError):
        BY_NAME[name](cls())


def test_healthy_derived_models_pass():
    BY_NAME["check_chain_rule"](Derived())
    BY_NAME["check_conditional_means_fill"](Expects())
    BY_NAME["check_conditional_means_are_means"](Expects())


def test_every_check_has_a_broken_model():
    assert set(BY_NAME) - set(MALFORMED) - set(DEFECTS) == set()
    assert set(DEFECTS) <= set(BY_NAME)


def test_names_are_unique():
    assert len(BY_NAME) == len(ALL_CHECKS)


def test_results_are_collected_or_raised():
    results = check_generative_model(Unnormalised(), on_fail=None)
    failed = {r["check_name"] for r in results if r["status"] == "failed"}
    assert failed >= {
        "check_density_integrates_to_one_in_1d",
        "check_density_integrates_to_one_in_2d",
        "check_nothing_observed_scores_zero",
    }
    with pytest.raises(AssertionError, match="total mass") as caught:
        check_generative_model(Unnormalised())
    assert "check_density_integrates_to_one_in_1d" in caught.value.__notes__[0]


def test_checks_are_chosen_by_capability():
    gaussian = {check.name for check in generative_checks(ReferenceGaussian())}
    bernoulli = {check.name for check in generative_checks(ReferenceBernoulli())}
    assert "check_masses_sum_to_one" in bernoulli - gaussian
    assert "check_conditional_draws_match_scores" in gaussian - bernoulli
    assert "check_missing_values_refused" in bernoulli - gaussian
    assert "check_same_bytes_for_any_n_jobs" in gaussian - bernoulli
    assert {"check_pandas", "check_polars", "check_skops_round_trip"} <= gaussian


def test_a_class_is_refused():
    with pytest.raises(TypeError, match=r"pass ReferenceGaussian\(\)"):
        check_generative_model(ReferenceGaussian)


def test_unknown_expected_failure_is_refused():
    with pytest.raises(ValueError, match="check_of_nothing"):
        parametrize_with_generative_checks(
            [ReferenceGaussian()],
            expected_failed_checks=lambda _: {"check_of_nothing": "no reason"},
        )


def test_import_needs_no_test_tools():
    code = (
        "import sys, sklearn_gen.testing; "
        "loaded = {'pytest', 'hypothesis', 'skops', 'polars', 'torch'}; "
        "sys.exit(str(loaded & set(sys.modules)) if loaded & set(sys.modules) else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
