"""Marginal and pair similarity."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, ks_2samp, kstest, spearmanr

from sklearn_gen.metrics import marginal_similarity, pair_similarity
from tests.metrics.tables import mixed_table

ALARM = 1e-3  # false alarms of each test of uniformity; seeds are fixed


def test_marginals_equal_scipy():
    rng = np.random.default_rng(0)
    real = np.column_stack([rng.normal(size=700), rng.poisson(3, 700)])
    synthetic = np.column_stack([rng.normal(0.2, 1, 400), rng.poisson(3.3, 400)])
    result = marginal_similarity(real, synthetic)
    for j in range(2):
        test = ks_2samp(real[:, j], synthetic[:, j])
        assert result.similarity[j] == pytest.approx(1 - test.statistic)
    # Without ties the asymptotic p-value is right too: within simulation error.
    assert result.p_value[0] == pytest.approx(
        ks_2samp(real[:, 0], synthetic[:, 0]).pvalue, abs=0.01
    )
    assert result.score == pytest.approx(result.similarity.mean())


def test_categories_equal_chi_square():
    real, synthetic = mixed_table(900, 0), mixed_table(500, 1)
    synthetic["job"] = np.random.default_rng(0).choice(
        ["baker", "carpenter", "nurse"], 500, p=[0.46, 0.32, 0.22]
    )
    result = marginal_similarity(real[["job", "works"]], synthetic[["job", "works"]])
    assert result.columns == ("job", "works")
    assert result.metric == ("TVComplement", "TVComplement")
    for j, name in enumerate(result.columns):
        counts = pd.concat(
            [table[name].value_counts() for table in (real, synthetic)], axis=1
        ).to_numpy()
        shares = counts / counts.sum(axis=0)
        assert result.similarity[j] == pytest.approx(
            1 - 0.5 * np.abs(shares[:, 0] - shares[:, 1]).sum()
        )
        test = chi2_contingency(counts, correction=False)
        assert result.p_value[j] == pytest.approx(test.pvalue, abs=0.06)


def test_identical_and_disjoint():
    table = mixed_table(200, 0, missing=0.2)
    result = marginal_similarity(table, table)
    assert result.score == 1.0
    assert (result.p_value == 1.0).all()
    assert pair_similarity(table, table).score == pytest.approx(1.0)
    other = table.assign(job="astronaut", income=-1.0)
    result = marginal_similarity(table, other)
    assert result.similarity[[2, 4]].tolist() == pytest.approx([0.0, 0.0])
    assert result.p_value[[2, 4]].tolist() == [0.001, 0.001]


def test_missing_cells_count():
    real = pd.DataFrame({"x": np.arange(100.0), "c": list("ab") * 50})
    synthetic = real.copy()
    synthetic.loc[::4, :] = None
    result = marginal_similarity(real, synthetic)
    assert result.similarity == pytest.approx([0.75, 0.75])
    assert (result.p_value < 0.01).all()


@pytest.mark.parametrize("kind", ["continuous", "counts", "many levels", "half zero"])
def test_p_values_are_uniform(kind):
    rng = np.random.default_rng(0)
    draw = {
        "continuous": lambda n: rng.normal(size=n),
        "counts": lambda n: rng.poisson(20.0, n),
        "many levels": lambda n: rng.zipf(1.5, n) % 60,
        "half zero": lambda n: rng.normal(size=n) * (rng.random(n) < 0.5),
    }[kind]
    features = [0] if kind == "many levels" else "from_dtype"
    p_values = [
        marginal_similarity(
            draw(150)[:, None],
            draw(120)[:, None],
            categorical_features=features,
            random_state=seed,
        ).p_value[0]
        for seed in range(120)
    ]
    assert kstest(p_values, "uniform").pvalue > ALARM


def test_p_values_of_few_levels_are_not_too_small():
    # A boolean column has few different statistics, so p-values are coarse: valid,
    # P(p <= alpha) <= alpha, within three standard errors.
    rng = np.random.default_rng(0)
    p_values = np.array(
        [
            marginal_similarity(
                rng.random((60, 1)) < 0.3, rng.random((60, 1)) < 0.3
            ).p_value[0]
            for _ in range(200)
        ]
    )
    for alpha in (0.05, 0.2, 0.5):
        share = np.mean(p_values <= alpha)
        assert share <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / 200)


def test_correlations_equal_pandas():
    rng = np.random.default_rng(0)
    frames = []
    for seed in range(2):
        table = mixed_table(300, seed, missing=0.2)[["age", "children", "income"]]
        table["more"] = table["age"] * (1 + seed) + rng.normal(0, 20, 300)
        frames.append(table)
    for kind in ("pearson", "spearman"):
        result = pair_similarity(*frames, correlation=kind)
        if kind == "spearman":  # ranks among all that are there
            frames = [f.rank() for f in frames]
        r, s = (f.corr().to_numpy() for f in frames)
        np.testing.assert_allclose(result.similarity, 1 - np.abs(r - s) / 2)
    complete = [f[["children", "income"]] for f in frames]
    result = pair_similarity(*complete, correlation="spearman")
    r, s = (spearmanr(f.to_numpy())[0] for f in complete)
    assert result.score == pytest.approx(1 - abs(r - s) / 2)


def test_contingency_equals_crosstab():
    real, synthetic = mixed_table(400, 0, missing=0.1), mixed_table(300, 1)
    pairs = pair_similarity(real, synthetic)
    names = list(pairs.columns)

    def crosstab(table, row, column):
        return pd.crosstab(table[row].fillna("missing"), table[column], normalize="all")

    tables = [crosstab(table, "job", "works") for table in (real, synthetic)]
    tables[1] = tables[1].reindex_like(tables[0]).fillna(0.0)
    want = 1 - 0.5 * np.abs(tables[0] - tables[1]).to_numpy().sum()
    got = pairs.similarity[names.index("job"), names.index("works")]
    assert got == pytest.approx(want)

    cuts = real["income"].quantile(np.arange(0.1, 0.95, 0.1))
    tables = [
        crosstab(
            table.assign(bin=np.searchsorted(cuts, table["income"])), "works", "bin"
        )
        for table in (real, synthetic)
    ]
    want = 1 - 0.5 * np.abs(tables[0] - tables[1]).to_numpy().sum()
    got = pairs.similarity[names.index("income"), names.index("works")]
    assert got == pytest.approx(want)
    np.testing.assert_array_equal(pairs.similarity, pairs.similarity.T)


def test_constant_columns_have_correlation_zero():
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    real = np.column_stack([x, x + 0.1 * rng.normal(size=200)])
    constant = np.column_stack([x, np.full(200, 1e9)])
    assert pair_similarity(real, constant).score == pytest.approx(0.5, abs=0.01)
    assert pair_similarity(constant, constant).score == 1.0


def test_one_column_has_no_pairs():
    X = np.random.default_rng(0).normal(size=(20, 1))
    assert np.isnan(pair_similarity(X, X).score)
    with pytest.raises(ValueError, match=r"'pearson' or 'spearman', got 'kendall'"):
        pair_similarity(X, X, correlation="kendall")


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**31 - 1))
def test_order_of_rows_does_not_count(seed):
    tables = mixed_table(60, seed % 100, missing=0.1), mixed_table(50, 1)
    mixed = [t.sample(frac=1.0, random_state=seed) for t in tables]
    for first, second in (
        (marginal_similarity(*tables), marginal_similarity(*mixed)),
        (pair_similarity(*tables), pair_similarity(*mixed)),
    ):
        np.testing.assert_allclose(first.similarity, second.similarity, atol=1e-12)
    assert (
        marginal_similarity(*tables).p_value == marginal_similarity(*mixed).p_value
    ).all()
