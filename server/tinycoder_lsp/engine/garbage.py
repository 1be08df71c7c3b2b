"""When all garbage is collected: while nobody types, since it stops every thread for some 50 to 75 ms."""

import gc

_MANY = 10  # collections of what is younger, after which Python would look at everything
_NEVER = 1_000_000


def wait_for_rest() -> None:
    """Look at young objects alone from now on; at all of them only when somebody calls ``collect``."""
    gc.set_threshold(*gc.get_threshold()[:2], _NEVER)


def collect() -> None:
    """Collect all garbage, if enough may have come together."""
    if gc.get_count()[2] >= _MANY:
        gc.collect()
