"""Sphinx configuration: `python -m sphinx -W docs docs/_build` builds without network.

SKLEARN_GEN_DOCS_QUICK=1 shrinks the gallery's data (see docs/examples). Examples on
files that aren't part of the repository run where SKLEARN_GEN_DATA (or shared/data,
beside the checkout) holds them; elsewhere their pages show the code only.
"""

import os
import re
import warnings
from pathlib import Path

# Examples that aren't run (plot_gallery=0) are still read for names to link, and of
# this one scikit-learn only lets itself be asked after:
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sphinx_gallery.sorting import ExplicitOrder

import sklearn_gen

project = "sklearn_gen"
author = "The sklearn_gen developers"
copyright = f"2026, {author}"
version = release = sklearn_gen.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".rst": "restructuredtext"}
exclude_patterns = ["_build", "examples", "templates"]
templates_path = ["templates"]
root_doc = "index"
nitpicky = False

autosummary_generate = True
numpydoc_show_class_members = False
# (get_params, set_params and the like are scikit-learn's: templates/ leaves them out.)

html_theme = "pydata_sphinx_theme"
html_title = "sklearn_gen"
html_static_path = ["static"]
html_css_files = ["custom.css"]
html_theme_options = {
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_toc_level": 2,
}
# Pages without pages below them have no use for a sidebar.
html_sidebars = {
    page: [] for page in ("adding_a_model", "changelog", "getting_started", "non_goals")
}
html_show_sourcelink = False

DATA = Path(
    os.environ.setdefault(
        "SKLEARN_GEN_DATA", str(Path(__file__).parents[2] / "shared" / "data")
    )
)
NEEDS = {
    "customer_segments": DATA / "tabular" / "mall_customers.csv.gz",
    "image_segmentation": DATA / "pictures" / "bsds_gt_segments.npz",
    "machine_failures": DATA / "series" / "nab.npz",
    "market_regimes": DATA / "series" / "sp500_shiller_monthly.csv.gz",
    "market_baskets": DATA / "tabular" / "groceries_baskets.txt.gz",
    "network_intrusion": DATA / "tabular" / "kddtrain_20pct.csv.gz",
    "spoken_digits": DATA / "audio" / "fsdd.npz",
    "tagging": DATA / "text" / "conll2000.train.txt.gz",
    "synthetic_report": DATA / "tabular" / "adult_train.csv.gz",
}
not_run = "|".join(name for name, path in NEEDS.items() if not path.exists()) or "$"

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": rf"plot_(?!{not_run})",
    "within_subsection_order": ExplicitOrder(
        [
            "plot_outliers.py",
            "plot_network_intrusion.py",
            "plot_screening.py",
            "plot_fraud.py",
            "plot_model_selection.py",
            "plot_density_pipeline.py",
            "plot_missing_values.py",
            "plot_synthetic_report.py",
            "*",
        ]
    ),
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_signature": False,
    "show_memory": False,
    "min_reported_time": 0,
    "remove_config_comments": True,
    "plot_gallery": True,
}

warnings.filterwarnings("error", category=DeprecationWarning, module="sklearn_gen")


def without_foreign_labels(app, what, name, obj, options, lines):
    """Unlink what inherited docstrings say of pages that only scikit-learn has."""
    if (getattr(obj, "__module__", None) or "").startswith("sklearn."):
        lines[:] = [re.sub(r":ref:`([^<`]+?) <[^`]+`", r"\1", line) for line in lines]


def setup(app):
    app.connect("autodoc-process-docstring", without_foreign_labels)
