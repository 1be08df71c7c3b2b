"""How much of a suggestion to offer: as far as it is worth reading."""

from __future__ import annotations

from tinycoder.complete.ghost import Ghost
from tinycoder.complete.text import is_word_character

THRESHOLD = 0.3  # probability that the first word is right, below which nothing is offered
FLOOR = 0.05  # probability that everything up to there is right, below which a suggestion ends
MIN_CHARACTERS = 2  # that a suggestion must save


def possible_ends(ghost: Ghost) -> list[int]:
    """Where the text may be cut: in its first line between two words, not after white space, and at the end of lines.

    A later line that was broken off is not offered, and nothing that ends with half an escape.
    """
    text = ghost.text
    first_line = text.find("\n") if "\n" in text else len(text)
    return [
        end
        for end in ghost.ends
        if not _ends_with_half_an_escape(text[:end])
        and (
            (end == len(text) and (ghost.ended or end <= first_line))
            or (end < len(text) and text[end] in "\r\n" and not text[end - 1].isspace())
            or (end < first_line and not _inside(text, end))
        )
    ]


def chosen_ends(ghost: Ghost, *, typed: int, threshold: float) -> list[int]:
    """Where the suggestion may end, rising; the last is best. Empty if it should not be shown.

    ``typed`` characters of it stand there already, so what is left is more likely. It is shown if its next word is
    right with a probability of ``threshold`` at least, and goes on as long as all of it is with one of ``FLOOR``, or of
    ``threshold`` where that is less.
    """
    known = confidence_of_typed(ghost, typed)
    if not known:
        return []  # what could not be is typed: more of the same is no better
    confidence = {end: min(1.0, p / known) for end, p in zip(ghost.ends, ghost.confidences, strict=True)}
    ends = [end for end in possible_ends(ghost) if end > typed]
    first = next((end for end in ends if end - typed >= MIN_CHARACTERS), None)
    if first is None or confidence[first] < threshold:
        return []
    floor = min(FLOOR, threshold, confidence[first])
    return [end for end in ends if end >= first and confidence[end] >= floor]


def confidence_of(ghost: Ghost, n: int) -> float:
    """The probability that the text is right as far as it can be told of its first ``n`` characters."""
    return next((p for end, p in zip(reversed(ghost.ends), reversed(ghost.confidences), strict=True) if end <= n), 0.0)


def confidence_of_typed(ghost: Ghost, typed: int) -> float:
    """The probability that is certain now that ``typed`` characters of the text are there."""
    return max((p for end, p in zip(ghost.ends, ghost.confidences, strict=True) if end <= typed), default=1.0)


def _ends_with_half_an_escape(text: str) -> bool:
    """A backslash after a blank goes on with the line, and is whole."""
    rest = text.rstrip("\\")
    return (len(text) - len(rest)) % 2 == 1 and not rest[-1:].isspace()


def _inside(text: str, at: int) -> bool:
    """Whether a cut would fall into a word, or after white space."""
    return text[at - 1].isspace() or (is_word_character(text[at - 1]) and is_word_character(text[at]))
