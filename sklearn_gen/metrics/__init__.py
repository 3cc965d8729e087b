"""What a synthetic table is worth: like the real one, useful, and no copy of it."""

from sklearn_gen.metrics._coverage import precision_recall_density_coverage
from sklearn_gen.metrics._marginals import marginal_similarity
from sklearn_gen.metrics._pairs import pair_similarity
from sklearn_gen.metrics._privacy import (
    closest_record_distances,
    closest_record_share,
    exact_copy_share,
    membership_auc,
    neighbor_distance_ratios,
)
from sklearn_gen.metrics._report import GenerativeReport, generative_report
from sklearn_gen.metrics._two_sample import classifier_two_sample_test
from sklearn_gen.metrics._usefulness import train_synthetic_test_real

__all__ = [
    "marginal_similarity",
    "pair_similarity",
    "classifier_two_sample_test",
    "train_synthetic_test_real",
    "precision_recall_density_coverage",
    "closest_record_share",
    "closest_record_distances",
    "neighbor_distance_ratios",
    "exact_copy_share",
    "membership_auc",
    "generative_report",
    "GenerativeReport",
]
