"""Ghost text that is never worth a look is held back, for one named reason; what is right is not."""

import pytest

from tinycoder.complete.gates import Offer, held_back
from tinycoder.complete.names.names import Names


def reason(text: str, new: str, *, ends: bool = True) -> str | None:
    cursor = Names().cursor("code.py", text, len(text))
    return held_back(Offer(text=text, offset=len(text), new=new, ends=ends, cursor=cursor))


@pytest.mark.parametrize(
    ("text", "new", "ends", "expected"),
    [
        ("def f():\n    ", '"""', False, "fragment"),
        ('name = "', '""', False, "fragment"),
        ("call", "(", False, "fragment"),
        ("call", "()", False, "short"),
        ("x", " =", False, "short"),
        ("def f(): pass\n", "def f():", True, "defined"),
        ("class A:\n    def f(self): pass\n\n    def ", "f(self):", True, "defined"),
        ("class A: pass\n", "class A:", True, "defined"),
        ("import os\n", "import os", True, "imported"),
        ("import os\nimport ", "os", True, "imported"),
        ("import os.path\nimport ", "os.path", True, "imported"),
        ("from a import b\n", "from a import b", True, "imported"),
        ("from a import (\n    b,\n)\nfrom a import ", "c, b", True, "imported"),
        ("value = next(items)\n", "value = next(items)", True, "line above"),
        ("    value = next(items)\n\n    ", "value = next(items)", True, "line above"),
        ("methods = ['GET', ", "'GET']", True, "listed"),
        ("methods = [\n    'GET',\n    'HEAD',\n    ", "'HEAD',", True, "listed"),
        ("call(first=1, ", "first=2)", True, "listed"),
        ("sizes = {'big': 1, ", "'big': 2}", True, "listed"),
        ("from a import b, ", "b", True, "listed"),
        ("from a import (\n    b,\n    ", "b,", True, "imported"),
        ("def f(x):\n    ", "self.x = x", True, "out of scope"),
        ("class A:\n    @staticmethod\n    def f(x):\n        ", "self.x = x", True, "out of scope"),
        ("def f(x):\n    return ", "super().f(x)", True, "out of scope"),
    ],
)
def test_what_is_never_worth_a_look_is_held_back(text: str, new: str, ends: bool, expected: str) -> None:
    assert reason(text, new, ends=ends) == expected


def test_what_would_be_shown_as_nothing_is_held_back_unless_it_was_asked_for() -> None:
    cursor = Names().cursor("code.py", "x = ", 4)
    reasons = [
        held_back(Offer(text="x = ", offset=4, new="first", ends=True, cursor=cursor, probability=probability))
        for probability in (0.004, 0.006, None)
    ]
    assert reasons == ["improbable", None, None]


@pytest.mark.parametrize(
    ("text", "new", "ends"),
    [
        ("x = fo", "o", False),  # completes a word
        ("x = [1, 2", "]", True),  # ends the line
        ("call", "()", True),
        ("def f():\n    ", '"""Do it."""', True),
        ("def f(): pass\n@f.register\ndef ", "f():", True),
        ("class A:\n    @property\n    def f(self): pass\n\n    @f.setter\n    def ", "f(self, value):", True),
        ("class A:\n    @overload\n    def f(self): ...\n    def ", "f(self, value):", True),
        ("if x:\n    import a\nelse:\n    ", "import a", True),
        ("from a import b\nfrom a import ", "c", True),
        ("import xml.dom\nimport ", "xml.sax", True),
        ("class A:\n    def f(self): pass\n\nclass B:\n    def ", "f(self):", True),
        ("    },\n    ", "},", True),  # says nothing
        ("methods = ['GET', ", "'HEAD']", True),
        ("call(inner(first=1), ", "first=2)", True),
        ("point = (x, ", "x)", True),
        ("x = ''\ny = call('', ", "'')", True),
        ("first = 1\n", "first = 2", True),
        ("class A:\n    def f(self):\n        ", "self.x = 1", True),
        ("class A:\n    def f(\n        self,\n    ):\n        ", "self.x = 1", True),
        ("class A:\n    def f(self):\n        def inner():\n            ", "self.x = 1", True),
        ("class A:\n    def f(self):\n        return ", "super().f()", True),
        ("def f(", "self, x):", True),
        ("def f(\n    ", "self,", True),
        ("# ", "self.x is set by import os", True),
        ("self = make()\n", "self.run()", True),
        ("names = [", "cls.__name__ for cls in CLASSES]", True),
        ("A.name = property(", "lambda self: self.name)", True),
        ("if a:\n    for cls in B:\n        ", "cls.run()", True),
        ("x = ", "'the self link'", True),
        ("x = 1", "  # self is gone", True),
        ("call('abc', ", "'abc')", True),
        ("call('abc', ", "b'abc')", True),
        ("pair: tuple['Node', ", "'Node']", True),
        ("rows = [('draft', ", "'draft')]", True),
        ("run(['git', '-c', 'a=b', ", "'-c', 'd=e'])", True),
        ("from a import b as b, ", "b as d", True),
        ("def f(): pass\n@app.post\n# note\n", "def f():", True),
        ("@overload\n@staticmethod\n", "def f():", True),
        ("if a:\n    return result\n", "return result", True),
        ("x = sha2", "56", False),
    ],
)
def test_what_may_be_right_is_offered(text: str, new: str, ends: bool) -> None:
    assert reason(text, new, ends=ends) is None
