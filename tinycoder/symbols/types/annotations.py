"""What annotations admit: instances of the classes that they name."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from tinycoder.symbols.records import Class, Function, Import, Variable
from tinycoder.symbols.types import library_types
from tinycoder.symbols.types.lookup import BUILTINS, Binding, Found, parse
from tinycoder.symbols.types.traits import last_part
from tinycoder.symbols.types.values import (
    MAX_ITEMS,
    NONE,
    TABLE_SCOPE,
    ClassValue,
    FunctionValue,
    Instance,
    ModuleValue,
    Scope,
    Values,
    classes_of,
    union,
    without_none,
)

if TYPE_CHECKING:
    from tinycoder.symbols.types.inference import Inference

_FIRST_ARGUMENT_FORMS = frozenset(
    {"Optional", "Annotated", "ClassVar", "Final", "Required", "NotRequired", "ReadOnly", "InitVar", "Unpack"}
)
_TYPE_VARIABLES = frozenset({"TypeVar", "ParamSpec", "TypeVarTuple"})


class Annotations:
    """Reads annotations for one question."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    def table(self, text: str, types: Mapping[str, Values]) -> Values:
        """What a type expression of ``library_types`` names."""
        return self.annotate(parse(text), replace(TABLE_SCOPE, types=types))

    def annotate(self, node: ast.expr | None, scope: Scope) -> Values:
        """The values that an annotation admits; ``None`` only if there is nothing else."""
        return self._inference.work.step(lambda: self._annotate(node, scope), ()) if node else ()

    def _annotate(self, node: ast.expr, scope: Scope) -> Values:
        match node:
            case ast.Constant(value=None):
                return (NONE,)
            case ast.Constant(value=str() as text):
                return self.annotate(parse(text), scope)
            case ast.BinOp(op=ast.BitOr()):
                return without_none(union([self.annotate(node.left, scope), self.annotate(node.right, scope)]))
            case ast.Subscript():
                return self._annotate_generic(node, scope)
            case ast.Name() | ast.Attribute():
                return self._annotate_name(node, scope)
            case _:
                return ()

    def resolve(self, node: ast.expr, scope: Scope, *, skip_class: bool = False) -> Found | None:
        """What a dotted name stands for, as a record."""
        if isinstance(node, ast.Name):
            return self._inference.lookup.name(node.id, scope, skip_class=skip_class)
        if not isinstance(node, ast.Attribute):
            return None
        outer = self._inference.work.step(lambda: self.resolve(node.value, scope, skip_class=skip_class), None)
        if isinstance(outer, ModuleValue):
            return self._inference.lookup.attribute(outer.source.name, node.attr)
        if outer is None:
            return None
        if isinstance(outer.symbol, Import):
            return Binding(Import(node.attr, 0, outer.qualified, node.attr), outer.scope)
        kinds = classes_of(self._inference.value_of(outer))
        member = self._inference.classes.member(kinds[0], node.attr) if kinds else None
        return Binding(member[1], self._inference.classes.inside(member[0])) if member else None

    def _resolved(self, node: ast.expr, scope: Scope) -> Binding | None:
        """What a dotted name in an annotation stands for, if no module: of the members of a class, only classes."""
        binding = self.resolve(node, scope)
        if isinstance(binding, Binding) and binding.member and not isinstance(binding.symbol, Class):
            binding = self.resolve(node, scope, skip_class=True)
        return binding if isinstance(binding, Binding) else None

    def _annotate_name(self, node: ast.expr, scope: Scope) -> Values:
        if isinstance(node, ast.Name):
            if node.id in scope.types:
                return scope.types[node.id]
            if node.id == "Self" and (owner := self._owner_of(scope)):
                return (Instance(owner),)
        binding = self._resolved(node, scope)
        return self._instances(binding) if binding else ()

    def _owner_of(self, scope: Scope) -> ClassValue | None:
        return next((owner for index in range(len(scope.enclosing)) if (owner := scope.class_at(index))), None)

    def _instances(self, binding: Binding) -> Values:
        """Instances of what a name in an annotation stands for."""
        if binding.form:
            return self._instances_of_form(binding)
        symbol = binding.symbol
        if isinstance(symbol, Class):
            if binding.qualified == "builtins.object":
                return ()
            return (Instance(ClassValue(symbol, binding.scope)),)
        if isinstance(symbol, Variable):
            value = parse(symbol.value)
            if isinstance(value, ast.Call):
                if last_part(ast.unparse(value.func)) in _TYPE_VARIABLES:
                    bound = next((keyword.value for keyword in value.keywords if keyword.arg == "bound"), None)
                    return self.annotate(bound, binding.scope)
                return tuple(map(Instance, classes_of(self._inference.evaluate(value, binding.scope))))
            return self._inference.work.once(("alias", id(symbol)), symbol, lambda: self.annotate(value, binding.scope))
        return ()

    def _instances_of_form(self, binding: Binding) -> Values:
        name = binding.form
        if name in library_types.FORMS or name in library_types.PARAMETERS:
            return self._inference.classes.library_instance(library_types.FORMS.get(name, f"collections.abc.{name}"))
        if name == "Self" and (owner := self._owner_of(binding.scope)):
            return (Instance(owner),)
        if name == "LiteralString":
            return self._inference.classes.instance("str")
        if isinstance(binding.symbol, Class) and name not in ("Any", "Generic", "Protocol", "TypedDict", "NamedTuple"):
            return (Instance(ClassValue(binding.symbol, binding.scope)),)
        return ()

    def _annotate_generic(self, node: ast.Subscript, scope: Scope) -> Values:
        parts = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
        binding = self._resolved(node.value, scope)
        if binding is None or not parts:
            return ()
        form = binding.form
        if form in _FIRST_ARGUMENT_FORMS or binding.qualified == "dataclasses.InitVar":
            return without_none(self.annotate(parts[0], scope))
        if form == "Union":
            return without_none(union(self.annotate(part, scope) for part in parts[:MAX_ITEMS]))
        if form == "Literal":
            return union(self._inference.evaluate(part, scope) for part in parts[:MAX_ITEMS])
        if form in ("TypeGuard", "TypeIs"):
            return self._inference.classes.instance("bool")
        if form == "Callable" or binding.qualified in ("collections.abc.Callable", "_collections_abc.Callable"):
            return (FunctionValue(Function("callable", 0, returns=ast.unparse(parts[-1])), scope),)
        if form == "Type" or binding.qualified == "builtins.type":
            given = self.annotate(parts[0], scope)
            return union((value.kind,) if isinstance(value, Instance) else () for value in given)
        if form == "Tuple" or binding.qualified == "builtins.tuple":
            return self._annotate_tuple(parts, scope)
        arguments = tuple(self.annotate(part, scope) for part in parts[:MAX_ITEMS])
        return tuple(
            Instance(replace(value.kind, arguments=arguments))
            for value in self._instances(binding)
            if isinstance(value, Instance)
        )

    def _annotate_tuple(self, parts: list[ast.expr], scope: Scope) -> Values:
        if len(parts) == 2 and isinstance(parts[1], ast.Constant) and parts[1].value is Ellipsis:
            return self._inference.classes.instance("tuple", self.annotate(parts[0], scope))
        if any(isinstance(part, ast.Starred) for part in parts):
            return self._inference.classes.instance("tuple")
        return self._inference.classes.tuple_of([self.annotate(part, scope) for part in parts[:MAX_ITEMS]])

    def open_variables(self, node: ast.expr | None, scope: Scope) -> frozenset[str]:
        """The type variables of an annotation that nothing is known of yet."""
        if node is None or isinstance(node, ast.Constant):
            return frozenset()
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} - scope.types.keys()
        return frozenset(name for name in names if self.is_type_variable(name, scope))

    def is_type_variable(self, name: str, scope: Scope) -> bool:
        """Whether a name in an annotation stands for a type variable."""
        binding = self._inference.lookup.name(name, scope)
        if binding is None:
            return scope.source.name == BUILTINS and len(name) < 3 and name.isupper()
        if not isinstance(binding, Binding) or not isinstance(binding.symbol, Variable):
            return False
        return last_part(binding.symbol.value) in _TYPE_VARIABLES
