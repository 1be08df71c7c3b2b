"""What expressions stand for. One ``Inference`` serves one question: it remembers what it found and soon gives up.

No solver: names, attributes and calls are followed through the records, to annotations first, else to sketches.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from tinycoder.symbols import library_types
from tinycoder.symbols.lookup import BUILTINS, Binding, Found, Lookup, last_part, parse, receiver_name, takes_class
from tinycoder.symbols.modules import LIBRARY, Modules, Source
from tinycoder.symbols.records import EMPTY, KEYWORDS, VARIADIC, Class, Function, Import, Parameter, Symbol, Variable
from tinycoder.symbols.values import (
    DOUBT,
    MAX_ITEMS,
    NONE,
    ClassValue,
    Frame,
    FunctionValue,
    Instance,
    ModuleValue,
    Scope,
    SuperValue,
    Value,
    Values,
    union,
    without_none,
)

MAX_STEPS = 400  # expressions that are looked at for one question
MAX_DEPTH = 8  # records that are followed from one to the next
MAX_NESTING = 60  # expressions within expressions, records between them included
MAX_BASES = 60

TRANSPARENT = frozenset(
    {
        *("staticmethod", "classmethod", "abstractmethod", "abstractclassmethod", "abstractstaticmethod"),
        *("lru_cache", "cache", "contextmanager", "asynccontextmanager", "overload", "final", "override", "wraps"),
        *("deprecated", "no_type_check", "singledispatch", "singledispatchmethod", "unique", "fixture", "validator"),
        *("field_validator", "model_validator", "setter", "getter", "deleter", "register", "coroutine"),
    }
)
CLASS_DECORATORS = frozenset(
    {
        *("dataclass", "total_ordering", "final", "runtime_checkable", "unique", "deprecated", "dataclass_transform"),
        *("s", "attrs", "attributes", "define", "frozen", "mutable", "attr", "dataclass_json", "verify", "register"),
        *("python_2_unicode_compatible", "disjoint_base", "type_check_only"),
    }
)
ENUM_MODULE = "enum"
ENUMS = frozenset({"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "ReprEnum"})
_FIRST_ARGUMENT_FORMS = frozenset(
    {"Optional", "Annotated", "ClassVar", "Final", "Required", "NotRequired", "ReadOnly", "InitVar", "Unpack"}
)
_TYPE_VARIABLES = frozenset({"TypeVar", "ParamSpec", "TypeVarTuple"})
_AWAITED = frozenset({"Coroutine", "Awaitable", "Future", "Task"})
_TABLE = Source(name="", path="", is_package=False, origin=LIBRARY)
_OPERATORS: Mapping[type[ast.operator], str] = {
    ast.Add: "__add__",
    ast.Sub: "__sub__",
    ast.Mult: "__mul__",
    ast.MatMult: "__matmul__",
    ast.Div: "__truediv__",
    ast.FloorDiv: "__floordiv__",
    ast.Mod: "__mod__",
    ast.Pow: "__pow__",
    ast.BitOr: "__or__",
    ast.BitAnd: "__and__",
    ast.BitXor: "__xor__",
    ast.LShift: "__lshift__",
    ast.RShift: "__rshift__",
}
_NUMBERS = ("bool", "int", "float", "complex")


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a call is given, unread until it is asked for."""

    nodes: Sequence[ast.expr]
    keywords: Mapping[str, ast.expr]
    scope: Scope


@dataclass(frozen=True, slots=True)
class Base:
    """A class in the order of lookup, and how many steps of inheritance it is away."""

    value: ClassValue
    depth: int


@dataclass(frozen=True, slots=True)
class Order:
    """A class and its bases in the order of lookup; ``complete`` if all bases were found."""

    bases: tuple[Base, ...]
    complete: bool
    metaclass: ClassValue | None  # None for ``type``
    metaclass_known: bool


class Inference:
    """Answers about expressions in ``root`` and wherever they lead."""

    def __init__(self, modules: Modules, root: Scope) -> None:
        self.lookup = Lookup(modules, root)
        self.modules = modules
        self._steps = 0
        self._nesting = 0
        self._depth = 0
        self._active: set[object] = set()
        self._memo: dict[object, tuple[object, Values]] = {}
        self._orders: dict[object, tuple[ClassValue, Order]] = {}

    # --- expressions

    def evaluate(self, node: ast.expr | None, scope: Scope) -> Values:
        """What an expression stands for."""
        if node is None or self._steps >= MAX_STEPS or self._nesting >= MAX_NESTING:
            return ()
        self._steps += 1
        self._nesting += 1
        try:
            return self._evaluate(node, scope)
        finally:
            self._nesting -= 1

    def text(self, text: str, scope: Scope) -> Values:
        """What the expression that ``text`` is stands for."""
        return self.evaluate(parse(text), scope)

    def _evaluate(self, node: ast.expr, scope: Scope) -> Values:
        match node:
            case ast.Name():
                return scope.local.get(node.id) or self.value_of(self.lookup.name(node.id, scope))
            case ast.Attribute():
                return self.attribute(self.evaluate(node.value, scope), node.attr)
            case ast.Call():
                return self._call_expression(node, scope)
            case ast.Constant():
                return self._constant(node.value)
            case ast.Subscript():
                return self._subscript(node, scope)
            case ast.BoolOp():
                return self._either(node, scope)
            case ast.IfExp():
                return without_none(union([self.evaluate(node.body, scope), self.evaluate(node.orelse, scope)]))
            case ast.BinOp():
                return self._binary(node, scope)
            case ast.Await():
                return self._awaited(self.evaluate(node.value, scope))
            case ast.Compare():
                return self.instance("bool")
            case ast.UnaryOp():
                return self.instance("bool") if isinstance(node.op, ast.Not) else self.evaluate(node.operand, scope)
            case ast.JoinedStr():
                return self.instance("str")
            case ast.NamedExpr():
                return self.evaluate(node.value, scope)
            case ast.Tuple():
                return self.tuple_of([self.evaluate(part, scope) for part in node.elts[:MAX_ITEMS]])
            case ast.List() | ast.Set():
                kind = "list" if isinstance(node, ast.List) else "set"
                return self.instance(kind, self._elements(node.elts, scope))
            case ast.Dict():
                keys = [key for key in node.keys if key is not None]
                return self.instance("dict", self._elements(keys, scope), self._elements(node.values, scope))
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._comprehension(node, scope)
            case _:
                return ()

    def _constant(self, value: object) -> Values:
        if value is None:
            return (NONE,)
        return () if value is Ellipsis else self.instance(type(value).__name__)

    def _elements(self, nodes: Sequence[ast.expr], scope: Scope) -> Values:
        parts = [self.evaluate(node, scope) for node in nodes[:2] if not isinstance(node, ast.Starred)]
        return without_none(union(parts))

    def _either(self, node: ast.BoolOp, scope: Scope) -> Values:
        if isinstance(node.op, ast.And):
            return self.evaluate(node.values[-1], scope)
        return without_none(union(self.evaluate(part, scope) for part in node.values[:MAX_ITEMS]))

    def _binary(self, node: ast.BinOp, scope: Scope) -> Values:
        left = without_none(self.evaluate(node.left, scope))
        if isinstance(node.op, ast.BitOr) and any(isinstance(value, ClassValue) for value in left):
            return union([left, self.evaluate(node.right, scope)])
        names = {value.kind.symbol.name for value in left if isinstance(value, Instance)}
        if names and names <= set(_NUMBERS):
            right = without_none(self.evaluate(node.right, scope))
            names |= {value.kind.symbol.name for value in right if isinstance(value, Instance)}
            if names <= set(_NUMBERS):
                if isinstance(node.op, ast.Div):
                    names.add("float")
                names.discard("bool") if len(names) > 1 else None
                return self.instance(max(names, key=_NUMBERS.index))
            return right if isinstance(node.op, ast.Mult) else ()
        if names and names <= {"str", "bytes", "list", "tuple"}:
            return tuple(replace(value, items=None) if isinstance(value, Instance) else value for value in left)
        method = self.attribute(left, _OPERATORS[type(node.op)])
        return self.call(method, Arguments([node.right], {}, scope))

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, scope: Scope
    ) -> Values:
        for generator in node.generators[:MAX_ITEMS]:
            element = self.iterate(self.evaluate(generator.iter, scope), is_async=bool(generator.is_async))
            bound = dict(scope.local)
            self._bind_target(generator.target, element, bound)
            scope = replace(scope, local=bound)
        if isinstance(node, ast.DictComp):
            return self.instance("dict", self.evaluate(node.key, scope), self.evaluate(node.value, scope))
        element = self.evaluate(node.elt, scope)
        if isinstance(node, ast.GeneratorExp):
            return self._library_instance("collections.abc.Generator", element, (), ())
        return self.instance("list" if isinstance(node, ast.ListComp) else "set", element)

    def _bind_target(self, target: ast.expr, values: Values, bound: dict[str, Values]) -> None:
        if isinstance(target, ast.Name):
            bound[target.id] = values
        elif isinstance(target, (ast.Tuple, ast.List)):
            for index, part in enumerate(target.elts[:MAX_ITEMS]):
                self._bind_target(part, self._item(values, index), bound)

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Values:
        values = without_none(self.evaluate(node.value, scope))
        return union(self._subscript_of(value, node, scope) for value in values)

    def _subscript_of(self, value: Value, node: ast.Subscript, scope: Scope) -> Values:
        if isinstance(value, ClassValue):
            if self.is_enum(value):
                return (Instance(value),)
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            return (replace(value, arguments=tuple(self.annotate(part, scope) for part in parts[:MAX_ITEMS])),)
        if not isinstance(value, Instance):
            return ()
        if isinstance(node.slice, ast.Slice) and value.kind.scope.source.name == BUILTINS:
            return (replace(value, items=None),)
        index = _integer(node.slice)
        if index is not None and (value.items is not None or self._named_tuple_item(value, index)):
            return self._item((value,), index)
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            field_type = self._typed_dict_item(value, node.slice.value)
            if field_type:
                return field_type
        return self.call(self._attribute(value, "__getitem__"), Arguments([node.slice], {}, scope))

    def _typed_dict_item(self, value: Instance, key: str) -> Values:
        order = self.order(value.kind)
        if not any(base.value.qualified.rpartition(".")[0] == BUILTINS for base in order.bases):
            return ()
        found = self.member(value.kind, key)
        if found and isinstance(found[1], Variable) and "TypedDict" in map(last_part, self._all_bases(value.kind)):
            return self.variable(found[1], self.inside(found[0]), found[0])
        return ()

    def _item(self, values: Values, index: int) -> Values:
        parts = []
        for value in values:
            if isinstance(value, Instance) and value.items is not None:
                parts.append(value.items[index] if -len(value.items) <= index < len(value.items) else ())
            elif isinstance(value, Instance) and (named := self._named_tuple_item(value, index)):
                parts.append(named)
            elif isinstance(value, Instance):
                parts.append(self.call(self._attribute(value, "__getitem__"), NO_ARGUMENTS) or self.iterate((value,)))
            else:
                parts.append(())
        return union(parts)

    def _named_tuple_item(self, value: Instance, index: int) -> Values:
        if "NamedTuple" not in map(last_part, value.kind.symbol.bases):
            return ()
        fields = named_fields(value.kind.symbol)
        if not -len(fields) <= index < len(fields):
            return ()
        return self.variable(fields[index], self.inside(value.kind), value.kind)

    # --- names and records

    def value_of(self, found: Found | None) -> Values:
        """What a name that was found stands for."""
        if found is None:
            return ()
        if isinstance(found, ModuleValue):
            return (found,)
        if found.values:
            return found.values
        symbol, scope = found.symbol, found.scope
        match symbol:
            case Variable():
                return self.variable(symbol, scope)
            case Function():
                return (FunctionValue(symbol, scope),)
            case Class():
                return (ClassValue(symbol, scope),)
            case Parameter():
                return self.parameter(symbol, scope)
            case _:
                return ()

    def variable(self, symbol: Variable, scope: Scope, owner: ClassValue | None = None) -> Values:
        """What a variable holds: what its annotation names, else what its value is."""
        return self._once(
            ("variable", id(symbol), owner and owner.key), symbol, lambda: self._variable(symbol, scope, owner)
        )

    def _variable(self, symbol: Variable, scope: Scope, owner: ClassValue | None) -> Values:
        name = f"{owner.qualified if owner else scope.source.name}.{symbol.name}"
        if name in library_types.RETURNS:
            return self.table(library_types.RETURNS[name], owner.scope.types if owner else {})
        annotation = parse(symbol.annotation)
        found = self.annotate(annotation, scope) if annotation else ()
        if found or not symbol.value:
            return found
        return self.evaluate(parse(symbol.value), self._method_scope(scope, owner) if symbol.on_instance else scope)

    def _method_scope(self, scope: Scope, owner: ClassValue | None) -> Scope:
        """Where the values of instance variables are read: in a method, with the receiver as the reader calls it."""
        if owner is None:
            return scope
        mine = self.self_of(owner, scope)
        return replace(
            scope,
            enclosing=(Frame(None), *scope.enclosing),
            local={"self": (mine,), "cls": (mine.kind if isinstance(mine, Instance) else owner,)},
        )

    def self_of(self, owner: ClassValue, scope: Scope) -> Value:
        """The receiver that methods of ``owner`` are read with."""
        return next((value for value in scope.types.get("Self", ())), Instance(owner))

    def parameter(self, symbol: Parameter, scope: Scope) -> Values:
        """What a parameter is given: what its annotation names, or perhaps something like its default."""
        found = self.annotate(parse(symbol.annotation), scope) if symbol.annotation else ()
        if symbol.kind == VARIADIC:
            return self.instance("tuple", found)
        if symbol.kind == KEYWORDS:
            return self.instance("dict", self.instance("str"), found)
        if found or not symbol.default:
            return found
        default = tuple(value for value in self.text(symbol.default, scope) if value is not NONE)
        return union([default, ()])

    def _once(self, key: object, held: object, find: Callable[[], Values]) -> Values:
        """``find()``, once a question and not within itself; ``held`` keeps the key's identities alive."""
        if key in self._memo:
            return self._memo[key][1]
        if key in self._active or self._depth >= MAX_DEPTH:
            return ()
        self._active.add(key)
        self._depth += 1
        try:
            values = find()
        finally:
            self._depth -= 1
            self._active.discard(key)
        self._memo[key] = (held, values)
        return values

    # --- attributes

    def attribute(self, values: Values, name: str) -> Values:
        """What ``.name`` of the values stands for."""
        return union(self._attribute(value, name) for value in without_none(values))

    def _attribute(self, value: Value, name: str) -> Values:
        match value:
            case ModuleValue():
                return self.value_of(self.lookup.attribute(value.source.name, name))
            case Instance():
                return self._instance_attribute(value, name)
            case ClassValue():
                return self._class_attribute(value, name)
            case SuperValue():
                kind = value.receiver.kind if isinstance(value.receiver, Instance) else value.receiver
                found = self.member(kind, name, after=value.after)
                return self._bound(found[0], found[1], value.receiver) if found else ()
            case _:
                return ()

    def _instance_attribute(self, value: Instance, name: str) -> Values:
        if name == "__class__":
            return (value.kind,)
        if name in ("name", "value") and self.is_enum(value.kind):
            return self.instance("str") if name == "name" else self._enum_value(value.kind)
        found = self.member(value.kind, name)
        return self._bound(found[0], found[1], value) if found else ()

    def _enum_value(self, kind: ClassValue) -> Values:
        members = [symbol for symbol in kind.symbol.members.values() if is_enum_member(symbol)]
        return union(self.variable(symbol, self.inside(kind), kind) for symbol in members[:4])

    def _class_attribute(self, value: ClassValue, name: str) -> Values:
        found = self.member(value, name)
        if found and not (isinstance(found[1], Variable) and found[1].on_instance):
            if is_enum_member(found[1]) and self.is_enum(value):
                return (Instance(value),)
            return self._bound(found[0], found[1], value)
        if name in ("__iter__", "__members__") and self.is_enum(value):
            return ()
        metaclass = self.order(value).metaclass
        if metaclass:
            found = self.member(metaclass, name)
        else:
            kind = self.class_named("builtins.type")
            found = self.member(kind, name) if kind else None
        return self._bound(found[0], found[1], value) if found else ()

    def _bound(self, owner: ClassValue, symbol: Symbol, receiver: Instance | ClassValue) -> Values:
        """A member of ``owner`` as it is seen on ``receiver``."""
        if isinstance(symbol, Function):
            if is_property(symbol):
                if not isinstance(receiver, Instance):
                    return ()
                return self.call_function(FunctionValue(symbol, self.inside(owner), owner, receiver), NO_ARGUMENTS)
            given: Instance | ClassValue | None = receiver
            if not receiver_name(symbol):
                given = None
            elif takes_class(symbol):
                given = receiver.kind if isinstance(receiver, Instance) else receiver
            elif isinstance(receiver, ClassValue) and not self._is_metaclass_of(owner, receiver):
                given = None
            return (FunctionValue(symbol, self.inside(owner), owner, given),)
        if isinstance(symbol, Variable):
            values = self.variable(symbol, self._receiving(owner, receiver), owner)
            if any(isinstance(value, Instance) and self.member(value.kind, "__get__") for value in values):
                return ()
            replaced = isinstance(receiver, Instance) and not symbol.on_instance and not symbol.annotation
            if replaced and values and not self.order(receiver_class(receiver)).metaclass_known:
                return union([values, ()])
            return values
        return self.value_of(self.lookup.name(symbol.name, self.inside(owner)))

    def _is_metaclass_of(self, owner: ClassValue, receiver: ClassValue) -> bool:
        return all(base.value.symbol is not owner.symbol for base in self.order(receiver).bases)

    def _receiving(self, owner: ClassValue, receiver: Instance | ClassValue) -> Scope:
        inside = self.inside(owner)
        mine = receiver if isinstance(receiver, Instance) else Instance(receiver)
        return replace(inside, types={**inside.types, "Self": (mine,)})

    # --- calls

    def call(self, values: Values, arguments: Arguments) -> Values:
        """What calling the values gives."""
        return union(self._call(value, arguments) for value in without_none(values))

    def _call_expression(self, node: ast.Call, scope: Scope) -> Values:
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            return self._super(node, scope)
        keywords = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
        return self.call(self.evaluate(node.func, scope), Arguments(node.args, keywords, scope))

    def _call(self, value: Value, arguments: Arguments) -> Values:
        match value:
            case ClassValue():
                return self._construct(value, arguments)
            case FunctionValue():
                return self.call_function(value, arguments)
            case Instance():
                return self.call(self._attribute(value, "__call__"), arguments)
            case _:
                return ()

    def _construct(self, value: ClassValue, arguments: Arguments) -> Values:
        name = value.qualified
        module, _, last = name.rpartition(".")
        if module in library_types.TYPING:
            return self._typing_call(last, arguments)
        if module == BUILTINS:
            special = self._builtin_call(last, arguments)
            if special is not None:
                return special
        if last in ENUMS and module == ENUM_MODULE:
            return ()
        parameters = self.type_parameters(value)
        if parameters and not value.arguments and (arguments.nodes or arguments.keywords):
            found = self.member(value, "__init__") or self.member(value, "__new__")
            if found and isinstance(found[1], Function):
                solved = self._solved(found[1], self.inside(found[0]), arguments, frozenset(parameters), skip=1)
                if solved:
                    value = replace(value, arguments=tuple(solved.get(name, ()) for name in parameters))
        return (Instance(value),)

    def _typing_call(self, name: str, arguments: Arguments) -> Values:
        nodes, scope = arguments.nodes, arguments.scope
        if name == "NewType" and len(nodes) > 1:
            return self.evaluate(nodes[1], scope)
        if name == "cast" and nodes:
            return self.annotate(nodes[0], scope)
        return self._named_tuple() if name == "NamedTuple" else ()

    def _named_tuple(self) -> Values:
        """A class whose fields are not known."""
        return (ClassValue(_NAMED_TUPLE, Scope(_TABLE, EMPTY)),)

    def _builtin_call(self, name: str, arguments: Arguments) -> Values | None:
        nodes, scope = arguments.nodes, arguments.scope
        if name == "type" and len(nodes) == 1:
            return union(
                (value.kind,) if isinstance(value, Instance) else () for value in self.evaluate(nodes[0], scope)
            )
        if name == "zip" and nodes:
            elements = [self.iterate(self.evaluate(part, scope)) for part in nodes[:MAX_ITEMS]]
            return self._library_instance("collections.abc.Iterator", self.tuple_of(elements))
        if name == "enumerate" and nodes:
            element = self.iterate(self.evaluate(nodes[0], scope))
            return self._library_instance("collections.abc.Iterator", self.tuple_of([self.instance("int"), element]))
        if name == "map" and len(nodes) > 1:
            element = self.call(self.evaluate(nodes[0], scope), NO_ARGUMENTS)
            return self._library_instance("collections.abc.Iterator", element)
        if name in ("filter", "reversed") and nodes:
            return self._library_instance("collections.abc.Iterator", self.iterate(self.evaluate(nodes[-1], scope)))
        if name in ("list", "set", "frozenset", "tuple") and nodes:
            return self.instance(name, self.iterate(self.evaluate(nodes[0], scope)))
        return None

    def call_function(self, value: FunctionValue, arguments: Arguments) -> Values:
        """What calling a function gives."""
        symbol = value.symbol
        if value.owner is None:
            special = self._special_call(value, arguments)
            if special is not None:
                return special
        values = self._returned(value, arguments)
        names = [last_part(decorator) for decorator in symbol.decorators]
        if "contextmanager" in names or "asynccontextmanager" in names:
            kind = "AbstractContextManager" if "contextmanager" in names else "AbstractAsyncContextManager"
            return self._manager(kind, self._yielded(values))
        if symbol.is_async and not symbol.is_generator:
            values = self._coroutine(values)
        if values and not all(name in TRANSPARENT or is_property_name(name) for name in names):
            return union([values, ()])
        return values

    def _special_call(self, value: FunctionValue, arguments: Arguments) -> Values | None:
        module, _, name = value.qualified.rpartition(".")
        nodes, scope = arguments.nodes, arguments.scope
        if module in library_types.TYPING:
            return self._typing_call(name, arguments)
        if value.qualified == "collections.namedtuple":
            return self._named_tuple()
        if value.qualified in ("copy.copy", "copy.deepcopy") and nodes:
            return self.evaluate(nodes[0], scope)
        if module != BUILTINS:
            return None
        if name == "sorted" and nodes:
            return self.instance("list", self.iterate(self.evaluate(nodes[0], scope)))
        if name in ("next", "anext") and nodes:
            values = self.attribute(self.evaluate(nodes[0], scope), f"__{name}__")
            return self.call(values, NO_ARGUMENTS)
        if name in ("iter", "aiter") and nodes:
            values = self.attribute(self.evaluate(nodes[0], scope), f"__{name}__")
            return self.call(values, NO_ARGUMENTS)
        if name in ("min", "max") and nodes:
            first = self.evaluate(nodes[0], scope)
            return first if len(nodes) > 1 else self.iterate(first)
        if name in ("abs", "sum") and nodes:
            first = self.evaluate(nodes[0], scope)
            return first if name == "abs" else self.iterate(first)
        return self._builtin_call(name, arguments)

    def _returned(self, value: FunctionValue, arguments: Arguments) -> Values:
        symbol = value.symbol
        known = "" if symbol.returns else library_types.RETURNS.get(value.qualified, "")
        key: tuple[object, ...] = ("returned", value.key)
        scope = self._function_scope(value)
        if known:
            return self._once(key, symbol, lambda: self.table(known, scope.types))
        if symbol.returns:
            node = parse(symbol.returns)
            open_names = self._open_variables(node, scope)
            if not open_names:
                return self._once(key, symbol, lambda: self.annotate(node, scope))
            solved = self._solved(symbol, scope, arguments, open_names, skip=int(value.receiver is not None))
            return self.annotate(node, replace(scope, types={**scope.types, **solved}))
        if symbol.is_generator:
            kind = "AsyncGenerator" if symbol.is_async else "Generator"
            return self._library_instance(f"collections.abc.{kind}")
        if not symbol.result:
            return ()
        given = self._given(value, arguments)
        inner = replace(
            scope,
            enclosing=(Frame(symbol), *scope.enclosing),
            local={**self._receiver_local(value), **given},
        )
        if given:
            key = ("returned", value.key, tuple((name, tuple(one.key for one in some)) for name, some in given.items()))
        return self._once(key, symbol, lambda: self.text(symbol.result, inner))

    def _function_scope(self, value: FunctionValue) -> Scope:
        """Where a function's annotations are read: ``Self`` is its receiver."""
        receiver = value.receiver
        if receiver is None:
            mine = Instance(value.owner) if value.owner else None
        else:
            mine = receiver if isinstance(receiver, Instance) else Instance(receiver)
        if mine is None:
            return value.scope
        return replace(value.scope, types={**value.scope.types, "Self": (mine,)})

    def _receiver_local(self, value: FunctionValue) -> dict[str, Values]:
        if value.owner is None or not receiver_name(value.symbol):
            return {}
        receiver = value.receiver or Instance(value.owner)
        return {"self": (receiver,), "cls": (receiver_class(receiver),)}

    def _given(self, value: FunctionValue, arguments: Arguments) -> dict[str, Values]:
        """The arguments of parameters without annotation that the function's result names."""
        if not (arguments.nodes or arguments.keywords):
            return {}
        node = parse(value.symbol.result)
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} if node else set()
        found = {}
        for parameter, argument in _pairs(value.symbol, arguments, skip=int(value.receiver is not None)):
            if parameter.name in names and not parameter.annotation:
                values = self.evaluate(argument, arguments.scope)
                if values:
                    found[parameter.name] = values
        return found

    def _solved(
        self, symbol: Function, scope: Scope, arguments: Arguments, names: frozenset[str], skip: int
    ) -> dict[str, Values]:
        """What type variables stand for, as the arguments of a call say."""
        solved: dict[str, Values] = {}
        for parameter, argument in _pairs(symbol, arguments, skip):
            node = parse(parameter.annotation)
            if node and any(isinstance(part, ast.Name) and part.id in names for part in ast.walk(node)):
                self._match(node, self.evaluate(argument, arguments.scope), scope, names, solved)
        return solved

    def _match(
        self, node: ast.expr, values: Values, scope: Scope, names: frozenset[str], solved: dict[str, Values]
    ) -> None:
        values = tuple(value for value in values if value is not NONE and value is not DOUBT)
        if not values or self._steps >= MAX_STEPS:
            return
        self._steps += 1
        match node:
            case ast.Name():
                if node.id in names:
                    solved[node.id] = union(part for part in (solved.get(node.id), values) if part)
            case ast.BinOp():
                self._match(node.left, values, scope, names, solved)
                self._match(node.right, values, scope, names, solved)
            case ast.Subscript():
                self._match_generic(node, values, scope, names, solved)

    def _match_generic(
        self, node: ast.Subscript, values: Values, scope: Scope, names: frozenset[str], solved: dict[str, Values]
    ) -> None:
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        name = last_part(ast.unparse(node.value))
        if name in ("Optional", "Union", "Annotated"):
            for part in parts:
                self._match(part, values, scope, names, solved)
        elif name in ("type", "Type"):
            instances = tuple(Instance(value) for value in values if isinstance(value, ClassValue))
            self._match(parts[0], instances, scope, names, solved)
        elif name == "Callable":
            self._match(parts[-1], self.call(values, NO_ARGUMENTS), scope, names, solved)
        elif name in ("Awaitable", "Coroutine"):
            self._match(parts[-1], self._awaited(values), scope, names, solved)
        elif len(parts) == 1 and name not in ("AsyncIterable", "AsyncIterator"):
            self._match(parts[0], self.iterate(values), scope, names, solved)
        else:
            wanted = self.evaluate(node.value, scope)
            for value in values:
                arguments = self._arguments_as(value, wanted)
                for part, argument in zip(parts, arguments, strict=False):
                    self._match(part, argument, scope, names, solved)

    def _arguments_as(self, value: Value, wanted: Values) -> tuple[Values, ...]:
        """The type arguments that an instance has as one of the classes ``wanted``."""
        if not isinstance(value, Instance):
            return ()
        kinds = {id(kind.symbol) for kind in wanted if isinstance(kind, ClassValue)}
        names = {kind.symbol.name for kind in wanted if isinstance(kind, ClassValue)}
        for base in self.order(value.kind).bases:
            if id(base.value.symbol) in kinds:
                return base.value.arguments
        if len(value.kind.arguments) == 2 and not names.isdisjoint({"Mapping", "MutableMapping"}):
            return value.kind.arguments
        return ()

    def _super(self, node: ast.Call, scope: Scope) -> Values:
        if len(node.args) > 1:
            kinds, receivers = self.evaluate(node.args[0], scope), self.evaluate(node.args[1], scope)
            kind = next((value for value in kinds if isinstance(value, ClassValue)), None)
            receiver = next((value for value in receivers if isinstance(value, (Instance, ClassValue))), None)
            return (SuperValue(receiver or Instance(kind), kind),) if kind else ()
        for index, frame in enumerate(scope.enclosing):
            if isinstance(frame.symbol, Class):
                here = ClassValue(frame.symbol, Scope(scope.source, scope.module, scope.enclosing[index + 1 :]))
                function = scope.enclosing[index - 1].symbol if index else None
                local = scope.local.get("self")
                given = next((value for value in local or () if isinstance(value, (Instance, ClassValue))), None)
                if given is None:
                    of_class = isinstance(function, Function) and takes_class(function)
                    given = here if of_class else Instance(here)
                return (SuperValue(given, here),)
        return ()

    # --- protocols of the language

    def iterate(self, values: Values, *, is_async: bool = False) -> Values:
        """What a loop over the values gives."""
        first, second = ("__aiter__", "__anext__") if is_async else ("__iter__", "__next__")
        parts: list[Values] = []
        for value in without_none(values):
            if isinstance(value, ClassValue) and self.is_enum(value):
                parts.append((Instance(value),))
                continue
            iterator = self.call(self._attribute(value, first), NO_ARGUMENTS)
            element = self.call(self.attribute(iterator, second), NO_ARGUMENTS)
            parts.append(self._awaited(element) if is_async else element)
        return union(parts)

    def _awaited(self, values: Values) -> Values:
        parts = []
        for value in without_none(values):
            found: Values = ()
            if isinstance(value, Instance):
                for base in self.order(value.kind).bases:
                    if base.value.symbol.name in _AWAITED and base.value.arguments:
                        found = base.value.arguments[-1]
                        break
                else:
                    for given in self.call(self._attribute(value, "__await__"), NO_ARGUMENTS):
                        if isinstance(given, Instance) and len(given.kind.arguments) == 3:
                            found = given.kind.arguments[-1]
            parts.append(found)
        return union(parts)

    def _yielded(self, values: Values) -> Values:
        """The first type argument of iterators and generators."""
        return union(
            value.kind.arguments[0] if isinstance(value, Instance) and value.kind.arguments else () for value in values
        )

    def _coroutine(self, values: Values) -> Values:
        return (Instance(ClassValue(_COROUTINE, Scope(_TABLE, EMPTY), ((), (), values))),)

    def _manager(self, kind: str, entered: Values) -> Values:
        symbol = _MANAGER if kind == "AbstractContextManager" else _ASYNC_MANAGER
        return (Instance(ClassValue(symbol, Scope(_TABLE, EMPTY), (entered,))),)

    # --- annotations

    def table(self, text: str, types: Mapping[str, Values]) -> Values:
        """What a type expression of ``library_types`` names."""
        return self.annotate(parse(text), Scope(_TABLE, EMPTY, types=types))

    def annotate(self, node: ast.expr | None, scope: Scope) -> Values:
        """The values that an annotation admits; ``None`` only if it stands alone."""
        if node is None or self._steps >= MAX_STEPS or self._nesting >= MAX_NESTING:
            return ()
        self._steps += 1
        self._nesting += 1
        try:
            return self._annotate(node, scope)
        finally:
            self._nesting -= 1

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

    def found(self, node: ast.expr, scope: Scope, *, skip_class: bool = False) -> Found | None:
        """What a dotted name stands for, as a record."""
        if isinstance(node, ast.Name):
            return self.lookup.name(node.id, scope, skip_class=skip_class)
        if not isinstance(node, ast.Attribute):
            return None
        outer = self.found(node.value, scope, skip_class=skip_class)
        if isinstance(outer, ModuleValue):
            return self.lookup.attribute(outer.source.name, node.attr)
        if outer is None:
            return None
        if isinstance(outer.symbol, Import):
            return Binding(Import(node.attr, 0, outer.qualified, node.attr), outer.scope)
        kinds = [value for value in self.value_of(outer) if isinstance(value, ClassValue)]
        member = self.member(kinds[0], node.attr) if kinds else None
        return Binding(member[1], self.inside(member[0])) if member else None

    def _annotate_name(self, node: ast.expr, scope: Scope) -> Values:
        if isinstance(node, ast.Name):
            if node.id in scope.types:
                return scope.types[node.id]
            if node.id == "Self" and (owner := self._owner_of(scope)):
                return (Instance(owner),)
        found = self.found(node, scope)
        if isinstance(found, Binding) and found.member and not isinstance(found.symbol, Class):
            found = self.found(node, scope, skip_class=True)
        if not isinstance(found, Binding):
            return ()
        return self._instances(found)

    def _owner_of(self, scope: Scope) -> ClassValue | None:
        for index, frame in enumerate(scope.enclosing):
            if isinstance(frame.symbol, Class):
                return ClassValue(frame.symbol, Scope(scope.source, scope.module, scope.enclosing[index + 1 :]))
        return None

    def _instances(self, found: Binding) -> Values:
        """Instances of what a name in an annotation stands for."""
        if found.form:
            return self._instances_of_form(found)
        symbol = found.symbol
        if isinstance(symbol, Class):
            if found.qualified == "builtins.object":
                return ()
            return (Instance(ClassValue(symbol, found.scope)),)
        if isinstance(symbol, Variable):
            value = parse(symbol.value)
            if isinstance(value, ast.Call):
                if last_part(ast.unparse(value.func)) in _TYPE_VARIABLES:
                    return self._bound_of(value, found.scope)
                kinds = self.evaluate(value, found.scope)
                return tuple(Instance(kind) for kind in kinds if isinstance(kind, ClassValue))
            return self._once(("alias", id(symbol)), symbol, lambda: self.annotate(value, found.scope))
        return ()

    def _bound_of(self, call: ast.Call, scope: Scope) -> Values:
        bound = next((keyword.value for keyword in call.keywords if keyword.arg == "bound"), None)
        return self.annotate(bound, scope)

    def _instances_of_form(self, found: Binding) -> Values:
        name = found.form
        if name in library_types.BUILTIN_FORMS:
            return self._library_instance(library_types.BUILTIN_FORMS[name])
        if name in library_types.PARAMETERS:
            return self._library_instance(f"collections.abc.{name}")
        if name == "Self" and (owner := self._owner_of(found.scope)):
            return (Instance(owner),)
        if name == "LiteralString":
            return self.instance("str")
        if isinstance(found.symbol, Class) and name not in ("Any", "Generic", "Protocol", "TypedDict", "NamedTuple"):
            return (Instance(ClassValue(found.symbol, found.scope)),)
        return ()

    def _annotate_generic(self, node: ast.Subscript, scope: Scope) -> Values:
        parts = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
        found = self.found(node.value, scope)
        if isinstance(found, Binding) and found.member and not isinstance(found.symbol, Class):
            found = self.found(node.value, scope, skip_class=True)
        if not isinstance(found, Binding) or not parts:
            return ()
        form = found.form
        if form in _FIRST_ARGUMENT_FORMS or found.qualified == "dataclasses.InitVar":
            return without_none(self.annotate(parts[0], scope))
        if form == "Union":
            return without_none(union(self.annotate(part, scope) for part in parts[:MAX_ITEMS]))
        if form == "Literal":
            return union(self.evaluate(part, scope) for part in parts[:MAX_ITEMS])
        if form in ("TypeGuard", "TypeIs"):
            return self.instance("bool")
        if form == "Callable" or found.qualified in ("collections.abc.Callable", "_collections_abc.Callable"):
            return (FunctionValue(Function("callable", 0, returns=ast.unparse(parts[-1])), scope),)
        if form == "Type" or found.qualified == "builtins.type":
            given = self.annotate(parts[0], scope)
            return union((value.kind,) if isinstance(value, Instance) else () for value in given)
        if form == "Tuple" or found.qualified == "builtins.tuple":
            return self._annotate_tuple(parts, scope)
        arguments = tuple(self.annotate(part, scope) for part in parts[:MAX_ITEMS])
        return tuple(
            Instance(replace(value.kind, arguments=arguments))
            for value in self._instances(found)
            if isinstance(value, Instance)
        )

    def _annotate_tuple(self, parts: list[ast.expr], scope: Scope) -> Values:
        if len(parts) == 2 and isinstance(parts[1], ast.Constant) and parts[1].value is Ellipsis:
            return self.instance("tuple", self.annotate(parts[0], scope))
        if any(isinstance(part, ast.Starred) for part in parts):
            return self.instance("tuple")
        return self.tuple_of([self.annotate(part, scope) for part in parts[:MAX_ITEMS]])

    def _open_variables(self, node: ast.expr | None, scope: Scope) -> frozenset[str]:
        """The type variables of an annotation that nothing is known of yet."""
        if node is None or isinstance(node, ast.Constant):
            return frozenset()
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} - scope.types.keys()
        return frozenset(name for name in names if self._is_type_variable(name, scope))

    def _is_type_variable(self, name: str, scope: Scope) -> bool:
        found = self.lookup.name(name, scope)
        if found is None:
            return scope.source.name == BUILTINS and len(name) < 3 and name.isupper()
        if not isinstance(found, Binding) or not isinstance(found.symbol, Variable):
            return False
        return last_part(found.symbol.value) in _TYPE_VARIABLES

    # --- classes

    def instance(self, name: str, *arguments: Values) -> Values:
        """An instance of a builtin class."""
        return self._library_instance(f"{BUILTINS}.{name}", *arguments)

    def tuple_of(self, items: Sequence[Values]) -> Values:
        """A tuple whose elements are told apart."""
        kind = self.class_named("builtins.tuple")
        if kind is None:
            return ()
        return (Instance(replace(kind, arguments=(union(items),) if items else ()), tuple(items)),)

    def class_named(self, name: str) -> ClassValue | None:
        """A class by its full dotted name."""
        found = self.lookup.dotted(name)
        values = self.value_of(found) if isinstance(found, Binding) else ()
        return next((value for value in values if isinstance(value, ClassValue)), None)

    def _library_instance(self, name: str, *arguments: Values) -> Values:
        kind = self.class_named(name)
        return (Instance(replace(kind, arguments=arguments) if any(arguments) else kind),) if kind else ()

    def type_parameters(self, value: ClassValue) -> tuple[str, ...]:
        """The names of a class's type variables."""
        known = library_types.parameters(value.qualified)
        if known is not None:
            return known
        found: dict[str, None] = {}
        for text in value.symbol.bases:
            node = parse(text) if "[" in text else None
            if not isinstance(node, ast.Subscript):
                continue
            names = [part.id for part in ast.walk(node.slice) if isinstance(part, ast.Name)]
            if last_part(text) in ("Generic", "Protocol"):
                return tuple(names)
            found.update(dict.fromkeys(name for name in names if self._is_type_variable(name, value.scope)))
        return tuple(found)

    def inside(self, value: ClassValue) -> Scope:
        """The scope of a class's body."""
        parameters = self.type_parameters(value)
        types = value.scope.types
        if parameters:
            given = dict(zip(parameters, (*value.arguments, *[()] * len(parameters)), strict=False))
            types = {**types, **given}
        return replace(value.scope, enclosing=(Frame(value.symbol), *value.scope.enclosing), types=types, local={})

    def member(
        self, value: ClassValue, name: str, *, after: ClassValue | None = None
    ) -> tuple[ClassValue, Symbol] | None:
        """The first class that defines ``name``, and what it is there; only classes ``after`` one if that is given."""
        passed = after is None
        for base in self.order(value).bases:
            if passed:
                symbol = base.value.symbol.members.get(name)
                if symbol is not None:
                    return base.value, symbol
            elif after and base.value.symbol is after.symbol:
                passed = True
        return None

    def order(self, value: ClassValue) -> Order:
        """A class and all its bases: depth first, a class before its own bases, ``object`` last."""
        kept = self._orders.get(value.key)
        if kept is None:
            kept = self._orders[value.key] = (value, self._order(value))
        return kept[1]

    def _order(self, value: ClassValue) -> Order:
        found: list[Base] = []
        complete = self._collect(value, 0, found, set())
        last = {id(base.value.symbol): index for index, base in enumerate(found)}
        least: dict[int, int] = {}
        for base in found:
            least[id(base.value.symbol)] = min(base.depth, least.get(id(base.value.symbol), base.depth))
        bases = [
            Base(base.value, least[id(base.value.symbol)])
            for index, base in enumerate(found)
            if last[id(base.value.symbol)] == index
        ]
        top = self.class_named("builtins.object")
        if top and all(base.value.symbol is not top.symbol for base in bases):
            bases.append(Base(top, max(base.depth for base in bases) + 1))
        bases.sort(key=lambda base: top is not None and base.value.symbol is top.symbol)
        metaclass, known = self._metaclass(bases)
        return Order(tuple(bases), complete, metaclass, known)

    def _collect(self, value: ClassValue, depth: int, found: list[Base], active: set[int]) -> bool:
        if id(value.symbol) in active or len(found) >= MAX_BASES or depth > MAX_BASES // 3:
            return False
        found.append(Base(value, depth))
        active.add(id(value.symbol))
        complete = True
        for text in value.symbol.bases:
            bases, known = self._bases(text, value)
            complete = complete and known
            for base in bases:
                complete = self._collect(base, depth + 1, found, active) and complete
        active.discard(id(value.symbol))
        return complete

    def _bases(self, text: str, value: ClassValue) -> tuple[list[ClassValue], bool]:
        """The classes that a base names, and whether these are all."""
        node = parse(text)
        if node is None:
            return [], False
        target = node.value if isinstance(node, ast.Subscript) else node
        scope = value.scope
        if value.arguments or self.type_parameters(value):
            inside = self.inside(value)
            scope = replace(inside, enclosing=value.scope.enclosing)
        found = self.found(target, scope)
        form = found.form if isinstance(found, Binding) else ""
        if found is None and text in ("NamedTuple", "TypedDict"):
            form = text
        elif found is None and text in ENUMS:
            node = parse(f"{ENUM_MODULE}.{text}")
            scope = Scope(_TABLE, EMPTY)
        if node is None:
            return [], False
        if form in ("Generic", "Protocol"):
            return [], True
        if form in ("NamedTuple", "TypedDict"):
            kind = self.class_named("builtins.tuple" if form == "NamedTuple" else "builtins.dict")
            extra = [ClassValue(_NAMED_TUPLE_METHODS, Scope(_TABLE, EMPTY))] if form == "NamedTuple" else []
            return [*extra, *([kind] if kind else [])], kind is not None
        values = self.evaluate(node, scope)
        if form and not values:
            values = tuple(one.kind for one in self.annotate(node, scope) if isinstance(one, Instance))
        kinds = [one for one in values if isinstance(one, ClassValue)]
        if not kinds and isinstance(node, ast.Call):  # with_metaclass(Meta, Base)
            parts = [one for part in node.args for one in self.evaluate(part, scope)]
            return [one for one in parts if isinstance(one, ClassValue)], False
        return kinds, bool(kinds) and len(kinds) == len(values)

    def _metaclass(self, bases: Sequence[Base]) -> tuple[ClassValue | None, bool]:
        for base in bases:
            if base.value.symbol.metaclass:
                found = self.text(base.value.symbol.metaclass, base.value.scope)
                kinds = [value for value in found if isinstance(value, ClassValue)]
                if not kinds:
                    return None, False
                return kinds[0], self._is_plain(kinds[0])
        return None, True

    def _is_plain(self, metaclass: ClassValue) -> bool:
        """Whether a metaclass makes no members of its own in the classes that it makes."""
        for base in self.order(metaclass).bases:
            if base.value.scope.source.origin == LIBRARY or base.value.scope.source.name == BUILTINS:
                continue
            if not _MAKING.isdisjoint(base.value.symbol.members):
                return False
        return self.order(metaclass).complete

    def _all_bases(self, value: ClassValue) -> list[str]:
        return [text for base in self.order(value).bases for text in base.value.symbol.bases]

    def is_enum(self, value: ClassValue) -> bool:
        """Whether the variables of a class are its instances."""
        if value.scope.source.name == ENUM_MODULE:
            return False
        for base in self.order(value).bases:
            if base.value.scope.source.name == ENUM_MODULE and base.value.symbol.name in ENUMS:
                return True
        return any(last_part(text) in ENUMS for text in value.symbol.bases)


NO_ARGUMENTS = Arguments((), {}, Scope(_TABLE, EMPTY))
_MAKING = frozenset({"__new__", "__init__", "__prepare__", "__getattr__", "__getattribute__", "__call__"})
_COROUTINE = Class(
    "Coroutine",
    0,
    bases=("Generic[Y, S, T]",),
    members={name: Function(name, 0) for name in ("send", "throw", "close")},
)
_MANAGER = Class(
    "AbstractContextManager",
    0,
    bases=("Generic[T]",),
    members={
        "__enter__": Function("__enter__", 0, (Parameter("self"),), returns="T"),
        "__exit__": Function("__exit__", 0, (Parameter("self"), Parameter("args", VARIADIC)), returns="bool"),
    },
)
_ASYNC_MANAGER = Class(
    "AbstractAsyncContextManager",
    0,
    bases=("Generic[T]",),
    members={
        "__aenter__": Function("__aenter__", 0, (Parameter("self"),), returns="T", is_async=True),
        "__aexit__": Function(
            "__aexit__", 0, (Parameter("self"), Parameter("args", VARIADIC)), returns="bool", is_async=True
        ),
    },
)
_NAMED_TUPLE_METHODS = Class(
    "NamedTuple",
    0,
    members={
        "_asdict": Function("_asdict", 0, (Parameter("self"),), returns="dict[str, object]"),
        "_replace": Function("_replace", 0, (Parameter("self"), Parameter("kwargs", KEYWORDS)), returns="Self"),
        "_make": Function("_make", 0, (Parameter("cls"), Parameter("iterable")), "Self", decorators=("classmethod",)),
        "_fields": Variable("_fields", 0, "tuple[str, ...]"),
        "_field_defaults": Variable("_field_defaults", 0, "dict[str, object]"),
    },
)
_NAMED_TUPLE = Class(
    "namedtuple",
    0,
    bases=("builtins.tuple",),
    decorators=("fields",),  # are not known
    members=_NAMED_TUPLE_METHODS.members,
)


def is_property_name(decorator: str) -> bool:
    """Whether a decorator makes a property."""
    return decorator.endswith("property")


def is_property(symbol: Symbol | None) -> bool:
    """Whether a function is read as an attribute."""
    if not isinstance(symbol, Function):
        return False
    names = [last_part(decorator) for decorator in symbol.decorators]
    return any(is_property_name(name) or name in ("setter", "getter", "deleter", "reify") for name in names)


def is_enum_member(symbol: Symbol) -> bool:
    """Whether a symbol of an ``Enum`` class is one of its members."""
    return isinstance(symbol, Variable) and not symbol.on_instance and not symbol.annotation and symbol.name[:1] != "_"


def named_fields(symbol: Class) -> list[Variable]:
    """The fields of a named tuple or a dataclass that its own body names."""
    return [
        member
        for member in symbol.members.values()
        if isinstance(member, Variable) and not member.on_instance and last_part(member.annotation) != "ClassVar"
    ]


def receiver_class(value: Instance | ClassValue) -> ClassValue:
    """The class that a receiver's members are looked up in."""
    return value.kind if isinstance(value, Instance) else value


def _integer(node: ast.expr) -> int | None:
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node, sign = node.operand, -1
    if isinstance(node, ast.Constant) and type(node.value) is int and abs(node.value) < 1_000_000:
        return sign * node.value
    return None


def _pairs(symbol: Function, arguments: Arguments, skip: int) -> list[tuple[Parameter, ast.expr]]:
    """Parameters and what they are given."""
    found: list[tuple[Parameter, ast.expr]] = []
    positional = [one for one in symbol.parameters if one.kind not in (VARIADIC, KEYWORDS, "k")][skip:]
    for parameter, node in zip(positional, arguments.nodes, strict=False):
        if isinstance(node, ast.Starred):
            break
        found.append((parameter, node))
    variadic = next((one for one in symbol.parameters if one.kind == VARIADIC), None)
    if variadic:
        found += [(variadic, node) for node in arguments.nodes[len(positional) :] if not isinstance(node, ast.Starred)]
    named = {parameter.name: parameter for parameter in symbol.parameters}
    found += [(named[name], node) for name, node in arguments.keywords.items() if name in named]
    return found
