"""What the standard library's text does not say of its types: the tables in the ``.ini`` files beside this one."""

from pathlib import Path

TYPING = frozenset({"typing", "typing_extensions"})
_ABSTRACT = frozenset({"collections.abc", "_collections_abc", *TYPING})


def read_tables(file: str) -> dict[str, dict[str, str]]:
    """The sections of a file: each name that is listed after an ``=``, with the text before the ``=``.

    A section may name several owners, and an owner may have several sections.
    """
    tables: dict[str, dict[str, str]] = {}
    owners: list[str] = []
    text = ""
    for line in Path(__file__).with_name(file).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            owners = line[1:-1].split()
        elif not line.startswith("#"):
            start, _, names = line.rpartition(" = ")
            text = start or text  # a line without ``=`` continues the list before it
            for owner in owners:
                tables.setdefault(owner, {}).update(dict.fromkeys(names.split(), text))
    return tables


_TABLES = read_tables("library_types.ini")
FORMS = _TABLES.pop("forms")
"""Full dotted names of classes, by their names in ``typing``."""
PARAMETERS = {name: tuple(text.split()) for name, text in _TABLES.pop("parameters").items()}
"""Type parameters of classes. A name without dots is one of ``collections.abc``."""
RETURNS = {f"{owner}.{name}": text for owner, names in _TABLES.items() for name, text in names.items()}
"""Return types of functions and methods, types of properties and of variables, where the text has no annotation."""


def parameters(qualified: str) -> tuple[str, ...] | None:
    """Type parameters of a class, where they are known without its bases."""
    module, _, name = qualified.rpartition(".")
    return PARAMETERS.get(name if module in _ABSTRACT else qualified)
