"""What expressions stand for. One ``Inference`` serves one question: it remembers what it found and soon gives up.

No solver: names, attributes and calls are followed through the records, to annotations first, else to sketches.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from tinycoder.symbols.modules import LIBRARY, Modules
from tinycoder.symbols.records import KEYWORDS, VARIADIC, Class, Enclosing, Function, Parameter, Variable
from tinycoder.symbols.types import library_types
from tinycoder.symbols.types.annotations import Annotations
from tinycoder.symbols.types.attributes import Attributes
from tinycoder.symbols.types.calls import Calls
from tinycoder.symbols.types.classes import Classes
from tinycoder.symbols.types.elements import Elements
from tinycoder.symbols.types.lookup import Found, Lookup, parse
from tinycoder.symbols.types.values import (
    MAX_ITEMS,
    NONE,
    Arguments,
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
from tinycoder.symbols.types.work import Work

_OPERATORS = {"Mult": "mul", "MatMult": "matmul", "Div": "truediv", "BitOr": "or", "BitAnd": "and", "BitXor": "xor"}
"""Names of methods, without underscores, that differ from those of the operators in ``ast``."""

_NUMBERS = ("bool", "int", "float", "complex")


class Inference:
    """Answers about expressions in ``root`` and wherever they lead."""

    def __init__(self, modules: Modules, root: Scope) -> None:
        self.modules = modules
        self.lookup = Lookup(modules, root)
        self.work = Work()
        self.annotations = Annotations(self)
        self.attributes = Attributes(self)
        self.calls = Calls(self)
        self.classes = Classes(self)
        self.elements = Elements(self)

    def evaluate(self, node: ast.expr | None, scope: Scope) -> Values:
        """What an expression stands for."""
        return self.work.step(lambda: self._evaluate(node, scope), ()) if node else ()

    def text(self, text: str, scope: Scope) -> Values:
        """What the expression that ``text`` is stands for."""
        return self.evaluate(parse(text), scope)

    def _evaluate(self, node: ast.expr, scope: Scope) -> Values:
        if scope.narrowed and isinstance(node, (ast.Name, ast.Attribute)):
            classes = scope.narrowed.get(ast.unparse(node))
            if classes and (values := self._instances(classes, replace(scope, narrowed={}))):
                return values
        evaluator = self._EVALUATORS.get(type(node))
        return evaluator(self, node, scope) if evaluator else ()

    def _instances(self, classes: str, scope: Scope) -> Values:
        node = parse(classes)
        parts = node.elts if isinstance(node, ast.Tuple) else [node]
        return union(self.annotations.annotate(part, scope) for part in parts[:MAX_ITEMS])

    def _name(self, node: ast.Name, scope: Scope) -> Values:
        return scope.local.get(node.id) or self.value_of(self.lookup.name(node.id, scope))

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Values:
        return self.attributes.attribute(self.evaluate(node.value, scope), node.attr)

    def _constant(self, node: ast.Constant, scope: Scope) -> Values:
        if node.value is None:
            return (NONE,)
        return () if node.value is Ellipsis else self.classes.instance(type(node.value).__name__)

    def _unary(self, node: ast.UnaryOp, scope: Scope) -> Values:
        return self.classes.instance("bool") if isinstance(node.op, ast.Not) else self.evaluate(node.operand, scope)

    def _choice(self, node: ast.IfExp, scope: Scope) -> Values:
        return without_none(union([self.evaluate(node.body, scope), self.evaluate(node.orelse, scope)]))

    def _tuple(self, node: ast.Tuple, scope: Scope) -> Values:
        return self.classes.tuple_of([self.evaluate(part, scope) for part in node.elts[:MAX_ITEMS]])

    def _display(self, node: ast.List | ast.Set, scope: Scope) -> Values:
        return self.classes.instance(type(node).__name__.lower(), self._elements(node.elts, scope))

    def _dict(self, node: ast.Dict, scope: Scope) -> Values:
        keys = [key for key in node.keys if key is not None]
        return self.classes.instance("dict", self._elements(keys, scope), self._elements(node.values, scope))

    def _elements(self, nodes: Sequence[ast.expr], scope: Scope) -> Values:
        parts = [self.evaluate(node, scope) for node in nodes[:2] if not isinstance(node, ast.Starred)]
        return without_none(union(parts))

    def _either(self, node: ast.BoolOp, scope: Scope) -> Values:
        if isinstance(node.op, ast.And):
            return self.evaluate(node.values[-1], scope)
        return without_none(union(self.evaluate(part, scope) for part in node.values[:MAX_ITEMS]))

    def _binary(self, node: ast.BinOp, scope: Scope) -> Values:
        left = without_none(self.evaluate(node.left, scope))
        if isinstance(node.op, ast.BitOr) and classes_of(left):
            return union([left, self.evaluate(node.right, scope)])
        names = _class_names(left)
        if names and names <= set(_NUMBERS):
            right = without_none(self.evaluate(node.right, scope))
            names |= _class_names(right)
            if names <= set(_NUMBERS):
                if isinstance(node.op, ast.Div):
                    names.add("float")
                names.discard("bool") if len(names) > 1 else None
                return self.classes.instance(max(names, key=_NUMBERS.index))
            return right if isinstance(node.op, ast.Mult) else ()
        if names and names <= {"str", "bytes", "list", "tuple"}:
            return tuple(replace(value, items=None) if isinstance(value, Instance) else value for value in left)
        operator = type(node.op).__name__
        method = self.attributes.attribute(left, f"__{_OPERATORS.get(operator, operator.lower())}__")
        return self.calls.call(method, Arguments([node.right], {}, scope))

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, scope: Scope
    ) -> Values:
        for generator in node.generators[:MAX_ITEMS]:
            element = self.elements.iterate(self.evaluate(generator.iter, scope), is_async=bool(generator.is_async))
            bound = dict(scope.local)
            self._bind_target(generator.target, element, bound)
            scope = replace(scope, local=bound)
        if isinstance(node, ast.DictComp):
            return self.classes.instance("dict", self.evaluate(node.key, scope), self.evaluate(node.value, scope))
        element = self.evaluate(node.elt, scope)
        if isinstance(node, ast.GeneratorExp):
            return self.classes.library_instance("collections.abc.Generator", element, (), ())
        return self.classes.instance("list" if isinstance(node, ast.ListComp) else "set", element)

    def _bind_target(self, target: ast.expr, values: Values, bound: dict[str, Values]) -> None:
        if isinstance(target, ast.Name):
            bound[target.id] = values
        elif isinstance(target, (ast.Tuple, ast.List)):
            for index, part in enumerate(target.elts[:MAX_ITEMS]):
                self._bind_target(part, self.elements.item(values, index), bound)

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Values:
        values = without_none(self.evaluate(node.value, scope))
        return union(self.elements.subscript(value, node, scope) for value in values)

    def value_of(self, resolved: Found | None) -> Values:
        """What a name that was found stands for."""
        if resolved is None:
            return ()
        if isinstance(resolved, ModuleValue):
            return (resolved,)
        if resolved.values:
            return resolved.values
        symbol, scope = resolved.symbol, resolved.scope
        match symbol:
            case Variable():
                return self.variable(symbol, scope)
            case Function():
                return self.attributes.decorated(FunctionValue(symbol, scope))
            case Class():
                return (ClassValue(symbol, scope),)
            case Parameter():
                return self.parameter(symbol, scope)
            case _:
                return ()

    def variable(self, symbol: Variable, scope: Scope, owner: ClassValue | None = None) -> Values:
        """What a variable holds: what its annotation names, else what its value is."""
        key = ("variable", id(symbol), owner and owner.key)
        return self.work.once(key, symbol, lambda: self._variable(symbol, scope, owner))

    def _variable(self, symbol: Variable, scope: Scope, owner: ClassValue | None) -> Values:
        name = f"{owner.qualified if owner else scope.source.name}.{symbol.name}"
        if scope.source.origin == LIBRARY and name in library_types.RETURNS:
            return self.annotations.table(library_types.RETURNS[name], owner.scope.types if owner else {})
        annotation = parse(symbol.annotation)
        values = self.annotations.annotate(annotation, scope) if annotation else ()
        if values or not symbol.value:
            return values
        return self.evaluate(parse(symbol.value), self._method_scope(scope, owner) if symbol.on_instance else scope)

    def _method_scope(self, scope: Scope, owner: ClassValue | None) -> Scope:
        """Where the values of instance variables are read: in a method, with the receiver as the reader calls it."""
        if owner is None:
            return scope
        mine = next(iter(scope.types.get("Self", ())), Instance(owner))
        local: dict[str, Values] = {"self": (mine,), "cls": (mine.kind if isinstance(mine, Instance) else owner,)}
        return replace(scope, enclosing=(Enclosing(None), *scope.enclosing), local=local)

    def parameter(self, symbol: Parameter, scope: Scope) -> Values:
        """What a parameter is given: what its annotation names, or perhaps something like its default."""
        values = self.annotations.annotate(parse(symbol.annotation), scope) if symbol.annotation else ()
        if symbol.kind == VARIADIC:
            return self.classes.instance("tuple", values)
        if symbol.kind == KEYWORDS:
            return self.classes.instance("dict", self.classes.instance("str"), values)
        if values or not symbol.default:
            return values
        default = tuple(value for value in self.text(symbol.default, scope) if value is not NONE)
        return union([default, ()])

    def _call(self, node: ast.Call, scope: Scope) -> Values:
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            return self.calls.super(node, scope)
        keywords = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
        return self.calls.call(self.evaluate(node.func, scope), Arguments(node.args, keywords, scope))

    _EVALUATORS: ClassVar[Mapping[type[ast.expr], Callable[[Any, Any, Scope], Values]]] = {
        ast.Name: _name,
        ast.Attribute: _attribute,
        ast.Call: _call,
        ast.Constant: _constant,
        ast.Subscript: _subscript,
        ast.BoolOp: _either,
        ast.IfExp: _choice,
        ast.BinOp: _binary,
        ast.Await: lambda self, node, scope: self.elements.awaited(self.evaluate(node.value, scope)),
        ast.Compare: lambda self, node, scope: self.classes.instance("bool"),
        ast.UnaryOp: _unary,
        ast.JoinedStr: lambda self, node, scope: self.classes.instance("str"),
        ast.NamedExpr: lambda self, node, scope: self.evaluate(node.value, scope),
        ast.Tuple: _tuple,
        ast.List: _display,
        ast.Set: _display,
        ast.Dict: _dict,
        ast.ListComp: _comprehension,
        ast.SetComp: _comprehension,
        ast.GeneratorExp: _comprehension,
        ast.DictComp: _comprehension,
    }


def _class_names(values: Values) -> set[str]:
    return {value.kind.symbol.name for value in values if isinstance(value, Instance)}
