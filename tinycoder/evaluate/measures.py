"""Single measures, on strings and numbers: how alike, how likely, how fast."""

import codeop
import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tinycoder.complete.candidate import Candidate
from tinycoder.complete.text import is_word_character

MAX_COMPARED = 300  # characters of a line, so that a file of one line does not take minutes
N_BINS = 10
LATENCY_EDGES_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Offers whose probability lies in ``[low, high)``: how many, their mean probability, the share that was right."""

    low: float
    high: float
    n: int
    probability: float
    right: float


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Whether probabilities are kept; ``error`` is the mean distance from the truth over all offers."""

    n: int
    bins: tuple[Bin, ...]
    error: float | None


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Milliseconds from a change of the text to the answer; ``counts`` are those below each edge, then the rest."""

    n: int
    p50: float | None
    p95: float | None
    p99: float | None
    counts: tuple[int, ...]


def similarity(a: str, b: str) -> float:
    """1 - Levenshtein distance / length of the longer one; 1 for two empty strings."""
    a, b = a[:MAX_COMPARED], b[:MAX_COMPARED]
    longer = max(len(a), len(b))
    return 1 - _distance(a, b) / longer if longer else 1.0


def _distance(a: str, b: str) -> int:
    previous = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        current = [i]
        for j, right in enumerate(b, 1):
            current.append(min(previous[j] + 1, current[-1] + 1, previous[j - 1] + (left != right)))
        previous = current
    return previous[-1]


def correct_characters(offered: str, truth: str) -> int:
    """How many characters are right before the first wrong one."""
    pairs = enumerate(zip(offered, truth, strict=False))
    return next((i for i, (left, right) in pairs if left != right), min(len(offered), len(truth)))


def ends_between_words(truth: str, offset: int) -> bool:
    """Whether no word of ``truth`` is cut in two at ``offset``."""
    return not (0 < offset < len(truth) and is_word_character(truth[offset - 1]) and is_word_character(truth[offset]))


def continues(truth: str, offset: int, text: str) -> bool:
    """Whether ``text`` is what the truth has at ``offset``, up to the end of a word."""
    return bool(text) and truth.startswith(text, offset) and ends_between_words(truth, offset + len(text))


def could_begin_a_module(source: str) -> bool:
    """Whether CPython's parser takes ``source``, or only misses its end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            codeop.compile_command(source, symbol="exec")
        except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
            return False
    return True


def ghost_text(candidate: Candidate, text: str, offset: int) -> str:
    """What an editor shows behind the cursor; nothing for blanks, or where the candidate denies what is typed."""
    typed = text[candidate.start : offset]
    ghost = candidate.text[len(typed) :]
    return ghost if candidate.text.startswith(typed) and ghost.strip() else ""


def popup_rows(candidates: Iterable[Candidate], text: str, offset: int, word_start: int) -> list[tuple[str, float]]:
    """The rows that an editor keeps, exact case first, as (text from ``word_start`` on, probability)."""
    rows = []
    for candidate in candidates:
        typed, head = text[candidate.start : offset], text[candidate.start : word_start]
        row = text[word_start : candidate.start] + candidate.text
        if candidate.text.lower().startswith(typed.lower()) and row.startswith(head):
            rows.append((not candidate.text.startswith(typed), row[len(head) :], candidate.probability))
    return [(row, probability) for _, row, probability in sorted(rows, key=lambda row: row[0])]


def rank(rows: Sequence[str], truth: str, start: int, end: int) -> int | None:
    """From 1 on, the first row that leaves exactly ``truth[start:end]``, and perhaps a bracket or the like after it."""
    word = truth[start:end]
    for i, row in enumerate(rows, 1):
        if row.startswith(word) and not (row[len(word) :] and is_word_character(row[len(word)])):
            return i
    return None


def calibration(offers: Iterable[tuple[float, bool]]) -> Calibration:
    """Reliability (Murphy and Winkler 1977) of (probability, right) pairs, in bins of equal width."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(N_BINS)]
    for probability, right in offers:
        bins[max(0, min(N_BINS - 1, int(probability * N_BINS)))].append((probability, right))
    n = sum(map(len, bins))
    filled = tuple(
        Bin(
            low=i / N_BINS,
            high=(i + 1) / N_BINS,
            n=len(some),
            probability=round(sum(p for p, _ in some) / len(some), 4),
            right=round(sum(right for _, right in some) / len(some), 4),
        )
        for i, some in enumerate(bins)
        if some
    )
    error = sum(abs(some.probability - some.right) * some.n for some in filled)
    return Calibration(n=n, bins=filled, error=ratio(error, n))


def latency(seconds: Sequence[float]) -> Latency:
    """Percentiles by the nearest rank, and counts by ``LATENCY_EDGES_MS``."""
    ordered = sorted(1000 * value for value in seconds)

    def percentile(q: int) -> float | None:
        return round(ordered[math.ceil(q / 100 * len(ordered)) - 1], 2) if ordered else None

    counts = [0] * (len(LATENCY_EDGES_MS) + 1)
    for value in ordered:
        counts[sum(value >= edge for edge in LATENCY_EDGES_MS)] += 1
    return Latency(n=len(ordered), p50=percentile(50), p95=percentile(95), p99=percentile(99), counts=tuple(counts))


def mean(values: Iterable[float]) -> float | None:
    """To four digits; None of nothing."""
    some = list(values)
    return ratio(sum(some), len(some))


def ratio(part: float, whole: float) -> float | None:
    """To four digits; None of nothing."""
    return round(part / whole, 4) if whole else None
