"""How work is asked to end before it is done, and how it says how far it is."""

from collections.abc import Callable

Stop = Callable[[], bool]
"""Says, whenever it is asked, whether nobody waits for the work any more; ``Cancelled`` is raised then."""


Progress = Callable[[int, int], object]
"""Is told how much of the work is done, and how much there is in all."""


def never() -> bool:
    """For work that is always done to its end."""
    return False


def no_progress(done: int, total: int) -> None:
    """A ``Progress`` that tells nobody."""
