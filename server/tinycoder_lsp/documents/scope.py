"""Which documents are completed, indexed and learnt from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from tinycoder.storage.forget_list import true_path
from tinycoder.workspace.project_file import ProjectFile
from tinycoder_lsp.documents.positions import file_path, is_python
from tinycoder_lsp.settings import Settings


@dataclass(frozen=True)
class Scope:
    """The documents that the settings, and the projects of the workspace's folders, include."""

    settings: Settings
    projects: tuple[ProjectFile, ...] = ()

    def holds(self, uri: str, path: str, language: str | None, n_bytes: int) -> bool:
        """Whether a document is Python, and its language, ``path`` in its workspace folder and size are all allowed."""
        settings = self.settings
        return (
            is_python(uri, language)
            and {language or "python", *(language or "").split(".")}.isdisjoint(settings.disabled_languages)
            and n_bytes <= 1000 * settings.max_file_kb
            and not self._is_excluded(path)
            and not self._is_excluded_by_project(uri)
        )

    def _is_excluded_by_project(self, uri: str) -> bool:
        if not (self.projects and uri.startswith("file:")):
            return False
        location = true_path(file_path(uri))
        return any(project.excludes(location) for project in self.projects)

    @cached_property
    def _is_excluded(self) -> Callable[[str], bool]:
        return _matcher(self.settings.exclude)


def _matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    if not patterns:
        return lambda path: False
    from tinycoder.workspace.ignore import matcher

    return matcher(patterns)
