"""Choosing models without labels: likelihoods, criteria, level sets.

Likelihoods compare within one `density_kind` only: an exact log density beside a lower
bound or an estimate ranks how tight the bound is, not how good the models are. They
don't compare between densities and masses either. A plain
:class:`~sklearn.pipeline.Pipeline`, which leaves out the Jacobian of its transformers,
is refused. Level sets compare whatever the scores are: only their order counts.
"""

from sklearn_gen.model_selection._criteria import neg_aic_scorer, neg_bic_scorer
from sklearn_gen.model_selection._cross_val import cross_val_score_samples
from sklearn_gen.model_selection._label_free import excess_mass_auc, mass_volume_auc

__all__ = [
    "cross_val_score_samples",
    "excess_mass_auc",
    "mass_volume_auc",
    "neg_aic_scorer",
    "neg_bic_scorer",
]
