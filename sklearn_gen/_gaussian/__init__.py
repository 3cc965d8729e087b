"""Gaussian components: what mixtures, hidden Markov models and others share."""

from sklearn_gen._gaussian import _factors as factors
from sklearn_gen._gaussian import _student as student
from sklearn_gen._gaussian import _variational as variational
from sklearn_gen._gaussian._boxes import box_probability, conditional_box_probability
from sklearn_gen._gaussian._draws import (
    column_moments,
    conditional,
    draw,
    draw_missing,
    fill_means,
    fill_means_given,
)
from sklearn_gen._gaussian._leave_out import leave_out
from sklearn_gen._gaussian._linalg import definite, is_shared
from sklearn_gen._gaussian._moments import (
    GaussianParams,
    GaussianStats,
    initial_stats,
    m_step,
    marginal,
    posterior,
    recenter,
    suff_stats,
)
from sklearn_gen._gaussian._structures import STRUCTURES

__all__ = [
    "STRUCTURES",
    "GaussianParams",
    "GaussianStats",
    "box_probability",
    "column_moments",
    "conditional",
    "conditional_box_probability",
    "definite",
    "draw",
    "draw_missing",
    "factors",
    "fill_means",
    "fill_means_given",
    "initial_stats",
    "is_shared",
    "leave_out",
    "m_step",
    "marginal",
    "posterior",
    "recenter",
    "student",
    "suff_stats",
    "variational",
]
