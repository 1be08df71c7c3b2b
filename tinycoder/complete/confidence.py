"""How much of a suggestion to offer: as far as it is worth reading."""

from dataclasses import dataclass

from tinycoder.complete.candidate import Document
from tinycoder.complete.ghost import Ghost
from tinycoder.complete.overlap import CLOSING, QUOTES
from tinycoder.complete.text import is_word_character


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """Probabilities of the next word, below which nothing is offered.

    A look costs more while somebody is ``typing`` than when the cursor has ``arrived`` with a move, an acceptance or a
    paste. In ``prose`` it needs that much at least.
    """

    typing: float
    arrived: float
    prose: float


THRESHOLDS = {  # by eagerness; chosen from the curve of `benchmarks/ghosts.py`
    "quiet": Threshold(typing=0.7, arrived=0.4, prose=0.8),
    "balanced": Threshold(typing=0.5, arrived=0.15, prose=0.55),
    "eager": Threshold(typing=0.3, arrived=0.1, prose=0.4),
    "any": Threshold(typing=0.0, arrived=0.0, prose=0.0),
}
FLOOR = 0.08  # cumulative probability at which a suggestion ends
CLOSERS = frozenset((*CLOSING, *QUOTES))
MAX_KEYS = 2  # characters that are typed, rather than inserted, between two requests
MIN_CHARACTERS = 2  # that a suggestion must save


def is_typed(before: Document, start: int, after: Document, end: int) -> bool:
    """Whether typing at ``start`` of the document ``before`` leads to ``end`` of ``after``: a key or two, or Enter.

    A key may bring its closing bracket or quote along, type over one, or replace a letter.
    """
    kept = max(0, min(start, end) - MAX_KEYS)
    if before.path != after.path or before.text[:kept] != after.text[:kept]:
        return False
    old, new = before.text[start:], after.text[end:]
    if before.text == after.text:
        return end == start + 1 and old[0] in CLOSERS
    same = old == new or (new[:1] in CLOSERS and new[1:] == old) or (old[:1] in CLOSERS and old[1:] == new)
    return same and start - end <= MAX_KEYS and len(after.text[start:end].strip()) <= MAX_KEYS


def possible_ends(ghost: Ghost) -> list[int]:
    """The offsets at which the text may be cut: at line ends, and in the first line between words.

    No cut is made after white space or within an escape, and a later line that was broken off is not offered.
    """
    text = ghost.text
    first_line = text.find("\n") if "\n" in text else len(text)
    return [
        end
        for end in ghost.ends
        if not _ends_with_half_an_escape(text[:end])
        and (
            (end == len(text) and (ghost.ended or end <= first_line))
            or (end < len(text) and text[end] == "\n" and not text[end - 1].isspace())
            or (end < first_line and not _inside(text, end))
        )
    ]


def chosen_ends(ghost: Ghost, *, typed: int, threshold: float) -> list[int]:
    """The offsets at which the suggestion may end, rising; the last is best. Empty if it should not be shown.

    ``typed`` characters of it are in the document already, which makes the rest more probable. The suggestion is shown
    if the probability of its next word is at least ``threshold``. It extends as far as its cumulative probability is
    at least ``FLOOR``, or ``threshold`` if that is less.
    """
    known = confidence_of_typed(ghost, typed)
    if not known:
        return []  # the user typed what was ruled out: the rest is no better
    confidence = {end: min(1.0, p / known) for end, p in zip(ghost.ends, ghost.confidences, strict=True)}
    ends = [end for end in possible_ends(ghost) if end > typed]
    first = next((end for end in ends if end - typed >= MIN_CHARACTERS), None)
    if first is None or confidence[first] < threshold:
        return []
    floor = min(FLOOR, threshold, confidence[first])
    return [end for end in ends if end >= first and confidence[end] >= floor]


def first_word(ghost: Ghost) -> float:
    """The probability of the first word of ``ghost``, or of what completes one."""
    ends = possible_ends(ghost)
    return confidence_of(ghost, ends[0]) if ends else 0.0


def confidence_of(ghost: Ghost, n: int) -> float:
    """The cumulative probability at the last token that ends within the first ``n`` characters."""
    return next((p for end, p in zip(reversed(ghost.ends), reversed(ghost.confidences), strict=True) if end <= n), 0.0)


def confidence_of_typed(ghost: Ghost, typed: int) -> float:
    """The cumulative probability of what the user has typed of the text, its first ``typed`` characters."""
    return max((p for end, p in zip(ghost.ends, ghost.confidences, strict=True) if end <= typed), default=1.0)


def _ends_with_half_an_escape(text: str) -> bool:
    """Whether the text ends within an escape; a backslash after a blank continues the line, and is none."""
    rest = text.rstrip("\\")
    return (len(text) - len(rest)) % 2 == 1 and not rest[-1:].isspace()


def _inside(text: str, at: int) -> bool:
    """Whether a cut would be within a word, or after white space."""
    return text[at - 1].isspace() or (is_word_character(text[at - 1]) and is_word_character(text[at]))
