"""Replace what looks like a secret, so that no tokenizer and no model ever sees it.

Secrets are tokens of a known form, private keys, and random-looking values of names such as ``password``; each counts
as a secret everywhere in the text. The text alone is searched, so broken code is covered too. A password that is a
plain word looks like any other word, and is not replaced.
"""

from collections.abc import Iterable, Sequence

from tinycoder.workspace.secrets.forms import in_known_form
from tinycoder.workspace.secrets.named import given_to_names
from tinycoder.workspace.secrets.private_keys import private_keys
from tinycoder.workspace.secrets.randomness import looks_generated
from tinycoder.workspace.secrets.secret import Secret, Span
from tinycoder.workspace.text import Replaced

PLACEHOLDER = "REDACTED"  # letters alone: fits any literal, and is itself no secret
MIN_REPEATED = 8  # characters of a secret that is replaced everywhere in the text


def redact(text: str, path: str = "") -> tuple[str, tuple[Replaced, ...]]:
    """Return the ``text`` of ``path`` with ``PLACEHOLDER`` for each secret, and the secrets' kinds and lines in order.

    Only the secret inside its quotes is replaced: valid code stays valid, and lines keep their numbers.
    """
    secrets = with_repeats(text, in_lines(text))
    findings, line, end = [], 1, 0
    for secret in secrets:
        start = secret.spans[0][0]
        line, end = line + text.count("\n", end, start), start
        findings.append(Replaced(path=path, line=line, kind=secret.kind))
    return replace(text, spans_of(secrets)), tuple(findings)


def in_lines(text: str) -> list[Secret]:
    """Return the secrets within lines. They cross a line's end only after one of ``=:,([{`` and comments behind it.

    So the text may be cut at any other line's end and searched in pieces.
    """
    return _apart([*in_known_form(text), *given_to_names(text)])


def with_repeats(text: str, secrets: Sequence[Secret]) -> list[Secret]:
    """Return ``secrets`` (of ``in_lines``), the private keys of ``text``, and all other occurrences of both.

    They are sorted by their beginnings, and no two overlap.
    """
    whole = [*private_keys(text), *secrets]
    if not whole:
        return []
    kinds = {text[start:end]: secret.kind for secret in reversed(whole) for start, end in secret.spans}
    repeats = [Secret(kind, (span,)) for value, kind in kinds.items() for span in _occurrences(text, value)]
    return _apart([*whole, *repeats])


def spans_of(secrets: Iterable[Secret]) -> list[Span]:
    """Return the pieces of all ``secrets``, rising."""
    return sorted(span for secret in secrets for span in secret.spans)


def replace(text: str, spans: Iterable[Span]) -> str:
    """Return ``text`` with ``PLACEHOLDER`` for each of the rising ``spans``."""
    parts: list[str] = []
    end = 0
    for start, stop in spans:
        parts += [text[end:start], PLACEHOLDER]
        end = stop
    return "".join(parts) + text[end:]


def _occurrences(text: str, value: str) -> Iterable[Span]:
    """The spans at which a value of ``MIN_REPEATED`` characters or more is a whole word."""
    at = text.find(value) if len(value) >= MIN_REPEATED else -1
    may_be_name = value.isidentifier() and not looks_generated(value)  # a word that code may use as well
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
    """Merge overlapping secrets into the one that begins first, and sort by beginnings."""
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
