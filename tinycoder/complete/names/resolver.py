"""What is known at a cursor: the scopes around it, the modules it can import, and the types of what it names."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from tinycoder.symbols.imports.forms import ImportForms, absolute, form_of
from tinycoder.symbols.modules import WORKSPACE, Source
from tinycoder.symbols.records import Enclosing, Function, Module, Symbol, Variable
from tinycoder.symbols.types.members import Members
from tinycoder.symbols.types.query import Types
from tinycoder.symbols.types.signatures import Signature
from tinycoder.symbols.types.values import Scope
from tinycoder.symbols.world import View


class Resolver:
    """The records of a file without the cursor's line, and what encloses that, innermost first.

    ``narrowed`` are names of which the code above says what they are instances of.
    """

    def __init__(
        self, modules: View, module: Module, enclosing: Sequence[Enclosing], narrowed: Mapping[str, str]
    ) -> None:
        self.modules, self.module, self.enclosing = modules, module, enclosing
        path = modules.path
        self.source = modules.own(path) or Source(name="", path=path, is_package=False, origin=WORKSPACE)
        self._types = Types(modules)
        self._scope = Scope(source=self.source, module=module, enclosing=enclosing, narrowed=narrowed)
        self._members: dict[str, Members] = {}

    @property
    def function(self) -> Enclosing | None:
        """The innermost function around the cursor."""
        return next((each for each in self.enclosing if not each.is_class), None)

    def absolute(self, module: str) -> str:
        """The absolute name of a module as it is written in an import of this file; empty if it has none."""
        return absolute(module, self.source.package)

    def members(self, receiver: str) -> Members:
        """What the expression ``receiver`` has."""
        if receiver not in self._members:
            self._members[receiver] = self._types.members(self._types.infer(receiver, self._scope))
        return self._members[receiver]

    def signature(self, callee: str) -> Signature | None:
        """How the expression ``callee`` is called."""
        for value in self._types.infer(callee, self._scope):
            if signature := self._types.signature(value):
                return signature
        return None

    def visible(self) -> Iterator[tuple[str, Symbol | None, int]]:
        """Names in scope, innermost first: each with its symbol, and how far out it is bound (-1: in the module)."""
        for depth, each in enumerate(self.enclosing):
            if not each.is_class or depth == 0:
                names = ((name, symbol, depth) for name, symbol in each.bindings.items())
                yield from (each for each in names if not _is_attribute(each[1]))
        yield from ((name, symbol, -1) for name, symbol in self.module.symbols.items())
        for star in self.module.stars:
            yield from ((name, symbol, -1) for name, symbol in self.modules.starred(self.absolute(star)).items())

    def parameters(self) -> frozenset[str]:
        """Names of the parameters of the function around the cursor."""
        function = self.function
        symbol = function.symbol if function else None
        return frozenset(each.name for each in symbol.parameters) if isinstance(symbol, Function) else frozenset()

    @property
    def forms(self) -> ImportForms:
        """How the workspace imports names."""
        return self.modules.snapshot.forms

    @cached_property
    def own_forms(self) -> ImportForms:
        """How the file itself imports names, saved or not."""
        forms = (form_of(each, self.source.package) for each in self.module.imports)
        return ImportForms(dict.fromkeys((form for form in forms if form), 1))

    def defines(self, word: str) -> bool:
        """Whether a file of the workspace defines ``word``, at its top level or as a member of a class."""
        snapshot = self.modules.snapshot
        return snapshot.is_member(word) or bool(snapshot.named(word))


def _is_attribute(symbol: Symbol | None) -> bool:
    """Whether methods give ``self`` the name: in the class body it is none."""
    return isinstance(symbol, Variable) and symbol.on_instance
