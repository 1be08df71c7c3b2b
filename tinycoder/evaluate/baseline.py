"""A completer with no model at all, to be beaten: what followed the last time this was typed, and words seen lately."""

import re
from collections.abc import Iterator, Sequence

from tinycoder.complete.candidate import Candidate, Document, GhostRequest, ListRequest, NameOrigin
from tinycoder.complete.predict import TokenCost
from tinycoder.complete.text import typed_word
from tinycoder.stop import Stop

SOURCE = NameOrigin("copy")
MIN_MATCH, MAX_MATCH = 4, 200  # characters before the cursor
MAX_KNOWN = 4_000_000  # characters of the known files that are searched, so that an answer takes milliseconds
WORD = re.compile(r"[^\W\d]\w{2,}")


class CopyBaseline:
    """Looks back in the file, then in the known files; one continuation, and words by recency."""

    def __init__(self, known: Sequence[Document]) -> None:
        self._known = "\n".join(document.text for document in known)[:MAX_KNOWN]

    def inline(
        self,
        document: Document,
        offset: int,
        request: GhostRequest = GhostRequest(),
        *,
        stop: Stop,
    ) -> list[Candidate]:
        """The rest of the line that followed the longest earlier occurrence of the text before the cursor."""
        before = document.text[:offset]
        matches = [_followed(before, before[:-1], latest=True), _followed(before, self._known, latest=False)]
        length, text = max(matches, key=lambda pair: pair[0])
        if not text.strip():
            return []
        certainty = length / (length + MAX_MATCH / 10)  # longer is likelier; not fitted to anything
        return [Candidate(text=text, start=offset, end=offset, probability=certainty, provenance=SOURCE)]

    def popup(
        self,
        document: Document,
        offset: int,
        request: ListRequest = ListRequest(),
        *,
        stop: Stop,
    ) -> list[Candidate]:
        """Words of the file that begin with what is typed, the last one first."""
        typed = typed_word(document.text, offset)
        start = offset - len(typed)
        words = dict.fromkeys(reversed(WORD.findall(document.text, 0, start)))
        fitting = [word for word in words if word.startswith(typed) and word != typed][: request.limit]
        return [
            Candidate(text=word, start=start, end=offset, probability=1 / (row + 1), provenance=SOURCE)
            for row, word in enumerate(fitting, 1)
        ]

    def observe(self, document: Document) -> None:
        """Nothing to learn: a question brings its document along."""

    def forget(self, path: str) -> None:
        """Nothing to forget."""

    def costs(self, document: Document, *, stop: Stop) -> Iterator[TokenCost]:
        """None: it gives no probabilities to texts."""
        return iter(())


def _followed(before: str, text: str, *, latest: bool) -> tuple[int, str]:
    """The longest end of ``before`` that occurs in ``text``, by its length, and what followed it in its line."""
    low, high = MIN_MATCH - 1, min(MAX_MATCH, len(before))
    while low < high:  # an end that occurs has shorter ends that occur
        middle = (low + high + 1) // 2
        if before[-middle:] in text:
            low = middle
        else:
            high = middle - 1
    if low < MIN_MATCH or not before[-low:].strip():
        return 0, ""
    start = text.rfind(before[-low:]) if latest else text.find(before[-low:])
    return low, text[start + low :].partition("\n")[0].rstrip()
