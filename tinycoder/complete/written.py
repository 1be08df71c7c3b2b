"""Text that a server wrote, as ghost text: it ends where ours would, and is as probable as the server says."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tinycoder.complete.ghost import MIN_PROBABILITY, Ghost, Layout
from tinycoder.complete.text import columns

_STEP = re.compile(r"\w+|\s+|.", re.DOTALL)
_SPECIAL = re.compile(r"<[|｜].*[|｜]>|</?s>")


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token that a server wrote, with its probability; ``others`` are those that it found likely there."""

    text: str
    probability: float
    others: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Written:
    """A text, and its ``tokens`` where the server tells their probabilities; they may go on behind the text.

    It has ``ended`` unless the server stopped in the middle of it.
    """

    text: str
    ended: bool
    tokens: tuple[Token, ...] = ()


def ghost_of(written: Written, typed: str, layout: Layout) -> Ghost | None:
    """The ghost text, without ids; None if what was written does not begin with ``typed``, which is there already.

    Without probabilities each word counts as certain.
    """
    if not written.text.startswith(typed):
        return None
    text, whole = _within(written.text, layout)
    whole = whole or written.ended
    tokens = written.tokens or tuple(Token(text=step, probability=1.0) for step in _STEP.findall(written.text))
    ends: list[int] = []
    confidences: list[float] = []
    confidence, at = 1.0, 0
    for token in tokens:
        if not layout.block and at >= len(typed) and (over := _over(token)) >= token.probability:
            text, whole, confidence = text[:at], True, confidence * over
            break
        if at >= len(text):
            break
        confidence *= _share(token, typed[at:])
        if confidence < MIN_PROBABILITY:
            text, whole = text[:at], False
            break
        at += len(token.text)
        if at > len(typed):
            ends.append(min(at, len(text)))
            confidences.append(confidence)
    new = text[len(typed) :].rstrip()
    length = len(typed) + len(new)
    n = sum(end < length for end in ends) + 1 if new else 0
    return Ghost(
        text=new,
        ends=tuple(min(end, length) - len(typed) for end in ends[:n]),
        confidences=tuple(confidences[:n]),
        ended=confidence if whole else 0.0,
        ids=(),
    )


def _over(token: Token) -> float:
    """The probability that the line ends before this token, as far as the server tells."""
    return sum(p for text, p in token.others if _ends_line(text))


def _ends_line(text: str) -> bool:
    return not text or text[0] in "\r\n" or _SPECIAL.fullmatch(text) is not None


def _share(token: Token, typed: str) -> float:
    """The token's share of the probability of all that begin as it is typed."""
    if not typed:
        return token.probability
    rivals = sum(p for text, p in token.others if text != token.text and text.startswith(typed))
    return token.probability / max(token.probability + rivals, MIN_PROBABILITY)


def _within(text: str, layout: Layout) -> tuple[str, bool]:
    """The line, or the lines of the block; and whether anything came after it."""
    lines = text.split("\n")
    if not layout.block:
        return lines[0].removesuffix("\r"), len(lines) > 1
    for n, line in enumerate(lines):
        if n and (n == layout.max_lines or (line.strip() and columns(line) < layout.indent)):
            return "\n".join(lines[:n]), True
    return text, False
