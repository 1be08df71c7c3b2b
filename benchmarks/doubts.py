"""How often a name that does not exist is right all the same in ghost text, next to what the mixture expects.

    python benchmarks/doubts.py [--model FOLDER] [--n LINES] [--below] REPOSITORY...

As in training a part of the files of each REPOSITORY is held out: the memory does not know them. At lines of these,
some of them begun, the likeliest ghost text is generated with no name made less likely. With --below, the rest of the
file follows the line. A row of the table is a kind of unknown name: how many ghost texts have it, what the mixture
expects (the mean probability up to the name), and how many are right up to there. Their ratio, over that of ghost texts
without such a name, is the factor that would be calibrated.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fit import Repository, read

from tinycoder.complete import inline as inline_module
from tinycoder.complete.candidate import Document, GhostRequest
from tinycoder.complete.engine import Engine
from tinycoder.complete.names import unknown
from tinycoder.storage.bundled import bundled_folder
from tinycoder.storage.checkpoint import load_model
from tinycoder.symbols.project import Project, WorkspaceFile
from tinycoder.symbols.world import World
from tinycoder.transformer.blas import use_one_blas_thread

KINDS = {unknown.UNBOUND: "UNBOUND", unknown.IMPOSSIBLE: "IMPOSSIBLE"}
NONE = "no unknown name"
PROSE_THRESHOLD = 0.1  # probability of a ghost text that is looked at: the less likely are never shown


@dataclass(frozen=True, kw_only=True)
class UnknownName:
    """A name in a ghost text: what the mixture expects up to its end, and whether the author wrote that."""

    kind: str
    expected: float
    right: bool


class Recorder:
    """Stands in for ``unknown_names`` in the engine, and notes what it would have done."""

    def __init__(self) -> None:
        self.rest = ""  # of the author's line
        self.noted: list[UnknownName] = []

    def __call__(
        self, line: str, text: str, ends: Sequence[int], probabilities: Sequence[float], known: unknown.KnownNames
    ) -> tuple[float, ...]:
        """The probabilities as they are."""
        factors = unknown.factors(line, text, known)
        end_of_known, kind = min(((at, KINDS[factor]) for at, factor in factors), default=(len(text), NONE))
        expected = next((p for end, p in zip(ends, probabilities, strict=True) if end >= end_of_known), 0.0)
        if expected >= PROSE_THRESHOLD:
            right = self.rest.startswith(text[:end_of_known]) and not re.match(r"\w", self.rest[end_of_known:])
            self.noted.append(UnknownName(kind=kind, expected=expected, right=right))
        return tuple(probabilities)


def cursors(document: Document, n: int, dice: random.Random) -> Iterator[tuple[int, str]]:
    """Offsets in lines of code, at their first letter or within, and what stands there to the line's end."""
    starts = [0]
    for line in document.text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    lines = [start for start in starts[:-1] if document.text[start:].lstrip(" ")[:1].isalpha()]
    for start in dice.sample(lines, min(n, len(lines))):
        line = document.text[start:].split("\n", 1)[0]
        first = len(line) - len(line.lstrip())
        at = first + (dice.randrange(len(line) - first) if dice.random() < 0.5 else 0)
        yield start + at, line[at:]


def ask(
    folder: Path, repository: Repository, engine: Engine, recorder: Recorder, n: int, below: bool, dice: random.Random
) -> None:
    """Make ghost text at ``n`` lines of each held-out file, as if the file ended there, or only the line did."""
    project = Project()
    project.refresh(
        WorkspaceFile(path=file.relative_to(folder).as_posix(), location=file) for file in sorted(folder.rglob("*.py"))
    )
    engine.know(World(project))
    for document in repository.held_out:
        for offset, rest in cursors(document, n, dice):
            recorder.rest = rest
            text = document.text[:offset] + (document.text[offset + len(rest) :] if below else "")
            engine.inline(
                Document(path=document.path, text=text),
                offset,
                GhostRequest(eagerness="any", prose="on"),
                stop=lambda: False,
            )
        engine.forget(document.path)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("repositories", nargs="+", type=Path, metavar="REPOSITORY")
    parser.add_argument("--model", type=Path, default=bundled_folder())
    parser.add_argument("--n", type=int, default=12, help="lines of each held-out file (default: %(default)s)")
    parser.add_argument("--below", action="store_true", help="what follows the line is there")
    options = parser.parse_args()
    use_one_blas_thread(prefill=1)
    model = load_model(options.model)
    recorder = Recorder()
    inline_module.unknown_names = recorder  # type: ignore[assignment]
    dice = random.Random(0)
    for folder in options.repositories:
        repository = read(folder, model.tokenizer)
        engine = Engine(model, repository.memory)
        ask(folder, repository, engine, recorder, options.n, options.below, dice)
    kinds: dict[str, list[UnknownName]] = defaultdict(list)
    for name in recorder.noted:
        kinds[name.kind].append(name)
    base = _ratio(kinds[NONE])
    print(f"{'':12s} {'ghosts':>7s} {'expected':>9s} {'right':>7s} {'factor':>7s}")
    for kind in (NONE, *KINDS.values()):
        each = kinds[kind]
        if each:
            expected = sum(name.expected for name in each) / len(each)
            right = sum(name.right for name in each) / len(each)
            print(f"{kind:12s} {len(each):7d} {expected:9.3f} {right:7.3f} {_ratio(each) / base:7.2f}")


def _ratio(names: Sequence[UnknownName]) -> float:
    return sum(name.right for name in names) / max(sum(name.expected for name in names), 1e-9)


if __name__ == "__main__":
    main()
