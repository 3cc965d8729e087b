"""The API reference lists what is public, neither less nor more."""

import importlib
import re
from pathlib import Path

import sklearn_gen

DOCS = Path(__file__).parents[1] / "docs"


def public_names():
    names = {f"sklearn_gen.{name}" for name in sklearn_gen.__all__}
    for module in sklearn_gen._PUBLIC_MODULES:
        names.discard(f"sklearn_gen.{module}")
        for name in importlib.import_module(f"sklearn_gen.{module}").__all__:
            names.add(f"sklearn_gen.{module}.{name}")
    return names - {"sklearn_gen.__version__"}


def listed_names():
    names, module = set(), None
    for line in (DOCS / "api.rst").read_text(encoding="utf-8").splitlines():
        if found := re.match(r"\.\. currentmodule:: (\S+)", line):
            module = found.group(1)
        elif found := re.match(r"   (\w+)$", line):
            names.add(f"{module}.{found.group(1)}")
    return names


def test_api_reference_is_complete():
    assert listed_names() == public_names()


def test_changelog_names_every_class():
    changelog = (DOCS.parent / "CHANGELOG.md").read_text(encoding="utf-8")
    estimators = {name for name, _ in sklearn_gen.all_estimators()}
    assert not {name for name in estimators if f"{name}`" not in changelog}
