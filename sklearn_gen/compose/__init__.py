"""Pipelines whose scores are densities, and the transformers they may hold."""

from sklearn_gen.compose import _composite, _linear, _power, _quantile  # noqa: F401
from sklearn_gen.compose._bijective import BijectiveTransformer
from sklearn_gen.compose._pipeline import GenerativePipeline, make_generative_pipeline
from sklearn_gen.compose._rules import (
    forward,
    inverse,
    log_abs_det_jacobian,
    output_range,
)

__all__ = [
    "BijectiveTransformer",
    "GenerativePipeline",
    "forward",
    "inverse",
    "log_abs_det_jacobian",
    "make_generative_pipeline",
    "output_range",
]
