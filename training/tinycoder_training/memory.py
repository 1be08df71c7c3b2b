"""Memory of this machine and of this process."""

import sys
from pathlib import Path


def free_memory() -> int | None:
    """Bytes that could still be used, where the system says so."""
    return _n_bytes("/proc/meminfo", "MemAvailable")


def peak_memory() -> int:
    """The most bytes that this process ever held."""
    if peak := _n_bytes("/proc/self/status", "VmHWM"):
        return peak
    try:
        import resource
    except ImportError:  # Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _n_bytes(file: str, field: str) -> int | None:
    """A size that Linux gives in kB."""
    try:
        lines = Path(file).read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith(field))
    except (OSError, StopIteration, ValueError):
        return None
