"""Where data sets for benchmarks lie.

They are not part of the package. Point the environment variable SKLEARN_GEN_DATA at
their folder, or put it beside the checkout as ``shared/data``.
"""

import os
from pathlib import Path


def find(*parts):
    """Path of a data file or folder.

    Parameters
    ----------
    *parts : str
        Path below the data folder, such as ``"uci", "adult.csv"``.

    Raises
    ------
    FileNotFoundError
        Says which file was looked for, where, and how to name another place.
    """
    beside = Path(__file__).parents[2] / "shared" / "data"
    root = Path(os.environ.get("SKLEARN_GEN_DATA", beside))
    path = root.joinpath(*parts)
    if not path.exists():
        raise FileNotFoundError(
            f"The data set {'/'.join(parts)} is missing: there is no {path}. Set the "
            "environment variable SKLEARN_GEN_DATA to the folder that holds it."
        )
    return path
