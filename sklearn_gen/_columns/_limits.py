"""Between which values draws of a column are."""

import numpy as np


def limits_seen(column, schema, largest):
    """What draws of a column are clipped to."""
    counted = column.kind not in ("continuous", "categorical")
    if column.is_gap:
        return 0.0, float(largest) if counted else np.inf
    # Whole numbers with gaps are floats to pandas; as masses they are clipped like
    # integers, while a density would get atoms at its ends.
    if counted or (column.kind == "continuous" and column.grid > 0.0):
        return schema.columns[column.sources[0]].bounds
    return -np.inf, np.inf
