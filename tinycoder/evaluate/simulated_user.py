"""Simulated people who type a text that is known, and take what is offered when that saves keys.

A key is a character, Tab, Enter or an arrow. Indentation is the editor's: it costs nothing. People do not think,
look, or make mistakes.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

from tinycoder.evaluate.measures import continues

_WORD = re.compile(r"\s*(?:\w+|[^\w\s]+)")


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What is on screen before a character is typed: ghost text, and rows that replace the word from its start."""

    ghost: str = ""
    rows: tuple[str, ...] = ()
    word_start: int = 0


@dataclass(frozen=True, kw_only=True)
class User:
    """What somebody takes. With ``foresight``, the fewest keys that are possible; else, what saves most keys now."""

    ghosts: bool = False
    words: bool = False  # of a ghost text, from the left, a key each
    n_rows: int = 0  # of the popup; row r for r keys
    foresight: bool = False


USERS: Mapping[str, User] = {
    "inline": User(ghosts=True),
    "inline+word": User(ghosts=True, words=True),
    "popup-1": User(n_rows=1),
    "popup-5": User(n_rows=5),
    "best": User(ghosts=True, words=True, n_rows=5, foresight=True),
}


@dataclass(frozen=True, kw_only=True)
class Typed:
    """Keys pressed, and how many offers were taken."""

    keys: int
    accepted: int


def offers(truth: str, offset: int, moment: Moment, user: User) -> Iterator[tuple[int, int]]:
    """What ``user`` can take at ``offset``: (offset that is reached, keys pressed). It is always what comes next.

    Tab takes all of a ghost text if it is right, or its first line if that is; or its first words, if they are.
    """
    first_line = moment.ghost.split("\n")[0]
    if user.ghosts:
        for text in dict.fromkeys((moment.ghost.rstrip("\n"), first_line)):
            if continues(truth, offset, text):
                yield offset + len(text), 1
    if user.words:
        reached = offset
        for keys, word in enumerate(_WORD.findall(first_line), 1):
            if not continues(truth, reached, word):
                break
            reached += len(word)
            yield reached, keys
    for row, text in enumerate(moment.rows[: user.n_rows], 1):
        if continues(truth, moment.word_start, text) and moment.word_start + len(text) > offset:
            yield moment.word_start + len(text), row


def type_text(truth: str, start: int, end: int, moments: Mapping[int, Moment], user: User) -> Typed:
    """Type ``truth[start:end]``. Characters without a moment cost no key."""
    costs = [int(offset in moments) for offset in range(start, end)]
    before = [0, *accumulate(costs)]  # keys from the start to here, with no help

    def choices(offset: int) -> list[tuple[int, int]]:
        deals = [(offset + 1, costs[offset - start])]
        if offset in moments:
            deals += [(min(reached, end), keys) for reached, keys in offers(truth, offset, moments[offset], user)]
        return deals

    if user.foresight:
        choose = _fewest_keys(start, end, {offset: choices(offset) for offset in range(start, end)})
    else:

        def saved(offset: int, deal: tuple[int, int]) -> int:
            return before[deal[0] - start] - before[offset - start] - deal[1]

        def choose(offset: int) -> tuple[int, int]:
            plain, *offered = choices(offset)
            best = max(offered, key=lambda deal: (saved(offset, deal), deal[0]), default=plain)
            return best if saved(offset, best) > 0 else plain

    offset, keys, accepted = start, 0, 0
    while offset < end:
        reached, pressed = choose(offset)
        accepted += reached > offset + 1
        offset, keys = reached, keys + pressed
    return Typed(keys=keys, accepted=accepted)


def _fewest_keys(
    start: int, end: int, choices: Mapping[int, list[tuple[int, int]]]
) -> Callable[[int], tuple[int, int]]:
    """The best choice at each offset, from the end on (Bellman 1957)."""
    left = {end: 0}
    best: dict[int, tuple[int, int]] = {}
    for offset in range(end - 1, start - 1, -1):
        best[offset] = min(choices[offset], key=lambda deal: deal[1] + left[deal[0]])
        left[offset] = best[offset][1] + left[best[offset][0]]
    return best.__getitem__
