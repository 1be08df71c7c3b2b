"""How much of a suggestion to offer: as far as it is worth reading. Knows probabilities and characters, no model."""

from __future__ import annotations

from tinycoder.complete.ghost import Ghost
from tinycoder.complete.words import is_word_character

THRESHOLD = 0.3  # probability that the first word is right, below which nothing is offered
FLOOR = 0.05  # probability that everything up to there is right, below which a suggestion ends
LEAST_CHARACTERS = 2  # that a suggestion must save


def possible_ends(text: str, ends: tuple[int, ...]) -> list[int]:
    """The lengths among ``ends`` at which ``text`` is cut between two words, not after white space, or at its end."""
    return [
        end
        for end in ends
        if end >= len(text)
        or not (text[end - 1].isspace() or (is_word_character(text[end - 1]) and is_word_character(text[end])))
    ]


def chosen_ends(ghost: Ghost, *, typed: int, threshold: float) -> list[int]:
    """Where the suggestion may end, rising; the last is best. Empty if it should not be shown.

    ``typed`` characters of it stand there already, so what is left is more likely. It is shown if its next word is
    right with a probability of ``threshold`` at least, and goes on as long as all of it is with one of ``FLOOR``.
    """
    known = max((sure for end, sure in zip(ghost.ends, ghost.sure, strict=True) if end <= typed), default=1.0)
    sure = {end: min(1.0, p / known) for end, p in zip(ghost.ends, ghost.sure, strict=True)}
    ends = [end for end in possible_ends(ghost.text, ghost.ends) if end > typed]
    first = next((end for end in ends if end - typed >= LEAST_CHARACTERS), None)
    if first is None or sure[first] < threshold:
        return []
    return [end for end in ends if end >= first and sure[end] >= min(FLOOR, sure[first])]
