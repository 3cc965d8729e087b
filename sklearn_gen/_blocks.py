"""Row blocks of a fixed size, spread over threads and reduced in block order.

The size never depends on `n_jobs` and sums are taken in block order, so results are
the same bytes for every number of threads.
"""

import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial, reduce
from typing import NamedTuple

import joblib
import numpy as np
from joblib.parallel import get_active_backend
from threadpoolctl import ThreadpoolController

# A block's size depends on the number of columns alone: 1 MB of cells, so that it stays
# in a core's cache while a kernel call's 20 us, and what is around it, vanish beside
# its work; at most 32,768 rows, so that threads share evenly, and at least 2048, so
# that adding K D^2 statistics stays cheap beside summing them.
_BLOCK_CELLS = 2**17
_MAX_ROWS = 32_768
_MIN_ROWS = 2048

# Patterns of missing cells that have fewer rows than this share blocks. Gaussian
# mixtures of 4 to 60 columns, full or diag, take as long either way at 100 to 160 rows.
_FEW_ROWS = 128
_MIXED_ROWS = 256  # in a shared block, where a row may take as long as a pattern

NO_WEIGHT = np.empty(0)  # "all ones", without n numbers in memory


class Block(NamedTuple):
    """Some rows of a table.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_observed)
        The observed cells; in a mixed block all cells, NaN where not observed.
    sample_weight : ndarray of shape (n_rows,) or (0,)
        Empty means all ones.
    rows : slice or ndarray of shape (n_rows,)
        Where the rows stand in the table.
    observed : ndarray of shape (n_features,) or None
        Mask of the observed columns; None means all.
    mixed : bool
        Whether rows differ in what is observed. They are sorted by that, and
        `observed` says nothing.
    """

    X: np.ndarray
    sample_weight: np.ndarray
    rows: slice | np.ndarray
    observed: np.ndarray | None
    mixed: bool = False

    @property
    def weight(self):
        """Sum of the weights."""
        w = self.sample_weight
        return float(w.sum(dtype=np.float64)) if w.size else float(len(self.X))


def row_blocks(X, sample_weight=None, mixed=True):
    """Cut a table into blocks; rows with NaN are grouped by their pattern.

    Complete rows, and patterns of many rows, have blocks of their own, in which missing
    columns are left out. All other rows make up mixed blocks.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        NaN means not observed.
    sample_weight : ndarray of shape (n_rows,) or None
        Weights.
    mixed : bool
        False: every pattern has blocks of its own.

    Returns
    -------
    blocks : list of Block
        Views of `X` where it is complete, copies of the observed cells elsewhere.
    """
    weight = NO_WEIGHT if sample_weight is None else sample_weight
    weight = weight.astype(X.dtype, copy=False)
    if not _has_nan(X):
        spans = _spans(*X.shape)
        return [
            Block(X[s], weight[s] if weight.size else weight, s, None) for s in spans
        ]
    blocks, few = [], []
    for rows in _by_pattern(X):
        observed = ~np.isnan(X[rows[0]])
        if mixed and len(rows) < _FEW_ROWS and not observed.all():
            few.append(rows)
            continue
        for span in _spans(len(rows), X.shape[1]):
            part = rows[span]
            cells = np.ascontiguousarray(X[np.ix_(part, observed)])
            mask = None if observed.all() else observed
            blocks.append(Block(cells, _take(weight, part), part, mask))
    rows = np.concatenate(few) if few else []
    for start in range(0, len(rows), _MIXED_ROWS):
        part = rows[start : start + _MIXED_ROWS]
        blocks.append(Block(X[part], _take(weight, part), part, None, mixed=True))
    return blocks


def _take(weight, rows):
    return weight[rows] if weight.size else weight


def missing_patterns(X):
    """Group rows by which of their cells are observed.

    Returns
    -------
    patterns : list of (observed, rows)
        Mask of shape (n_features,), None for complete rows (first if there are any),
        and the indices of the rows, ascending.
    """
    patterns = [(~np.isnan(X[rows[0]]), rows) for rows in _by_pattern(X)]
    patterns.sort(key=lambda pattern: (-pattern[0].sum(), pattern[1][0]))
    return [(None if mask.all() else mask, rows) for mask, rows in patterns]


def _by_pattern(X):
    """Indices of the rows of each pattern; patterns in lexicographic order."""
    if len(X) == 0:
        return []
    packed = np.packbits(np.isnan(X), axis=1)
    order = np.lexsort(packed.T[::-1])
    packed = packed[order]
    is_new = (packed[1:] != packed[:-1]).any(axis=1)
    return np.split(order, 1 + np.flatnonzero(is_new))


def _spans(n_rows, n_features):
    size = _BLOCK_CELLS // max(1, n_features) // 256 * 256
    size = min(max(size, _MIN_ROWS), _MAX_ROWS)
    return [slice(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]


def _has_nan(X):
    return any(np.isnan(X[span]).any() for span in _spans(*X.shape))


def effective_n_jobs(n_jobs):
    """Number of threads for `n_jobs`: None means 1, -1 all cores.

    Inside a joblib worker it is 1: the cores are already taken.
    """
    if n_jobs == 0:
        raise ValueError(
            "n_jobs must not be 0: None or 1 is one thread, -1 one per core."
        )
    if n_jobs is None or get_active_backend()[0].nesting_level:
        return 1
    if n_jobs < 0:
        return max(1, joblib.cpu_count() + 1 + n_jobs)
    return n_jobs


@cache
def _thread_pools():
    return ThreadpoolController()  # listing the loaded libraries takes milliseconds


_blas_lock = threading.Lock()
_blas_users = []  # the limit that the first of concurrent calls set


@contextmanager
def one_blas_thread():
    """Limit BLAS to one thread while any thread of the process computes here.

    The limit is global, so of concurrent calls the first sets and the last lifts it.
    """
    with _blas_lock:
        if not _blas_users:
            limit = _thread_pools().limit(limits=1, user_api="blas")
        else:
            limit = _blas_users[-1]
        _blas_users.append(limit)
    try:
        yield
    finally:
        with _blas_lock:
            _blas_users.pop()
            if not _blas_users:
                limit.restore_original_limits()


@contextmanager
def workers(n_jobs):
    """Give a `map(function, items)` that runs on threads and keeps the order.

    BLAS is limited to one thread meanwhile: blocks are the parallelism.
    """
    n_threads = effective_n_jobs(n_jobs)
    with one_blas_thread():
        if n_threads == 1:
            yield map
        else:
            with ThreadPoolExecutor(n_threads - 1) as pool:
                yield partial(_ordered_map, pool, 2 * n_threads)


def _ordered_map(pool, window, function, items):
    # No more than `window` results exist at a time, whatever the number of items.
    pending = deque()
    try:
        for item in items:
            if len(pending) == window:
                yield _first_result(pending, function)
            pending.append((item, pool.submit(function, item)))
        while pending:
            yield _first_result(pending, function)
    finally:
        for _, future in pending:
            future.cancel()


def _first_result(pending, function):
    """The result that is next; until it is there, the caller works on others.

    A thread that only waits is woken for every result, and takes a core from one that
    works: two threads were 1.3 instead of 1.7 times as fast as one (hidden Markov
    models of 5,000 sequences).
    """
    while not pending[0][1].done():
        for i, (item, future) in enumerate(pending):
            if future.cancel():  # nobody has begun
                own = Future()
                own.set_result(function(item))
                pending[i] = item, own
                break
        else:
            break
    return pending.popleft()[1].result()


def add(left, right):
    """Add two NamedTuples of statistics field by field, also those within."""
    return type(left)(
        *(
            add(x, y) if isinstance(x, tuple) else x + y
            for x, y in zip(left, right, strict=True)
        )
    )


def scale(stats, factor):
    """Multiply a NamedTuple of statistics by a number, also those within."""
    return type(stats)(
        *(scale(x, factor) if isinstance(x, tuple) else factor * x for x in stats)
    )


def sum_blocks(run, function, blocks):
    """Add `function(block)` over blocks, in block order."""
    return reduce(add, run(function, blocks))
