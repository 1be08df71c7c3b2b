"""What takes long and is done only while nobody types.

A full garbage collection stops every thread for some 50 to 75 ms. Memory that was freed between what is still in use
stays with the process until glibc is asked to return it.
"""

import ctypes
import gc
from contextlib import suppress

_MANY = 10  # younger collections, after which Python would run a full one
_NEVER = 1_000_000


def wait_for_rest() -> None:
    """Collect only young objects from now on; all of them only when ``collect`` is called."""
    gc.set_threshold(*gc.get_threshold()[:2], _NEVER)


def keep() -> None:
    """Look at nothing that is there now in any later collection: what was imported stays."""
    gc.freeze()


def collect() -> None:
    """Run a full collection, if enough objects may have become garbage, and return free memory to the system."""
    if gc.get_count()[2] >= _MANY:
        gc.collect()
        with suppress(OSError, TypeError, AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)
