import pytest

from tinycoder.symbols.interpreter import own_library
from tinycoder.symbols.library import Library
from tinycoder.symbols.modules import LIBRARY
from tinycoder.symbols.records import Class, Function


@pytest.fixture(scope="module")
def library() -> Library:
    return Library(own_library())


def record(library: Library, name: str):
    source = library.find(name)
    assert source is not None, name
    assert source.origin == LIBRARY
    return library.record(source)


def member(library: Library, module: str, owner: str, name: str) -> Function:
    kind = record(library, module).symbols[owner]
    found = kind.members[name]
    assert isinstance(found, Function)
    return found


def test_modules_with_and_without_source(library):
    assert "loads" in record(library, "json").symbols
    assert "join" in record(library, "os.path").symbols
    assert "Mapping" in record(library, "collections.abc").symbols
    assert "sqrt" in record(library, "math").symbols
    assert "argv" in record(library, "sys").symbols
    assert library.submodules("os") == ("path",)
    assert set(library.submodules("json")) >= {"decoder", "encoder"}
    assert library.find("numpy") is None
    assert library.find("json.missing") is None


def test_top_level_has_what_a_person_imports(library):
    names = library.top_level()
    assert {
        "os",
        "sys",
        "builtins",
        "json",
        "asyncio",
        "math",
        "__future__",
        "tomllib",
    } <= set(names)
    assert not {"site-packages", "site_packages", "__pycache__", "test", "_testcapi"} & set(names)


@pytest.mark.parametrize(
    ("owner", "name", "returns"),
    [
        ("str", "split", "list[str]"),
        ("str", "encode", "bytes"),
        ("dict", "items", "ItemsView[K, V]"),
        ("dict", "get", "V"),
        ("list", "pop", "T"),
        ("list", "__iter__", "Iterator[T]"),
        ("int", "bit_length", "int"),
    ],
)
def test_what_methods_of_builtins_return(library, owner, name, returns):
    assert member(library, "builtins", owner, name).returns == returns


def test_parameters_of_builtins(library):
    split = member(library, "builtins", "str", "split")
    assert [parameter.name for parameter in split.parameters] == ["self", "sep", "maxsplit"]
    sorting = record(library, "builtins").symbols["sorted"]
    assert [parameter.name for parameter in sorting.parameters] == ["iterable", "key", "reverse"]
    assert [parameter.name for parameter in member(library, "builtins", "dict", "items").parameters] == ["self"]


def test_bases_and_exceptions(library):
    symbols = record(library, "builtins").symbols
    assert isinstance(symbols["dict"], Class)
    assert symbols["dict"].bases == ("Generic[K, V]",)
    assert isinstance(symbols["FileNotFoundError"], Class)
    assert symbols["FileNotFoundError"].bases == ("OSError",)


def test_every_builtin_is_there(library):
    import builtins

    exported = set(record(library, "builtins").exported or ())
    assert {name for name in dir(builtins) if not name.startswith("_")} <= exported


def test_classes_that_exist_only_compiled(library):
    assert member(library, "re", "Match", "group").returns == "str"
    assert member(library, "_io", "TextIOWrapper", "readlines").returns == "list[str]"
    assert isinstance(record(library, "types").symbols["FunctionType"], Class)


def test_names_used_in_annotations_exist(library):
    for module in ("builtins", "_io", "_collections"):
        symbols = record(library, module).symbols
        builtins = record(library, "builtins").symbols
        for symbol in symbols.values():
            for found in symbol.members.values() if isinstance(symbol, Class) else ():
                if isinstance(found, Function) and found.returns:
                    words = found.returns.replace("[", " ").replace("]", " ").replace(",", " ").split()
                    known = {*symbols, *builtins, "T", "K", "V", "Self", "...", "None"}
                    assert set(words) <= known, (symbol.name, found.name, found.returns)


def test_the_library_of_another_version(tmp_path):
    (tmp_path / "newmodule.py").write_text("def brand_new[T](x: T) -> T: ...\n", encoding="utf-8")
    (tmp_path / "site-packages").mkdir()
    other = Library(tmp_path)
    source = other.find("newmodule")
    assert source is not None
    assert "brand_new" in other.record(source).symbols
    assert other.find("json") is None
    assert other.find("sys") is not None
    assert "newmodule" in other.top_level()


def test_a_missing_library_has_what_is_compiled(tmp_path):
    empty = Library(tmp_path / "missing")
    assert empty.find("os") is None
    assert "builtins" in empty.top_level()
