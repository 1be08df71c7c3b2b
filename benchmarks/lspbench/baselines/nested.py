"""A nested-cache n-gram model of Python code (Hellendoorn and Devanbu, FSE 2017).

Three 6-gram models, of everything (built beforehand), of the workspace and of the open buffer, each with
Jelinek-Mercer smoothing (lambda 1/2), are mixed by confidence: one that has seen h of the contexts of length 0 to 5
weighs 2^h.
"""

from __future__ import annotations

import bisect
import itertools
import keyword
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from common import BREAK, DEDENT, INDENT, NEWLINE, Buffer, Lexer, Token, is_name, lex

ORDER = 6
N_LIKELY = 60  # words that are taken from a context
MAX_WORDS = 24  # of a ghost text
N_ROWS = 50
MAX_LITERAL = 40  # characters; longer ones are all alike
COSTLY = 5000  # followers whose counts are kept
EDGE = "\0"  # stands between files
END = "\U0010ffff"


def words_of(tokens: Iterable[Token]) -> list[str]:
    """Texts of tokens as the model sees them."""
    return [text if len(text) <= MAX_LITERAL else text[:1] for text, *_ in tokens]


class Grams:
    """The n-grams of a sequence of words: its ORDER shifted copies, sorted together."""

    def __init__(self, vocabulary: list[str], columns: list[Any]) -> None:
        self.vocabulary, self.columns = vocabulary, columns
        self._kept: dict[Any, list[tuple[str, int]]] = {}

    @classmethod
    def of(cls, words: Sequence[str]) -> Grams:
        """Count those of a sequence."""
        vocabulary = sorted(set(words))
        ids = {word: index for index, word in enumerate(vocabulary)}
        row = np.fromiter((ids[word] for word in words), np.int32, len(words))
        row = np.concatenate([row, np.full(ORDER, -1, np.int32)])
        shifted = [row[j : j + len(words)] for j in range(ORDER)]
        order = np.lexsort(shifted[::-1])
        return cls(vocabulary, [column[order] for column in shifted])

    @classmethod
    def load(cls, path: Path) -> Grams:
        """Read what ``save`` wrote."""
        arrays = np.load(path)
        return cls(arrays["vocabulary"].tobytes().decode().split("\1"), list(arrays["columns"]))

    def save(self, path: Path) -> None:
        """Write them as an .npz file."""
        text = np.frombuffer("\1".join(self.vocabulary).encode(), np.uint8)
        np.savez(path, vocabulary=text, columns=np.array(self.columns))

    def candidates(self, context: Sequence[str], prefix: str = "") -> tuple[Counter[str], int]:
        """The likely words with that prefix with their probabilities, and how many orders have seen the context."""
        first, last = self._place(prefix), self._place(prefix + END)
        likely: Counter[str] = Counter()
        seen = 0
        for span in self._spans(context):
            part = span[span.searchsorted(first) : span.searchsorted(last)] if prefix else span
            for word in likely:
                likely[word] /= 2  # type: ignore[assignment]  # probabilities
            for word, count in self._frequent(part, (seen, *context[len(context) - seen :], prefix)):
                likely[word] += count / len(span) / 2  # type: ignore[assignment]
            seen += 1
        return likely, seen

    def probability(self, context: Sequence[str], word: str) -> tuple[float, int]:
        """A word's exact probability, and how many orders have seen the context."""
        number, p, seen = self._number(word), 0.0, 0
        for span in self._spans(context):
            count = 0 if number is None else span.searchsorted(number, "right") - span.searchsorted(number)
            p, seen = (p + count / len(span)) / 2, seen + 1
        return p / (1 - 2.0**-seen) if seen else 0.0, seen

    def _spans(self, context: Sequence[str]) -> Iterator[Any]:
        """What followed each suffix of the context, shortest first, while there is any: sorted arrays of numbers."""
        numbers = [self._number(word) for word in context[-ORDER + 1 :]]
        for length in range(min(ORDER, len(numbers) + 1)):
            low, high = 0, len(self.columns[0])
            for column, number in zip(self.columns, numbers[len(numbers) - length :], strict=False):
                if number is None:
                    return
                part = column[low:high]
                low, high = low + part.searchsorted(number), low + part.searchsorted(number, "right")
            if low == high:
                return
            yield self.columns[length][low:high]

    def _frequent(self, part: Any, key: tuple[Any, ...]) -> list[tuple[str, int]]:
        """The most frequent words of a sorted array; kept if that took long."""
        if key in self._kept:
            return self._kept[key]
        starts = np.flatnonzero(np.diff(part, prepend=-2))
        counts = np.diff(np.append(starts, len(part)))
        best = np.argpartition(-counts, N_LIKELY)[:N_LIKELY] if len(counts) > N_LIKELY else range(len(counts))
        words = [(self.vocabulary[part[starts[index]]], int(counts[index])) for index in best]
        if len(part) > COSTLY:
            self._kept[key] = words
        return words

    def _place(self, word: str) -> Any:
        """Where the word is or would be in the vocabulary; in the columns' type, or numpy would copy them."""
        return np.int32(bisect.bisect_left(self.vocabulary, word))

    def _number(self, word: str) -> Any:
        index = self._place(word)
        return index if index < len(self.vocabulary) and self.vocabulary[index] == word else None


def mix(models: Iterable[Grams], context: Sequence[str], prefix: str = "") -> list[tuple[str, float]]:
    """The nested caches' likely next words, the likeliest first."""
    total: dict[str, float] = {}
    weight = 0
    for likely, seen in (model.candidates(context, prefix) for model in models):
        if seen:
            weight += 2**seen
            for word, p in likely.items():
                total[word] = total.get(word, 0.0) + p / (1 - 2.0**-seen) * 2**seen
    return [(word, p / weight) for word, p in sorted(total.items(), key=lambda row: -row[1])]


class Spacing:
    """Learns between which tokens people put a space."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str, bool]] = Counter()

    def learn(self, tokens: Sequence[Token]) -> None:
        """Count the spaces of a text."""
        depth = 0
        for (left, _, end), (right, start, _) in itertools.pairwise(tokens):
            depth += (left in "([{") - (left in ")]}") if len(left) == 1 else 0
            self._seen[self._key(left, right, depth)] += 1 if start > end else -1

    def between(self, left: str, right: str, depth: int) -> str:
        """A space or nothing."""
        return " " if self._seen[self._key(left, right, depth)] > 0 else ""

    @staticmethod
    def _key(left: str, right: str, depth: int) -> tuple[str, str, bool]:
        kinds = [word if not is_name(word) or keyword.iskeyword(word) else "name" for word in (left, right)]
        return kinds[0], kinds[1], depth > 0


@dataclass
class Open:
    """An open document and the model of its text."""

    buffer: Buffer = field(default_factory=Buffer)
    state: tuple[int, str] = (-1, "")
    grams: Grams = field(default_factory=lambda: Grams.of([EDGE]))


class Model:
    """The mix for one workspace."""

    def __init__(self, everywhere: Grams | None = None) -> None:
        self.models = [everywhere] if everywhere else []
        self.spacing = Spacing()
        self._documents: dict[str, Open] = {}

    def index(self, texts: Iterable[str]) -> None:
        """Read the files of the workspace."""
        words = []
        for text in texts:
            tokens = lex(text)
            self.spacing.learn(tokens)
            words += [*words_of(tokens), EDGE]
        if words:
            self.models.append(Grams.of(words))

    def popup(self, uri: str, text: str, at: int) -> list[str]:
        """The rows of the list."""
        place = self._at(uri, text, at)
        if place is None:
            return []
        models, context, _, partial = place
        return [word for word, _ in mix(models, context, partial) if is_name(word) and word != partial][:N_ROWS]

    def inline(self, uri: str, text: str, at: int, least: float = 0.0) -> str:
        """The rest of the line, as long as each next word has at least the probability ``least``."""
        place = self._at(uri, text, at)
        if place is None:
            return ""
        models, context, tail, partial = place
        line, depth, apart = "", tail.depth, text[at - 1 : at] in (" ", "\t", "\n", "")
        for step in range(MAX_WORDS):
            begun = partial if not step else ""
            ranked = [(w, p) for w, p in mix(models, context, begun) if w not in (EDGE, INDENT, DEDENT, begun)]
            if not ranked or ranked[0][1] < least or ranked[0][0] in (NEWLINE, BREAK):
                break
            word = ranked[0][0]
            space = self.spacing.between(context[-1], word, depth) if step or not (apart or partial) else ""
            line += space + word[len(begun) :].split("\n")[0]
            depth += (word in "([{") - (word in ")]}") if len(word) == 1 else 0
            context.append(word)
        return line

    def _at(self, uri: str, text: str, at: int) -> tuple[list[Grams], list[str], Lexer, str] | None:
        """The models, the words before, the lexer of the statement at the cursor, the name being typed."""
        own = self._documents.setdefault(uri, Open())
        before = own.buffer.before(text, at)
        if before is None:
            return None
        done, tail, partial = before
        later = text[at:].partition("\n")[2]
        if own.state != (len(done), later):
            own.state = (len(done), later)
            own.grams = Grams.of([*words_of(done), EDGE, *words_of(lex(later))])
        context = [EDGE, *words_of(done[-ORDER:] + tail.tokens)]
        return [*self.models, own.grams], context, tail, partial
