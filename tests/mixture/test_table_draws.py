"""What TableMixture draws: conditions, missing cells, twins, constraints."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sklearn_gen.constraints import FixedCombinations, Inequality, Sum
from sklearn_gen.mixture import TableMixture

# False alarms of the tests of draws, which have fixed seeds: one seed in a thousand.
ALPHA = 1e-3


def table(n=600, seed=0):
    rng = np.random.default_rng(seed)
    school = rng.choice(["none", "basic", "high", "doctor"], n, p=[0.1, 0.4, 0.4, 0.1])
    years = pd.Series(school).map({"none": 0, "basic": 8, "high": 12, "doctor": 21})
    city = rng.choice(["Rome", "Milan", "Oslo", "Bergen"], n, p=[0.4, 0.3, 0.2, 0.1])
    start = pd.Timestamp("2021-03-01") + pd.to_timedelta(rng.integers(0, 300, n), "D")
    net, tax = rng.gamma(2 + years / 4, 10.0), rng.gamma(1.5, 4.0, n)
    return pd.DataFrame(
        {
            "school": school,
            "years": years,
            "city": city,
            "state": np.where(np.isin(city, ["Rome", "Milan"]), "IT", "NO"),
            "start": start,
            "end": start + pd.to_timedelta(1 + rng.geometric(0.05, n), "D"),
            "net": net,
            "tax": tax,
            "gross": net + tax,
        }
    )


TABLE = table()
CONSTRAINTS = [
    FixedCombinations(["city", "state"]),
    Inequality("start", "<", "end"),
    Sum(["net", "tax"], "gross"),
]


@pytest.fixture(scope="module")
def model():
    return TableMixture(
        4, smoothing=0.5, constraints=CONSTRAINTS, random_state=0, tol=0.01
    ).fit(TABLE)


def check_constraints(rows):
    assert (rows["start"] < rows["end"]).all()
    np.testing.assert_allclose(rows["net"] + rows["tax"], rows["gross"], rtol=1e-12)
    seen = set(zip(TABLE["city"], TABLE["state"], strict=True))
    assert set(zip(rows["city"], rows["state"], strict=True)) <= seen
    years = rows["school"].map({"none": 0, "basic": 8, "high": 12, "doctor": 21})
    assert (rows["years"] == years).all()


def holes(n=300, share=0.5, seed=5):
    rows = table(n, seed)
    return rows.mask(np.random.default_rng(seed).random(rows.shape) < share)


def test_every_draw_keeps_every_constraint(model):
    assert model.families_["years"] == "same as school"
    check_constraints(model.sample(3000, random_state=0))


def test_conditional_draws_keep_them_too(model):
    rows = holes()
    drawn = model.sample_conditional(rows, random_state=0)
    assert not drawn.isna().to_numpy().any()
    check_constraints(drawn)
    for name in rows:
        seen = rows[name].notna()
        assert (drawn[name][seen] == rows[name][seen]).all()


@pytest.mark.parametrize("kind", ["mean", "mode"])
def test_filled_cells_keep_them_too(model, kind):
    rows = holes()
    filled = getattr(model, f"conditional_{kind}")(rows)
    assert not filled.isna().to_numpy().any()
    check_constraints(filled)


def test_conditions_keep_them_too(model):
    for conditions in (
        {"state": "NO", "gross": 55.5},
        {"city": "Bergen", "end": pd.Timestamp("2021-03-09")},
        {"years": 21},
        {"school": "none", "net": 3.5, "gross": 9.25},
    ):
        drawn = model.sample(200, conditions=conditions, random_state=0)
        check_constraints(drawn)
        for name, value in conditions.items():
            assert (drawn[name] == value).all()
        pd.testing.assert_series_equal(drawn.dtypes, TABLE.dtypes)


def test_conditions_that_no_row_meets_are_refused(model):
    bad = {"city": "Rome", "state": "NO"}
    with pytest.raises(ValueError, match=r"conditions.*city.*FixedCombinations"):
        model.sample(2, conditions=bad)
    with pytest.raises(ValueError, match="conditions names 'town', which is no column"):
        model.sample(2, conditions={"town": "Rome"})


def test_rows_that_violate_are_impossible(model):
    rows = TABLE[:6].copy()
    assert np.isfinite(model.score_samples(rows)).all()
    rows.loc[0, "state"] = "XX"
    rows.loc[1, "state"] = "NO" if rows.loc[1, "state"] == "IT" else "IT"
    rows.loc[2, "end"] = rows.loc[2, "start"]
    rows.loc[3, "gross"] += 1.0
    scores = model.score_samples(rows)
    np.testing.assert_array_equal(np.isfinite(scores), [0, 0, 0, 0, 1, 1])
    assert (scores[:4] == -np.inf).all()
    resp = model.predict_proba(rows)
    np.testing.assert_allclose(resp.sum(axis=1), 1.0)
    with pytest.raises(ValueError, match="Row 2 violates Inequality"):
        model.fit(rows)
    assert np.isfinite(model.score(TABLE))  # what was fitted before is kept


def test_twice_the_same_row_with_what_follows_hidden(model):
    rows = TABLE[:20]
    whole = model.score_samples(rows)
    for name in ("gross", "net", "tax", "years", "school", "state"):
        hidden = rows.copy()
        hidden[name] = hidden[name].mask(hidden[name].notna())
        if name == "state":
            same = rows["city"].notna()  # each city is in one state
        else:
            same = np.ones(20, bool)
        got = model.score_samples(hidden)
        np.testing.assert_allclose(got[same], whole[same], atol=1e-5)


def test_partly_observed_combinations_are_sums(model):
    state = pd.DataFrame({"state": ["IT", "NO"]})
    cities = {"IT": ["Rome", "Milan"], "NO": ["Oslo", "Bergen"]}
    both = model.marginal(["city", "state"])
    got = np.exp(model.marginal(["state"]).score_samples(state))
    for mass, name in zip(got, ("IT", "NO"), strict=True):
        rows = pd.DataFrame({"city": cities[name], "state": name})
        assert np.exp(both.score_samples(rows)).sum() == pytest.approx(mass, rel=1e-9)
    assert got.sum() == pytest.approx(1.0, abs=1e-5)


def test_a_total_alone_is_an_integral(model):
    total = model.marginal(["gross"])
    parts = model.marginal(["net", "gross"])
    net = np.linspace(0.0, 60.0, 60_001)[1:-1]
    rows = pd.DataFrame({"net": net, "gross": 60.0})
    want = np.exp(parts.score_samples(rows)).sum() * 1e-3
    got = np.exp(total.score_samples(pd.DataFrame({"gross": [60.0]})))[0]
    assert got == pytest.approx(want, rel=1e-2)


# Twins


def twin_table(n=800, seed=0):
    rng = np.random.default_rng(seed)
    code = rng.integers(4, size=n)
    return pd.DataFrame(
        {
            "name": np.array(["ant", "bee", "cow", "doe"])[code],
            "legs": np.array([6.5, 6.0, 4.0, 2.0])[code],
            "size": rng.normal(3.0 * code),
        }
    )


@pytest.fixture(scope="module")
def twins():
    return TableMixture(4, smoothing=0.1, random_state=0).fit(twin_table())


@pytest.mark.parametrize(
    "kind", ["sample_conditional", "conditional_mean", "conditional_mode"]
)
def test_the_largest_total_is_made_up_of_the_largest_parts(kind):
    """Of thousands of cells next to none leave the other part possible."""
    rng = np.random.default_rng(0)
    net = rng.gamma(2.0, 50.0, size=400).round(2)
    table = pd.DataFrame({"net": net, "tax": (0.2 * net).round(2)})
    table["gross"] = (table["net"] + table["tax"]).round(2)
    constraint = Sum(["net", "tax"], "gross")
    model = TableMixture(
        4,
        families={"net": "histogram", "tax": "histogram"},
        smoothing=0.1,
        constraints=[constraint],
        random_state=0,
    ).fit(table)
    ends = [table["gross"].min(), table["gross"].max()]
    rows = pd.DataFrame({"net": np.nan, "tax": np.nan, "gross": ends * 100})
    filled = getattr(model, kind)(rows)
    np.testing.assert_allclose(filled["net"] + filled["tax"], rows["gross"], rtol=1e-9)


def test_twins_are_drawn_together(twins):
    pairs = {("ant", 6.5), ("bee", 6.0), ("cow", 4.0), ("doe", 2.0)}
    assert twins.families_["legs"] == "same as name"
    for rows in (
        twins.sample(1000, random_state=0),
        twins.sample(1000, conditions={"size": 0.0}, random_state=0),
        twins.sample(1000, conditions={"legs": 4.0}, random_state=0),
    ):
        assert set(zip(rows["name"], rows["legs"], strict=True)) <= pairs
    assert set(rows["name"]) == {"cow"}


def test_either_twin_alone_is_enough(twins):
    rows = twin_table(50, 1)
    whole = twins.score_samples(rows)
    no_name = rows.assign(name=rows["name"].mask(rows["name"].notna()))
    no_legs = rows.assign(legs=np.nan)
    for part in (no_name, no_legs):
        np.testing.assert_allclose(twins.score_samples(part), whole, atol=1e-5)
        drawn = twins.sample_conditional(part, random_state=0)
        pd.testing.assert_frame_equal(drawn, rows)
        pd.testing.assert_frame_equal(twins.conditional_mode(part), rows)
        np.testing.assert_allclose(twins.predict_proba(part), twins.predict_proba(rows))


def test_twins_that_disagree(twins):
    rows = pd.DataFrame(
        {"name": ["ant", "ant", "new"], "legs": [6.5, 4.0, 4.0], "size": 0.0}
    )
    scores = twins.score_samples(rows)
    assert np.isfinite(scores).all()
    assert scores[1] < scores[0] - 10
    alone = twins.score_samples(rows.assign(legs=np.nan))
    # p(name) = sum over legs of p(name, legs), of a new name too
    for i, name in enumerate(("ant", "new")):
        many = pd.DataFrame({"name": name, "legs": [6.5, 6.0, 4.0, 2.0], "size": 0.0})
        total = np.log(np.exp(twins.score_samples(many)).sum())
        assert total == pytest.approx(alone[2 * i], abs=1e-5)


@pytest.mark.parametrize("columns", [["name", "legs", "size"], ["legs", "name"]])
def test_conditions_on_twins_that_disagree_are_told_which(twins, columns):
    marginal = twins.marginal(columns)
    assert len(marginal.sample(5, conditions={"name": "cow", "legs": 4.0})) == 5
    match = "column 'legs' says the same as column 'name'"
    with pytest.raises(ValueError, match=match):
        marginal.sample(5, conditions={"name": "ant", "legs": 4.0})


def test_a_new_name_has_some_legs(twins):
    rows = pd.DataFrame({"name": ["new"] * 400, "legs": np.nan, "size": 1.0})
    drawn = twins.sample_conditional(rows, random_state=0)
    assert not drawn.isna().to_numpy().any()
    assert (drawn["name"] == "new").all()
    counts = drawn["legs"].value_counts().reindex([6.5, 6.0, 4.0, 2.0]).to_numpy()
    shares = twin_table()["legs"].value_counts().reindex([6.5, 6.0, 4.0, 2.0])
    assert stats.chisquare(counts, 400 * shares / shares.sum()).pvalue > ALPHA
    assert not twins.conditional_mean(rows).isna().to_numpy().any()


def test_columns_that_are_nearly_twins_are_none():
    rows = twin_table()
    rows.loc[5, "legs"] = 2.0 if rows.loc[5, "legs"] != 2.0 else 4.0
    model = TableMixture(2, smoothing=0.1, random_state=0).fit(rows)
    assert "same as" not in "".join(model.families_.values())
    assert np.isfinite(model.score(rows))


# Missing cells


def missing_table(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    old = rng.random(n) < 0.4
    rows = pd.DataFrame(
        {
            "age": rng.normal(np.where(old, 70, 20), 3),
            "pulse": rng.normal(np.where(old, 90, 60), 5),
            "blood": rng.choice(["A", "B"], n),
            "alone": rng.normal(size=n),
            "never": rng.normal(size=n),
        }
    )
    lab = rng.random(n) < np.where(old, 0.8, 0.1)
    rows.loc[lab, ["pulse", "blood"]] = np.nan
    rows.loc[rng.random(n) < 0.2, "alone"] = np.nan
    return rows


def test_cells_go_missing_as_they_did():
    rows = missing_table()
    model = TableMixture(8, smoothing=0.1, random_state=0).fit(rows)
    assert not model.sample(200, random_state=0).isna().to_numpy().any()
    drawn = model.sample(4000, reproduce_missing=True, random_state=0)
    pd.testing.assert_series_equal(drawn.dtypes, rows.dtypes)
    gone = drawn.isna()
    assert (gone["pulse"] == gone["blood"]).all()
    assert not gone[["age", "never"]].to_numpy().any()
    old = drawn["age"] > 45
    for seen, want in (
        (gone["pulse"][old], rows["pulse"].isna()[rows["age"] > 45].mean()),
        (gone["pulse"][~old], rows["pulse"].isna()[rows["age"] < 45].mean()),
        (gone["alone"], rows["alone"].isna().mean()),
        (gone["alone"][gone["pulse"]], rows["alone"].isna().mean()),
    ):
        assert seen.mean() == pytest.approx(want, abs=0.04)
    given = model.sample(
        300, conditions={"age": 70.0, "blood": "A"}, reproduce_missing=True
    )
    assert (given[["age", "blood"]] == [70.0, "A"]).all().all()
    assert given["pulse"].isna().mean() > 0.5


def test_names_go_missing_as_often_as_they_did():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"x": rng.normal(size=1000), "id": np.arange(1000)})
    rows["code"] = [f"c-{n:05d}" for n in rng.permutation(1000)]
    rows["id"] = rows["id"].astype("Int64").mask(rng.random(1000) < 0.1)
    model = TableMixture(2, random_state=0).fit(rows)
    drawn = model.sample(4000, reproduce_missing=True, random_state=0)
    assert drawn.dtypes.equals(rows.dtypes)
    assert drawn["id"].isna().mean() == pytest.approx(0.1, abs=0.03)
    assert drawn["id"].dropna().is_unique
    assert not drawn["code"].isna().any()
    assert not model.sample(500, random_state=0).isna().to_numpy().any()
    given = model.sample(200, conditions={"id": 5}, reproduce_missing=True)
    assert (given["id"] == 5).all()


def test_marginals_miss_cells_too():
    rows = missing_table()
    model = TableMixture(4, smoothing=0.1, random_state=0).fit(rows)
    drawn = model.marginal(["blood", "pulse"]).sample(
        1000, reproduce_missing=True, random_state=0
    )
    gone = drawn.isna()
    assert (gone["pulse"] == gone["blood"]).all()
    assert gone["pulse"].mean() == pytest.approx(0.38, abs=0.06)
