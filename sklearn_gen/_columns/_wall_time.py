"""Dates as clocks show them, where these are changed twice a year."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from sklearn_gen._columns._cells import TICKS_PER_DAY

_EPOCH = datetime(1970, 1, 1)
# Where `datetime` ends, less a day; no clock was changed or will be beyond.
_FIRST, _LAST = -62_135_510_400, 253_402_214_400


def has_rules(zone):
    """Whether a time zone is one of those with a history, not a fixed offset."""
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError):  # pandas' names of other zones
        return False
    return True


def wall_time(ticks, unit, zone):
    """Convert UTC to what clocks show; an hour that comes twice is then the same.

    Parameters
    ----------
    ticks : ndarray of int64
        Since 1970.
    unit : {'s', 'ms', 'us', 'ns'}
        What they are.
    zone : str
        Name of the time zone.

    Returns
    -------
    ticks : ndarray of int64
    """
    zone = ZoneInfo(zone)

    def offset(second):
        now = _EPOCH.replace(tzinfo=UTC) + timedelta(seconds=second)
        return now.astimezone(zone).utcoffset()

    return ticks + _offsets(ticks, unit, offset)


def from_wall_time(ticks, unit, zone):
    """Convert what clocks show to UTC.

    Of an hour that comes twice the first is meant; what clocks skip is as much later.

    Parameters
    ----------
    ticks : ndarray of int64
        Since 1970.
    unit : {'s', 'ms', 'us', 'ns'}
        What they are.
    zone : str
        Name of the time zone.

    Returns
    -------
    ticks : ndarray of int64
    """
    zone = ZoneInfo(zone)

    def offset(second):
        return (_EPOCH + timedelta(seconds=second)).replace(tzinfo=zone).utcoffset()

    return ticks - _offsets(ticks, unit, offset)


def _offsets(ticks, unit, offset):
    """Ticks between UTC and wall time, looked up once for each second."""
    per_second = TICKS_PER_DAY[unit] // 86_400
    seconds = np.clip(ticks // per_second, _FIRST, _LAST)
    seconds, inverse = np.unique(seconds, return_inverse=True)
    found = [offset(second) // timedelta(seconds=1) for second in seconds.tolist()]
    return np.array(found, dtype=np.int64)[inverse.ravel()] * per_second
