"""What the library offers: its estimators by capability, and their types."""

import importlib
import inspect

from sklearn.base import BaseEstimator, OutlierMixin

from sklearn_gen import _PUBLIC_MODULES, base

_CAPABILITIES = {
    "components": lambda cls: issubclass(cls, base.ComponentMixin),
    "conditional": lambda cls: issubclass(cls, base.ConditionalMixin),
    "latent": lambda cls: issubclass(cls, base.LatentMixin),
    "information_criteria": lambda cls: issubclass(cls, base.InformationCriteriaMixin),
    "density": lambda cls: issubclass(cls, base.GenerativeModel),
    "missing": lambda cls: getattr(cls, "_allow_nan", False),
    "partial_fit": lambda cls: hasattr(cls, "partial_fit"),
    "outlier": lambda cls: issubclass(cls, OutlierMixin),
}

# Types that fitted estimators hold, beside public ones.
_INSIDE_ESTIMATORS = (
    "sklearn_gen._columns._combinations.Combination",
    "sklearn_gen._columns._constraints.FixedCombinations",
    "sklearn_gen._columns._constraints.Inequality",
    "sklearn_gen._columns._constraints.Sum",
    "sklearn_gen._columns._encoding.Column",
    "sklearn_gen._columns._families_continuous.Gamma",
    "sklearn_gen._columns._families_continuous.GammaParams",
    "sklearn_gen._columns._families_continuous.StudentT",
    "sklearn_gen._columns._families_continuous.StudentTParams",
    "sklearn_gen._columns._families_counts.NegativeBinomial",
    "sklearn_gen._columns._families_counts.NegativeBinomialParams",
    "sklearn_gen._columns._families_counts.Poisson",
    "sklearn_gen._columns._families_counts.PoissonParams",
    "sklearn_gen._columns._families_normal.Gaussian",
    "sklearn_gen._columns._families_normal.LogNormal",
    "sklearn_gen._columns._families_normal.Normal",
    "sklearn_gen._columns._group_column.GroupColumn",
    "sklearn_gen._columns._histogram.Histogram",
    "sklearn_gen._columns._identifiers.NumberedNames",
    "sklearn_gen._columns._identifiers.ShapedNames",
    "sklearn_gen._columns._layout.Layout",
    "sklearn_gen._columns._modelled.ModelledColumn",
    "sklearn_gen._columns._linear.Equation",
    "sklearn_gen._columns._linear.LinearMap",
    "sklearn_gen._columns._schema.TableSchema",
    "sklearn_gen._columns._tabulated.Bernoulli",
    "sklearn_gen._columns._tabulated.Categorical",
    "sklearn_gen._columns._tabulated.TableParams",
    "sklearn_gen._columns._zero_inflated.ZeroInflated",
    "sklearn_gen._columns._zero_inflated.ZeroInflatedParams",
    "sklearn_gen.classifier._default.CommonScaler",
    "sklearn_gen._gaussian._diag.Diag",
    "sklearn_gen._gaussian._diag.Spherical",
    "sklearn_gen._gaussian._full.Full",
    "sklearn_gen._gaussian._full.Tied",
    "sklearn_gen._gaussian._moments.GaussianParams",
    "sklearn_gen._gaussian._moments.GaussianStats",
    "sklearn_gen._gaussian._student.StudentParams",
    "sklearn_gen._gaussian._student.StudentStats",
    "sklearn_gen._gaussian._variational.NormalWishartPrior",
    "sklearn_gen._gaussian._variational.VariationalParams",
    "sklearn_gen.copula._kernel.KernelMarginal",
    "sklearn_gen.copula._kernel.Spline",
    "sklearn_gen.copula._marginals.FamilyMarginal",
    "sklearn_gen.hmm._base.MarkovParams",
    "sklearn_gen.hmm._emissions_autoregressive.AutoregressiveEmission",
    "sklearn_gen.hmm._emissions_autoregressive.AutoregressiveParams",
    "sklearn_gen.hmm._emissions_autoregressive.AutoregressiveStats",
    "sklearn_gen.hmm._emissions_categorical.CategoricalEmission",
    "sklearn_gen.hmm._emissions_categorical.CategoricalParams",
    "sklearn_gen.hmm._emissions_categorical.CategoricalStats",
    "sklearn_gen.hmm._emissions_families.FamiliesEmission",
    "sklearn_gen.hmm._emissions_families.FamiliesParams",
    "sklearn_gen.hmm._emissions_families.FamiliesStats",
    "sklearn_gen.hmm._emissions_multinomial.MultinomialEmission",
    "sklearn_gen.hmm._emissions_multinomial.MultinomialParams",
    "sklearn_gen.hmm._emissions_multinomial.MultinomialStats",
    "sklearn_gen.hmm._emissions_multinomial.Totals",
    "sklearn_gen.hmm._emissions_gaussian.GaussianEmission",
    "sklearn_gen.hmm._emissions_mixture.MixtureEmission",
    "sklearn_gen.hmm._emissions_student.StudentEmission",
    "sklearn_gen.hmm._gaussian_m_step.GaussianPrior",
    "sklearn_gen.hmm._recursions.Chain",
    "sklearn_gen.hmm._recursions.SequenceStats",
    "sklearn_gen.hmm._variational.VariationalMarkovParams",
    "sklearn_gen.hmm._variational_categorical_hmm.DirichletTables",
    "sklearn_gen.hmm._emissions_normal_wishart.NormalWishartEmission",
    "sklearn_gen.mixture._gaussian_block.BlockParams",
    "sklearn_gen.mixture._gaussian_block.GaussianBlock",
    "sklearn_gen.mixture._shrunken.ShrunkenGaussianMixture",
    "sklearn_gen.mixture._table_layout.Lookup",
    "sklearn_gen.mixture._table_layout.TableLayout",
    "sklearn_gen.mixture._table_seeding.Trial",
    "sklearn_gen.mixture._table_types.TableParams",
    "sklearn_gen.mixture._tables.Columns",
    "sklearn_gen.mixture._twins.Twins",
)


def all_estimators(capability=None):
    """List the public estimators, optionally those with one capability.

    Parameters
    ----------
    capability : str or None, default=None
        None lists everything. Otherwise one of:

        - 'density': has fit, score_samples and sample
        - 'components': predict, predict_proba over mixture components or states
        - 'conditional': sample_conditional
        - 'latent': transform and inverse_transform
        - 'information_criteria': bic and aic
        - 'missing': NaN is allowed in fit and scoring
        - 'partial_fit': learns from batches
        - 'outlier': an outlier detector

    Returns
    -------
    estimators : list of (str, type)
        Name and class, sorted by name.

    Raises
    ------
    ValueError
        If `capability` is not one of those above.

    Examples
    --------
    >>> import sklearn_gen
    >>> [name for name, _ in sklearn_gen.all_estimators("outlier")]
    ['ConformalOutlierDetector', 'DensityOutlierDetector']
    """
    if capability is not None and capability not in _CAPABILITIES:
        raise ValueError(
            f"capability must be None or one of {sorted(_CAPABILITIES)}, "
            f"got {capability!r}."
        )
    found = {}
    for module_name in _PUBLIC_MODULES:
        module = importlib.import_module(f"sklearn_gen.{module_name}")
        for name in getattr(module, "__all__", ()):
            cls = getattr(module, name)
            if (
                inspect.isclass(cls)
                and issubclass(cls, BaseEstimator)
                and not inspect.isabstract(cls)
            ):
                found[name] = cls
    return [
        (name, cls)
        for name, cls in sorted(found.items())
        if capability is None or _CAPABILITIES[capability](cls)
    ]


def trusted_types():
    """List the types to trust when a fitted estimator is loaded with skops.

    ``skops.io.load(path, trusted=sklearn_gen.trusted_types())`` loads any estimator of
    this library without running code from the file.

    Returns
    -------
    types : list of str
        Fully qualified names, as skops writes them.

    Examples
    --------
    >>> import sklearn_gen
    >>> "sklearn_gen._columns._schema.TableSchema" in sklearn_gen.trusted_types()
    True
    """
    classes = [cls for _, cls in all_estimators()]
    names = [f"{cls.__module__}.{cls.__qualname__}" for cls in classes]
    return sorted({*names, *_INSIDE_ESTIMATORS})
