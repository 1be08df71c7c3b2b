"""What a project's ``[tool.tinycoder]`` may set: what a team shares, not what concerns one person's machine."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from tinycoder.validate import DataError, Range, read
from tinycoder.workspace.project_file import TABLE, ProjectFile
from tinycoder_lsp.configuration import all_settings, read_section
from tinycoder_lsp.settings import InlineSettings, Minutes, PopupSettings, Positive, PresetName, Settings, _setting


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the project's model is trained; what is None is as `tinycoder train` takes it by default."""

    minutes: Minutes | None = _setting(None, "How long to train, in minutes.")
    preset: PresetName | None = _setting(None, "Size of a new model.")
    batch_size: Positive | None = _setting(None, "Windows of a step.")
    context: Annotated[int, Range(2)] | None = _setting(None, "Tokens of a window.")
    optimizer: Literal["muon", "adamw"] | None = _setting(None, "The optimizer.")
    seed: Annotated[int, Range(0)] | None = _setting(None, "Seed of weights, held-out files and data order.")


@dataclass(frozen=True, kw_only=True)
class ProjectSettings:
    """The table. The fields are those of ``Settings`` that a team shares; ``training`` is for the command line too."""

    enable: bool = _setting(True, "Complete at all.")
    disabled_languages: tuple[str, ...] = _setting((), "Languages in which nothing is completed.")
    exclude: tuple[str, ...] = _setting(
        (), "Files that are not completed, remembered or trained on; they add to those of the person."
    )
    max_file_kb: Positive = _setting(1000, "Documents of more kilobytes are left alone.")
    inline: InlineSettings = dataclasses.field(default_factory=InlineSettings)
    popup: PopupSettings = dataclasses.field(default_factory=PopupSettings)
    training: Recipe = dataclasses.field(default_factory=Recipe)

    def under(self, own: Settings) -> Settings:
        """The person's settings, laid over the project's. One that has its default counts as not set.

        Editors such as VS Code send every default along, so that the two cannot be told apart.
        """
        changes = {
            name: _under(getattr(self, name), getattr(own, name), getattr(Settings(), name))
            for name in ("enable", "disabled_languages", "max_file_kb", "inline", "popup")
        }
        budget = {name: value for name in ("minutes", "preset") if (value := getattr(self.training, name)) is not None}
        training = dataclasses.replace(Settings().training, **budget)
        changes["training"] = _under(training, own.training, Settings().training)
        return dataclasses.replace(own, **changes)


NOTHING_SHARED = ProjectSettings()


def read_project(files: Sequence[ProjectFile]) -> tuple[ProjectSettings, list[str]]:
    """The settings of the first of these files, and a sentence for each mistake in any of them."""
    settings, problems = [], []
    for file in files:
        found, wrong = _read(file)
        settings.append(found)
        problems += [f"{file.file}: {sentence}" for sentence in wrong]
    return (settings[0] if settings else NOTHING_SHARED), problems


def refused_exclude(file: ProjectFile) -> str | None:
    """Why it is not known what the project leaves out, if so."""
    try:
        read(tuple[str, ...], file.table.get("exclude", ()))
    except DataError as error:
        return f"{file.file}: {TABLE}.exclude{error.path} {error.problem}"
    return file.problem and f"{file.file}: {file.problem}"


def _read(file: ProjectFile) -> tuple[ProjectSettings, list[str]]:
    personal = [key for key in file.table if key in _personal_keys()]
    shared = {key: value for key, value in file.table.items() if key not in personal}
    settings, problems = read_section(ProjectSettings(), shared, TABLE)
    if file.problem:
        return settings, [f"{file.problem}; until it is put right, what it said before holds"]
    return settings, problems + [
        f"{TABLE}.{key} concerns one person's machine and is not taken from a project; set it in the editor or on the "
        "command line"
        for key in personal
    ]


def _personal_keys() -> frozenset[str]:
    ours = {each.name.split(".")[2] for each in all_settings(ProjectSettings, TABLE)}
    return frozenset({each.name.split(".")[1] for each in all_settings()} - ours) | {"home", "host", "server"}


def _under(shared: Any, own: Any, default: Any) -> Any:
    if not dataclasses.is_dataclass(default):
        return shared if own == default else own
    names = [field.name for field in dataclasses.fields(default)]
    values = {name: _under(getattr(shared, name), getattr(own, name), getattr(default, name)) for name in names}
    return dataclasses.replace(own, **values)
