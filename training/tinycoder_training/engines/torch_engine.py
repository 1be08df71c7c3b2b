"""Training in PyTorch: in float32 on a CPU; on a GPU in bfloat16 where that is enough."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from tinycoder.config import ModelConfig, TrainConfig, n_cpus
from tinycoder.errors import TrainingError
from tinycoder.transformer.layers import Array
from tinycoder.transformer.model import Params
from tinycoder_training.engines.numpy_engine import EVALUATION_ROWS
from tinycoder_training.engines.torch_model import Llama
from tinycoder_training.engines.torch_optim import Tensors, adamw_step, muon_step
from tinycoder_training.memory import peak_memory
from tinycoder_training.optim import Moments, uses_muon
from tinycoder_training.parallel import keep_freed_memory

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKENS_AT_A_TIME = 4096  # of a batch that pass at once on a CPU: more take memory and gain nothing

Step = Callable[[Tensor, Tensor], Tensor]


def device_of_this_process() -> torch.device:
    """Its own GPU where there is one, else the CPU."""
    return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")


@contextmanager
def torch_engine(
    model: ModelConfig,
    settings: TrainConfig,
    params: Params,
    moments: Moments,
    *,
    device: torch.device | None = None,
    compiled: bool = True,
) -> Iterator[TorchEngine]:
    """The engine on a GPU, or on all cores. Without ``compiled`` it starts at once and is slower."""
    keep_freed_memory()
    before = torch.get_num_threads()
    torch.set_num_threads(n_cpus())
    try:
        device = device or device_of_this_process()
        with memory_errors():
            engine = TorchEngine(model, settings, params, moments, device, compiled=compiled)
        yield engine
    finally:
        torch.set_num_threads(before)


@contextmanager
def memory_errors() -> Iterator[None]:
    """PyTorch's own errors about memory are ``MemoryError``."""
    try:
        yield
    except RuntimeError as error:
        no_room = isinstance(error, torch.OutOfMemoryError)
        if no_room or "not enough memory" in str(error) or "can't allocate memory" in str(error):
            raise MemoryError from None
        raise


class TorchEngine:
    """Weights and moments as tensors: on a CPU they are the arrays of the run, on a GPU copies that ``fetch`` returns.

    A batch passes in parts of ``rows`` windows, and ``judged_rows`` without gradients; both become smaller once the GPU
    is out of memory.
    """

    def __init__(
        self,
        model: ModelConfig,
        settings: TrainConfig,
        params: Params,
        moments: Moments,
        device: torch.device,
        *,
        compiled: bool,
    ) -> None:
        self.settings = settings
        self.device = device
        self.rows = settings.batch_size if device.type == "cuda" else max(1, TOKENS_AT_A_TIME // model.context)
        self.judged_rows = EVALUATION_ROWS * (8 if device.type == "cuda" else 1)
        self._arrays = {**params, **moments}
        self._moments = self._tensors(moments)
        self._module = Llama(model)
        self._module.load_state_dict(self._tensors(params), assign=True)
        self._module.to(device)
        self.params: Tensors = dict(self._module.named_parameters())
        self._muon = [name for name, param in params.items() if uses_muon(name, param, settings)]
        self._plain: Step = lambda ids, targets: self._module(ids, targets).sum()
        if os.environ.get("TORCH_COMPILE_DISABLE") == "1":  # PyTorch heeds it too, but imports its compiler first
            compiled = False
        self._step: Step = torch.compile(self._plain, dynamic=False) if compiled else self._plain
        self._notices = [f"trains with PyTorch {torch.__version__} on {_called(device)}"]

    def gradients(self, inputs: Array, targets: Array) -> tuple[float, Tensors]:
        """Summed over parts of the batch."""
        return self.part(inputs, targets, targets.size)

    def part(self, inputs: Array, targets: Array, n_targets: int) -> tuple[float, Tensors]:
        """What these windows add to the mean loss over ``n_targets`` and to its gradients."""
        with memory_errors():
            ids, wanted = (torch.from_numpy(np.ascontiguousarray(array)).to(self.device) for array in (inputs, targets))
            while (found := self._tried(ids, wanted, n_targets)) is None:
                self.rows = self._halved(min(self.rows, len(ids)), "pass")
            return found

    def _halved(self, n_rows: int, what_they_do: str) -> int:
        """So many windows next, as more have no room on the GPU."""
        if n_rows <= 1:
            raise MemoryError
        n_rows = -(-n_rows // 2)
        torch.cuda.empty_cache()
        said = f"the GPU is out of memory: from now on {n_rows} windows {what_they_do} at a time, not more"
        self._notices.append(said)
        return n_rows

    def _tried(self, ids: Tensor, targets: Tensor, n_targets: int) -> tuple[float, Tensors] | None:
        """None if the GPU is out of memory."""
        try:
            return self._passed(ids, targets, n_targets)
        except torch.OutOfMemoryError:
            return None

    def _passed(self, ids: Tensor, targets: Tensor, n_targets: int) -> tuple[float, Tensors]:
        """Forward and backward, a part after another."""
        self._module.zero_grad(set_to_none=True)
        loss = torch.zeros((), device=self.device)
        for start in range(0, len(ids), self.rows):
            rows = slice(start, start + self.rows)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
                part = self._compiled(ids[rows], targets[rows]) / n_targets
            part.backward()
            loss += part.detach()
        none = {name: torch.zeros_like(param) for name, param in self.params.items() if param.grad is None}
        return loss.item(), {name: none[name] if p.grad is None else p.grad for name, p in self.params.items()}

    def _compiled(self, ids: Tensor, targets: Tensor) -> Tensor:
        """The sum of the losses, by the compiled module as long as there is a compiler."""
        if self._step is self._plain:
            return self._plain(ids, targets)
        try:
            return self._step(ids, targets)
        except (torch.OutOfMemoryError, MemoryError):
            raise
        except Exception as error:  # what a missing or broken compiler raises has no common base
            self._step = self._plain
            self._notices.append(f"training goes on slower, without a compiler ({type(error).__name__})")
            return self._plain(ids, targets)

    def update(self, gradients: Tensors, step: int, scale: float) -> float:
        """Clip, then AdamW and Muon."""
        settings = self.settings
        with memory_errors(), torch.no_grad():
            norm = float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(list(gradients.values())))))
            if not math.isfinite(norm):
                raise TrainingError(f"the gradient became {norm} at step {step}")
            if norm > settings.clip:
                torch._foreach_mul_(list(gradients.values()), settings.clip / norm)
            of_muon = {name: self.params[name] for name in self._muon}
            others = {name: param for name, param in self.params.items() if name not in of_muon}
            muon_step(of_muon, gradients, self._moments, settings, settings.matrix_learning_rate * scale)
            adamw_step(others, gradients, self._moments, settings, step, settings.learning_rate * scale)
        return norm

    def losses(self, params: Params, inputs: Array, targets: Array) -> Array:
        """In float32 on every device, so that they compare with those of other engines."""
        result, start = np.empty(inputs.shape, np.float32), 0
        with memory_errors(), torch.no_grad():
            weights = self._tensors(params)
            while start < len(inputs):
                rows = slice(start, start + self.judged_rows)
                if (found := self._judged(weights, inputs[rows], targets[rows])) is None:
                    self.judged_rows = self._halved(min(self.judged_rows, len(inputs) - start), "are judged")
                else:
                    result[rows] = found
                    start = rows.stop
        return result

    def _judged(self, weights: Tensors, inputs: Array, targets: Array) -> Array | None:
        """None if the GPU is out of memory."""
        try:
            ids, wanted = (torch.from_numpy(array.astype(np.int64)).to(self.device) for array in (inputs, targets))
            return functional_call(self._module, weights, (ids, wanted)).cpu().numpy()
        except torch.OutOfMemoryError:
            return None

    def fetch(self) -> None:
        """Copy from the GPU; on a CPU they are the same memory."""
        if self.device.type != "cpu":
            for name, tensor in {**self.params, **self._moments}.items():
                self._arrays[name][...] = tensor.detach().cpu().numpy()

    def notice(self) -> str:
        """What was not said yet."""
        said, self._notices = "; ".join(self._notices), []
        return said

    def peak_memory(self) -> int:
        """Of the GPU, or of the process."""
        return torch.cuda.max_memory_allocated(self.device) if self.device.type == "cuda" else peak_memory()

    def _tensors(self, arrays: Mapping[str, Array]) -> Tensors:
        """The arrays on the device; on a CPU the same memory, unless it may not be written to."""
        return {
            name: torch.from_numpy(array if array.flags.writeable else array.copy()).to(self.device)
            for name, array in arrays.items()
        }


def _called(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, in bfloat16"
    return "the CPU, in float32"
