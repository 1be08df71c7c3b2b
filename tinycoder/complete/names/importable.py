"""Names that are offered together with their import: what other files define, and what the workspace imports."""

import sys
from collections.abc import Iterator

from tinycoder.complete.candidate import Document, Edit
from tinycoder.complete.names import name as group
from tinycoder.complete.names.cursor import Cursor
from tinycoder.complete.names.name import Name, matches
from tinycoder.complete.names.resolver import Resolver
from tinycoder.symbols.imports.forms import ImportForm
from tinycoder.symbols.imports.offers import OfferedNames, import_edit, import_form
from tinycoder.symbols.records import Import
from tinycoder.symbols.world import View

MAX_NAMES = 60
_LIBRARY = tuple(sorted(name for name in sys.stdlib_module_names if not name.startswith("_")))


def importable(cursor: Cursor, modules: View, offered: OfferedNames) -> list[Name]:
    """Names that begin with what is typed and need an import, each once, in the form that the workspace uses most."""
    names: dict[str, Name] = {}
    for form in _forms(cursor, modules, offered):
        if form.name not in names and matches(cursor.typed, form.name):
            symbol = Import(form.name, 0, form.module, form.attribute)
            names[form.name] = Name(text=form.name, group=group.NEEDS_IMPORT, symbol=symbol, owner=form.module)
            if len(names) == MAX_NAMES:
                break
    return list(names.values())


def _forms(cursor: Cursor, modules: View, offered: OfferedNames) -> Iterator[ImportForm]:
    typed = cursor.typed
    known = offered.starting(typed)
    yield from (one.form for one in known if one.n_uses)
    for defined in modules.snapshot.starting(typed):
        if defined.path != cursor.path and (form := import_form(modules, defined)):
            yield form
    yield from (ImportForm(name) for name in _LIBRARY if name.startswith(typed))
    yield from (one.form for one in known)


def import_edits(name: Name, document: Document, offset: int, resolver: Resolver) -> tuple[Edit, ...]:
    """The edits that import a name which needs it; none where it is imported already."""
    if name.group != group.NEEDS_IMPORT or not isinstance(name.symbol, Import):
        return ()
    module, attribute = name.symbol.module, name.symbol.attribute
    form = ImportForm(module, attribute, "" if name.text in (attribute, module) else name.text)
    edit = import_edit(resolver.modules, document.text, form, cursor=offset)
    return (Edit(start=edit[0], end=edit[1], text=edit[2]),) if edit else ()
