"""The import statement that makes a name available: which one a workspace uses."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tinycoder.symbols.records import Import


@dataclass(frozen=True, slots=True)
class ImportForm:
    """``import module as alias`` or ``from module import attribute as alias``; ``""`` for what is left out."""

    module: str
    attribute: str = ""
    alias: str = ""

    @property
    def name(self) -> str:
        """The name that the statement binds."""
        return self.alias or self.attribute or self.module.partition(".")[0]

    def __str__(self) -> str:
        alias = f" as {self.alias}" if self.alias else ""
        if self.attribute:
            return f"from {self.module} import {self.attribute}{alias}"
        return f"import {self.module}{alias}"


class ImportForms:
    """The forms in which the files of a workspace import names."""

    def __init__(self, counts: Mapping[ImportForm, int]) -> None:
        self._forms: dict[str, list[tuple[ImportForm, int]]] = {}
        for form, count in sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0]))):
            self._forms.setdefault(form.name, []).append((form, count))
        self._names_from: dict[str, list[str]] = {}
        self._modules_in: dict[str, dict[str, None]] = {}
        for form in counts:
            if form.attribute:
                self._names_from.setdefault(form.module, []).append(form.attribute)
            parts = form.module.split(".")
            for i, part in enumerate(parts):
                self._modules_in.setdefault(".".join(parts[:i]), {})[part] = None
        self.n_imports = Counter[str]()  # of each module
        for form, count in counts.items():
            self.n_imports[form.module] += count
            if form.attribute:
                self.n_imports[f"{form.module}.{form.attribute}"] += count

    def names(self) -> Iterable[str]:
        """All names that any file imports."""
        return self._forms

    def names_from(self, module: str) -> Iterable[str]:
        """What the files import from a module."""
        return self._names_from.get(module, ())

    def modules_in(self, package: str) -> Iterable[str]:
        """The modules directly inside a package that the files import; with ``""`` the first parts of all."""
        return self._modules_in.get(package, ())

    def forms(self, name: str) -> list[tuple[ImportForm, int]]:
        """The forms that bind a name, with how often each is used, the most used first."""
        return self._forms.get(name, [])


def form_of(imported: Import, package: str) -> ImportForm | None:
    """The absolute form of an import in a module whose relative imports start at ``package``; None if it has none."""
    module = absolute(imported.module, package)
    if not module or module == "__future__" or imported.attribute == "*":
        return None
    bound = ImportForm(module, imported.attribute)
    return bound if bound.name == imported.name else ImportForm(module, imported.attribute, imported.name)


def absolute(module: str, package: str) -> str:
    """The dotted name of a module written with leading dots; ``""`` where there is none."""
    dots = n_dots(module)
    if not dots:
        return module
    parts = package.split(".") if package else []
    if dots - 1 > len(parts):
        return ""
    name = module[dots:]
    return ".".join([*parts[: len(parts) - dots + 1], *([name] if name else [])])


def n_dots(module: str) -> int:
    """The dots that a relative import begins with."""
    return len(module) - len(module.lstrip("."))
