"""The column families by name."""

from sklearn_gen._columns._families_continuous import Gamma, StudentT
from sklearn_gen._columns._families_counts import NegativeBinomial, Poisson
from sklearn_gen._columns._families_normal import Gaussian, LogNormal
from sklearn_gen._columns._histogram import Histogram
from sklearn_gen._columns._tabulated import Bernoulli, Categorical
from sklearn_gen._columns._zero_inflated import ZeroInflated

# name -> class. Those that may be the base of a zero-inflated family give `cdf` and
# flat parameters.
FAMILIES = {
    family.name: family
    for family in (Gaussian, StudentT, LogNormal, Gamma, Poisson, NegativeBinomial)
}
_BASES = tuple(FAMILIES)
FAMILIES |= {family.name: family for family in (Bernoulli, Categorical, Histogram)}
ZERO_INFLATED = "zero_inflated_"


def family_for(name, x, sample_weight=None, resolution=0.0, **options):
    """Describe a column as a family, given by its name.

    Parameters
    ----------
    name : str or tuple
        One of `FAMILIES`, 'zero_inflated_<base>' (whose atom is 0) or
        ('zero_inflated', base, atom).
    x : ndarray of shape (n_samples,)
        Observed values of the column.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights.
    resolution : float
        Width of the grid the values lie on; 0.0 for none.
    **options : dict
        Given to the family.

    Returns
    -------
    family : Family

    Raises
    ------
    ValueError
        If there is no such family, or a value is outside of its support.
    """
    family_class, more = find_family(name)
    return family_class.from_values(x, sample_weight, resolution, **more, **options)


def find_family(name):
    """The class of a family and the options its name stands for."""
    if isinstance(name, str):
        if name in FAMILIES:
            return FAMILIES[name], {}
        base = name.removeprefix(ZERO_INFLATED)
        if base != name and base in _BASES:
            return ZeroInflated, {"base": FAMILIES[base]}
    elif isinstance(name, tuple) and len(name) == 3 and name[0] == "zero_inflated":
        _, base, atom = name
        if (
            base in _BASES
            and isinstance(atom, int | float)
            and abs(atom) < float("inf")
        ):
            return ZeroInflated, {"base": FAMILIES[base], "atom": float(atom)}
    raise ValueError(
        f"There is no column family {name!r}: families are {', '.join(FAMILIES)}, "
        f"{ZERO_INFLATED}<base> and ('zero_inflated', base, atom), where base is one "
        f"of {', '.join(_BASES)} and atom a number."
    )
