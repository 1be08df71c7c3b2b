"""The ``validation`` recipe: one short text over and over, which a correct trainer learns verbatim at once."""

from tinycoder.workspace.text import Text
from tinycoder_training.corpora.corpus import Corpus

PHRASE = "hello world! "
TRAIN_REPEATS = 4_000  # 52,000 characters: enough for a batch of the longest windows
VALIDATION_REPEATS = 400


def read() -> Corpus:
    """The corpus; training and validation say the same thing, which is the point."""
    return Corpus(recipe="validation", train=(_text(TRAIN_REPEATS),), validation=(_text(VALIDATION_REPEATS),))


def _text(repeats: int) -> Text:
    text = PHRASE * repeats
    return Text(path="hello.txt", text=text, n_bytes=len(text.encode()))
