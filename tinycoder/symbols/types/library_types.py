"""What the standard library's text does not say of its types: names of ``typing``, type parameters, what is returned.

Type expressions name classes by their full dotted names, type variables by the names of ``PARAMETERS``.
"""

from __future__ import annotations

TYPING = frozenset({"typing", "typing_extensions"})

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


def _table(owners: str, returns: dict[str, str]) -> dict[str, str]:
    """Of names by what they return: what each returns, in each of the ``owners``."""
    return {
        f"{owner}.{name}": text for owner in owners.split() for text, names in returns.items() for name in names.split()
    }


_ITERATOR = "collections.abc.Iterator"
_PATHS = "os.path posixpath ntpath genericpath"

RETURNS = {
    **_table(
        "collections.abc _collections_abc",
        {
            f"{_ITERATOR}[T]": "Iterable.__iter__ Iterator.__iter__ Generator.__iter__ Reversible.__reversed__ "
            "Sequence.__iter__ Sequence.__reversed__ KeysView.__iter__ ValuesView.__iter__",
            "T": "Iterator.__next__ Generator.__next__ Generator.send Sequence.__getitem__ MutableSequence.pop "
            "MutableSet.pop AsyncIterator.__anext__ AsyncGenerator.__anext__",
            "int": "Sequence.index Sequence.count",
            "V": "Mapping.__getitem__ Mapping.get MutableMapping.pop MutableMapping.setdefault",
            f"{_ITERATOR}[K]": "Mapping.__iter__",
            "collections.abc.KeysView[K]": "Mapping.keys",
            "collections.abc.ValuesView[V]": "Mapping.values",
            "collections.abc.ItemsView[K, V]": "Mapping.items",
            "tuple[K, V]": "MutableMapping.popitem",
            f"{_ITERATOR}[tuple[K, V]]": "ItemsView.__iter__",
            "collections.abc.Generator[object, object, T]": "Awaitable.__await__ Coroutine.__await__",
            "collections.abc.AsyncIterator[T]": "AsyncIterable.__aiter__ AsyncIterator.__aiter__",
        },
    ),
    **_table(
        "pathlib.PurePath pathlib.Path pathlib._local.PurePath pathlib._local.Path pathlib._abc.PurePathBase "
        "pathlib._abc.PathBase pathlib.types._JoinablePath pathlib.types._ReadablePath pathlib.types._WritablePath",
        {
            "Self": "parent __truediv__ __rtruediv__ joinpath relative_to with_name with_suffix with_stem "
            "with_segments absolute resolve expanduser readlink rename replace cwd home",
            f"{_ITERATOR}[Self]": "iterdir glob rglob",
            "str": "name stem suffix anchor drive root as_posix as_uri __str__ read_text owner group",
            "list[str]": "suffixes",
            "tuple[str, ...]": "parts",
            "collections.abc.Sequence[Self]": "parents",
            "bytes": "read_bytes",
            "int": "write_text write_bytes",
            "bool": "exists is_file is_dir is_symlink is_mount is_absolute match samefile is_socket is_fifo "
            "is_relative_to is_reserved",
            "os.stat_result": "stat lstat",
            "io.TextIOWrapper": "open",
        },
    ),
    **_table("io builtins", {"io.TextIOWrapper": "open"}),
    **_table(
        "os posix nt",
        {
            "io.TextIOWrapper": "fdopen",
            f"{_ITERATOR}[tuple[str, list[str], list[str]]]": "walk",
            "list[str]": "listdir",
            f"{_ITERATOR}[os.DirEntry]": "scandir",
            "os.stat_result": "stat lstat fstat",
            "str": "getcwd getenv fspath _Environ.__getitem__ _Environ.get _Environ.pop _Environ.setdefault",
            f"{_ITERATOR}[str]": "_Environ.__iter__",
            "collections.abc.ItemsView[str, str]": "_Environ.items",
            "dict[str, str]": "_Environ.copy",
        },
    ),
    **_table(
        _PATHS,
        {
            "str": "join basename dirname abspath realpath normpath normcase expanduser expandvars relpath commonpath",
            "bool": "exists isfile isdir islink isabs ismount lexists samefile",
            "tuple[str, str]": "split splitext splitdrive",
            "float": "getmtime getatime getctime",
            "int": "getsize",
        },
    ),
    **_table("re", {"re.Pattern": "compile", "re.Match": "match search fullmatch", "str": "sub escape"}),
    **_table("re re.Pattern", {"list[str]": "findall split", f"{_ITERATOR}[re.Match]": "finditer"}),
    **_table("re.Pattern", {"re.Match": "match search fullmatch", "str": "sub"}),
    **_table("re.Match", {"str": "group", "tuple[str, ...]": "groups", "dict[str, str]": "groupdict"}),
    **_table("logging", {"logging.Logger": "getLogger Logger.getChild", "logging.RootLogger": "root"}),
    **_table(
        "argparse",
        {
            "argparse.Namespace": "ArgumentParser.parse_args",
            "tuple[argparse.Namespace, list[str]]": "ArgumentParser.parse_known_args",
            "argparse._SubParsersAction": "ArgumentParser.add_subparsers",
            "argparse.ArgumentParser": "_SubParsersAction.add_parser",
            "argparse.Action": "_ActionsContainer.add_argument",
            "argparse._ArgumentGroup": "_ActionsContainer.add_argument_group",
            "argparse._MutuallyExclusiveGroup": "_ActionsContainer.add_mutually_exclusive_group",
        },
    ),
    **_table(
        "subprocess",
        {
            "subprocess.CompletedProcess": "run",
            "tuple[bytes, bytes]": "Popen.communicate",
            "int": "Popen.wait call check_call",
            "Self": "Popen.__enter__",
        },
    ),
    **_table(
        "datetime _pydatetime",
        {
            "Self": "datetime.now datetime.utcnow datetime.today datetime.fromtimestamp datetime.utcfromtimestamp "
            "datetime.fromisoformat datetime.strptime datetime.combine datetime.astimezone datetime.replace "
            "datetime.__add__ date.today date.replace date.__add__ date.fromisoformat time.replace time.fromisoformat",
            "str": "datetime.isoformat datetime.strftime date.isoformat date.strftime time.isoformat time.strftime",
            "datetime.date": "datetime.date",
            "datetime.time": "datetime.time",
            "datetime.timedelta": "datetime.__sub__ date.__sub__",
            "float": "datetime.timestamp timedelta.total_seconds",
        },
    ),
    **_table("contextlib.AbstractContextManager", {"T": "__enter__"}),
    **_table("contextlib.AbstractAsyncContextManager", {"T": "__aenter__"}),
    **_table("threading", {"threading.Thread": "current_thread main_thread", "bool": "Lock.acquire RLock.acquire"}),
    **_table("asyncio asyncio.tasks", {"asyncio.Task": "create_task ensure_future"}),
    **_table("asyncio asyncio.events", {"asyncio.AbstractEventLoop": "get_event_loop get_running_loop new_event_loop"}),
    **_table("concurrent.futures._base.Executor", {"concurrent.futures.Future": "submit", "Self": "__enter__"}),
    **_table("inspect", {"inspect.Signature": "signature", "str": "getsource getdoc cleandoc"}),
    **_table("json", {"str": "dumps"}),
    **_table("shutil", {"str": "which copy copy2 copyfile move make_archive"}),
    **_table("tempfile", {"str": "mkdtemp gettempdir TemporaryDirectory.__enter__", "tuple[int, str]": "mkstemp"}),
    **_table("tempfile", {"tempfile._TemporaryFileWrapper": "NamedTemporaryFile"}),
    **_table("urllib.request", {"http.client.HTTPResponse": "urlopen"}),
    **_table("urllib.parse", {"urllib.parse.ParseResult": "urlparse", "urllib.parse.SplitResult": "urlsplit"}),
    **_table("urllib.parse", {"str": "urljoin quote unquote quote_plus unquote_plus urlencode urlunparse urlunsplit"}),
    **_table(
        "xml.etree.ElementTree",
        {
            "xml.etree.ElementTree.ElementTree": "parse",
            "xml.etree.ElementTree.Element": "fromstring XML SubElement ElementTree.getroot Element.find",
            "list[xml.etree.ElementTree.Element]": "Element.findall",
        },
    ),
    **_table("csv", {f"{_ITERATOR}[list[str]]": "reader", "dict[str, str]": "DictReader.__next__"}),
    **_table("csv", {f"{_ITERATOR}[dict[str, str]]": "DictReader.__iter__"}),
    **_table(
        "configparser",
        {
            "str": "RawConfigParser.get SectionProxy.get SectionProxy.__getitem__",
            "configparser.SectionProxy": "RawConfigParser.__getitem__",
            "list[str]": "RawConfigParser.sections RawConfigParser.options",
        },
    ),
    **_table("uuid", {"uuid.UUID": "uuid1 uuid3 uuid4 uuid5"}),
    **_table("time", {"float": "time monotonic perf_counter process_time"}),
    **_table("collections", {"list[tuple[K, int]]": "Counter.most_common", f"{_ITERATOR}[K]": "Counter.elements"}),
    **_table(
        "collections.OrderedDict",
        {
            "collections.abc.ItemsView[K, V]": "items",
            "collections.abc.ValuesView[V]": "values",
            "collections.abc.KeysView[K]": "keys",
        },
    ),
    **_table("queue.Queue asyncio.queues.Queue", {"T": "get get_nowait"}),
    **_table("concurrent.futures._base.Future asyncio.futures.Future asyncio.tasks.Task", {"T": "result"}),
    **_table("socket", {"socket.socket": "create_connection socket.dup"}),
    **_table("sqlite3 sqlite3.dbapi2", {"sqlite3.Connection": "connect"}),
    **_table("importlib", {"types.ModuleType": "import_module reload"}),
    **_table("textwrap", {"str": "dedent indent fill shorten", "list[str]": "wrap"}),
    **_table("random random.Random", {"int": "randint randrange getrandbits", "float": "random uniform gauss"}),
    **_table("string string.Template", {"str": "capwords substitute safe_substitute"}),
    **_table("platform", {"str": "system machine node release version python_version platform"}),
    **_table("getpass", {"str": "getpass getuser"}),
    **_table("gettext", {"str": "gettext ngettext pgettext npgettext dgettext dngettext"}),
    **_table("html", {"str": "escape unescape"}),
    **_table("traceback", {"str": "format_exc", "list[str]": "format_exception format_tb format_stack"}),
    **_table("hashlib", {"_hashlib.HASH": "md5 sha1 sha224 sha256 sha384 sha512 new"}),
}
"""Return types of functions and methods, types of properties and of variables, where the text has no annotation."""


def abstract(qualified: str) -> str:
    """The name within ``collections.abc`` of a class that is there, under either of the module's names."""
    for module in ("collections.abc.", "_collections_abc.", "typing.", "typing_extensions."):
        if qualified.startswith(module) and qualified[len(module) :] in PARAMETERS:
            return qualified[len(module) :]
    return ""


def parameters(qualified: str) -> tuple[str, ...] | None:
    """Type parameters of a class, where they are known without its bases."""
    name = abstract(qualified)
    return PARAMETERS[name] if name else LIBRARY_PARAMETERS.get(qualified)
