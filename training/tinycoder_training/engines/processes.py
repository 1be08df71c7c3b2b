"""The PyTorch engine on several processes, as ``torchrun`` starts them.

The first process runs the command and the loop. The others keep the same weights and follow its orders: they compute
the gradients of their rows of a batch, which are summed over all processes, and then take the same step. So N processes
learn what one would. Orders and batches travel over gloo, gradients over nccl where there are GPUs.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from enum import IntEnum

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from tinycoder.config import ModelConfig, TrainConfig
from tinycoder.errors import TrainingError
from tinycoder.transformer.layers import Array
from tinycoder.transformer.model import Params, param_shapes
from tinycoder_training.engines.engine import EngineLost
from tinycoder_training.engines.torch_engine import TorchEngine, memory_errors, torch_engine
from tinycoder_training.engines.torch_optim import Tensors
from tinycoder_training.optim import Moments, init_moments

# Of those that wait while the first process reads texts. Over gloo they notice at once who has gone; from nccl the
# launcher has to free them.
PATIENCE = timedelta(days=1)
_broken = threading.Event()  # set once this process left the group in the middle of an order: nobody can be told more


class Order(IntEnum):
    """What the first process tells the others."""

    END, OPEN, GRADIENTS, UPDATE, LOSSES, CLOSE = range(6)


class OutOfMemory(MemoryError):  # noqa: N818 - as its base
    """Memory does not suffice in some process, and all of them know it: they wait for the next order."""


@contextmanager
def processes(local_rank: int) -> Iterator[bool]:
    """Join the processes of this run; true for the first one, which leads.

    When its block ends, the others are told to end. Raises ``EngineLost`` if one has gone before it has joined.
    """
    gpu = torch.cuda.is_available()
    with _lost():
        if gpu:
            torch.cuda.set_device(local_rank % torch.cuda.device_count())
        backend = "cpu:gloo,cuda:nccl" if gpu else "gloo"
        if (store := launcher_store()) is None:
            dist.init_process_group(backend, timeout=PATIENCE)
        else:  # the launcher keeps what processes before these have said there
            attempt = dist.PrefixStore(f"tinycoder/{os.environ['TORCHELASTIC_RESTART_COUNT']}", store)
            rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
            dist.init_process_group(backend, store=attempt, rank=rank, world_size=size, timeout=PATIENCE)
    with _goodbye(Order.END):
        yield dist.get_rank() == 0


def launcher_store() -> dist.Store | None:
    """What ``torchrun`` keeps as long as it is there, also for processes that it starts later; None without it."""
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return None
    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    store = dist.TCPStore(host, port, is_master=False, timeout=timedelta(seconds=20))  # it is there, or has gone
    store.set_timeout(timedelta(minutes=30))  # other processes may start much later
    return store


def are_joined() -> bool:
    """Whether this process is one of several."""
    return dist.is_available() and dist.is_initialized()


@contextmanager
def leading_engine(
    model: ModelConfig, settings: TrainConfig, params: Params, moments: Moments, *, compiled: bool = True
) -> Iterator[LeadingEngine]:
    """The engine of the first process."""
    shapes = json.dumps([dataclasses.asdict(model), dataclasses.asdict(settings)]).encode()
    with _lost():
        _order(Order.OPEN, len(shapes), int(compiled))
        _shared(torch.frombuffer(bytearray(shapes), dtype=torch.uint8))
        for arrays in (params, moments):
            _shared_arrays(arrays)
    with ExitStack() as stack:
        with _lost(), _together():
            engine = stack.enter_context(torch_engine(model, settings, params, moments, compiled=compiled))
        with _goodbye(Order.CLOSE):
            yield LeadingEngine(engine)


class LeadingEngine:
    """The engine of the first process, which the others help."""

    def __init__(self, engine: TorchEngine) -> None:
        self._engine = engine
        self._first = True

    def gradients(self, inputs: Array, targets: Array) -> tuple[float, Tensors]:
        """Of the rows of all processes."""
        with _lost():
            _order(Order.GRADIENTS, *inputs.shape)
            _shared(torch.from_numpy(np.stack([inputs, targets])))
            return _summed(self._engine, inputs, targets)

    def update(self, gradients: Tensors, step: int, scale: float) -> float:
        """The same step in each process."""
        with _lost():
            _order(Order.UPDATE, step, scale)
            with _together():
                return self._engine.update(gradients, step, scale)

    def losses(self, params: Params, inputs: Array, targets: Array) -> Array:
        """Each process computes those of its rows."""
        with _lost():
            _order(Order.LOSSES, *inputs.shape)
            _shared_arrays(params)
            ids = np.stack([inputs, targets]).astype(np.int64)
            _shared(torch.from_numpy(ids))
            return _all_losses(self._engine, params, ids[0], ids[1])

    def fetch(self) -> None:
        """From this process: they all have the same."""
        self._engine.fetch()

    def notice(self) -> str:
        """What was not said yet."""
        said, first, self._first = self._engine.notice(), self._first, False
        return f"{said}, {dist.get_world_size()} processes" if first else said

    def peak_memory(self) -> int:
        """Of this process, or its GPU."""
        return self._engine.peak_memory()


def follow() -> None:
    """Do what the first process says until it ends. Raises ``EngineLost`` if a process has gone."""
    with _lost():
        while True:
            order, *numbers = _order(Order.END)
            if order == Order.END:
                return
            assert order == Order.OPEN, order
            with suppress(OutOfMemory):  # the first process says so
                _follow_run(int(numbers[0]), compiled=bool(numbers[1]))


def _follow_run(n_bytes: int, *, compiled: bool) -> None:
    """Do what the first process says as long as its engine is open."""
    shapes = json.loads(bytes(_shared(torch.zeros(n_bytes, dtype=torch.uint8)).tolist()))
    model = ModelConfig(**shapes[0])
    settings = TrainConfig(**{**shapes[1], "betas": tuple(shapes[1]["betas"])})
    params: Params = {name: np.empty(shape, np.float32) for name, shape in param_shapes(model).items()}
    moments = init_moments(params, settings)
    for arrays in (params, moments):
        _shared_arrays(arrays)
    judged: Params = {name: np.empty_like(param) for name, param in params.items()}
    gradients: Tensors = {}
    with ExitStack() as stack:
        with _together():
            engine = stack.enter_context(torch_engine(model, settings, params, moments, compiled=compiled))
        while True:
            order, *numbers = _order(Order.END)
            if order == Order.CLOSE:
                return
            with suppress(TrainingError, OutOfMemory):  # the first process says so, and what comes next
                if order == Order.UPDATE:
                    with _together():
                        engine.update(gradients, int(numbers[0]), numbers[1])
                    continue
                if order == Order.LOSSES:
                    _shared_arrays(judged)
                shape = 2, int(numbers[0]), int(numbers[1])
                inputs, targets = _shared(torch.zeros(shape, dtype=torch.int64)).numpy()
                if order == Order.LOSSES:
                    _all_losses(engine, judged, inputs, targets)
                else:
                    _, gradients = _summed(engine, inputs, targets)


def _order(order: Order, first: float = 0, second: float = 0) -> tuple[int, float, float]:
    """Say or hear what comes next."""
    kind, first, second = _shared(torch.tensor([order, first, second], dtype=torch.float64)).tolist()
    return int(kind), first, second


def _shared(tensor: Tensor) -> Tensor:
    """What the first process has in place of it."""
    dist.broadcast(tensor, src=0)
    return tensor


def _shared_arrays(arrays: Mapping[str, Array]) -> None:
    """Make the arrays of the others those of the first process; all in one message."""
    names = sorted(arrays)
    flat = torch.from_numpy(np.concatenate([arrays[name].reshape(-1) for name in names]))
    pieces = _shared(flat).numpy()
    if dist.get_rank():
        start = 0
        for array in (arrays[name] for name in names):
            array[...] = pieces[start : start + array.size].reshape(array.shape)
            start += array.size


def _own_rows(n_rows: int) -> slice:
    bounds = np.linspace(0, n_rows, dist.get_world_size() + 1).astype(int)
    return slice(int(bounds[dist.get_rank()]), int(bounds[dist.get_rank() + 1]))


def _summed(engine: TorchEngine, inputs: Array, targets: Array) -> tuple[float, Tensors]:
    """Loss and gradients of the whole batch, of which this process computes its rows."""
    rows = _own_rows(len(inputs))
    with _together():
        loss, gradients = engine.part(inputs[rows], targets[rows], targets.size)
        parts = [torch.tensor([loss], device=engine.device), *(g.reshape(-1) for g in gradients.values())]
        with memory_errors():
            flat = torch.cat(parts)
    dist.all_reduce(flat)
    total, *pieces = flat.split([1, *(gradient.numel() for gradient in gradients.values())])
    shaped = {name: piece.view_as(gradient) for (name, gradient), piece in zip(gradients.items(), pieces, strict=True)}
    return total.item(), shaped


def _all_losses(engine: TorchEngine, params: Params, inputs: Array, targets: Array) -> Array:
    rows = _own_rows(len(inputs))
    found = np.zeros(inputs.shape, np.float32)
    with _together():
        found[rows] = engine.losses(params, inputs[rows], targets[rows])
    dist.all_reduce(torch.from_numpy(found))
    return found


@contextmanager
def _together() -> Iterator[None]:
    """What fails in one process fails in all, before they wait for each other in vain.

    Raises ``OutOfMemory`` in each if one has no memory, and ``EngineLost`` in those that are fine if one is not.
    """
    failure: Exception | None = None
    try:
        yield
    except Exception as error:  # whatever it is: the others have to know
        failure = error
    alike = failure is None or isinstance(failure, TrainingError)  # a gradient that is no number is none in all
    worst = torch.tensor(0 if alike else 1 if isinstance(failure, MemoryError) else 2)
    dist.all_reduce(worst, dist.ReduceOp.MAX)
    if worst == 1:
        raise OutOfMemory from None
    if failure is not None:
        raise failure
    if worst == 2:
        raise EngineLost("a process of this run has failed")


@contextmanager
def _goodbye(order: Order) -> Iterator[None]:
    """When the block ends, the first process gives the others this order, unless they wait for something else.

    Then they notice that it has gone.
    """
    try:
        yield
    except BaseException:
        if dist.get_rank() == 0 and not _broken.is_set():
            with suppress(EngineLost), _lost():
                _order(order)
        raise
    if dist.get_rank() == 0:
        with _lost():
            _order(order)


@contextmanager
def _lost() -> Iterator[None]:
    """What ends an order in this process alone breaks the group.

    PyTorch's own errors about a connection, and memory that does not suffice here, are ``EngineLost``.
    """
    try:
        yield
    except (TrainingError, OutOfMemory):  # in all processes
        raise
    except MemoryError:
        _broken.set()
        raise EngineLost("a process of this run has no memory left") from None
    except BaseException as error:
        _broken.set()
        network = isinstance(error, RuntimeError) and re.search("gloo|connection", str(error), re.IGNORECASE)
        if not network and not isinstance(error, dist.DistError):
            raise
        raise EngineLost("a process of this run has gone") from error
