"""How work is asked to end before it is done."""

from collections.abc import Callable

Stop = Callable[[], bool]
"""Says, whenever it is asked, whether nobody waits for the work any more; ``Cancelled`` is raised then."""


def never() -> bool:
    """For work that is always done to its end."""
    return False
