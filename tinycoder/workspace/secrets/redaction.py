"""Replaces what looks like a secret, so that no tokenizer and no model ever sees it.

Found are secrets of a known form, private keys, and what is given to names such as ``password`` when it looks random;
what was found once is a secret wherever else the text says it. Works on the text alone, so broken files are covered
too. Does not know what the code does: a password that is a plain word looks like any other word, and stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tinycoder.workspace.secrets.forms import in_known_form
from tinycoder.workspace.secrets.named import given_to_names
from tinycoder.workspace.secrets.private_keys import private_keys
from tinycoder.workspace.secrets.randomness import looks_generated
from tinycoder.workspace.secrets.secret import Secret, Span

PLACEHOLDER = "REDACTED"  # letters alone: fits any literal, and is itself no secret
MIN_REPEATED = 8  # characters of what is looked for wherever else it stands


@dataclass(frozen=True, kw_only=True)
class Found:
    """That there was a secret, of which ``kind``, in which line, counted from 1; not the secret."""

    line: int
    kind: str


def redact(text: str) -> tuple[str, tuple[Found, ...]]:
    """``text`` with each secret replaced by ``PLACEHOLDER``, and what they were, in order.

    Only the secret itself goes, inside its quotes: valid code stays valid, and lines stay where they are.
    """
    secrets = find(text)
    found, line, end = [], 1, 0
    for secret in secrets:
        start = secret.spans[0][0]
        line, end = line + text.count("\n", end, start), start
        found.append(Found(line=line, kind=secret.kind))
    return replace(text, spans_of(secrets)), tuple(found)


def find(text: str) -> list[Secret]:
    """The secrets in ``text``, by where they begin; no two overlap."""
    return with_repeats(text, in_lines(text))


def in_lines(text: str) -> list[Secret]:
    """The secrets that stand in one line, or over a line that ends with one of ``=:,(``: any other line may be taken
    for the beginning of another text."""
    return _apart([*in_known_form(text), *given_to_names(text)])


def with_repeats(text: str, secrets: Sequence[Secret]) -> list[Secret]:
    """``secrets`` of the lines of ``text``, the private keys in it, and all of them wherever else they stand."""
    whole = [*private_keys(text), *secrets]
    if not whole:
        return []
    kinds = {text[start:end]: secret.kind for secret in reversed(whole) for start, end in secret.spans}
    repeats = [Secret(kind, (span,)) for value, kind in kinds.items() for span in _places(text, value)]
    return _apart([*whole, *repeats])


def spans_of(secrets: Iterable[Secret]) -> list[Span]:
    """All pieces of some secrets, rising."""
    return sorted(span for secret in secrets for span in secret.spans)


def replace(text: str, spans: Iterable[Span]) -> str:
    """``text`` with ``PLACEHOLDER`` for each of the rising ``spans``."""
    parts: list[str] = []
    end = 0
    for start, stop in spans:
        parts += [text[end:start], PLACEHOLDER]
        end = stop
    return "".join(parts) + text[end:]


def _places(text: str, value: str) -> Iterable[Span]:
    """Where a value stands as a whole word, if it is long enough to mean something."""
    at = text.find(value) if len(value) >= MIN_REPEATED else -1
    may_be_name = value.isidentifier() and not looks_generated(value)  # a word that code may say, too
    while at >= 0:
        end = at + len(value)
        before, after = text[at - 1 : at], text[end : end + 1]
        is_name = may_be_name and not {before, after} & {"'", '"'}
        if not (is_name or _joins(before, value[0]) or _joins(value[-1], after)):
            yield at, end
        at = text.find(value, end)


def _joins(left: str, right: str) -> bool:
    return left.isalnum() and right.isalnum()


def _apart(secrets: Sequence[Secret]) -> list[Secret]:
    """The secrets by where they begin; what overlaps counts as the one that begins first, as far as all of it goes."""
    pieces: list[tuple[int, int, int]] = []  # start, end, number of the secret
    for start, i, end in sorted((start, i, end) for i, secret in enumerate(secrets) for start, end in secret.spans):
        if pieces and start < pieces[-1][1]:
            before = pieces[-1]
            pieces[-1] = (before[0], max(before[1], end), before[2])
        else:
            pieces.append((start, end, i))
    spans: dict[int, list[Span]] = {}
    for start, end, i in pieces:
        spans.setdefault(i, []).append((start, end))
    return [Secret(secrets[i].kind, tuple(each)) for i, each in spans.items()]
