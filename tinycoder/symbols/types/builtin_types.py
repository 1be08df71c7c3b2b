"""What builtins and compiled modules return, and the parameters of their types: ``T``, ``K`` and ``V``.

Their own text does not say it. ``METHODS`` has, for a class, the methods and attributes by what they give.
"""

from __future__ import annotations

HELPERS = {
    "Generic": ("typing", "Generic"),
    **{
        name: ("collections.abc", name)
        for name in ("Callable", "Iterable", "Iterator", "ItemsView", "KeysView", "Mapping", "ValuesView")
    },
    "TextIOWrapper": ("_io", "TextIOWrapper"),
}
"""Names that the annotations below use, with the module and name that they stand for."""

BASES = {
    "builtins.object": (),
    "builtins.bool": ("int",),
    **{
        f"builtins.{name}": ("Generic[T]",)
        for name in (
            *("list", "set", "frozenset", "tuple", "enumerate", "zip", "map", "filter", "reversed", "type"),
            *("classmethod", "staticmethod", "memoryview"),
        )
    },
    "builtins.type": (),
    "builtins.memoryview": (),
    "builtins.classmethod": (),
    "builtins.staticmethod": (),
    "builtins.dict": ("Generic[K, V]",),
    "_collections.deque": ("Generic[T]",),
    "_collections.defaultdict": ("dict[K, V]",),
    "_collections.OrderedDict": ("dict[K, V]",),
}

_TEXT = {
    "{S}": "capitalize casefold center expandtabs format format_map join ljust lower lstrip removeprefix removesuffix "
    "replace rjust rstrip strip swapcase title translate upper zfill __add__ __mul__ __rmul__ __mod__ __getitem__",
    "list[{S}]": "split rsplit splitlines",
    "tuple[{S}, {S}, {S}]": "partition rpartition",
    "bool": "endswith startswith isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric isprintable "
    "isspace istitle isupper __contains__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__",
    "int": "count find index rfind rindex __len__ __hash__",
}
_NUMBER = {
    "{S}": "__add__ __sub__ __mul__ __neg__ __pos__ __abs__ __mod__ __pow__ __floordiv__ __radd__ __rsub__ __rmul__ "
    "conjugate real imag",
    "bool": "__bool__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__ is_integer",
    "int": "__int__ __trunc__ __round__ __floor__ __ceil__ __hash__",
    "float": "__float__ __truediv__ __rtruediv__",
}
_SET = {
    "Iterator[T]": "__iter__",
    "{S}": "copy difference intersection symmetric_difference union __and__ __or__ __sub__ __xor__",
    "bool": "isdisjoint issubset issuperset __contains__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__",
    "int": "__len__",
}
_ITERATOR = {"T": "__next__", "Iterator[T]": "__iter__"}
_LINES = {
    "{S}": "read readline __next__",
    "list[{S}]": "readlines",
    "Self": "__enter__ __iter__",
    "bool": "closed isatty readable seekable writable",
    "int": "fileno seek tell truncate write",
    "None": "close flush writelines __exit__",
}


def _of(table: dict[str, str], kind: str, **more: str) -> dict[str, str]:
    expanded = {annotation.replace("{S}", kind): names for annotation, names in table.items()}
    for annotation, names in more.items():
        expanded[annotation] = f"{expanded.get(annotation, '')} {names}".strip()
    return expanded


METHODS: dict[str, dict[str, str]] = {
    "builtins.object": {
        "str": "__str__ __repr__ __format__ __doc__ __module__",
        "bool": "__eq__ __ne__",
        "int": "__hash__ __sizeof__",
        "dict[str, object]": "__dict__",
        "type": "__class__",
        "list[str]": "__dir__",
    },
    "builtins.str": {
        **_of(_TEXT, "str"),
        "bytes": "encode",
        "Iterator[str]": "__iter__",
        "dict[int, str]": "maketrans",
    },
    "builtins.bytes": {
        **_of({**_TEXT, "{S}": _TEXT["{S}"].replace(" __getitem__", "")}, "bytes"),
        "str": "decode hex",
        "Iterator[int]": "__iter__",
        "bytes": "fromhex maketrans " + _TEXT["{S}"].replace(" __getitem__", ""),
    },
    "builtins.bytearray": {
        **_of({**_TEXT, "{S}": _TEXT["{S}"].replace(" __getitem__", "")}, "bytearray", bytearray="copy fromhex"),
        "str": "decode hex",
        "Iterator[int]": "__iter__",
        "int": "pop count find index rfind rindex __len__",
        "None": "append clear extend insert remove reverse",
    },
    "builtins.int": {
        **_of(
            _NUMBER,
            "int",
            int="bit_length bit_count numerator denominator from_bytes __and__ __or__ __xor__ "
            "__lshift__ __rshift__ __invert__ __index__ __int__ __trunc__ __round__ __floor__ __ceil__ __hash__",
        ),
        "bytes": "to_bytes",
        "tuple[int, int]": "as_integer_ratio __divmod__",
    },
    "builtins.float": {
        **_of(_NUMBER, "float", float="__float__ __truediv__ __rtruediv__ fromhex"),
        "str": "hex",
        "tuple[int, int]": "as_integer_ratio",
    },
    "builtins.complex": {
        "complex": "conjugate __add__ __sub__ __mul__ __truediv__ __neg__ __pow__",
        "float": "real imag __abs__",
    },
    "builtins.list": {
        "T": "pop __getitem__",
        "Iterator[T]": "__iter__ __reversed__",
        "list[T]": "copy __add__ __mul__ __rmul__ __iadd__",
        "int": "count index __len__",
        "bool": "__contains__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__",
        "None": "append clear extend insert remove reverse sort",
    },
    "builtins.tuple": {
        "T": "__getitem__",
        "Iterator[T]": "__iter__",
        "tuple[T, ...]": "__add__ __mul__ __rmul__",
        "int": "count index __len__",
        "bool": "__contains__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__",
    },
    "builtins.set": {
        **_of(_SET, "set[T]"),
        "T": "pop",
        "None": "add clear discard remove update difference_update intersection_update symmetric_difference_update",
    },
    "builtins.frozenset": _of(_SET, "frozenset[T]"),
    "builtins.dict": {
        "V": "get pop setdefault __getitem__",
        "tuple[K, V]": "popitem",
        "ItemsView[K, V]": "items",
        "KeysView[K]": "keys",
        "ValuesView[V]": "values",
        "Iterator[K]": "__iter__ __reversed__",
        "dict[K, V]": "copy fromkeys __or__ __ior__",
        "int": "__len__",
        "bool": "__contains__ __eq__ __ne__",
        "None": "clear update",
    },
    "builtins.range": {
        "Iterator[int]": "__iter__ __reversed__",
        "int": "start stop step count index __len__ __getitem__",
        "bool": "__contains__",
    },
    "builtins.slice": {"tuple[int, int, int]": "indices"},
    "builtins.enumerate": {"tuple[int, T]": "__next__", "Iterator[tuple[int, T]]": "__iter__"},
    "builtins.zip": _ITERATOR,
    "builtins.map": _ITERATOR,
    "builtins.filter": _ITERATOR,
    "builtins.reversed": _ITERATOR,
    "builtins.type": {
        "str": "__name__ __qualname__ __module__",
        "tuple[type, ...]": "__bases__ __mro__",
        "list[type]": "mro __subclasses__",
        "type": "__base__",
    },
    "builtins.memoryview": {
        "bytes": "tobytes",
        "list[int]": "tolist",
        "str": "hex format",
        "int": "nbytes itemsize ndim",
        "memoryview": "cast toreadonly __enter__",
        "Iterator[int]": "__iter__",
        "bool": "contiguous readonly",
    },
    "builtins.BaseException": {
        "tuple[object, ...]": "args",
        "Self": "with_traceback __new__",
        "None": "add_note",
        "BaseException": "__cause__ __context__",
        "list[str]": "__notes__",
    },
    "builtins.OSError": {"int": "errno characters_written", "str": "strerror filename filename2"},
    "builtins.ImportError": {"str": "name path msg"},
    "builtins.SyntaxError": {"str": "msg filename text", "int": "lineno offset end_lineno end_offset"},
    "builtins.UnicodeDecodeError": {"str": "encoding reason", "bytes": "object", "int": "start end"},
    "builtins.UnicodeEncodeError": {"str": "encoding reason object", "int": "start end"},
    "builtins.StopIteration": {"object": "value"},
    "builtins.KeyError": {},
    "builtins.AttributeError": {"str": "name", "object": "obj"},
    "builtins.NameError": {"str": "name"},
    "builtins.BaseExceptionGroup": {"tuple[BaseException, ...]": "exceptions", "str": "message"},
    "builtins.property": {"property": "getter setter deleter"},
    "_io.TextIOWrapper": _of(_LINES, "str", str="encoding errors newlines name mode"),
    "_io.StringIO": _of(_LINES, "str", str="getvalue"),
    "_io.BytesIO": _of(_LINES, "bytes", bytes="getvalue", memoryview="getbuffer"),
    "_io.BufferedReader": _of(_LINES, "bytes", bytes="peek read1"),
    "_io.BufferedWriter": _of(_LINES, "bytes"),
    "_io.BufferedRandom": _of(_LINES, "bytes"),
    "_io.FileIO": _of(_LINES, "bytes", bytes="readall"),
    "_collections.deque": {
        "T": "pop popleft __getitem__",
        "Iterator[T]": "__iter__ __reversed__",
        "Self": "copy __copy__ __add__ __mul__",
        "int": "count index maxlen __len__",
        "bool": "__contains__",
        "None": "append appendleft clear extend extendleft insert remove reverse rotate",
    },
    "_collections.defaultdict": {"Self": "copy"},
    "_collections.OrderedDict": {
        "Self": "copy",
        "tuple[K, V]": "popitem",
        "V": "pop setdefault",
        "None": "move_to_end",
    },
    "re.Match": {
        "str": "group __getitem__ expand lastgroup string",
        "tuple[str, ...]": "groups",
        "dict[str, str]": "groupdict",
        "int": "start end pos endpos lastindex",
        "tuple[int, int]": "span",
        "Pattern": "re",
    },
    "re.Pattern": {
        "Match": "match search fullmatch",
        "list[str]": "findall split",
        "str": "sub pattern",
        "tuple[str, int]": "subn",
        "int": "flags groups",
        "dict[str, int]": "groupindex",
    },
}

EXTRA = {
    "builtins.open": "TextIOWrapper",
    **dict.fromkeys(("builtins.ascii", "builtins.bin", "builtins.chr", "builtins.format", "builtins.hex"), "str"),
    **dict.fromkeys(("builtins.input", "builtins.oct", "builtins.repr"), "str"),
    **dict.fromkeys(("builtins.hash", "builtins.id", "builtins.len", "builtins.ord"), "int"),
    **dict.fromkeys(("builtins.all", "builtins.any", "builtins.callable", "builtins.hasattr"), "bool"),
    **dict.fromkeys(("builtins.isinstance", "builtins.issubclass"), "bool"),
    **dict.fromkeys(("builtins.print", "builtins.setattr", "builtins.delattr", "builtins.exec"), "None"),
    **dict.fromkeys(("builtins.globals", "builtins.locals", "builtins.vars"), "dict[str, object]"),
    "builtins.dir": "list[str]",
    "builtins.divmod": "tuple[int, int]",
    "builtins.sorted": "list[T]",
    "builtins.iter": "Iterator[T]",
    **dict.fromkeys(("builtins.next", "builtins.min", "builtins.max", "builtins.sum", "builtins.abs"), "T"),
    "builtins.round": "int",
    "_io.open": "TextIOWrapper",
    **dict.fromkeys(("time.time", "time.monotonic", "time.perf_counter", "time.process_time"), "float"),
    **dict.fromkeys(("time.time_ns", "time.monotonic_ns", "time.perf_counter_ns"), "int"),
    **dict.fromkeys(("time.strftime", "time.ctime", "time.asctime"), "str"),
    **{
        f"math.{name}": "float"
        for name in (
            *("sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "exp", "log", "log2", "log10", "pow"),
            *("hypot", "fabs", "fmod", "degrees", "radians", "fsum", "dist", "copysign"),
        )
    },
    **dict.fromkeys(("math.floor", "math.ceil", "math.gcd", "math.lcm", "math.factorial", "math.comb"), "int"),
    **dict.fromkeys(("math.isqrt", "math.perm", "math.trunc"), "int"),
    **dict.fromkeys(("math.isnan", "math.isinf", "math.isclose", "math.isfinite"), "bool"),
    **dict.fromkeys(("posix.getcwd", "nt.getcwd"), "str"),
    **dict.fromkeys(("posix.listdir", "nt.listdir"), "list[str]"),
    **dict.fromkeys(("sys.getsizeof", "sys.getrecursionlimit", "sys.getrefcount"), "int"),
    "sys.argv": "list[str]",
    "sys.path": "list[str]",
    "sys.modules": "dict[str, object]",
    **dict.fromkeys(("sys.stdin", "sys.stdout", "sys.stderr"), "TextIOWrapper"),
}
"""What functions return, and the types of variables, by module and name."""

_ITERABLE = {"iterable": "Iterable[T]"}
ARGUMENTS: dict[str, dict[str, str]] = {
    **{f"builtins.{name}": _ITERABLE for name in ("sorted", "sum", "min", "max")},
    "builtins.iter": {"iterable": "Iterable[T]", "args": "Iterable[T]"},
    "builtins.next": {"iterator": "Iterator[T]", "args": "Iterator[T]"},
    "builtins.abs": {"x": "T"},
    **{f"builtins.{name}.__init__": _ITERABLE for name in ("list", "set", "frozenset", "tuple", "enumerate")},
    **{
        f"builtins.{name}.__new__": {**_ITERABLE, "args": "Iterable[T]"} for name in ("tuple", "frozenset", "enumerate")
    },
}
"""Annotations of parameters that tell what ``T`` is."""
