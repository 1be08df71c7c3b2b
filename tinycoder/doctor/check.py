"""The result of a check: a state, a sentence, and advice."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Check:
    """One line of the report; ``absent`` is for what nobody needs to have."""

    state: Literal["fine", "warning", "broken", "absent"]
    says: str
    advice: str = ""


def guarded(check: Callable[[], Check]) -> Check:
    """The check's result, or that it failed: a report must not end at the very fault that it should show."""
    try:
        return check()
    except Exception as error:
        says = f"could not be checked ({type(error).__name__}: {error})"
        return Check("broken", says, "If nothing here explains it, report this line.")
