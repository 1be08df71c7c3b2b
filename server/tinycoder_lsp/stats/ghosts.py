"""Ghost text in a document, and whether an edit continues it.

Only the two ends of a text are compared, however long it is: what an edit changed lies at the ghost text or elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinycoder.complete.candidate import Candidate
from tinycoder.complete.text import is_word_character
from tinycoder.memory.change import change_of

_PAIRS = ("()", "[]", "{}", '""', "''", "``")  # one key, where editors close brackets by themselves


@dataclass(frozen=True, kw_only=True)
class Ghost:
    """``rest`` is to be inserted at offset ``at``, in place of the ``standing`` characters there.

    ``skipped`` characters of the candidate's text were in the document already.
    """

    at: int
    standing: int
    rest: str
    skipped: int

    def is_of(self, other: Ghost) -> bool:
        """Whether both are the same suggestion, one perhaps longer."""
        return self.at == other.at and (self.rest.startswith(other.rest) or other.rest.startswith(self.rest))


@dataclass(frozen=True, kw_only=True)
class Step:
    """An edit that took ``n_chars`` of a ghost text; what is left of it, or None where that was all."""

    ghost: Ghost | None
    n_chars: int
    accepted: bool  # in one piece, rather than by a key


def ghost_of(text: str, candidate: Candidate) -> Ghost | None:
    """What a candidate adds to ``text``; None where that is nothing to be seen."""
    change = change_of(text[candidate.start : candidate.end], candidate.text)
    head, rest = change.start, candidate.text[change.start : change.new_end]
    if not rest.strip():
        return None
    return Ghost(at=candidate.start + head, standing=change.old_end - head, rest=rest, skipped=head)


def follow(old: str, new: str, ghost: Ghost) -> Step | None:
    """The step that an edit from ``old`` to ``new`` is; None where it is something else than the ghost text."""
    at, standing, rest = ghost.at, ghost.standing, ghost.rest
    for over in range(standing + 1):  # a closing bracket that is there can be typed over without an edit
        if not rest.startswith(old[at : at + over]):
            break
        inserted = _inserted(old, new, at + over)
        if inserted and (step := _step(new, inserted, ghost, over)) is not None:
            return step
    if standing and _replaced(old, new, at, standing, rest):
        return Step(ghost=None, n_chars=len(rest.rstrip()), accepted=True)
    return None


def taken_length(text: str, units: int, ghost: Ghost) -> int:
    """How many characters of ``ghost.rest`` lie in the first UTF-16 ``units`` of its candidate's ``text``."""
    n = len(text.encode("utf-16-le", "surrogatepass")[: 2 * max(0, units)].decode("utf-16-le", "ignore"))
    return min(len(ghost.rest.rstrip()), max(0, n - ghost.skipped))


def _step(new: str, inserted: str, ghost: Ghost, over: int) -> Step | None:
    rest, standing, closer = ghost.rest[over:], ghost.standing - over, 0
    one_key = len(inserted) == 1 or inserted.isspace() or inserted in _PAIRS  # a new line brings its indentation
    if rest.startswith(inserted) or inserted.startswith(rest):
        n = min(len(inserted), len(rest))
    elif inserted in _PAIRS and rest.startswith(inserted[0]):
        n, closer = 1, 1
    else:
        return None
    at, left, standing = ghost.at + over + n, rest[n:], standing + closer
    cuts_word = len(rest) > n and all(map(is_word_character, rest[n - 1 : n + 1]))
    accepted = not one_key and not cuts_word
    if not left.strip() or new[at : at + standing].startswith(left):
        return Step(ghost=None, n_chars=over + len(rest.rstrip()), accepted=accepted)
    after = Ghost(at=at, standing=standing, rest=left, skipped=ghost.skipped + over + n)
    return Step(ghost=after, n_chars=over + n, accepted=accepted)


def _inserted(old: str, new: str, at: int) -> str:
    """What was inserted at ``at`` and nowhere else; empty where the edit is another one."""
    n = len(new) - len(old)
    return new[at : at + n] if n > 0 and new.startswith(old[:at]) and new.endswith(old[at:]) else ""


def _replaced(old: str, new: str, at: int, length: int, by: str) -> bool:
    """Whether ``by`` replaced ``length`` characters at ``at``."""
    same_size = len(new) - len(old) == len(by) - length
    return same_size and new.startswith(old[:at] + by) and new.endswith(old[at + length :])
