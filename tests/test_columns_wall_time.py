"""Days of time zones where clocks are changed: encoded by what clocks show."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from sklearn_gen._columns import TableSchema
from sklearn_gen._columns._wall_time import from_wall_time, wall_time
from sklearn_gen.constraints import Inequality
from sklearn_gen.mixture import TableMixture

ZONES = ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo"]


def days(zone, n_rows=400, at="00:00"):
    first = pd.Timestamp(f"2023-01-01 {at}", tz=zone)
    return pd.Series(pd.date_range(first, periods=n_rows, freq="D"))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", ZONES)
def test_days_are_whole_steps(zone, unit):
    table = pd.DataFrame({"day": days(zone).dt.as_unit(unit)})
    schema = TableSchema.from_table(table)
    encoded = schema.encode(table)
    np.testing.assert_array_equal(encoded[:, 0], np.arange(400.0))
    pd.testing.assert_frame_equal(schema.decode(encoded), table)


def test_polars_too():
    table = pl.DataFrame({"day": days("Europe/Paris").to_list()})
    schema = TableSchema.from_table(table)
    np.testing.assert_array_equal(schema.encode(table)[:, 0], np.arange(400.0))
    assert_frame_equal(schema.decode(schema.encode(table)), table)


@pytest.mark.filterwarnings("ignore::sklearn_gen.DegenerateDataWarning")
@pytest.mark.parametrize("at", ["00:00", "09:30"])
def test_days_are_drawn_at_their_time(at):
    table = pd.DataFrame({"day": days("Europe/Paris", 300, at)})
    table["x"] = np.random.default_rng(0).normal(size=300)
    drawn = TableMixture(4, random_state=0).fit(table).sample(500, random_state=0)
    assert drawn.dtypes.equals(table.dtypes)
    assert set(drawn["day"].dt.strftime("%H:%M")) == {at}
    summer = drawn["day"].dt.month.between(5, 9)
    assert 0.2 < summer.mean() < 0.8


def test_other_times_of_a_column_of_days():
    table = pd.DataFrame({"day": days("Europe/Paris")})
    schema = TableSchema.from_table(table)
    noon = table[:3] + pd.Timedelta("12h")
    np.testing.assert_array_equal(schema.encode(noon)[:, 0], [0.5, 1.5, 2.5])
    # the same instants, in another zone
    utc = pd.DataFrame({"day": table["day"].dt.tz_convert("UTC")})
    np.testing.assert_array_equal(schema.encode(utc)[:, 0], np.arange(400.0))


def test_clocks_that_are_changed():
    def ticks(*texts):
        return np.array(texts, "M8[s]").astype(np.int64)

    zone = "Europe/Paris"
    shown = ticks("2023-03-26T01:59", "2023-03-26T02:30", "2023-03-26T03:00")
    utc = ticks("2023-03-26T00:59", "2023-03-26T01:30", "2023-03-26T01:00")
    np.testing.assert_array_equal(from_wall_time(shown, "s", zone), utc)
    twice = ticks("2023-10-29T00:30", "2023-10-29T01:30")
    assert len(set(wall_time(twice, "s", zone))) == 1
    back = from_wall_time(wall_time(twice, "s", zone), "s", zone)
    np.testing.assert_array_equal(back, twice[[0, 0]])


def test_hours_that_come_twice_are_kept():
    hours = pd.date_range("2023-10-28", periods=60, freq="h", tz="Europe/Paris")
    table = pd.DataFrame({"hour": hours})
    schema = TableSchema.from_table(table)
    pd.testing.assert_frame_equal(schema.decode(schema.encode(table)), table)


@pytest.mark.filterwarnings("ignore::sklearn_gen.DegenerateDataWarning")
@pytest.mark.parametrize("names", [("start", "end"), (0, -1)])
def test_inequalities_compare_instants(names):
    rng = np.random.default_rng(0)
    later = rng.integers(1, 9, 300)
    both = days("America/New_York")[:300], days("Europe/Paris")[later + np.arange(300)]
    table = pd.DataFrame(dict(zip(["start", "end"], map(list, both), strict=True)))
    model = TableMixture(
        3, constraints=[Inequality(names[0], "<=", names[1])], random_state=0
    ).fit(table)
    drawn = model.sample(1000, random_state=0)
    assert (drawn["start"] <= drawn["end"]).all()
    assert drawn.dtypes.equals(table.dtypes)
    # midnight of the same day comes earlier in Paris
    same = table.assign(end=days("Europe/Paris")[:300])
    assert (model.score_samples(same) == -np.inf).all()
    assert np.isfinite(model.score_samples(table)).all()
