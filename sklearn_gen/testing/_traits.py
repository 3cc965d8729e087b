"""What an estimator offers, read from its tags, methods and parameters."""

from importlib.util import find_spec
from inspect import signature

from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from sklearn_gen._inner._sequences import rows_are_steps
from sklearn_gen.base import GenerativeModel

# Methods that take rows, in the order in which malformed rows are tried on them.
ROW_METHODS = (
    "score_samples",
    "score",
    "sample_conditional",
    "predict",
    "predict_proba",
    "decision_function",
    "explain",
    "transform",
    "bic",
    "aic",
)


def has(*methods):
    """Make a predicate: the estimator has all of these methods."""

    def has_methods(estimator):
        return all(hasattr(estimator, method) for method in methods)

    return has_methods


def installed(package):
    """Make a predicate: an optional package can be imported."""
    return lambda estimator: find_spec(package) is not None


def is_model(estimator):
    """Whether the library's base class validates, and so words the errors."""
    return isinstance(estimator, GenerativeModel)


def has_exact_density(estimator):
    """Whether exp(score_samples) claims to be a density that can be integrated."""
    return (
        hasattr(estimator, "score_samples")
        and getattr(estimator, "density_kind", None) == "exact"
    )


def has_exact_conditional(estimator):
    """Whether conditional draws claim to follow p(missing | observed)."""
    return (
        hasattr(estimator, "sample_conditional")
        and getattr(estimator, "conditional_kind", None) == "exact"
        and has_exact_density(estimator)
    )


def allows_nan(estimator):
    """Whether NaN means 'not observed'."""
    return get_tags(estimator).input_tags.allow_nan


def refuses_nan(estimator):
    """Whether NaN is an error."""
    return not allows_nan(estimator)


def is_discrete(estimator):
    """Whether scores are log masses of a counting measure."""
    return getattr(estimator, "_base_measure", "lebesgue") == "counting"


def takes_mixed_columns(estimator):
    """Whether columns may be text, categories or dates; repeats score as masses."""
    return getattr(estimator, "_mixed_columns", False)


def takes_numbers_only(estimator):
    """Whether columns of text and dates are an error."""
    return not takes_mixed_columns(estimator)


def is_continuous(estimator):
    """Whether scores are log densities."""
    return not is_discrete(estimator)


def leaves_repeats_to_others(estimator):
    """Whether repeated values are not its own business, by noise or wide kernels."""
    bounded = getattr(estimator, "_bounds_repeats", False)
    return getattr(estimator, "dequantize", None) is None and not bounded


def takes_weights(estimator):
    """Whether fit takes sample_weight by name."""
    return has_fit_parameter(estimator, "sample_weight")


def is_random(estimator):
    """Whether it, or something inside it, takes a seed."""
    return bool(deep_parameters(estimator, "random_state"))


def is_threaded(estimator):
    """Whether it, or something inside it, takes n_jobs."""
    return bool(deep_parameters(estimator, "n_jobs"))


def starting_values(estimator):
    """Name the parameters that hold starting values: means_init for means_, ..."""
    return [
        name
        for name in estimator.get_params(deep=False)
        if name.endswith("_init") and name != "n_init"
    ]


def takes_starting_values(estimator):
    """Whether fit can start from given values."""
    return bool(starting_values(estimator))


def starts_follow_weights(estimator):
    """Whether the default start sees weights as repeated rows.

    Starts that draw one number for each row and component (``init_params="random"``)
    are exempt: repeating a row draws more numbers and so moves the stream.
    """
    return "random" not in deep_parameters(estimator, "init_params").values()


def keeps_copies_together(estimator):
    """Whether no split at random stands between repeated rows and weights.

    Calibrated detectors fit to some rows and calibrate with the others.
    """
    return not deep_parameters(estimator, "calibration_size")


def deep_parameters(estimator, name):
    """Find a parameter by name, in the estimator and in what it contains."""
    return {
        key: value
        for key, value in estimator.get_params(deep=True).items()
        if key == name or key.endswith(f"__{name}")
    }


def set_deep(estimator, **values):
    """Set each named parameter wherever it occurs; names that don't are ignored."""
    for name, value in values.items():
        found = deep_parameters(estimator, name)
        estimator.set_params(**dict.fromkeys(found, value))
    return estimator


def takes(method, parameter):
    """Make a predicate: a method takes a parameter by name."""

    def takes_parameter(estimator):
        function = getattr(estimator, method, None)
        return function is not None and parameter in signature(function).parameters

    return takes_parameter


has_partial_fit_weights = takes("partial_fit", "sample_weight")


def weighs_rows(estimator):
    """Whether weights are those of rows, not of whole sequences."""
    return not rows_are_steps(estimator)
