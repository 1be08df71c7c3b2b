"""Simulated users: how many keys each presses for a text, given what a server offered after each key.

    inline       Tab takes the ghost text if all of it is right, or else its first line if that is right
    inline+word  may also take its right leading words, a key each
    popup-1      takes the list's first row for a key, as soon as that saves keys
    popup-5      takes row r of the first five for r keys, as soon as that saves keys
    best         the fewest keys that are possible with all of these offers
    best-150ms   the same, but what arrives after 150 ms is not there

Right means: it continues the text and does not end inside a word. A key is a character, Tab, Enter or an arrow;
indentation is the editor's and costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

USERS = ("inline", "inline+word", "popup-1", "popup-5", "best", "best-150ms")
PATIENCE_S = 0.150  # between two keys of a fast typist
N_ROWS = 5


class Step(NamedTuple):
    """What was offered at one offset; times are seconds until the answers."""

    rows: list[str]
    word_start: int
    ghost: str
    popup_s: float
    inline_s: float


def keys_pressed(truth: str, start: int, end: int, steps: Mapping[int, Step], user: str) -> tuple[int, int]:
    """Type truth[start:end]: keys pressed, and suggestions accepted.

    A greedy user accepts whatever saves the most keys now; the best one presses the fewest keys that the offers
    allow. Offsets without a step cost no key: the editor indents by itself.
    """
    plain = [0]  # keys that truth[start:start + i] takes without help
    for at in range(start, end):
        plain.append(plain[-1] + (at in steps))
    deals = {
        at: [(min(reach, end), cost) for reach, cost in offers(truth, at, step, user)] for at, step in steps.items()
    }
    fewest, choice = {end: 0}, {}
    for at in range(end - 1, start - 1, -1):  # the best user's choices, from the end
        one_key = (at + 1, plain[at + 1 - start] - plain[at - start])
        choice[at] = min([one_key, *deals.get(at, [])], key=lambda deal: deal[1] + fewest[deal[0]])
        fewest[at] = choice[at][1] + fewest[choice[at][0]]
    at, keys, accepted = start, 0, 0
    while at < end:
        reach, cost = choice[at]
        if not user.startswith("best"):
            gains = [(plain[r - start] - plain[at - start] - c, r, c) for r, c in deals.get(at, [])]
            gain, reach, cost = max(gains, default=(0, 0, 0))
            if gain <= 0:
                reach, cost = at + 1, int(at in steps)
        accepted += reach > at + 1
        at, keys = reach, keys + cost
    return keys, accepted


def offers(truth: str, at: int, step: Step, user: str) -> Iterator[tuple[int, int]]:
    """What the user could accept at this offset: offset reached, and keys pressed."""
    hasty = user == "best-150ms"
    if user not in ("popup-1", "popup-5") and step.ghost and not (hasty and step.inline_s > PATIENCE_S):
        first_line = step.ghost.split("\n")[0]
        for text in (step.ghost.rstrip("\n"), first_line):
            if text and truth.startswith(text, at) and ends_well(truth, at + len(text)):
                yield at + len(text), 1
        if user != "inline":
            reach, keys = at, 0
            for chunk in re.findall(r"\s*(?:\w+|[^\w\s]+)", first_line):
                if not truth.startswith(chunk, reach) or not ends_well(truth, reach + len(chunk)):
                    break
                reach, keys = reach + len(chunk), keys + 1
                yield reach, keys
    if user not in ("inline", "inline+word") and not (hasty and step.popup_s > PATIENCE_S):
        for rank, text in enumerate(step.rows[: 1 if user == "popup-1" else N_ROWS]):
            if truth.startswith(text, step.word_start) and ends_well(truth, step.word_start + len(text)):
                yield step.word_start + len(text), 1 + rank


def fresh_ghosts(text: str, steps: Mapping[int, Step]) -> tuple[int, int, int]:
    """Ghost texts that came anew while ``text`` was typed: how many, right to the end of their line, wrong at once.

    One that is typed through, or stands where it stood, is the same one. Each new one costs a person a look.
    """
    last, fresh, right, wrong = None, 0, 0, 0
    for at in sorted(steps):
        ghost = steps[at].ghost.split("\n")[0]
        if not ghost:
            continue
        line_start = text.rfind("\n", 0, at) + 1
        shown = (line_start, text[line_start:at] + ghost)
        if shown != last:
            last = shown
            fresh += 1
            right += text.startswith(ghost, at) and ends_well(text, at + len(ghost))
            wrong += text[at : at + 1] != ghost[:1]
    return fresh, right, wrong


def ends_well(truth: str, at: int) -> bool:
    """Whether no word of the text is cut in two at this offset."""
    return at >= len(truth) or not (_is_word(truth[at - 1]) and _is_word(truth[at]))


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"
