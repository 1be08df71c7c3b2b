"""Questions about a text and an offset in it (in characters): words and lines, which end with line feeds."""


def typed_word(text: str, offset: int) -> str:
    """The part of a word before ``offset``; empty if there is none."""
    start = offset
    while start > 0 and is_word_character(text[start - 1]):
        start -= 1
    return text[start:offset]


def rest_of_word(text: str, offset: int) -> str:
    """The part of a word after ``offset``."""
    end = offset
    while end < len(text) and is_word_character(text[end]):
        end += 1
    return text[offset:end]


def is_word_character(character: str) -> bool:
    """Whether a character can be in a word."""
    return character == "_" or character.isalnum()


def line_start(text: str, offset: int) -> int:
    """The offset at which the line of ``offset`` begins."""
    return text.rfind("\n", 0, offset) + 1


def line_end(text: str, offset: int) -> int:
    """The offset at which the line of ``offset`` ends, before its line break."""
    end = text.find("\n", offset)
    return len(text) if end < 0 else end


def around(text: str, offset: int) -> tuple[str, str, str]:
    """The line before ``offset``, the line after it, and all text below."""
    end = line_end(text, offset)
    return text[line_start(text, offset) : offset], text[offset:end], text[end:]


def columns(line: str) -> int:
    """Columns of white space at the beginning of a line, tabs counted to multiples of 8."""
    return len(line[: len(line) - len(line.lstrip())].expandtabs(8))
