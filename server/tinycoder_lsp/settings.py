"""What a person may set in the editor, under the section ``tinycoder``.

Every setting is a field with a default, a description and the values it accepts. ``configuration`` reads what an
editor sends by them, and the page of settings and the VS Code extension's manifest are made from them.
"""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from tinycoder.config import FORMER_PRESETS
from tinycoder.validate import Range

SECTION = "tinycoder"
GONE = frozenset({f"{SECTION}.training.idle"})  # settings that were, and that editors may still send
REPLACED = {"inline.threshold": "inline.eagerness to quiet, balanced or eager"}  # and what to set instead
FORMER_VALUES = {f"{SECTION}.training.preset": FORMER_PRESETS}  # and what they are called now

Positive = Annotated[int, Range(1)]
Milliseconds = Annotated[int, Range(1, 60_000)]
Minutes = Annotated[float, Range(0.01, 10_000)]
PresetName = Literal["nano", "tiny", "mini", "small", "medium", "large"]  # the sizes of tinycoder.config

_T = TypeVar("_T")


def _setting(default: _T, meaning: str) -> _T:
    """A field with its description; its type says which values it accepts."""
    return dataclasses.field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True, kw_only=True)
class InlineSettings:
    """Ghost text."""

    enable: bool = _setting(True, "Offer the rest of the line as ghost text.")
    max_tokens: Positive = _setting(64, "The longest suggestion, in tokens.")
    alternatives: Positive = _setting(3, "Suggestions to offer when the person asks for ghost text.")
    deadline_ms: Milliseconds = _setting(2000, "Milliseconds after which a suggestion is not worth waiting for.")
    trigger: Literal["automatic", "manual"] = _setting(
        "automatic", "When to offer ghost text: while typing, or only when the person asks for it."
    )
    debounce_ms: Annotated[int, Range(0, 5000)] = _setting(
        0,
        "Milliseconds of quiet after the last key before a new suggestion is thought about; one that is typed through "
        "stays at once.",
    )
    eagerness: Literal["quiet", "balanced", "eager"] = _setting(
        "balanced",
        "How readily ghost text is offered while typing: where it is likely to be right, where it is worth a look, or "
        "also where it is a guess. What is asked for manually is offered however unlikely it is.",
    )
    block: Literal["off", "explicit", "automatic"] = _setting(
        "explicit",
        "When to offer several lines: never (single lines only), when the person asks for ghost text, or also by "
        "itself after a line that opens a block.",
    )
    max_lines: Positive = _setting(12, "The most lines of a suggestion of several lines.")
    prose: Literal["off", "sure", "on"] = _setting(
        "sure",
        "When to offer ghost text in comments and strings: never, where it is likelier to be right than code must be, "
        "or as in code. It is always offered when the person asks for it.",
    )


@dataclass(frozen=True, kw_only=True)
class PopupSettings:
    """The completion list."""

    enable: bool = _setting(True, "Offer names in the editor's completion list.")
    limit: Positive = _setting(20, "The most names to offer at a time.")
    imports: bool = _setting(True, "Offer names of other files together with the import that they need.")
    deadline_ms: Milliseconds = _setting(
        250, "Milliseconds after which the list is answered empty; some editors show no list before."
    )


@dataclass(frozen=True, kw_only=True)
class MemorySettings:
    """What is known of the workspace and the open files."""

    enable: bool = _setting(True, "Learn what the workspace and the open files contain; else the model answers alone.")


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Training that is started from the editor."""

    minutes: Minutes = _setting(10.0, "How long to train on the workspace, in minutes.")
    preset: PresetName | None = _setting(
        None,
        "Begin with random weights, in this size; without it the training goes on from `base`, which is better for "
        "a run of minutes.",
    )


@dataclass(frozen=True, kw_only=True)
class StatisticsSettings:
    """The outcomes of suggestions."""

    enable: bool = _setting(
        True, "Count on this machine how many suggestions were shown and taken, for `tinycoder stats`."
    )


@dataclass(frozen=True, kw_only=True)
class RemoteSettings:
    """A server that writes ghost text; a person's own settings alone name one (``personal``)."""

    url: str | None = _setting(
        None,
        "Address of a server that writes ghost text, such as `http://127.0.0.1:8080`. It is sent the code around the "
        "cursor, without what looks like a secret. Without it no code leaves the editor's machine.",
    )
    kind: Literal["openai", "llama.cpp"] = _setting(
        "openai",
        "What the server understands: `openai` for `/v1/completions` (vLLM, Ollama, LM Studio), `llama.cpp` for its "
        "own server.",
    )
    model: str | None = _setting(
        None,
        "Name of the server's model. That of a model that TinyCoder trained and that is also here is asked in "
        "TinyCoder's own layout.",
    )
    key_env: str | None = _setting(None, "Name of the environment variable that holds the server's key, if it has one.")
    allow_host: str | None = _setting(
        None, "The host of the address, once more, where it is another machine: code may be sent to it."
    )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings. The names on the wire are in camel case."""

    enable: bool = _setting(True, "Complete at all.")
    disabled_languages: tuple[str, ...] = _setting(
        (), "Languages, by the editor's names for them, in which nothing is completed."
    )
    exclude: tuple[str, ...] = _setting(
        (), "Files that are not completed, remembered or trained on: patterns as in .gitignore, relative to the folder."
    )
    max_file_kb: Positive = _setting(1000, "Documents of more kilobytes are quietly left alone.")
    trusted: bool = _setting(
        True,
        "Whether the workspace may be read and trained on. Editors that ask whether its authors are trusted send this.",
    )
    model: str | None = _setting(
        None, "Name or folder of the model; without it the workspace's own model is used, else `base`."
    )
    python: str | None = _setting(
        None,
        "The workspace's Python: an interpreter, or the folder of an environment. Its packages are read, never run; "
        "without it that of `VIRTUAL_ENV` counts, else one in the workspace (`.venv` and the like), else Python on "
        "`PATH`.",
    )
    log_level: Literal["debug", "info", "warning", "error"] | None = _setting(
        None, "How much goes to the log; without it what `tinycoder serve --log-level` says."
    )
    inline: InlineSettings = dataclasses.field(default_factory=InlineSettings)
    popup: PopupSettings = dataclasses.field(default_factory=PopupSettings)
    memory: MemorySettings = dataclasses.field(default_factory=MemorySettings)
    training: TrainingSettings = dataclasses.field(default_factory=TrainingSettings)
    statistics: StatisticsSettings = dataclasses.field(default_factory=StatisticsSettings)
    remote: RemoteSettings = dataclasses.field(default_factory=RemoteSettings)
