"""The whole evaluation: every variant answers the same queries about files that it does not know.

Each variant starts each of the four measures (popup, ghost text, typing, prediction) anew, so that none knows the
held-out files from another. All but the latencies depends on the seed alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
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
from tinycoder.words import counted

BYTE = 0.1  # how long a predicted byte takes, in questions
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
    n_bytes: int

    @property
    def size(self) -> float:
        """How many questions this is, about."""
        n_keys = sum(stretch.end - stretch.start for stretch in self.stretches)
        return N_TYPED * len(self.identifiers) + len(self.cursors) + n_keys + self.n_bytes * BYTE


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
    report: Callable[[Progress], object] = lambda progress: None,
) -> Results:
    """Ask every variant; ``report`` is told how far it is.

    ``make_engine`` gives an engine that knows the ``known`` files and nothing of the ``held_out`` ones. Copies are
    looked for in these, and in what else the model has ``learnt``. ``clock`` gives seconds. Raises ``CorpusError`` if
    there is nothing to ask about.
    """
    plan = _plan(held_out, settings)
    texts = (Texts(WORKSPACE, known), Texts(LEARNT, learnt))
    outcomes = [Outcomes() for _ in variants]
    for i, variant in enumerate(variants):

        def make(parts: Parts | None = variant.parts) -> PredictingCompleter:
            return CopyBaseline(known) if parts is None else make_engine(parts)

        n_asked = 0.0
        for weight, measure in _measure(make, plan, texts, outcomes[i], settings, clock):
            n_asked += weight
            done = (i + min(1.0, n_asked / plan.size)) / len(variants)
            report(Progress(done=done, variant=variant.name, measure=measure))
    return Results(
        settings=settings,
        n_held_out=len(plan.documents),
        n_known=len(known),
        variants=tuple(quality(variant.name, each) for variant, each in zip(variants, outcomes, strict=True)),
        differences={
            variant.name: bootstrap(each, outcomes[0], seed=settings.seed)
            for variant, each in zip(variants[1:], outcomes[1:], strict=True)
        },
    )


def _plan(held_out: Sequence[Document], settings: Settings) -> _Plan:
    documents = {
        document.path: Document(path=document.path, text=document.text.replace("\r\n", "\n")) for document in held_out
    }
    surveys = {path: survey(document, first=opened(document.text)) for path, document in documents.items()}
    identifiers = [one for each in surveys.values() for one in each.identifiers]
    cursors = [one for each in surveys.values() for one in each.cursors]
    plan = _Plan(
        documents=documents,
        surveys=surveys,
        identifiers=sample_identifiers(identifiers, settings.n_cursors, seed=settings.seed),
        cursors=sample_cursors(cursors, 2 * settings.n_cursors, seed=settings.seed),
        stretches=sample_stretches(list(documents.values()), settings.n_typed, seed=settings.seed),
        n_bytes=min(settings.n_bytes, sum(len(document.text.encode()) for document in documents.values())),
    )
    if not (plan.identifiers or plan.cursors or plan.stretches):
        raise CorpusError(
            f"there is nothing to ask about in {counted(len(documents), 'held-out file')}; give a folder with more code"
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
    """Fill ``outcomes``; yields how much was done, in the unit of ``_Plan.size``, and what is under way."""

    def editor() -> Editor:
        return Editor(completer=make(), rest=settings.after_rest, clock=clock)

    if plan.identifiers:
        for word in query_words(editor(), plan.documents, plan.identifiers):
            outcomes.words.append(word)
            yield 1.0, "popup"
    if plan.cursors:
        for line in query_lines(editor(), plan.documents, plan.cursors, texts):
            outcomes.lines.append(line)
            yield 1.0, "ghost text"
    if plan.stretches:
        user = editor()
        for stretch in plan.stretches:
            document, words = plan.documents[stretch.path], plan.surveys[stretch.path].words
            for typed in type_stretch(user, document, stretch, words):
                if typed is not None:
                    outcomes.stretches.append(typed)
                else:
                    yield 1.0, "typing"
    if settings.n_bytes:
        for cost in _costs(make(), list(plan.documents.values()), settings.n_bytes):
            outcomes.costs.append(cost)
            yield cost.n_bytes * BYTE, "prediction"


def _costs(completer: PredictingCompleter, documents: Sequence[Document], n_bytes: int) -> Iterator[TokenCost]:
    """Of the tops of the files, an equal share of bytes each, about."""
    for i, document in enumerate(documents):
        budget = n_bytes / (len(documents) - i)
        for cost in completer.costs(document, stop=never):
            yield cost
            n_bytes -= cost.n_bytes
            budget -= cost.n_bytes
            if budget <= 0:
                break
        completer.forget(document.path)
