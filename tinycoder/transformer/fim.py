"""How the model is shown the text behind the cursor: suffix first (SPM), so that typing only makes the ids longer.

    <|fim_prefix|> <|fim_suffix|> SUFFIX <|fim_middle|> [header] TEXT <|endoftext|>

TEXT is the text before the cursor and the missing part in one: it ends where SUFFIX begins. Training and completion
both use these functions, so that they agree.
"""

from tinycoder.transformer.tokenizer import Tokenizer

SUFFIX_SHARE = 1 / 8  # of the context, at most: the text before the cursor tells more

PREFIX, SUFFIX, MIDDLE = "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"

_CHARACTERS_PER_TOKEN = 8  # more than code ever has


def suffix_room(context: int) -> int:
    """Tokens of a window of ``context`` tokens that a suffix may take, at least one."""
    return max(1, int(context * SUFFIX_SHARE))


def suffix_first_piece(tokenizer: Tokenizer, after: str, n_tokens: int) -> str:
    """The first part of ``after``, the text behind the cursor, that takes at most ``n_tokens``.

    Whole lines where it can be, without the last line break: the rest of the cursor's line and the lines that follow.
    """
    ids = tokenizer.encode(after[: n_tokens * _CHARACTERS_PER_TOKEN])[:n_tokens]
    piece = tokenizer.decode_bytes(ids).decode("utf-8", "ignore")
    if len(piece) == len(after):
        return piece
    whole = after.startswith(("\n", "\r\n"), len(piece))
    lines = piece[: len(piece) if whole else max(0, piece.rfind("\n"))].removesuffix("\r")
    return lines if lines.strip() else piece


def fim_head(tokenizer: Tokenizer, suffix: str) -> list[int]:
    """The ids that come first in a window whose text ends where ``suffix`` begins."""
    special = tokenizer.special
    return [special[PREFIX], special[SUFFIX], *tokenizer.encode(suffix), special[MIDDLE]]
