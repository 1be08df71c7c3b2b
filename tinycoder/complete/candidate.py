"""What goes into a completion and what comes out of it. Offsets count characters (code points) of the text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tinycoder.memory.seen import Seen
from tinycoder.stop import Stop

if TYPE_CHECKING:
    from tinycoder.complete.question import Question
    from tinycoder.complete.written import Written
    from tinycoder.memory.change import Change
    from tinycoder.memory.mixer import Mixer
    from tinycoder.memory.suffix_index import SuffixIndex
    from tinycoder.storage.checkpoint import Model
    from tinycoder.symbols.imports.offers import OfferedNames
    from tinycoder.symbols.world import World
    from tinycoder.transformer.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Document:
    """A text and its path, which is relative to the workspace and has forward slashes.

    ``change`` leads from the previous text to this one, where it is known.
    """

    path: str
    text: str
    change: Change | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A replacement of ``text[start:end]`` of the document."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class FromModel:
    """The model alone proposes the candidate; no known text contains it."""

    def __str__(self) -> str:
        return "model"


@dataclass(frozen=True)
class NameOrigin:
    """An existing name: its ``kind`` (``names.name`` lists them), and ``where`` it comes from."""

    kind: str
    where: str = ""

    def __str__(self) -> str:
        return _ORIGINS.get(self.kind, "{}").format(self.where) if self.where else self.kind


FROM_MODEL = FromModel()
_ORIGINS = {
    "parameter": "parameter of {}",
    "argument": "parameter of {}",
    "inherited": "inherited from {}",
}

Provenance = FromModel | Seen | NameOrigin
"""Where a candidate comes from; ``str`` is the wording for people."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A replacement of ``text[start:end]`` of the document, its probability (of several lines, the first) and origin.

    ``kind`` is one of ``KINDS``; a callable has a ``signature``. ``replace_end`` is the end of the word at the cursor.
    ``edits`` change the document elsewhere, to import the name. ``path`` and ``line`` (from 1) locate the definition
    of the name.
    """

    text: str
    start: int
    end: int
    probability: float
    provenance: Provenance
    kind: str = "text"
    signature: str = ""
    replace_end: int | None = None
    edits: tuple[Edit, ...] = ()
    path: str = ""
    line: int = 0


KINDS = (
    *("module", "class", "enum", "function", "method", "property", "field", "enum member"),
    *("variable", "constant", "parameter", "keyword", "text"),
)


@dataclass(frozen=True, kw_only=True)
class GhostRequest:
    """A request for ghost text: up to ``n`` different continuations of the line, or of the ``block``.

    ``max_tokens`` limits a line, ``max_lines`` a block. ``eagerness`` says how likely ghost text must be: "quiet",
    "balanced", "eager", or "any" for all that is valid. ``prose`` says when the one continuation of a comment or a
    string is offered: never ("off"), if it is nearly certain ("sure"), or like code ("on").
    """

    n: int = 1
    max_tokens: int = 64
    block: bool = False
    max_lines: int = 12
    eagerness: str = "balanced"
    prose: str = "sure"


@dataclass(frozen=True, kw_only=True)
class ListRequest:
    """A request for a completion list: up to ``limit`` names; with ``imports`` also names that need an import.

    ``on_screen``: the editor shows a list already, and asks again after another letter.
    """

    limit: int = 10
    imports: bool = True
    on_screen: bool = False


class Completer(Protocol):
    """Completes documents and follows them as they change. One thread at a time."""

    def inline(self, document: Document, offset: int, request: GhostRequest = ..., *, stop: Stop) -> list[Candidate]:
        """Ghost texts at ``offset``, best first. Raises ``Cancelled`` once ``stop`` says so, as all questions do."""

    def popup(self, document: Document, offset: int, request: ListRequest = ..., *, stop: Stop) -> list[Candidate]:
        """Names for the completion list at ``offset``, best first."""

    def observe(self, document: Document) -> None:
        """The document is open, and this is its text now."""

    def forget(self, path: str) -> None:
        """The document is closed."""


class ServedCompleter(Completer, Protocol):
    """What the server needs more; ``tinycoder.complete.engine.Engine`` in use."""

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer, which the index of the workspace must share."""

    @property
    def mixer(self) -> Mixer | None:
        """The weights to keep from one session to the next, if there are any."""

    def cached_inline(self, document: Document, offset: int, request: GhostRequest) -> list[Candidate] | None:
        """Ghost texts that are known at once; None if they have to be thought about."""

    def question(
        self, document: Document, offset: int, request: GhostRequest, model: Model | None = None
    ) -> Question | None:
        """What to ask a server, whose model is ``model`` if it is one of ours; None where there is nothing to ask."""

    def served(
        self, document: Document, offset: int, request: GhostRequest, question: Question, written: Written
    ) -> list[Candidate] | None:
        """Ghost texts by what a server has written; None if that does not go on from here."""

    def look_ahead(self, document: Document, offset: int, candidate: Candidate, *, stop: Stop) -> None:
        """Prepare the ghost text that follows once ``candidate`` is accepted."""

    def prepare(self, document: Document, offset: int, *, stop: Stop) -> None:
        """Read what an answer at ``offset`` will need, before it is asked for."""

    def use(self, workspace: SuffixIndex) -> None:
        """Use this index of the workspace from now on."""

    def know(self, world: World, offered: OfferedNames) -> None:
        """Use these modules, whose files may change at any time, and offer these names from now on."""

    def leave_out(self, forgotten: Callable[[str], bool]) -> None:
        """Offer nothing that comes from these paths."""

    def learn(self, *, stop: Stop) -> bool:
        """Learn a little from what was typed; True if there is more to learn."""
