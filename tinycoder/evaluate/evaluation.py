"""The whole evaluation: every variant answers the same queries about files that it does not know.

Each variant starts each of the four measures (popup, ghost text, typing, prediction) anew, so that none knows the
held-out files from another. All but the latencies depends on the seed alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Protocol

from tinycoder.complete.candidate import Completer, Document
from tinycoder.complete.parts import Parts, without
from tinycoder.complete.predict import TokenCost
from tinycoder.errors import CorpusError
from tinycoder.evaluate.baseline import CopyBaseline
from tinycoder.evaluate.bootstrap import Difference, bootstrap
from tinycoder.evaluate.cursors import (
    Cursor,
    Identifier,
    Stretch,
    Survey,
    opened,
    sample_cursors,
    sample_identifiers,
    sample_stretches,
    survey,
)
from tinycoder.evaluate.quality import Outcomes, Quality, quality
from tinycoder.evaluate.queries import N_TYPED, Editor, query_lines, query_words, type_stretch
from tinycoder.evaluate.verbatim import LEARNT, WORKSPACE, Texts
from tinycoder.stop import Stop, never

ALL = "all"


class PredictingCompleter(Completer, Protocol):
    """What is evaluated: it completes documents, and predicts a text token by token."""

    def costs(self, document: Document, *, stop: Stop) -> Iterator[TokenCost]:
        """The cost of each token from the top of the document on; nothing if it predicts no tokens."""


MakeEngine = Callable[[Parts], PredictingCompleter]


@dataclass(frozen=True, kw_only=True)
class Variant:
    """An engine with some of its parts, or, with None, the baseline that copies."""

    name: str
    parts: Parts | None


BASELINES = (
    Variant(name="n-gram alone", parts=Parts(model=False)),
    Variant(name="transformer alone", parts=Parts(memory=False)),
    Variant(name="copy alone", parts=None),
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How much is asked: identifiers, and twice as many cursors for ghost text; characters typed; bytes predicted."""

    n_cursors: int = 150
    n_typed: int = 1_500
    n_bytes: int = 20_000
    after_rest: bool = False  # whether the rest of the file follows the cursor's line
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Progress:
    """``done`` of 1 of the whole evaluation, and what is under way."""

    done: float
    variant: str
    measure: str


@dataclass(frozen=True, kw_only=True)
class Results:
    """What was measured and on how much; ``differences`` of each variant but the first, from the first."""

    settings: Settings
    n_held_out: int
    n_known: int
    variants: tuple[Quality, ...]
    differences: Mapping[str, Mapping[str, Difference]]

    def to_json(self) -> dict[str, Any]:
        """Plain data; no text of a file is in it."""
        data = asdict(self)
        for variant in data["variants"]:
            del variant["best"], variant["worst"]
        return data


@dataclass(frozen=True, kw_only=True)
class _Plan:
    documents: Mapping[str, Document]
    surveys: Mapping[str, Survey]
    identifiers: Sequence[Identifier]
    cursors: Sequence[Cursor]
    stretches: Sequence[Stretch]


def variants_of(names: Sequence[str] = (), *, ablate: bool = False, baselines: bool = True) -> tuple[Variant, ...]:
    """All parts together; all but each of ``names``, or of all names; the baselines.

    Raises ``ConfigError`` for a name that is no part.
    """
    left_out = list(dict.fromkeys([*names, *(field.name for field in fields(Parts) if ablate)]))
    without(left_out)
    variants = [Variant(name=ALL, parts=Parts())]
    variants += [Variant(name=f"without {name}", parts=without([name])) for name in left_out]
    return (*variants, *(BASELINES if baselines else ()))


def evaluate(
    make_engine: MakeEngine,
    held_out: Sequence[Document],
    variants: Sequence[Variant],
    settings: Settings,
    *,
    known: Sequence[Document],
    learnt: Sequence[Document] = (),
    clock: Callable[[], float],
) -> Generator[Progress, None, Results]:
    """Ask every variant; yields its progress and returns the results.

    ``make_engine`` gives an engine that knows the ``known`` files and nothing of the ``held_out`` ones. Copies are
    looked for in these, and in what else the model has ``learnt``. ``clock`` gives seconds. Raises ``CorpusError`` if
    there is nothing to ask about.
    """
    plan = _plan(held_out, settings)
    texts = (Texts(WORKSPACE, known), Texts(LEARNT, learnt))
    qualities, differences, first = [], dict[str, Mapping[str, Difference]](), None
    for i, variant in enumerate(variants):

        def make(parts: Parts | None = variant.parts) -> PredictingCompleter:
            return CopyBaseline(known) if parts is None else make_engine(parts)

        outcomes = Outcomes()
        for done, measure in _measure(make, plan, texts, outcomes, settings, clock):
            yield Progress(done=(i + done) / len(variants), variant=variant.name, measure=measure)
        qualities.append(quality(variant.name, outcomes))
        if first is None:
            first = outcomes
        else:
            differences[variant.name] = bootstrap(outcomes, first, seed=settings.seed)
    return Results(
        settings=settings,
        n_held_out=len(plan.documents),
        n_known=len(known),
        variants=tuple(qualities),
        differences=differences,
    )


def last(
    steps: Generator[Progress, None, Results], report: Callable[[Progress], object] = lambda step: None
) -> Results:
    """Go through all steps of an evaluation; the results at its end."""
    while True:
        try:
            report(next(steps))
        except StopIteration as end:
            results: Results = end.value
            return results


def _plan(held_out: Sequence[Document], settings: Settings) -> _Plan:
    documents = {
        document.path: Document(path=document.path, text=document.text.replace("\r\n", "\n")) for document in held_out
    }
    surveys = {path: survey(document, first=opened(document.text)) for path, document in documents.items()}
    plan = _Plan(
        documents=documents,
        surveys=surveys,
        identifiers=sample_identifiers(
            [one for each in surveys.values() for one in each.identifiers], settings.n_cursors, seed=settings.seed
        ),
        cursors=sample_cursors(
            [one for each in surveys.values() for one in each.cursors], 2 * settings.n_cursors, seed=settings.seed
        ),
        stretches=sample_stretches(list(documents.values()), settings.n_typed, seed=settings.seed),
    )
    if not (plan.identifiers or plan.cursors or plan.stretches):
        raise CorpusError(
            f"there is nothing to ask about in {len(documents)} held-out files; give a folder with more code"
        )
    return plan


def _measure(
    make: Callable[[], PredictingCompleter],
    plan: _Plan,
    texts: Sequence[Texts],
    outcomes: Outcomes,
    settings: Settings,
    clock: Callable[[], float],
) -> Iterator[tuple[float, str]]:
    """Fill ``outcomes``; yields the share done, about, and what is under way."""

    def editor() -> Editor:
        return Editor(completer=make(), rest=settings.after_rest, clock=clock)

    n_words, n_lines = N_TYPED * len(plan.identifiers), len(plan.cursors)
    n_keys = sum(stretch.end - stretch.start for stretch in plan.stretches)
    n_bytes = min(settings.n_bytes, sum(len(document.text.encode()) for document in plan.documents.values()))
    total = n_words + n_lines + n_keys + n_bytes / 10
    done = 0.0
    if plan.identifiers:
        for word in query_words(editor(), plan.documents, plan.identifiers):
            outcomes.words.append(word)
            done += 1 / total
            yield done, "popup"
    if plan.cursors:
        for line in query_lines(editor(), plan.documents, plan.cursors, texts):
            outcomes.lines.append(line)
            done += 1 / total
            yield done, "ghost text"
    if plan.stretches:
        user = editor()
        for stretch in plan.stretches:
            document, words = plan.documents[stretch.path], plan.surveys[stretch.path].words
            for typed in type_stretch(user, document, stretch, words):
                if typed is not None:
                    outcomes.stretches.append(typed)
                else:
                    done += 1 / total
                    yield done, "typing"
    for cost in _costs(make, list(plan.documents.values()), settings.n_bytes):
        outcomes.costs.append(cost)
        done += cost.n_bytes / 10 / total
        yield min(done, 1.0), "prediction"


def _costs(make: Callable[[], PredictingCompleter], documents: Sequence[Document], n_bytes: int) -> Iterator[TokenCost]:
    """Of the tops of the files, an equal share of bytes each, about."""
    completer = make() if n_bytes else None
    for i, document in enumerate(documents if completer else ()):
        assert completer is not None
        budget = n_bytes / (len(documents) - i)
        for cost in completer.costs(document, stop=never):
            yield cost
            n_bytes -= cost.n_bytes
            budget -= cost.n_bytes
            if budget <= 0:
                break
        completer.forget(document.path)
