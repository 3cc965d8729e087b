"""The only place where Numba is configured: compilation, its cache, entry points.

Numba's own cache looks at the file of the function that was called, so a change in an
inlined function of another file leaves stale machine code in use: a silent wrong
answer. Here one folder holds everything that was compiled from one state of this
package, and its name is a hash of all sources and of the versions of Numba and NumPy.
"""

import functools
import hashlib
import os
import sys
import tempfile
from pathlib import Path

import numba
import numpy as np
from numba.core import config
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.misc.appdirs import AppDirs

# Sums may be reordered (so that they vectorise) and products fused; NaN, infinities
# and the last bits of a division keep their meaning.
REORDERED = frozenset({"reassoc", "contract", "nsz", "arcp"})
# For functions whose values may be -inf or NaN, or whose order of operations matters.
FUSED = frozenset({"contract"})


def _source_hash(folder):
    """Hash of every source file below a folder and of the compiler's versions."""
    digest = hashlib.sha256(f"{numba.__version__} {np.__version__}".encode())
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"\0{path.relative_to(folder).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:20]


@functools.cache
def cache_folder():
    """Folder of the compiled code of these sources; None where none can be written.

    The parent is NUMBA_CACHE_DIR if that is set, else ``__pycache__`` beside the
    sources, else the user's cache folder: the first that can be written.
    """
    here = Path(__file__).parent
    try:
        name = f"sklearn_gen-{_source_hash(here)}"
    except OSError:  # imported from an archive: there are no source files to read
        return None
    parents = [here / "__pycache__", AppDirs(appname="numba").user_cache_dir]
    if config.CACHE_DIR:
        parents.insert(0, config.CACHE_DIR)
    for parent in parents:
        folder = os.path.join(parent, name)
        try:
            os.makedirs(folder, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError:
            continue
        return folder
    return None


class _PackageLocator:
    """Puts every function of the package into the one folder of its sources."""

    def __init__(self, py_func):
        code = py_func.__code__
        self._py_file, self._lineno = code.co_filename, code.co_firstlineno

    def get_cache_path(self):
        return cache_folder()

    def ensure_cache_path(self):
        os.makedirs(cache_folder(), exist_ok=True)

    def get_source_stamp(self):
        return "all sources"  # the folder's name already says which

    def get_disambiguator(self):
        return str(self._lineno)


class _PackageCacheImpl(CompileResultCacheImpl):
    def __init__(self, py_func):
        self._lineno = py_func.__code__.co_firstlineno
        self._locator = _PackageLocator(py_func)
        module = py_func.__module__.rpartition(".")[2]
        self._filename_base = self.get_filename_base(
            f"{module}.{py_func.__qualname__}", getattr(sys, "abiflags", "")
        )


class _PackageCache(FunctionCache):
    _impl_class = _PackageCacheImpl

    def load_overload(self, sig, target_context):
        try:
            return super().load_overload(sig, target_context)
        except OSError:  # the folder vanished or cannot be read: compile instead
            return None

    def save_overload(self, sig, data):
        try:
            super().save_overload(sig, data)
        except OSError:  # a full disk, a folder that was made read-only: go without
            self.disable()


def jit(function=None, *, fastmath=FUSED):
    """Compile at the first call, without the GIL, for use inside kernels.

    Nothing is cached for it: kernels are cached with what they inline.
    """
    if function is None:
        return functools.partial(jit, fastmath=fastmath)
    return numba.njit(nogil=True, error_model="numpy", fastmath=set(fastmath))(function)


def _freeze(array, dtype):
    """C-contiguous, aligned, read-only view; a copy only where the layout demands it.

    Numba compiles anew for every layout and writeability, so all are made the same.
    """
    if array.dtype.kind == "f" and array.dtype != dtype:
        raise TypeError(
            f"a kernel called with {dtype} got an array of {array.dtype}; "
            "convert every floating-point argument to the type of X"
        )
    flags = array.flags
    if type(array) is not np.ndarray or not (flags.c_contiguous and flags.aligned):
        array = np.require(array, requirements=["C", "A"])
    elif not flags.writeable:
        return array
    view = array.view(np.ndarray)
    view.flags.writeable = False
    return view


class Kernel:
    """An entry point: what Python calls, with one compilation per dtype.

    Every array is passed as a C-contiguous read-only view, so that a read-only,
    memory-mapped or strided argument neither fails nor compiles again.

    Attributes
    ----------
    py_func : function
        The undecorated Python function.
    """

    def __init__(self, function):
        functools.update_wrapper(self, function)
        self.py_func = function
        self._compiled = jit(function)
        # With NUMBA_DISABLE_JIT the function comes back as it is, and has no cache.
        if self._compiled is not function and cache_folder() is not None:
            self._compiled._cache = _PackageCache(function)

    @property
    def signatures(self):
        """Argument types that were compiled or read from the cache so far."""
        return self._compiled.signatures

    def __call__(self, *arguments):
        dtype = arguments[0].dtype
        return self._compiled(
            *[
                _freeze(argument, dtype)
                if isinstance(argument, np.ndarray)
                else argument
                for argument in arguments
            ]
        )


def kernel(function):
    """Make an entry point of a function; see :class:`Kernel`."""
    return Kernel(function)
