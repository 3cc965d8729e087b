"""The shape of the code: layers, sizes, names, imports, docstrings."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import sklearn_gen

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sklearn_gen"
MODULES = sorted(PACKAGE.rglob("*.py"))
FILES = [
    path
    for folder in ("sklearn_gen", "tests", "benchmarks", "docs/examples")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
MAX_LINES = 400


def relative(path):
    return path.relative_to(ROOT).as_posix()


def imports_of(path):
    """Yield (module, name or None, node) of each import in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, None, node
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.module or "", alias.name, node


def importers(package, *, named=()):
    """List the modules that import `package`, optionally only certain names of it."""
    return {
        relative(path)
        for path in MODULES
        for module, name, _ in imports_of(path)
        if module.split(".")[0] == package and (not named or name in named)
    }


def test_layers():
    # The command and not its Python API: the same check that .ci/run makes.
    command = [
        "-c",
        "from importlinter.cli import lint_imports_command as c; c()",
        "--config=setup.cfg",
        "--no-cache",
    ]
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_file_size(path):
    n_lines = len(path.read_text(encoding="utf-8").splitlines())
    assert n_lines <= MAX_LINES, f"{relative(path)} has {n_lines} lines: split it"


def test_no_file_without_a_subject():
    vague = {"utils", "util", "helpers", "helper", "common", "misc"}
    parts = {(p.stem.strip("_"), relative(p)) for p in FILES}
    parts |= {(p.parent.name.strip("_"), relative(p)) for p in FILES}
    assert [path for name, path in parts if name in vague] == []


def test_only_compat_imports_private_names_of_scikit_learn():
    offenders = {
        f"{relative(path)}: {module}.{name}"
        for path in MODULES
        for module, name, _ in imports_of(path)
        if module.split(".")[0] == "sklearn"
        and any(part.startswith("_") for part in (*module.split("."), name or "public"))
    }
    assert {item for item in offenders if "_compat.py:" not in item} == set()


def test_numba_is_configured_in_one_place():
    assert importers("numba", named=("njit", "jit", "vectorize", "guvectorize")) <= {
        "sklearn_gen/_kernels/_jit.py"
    }
    outside = {p for p in importers("numba") if "/_kernels/" not in p}
    assert outside == set()
    for path in (PACKAGE / "_kernels").glob("*.py"):
        names = {
            node.attr
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Attribute)
        }
        assert "prange" not in names, f"{relative(path)}: threads are row blocks"
        if path.name != "_jit.py":
            assert not names & {"njit", "jit"}, f"{relative(path)}: use _jit"


def test_torch_stays_in_neural():
    assert {p for p in importers("torch") if "/neural/" not in p} == set()


def test_matplotlib_is_imported_inside_functions_of_display():
    assert {p for p in importers("matplotlib") if "/display/" not in p} == set()
    for path in (PACKAGE / "display").glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert "matplotlib" not in ast.unparse(node), relative(path)


LOADS = """
import sys
{imports}
unwanted = {unwanted!r} & set(sys.modules)
if unwanted:
    sys.exit(f"loaded: {{unwanted}}")
"""

COMPILES = """
from numba.core import event
heard = event.RecordingListener()
event.register("numba:compile", heard)
{imports}
if heard.buffer:
    raise SystemExit(f"compiled: {{[e.data for _, e in heard.buffer]}}")
"""


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_import_loads_little():
    unwanted = {"torch", "matplotlib", "numba", "scipy.stats", "polars"}
    run(LOADS.format(imports="import sklearn_gen", unwanted=unwanted))


def test_public_modules_load_no_torch_and_no_matplotlib():
    unwanted = {"torch", "matplotlib", "pytest", "skops", "polars"}
    run(LOADS.format(imports=import_all_modules(), unwanted=unwanted))


def test_imports_compile_nothing():
    run(COMPILES.format(imports=import_all_modules()))


def import_all_modules():
    return "\n".join(f"import sklearn_gen.{name}" for name in public_modules())


def public_modules():
    """Public submodules that can be imported here."""
    return [
        name
        for name in sklearn_gen.__all__
        if (PACKAGE / f"{name}.py").exists() or (PACKAGE / name).is_dir()
    ]


def public_objects():
    """Yield (qualified name, object) of every public class and function."""
    for name in ("", *public_modules()):
        module = importlib.import_module(f"sklearn_gen.{name}".rstrip("."))
        for key in module.__all__:
            thing = getattr(module, key)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                yield f"{module.__name__}.{key}", thing


PUBLIC = dict(public_objects())
ESTIMATORS = sklearn_gen.all_estimators()


def test_public_names_are_found():
    assert "sklearn_gen.mixture.GaussianMixture" in PUBLIC
    assert len(ESTIMATORS) >= 4


@pytest.mark.parametrize("name", [name for name, _ in ESTIMATORS])
def test_estimators_are_documented(name):
    api = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8")
    assert re.search(rf"^   {name}$", api, re.MULTILINE), "not in docs/api.rst"
    log = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"\b{name}\b", log), "not in CHANGELOG.md"


def sections(docstring):
    """Map the titles of a numpydoc docstring to their text."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}$", inspect.cleandoc(docstring), flags=re.M)
    return {"Summary": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def parameters_of(function):
    return [
        name
        for name in inspect.signature(function).parameters
        if name not in {"self", "cls", "args", "kwargs"} and not name.startswith("_")
    ]


def assert_parameters_documented(names, found, where):
    text = found.get("Parameters", "")
    documented = {
        name.strip().lstrip("*")
        for line in re.findall(r"^(\S[^:\n]*?)(?: :.*)?$", text, flags=re.M)
        for name in line.split(",")
    }
    missing = [name for name in names if name not in documented]
    assert not missing, f"{where}: parameters {missing} are not documented"


@pytest.mark.parametrize("name", PUBLIC)
def test_public_docstrings(name):
    thing = PUBLIC[name]
    found = sections(thing.__doc__ or "")
    summary = found["Summary"].split("\n\n")[0]
    assert summary.rstrip().endswith((".", ".)")), f"no summary sentence: {summary!r}"
    if inspect.isfunction(thing):
        assert_parameters_documented(parameters_of(thing), found, name)
        assert {"Returns", "Examples"} <= set(found), sorted(found)
        return
    if "__init__" in vars(thing):
        assert_parameters_documented(parameters_of(thing), found, name)
    for key, method in vars(thing).items():
        if not inspect.isfunction(method) or key.startswith("_"):
            continue
        parts = sections(method.__doc__ or "")
        assert parts["Summary"].strip(), f"{name}.{key} has no docstring"
        assert_parameters_documented(parameters_of(method), parts, f"{name}.{key}")
        assert "Returns" in parts, f"{name}.{key} doesn't say what it returns"


@pytest.mark.parametrize(("name", "cls"), ESTIMATORS, ids=[n for n, _ in ESTIMATORS])
def test_estimator_docstrings(name, cls):
    found = sections(cls.__doc__)
    assert {"Parameters", "Attributes", "Examples", "Notes"} <= set(found)
    assert ">>> " in found["Examples"]
    if hasattr(cls, "score_samples"):
        assert "density_kind" in found["Notes"], "Notes must say what scores are"
        assert re.search(r"O\(|\bcosts?\b", found["Notes"]), "Notes: what it costs"


def test_optional_packages_are_there_for_the_tests():
    # Checks of containers and skops are offered only where these are installed.
    for package in ("pandas", "polars", "skops", "matplotlib"):
        assert find_spec(package) is not None
