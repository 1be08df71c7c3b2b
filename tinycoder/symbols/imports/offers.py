"""Names that a file can have by adding an import: what the workspace defines, and what it imports elsewhere."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tinycoder.errors import Cancelled
from tinycoder.symbols.imports.edit import Edit, edit_for
from tinycoder.symbols.imports.forms import ImportForm, n_dots
from tinycoder.symbols.imports.statements import read_statements
from tinycoder.symbols.modules import WORKSPACE, Definition
from tinycoder.symbols.name_index import MODULE, Defined, NameIndex, kind_of
from tinycoder.symbols.records import Import
from tinycoder.symbols.world import View

MAX_OFFERED = 20_000


@dataclass(frozen=True, slots=True)
class Offered:
    """A name with the import that brings it; ``kind`` is ``""`` where its module could not be read.

    ``module`` is where it is defined, and ``n_uses`` says how many files import it so.
    """

    form: ImportForm
    kind: str
    module: str
    n_uses: int

    @property
    def name(self) -> str:
        """The name that is bound."""
        return self.form.name


class OfferedNames(NameIndex[Offered]):
    """What files of the workspace import, and the other names of modules that they import names from.

    Of one name the most used comes first.
    """

    def __init__(self, offered: Iterable[Offered] = ()) -> None:
        super().__init__(offered, lambda each: -each.n_uses)


def read_offered(view: View, *, stop: Callable[[], bool] = lambda: False) -> OfferedNames:
    """Read the modules that the workspace's files import from. Takes its time; raises ``Cancelled``."""
    forms = view.snapshot.forms
    by_statement: dict[tuple[str, str], Offered] = {}
    from_modules: dict[str, None] = {}
    for name in forms.names():
        for form, n_uses in forms.forms(name):
            if stop():
                raise Cancelled
            if form.attribute:
                from_modules[form.module] = None
            else:
                view.public(form.module)  # its members will be asked for
            by_statement[str(form), ""] = _offered(view, form, n_uses)
    known = {(each.module, each.form.attribute) for each in by_statement.values()}
    for module in sorted(from_modules, key=lambda name: (name.count("."), name)):
        source = view.find(module)
        if source is None or source.origin == WORKSPACE:
            continue
        for name, symbol in view.public(module).items():
            if stop():
                raise Cancelled
            if symbol is None or name.startswith("_") or len(by_statement) >= MAX_OFFERED:
                continue
            form = ImportForm(module, name)
            offered = _offered(view, form, 0)
            exported = view.record(source).exported or ()
            if offered.kind == MODULE or not (name in exported or _top(offered.module) == _top(module)):
                continue
            if (offered.module, name) not in known and (str(form), "") not in by_statement:
                known.add((offered.module, name))
                by_statement[str(form), ""] = offered
    return OfferedNames(by_statement.values())


def import_form(view: View, defined: Defined) -> ImportForm | None:
    """How the file of ``view`` imports what a file of the workspace defines.

    As most files import it; else from the shortest path of public names that has it, outside its own package; else
    from its own module. None if no name can be written for it.
    """
    source = view.own(defined.path)
    if source is None:
        return None
    if defined.kind == MODULE:
        parent, _, last = source.name.rpartition(".")
        own = ImportForm(parent, last) if parent else ImportForm(last)
        used = [
            form for form, _ in view.snapshot.forms.forms(last) if str(form) == str(own) or form.module == source.name
        ]
        return used[0] if used else own
    here = view.own(view.path)
    for form, _ in view.snapshot.forms.forms(defined.name):
        may_use = _may_use(form.module, here.package if here else "")
        if may_use and form.attribute == defined.name and _is_same(view.resolve(form.module, form.attribute), defined):
            return form
    for module in _packages_above(source.name):
        inside = here is not None and (here.name == module or here.name.startswith(f"{module}."))
        package = view.find(module)
        if inside or package is None or package.path == defined.path or package.origin != WORKSPACE or not package.path:
            continue
        record = view.record(package)
        if record.exported is not None and defined.name not in record.exported:
            continue
        listed = isinstance(record.symbols.get(defined.name), Import) or record.stars
        if listed and _is_same(view.resolve(module, defined.name), defined):
            return ImportForm(module, defined.name)
    return ImportForm(source.name, defined.name)


def _top(module: str) -> str:
    return module.partition(".")[0].lstrip("_")


def import_edit(view: View, text: str, form: ImportForm, *, cursor: int) -> Edit | None:
    """``edit_for`` in the document of ``view``: relative where the document, or else its package, does so."""
    statements = read_statements(text)
    source = view.own(view.path)
    package = source.package if source else ""
    dots = [n_dots(each.module) for each in statements if each.is_from]
    is_absolute = any(each.is_from and package and _top(each.module) == _top(package) for each in statements)
    max_dots = max(dots, default=0) or (0 if is_absolute else view.snapshot.max_dots(package))
    return edit_for(
        text, form, cursor=cursor, package=package, max_dots=max_dots, origin=view.origin, statements=statements
    )


def _may_use(module: str, package: str) -> bool:
    """Whether a file of ``package`` may import a module: a private one only from its own package or below."""
    parts = module.split(".")
    private = next((n for n, part in enumerate(parts) if part.startswith("_")), None)
    if not private:
        return True
    above = ".".join(parts[:private])
    return package == above or package.startswith(f"{above}.")


def _packages_above(name: str) -> Iterator[str]:
    """Public packages that a module lies in, the outermost first."""
    parts = name.split(".")
    for n in range(1, len(parts)):
        if parts[n - 1].startswith("_"):
            return
        yield ".".join(parts[:n])


def _is_same(definition: Definition | None, defined: Defined) -> bool:
    if definition is None or definition.symbol is None:
        return False
    return definition.source.path == defined.path and definition.symbol.name == defined.name


def _offered(view: View, form: ImportForm, n_uses: int) -> Offered:
    definition = view.resolve(form.module, form.attribute)
    if definition is None:
        return Offered(form, "", form.module, n_uses)
    return Offered(form, kind_of(definition.symbol), definition.source.name, n_uses)
