"""Bits a character of the held-out files under the nested-cache n-gram model.

    python benchmarks/lspbench/baselines/entropy.py [--corpus FOLDER] [--global FILE.npz] [--repos NAME,NAME]

Each held-out file is coded without loss, from the top, as a decoder that has the workspace could follow. A token costs
-log2 of its probability in the mix, where the file's own model knows all complete statements so far; one that the mix
has never seen costs an escape (its adaptive frequency) and its letters; a long literal costs its class and its
letters; letters and comments are coded by an interpolated Witten-Bell model of order 6 that is trained on the
workspace and goes on learning. The white space before a token costs the adaptive frequency of "as expected" (as the
indentation is after INDENT and DEDENT), of one or two blank lines, or else its letters.

As yardsticks: the model of letters alone, and by how much xz grows if the file is added to the workspace. Needs Python
3.11.
"""

from __future__ import annotations

import argparse
import lzma
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # where corpora.py lies
from common import BREAK, DEDENT, INDENT, NEWLINE, lex
from corpora import OPEN, archive, manifest, members, text_of
from nested import EDGE, ORDER, Grams, Model, words_of

END = "\0"
MAX_KNOWN = 1_000_000  # characters of the workspace that the model of letters learns
STRONGEST = 9 | lzma.PRESET_EXTREME


class Letters:
    """Interpolated Witten-Bell model of characters."""

    def __init__(self, order: int = 6) -> None:
        self._order, self._learnt = order, list[str]()
        self._seen: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def learn(self, text: str) -> None:
        """Count the characters of a text."""
        self._count(text, 1)
        self._learnt.append(text)

    def forget(self) -> None:
        """Unlearn all but the first text."""
        for text in self._learnt[1:]:
            self._count(text, -1)
        del self._learnt[1:]

    def bits(self, text: str) -> float:
        """What the text costs."""
        total = 0.0
        for at, char in enumerate(text):
            p = 1 / 256
            for size in range(min(self._order, at) + 1):
                followers = self._seen.get(text[at - size : at])
                if not followers or not (count := followers.total()):
                    break
                kinds = sum(map(bool, followers.values()))
                p = (followers[char] + kinds * p) / (count + kinds)
            total -= math.log2(p)
        return total

    def _count(self, text: str, sign: int) -> None:
        for at, char in enumerate(text):
            for size in range(min(self._order, at) + 1):
                self._seen[text[at - size : at]][char] += sign


class Adaptive:
    """The cost of a choice that is learnt while it is made."""

    def __init__(self) -> None:
        self._seen: defaultdict[object, Counter[object]] = defaultdict(Counter)

    def bits(self, key: object, choice: object, n_choices: int) -> float:
        """What the choice costs; counts it."""
        seen = self._seen[key]
        cost = -math.log2((seen[choice] + 0.5) / (seen.total() + 0.5 * n_choices))
        seen[choice] += 1
        return cost


def token_bits(models: Sequence[Grams], context: list[str], word: str, choice: Adaptive) -> tuple[float, bool]:
    """What a word costs, or what the escape costs if no model has seen it; and whether one has."""
    total = weight = 0.0
    most = 0
    for model in models:
        p, seen = model.probability(context, word)
        total, weight, most = total + p * 2**seen, weight + 2**seen * (seen > 0), max(most, seen)
    known = total > 0
    bits = choice.bits(("novel", most), not known, 2)
    return (bits - math.log2(total / weight), True) if known else (bits, False)


def file_bits(text: str, workspace: Model, letters: Letters, choice: Adaptive) -> Counter[str]:
    """Bits of a file by part: tokens, names and literals by letter, white space, comments."""
    cost: Counter[str] = Counter()
    tokens, words, models = lex(text), [EDGE], workspace.models
    at, depth, previous, margin = 0, 0, EDGE, ""
    for (token, start, end), word in zip(tokens, words_of(tokens), strict=True):
        bits, known = token_bits(models, words[-ORDER + 1 :], word, choice)
        _add(cost, "tokens", bits)
        if not known or word != token:
            _add(cost, "letters", letters.bits(token + END))
            letters.learn(token + END)
        if token not in (INDENT, DEDENT):
            gap = text[at:start]
            column = text[text.rfind("\n", 0, start) + 1 : start]
            begins_line = previous in (NEWLINE, INDENT, DEDENT)
            if previous == BREAK:
                usual = {margin: 1, margin + "    ": 2, margin[:-4]: 3}
            elif begins_line:
                usual = {column: 1, "\n" + column: 2, "\n\n" + column: 3}
            else:
                usual = {workspace.spacing.between(previous, token, depth): 1}
            kind = usual.get(gap, 0)
            opening = token if begins_line and token in ("def", "class", "@") else ""
            _add(cost, "space", choice.bits((previous if previous in (NEWLINE, BREAK) else "", opening), kind, 4))
            if not kind:
                _add(cost, "comments", letters.bits(gap + END))
                letters.learn(gap + END)
            at, margin = end, column if begins_line or previous == BREAK else margin
        depth += (token in "([{") - (token in ")]}") if len(token) == 1 else 0
        words.append(word)
        previous = token
        if token == NEWLINE:
            models = [*workspace.models, Grams.of([*words[1:], EDGE])]
    _add(cost, "comments", letters.bits(text[at:] + END))
    return cost


def _add(cost: Counter[str], part: str, bits: float) -> None:
    cost[part] += bits  # type: ignore[assignment]  # a Counter of fractions


def told(name: str, cost: Counter[str], letters_alone: float, zipped: float, n_chars: int) -> str:
    """A line for people."""
    parts = {part: round(bits / n_chars, 3) for part, bits in cost.items()}
    return (
        f"{name}: {cost.total() / n_chars:.3f} bits per character {parts}; "
        f"letters alone {letters_alone / n_chars:.3f}, xz {zipped / n_chars:.3f}; {n_chars} characters"
    )


def project_bits(corpus: Path, row: dict[str, Any], everywhere: Grams | None) -> tuple[Counter[str], float, float, int]:
    """Bits of a project's held-out files by part, by letters alone, by xz, and their characters."""
    texts = {path: text_of(raw) for path, raw in members(archive(corpus, row)) if path.endswith(".py")}
    known = [text for path, text in texts.items() if path not in row["held_out"]]
    workspace, letters = Model(everywhere), Letters()
    workspace.index(known)
    letters.learn("".join(known)[-MAX_KNOWN:])
    pile = "".join(known).encode()
    small = len(lzma.compress(pile, preset=STRONGEST))
    cost, alone, zipped, n_chars = Counter[str](), 0.0, 0.0, 0
    for text in (texts[path] for path in row["held_out"]):
        letters.forget()
        alone += letters.bits(text)
        cost += file_bits(text, workspace, letters, Adaptive())
        zipped += 8 * (len(lzma.compress(pile + text.encode(), preset=STRONGEST)) - small)
        n_chars += len(text)
    return cost, alone, zipped, n_chars


def main() -> None:
    """Parse the command line and print a line a project."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=OPEN)
    parser.add_argument("--global", dest="everywhere", type=Path)
    parser.add_argument("--repos", default="")
    options = parser.parse_args()
    everywhere = Grams.load(options.everywhere) if options.everywhere else None
    total, sums = Counter[str](), [0.0, 0.0, 0]
    for row in manifest(options.corpus):
        if options.repos and row["package"] not in options.repos.split(","):
            continue
        cost, alone, zipped, n_chars = project_bits(options.corpus, row, everywhere)
        print(told(row["package"], cost, alone, zipped, n_chars), flush=True)
        total += cost
        sums = [a + b for a, b in zip(sums, (alone, zipped, n_chars), strict=True)]
    print(told("all", total, sums[0], sums[1], int(sums[2])))


if __name__ == "__main__":
    main()
