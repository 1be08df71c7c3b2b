"""What names mean: through enclosing functions and classes, the module, its stars and the builtins."""

import ast
import warnings
from dataclasses import dataclass, field
from functools import lru_cache

from tinycoder.symbols.imports.forms import absolute
from tinycoder.symbols.modules import Modules, Source
from tinycoder.symbols.records import Class, Function, Import, Parameter, Symbol, Variable
from tinycoder.symbols.types.library_types import RETURNS, TYPING
from tinycoder.symbols.types.traits import receiver_name, takes_class
from tinycoder.symbols.types.values import Instance, ModuleValue, Scope, Values

MAX_EXPRESSION = 2_000  # characters of an expression that is parsed
BUILTINS = "builtins"


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """A record that a name stands for, and the scope in which its expressions are read.

    ``values`` where they are known without its expressions.
    """

    symbol: Symbol | Parameter | None
    scope: Scope
    values: Values = ()
    member: bool = False  # of an enclosing class

    @property
    def qualified(self) -> str:
        """The dotted name of where it is defined, as far as imports could be followed."""
        symbol = self.symbol
        if isinstance(symbol, Import):
            return f"{symbol.module}.{symbol.attribute}" if symbol.attribute else symbol.module
        return f"{self.scope.source.name}.{symbol.name}" if symbol else ""

    @property
    def form(self) -> str:
        """The name within ``typing`` of one of its special forms."""
        module, _, name = self.qualified.rpartition(".")
        return name if module in TYPING else ""


Found = Binding | ModuleValue


@lru_cache(maxsize=4096)
def parse(text: str) -> ast.expr | None:
    """The expression that ``text`` is, if it is one."""
    if not text or len(text) > MAX_EXPRESSION:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as for an unknown escape in a string
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


@dataclass(slots=True)
class Lookup:
    """Finds names as one question needs them. ``root`` is the scope of the question: its module is the newest."""

    modules: Modules
    root: Scope
    _scopes: dict[str, Scope] = field(default_factory=dict)
    _found: dict[tuple[str, str], Found | None] = field(default_factory=dict)

    def name(self, name: str, scope: Scope, *, skip_class: bool = False) -> Found | None:
        """What ``name`` is in ``scope``; ``skip_class`` leaves out the body of the innermost class."""
        for index, frame in enumerate(scope.enclosing):
            if not frame.is_class:
                if bound := self._in_function(name, scope, index):
                    return bound
            elif index == 0 and not skip_class:
                members = frame.symbol.members if isinstance(frame.symbol, Class) else frame.bindings
                member = members.get(name) or frame.bindings.get(name)
                if member and not (isinstance(member, Variable) and member.on_instance):
                    return self._followed(member, scope, member=True)
        if symbol := scope.module.symbols.get(name):
            return self._followed(symbol, Scope(scope.source, scope.module))
        for star in scope.module.stars:
            if resolved := self.attribute(absolute(star, scope.source.package), name):
                return resolved
        if scope.source.name == "":
            return self._module(name) or self.attribute(BUILTINS, name)
        if resolved := self.attribute(BUILTINS, name):
            return resolved
        inner = next((one for one in scope.module.imports if one.name == name), None) if scope.enclosing else None
        return self._followed(inner, scope) if inner else None  # imported in the function that a sketch comes from

    def attribute(self, module: str, name: str) -> Found | None:
        """What ``name`` of a module is, a submodule too."""
        key = (module, name)
        if key not in self._found:
            self._found[key] = None  # while it is looked for
            self._found[key] = self._attribute(module, name)
        return self._found[key]

    def _of_module(self, source: Source) -> Scope:
        """The scope of a module's top level."""
        root = self.root
        if source.name == root.source.name:
            return Scope(root.source, root.module)
        if source.name not in self._scopes:
            self._scopes[source.name] = Scope(source, self.modules.record(source))
        return self._scopes[source.name]

    def dotted(self, name: str) -> Found | None:
        """What a full dotted name stands for."""
        module, _, last = name.rpartition(".")
        return self.attribute(module, last) if module else self._module(last)

    def _module(self, name: str) -> ModuleValue | None:
        source = self.modules.find(name)
        return ModuleValue(source) if source else None

    def _attribute(self, module: str, name: str) -> Found | None:
        if not module:
            return None
        if module == self.root.source.name and (symbol := self.root.module.symbols.get(name)):
            return self._followed(symbol, Scope(self.root.source, self.root.module))
        if definition := self.modules.resolve(module, name):
            if definition.symbol is None:
                return ModuleValue(definition.source)
            return Binding(definition.symbol, self._of_module(definition.source))
        submodule = self._module(f"{module}.{name}")
        if submodule is None and f"{module}.{name}" in RETURNS and (source := self.modules.find(module)):
            return Binding(Function(name, 0), self._of_module(source))  # the module makes it when it runs
        return submodule

    def _followed(self, symbol: Symbol, scope: Scope, *, member: bool = False) -> Found:
        if not isinstance(symbol, Import):
            return Binding(symbol, scope, member=member)
        module = absolute(symbol.module, scope.source.package)
        resolved = self.attribute(module, symbol.attribute) if symbol.attribute else self._module(module)
        return resolved or Binding(symbol, scope)

    def _in_function(self, name: str, scope: Scope, index: int) -> Found | None:
        frame, outer, owner = scope.enclosing[index], scope.enclosing[index + 1 :], scope.class_at(index + 1)
        function = frame.symbol
        bound = frame.bindings.get(name)
        parameters = function.parameters if isinstance(function, Function) else ()
        parameter = next((parameter for parameter in parameters if parameter.name == name), None)
        here = Scope(scope.source, scope.module, scope.enclosing[index:], types=scope.types)
        if parameter is None or not isinstance(function, Function):
            if bound and name == "self" and owner:  # in a setter
                return Binding(bound, here, values=(Instance(owner),))
            return self._followed(bound, here) if bound else None
        if owner and name == receiver_name(function):
            return Binding(parameter, here, values=(owner if takes_class(function) else Instance(owner),))
        if bound and not parameter.annotation and not (isinstance(bound, Variable) and not bound.value):
            return self._followed(bound, here)
        return Binding(parameter, Scope(scope.source, scope.module, outer, types=scope.types))
