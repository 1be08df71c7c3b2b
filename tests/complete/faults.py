import tree_sitter_python
from tree_sitter import Language, Node, Parser

PARSER = Parser(Language(tree_sitter_python.language()))


def n_faults(text: str) -> int:
    """How many error and missing nodes tree-sitter has for ``text``."""
    nodes: list[Node] = [PARSER.parse(text.encode("utf-8", "replace")).root_node]
    n = 0
    while nodes:
        node = nodes.pop()
        n += node.is_error or node.is_missing
        nodes += node.children
    return n
