"""A name that could stand at the cursor, and what is known about it."""

from dataclasses import dataclass

from tinycoder.symbols.modules import Source
from tinycoder.symbols.records import Import, Symbol

FAR = 10_000  # distance of what no line of the text uses

# Where a name comes from, as far as the order of the list cares.
LOCAL = "local"  # of the function around the cursor
PARAMETER = "parameter"  # of that function
ENCLOSING = "enclosing"  # of a function or class further out
DEFINED = "defined"  # at the top of the module
IMPORT = "import"  # that the module imports
FREE = "free"  # used in the file and bound nowhere in it: a star import, or not written yet
USED = "used"  # bound elsewhere in the file, so that it may be bound here too
BUILTIN = "builtin"
KEYWORD = "keyword"
MEMBER = "member"  # of a known receiver's class or module
INHERITED = "inherited"
SEEN = "seen"  # behind such a dot, of a receiver that is not known
ARGUMENT = "argument"  # a keyword argument of the called function
IMPORTED = "imported"  # of the module that is imported from
MODULE = "module"
NEEDS_IMPORT = "needs import"
NEW = "new"  # a word that is bound here


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A name that could stand at the cursor.

    ``text`` is what is inserted: a keyword argument has its ``=``. ``distance`` counts lines to the nearest use.
    ``symbol`` of ``source`` is what it stands for in the module that names it, as far as that is known, ``owner`` the
    class or module that has it.
    """

    text: str
    group: str
    distance: int = FAR
    depth: int = 0  # of inheritance
    symbol: Symbol | None = None
    source: Source | None = None
    owner: str = ""
    kind: str = ""  # one of candidate.KINDS, where the symbol does not tell
    n_imports: int = 0  # files of the workspace that import it
    echo: str = ""  # "target" or "parameter", if that has the same name

    @property
    def is_passing(self) -> bool:
        """Whether a module has the name only because it uses it: by an import from elsewhere."""
        if self.group not in (MEMBER, IMPORTED) or not isinstance(self.symbol, Import):
            return False
        return not self.symbol.module.startswith(".")

    @property
    def word(self) -> str:
        """The identifier."""
        return self.text.removesuffix("=")


def matches(typed: str, word: str) -> bool:
    """Whether ``typed`` is the beginning of ``word``, in any case; a leading underscore may be left out."""
    if word.startswith(typed):
        return True
    low = typed.lower()
    if word.lower().startswith(low):
        return True
    return word[:1] == "_" != typed[:1] and word.lstrip("_").lower().startswith(low)
