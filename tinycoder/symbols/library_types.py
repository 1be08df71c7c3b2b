"""What the standard library's text does not say of its types: names of ``typing``, type parameters, what is returned.

Type expressions name classes by their full dotted names, type variables by the names of ``PARAMETERS``.
"""

from __future__ import annotations

TYPING = frozenset({"typing", "typing_extensions"})
ABSTRACT = "collections.abc"

BUILTIN_FORMS = {
    "List": "builtins.list",
    "Dict": "builtins.dict",
    "Set": "builtins.set",
    "FrozenSet": "builtins.frozenset",
    "Tuple": "builtins.tuple",
    "Type": "builtins.type",
    "Text": "builtins.str",
    "Deque": "collections.deque",
    "DefaultDict": "collections.defaultdict",
    "OrderedDict": "collections.OrderedDict",
    "Counter": "collections.Counter",
    "ChainMap": "collections.ChainMap",
    "ContextManager": "contextlib.AbstractContextManager",
    "AsyncContextManager": "contextlib.AbstractAsyncContextManager",
    "Pattern": "re.Pattern",
    "Match": "re.Match",
}
"""Names of ``typing`` for classes that stand elsewhere."""

PARAMETERS = {
    **dict.fromkeys(("Iterable", "Iterator", "Container", "Collection", "Reversible", "Sequence"), ("T",)),
    **dict.fromkeys(("MutableSequence", "Set", "MutableSet", "KeysView", "ValuesView"), ("T",)),
    **dict.fromkeys(("Awaitable", "AsyncIterable", "AsyncIterator"), ("T",)),
    **dict.fromkeys(("Mapping", "MutableMapping", "ItemsView"), ("K", "V")),
    "Generator": ("T", "S", "R"),
    "AsyncGenerator": ("T", "S"),
    "Coroutine": ("Y", "S", "T"),
}
"""Type parameters of the classes of ``collections.abc``."""

LIBRARY_PARAMETERS = {
    "contextlib.AbstractContextManager": ("T",),
    "contextlib.AbstractAsyncContextManager": ("T",),
    "contextlib._GeneratorContextManager": ("T",),
    "contextlib._AsyncGeneratorContextManager": ("T",),
    "collections.OrderedDict": ("K", "V"),
    "collections.defaultdict": ("K", "V"),
    "collections.ChainMap": ("K", "V"),
    "collections.Counter": ("K",),
    "collections.deque": ("T",),
    "_collections.OrderedDict": ("K", "V"),
    "_collections.defaultdict": ("K", "V"),
    "_collections.deque": ("T",),
    "queue.Queue": ("T",),
    "asyncio.queues.Queue": ("T",),
    "asyncio.futures.Future": ("T",),
    "asyncio.tasks.Task": ("T",),
    "concurrent.futures._base.Future": ("T",),
    "weakref.WeakValueDictionary": ("K", "V"),
    "weakref.WeakKeyDictionary": ("K", "V"),
    "weakref.WeakSet": ("T",),
    "_weakrefset.WeakSet": ("T",),
}

_ABSTRACT_RETURNS = {
    "Iterable.__iter__": "collections.abc.Iterator[T]",
    "Iterator.__iter__": "collections.abc.Iterator[T]",
    "Iterator.__next__": "T",
    "Generator.__next__": "T",
    "Generator.__iter__": "collections.abc.Iterator[T]",
    "Generator.send": "T",
    "Reversible.__reversed__": "collections.abc.Iterator[T]",
    "Sequence.__getitem__": "T",
    "Sequence.__iter__": "collections.abc.Iterator[T]",
    "Sequence.__reversed__": "collections.abc.Iterator[T]",
    "Sequence.index": "int",
    "Sequence.count": "int",
    "MutableSequence.pop": "T",
    "MutableSet.pop": "T",
    "Mapping.__getitem__": "V",
    "Mapping.__iter__": "collections.abc.Iterator[K]",
    "Mapping.get": "V",
    "Mapping.keys": "collections.abc.KeysView[K]",
    "Mapping.values": "collections.abc.ValuesView[V]",
    "Mapping.items": "collections.abc.ItemsView[K, V]",
    "MutableMapping.pop": "V",
    "MutableMapping.popitem": "tuple[K, V]",
    "MutableMapping.setdefault": "V",
    "KeysView.__iter__": "collections.abc.Iterator[T]",
    "ValuesView.__iter__": "collections.abc.Iterator[T]",
    "ItemsView.__iter__": "collections.abc.Iterator[tuple[K, V]]",
    "Awaitable.__await__": "collections.abc.Generator[object, object, T]",
    "Coroutine.__await__": "collections.abc.Generator[object, object, T]",
    "AsyncIterable.__aiter__": "collections.abc.AsyncIterator[T]",
    "AsyncIterator.__aiter__": "collections.abc.AsyncIterator[T]",
    "AsyncIterator.__anext__": "T",
    "AsyncGenerator.__anext__": "T",
}

_PATH_RETURNS = {
    **dict.fromkeys(("parent", "__truediv__", "__rtruediv__", "joinpath", "relative_to"), "Self"),
    **dict.fromkeys(("with_name", "with_suffix", "with_stem", "with_segments"), "Self"),
    **dict.fromkeys(("absolute", "resolve", "expanduser", "readlink", "rename", "replace", "cwd", "home"), "Self"),
    **dict.fromkeys(("iterdir", "glob", "rglob"), "collections.abc.Iterator[Self]"),
    **dict.fromkeys(("name", "stem", "suffix", "anchor", "drive", "root", "as_posix", "as_uri"), "str"),
    **dict.fromkeys(("__str__", "read_text", "owner", "group"), "str"),
    **dict.fromkeys(("suffixes",), "list[str]"),
    **dict.fromkeys(("parts",), "tuple[str, ...]"),
    **dict.fromkeys(("parents",), "collections.abc.Sequence[Self]"),
    **dict.fromkeys(("read_bytes",), "bytes"),
    **dict.fromkeys(("write_text", "write_bytes"), "int"),
    **dict.fromkeys(("exists", "is_file", "is_dir", "is_symlink", "is_mount", "is_absolute", "match"), "bool"),
    **dict.fromkeys(("samefile", "is_socket", "is_fifo", "is_relative_to", "is_reserved"), "bool"),
    **dict.fromkeys(("stat", "lstat"), "os.stat_result"),
    "open": "io.TextIOWrapper",
}

RETURNS = {
    **{f"collections.abc.{name}": text for name, text in _ABSTRACT_RETURNS.items()},
    **{f"_collections_abc.{name}": text for name, text in _ABSTRACT_RETURNS.items()},
    **{
        f"{module}.{kind}.{name}": text
        for module in ("pathlib", "pathlib._local", "pathlib._abc", "pathlib.types")
        for kind in ("PurePath", "Path", "PurePathBase", "PathBase")
        for name, text in _PATH_RETURNS.items()
    },
    "io.open": "io.TextIOWrapper",
    "builtins.open": "io.TextIOWrapper",
    "os.fdopen": "io.TextIOWrapper",
    "os.walk": "collections.abc.Iterator[tuple[str, list[str], list[str]]]",
    "os.listdir": "list[str]",
    "os.scandir": "collections.abc.Iterator[os.DirEntry]",
    "os.stat": "os.stat_result",
    "os.getcwd": "str",
    "os.getenv": "str",
    "os.fspath": "str",
    **{
        f"{module}.{name}": "str"
        for module in ("os.path", "posixpath", "ntpath", "genericpath")
        for name in [
            "join",
            "basename",
            "dirname",
            "abspath",
            "realpath",
            "normpath",
            "normcase",
            "expanduser",
            "expandvars",
            "relpath",
        ]
    },
    **{
        f"{module}.{name}": "bool"
        for module in ("os.path", "posixpath", "ntpath", "genericpath")
        for name in ["exists", "isfile", "isdir", "islink", "isabs", "ismount", "lexists", "samefile"]
    },
    **{f"{module}.split": "tuple[str, str]" for module in ("os.path", "posixpath", "ntpath")},
    **{f"{module}.splitext": "tuple[str, str]" for module in ("os.path", "posixpath", "ntpath")},
    "re.compile": "re.Pattern",
    "re.match": "re.Match",
    "re.search": "re.Match",
    "re.fullmatch": "re.Match",
    "re.finditer": "collections.abc.Iterator[re.Match]",
    "re.findall": "list[str]",
    "re.split": "list[str]",
    "re.sub": "str",
    "re.escape": "str",
    "re.Pattern.match": "re.Match",
    "re.Pattern.search": "re.Match",
    "re.Pattern.fullmatch": "re.Match",
    "re.Pattern.finditer": "collections.abc.Iterator[re.Match]",
    "re.Pattern.findall": "list[str]",
    "re.Pattern.split": "list[str]",
    "re.Pattern.sub": "str",
    "re.Match.group": "str",
    "re.Match.groups": "tuple[str, ...]",
    "re.Match.groupdict": "dict[str, str]",
    "re.Match.start": "int",
    "re.Match.end": "int",
    "re.Match.span": "tuple[int, int]",
    "logging.getLogger": "logging.Logger",
    "logging.Logger.getChild": "logging.Logger",
    "logging.root": "logging.RootLogger",
    "argparse.ArgumentParser.parse_args": "argparse.Namespace",
    "argparse.ArgumentParser.parse_known_args": "tuple[argparse.Namespace, list[str]]",
    "argparse.ArgumentParser.add_subparsers": "argparse._SubParsersAction",
    "argparse._SubParsersAction.add_parser": "argparse.ArgumentParser",
    "argparse._ActionsContainer.add_argument": "argparse.Action",
    "argparse._ActionsContainer.add_argument_group": "argparse._ArgumentGroup",
    "argparse._ActionsContainer.add_mutually_exclusive_group": "argparse._MutuallyExclusiveGroup",
    "subprocess.run": "subprocess.CompletedProcess",
    "subprocess.check_output": "bytes",
    "subprocess.Popen.communicate": "tuple[bytes, bytes]",
    "subprocess.Popen.wait": "int",
    "subprocess.Popen.__enter__": "Self",
    **{
        f"{module}.datetime.{name}": "Self"
        for module in ("datetime", "_pydatetime")
        for name in [
            "now",
            "utcnow",
            "today",
            "fromtimestamp",
            "utcfromtimestamp",
            "fromisoformat",
            "strptime",
            "combine",
            "astimezone",
        ]
    },
    **{
        f"{module}.{kind}.{name}": text
        for module in ("datetime", "_pydatetime")
        for kind in ("datetime", "date", "time")
        for name, text in {"isoformat": "str", "strftime": "str", "replace": "Self", "__add__": "Self"}.items()
    },
    **{f"{module}.datetime.date": "datetime.date" for module in ("datetime", "_pydatetime")},
    **{f"{module}.datetime.time": "datetime.time" for module in ("datetime", "_pydatetime")},
    **{f"{module}.datetime.timestamp": "float" for module in ("datetime", "_pydatetime")},
    **{f"{module}.datetime.__sub__": "datetime.timedelta" for module in ("datetime", "_pydatetime")},
    **{f"{module}.timedelta.total_seconds": "float" for module in ("datetime", "_pydatetime")},
    **{f"{module}.date.today": "Self" for module in ("datetime", "_pydatetime")},
    "threading.current_thread": "threading.Thread",
    "threading.Lock": "threading.Lock",
    "asyncio.create_task": "asyncio.Task",
    "asyncio.tasks.create_task": "asyncio.Task",
    "asyncio.get_event_loop": "asyncio.AbstractEventLoop",
    "asyncio.events.get_event_loop": "asyncio.AbstractEventLoop",
    "asyncio.get_running_loop": "asyncio.AbstractEventLoop",
    "asyncio.events.get_running_loop": "asyncio.AbstractEventLoop",
    "asyncio.events.new_event_loop": "asyncio.AbstractEventLoop",
    "inspect.signature": "inspect.Signature",
    "importlib.import_module": "types.ModuleType",
    "json.dumps": "str",
    "shutil.which": "str",
    "tempfile.mkdtemp": "str",
    "tempfile.gettempdir": "str",
    "tempfile.NamedTemporaryFile": "tempfile._TemporaryFileWrapper",
    "tempfile.TemporaryDirectory.__enter__": "str",
    "sqlite3.connect": "sqlite3.Connection",
    "socket.create_connection": "socket.socket",
    "urllib.request.urlopen": "http.client.HTTPResponse",
    "urllib.parse.urlparse": "urllib.parse.ParseResult",
    "urllib.parse.urlsplit": "urllib.parse.SplitResult",
    "xml.etree.ElementTree.parse": "xml.etree.ElementTree.ElementTree",
    "xml.etree.ElementTree.fromstring": "xml.etree.ElementTree.Element",
    "xml.etree.ElementTree.ElementTree.getroot": "xml.etree.ElementTree.Element",
    "csv.reader": "collections.abc.Iterator[list[str]]",
    "csv.DictReader.__next__": "dict[str, str]",
    "csv.DictReader.__iter__": "collections.abc.Iterator[dict[str, str]]",
    "configparser.RawConfigParser.get": "str",
    "configparser.RawConfigParser.__getitem__": "configparser.SectionProxy",
    "configparser.RawConfigParser.sections": "list[str]",
    "uuid.uuid4": "uuid.UUID",
    "uuid.uuid1": "uuid.UUID",
    "time.time": "float",
    "time.monotonic": "float",
    "time.perf_counter": "float",
    "copy.copy": "ARGUMENT",
    "copy.deepcopy": "ARGUMENT",
    "enum.Enum.name": "str",
    "concurrent.futures._base.Executor.submit": "concurrent.futures.Future",
    "concurrent.futures._base.Executor.__enter__": "Self",
    "collections.OrderedDict.items": "collections.abc.ItemsView[K, V]",
    "collections.OrderedDict.values": "collections.abc.ValuesView[V]",
    "collections.OrderedDict.keys": "collections.abc.KeysView[K]",
    "collections.Counter.most_common": "list[tuple[K, int]]",
    "queue.Queue.get": "T",
    "queue.Queue.get_nowait": "T",
}
"""Return types of functions and methods, types of properties and of variables, where the text has no annotation."""


def abstract(qualified: str) -> str:
    """The name within ``collections.abc`` of a class that stands there, under either of the module's names."""
    for module in ("collections.abc.", "_collections_abc.", "typing.", "typing_extensions."):
        if qualified.startswith(module) and qualified[len(module) :] in PARAMETERS:
            return qualified[len(module) :]
    return ""


def parameters(qualified: str) -> tuple[str, ...] | None:
    """Type parameters of a class, where they are known without its bases."""
    name = abstract(qualified)
    return PARAMETERS[name] if name else LIBRARY_PARAMETERS.get(qualified)
