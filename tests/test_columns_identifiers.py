"""Columns that only name rows: few false alarms, and new names, never copies."""

import uuid

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes, load_iris, load_wine

import sklearn_gen
from sklearn_gen._columns import Table, TableSchema
from sklearn_gen._columns._identifiers import names_rows
from tests.mixed_model import ReferenceTable

N = 300
RNG = np.random.default_rng(0)


def hexadecimal(n, length=16):
    return ["".join(RNG.choice(list("0123456789abcdef"), length)) for _ in range(n)]


def words(n):
    letters = list("abcdefghij")
    sizes = RNG.integers(5, 12, n)
    return ["".join(RNG.choice(letters, size)).capitalize() for size in sizes]


IDENTIFIERS = {
    "row": range(N),
    "shuffled": RNG.permutation(N) + 1,
    "sampled": RNG.permutation(3 * N)[:N],
    "customer_id": RNG.choice(10**8, N, replace=False),
    "CustomerID": RNG.choice(10**8, N, replace=False),
    "hash": RNG.integers(2**60, 2**62, N),
    "customer": [f"customer-{i:05d}" for i in RNG.permutation(N)],
    "part": [f"part {i} (old)" for i in RNG.permutation(N)],
    "digits": [f"{i:06d}" for i in RNG.permutation(N)],
    "uuid": [str(uuid.UUID(bytes=RNG.bytes(16), version=4)) for _ in range(N)],
    "hex": hexadecimal(N),
    "plate": [
        f"{''.join(RNG.choice(list('ABCXYZ'), 2))}-{k}"
        for k in RNG.choice(9000, N, replace=False) + 1000
    ],
    "mail": [f"{name}@firm.example" for name in hexadecimal(N, 9)],
    "mails": [
        f"{word}@{k}.example" for word, k in zip(words(N), range(N), strict=True)
    ],
    "codes": [f"{'x' * (i % 4)}{i * 7919 % 100_003}-b" for i in range(N)],
    "user id": np.where(np.arange(N) % 9 == 4, np.nan, RNG.permutation(N)),
    "address": [".".join(map(str, RNG.integers(1, 256, 4))) for _ in range(N)],
}
OTHERS = {
    "ages": (RNG.permutation(60)[:25] + 18),  # all distinct, in a small table
    "price": RNG.choice(10**6, N, replace=False),
    "year": np.arange(N) + 1700,
    "sales rank": RNG.permutation(N),
    "logged": 1_700_000_000_000_000_000 + RNG.integers(10**16, size=N),  # nanoseconds
    "repeated_id": RNG.integers(0, N // 2, N),
    "amount": np.sort(RNG.choice(10**5, N, replace=False)),
    "counts": np.r_[RNG.permutation(N - 3), 1, 2, 3],  # some occur twice
    "real": RNG.normal(size=N),
    "whole": np.arange(float(N)),
    "flag": RNG.random(N) < 0.5,
    "date": pd.date_range("2020-01-01", periods=N),
    "date as text": pd.date_range("2020-01-01", periods=N).astype(str),
    "number as text": RNG.normal(size=N).round(6).astype(str),
    "city": RNG.choice(["Rome", "Oslo"], N),
    "level": pd.Categorical([f"level-{i}" for i in range(N)]),
    "words": words(50),
    "few_id": np.arange(10),
}


@pytest.mark.parametrize("name", IDENTIFIERS)
def test_identifiers_are_found(name):
    table = pd.DataFrame({name: IDENTIFIERS[name]})
    schema = TableSchema.from_table(table, identifiers="auto")
    assert schema.identifier_columns == [0]
    assert TableSchema.from_table(table).identifier_columns == []
    for part in (table[:50], table.sample(100, random_state=0)):
        kinds = TableSchema.from_table(part, identifiers="auto").kinds
        assert kinds == ("identifier",) or name in ("sampled", "shuffled", "row")


@pytest.mark.parametrize("name", OTHERS)
def test_other_columns_are_not(name):
    table = pd.DataFrame({name: OTHERS[name]})
    assert TableSchema.from_table(table, identifiers="auto").identifier_columns == []


@pytest.mark.parametrize("load", [load_iris, load_wine, load_diabetes])
def test_no_false_alarm_on_measurements(load):
    frame = load(as_frame=True).frame
    for rows in (frame, frame[:25], (frame * 100).round().astype(int)):
        assert TableSchema.from_table(rows, identifiers="auto").identifier_columns == []


def test_integers_drawn_independently_are_found_at_the_stated_rate():
    """At most 5e-5 of tables; of 4,000 here more than 3 would be a chance of 1e-4."""
    alarms = 0
    for _ in range(4_000):
        n = RNG.integers(20, 200)
        values = RNG.integers(0, n * RNG.integers(1, 30), n)
        if len(np.unique(values)) == n:
            cells = Table.read(values[:, None]).columns[0]
            alarms += names_rows(cells, "x")
    assert alarms <= 3


@pytest.mark.parametrize("name", IDENTIFIERS)
def test_new_names_have_the_pattern_and_are_no_copies(name):
    table = pd.DataFrame({name: IDENTIFIERS[name]})
    schema = TableSchema.from_table(table, identifiers="auto")
    rng = np.random.default_rng(0)
    drawn = schema.decode(np.full((2000, 1), np.nan), rng)
    assert drawn[name].dtype == table[name].dtype
    assert drawn[name].is_unique
    assert not drawn[name].isin(table[name]).any()
    if table[name].dtype.kind not in "if":
        lengths = drawn[name].str.len()
        known = table[name].str.len()
        assert lengths.between(known.min() - 1, known.max() + 3).all()
    again = schema.decode(np.full((2000, 1), np.nan), np.random.default_rng(0))
    pd.testing.assert_frame_equal(again, drawn)
    assert schema.decode(np.full((3, 1), np.nan)).isna().to_numpy().all()


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("customer", r"customer-\d{5}"),
        ("part", r"part \d+ \(old\)"),
        ("uuid", "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        ("hex", "[0-9a-f]{16}"),
        ("plate", r"[A-Z]{2}-\d{4}"),
        ("mail", r"[a-z]{8}@firm\.example"),
        ("mails", r"[a-z]{8}@example\.org"),
        ("codes", r"[a-z]{0,3}\d+-[a-z]\d*"),
    ],
)
def test_patterns(name, pattern):
    table = pd.DataFrame({name: IDENTIFIERS[name]})
    schema = TableSchema.from_table(table, identifiers="auto")
    drawn = schema.decode(np.full((500, 1), np.nan), np.random.default_rng(0))
    assert drawn[name].str.fullmatch(pattern).all()


def test_counted_rows_go_on_being_counted():
    schema = TableSchema.from_table(pd.DataFrame({"row": range(N)}), identifiers=[0])
    drawn = schema.decode(np.full((4, 1), np.nan), RNG)
    assert drawn["row"].tolist() == [N, N + 1, N + 2, N + 3]


@pytest.mark.parametrize(
    ("numbers", "n_rows"),
    [
        (range(1, 250), 7),  # 0 and 250 to 255 are left
        (np.arange(128, dtype=np.int8), 100),
        (np.arange(30_000, dtype=np.int16), 30_000),
        (RNG.choice(2**31 - 1, N, replace=False).astype(np.int32), 10_000),
        (RNG.integers(0, 2**63 - 1, N), 10_000),
        (RNG.integers(2**63, 2**64 - 1, N, dtype=np.uint64), 10_000),
    ],
    ids=["uint8", "int8", "int16", "int32", "int64", "uint64"],
)
def test_new_numbers_are_what_the_dtype_can_hold(numbers, n_rows):
    dtype = getattr(numbers, "dtype", np.dtype(np.uint8))
    table = pd.DataFrame({"Id": np.asarray(numbers, dtype=dtype)})
    schema = TableSchema.from_table(table, identifiers=["Id"])
    serials = schema.columns[0].pattern.draw(n_rows, np.random.default_rng(0))
    names = schema.columns[0].pattern.names(serials)
    limits = np.iinfo(dtype)
    assert limits.min <= int(names.min())
    assert int(names.max()) <= limits.max
    if dtype.itemsize > 2:  # where there is room, none is below zero
        assert int(names.min()) >= 0
    drawn = schema.decode(np.full((n_rows, 1), np.nan), np.random.default_rng(0))["Id"]
    assert drawn.dtype == dtype
    assert drawn.is_unique
    assert not drawn.isin(table["Id"]).any()


def test_a_dtype_without_new_numbers():
    table = pd.DataFrame(
        {"Id": np.arange(256, dtype=np.uint8), "x": RNG.normal(size=256)}
    )
    schema = TableSchema.from_table(table, identifiers="auto")
    values = schema.encode(table)
    with pytest.raises(ValueError, match=r"Column 'Id': There are 0 new names.*wider"):
        schema.decode(values, RNG)
    # none is missing, so none is needed
    pd.testing.assert_frame_equal(schema.fill(table, values, RNG), table)


def test_bytes_stay_bytes():
    names = [f"a{k}".encode() for k in range(N)]
    table = pd.DataFrame({"code": pd.Series(names, dtype=object)})
    schema = TableSchema.from_table(table, identifiers="auto")
    drawn = schema.decode(np.full((3, 1), np.nan), RNG)["code"]
    assert drawn.tolist() == [b"a300", b"a301", b"a302"]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text(min_size=1, max_size=4), min_size=20, max_size=60, unique=True))
def test_any_text_has_new_names(names):
    table = pd.DataFrame({"x": pd.Series(names, dtype=object)})
    schema = TableSchema.from_table(table, identifiers=["x"])
    drawn = schema.decode(np.full((100, 1), np.nan), np.random.default_rng(0))["x"]
    assert drawn.is_unique
    assert not set(drawn) & set(names)


class Identifying(ReferenceTable):
    identifiers = "auto"


def test_identifiers_take_no_part_in_a_density():
    frame = pd.DataFrame({"x": RNG.normal(size=N), "city": RNG.choice(["a", "b"], N)})
    table = frame.assign(user=IDENTIFIERS["uuid"], row=range(N))
    model = Identifying(random_state=0).fit(table)
    plain = ReferenceTable(random_state=0).fit(frame)
    np.testing.assert_allclose(model.score_samples(table), plain.score_samples(frame))
    other = table.assign(user="nobody", row=-1.5)
    np.testing.assert_allclose(model.score_samples(other), plain.score_samples(frame))
    drawn = model.sample(N)
    assert not drawn["user"].isin(table["user"]).any()
    assert list(drawn["row"]) == list(range(N, 2 * N))
    holes = table.assign(user=table["user"].where(table["row"] % 2 == 0))
    filled = model.sample_conditional(holes)
    seen = holes["user"].notna()
    pd.testing.assert_frame_equal(filled[seen], table[seen])
    assert filled["user"].is_unique
    assert not filled["user"][~seen].isin(table["user"]).any()
    stored = skops.io.dumps(model.schema_)
    schema = skops.io.loads(stored, trusted=sklearn_gen.trusted_types())
    values = np.full((5, 4), np.nan)
    pd.testing.assert_frame_equal(
        schema.decode(values, np.random.default_rng(1)),
        model.schema_.decode(values, np.random.default_rng(1)),
    )


def test_known_names_are_left_out():
    """Of 20,000 draws from 1,000,000 names 18 would be among 900 known ones."""
    numbers = RNG.choice(10**6, 900, replace=False)
    table = pd.DataFrame({"x": [f"{k // 1000:03d}-{k % 1000:03d}" for k in numbers]})
    schema = TableSchema.from_table(table, identifiers="auto")
    drawn = schema.decode(np.full((20_000, 1), np.nan), np.random.default_rng(0))
    assert drawn["x"].str.fullmatch(r"\d{3}-\d{3}").all()
    assert not drawn["x"].isin(table["x"]).any()


def test_more_names_than_there_are():
    names = [f"{a}{b}" for a in "abcde" for b in "fghij"]
    schema = TableSchema.from_table(pd.DataFrame({"x": names}), identifiers=["x"])
    drawn = schema.decode(np.full((10**4, 1), np.nan), np.random.default_rng(0))
    assert drawn["x"].is_unique
    with pytest.raises(ValueError, match="new names of the pattern"):
        schema.columns[0].pattern.draw(10**8, RNG)


def test_identifiers_that_are_none():
    table = pd.DataFrame({"x": [0.5, 1.5], "y": [1, 2]})
    with pytest.raises(ValueError, match=r"Column 'x' can't be an identifier.*float64"):
        TableSchema.from_table(table, identifiers=["x"])
    with pytest.raises(ValueError, match=r"identifiers must be 'auto'.*got 'all'"):
        TableSchema.from_table(table, identifiers="all")
    with pytest.raises(ValueError, match="identifiers names 'z'"):
        TableSchema.from_table(table, identifiers=["z"])


@pytest.mark.parametrize("features", [[], [0], [0, 1], np.array([], dtype=int)])
def test_declared_levels_of_any_number(features):
    """No, one or several columns are declared levels: the others may name rows."""
    X = np.column_stack([np.arange(200.0) % 3, 1000.0 + np.arange(200)])
    schema = TableSchema.from_table(X, features, identifiers="auto")
    kinds = ["categorical" if j in features else "other" for j in range(2)]
    found = ["categorical" if k == "categorical" else "other" for k in schema.kinds]
    assert found == kinds
