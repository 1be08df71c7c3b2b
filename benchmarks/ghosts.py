"""What each part of the choice of ghost text is worth, and what each gate holds back, on repositories.

    python benchmarks/ghosts.py [--model NAME|FOLDER] [--places N] [--typing N] REPOSITORY...

The model must not have learnt from any REPOSITORY, a folder of Python. As in training, a part of the files of each is
held out; the memory knows the others. They are typed key by key, and the engine is asked after each key. Figures are
those of lspbench: exact lines at places chosen at random; keys of a user who accepts words; new ghosts for 100 keys,
right to the end and wrong at once. Rows are the three kinds of eagerness, then `balanced` without one part, then
without one gate. The last table counts what each gate held back, and how much of that was right.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent / "lspbench"))

import fit
from users import Step, ends_well, fresh_ghosts, keys_pressed

from tinycoder.complete import gates
from tinycoder.complete.candidate import Document, GhostRequest
from tinycoder.complete.engine import Engine
from tinycoder.complete.gates import GATES, Offer
from tinycoder.complete.parts import Parts, without
from tinycoder.errors import TinyCoderError
from tinycoder.evaluate.cursors import Cursor, Stretch, opened, sample_cursors, sample_stretches, survey
from tinycoder.stop import never
from tinycoder.storage.checkpoint import Model, load_model
from tinycoder.storage.home import default_home
from tinycoder.storage.models import resolve_model
from tinycoder.transformer.blas import use_one_blas_thread

PARTS = ("lead", "gates", "filters", "names", "cut")
MAX_CHARACTERS = 80_000  # of a file that is typed
USER = "inline+word"


@dataclass
class Tally:
    """Counts over all repositories, of which the figures are ratios."""

    counts: Counter[str] = field(default_factory=Counter)

    def line(self, name: str) -> str:
        """A row of the table."""
        n = self.counts
        keys, fresh = max(n["keys"], 1), max(n["fresh"], 1)
        figures = {
            "exact": n["exact"] / max(n["places"], 1),
            "shown": n["shown"] / max(n["places"], 1),
            "keys": n["pressed"] / keys,
            "new / 100": 100 * n["fresh"] / keys,
            "right": n["right"] / fresh,
            "wrong": n["wrong"] / fresh,
            "taken / new": n["accepted"] / fresh,
        }
        return f"{name:24}" + "".join(f"{figure:>12.3f}" for figure in figures.values())


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is asked of one repository."""

    repository: fit.Repository
    documents: Mapping[str, Document]
    cursors: Sequence[Cursor]
    stretches: Sequence[Stretch]


def prepare(folder: Path, model: Model, n_places: int, n_typed: int, seed: int) -> Work:
    """Choose the places and the stretches of a repository."""
    repository = fit.read(folder, model.tokenizer)
    documents = [each for each in repository.held_out if len(each.text) < MAX_CHARACTERS]
    cursors = [cursor for each in documents for cursor in survey(each, first=opened(each.text)).cursors]
    return Work(
        repository=repository,
        documents={each.path: each for each in documents},
        cursors=sample_cursors(cursors, n_places, seed=seed),
        stretches=sample_stretches(documents, n_typed, seed=seed),
    )


def measure(work: Work, model: Model, tally: Tally, *, parts: Parts = Parts(), eagerness: str = "balanced") -> None:
    """Ask one engine everything, and count."""
    engine = Engine(model, work.repository.memory, parts=parts)
    engine.know(work.repository.world)
    counts = tally.counts

    def ghost(path: str, text: str) -> str:
        request = GhostRequest(eagerness=eagerness)
        found = engine.inline(Document(path=path, text=text), len(text), request, stop=never)
        return found[0].text[len(text) - found[0].start :] if found else ""

    for cursor in work.cursors:
        text = work.documents[cursor.path].text
        shown = ghost(cursor.path, text[: cursor.offset]).partition("\n")[0].rstrip()
        counts["places"] += 1
        counts["shown"] += bool(shown)
        counts["exact"] += shown == text[cursor.offset :].partition("\n")[0].rstrip()
    for stretch in work.stretches:
        text = work.documents[stretch.path].text
        steps = {at: Step([], at, ghost(stretch.path, text[:at]), 0.0, 0.0) for at in _keys(text, stretch)}
        pressed, accepted = keys_pressed(text, stretch.start, stretch.end, steps, USER)
        fresh, right, wrong = fresh_ghosts(text, steps)
        counts.update(keys=len(steps), pressed=pressed, accepted=accepted, fresh=fresh, right=right, wrong=wrong)


def held_back(work: Work, model: Model) -> Counter[str]:
    """What each gate holds back along the stretches, and how much of it the author wrote."""
    counts: Counter[str] = Counter()
    for stretch in work.stretches:
        engine = Engine(model, work.repository.memory)
        engine.know(work.repository.world)
        text = work.documents[stretch.path].text

        def note(offer: Offer, text: str = text) -> str | None:
            reason = gates.held_back(offer)
            if reason:
                counts[reason] += 1
                end = offer.offset + len(offer.new)
                counts[f"{reason} right"] += text.startswith(offer.new, offer.offset) and ends_well(text, end)
            return reason

        with mock.patch("tinycoder.complete.inline.held_back", note):
            for at in _keys(text, stretch):
                engine.inline(Document(path=stretch.path, text=text[:at]), at, GhostRequest(), stop=never)
    return counts


def _keys(text: str, stretch: Stretch) -> Iterator[int]:
    """The offsets at which a key is pressed: indentation is the editor's."""
    for at in range(stretch.start, stretch.end):
        line = text.rfind("\n", 0, at) + 1
        if text[line : at + 1].strip(" \t") or text[at] == "\n":
            yield at


def main() -> None:
    """Measure all rows on all repositories, and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="base", metavar="NAME|FOLDER")
    parser.add_argument("--home", type=Path, default=default_home(os.environ), help="where models are kept")
    parser.add_argument("--places", type=int, default=150, help="of each repository (%(default)s)")
    parser.add_argument("--typing", type=int, default=1000, help="characters of each repository (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of both")
    parser.add_argument("repositories", nargs="+", type=Path, metavar="REPOSITORY")
    arguments = parser.parse_args()
    use_one_blas_thread()
    try:
        model = load_model(resolve_model(arguments.home, arguments.model))
        works = [
            prepare(folder, model, arguments.places, arguments.typing, arguments.seed)
            for folder in arguments.repositories
        ]
    except TinyCoderError as error:
        parser.exit(1, f"ghosts: {error}\n")
    columns = ("exact", "shown", "keys", "new / 100", "right", "wrong", "taken / new")
    print(f"{'':24}" + "".join(f"{column:>12}" for column in columns))
    rows: dict[str, dict[str, object]] = {name: {"eagerness": name} for name in ("quiet", "balanced", "eager")}
    rows |= {f"without {part}": {"parts": without([part])} for part in PARTS}
    for name, how in rows.items():
        tally = Tally()
        for work in works:
            measure(work, model, tally, **how)  # type: ignore[arg-type]
        print(tally.line(name), flush=True)
    for gate in GATES:
        tally, others = Tally(), {name: holds for name, holds in GATES.items() if name != gate}
        with mock.patch.object(gates, "GATES", others):
            for work in works:
                measure(work, model, tally)
        print(tally.line(f"without gate: {gate}"), flush=True)
    counts = sum((held_back(work, model) for work in works), Counter())
    print(f"\n{'gate':24}{'held back':>12}{'right':>12}")
    for gate in GATES:
        print(f"{gate:24}{counts[gate]:>12}{counts[f'{gate} right']:>12}")


if __name__ == "__main__":
    main()
