"""README.md says what works: its recipes run, its commands can be extracted."""

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")
RECIPES = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)


def run_recipe(title):
    """Run the recipe that follows `title` in bold; return the names it defined."""
    after = TEXT[TEXT.index(f"**{title}**") :]
    code = re.search(r"```python\n(.*?)```", after, flags=re.DOTALL).group(1)
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    names = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # a newcomer should see none
        exec(compile(code, f"README.md: {title}", "exec"), names)
    return names


def test_there_are_four_recipes():
    assert len(RECIPES) == 4


def test_recipe_outliers():
    names = run_recipe("Outliers")
    assert 20 <= len(names["outliers"]) <= 36  # 5 % of 569
    assert len(names["blame"]) == len(names["outliers"])
    assert set(names["blame"]) <= set(names["X"].columns)


def test_recipe_synthetic_rows():
    names = run_recipe("Synthetic rows")
    synthetic, X = names["synthetic"], names["X"]
    assert isinstance(synthetic, pd.DataFrame)
    assert synthetic.shape == (1000, X.shape[1])
    assert list(synthetic.columns) == list(X.columns)
    assert synthetic.dtypes.equals(X.dtypes)
    means, real = synthetic.mean(numeric_only=True), X.mean(numeric_only=True)
    assert ((means - real).abs() / X.std(numeric_only=True)).max() < 0.3
    shares = synthetic["target"].value_counts(normalize=True)
    assert (shares - X["target"].value_counts(normalize=True)).abs().max() < 0.1
    assert (names["some"]["target"] == "setosa").all()


def test_recipe_choosing_a_model():
    search = run_recipe("Choosing a model")["search"]
    assert len(search.cv_results_["params"]) == 4
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_recipe_missing_values():
    names = run_recipe("Missing values")
    X, completed = names["X"], names["completed"]
    assert np.isfinite(names["log_density"]).all()
    assert np.isfinite(completed).to_numpy().all()
    assert np.isnan(X).to_numpy().mean() == pytest.approx(0.1, abs=0.01)
    pd.testing.assert_frame_equal(completed.where(X.notna()), X)
    drawn = completed.where(X.isna())
    assert ((drawn.mean() - X.mean()).abs() / X.std()).max() < 0.5
    assert (drawn.std() / X.std()).between(0.5, 2).all()


COMMANDS = {
    1: 'python -m pip install -e ".[plot]" && python docs/examples/plot_outliers.py',
    2: 'python -m pip install -c .ci/constraints.txt -e ".[test]" && '
    "python -m pytest -n auto",
}


@pytest.mark.parametrize("number", COMMANDS)
def test_commands_are_marked(number):
    marked = rf"<!-- command {number}\b[^>]*-->\s*```bash\n(.*?)\n```"
    assert re.findall(marked, TEXT, re.DOTALL) == [COMMANDS[number]]


def test_files_that_the_readme_names_exist():
    for name in ("docs/examples/plot_outliers.py", ".ci/constraints.txt"):
        assert name in TEXT
        assert (README.parent / name).is_file()
