"""One column of a mixed table: cells to floats that models learn from, and back."""

import re
from dataclasses import dataclass
from numbers import Real

import numpy as np

from sklearn_gen._columns._cells import NUMBERS, TICKS_PER_DAY, TIMES
from sklearn_gen._columns._containers import at_start
from sklearn_gen._columns._identifiers import (
    NumberedNames,
    ShapedNames,
    can_name_rows,
    new_names,
)
from sklearn_gen._columns._resolution import cell_width, on_grid
from sklearn_gen._columns._wall_time import from_wall_time, has_rules, wall_time

# Above this, float64 skips integers.
_EXACT = 2**53
_FIRST_ROWS = 1000
_GROUPS = {
    "continuous": "numbers",
    "integer": "numbers",
    "boolean": "booleans",
    "datetime": "dates",
    "timedelta": "durations",
    "text": "text",
}


@dataclass(frozen=True, eq=False)
class Column:
    """How the cells of one column become floats.

    Attributes
    ----------
    kind : str
        What models see: 'continuous', 'integer', 'boolean', 'categorical', 'datetime',
        'timedelta' or, of what no model sees, 'identifier'.
    stored : str
        What the table holds, as in `Cells`.
    dtype, scalar, unit, zone, level_dtype, ordered, gap
        As in `Cells`.
    levels : tuple or None
        Of a categorical column, as stored; code k means ``levels[k]``.
    origin, step : int
        A cell is encoded as (cell - origin) / step; 0 and 1 except for dates and for
        integers that float64 can't hold.
    is_wall_time : bool
        Whether origin and steps are of what clocks show in the zone, not of UTC: days
        are, where clocks are changed.
    bounds : tuple of float
        Smallest and largest encoded value seen, NaN if none was.
    resolution : float
        Width of the grid that encoded values lie on, 0.0 for none.
    is_empty : bool
        Whether nothing was observed: then all cells count as missing.
    is_clipped : bool
        Whether integers and dates are decoded within the bounds; else they follow from
        other columns, and only what the dtype can't hold is clipped.
    pattern : NumberedNames, ShapedNames or None
        How an identifier makes new names; it is encoded as their serial number.
    missing_share : float
        Of the cells of an identifier.
    """

    kind: str
    stored: str
    dtype: str
    scalar: str | None = None
    unit: str | None = None
    zone: str | None = None
    levels: tuple | None = None
    level_dtype: str | None = None
    ordered: bool = False
    gap: str = "None"
    origin: int = 0
    step: int = 1
    is_wall_time: bool = False
    bounds: tuple = (np.nan, np.nan)
    resolution: float = 0.0
    is_empty: bool = False
    is_clipped: bool = True
    pattern: NumberedNames | ShapedNames | None = None
    missing_share: float = 0.0

    @property
    def categories(self):
        """Levels of a categorical column as users know them, else None."""
        if self.kind != "categorical":
            return None
        if self.stored in TIMES and self.unit != "period":
            letter = "M" if self.stored == "datetime" else "m"
            return tuple(np.array(self.levels, dtype=f"{letter}8[{self.unit}]"))
        return self.levels


def column_of(cells, label, *, categorical, identifier=False, instant=False):
    """Describe a column by its cells.

    Parameters
    ----------
    cells : Cells
        All rows that count.
    label : str
        What messages call the column.
    categorical : bool
        Whether its values are levels, whatever their type.
    identifier : bool
        Whether it only names rows.
    instant : bool
        Whether dates are compared with others, which may be of other time zones: they
        are then encoded in UTC.

    Returns
    -------
    column : Column
    """
    present = cells.values[~cells.missing]
    known = {
        "stored": cells.kind,
        "dtype": cells.dtype,
        "scalar": cells.scalar,
        "unit": cells.unit,
        "zone": cells.zone,
        "level_dtype": cells.level_dtype,
        "ordered": cells.ordered,
        "gap": cells.gap,
        "is_empty": len(present) == 0,
    }
    if identifier and len(present):
        if not can_name_rows(cells):
            raise ValueError(
                f"{at_start(label)} can't be an identifier: these are whole numbers or "
                f"text, and it has dtype {cells.dtype}."
            )
        share = float(cells.missing.mean())
        pattern = new_names(cells)
        return Column(kind="identifier", pattern=pattern, missing_share=share, **known)
    if categorical or cells.kind in ("text", "category", "empty"):
        levels = cells.levels
        if levels is None:
            levels = tuple(sorted(set(present.tolist())))
        return Column(kind="categorical", levels=levels, resolution=1.0, **known)
    _refuse_infinite(cells, label)
    origin, step, is_wall_time = 0, 1, False
    if len(present) and cells.kind in TIMES:
        is_wall_time = not instant and _is_of_days(present, cells.unit, cells.zone)
        if is_wall_time:
            present = wall_time(present, cells.unit, cells.zone)
        origin = int(present.min()) if cells.kind == "datetime" else 0
        step = _natural_step(present, origin, cells.unit)
    elif len(present) and cells.kind == "integer":
        low, high = int(present.min()), int(present.max())
        origin = low if max(abs(low), abs(high)) > _EXACT else 0
    known |= {"origin": origin, "step": step, "is_wall_time": is_wall_time}
    column = Column(kind=cells.kind, **known)
    encoded = _shifted(present, column)
    bounds = (float(encoded.min()), float(encoded.max())) if len(present) else None
    return Column(
        kind=cells.kind,
        bounds=bounds or (np.nan, np.nan),
        resolution=_resolution(cells.kind, present, encoded),
        **known,
    )


def _natural_step(ticks, origin, unit):
    """Ticks in the longest of day, hour, ..., nanosecond that all are multiples of."""
    if unit == "period":
        return 1
    day = TICKS_PER_DAY[unit]
    rest = ticks % day - origin % day
    for parts in (1, 24, 1440, 86_400, 86_400 * 10**3, 86_400 * 10**6):
        if day % parts == 0 and not (rest % (day // parts)).any():
            return day // parts
    return 1


def _is_of_days(ticks, unit, zone):
    """Whether clocks show one time of day in all rows, but UTC doesn't."""
    if zone is None or not has_rules(zone):
        return False
    day = TICKS_PER_DAY[unit]
    for rows in (ticks[:_FIRST_ROWS], ticks):  # most times are no days
        shown = wall_time(rows, unit, zone)
        if len(np.unique(shown % day)) > 1:
            return False
    known = np.array_equal(from_wall_time(shown, unit, zone), ticks)
    return known and len(np.unique(ticks % day)) > 1


def _resolution(kind, present, encoded):
    if kind == "boolean":
        return 1.0
    if kind == "continuous":  # of float32 as such: its rounding is its own
        return cell_width(present)
    return max(cell_width(encoded), 1.0)


def encode(column, cells, label):
    """Turn cells into floats: NaN where missing, the number of levels if unseen.

    Raises
    ------
    ValueError
        If the cells are of another type than those of the column.
    """
    encoded = np.full(len(cells.missing), np.nan)
    seen = ~cells.missing
    if column.is_empty or column.kind == "identifier" or not seen.any():
        return encoded
    _refuse_other_type(column, cells, label)
    if column.kind == "categorical":
        code_of = {level: code for code, level in enumerate(column.levels)}
        unseen = len(column.levels)
        encoded[seen] = [
            code_of.get(cell, unseen) for cell in cells.values[seen].tolist()
        ]
        return encoded
    _refuse_infinite(cells, label)
    if column.kind in TIMES:
        ticks = _in_unit(cells.values[seen], cells.unit, column.unit)
        if column.is_wall_time:
            ticks = wall_time(ticks, column.unit, column.zone)
        encoded[seen] = _shifted(ticks, column)
    elif column.origin == 0:
        encoded = np.where(seen, cells.values, np.nan).astype(np.float64, copy=False)
    else:
        encoded[seen] = _shifted(cells.values[seen], column)
    if column.kind == "boolean" and cells.kind != "boolean":
        _refuse_other_booleans(encoded, label)
    return encoded


def _shifted(values, column):
    """Compute (values - origin) / step with no digit lost where float64 can hold it."""
    origin, step = column.origin, column.step
    if step > 1:  # first in whole steps: a difference of ticks may overflow
        whole = values // step - origin // step
        return whole + (values % step - origin % step) / step
    if origin == 0 or values.dtype.kind == "f":
        return values.astype(np.float64) - float(origin)
    near = int(values.min()) >= origin - _EXACT and int(values.max()) <= origin + _EXACT
    if near:
        return (values - values.dtype.type(origin)).astype(np.float64)
    return np.array([float(int(value) - origin) for value in values])


def _in_unit(ticks, unit, wanted):
    """Convert ticks; what is finer than the unit wanted is cut off."""
    if unit == wanted:
        return ticks
    have, want = TICKS_PER_DAY[unit], TICKS_PER_DAY[wanted]
    return ticks * (want // have) if want > have else ticks // (have // want)


def decode(column, encoded):
    """Turn floats into what the column stores: values and where they are missing.

    Integers and dates are rounded and clipped to the bounds seen; numbers that lie on a
    grid are rounded to it.
    """
    missing = np.isnan(encoded) | column.is_empty
    if column.kind == "identifier":
        names = column.pattern.names(np.where(missing, 0.0, encoded))
        if column.scalar == "bytes":
            names = np.array([name.encode("latin-1") for name in names], dtype=object)
        return names, missing
    if column.kind == "categorical":
        missing |= encoded >= len(column.levels)
        codes = np.where(missing, len(column.levels), encoded).astype(np.intp)
        if column.stored in (*NUMBERS, *TIMES):
            levels = np.array([*column.levels, (*column.levels, 0)[0]])
        else:
            levels = np.empty(len(column.levels) + 1, dtype=object)
            levels[:-1] = column.levels
        return levels[codes], missing
    if column.is_empty:
        return np.zeros(len(encoded), dtype=_integers(column)), missing
    encoded = np.where(missing, column.bounds[0], encoded)
    encoded = on_grid(encoded, column.resolution, column.bounds[0])
    if column.kind == "boolean":
        return encoded > 0.5, missing
    if column.kind == "continuous":
        return encoded, missing
    encoded = np.rint(encoded)
    if column.is_clipped:
        encoded = np.clip(encoded, *column.bounds)
    values = _unshifted(encoded, column)
    if column.is_wall_time:
        values = from_wall_time(values, column.unit, column.zone)
    return values, missing


def _integers(column):
    unsigned = column.stored == "integer" and "uint" in column.dtype.lower()
    return np.uint64 if unsigned else np.int64


def _unshifted(encoded, column):
    dtype = _integers(column)
    if re.fullmatch(r"u?int(8|16|32|64)", column.dtype.lower()):
        limits = np.iinfo(column.dtype.lower())
        low, high = (float(end - column.origin) for end in (limits.min, limits.max))
        encoded = np.clip(encoded, low, high)
    if np.abs(encoded).max(initial=0.0) <= _EXACT:
        return encoded.astype(dtype) * dtype(column.step) + dtype(column.origin)
    limits = np.iinfo(dtype)
    ticks = (column.origin + int(value) * column.step for value in encoded)
    ticks = [min(max(tick, limits.min), limits.max) for tick in ticks]
    return np.array(ticks, dtype=dtype)


def _refuse_infinite(cells, label):
    if cells.kind != "continuous":
        return
    infinite = np.isinf(cells.values) & ~cells.missing
    if infinite.any():
        raise ValueError(
            f"Input X contains infinity ({label}, row {np.argmax(infinite)}); cells "
            "are finite. Clip or drop it, or write NaN where it means 'not observed'."
        )


def _refuse_other_type(column, cells, label):
    now, then = _group(cells.kind, cells.levels), _group(column.stored, column.levels)
    numbers = {"numbers", "booleans"}
    if now != then and then is not None and not {now, then} <= numbers:
        raise _changed(label, then, now, cells)
    if now in ("dates", "durations") and then is not None:
        if (column.zone is None) != (cells.zone is None):
            raise ValueError(
                f"{at_start(label)} had the time zone {column.zone} in fit, now "
                f"{cells.zone}: localize or convert it (tz_localize, tz_convert)."
            )
        if (column.unit == "period") != (cells.unit == "period"):
            raise _changed(label, column.dtype, cells.dtype, cells)


def _group(stored, levels):
    """Say what a column holds; None where anything may come."""
    if stored != "category":
        return _GROUPS.get(stored)
    kinds = {
        "text" if isinstance(level, str) else "numbers"
        for level in levels
        if isinstance(level, str | Real)
    }
    return kinds.pop() if len(kinds) == 1 else None


def _changed(label, then, now, cells):
    row = int(np.argmin(cells.missing))
    cell = np.asarray(cells.values[row : row + 1]).tolist()[0]
    if cells.kind in TIMES:
        shown = f"{cells.dtype}, row {row}"
    else:
        shown = f"{cell!r}, row {row}, dtype {cells.dtype}"
    return ValueError(
        f"{at_start(label)} held {then} in fit, now it holds {now} ({shown}). "
        "Convert it to what it was (column.astype), or fit again."
    )


def _refuse_other_booleans(encoded, label):
    other = ~np.isnan(encoded) & (encoded != 0.0) & (encoded != 1.0)
    if other.any():
        row = int(np.argmax(other))
        raise ValueError(
            f"{at_start(label)} held booleans in fit, now it holds {encoded[row]} "
            f"(row {row}). Convert it to booleans, or fit again."
        )
