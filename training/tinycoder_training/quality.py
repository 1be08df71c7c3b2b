"""How well a model predicts texts, and the finished model in whose place a new run would be saved."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tinycoder.config import n_cpus
from tinycoder.errors import CheckpointError, TrainingError
from tinycoder.storage.atomic import readable_folder
from tinycoder.storage.checkpoint import STATE, Model, load_model
from tinycoder.storage.models import exists
from tinycoder.storage.record import TrainingRecord
from tinycoder.workspace.text import Text
from tinycoder_training.beside import beside_memory
from tinycoder_training.corpora.corpus import Corpus
from tinycoder_training.dataset import Data
from tinycoder_training.engines.numpy_engine import all_losses
from tinycoder_training.evaluation import FINAL_EVALUATION_TOKENS, Evaluation, evaluate
from tinycoder_training.parallel import threads
from tinycoder_training.streams import known_stream, stream


def measure(
    model: Model, texts: Sequence[Text], *, n_tokens: int | None = None, beside: Sequence[Text] | None = None
) -> Evaluation:
    """How well ``model`` predicts ``texts``, or ``n_tokens`` of them spread evenly.

    With ``beside``, also next to a memory of those other texts.
    """
    ids = stream(texts, model.tokenizer, model.training.recipe)
    known = known_stream(beside or (), model.tokenizer, model.training.recipe)
    end = model.tokenizer.end_of_text
    data = Data(
        train=known,
        validation=ids,
        bytes_of_id=model.tokenizer.n_bytes,
        prompts=(),
        end_of_text=end,
        beside=None if beside is None else beside_memory(ids, known, end),
    )
    with threads(n_cpus()) as pool:
        losses = partial(all_losses, model.config, pool)
        return evaluate(model.params, model.config, data, n_tokens=n_tokens, losses=losses)


def has_finished_model(folder: Path) -> bool:
    """Whether a run of that name would replace a finished model, sound or damaged."""
    return exists(folder) and any(readable_folder(folder).iterdir()) and not (readable_folder(folder) / STATE).exists()


def standing_evaluation(folder: Path, corpus: Corpus, record: TrainingRecord) -> Evaluation | None:
    """How well the finished model in whose place a new run would be saved predicts the run's held-out texts.

    None where there is no such model, or where it may have learnt what was forgotten since: it has to go. ``record`` is
    that of the new run. Raises ``TrainingError`` where the two cannot be compared.
    """
    if not has_finished_model(folder):
        return None
    try:
        model = load_model(folder)
    except CheckpointError as error:
        raise _refusal(folder, f"it is damaged ({error})") from None
    old = model.training
    if not set(record.forgotten) <= set(old.forgotten):
        return None
    if reason := _no_comparison(old, record):
        raise _refusal(folder, reason)
    beside = corpus.train if record.settings and record.settings.beside_memory else None
    return measure(model, corpus.validation, n_tokens=FINAL_EVALUATION_TOKENS, beside=beside)


def _no_comparison(old: TrainingRecord, new: TrainingRecord) -> str | None:
    """Why the held-out texts of ``new`` cannot judge ``old``, if so."""
    if old.recipe != new.recipe:
        return f"it has learnt something else (--recipe {old.recipe})"
    if new.recipe != "code":
        same = old.data and new.data and old.data.sha256 == new.data.sha256
        return None if same else "it has learnt another text"
    if not set(old.workspaces) <= set(new.workspaces):
        return "it has learnt from other folders too"
    if old.seed != new.seed:
        return f"it was trained with --seed {old.seed} and may have learnt what is held out now"
    return None


def _refusal(folder: Path, reason: str) -> TrainingError:
    return TrainingError(
        f"there is a model {folder.name!r} already, and no way to tell whether a new one is better: {reason}; "
        "replace it with --overwrite, or choose another --name"
    )
