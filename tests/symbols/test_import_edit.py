import ast
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycoder.symbols.imports.edit import edit_for
from tinycoder.symbols.imports.forms import ImportForm
from tinycoder.symbols.imports.statements import read_statements
from tinycoder.symbols.modules import ENVIRONMENT, LIBRARY, WORKSPACE


def origin(module: str) -> str:
    top = module.partition(".")[0]
    return LIBRARY if top in sys.stdlib_module_names else WORKSPACE if top in ("app", "lib") else ENVIRONMENT


def form(line: str) -> ImportForm:
    node = ast.parse(line).body[0]
    alias = node.names[0]
    if isinstance(node, ast.Import):
        return ImportForm(alias.name, "", alias.asname or "")
    return ImportForm(node.module or "", alias.name, alias.asname or "")


def with_import(text: str, line: str, *, package: str = "", max_dots: int = 0) -> str | None:
    """The text, whose cursor is ¦, with the import; None where there is no edit."""
    cursor = text.index("¦") if "¦" in text else len(text)
    text = text.replace("¦", "")
    edit = edit_for(text, form(line), cursor=cursor, package=package, max_dots=max_dots, origin=origin)
    if edit is None:
        return None
    start, end, new = edit
    assert start <= end <= max(text.rfind("\n", 0, cursor), 0)  # before the cursor's line
    return text[:start] + new + text[end:]


CASES = {
    "no imports": ("value = 1\nFoo", "from app.a import Foo", "from app.a import Foo\n\nvalue = 1\nFoo"),
    "cursor on the first line": ("value = Foo\n", "import re", "import re\n\nvalue = Foo\n"),
    "docstring": ('"""Doc."""\n\nFoo', "import re", '"""Doc."""\n\nimport re\n\nFoo'),
    "docstring without a blank line": ('"""Doc."""\nx = 1\nFoo', "import re", '"""Doc."""\n\nimport re\n\nx = 1\nFoo'),
    "docstring that shows an import": (
        '"""Doc.\n\nimport os\n"""\n\nFoo',
        "import re",
        '"""Doc.\n\nimport os\n"""\n\nimport re\n\nFoo',
    ),
    "comments above": (
        "#!/usr/bin/env python\n# Copyright: none\n\nx = 1\nFoo",
        "import re",
        "#!/usr/bin/env python\n# Copyright: none\n\nimport re\n\nx = 1\nFoo",
    ),
    "a comment about the code": ("# The x.\nx = 1\nFoo", "import re", "import re\n\n# The x.\nx = 1\nFoo"),
    "future": (
        "from __future__ import annotations\n\nFoo",
        "import re",
        "from __future__ import annotations\n\nimport re\n\nFoo",
    ),
    "sorted group": ("import os\nimport sys\n\nFoo", "import re", "import os\nimport re\nimport sys\n\nFoo"),
    "end of a group": ("import os\n\nFoo", "import sys", "import os\nimport sys\n\nFoo"),
    "unsorted group": ("import sys\nimport ast\n\nFoo", "import os", "import sys\nimport ast\nimport os\n\nFoo"),
    "plain ones first": (
        "import os\nimport sys\nfrom abc import ABC\n\nFoo",
        "from pathlib import Path",
        "import os\nimport sys\nfrom abc import ABC\nfrom pathlib import Path\n\nFoo",
    ),
    "by module": (
        "from abc import ABC\nimport os\nfrom re import sub\n\nFoo",
        "from pathlib import Path",
        "from abc import ABC\nimport os\nfrom pathlib import Path\nfrom re import sub\n\nFoo",
    ),
    "own group": (
        "import os\n\nimport numpy as np\n\nfrom app.b import B\n\nFoo",
        "from app.a import A",
        "import os\n\nimport numpy as np\n\nfrom app.a import A\nfrom app.b import B\n\nFoo",
    ),
    "group of its own between others": (
        "import os\n\nfrom app.b import B\n\nFoo",
        "import numpy as np",
        "import os\n\nimport numpy as np\n\nfrom app.b import B\n\nFoo",
    ),
    "group of its own before others": (
        "from app.b import B\n\nFoo",
        "import os",
        "import os\n\nfrom app.b import B\n\nFoo",
    ),
    "group of its own after others": ("import os\nFoo", "import numpy", "import os\n\nimport numpy\n\nFoo"),
    "mixed group": (
        "import os\nimport numpy\nfrom app.b import B\n\nFoo",
        "import zoo",
        "import os\nimport numpy\nfrom app.b import B\nimport zoo\n\nFoo",
    ),
    "joined": ("from app.b import A, C\n\nFoo", "from app.b import B", "from app.b import A, B, C\n\nFoo"),
    "joined at the end": ("from app.b import A\n\nFoo", "from app.b import B", "from app.b import A, B\n\nFoo"),
    "joined without an order": (
        "from app.b import C, A\n\nFoo",
        "from app.b import B",
        "from app.b import C, A, B\n\nFoo",
    ),
    "joined with a comment": (
        "from app.b import A  # noqa\n\nFoo",
        "from app.b import B",
        "from app.b import A, B  # noqa\n\nFoo",
    ),
    "joined with an alias": (
        "from app.b import A as X\n\nFoo",
        "from app.b import B as Y",
        "from app.b import A as X, B as Y\n\nFoo",
    ),
    "joined in parentheses": (
        "from app.b import (\n    A,\n    C,\n)\n\nFoo",
        "from app.b import B",
        "from app.b import (\n    A,\n    B,\n    C,\n)\n\nFoo",
    ),
    "joined at the end of parentheses": (
        "from app.b import (\n    A,\n    C,  # see (below)\n)\n\nFoo",
        "from app.b import D",
        "from app.b import (\n    A,\n    C,  # see (below)\n    D,\n)\n\nFoo",
    ),
    "joined after a name without a comma": (
        "from app.b import (\n    A,\n    C\n)\n\nFoo",
        "from app.b import D",
        "from app.b import (\n    A,\n    C,\n    D\n)\n\nFoo",
    ),
    "joined in parentheses on one line": (
        "from app.b import (A, C)\n\nFoo",
        "from app.b import D",
        "from app.b import (A, C, D)\n\nFoo",
    ),
    "constants, classes, functions": (
        "from app.b import LIMIT, Alpha, beta\n\nFoo",
        "from app.b import Zeta",
        "from app.b import LIMIT, Alpha, Zeta, beta\n\nFoo",
    ),
    "too long a line": (
        f"from app.b import {'a' * 40}, {'c' * 25}\n\nFoo",
        "from app.b import bbb",
        f"from app.b import (\n    {'a' * 40},\n    bbb,\n    {'c' * 25},\n)\n\nFoo",
    ),
    "inside a function": (
        "import os\n\ndef f():\n    import sys\n    Foo",
        "import sys",
        "import os\nimport sys\n\ndef f():\n    import sys\n    Foo",
    ),
    "type checking": (
        "import os\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from app.b import A\n\nFoo",
        "from app.b import B",
        "import os\nfrom typing import TYPE_CHECKING\n\nfrom app.b import B\n\n"
        "if TYPE_CHECKING:\n    from app.b import A\n\nFoo",
    ),
    "after the code began": (
        "import os\n\ndef f(): ...\n\nimport late\nFoo",
        "import numpy",
        "import os\n\nimport numpy\n\ndef f(): ...\n\nimport late\nFoo",
    ),
    "half-typed import": (
        "import os\nfrom app.b import A\nfrom \nFoo",
        "import re",
        "import os\nimport re\nfrom app.b import A\nfrom \nFoo",
    ),
    "half-typed bracket": (
        "import os\n\nvalue = print(\nFoo",
        "import re",
        "import os\nimport re\n\nvalue = print(\nFoo",
    ),
    "a text in the code": (
        'import os\nCODE = """\nimport re\n"""\nFoo',
        "import re",
        'import os\nimport re\nCODE = """\nimport re\n"""\nFoo',
    ),
}


@pytest.mark.parametrize(("text", "line", "expected"), CASES.values(), ids=CASES.keys())
def test_where_an_import_goes(text, line, expected):
    assert with_import(text, line) == expected


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("import re\nFoo", "import re"),
        ("import os, re\nFoo", "import re"),
        ("import numpy as np\nFoo", "import numpy as np"),
        ("import os.path\nFoo", "import os"),
        ("from app.b import (\n    A,  # (\n    B,\n)\nFoo", "from app.b import B"),
        ("from app.b import A as X\nFoo", "from app.b import A as X"),
        ("from app.b import *\nFoo", "from app.b import A"),
        ("from app.b import A, \\\n    B\nFoo", "from app.b import B"),
    ],
)
def test_nothing_is_imported_twice(text, line):
    assert with_import(text, line) is None


def test_another_form_is_no_reason_to_leave_one_out():
    assert with_import("import numpy\nFoo", "import numpy as np") == "import numpy\nimport numpy as np\nFoo"


def test_imports_of_the_own_package_are_relative_where_it_does_so():
    text = "from .b import B\nfrom .d import D\n\nFoo"
    assert with_import(text, "from app.c import C", package="app", max_dots=1) == (
        "from .b import B\nfrom .c import C\nfrom .d import D\n\nFoo"
    )
    assert with_import(text, "from app.b import A", package="app", max_dots=1) == (
        "from .b import A, B\nfrom .d import D\n\nFoo"
    )
    assert with_import("from .b import B\nFoo", "from app.b import B", package="app", max_dots=1) is None
    assert with_import("x = 1\nFoo", "from app import c", package="app", max_dots=1) == "from . import c\n\nx = 1\nFoo"
    assert with_import("x = 1\nFoo", "from app.x.c import C", package="app.y", max_dots=1) == (
        "from app.x.c import C\n\nx = 1\nFoo"
    )
    assert with_import("x = 1\nFoo", "from app.x.c import C", package="app.y", max_dots=2) == (
        "from ..x.c import C\n\nx = 1\nFoo"
    )


def test_imports_at_and_after_the_cursor_are_left_alone():
    text = "import os\nfrom app.b import A¦\nimport sys\n"
    assert with_import(text, "import re") == "import os\nimport re\nfrom app.b import A\nimport sys\n"
    assert (
        with_import(text, "from app.b import B")
        == "import os\n\nfrom app.b import B\n\nfrom app.b import A\nimport sys\n"
    )


def test_a_long_document_is_read_quickly():
    text = "import os\n" + "def f():\n    return 'x', {'a': [1, 2]}  # it's\n\n" * 20_000
    assert len(read_statements(text)) == 1


LINES = st.sampled_from(
    [
        *("import os", "import re", "from app.b import A", "from app.b import (", "    B,", ")", "", "# note"),
        *('"""Doc."""', '"""', "from .x import y", "from __future__ import annotations", "def f():"),
        *("    import sys", "if x:", "from ", "x = 'it'"),
    ]
)
WANTED = st.sampled_from(["import re", "from app.b import B", "from pathlib import Path", "import numpy as np"])


@given(st.lists(LINES, max_size=10), WANTED)
def test_what_was_valid_stays_valid_and_has_the_import_once(lines, wanted):
    text = "\n".join([*lines, "Foo"])
    try:
        tree = ast.parse(text)
        compile(text, "text", "exec", dont_inherit=True)
    except SyntaxError:
        with_import(text, wanted)
        return
    changed = with_import(text, wanted)
    if changed is None:
        return
    assert with_import(changed, wanted) is None
    assert ast.get_docstring(tree) == ast.get_docstring(ast.parse(changed))
    compile(changed, "changed", "exec", dont_inherit=True)
