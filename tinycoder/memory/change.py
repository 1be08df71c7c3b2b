"""What an edit has changed in a text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """How a text came from the one ``before``: ``before[start:old_end]`` became ``text[start:new_end]``."""

    before: str
    start: int
    old_end: int
    new_end: int


def change_of(before: str, text: str, known: Change | None = None) -> Change:
    """The change from ``before`` to ``text``: the one that is ``known``, if it is of that text, else the smallest."""
    if known is not None and known.before is before:
        return known
    shorter = min(len(before), len(text))
    start = _n_common(before, text, shorter)
    end = _n_common(before, text, shorter - start, at_end=True)
    return Change(before, start, len(before) - end, len(text) - end)


def _n_common(a: str, b: str, limit: int, *, at_end: bool = False) -> int:
    """How many characters two texts share at their beginning or end, up to ``limit``."""
    low, high = 0, limit + 1  # so many are shared, so many are not
    while high - low > 1:
        middle = (low + high) // 2
        if at_end:
            same = a[len(a) - middle : len(a) - low] == b[len(b) - middle : len(b) - low]
        else:
            same = a[low:middle] == b[low:middle]
        low, high = (middle, high) if same else (low, middle)
    return low
