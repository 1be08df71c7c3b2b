"""What a file defines: read from its tree, compared with what the interpreter says of real modules."""

from __future__ import annotations

import ast
import importlib
import inspect
import random
import sys
import types
from pathlib import Path
from textwrap import dedent
from typing import TypeGuard

import pytest

from tinycoder.symbols.records import Class, Function, Import, Module, Parameter, Symbol, Variable
from tinycoder.symbols.source.annotation import annotation
from tinycoder.symbols.source.reader import LARGEST, read_source
from tinycoder.symbols.source.scope import locals_of
from tinycoder.symbols.source.sketch import sketch

STANDARD = (
    "argparse",
    "dataclasses",
    "fractions",
    "http.client",
    "logging",
    "pathlib",
    "threading",
    "typing",
    "zipfile",
)


def read(text: str) -> Module:
    return read_source(dedent(text))


def symbol(text: str, name: str = "x") -> Symbol:
    return read(text).symbols[name]


def expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b.c", "a.b.c"),
        ("f(x, 'secret', 7, key='secret')", "f(x, '', 0)"),
        ("f(lambda: 1, x)", "f(..., x)"),
        ("f(x, lambda: 1)", "f(x)"),
        ("f(*x, y)", "f()"),
        (f"f({', '.join(['long_name'] * 20)})", f"f({', '.join(['long_name'] * 8)})"),
        (f"f({', '.join(['a_very_long_name'] * 20)})", "f()"),
        ("a[0]['secret'][-1][1:2][i]", "a[0][''][-1][:][i]"),
        ("a[100]", "a[0]"),
        ("'secret'", "''"),
        ("f'secret {x}'", "''"),
        ("b'secret'", "b''"),
        ("12", "0"),
        ("1.5", "0.0"),
        ("False", "True"),
        ("None", "None"),
        ("...", ""),
        ("[1, 2]", "[0]"),
        ("[]", "[]"),
        ("{'secret': f(1), **x}", "{'': f(0)}"),
        ("{}", "{}"),
        ("{1, 2}", "{0}"),
        ("(1, 'secret', f())", "(0, '', f())"),
        ("(1,)", "(0,)"),
        ("()", "()"),
        ("[f(x) for x in y if z]", "[f(x) for x in y]"),
        ("{k: v for k, v in y}", "{k: v for (k, v) in y}"),
        ("(a for a in b)", "(a for a in b)"),
        ("a or b", "a or b"),
        ("a if c else b", "a or b"),
        ("a if c else None", "a"),
        ("(a or b).c", "(a or b).c"),
        ("await f()", "await f()"),
        ("(await f()).x", "(await f()).x"),
        ("a + b * c", "a + (b * c)"),
        ("'a' + 'b'", "''"),
        ("'secret %s' % x.y[lambda: 1]", "''"),
        ("1 / 2", "0 / 0"),
        ("'secret'.join(x)", "''.join(x)"),
        ("(1).real", "(0).real"),
        ("not a", "True"),
        ("a < b", "True"),
        ("-1", "0"),
        ("lambda: 1", ""),
        ("(lambda: 1)().x", ""),
    ],
)
def test_sketch(text: str, expected: str) -> None:
    assert sketch(expression(text)) == expected
    if expected:
        assert sketch(expression(expected)) in (expected, "")  # it is code, and canonical


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'Foo'", "Foo"),
        ("'list[Foo | None]'", "list[Foo | None]"),
        ("Optional['a.Foo']", "Optional[a.Foo]"),
        ("Literal['secret', 'other', 3]", "Literal['', 0]"),
        ("typing.Annotated[int, Secret('x')]", "int"),
        ("Callable[[int, 'Foo'], None]", "Callable[[int, Foo], None]"),
        ("tuple[int, ...]", "tuple[int, ...]"),
        ("a | b | None", "a | b | None"),
        ("'no type at all!'", ""),
        ("'a b'", ""),
        ("Dict[str, 'x y z']", "Dict[str, ...]"),
    ],
)
def test_annotation(text: str, expected: str) -> None:
    assert annotation(expression(text)) == expected


def test_long_and_deep_expressions_are_cut() -> None:
    many = " + ".join(["x"] * 500)
    assert sketch(expression(many)) == ""
    assert sketch(expression("f" + ".g(a)" * 300)) == ""
    assert len(sketch(expression(f"({', '.join(['some_name_of_a_value'] * 100)})"))) < 200


def test_functions() -> None:
    found = symbol(
        """
        @cache
        @app.route("/secret")
        async def f(a, /, b: int, c="secret", *args: str, d=None, **rest) -> "Foo": ...
        """,
        "f",
    )
    assert found == Function(
        name="f",
        line=4,
        parameters=(
            Parameter("a", "/"),
            Parameter("b", "", "int"),
            Parameter("c", "", "", "''"),
            Parameter("args", "*", "str"),
            Parameter("d", "k", "", "None"),
            Parameter("rest", "**"),
        ),
        returns="Foo",
        decorators=("cache", "app.route()"),
        is_async=True,
    )


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ("return Foo(1)", "Foo(0)"),
        ("if a: return None\n    return Foo()", "Foo()"),
        ("if a: return Bar()\n    return Foo()", ""),
        ("return a", ""),
        ("return b", "''"),
        ("return c", "Foo()"),
        ("return d", "Foo()"),
        ("e = Foo()\n    e.x = 1\n    return e.y", "Foo().y"),
        ("e = Foo(a)\n    e = Bar()\n    return e", ""),
        ("e = e.x\n    return e", ""),
        ("return [x for x in a]", "[]"),
        ("return", ""),
        ("pass", ""),
        ("def g(): return 1", ""),
        ("yield a\n    return 1", ""),
        ("global G\n    G = Foo()\n    return G", "G"),
    ],
)
def test_results(body: str, result: str) -> None:
    assert symbol(f"def f(a, b='x', c: Foo = None, d: 'Foo | None' = None):\n    {body}\n", "f").result == result


@pytest.mark.parametrize(
    "body", ["yield", "x = yield 1", "return (yield)", "f((yield))", "await (yield)", "for x in y:\n  yield from x"]
)
def test_generators(body: str) -> None:
    assert symbol(f"async def f():\n {body}\n", "f").is_generator == ("yield" in body)
    assert not symbol(f"def f():\n def g():\n  {body.replace(chr(10), chr(10) + ' ')}\n", "f").is_generator


def test_the_first_of_two_alternatives_stays() -> None:
    module = read(
        """
        try:
            import fast as implementation
            def f(a): ...
        except ImportError:
            implementation = None
            def f(b): ...
        if condition:
            x = 1
        else:
            x = ""
            y = 2
        """
    )
    assert module.symbols["implementation"] == Import("implementation", 3, "fast")
    assert module.symbols["f"].line == 4
    assert module.symbols["x"].value == "0"
    assert module.symbols["y"].value == "0"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1\nx = ''", Variable("x", 1, "", "0")),
        ("x = None\nx = ''", Variable("x", 1, "", "''")),
        ("x = 1\nx: int = 2", Variable("x", 2, "int", "0")),
        ("x: int\nx = 2", Variable("x", 1, "int", "")),
        ("def x(): ...\nx = cache(x)", Function("x", 1)),
        ("x = None\nimport x", Import("x", 2, "x")),
        ("x = None\ndef f():\n global x\n x = Foo()", Variable("x", 1, "", "Foo()")),
        ("def f():\n global x\n x = Foo()", Variable("x", 3, "", "Foo()")),
        ("def x(a): ...\ntry:\n from c import x\nexcept ImportError: pass", Function("x", 1, (Parameter("a"),))),
        ("for x in y: pass", Variable("x", 1, "", "y.__iter__().__next__()")),
        ("with open('secret') as x: pass", Variable("x", 1, "", "open('').__enter__()")),
        ("a, *x, b = y", Variable("x", 1, "", "[y[1]]")),
        ("a, *b, x = y", Variable("x", 1, "", "y[-1]")),
        ("a, (b, x) = 1, (2, Foo())", Variable("x", 1, "", "Foo()")),
        ("while x := f(): pass", Variable("x", 1, "", "f()")),
        ("x: TypeAlias = 'Foo | None'", Variable("x", 1, "TypeAlias", "Foo | None")),
    ],
)
def test_variables(text: str, expected: Symbol) -> None:
    assert symbol(text) == expected


def test_overloads() -> None:
    text = """
        @overload
        def f(a: int) -> int: ...
        @typing.overload
        def f(a: str) -> str: ...
        """
    assert symbol(text, "f").returns == "int"
    found = symbol(text.rstrip(" ") + "        def f(a, b=1): return a\n", "f")
    assert (found.returns, [each.name for each in found.parameters], found.line) == ("int", ["a", "b"], 6)


def test_setters_do_not_hide_properties() -> None:
    found = symbol(
        """
        class A:
            @property
            def p(self) -> int: ...
            @p.setter
            def p(self, value): self._p = value
        """,
        "A",
    ).members
    assert found["p"].decorators == ("property",)
    assert "_p" in found


def test_classes() -> None:
    found = symbol(
        """
        @dataclass(frozen=True)
        class A(Base, Generic[T], a.b["Foo"], metaclass=Meta):
            x: int = 3
            y = z = "secret"
            if TYPE_CHECKING:
                def m(self): ...
            class Inner:
                deep = 1
            def n(self): self.late = 1
        """,
        "A",
    )
    assert (found.line, found.bases, found.metaclass) == (3, ("Base", "Generic[T]", "a.b[Foo]"), "Meta")
    assert found.decorators == ("dataclass()",)
    assert list(found.members) == ["x", "y", "z", "m", "Inner", "n", "late"]
    assert found.members["x"] == Variable("x", 4, "int", "0")
    assert found.members["late"] == Variable("late", 10, "", "0", True)


@pytest.mark.parametrize(
    ("statement", "annotation", "value"),
    [
        ("self.x = Foo()", "", "Foo()"),
        ("self.x: Foo = bar()", "Foo", "bar()"),
        ("self.x = config", "Config", ""),
        ("self.x = config.y.z", "", "Config().y.z"),
        ("self.x = plain", "", ""),
        ("self.x = plain.y", "", ""),
        ("self.x = plain or Foo()", "", "Foo()"),
        ("self.x = plain if plain else Foo()", "", "Foo()"),
        ("plain = plain or Foo()\n        self.x = plain", "", "Foo()"),
        ("self.x = number", "", "0"),
        ("self.x = Foo(plain, config)", "", "Foo(..., Config())"),
        ("self.x = rest", "tuple[int, ...]", ""),
        ("self.x = options", "", "{}"),
        ("self.x = self.y.z", "", "self.y.z"),
        ("local = Foo().bar\n        self.x = local.baz()", "", "Foo().bar.baz()"),
        ("local = plain\n        self.x = local.baz()", "", ""),
        ("with open('secret') as local: self.x = local", "", "open('').__enter__()"),
        ("self.a, self.x = 1, ''", "", "''"),
        ("self.x, self.a = plain", "", ""),
        ("for self.x in range(3): pass", "", "range(0).__iter__().__next__()"),
        ("with Foo() as self.x: pass", "", "Foo().__enter__()"),
        ("self.x += 1", "", "0"),
        ("self.a = self.x = []", "", "[]"),
        ("if plain:\n            self.x = None\n        else:\n            self.x = Foo()", "", "Foo()"),
        ("try: pass\n        except Exception as e: self.x = e", "", "Exception()"),
    ],
)
def test_attributes(statement: str, annotation: str, value: str) -> None:
    text = f"class A:\n    def f(self, plain, config: Config, number=1, *rest: int, **options):\n        {statement}\n"
    found = symbol(text, "A").members["x"]
    assert (found.annotation, found.value, found.on_instance) == (annotation, value, True)


def test_attributes_of_classes() -> None:
    text = """
        class A:
            x = None
            @classmethod
            def f(cls): cls.y = 1
            @staticmethod
            def g(self): self.no = 1
            def h(this):
                this.x = Foo()
                other.no = 1
            def __new__(cls): cls.z = 1
        """
    found = symbol(text, "A").members
    assert found["x"] == Variable("x", 3, "", "Foo()")
    assert found["y"] == Variable("y", 5, "", "0")
    assert not found["z"].on_instance
    assert "no" not in found


@pytest.mark.parametrize(
    ("text", "base", "members"),
    [
        ("A = namedtuple('A', 'x y')", "NamedTuple", {"x": "", "y": ""}),
        ("A = collections.namedtuple('A', ['x', 'y'], defaults=[1])", "NamedTuple", {"x": "", "y": ""}),
        ("A = NamedTuple('A', [('x', int), ('y', 'Foo')])", "NamedTuple", {"x": "int", "y": "Foo"}),
        ("A = TypedDict('A', {'x': int}, total=False)", "TypedDict", {"x": "int"}),
        ("A = Enum('A', 'x, y')", "Enum", {"x": "", "y": ""}),
        ("class A(namedtuple('A', 'x')):\n    y: int", "NamedTuple", {"x": "", "y": "int"}),
    ],
)
def test_classes_that_are_made(text: str, base: str, members: dict[str, str]) -> None:
    found = symbol(text, "A")
    assert found.bases == (base,)
    assert {name: found.members[name].annotation for name in found.members} == members


def test_slots() -> None:
    found = symbol("class A:\n    __slots__ = ('x', 'y')\n    def f(self): self.x = Foo()\n", "A").members
    assert found["x"] == Variable("x", 2, "", "Foo()", True)
    assert found["y"] == Variable("y", 2, "", "", True)


def test_what_is_set_on_a_class_from_outside_is_a_member() -> None:
    module = read("class A:\n    x = 1\n\nA.y = A()\nA.x = ''\nB.z = 1\n")
    found = module.symbols["A"]
    assert found.members["y"] == Variable("y", 4, "", "A()")
    assert found.members["x"].value == "0"
    assert "B" not in module.symbols


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        ("globals().update(names)", True),
        ("globals()['x'] = 1", True),
        ("for name in names:\n    globals()[name] = 1", True),
        ("A.make(globals(), locals())", True),
        ("x = make(vars())", True),
        ("exec(text)", True),
        ("sys.modules[__name__] = Lazy()", True),
        ("sys.modules[__name__].__class__ = Lazy", True),
        ("sys.modules[__name__].__dict__.update(names)", True),
        ("x: int = make(names=globals())", True),
        ("_IntEnum._convert_('Kind', __name__, test)", True),
        ("print(vars(arguments))", False),
        ("x = globals().get('y')", False),
        ("sys.modules['os.path'] = path", False),
        ("x = globals()", False),
        ("def f():\n    return x in globals()", False),
        ("print(x)", False),
    ],
)
def test_a_module_that_gives_itself_names_is_open(text: str, is_open: bool) -> None:
    assert read(text).is_open is is_open


@pytest.mark.parametrize(
    ("text", "exported"),
    [
        ("__all__ = ['a', 'b']", ("a", "b")),
        ("__all__: list[str] = ['a']\n__all__ += ('b', 'a')", ("a", "b")),
        ("__all__ = ['a'] + ['b'] + other.__all__ + ['c']", ("a", "b", "c")),
        ("__all__ = []\n__all__.extend(['a'])\n__all__.append('b')\n__all__ += other.__all__", ("a", "b")),
        ("__all__ = [name for name in dir()]", None),
        ("x = 1", None),
    ],
)
def test_exported(text: str, exported: tuple[str, ...] | None) -> None:
    assert read(text).exported == exported


def test_imports() -> None:
    module = read(
        """
        import a.b, a.c as d
        from .x import y as z
        from .. import w
        from m import *
        def f():
            from late import g
            class Inner:
                def h(self):
                    import later
        """
    )
    assert [(each.name, each.module, each.attribute) for each in module.imports] == [
        ("a", "a", ""),
        ("d", "a.c", ""),
        ("z", ".x", "y"),
        ("w", "..", "w"),
        ("g", "late", "g"),
        ("later", "later", ""),
    ]
    assert module.stars == ("m",)
    assert list(module.symbols) == ["a", "d", "z", "w", "f"]


def local(text: str, before: int | None = None) -> dict[str, Symbol]:
    node = ast.parse(dedent(text)).body[0]
    assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    return locals_of(node, before)


def test_locals_are_what_was_bound_last_before_the_line() -> None:
    text = """\
        def f(a: int, b="x", *args: str, c=None):
            x = Foo()
            x = x.bar(b)
            import os.path
            for i, j in x: pass
            def g(): return 1
            class C: y = 1
            try: pass
            except (A, B) as e: pass
            if (m := match()) is not None: pass
            x = Late()
            d = 1
        """
    found = local(text, 11)
    assert {name: (each.annotation, each.value) for name, each in found.items() if isinstance(each, Variable)} == {
        "a": ("int", ""),
        "b": ("", "''"),
        "args": ("tuple[str, ...]", ""),
        "c": ("", ""),
        "x": ("", "Foo().bar(b)"),
        "i": ("", "x.__iter__().__next__()[0]"),
        "j": ("", "x.__iter__().__next__()[1]"),
        "e": ("", "A() or B()"),
        "m": ("", "match()"),
        "d": ("", "0"),
    }
    assert isinstance(found["os"], Import)
    assert isinstance(found["g"], Function)
    assert isinstance(found["C"], Class)
    assert local(text)["x"].value == "Late()"


def test_locals_keep_what_is_declared() -> None:
    found = local("def f(a: int = None):\n    a = g(a)\n    b: str\n    b = g()\n    c = Foo()\n    c = None\n")
    assert found["a"].annotation == "int"
    assert found["b"].annotation == "str"
    assert found["c"].value == "Foo()"


def test_locals_leave_out_what_is_global() -> None:
    assert list(local("def f():\n    global a\n    a = b = 1\n")) == ["b"]


def test_match_statements_bind() -> None:
    found = local(
        """\
        def f(a):
            match a:
                case Foo(b) as c: pass
                case [d, *e]: pass
                case {"k": g, **h}: pass
        """
    )
    assert set(found) == {"a", "b", "c", "d", "e", "g", "h"}
    assert found["c"].value == "Foo()"


@pytest.mark.parametrize("name", STANDARD)
def test_modules_have_the_names_that_the_interpreter_finds(name: str) -> None:
    real = importlib.import_module(name)
    module = read_source(Path(str(real.__file__)).read_bytes())
    assert module is not None
    submodules = {each for each in vars(real) if f"{name}.{each}" in sys.modules}
    missing = {each for each in vars(real) if not each.startswith("__")} - module.symbols.keys() - submodules
    assert {each for each in missing if not module.stars} - made_at_run_time(real) == set()
    assert module.exported is None or set(real.__all__) >= set(module.exported)
    for each, found in module.symbols.items():
        value = vars(real).get(each)
        if isinstance(found, Class) and isinstance(value, type) and value.__module__ == name:
            inner = {key for key, what in vars(value).items() if getattr(what, "__name__", "") == key}
            assert {key for key in inner if not key.startswith("__")} <= found.members.keys()
        elif isinstance(found, Function) and not found.decorators and is_made_by(value, name, each):
            assert [p.name for p in found.parameters] == list(inspect.signature(value).parameters)


def is_made_by(value: object, module: str, name: str) -> TypeGuard[types.FunctionType]:
    return isinstance(value, types.FunctionType) and (value.__module__, value.__name__) == (module, name)


def made_at_run_time(module: types.ModuleType) -> set[str]:
    """Names that no statement of the source binds."""
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    return {name for name in vars(module) if f"{name} " not in source and f"{name}(" not in source} | {
        status
        for status in vars(module)
        if status.isupper()  # http.client takes them over from an Enum
    }


@pytest.mark.parametrize(
    "text",
    [
        "def f(:",
        "x = '\0'",
        b"# coding: no-such-encoding\nx = 1",
        b"\xff\xfe\x00",
        "(" * 5000,
        "x = " + "-" * 200_000 + "1",
        "x = 1\n" * (LARGEST // 6 + 1),
    ],
)
def test_what_does_not_parse_is_nothing(text: str | bytes) -> None:
    assert read_source(text) is None


def test_bytes_are_decoded_as_python_does() -> None:
    module = read_source("# coding: latin-1\né = 1\n".encode("latin-1"))
    assert list(module.symbols) == ["é"]


def test_a_file_of_many_lines_and_branches() -> None:
    lines = ["if a == 0: v0 = 1"] + [f"elif a == {n}: v{n} = 1" for n in range(1, 900)]
    assert len(read("\n".join(lines)).symbols) == 900
    assert len(read("\n".join(f"v{n} = [{n}]" for n in range(50_000))).symbols) == 50_000


def test_no_text_of_strings_is_kept() -> None:
    module = read(
        """
        x = {"secret": ["secret"], b"secret": f"secret{1}"}
        y: Literal["secret"] = f("secret", key="secret")["secret"]
        @d("secret")
        class A(B["a secret"], key="secret"):
            z = "secret" if w else ("secret",)
            def f(self, a="secret", *, b=["secret"]) -> Literal["secret"]: return "secret" + "secret"
        """
    )
    assert "secret" not in str(module)


def test_names_are_shared() -> None:
    texts = [f"class A:\n    def f(self, long_name_{n % 2}: SomeLongType = None): pass\n" for n in range(4)]
    found = [symbol(text, "A").members["f"] for text in texts]
    assert found[0].parameters[1] is found[2].parameters[1]


def test_damaged_text_never_raises() -> None:
    text = Path(str(sys.modules["random"].__file__)).read_text(encoding="utf-8")
    chance = random.Random(7)
    for _ in range(60):
        start = chance.randrange(len(text))
        read_source(text[: start // 4] + text[start : start + 3000])
