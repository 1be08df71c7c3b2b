"""What the probe asks, made of the names that a workspace's own files define."""

from __future__ import annotations

import builtins
import io
import keyword
import random
import tokenize
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from probe_code import WORD, Code

CURSOR = "¦"  # in the texts below; not in those of a workspace, which may hold one
QUIET = (
    "def f(x):\n    # Reads the file.¦\n    return x\n",
    'def f(x):\n    """Return the amount.¦\n',
    'print("All done.¦")\n',
    "timeout = 30¦\n",
    "x = 0x1¦\n",
    "ratio = 0.2¦\n",
    "call(10¦)\n",
    "# See chapter 4.¦\nx = 1\n",
    'name = f"{price:.2¦f}"\n',
    "text = 'e.g.¦'\n",
)
MIN_WORD = 6  # characters, of a word in whose middle is asked


@dataclass(frozen=True, kw_only=True)
class Question:
    """A text, the cursor's offset in it, the word that is meant, and the worst rank that will do."""

    kind: str
    text: str
    at: int
    meant: str = ""
    rank: int = 0


def question(kind: str, marked: str, meant: str = "", rank: int = 0) -> Question:
    """A question from a text in which the cursor is marked."""
    return Question(kind=kind, text=marked.replace(CURSOR, "", 1), at=marked.index(CURSOR), meant=meant, rank=rank)


Item = tuple[str, Collection[str], tuple[str, ...]]  # the name that is meant, the names beside it, what the text needs


def questions(code: Code, rng: random.Random, n: int) -> list[Question]:
    """At most ``n`` of each kind; of imports of modules, one for each module at the top."""
    modules = sorted(code.modules)
    tops = sorted({top for top in (module.partition(".")[0] for module in modules) if is_long(top, 3)})
    rows = [question("import module", f"import {top[:2]}¦\n", top, 10) for top in tops]

    def add(kind: str, items: Iterable[Item], rank: int, least: int, text: Callable[..., str]) -> None:
        begun = [(name, beginning(name, beside, rank, least), more) for name, beside, more in items]
        able = [(name, typed, more) for name, typed, more in begun if typed]
        chosen = rng.sample(able, min(n, len(able)))
        rows.extend(question(kind, text(typed + CURSOR, *more), name, rank) for name, typed, more in chosen)

    named = [(module, row) for module in modules for row in code.modules[module].public if is_long(row.name, 5)]
    beside = {module: code.names_of(module) for module in modules}
    everywhere = {row.name for module in modules for row in code.modules[module].public} | set(dir(builtins))
    add("from import", [(row.name, beside[m], (m,)) for m, row in named], 10, 2, from_import)
    itself = [(row.name, beside[m], (m,)) for m, row in named if code.is_itself(m)]
    add("module member", itself, 10, 2, module_member)
    long = [(row.name, everywhere, ()) for _, row in named if is_long(row.name, 8)]
    add("workspace name", long, 10, 4, lambda typed: f"value = {typed}\n")
    arguments = [(arg, row.parameters, (m, row.name)) for m, row in named for arg in row.parameters if is_long(arg, 5)]
    add("keyword argument", arguments, 10, 2, keyword_argument)
    owned = [
        (member, cls.members, key)
        for key, cls in sorted(code.classes.items())
        for member in cls.members
        if is_long(member, 5)
    ]
    add("own member", owned, 5, 2, lambda typed, m, c: own_member(typed, c, code.classes[m, c].members))
    importable = {key: code.members_of(*key) for key in code.classes if is_long(key[1], 2)}
    public = [(member, importable[key], key) for member, _, key in owned if key in importable]
    add("instance member", public, 10, 2, instance_member)
    add("inherited member", public, 10, 2, inherited_member)
    return rows


def is_long(name: str, n: int) -> bool:
    """Whether a public name has at least ``n`` characters."""
    return len(name) >= n and not name.startswith("_")


def beginning(name: str, names: Collection[str], most: int, least: int) -> str:
    """The fewest letters, from ``least`` on, with which at most ``most`` of the names begin, or nothing."""
    for n in range(least, len(name)):
        if sum(other.startswith(name[:n]) for other in names) <= most:
            return name[:n]
    return ""


def from_import(typed: str, module: str) -> str:
    """An import."""
    return f"from {module} import {typed}\n"


def module_member(typed: str, module: str) -> str:
    """A module and a dot."""
    return f"import {module} as it\n\nvalue = it.{typed}\n"


def keyword_argument(typed: str, module: str, function: str) -> str:
    """A call."""
    return f"from {module} import {function}\n\nvalue = {function}({typed}\n"


def own_member(typed: str, name: str, members: Mapping[str, str]) -> str:
    """A method of a class written anew, with the members that it has in the workspace."""
    fields = "".join(f"        self.{member} = None\n" for member, kind in members.items() if kind != "method")
    methods = [member for member, kind in members.items() if kind == "method"]
    body = "".join(f"    def {member}(self):\n        return None\n\n" for member in methods)
    prepared = f"    def prepared(self):\n{fields}\n" if fields else ""
    return f"class {name}:\n{prepared}{body}    def probing(self):\n        return self.{typed}\n"


def instance_member(typed: str, module: str, name: str) -> str:
    """An instance by constructor call, and a dot."""
    return f"from {module} import {name}\n\nit = {name}()\nvalue = it.{typed}\n"


def inherited_member(typed: str, module: str, name: str) -> str:
    """A method of a class below the one of the workspace."""
    return (
        f"from {module} import {name}\n\n\nclass Probe({name}):\n    def probing(self):\n        return self.{typed}\n"
    )


def line_ends(texts: Mapping[str, str], rng: random.Random, n: int) -> list[tuple[str, int]]:
    """Places (path, offset) at a line's end where a list could be open: after a name or keyword of code, or a dot."""
    places = []
    for path, text in sorted(texts.items()):
        try:
            tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
        except (tokenize.TokenError, SyntaxError):
            continue
        ends = {token.end for token in tokens if token.type == tokenize.NAME}
        start = 0
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip() and (line[-1] == "." or (number, len(line)) in ends):
                places.append((path, start + len(line)))
            start += len(line) + 1
    return rng.sample(places, min(n, len(places)))


def midwords(texts: Mapping[str, str], rng: random.Random, n: int) -> list[tuple[str, int]]:
    """Places (path, offset) in the middle of a word, of code or of prose."""
    places = []
    for path, text in sorted(texts.items()):
        for match in WORD.finditer(text):
            if len(match[0]) >= MIN_WORD and not keyword.iskeyword(match[0]):
                places.append((path, match.start() + rng.randint(2, len(match[0]) - 2)))
    return rng.sample(places, min(n, len(places)))
