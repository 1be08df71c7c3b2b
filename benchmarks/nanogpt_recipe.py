"""The competitor: nanoGPT's published CPU recipe for the characters of Tiny Shakespeare, in eager PyTorch.

The facts of the recipe (https://github.com/karpathy/nanoGPT, README, "I only have a macbook"), and nothing
else of it: a GPT-2 style model of 4 layers, 4 heads and width 128 over a context of 64 characters, tied
embeddings, no biases, no dropout; 2,000 iterations of 12 windows; AdamW with betas 0.9 and 0.99, weight decay
0.1 on matrices, gradients clipped to norm 1.0; a warm-up of 100 iterations to a learning rate of 1e-3, then a
cosine down to 1e-4. The last tenth of the text is for validation. The README reports a loss of 1.88 nats a
character: that is one seed, 20 random batches of validation text. Three seeds of this script gave 1.89, 1.92
and 1.92 so, and 1.893, 1.905 and 1.910 over the whole validation text: it does not reach 1.88 there.

At every 100th iteration one report is printed. It has two clocks and two validation losses:

- ``train_seconds`` counts making batches, forward, backward, update; ``wall_seconds`` also counts evaluation;
- ``recipe_val_loss`` is the recipe's own estimate, 20 random batches (and so is ``train_loss``); ``val_loss``
  is the mean over the whole validation text, cut into non-overlapping windows of 64: ``--until`` looks at it.

Give it the cores alone: PyTorch's threads wait for each other at every operation, and busy neighbours on two
cores made the same 100 iterations take 30 to 40 times as long.

    python benchmarks/nanogpt_recipe.py --file tinyshakespeare.txt --threads 2 --until 1.91 --json
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

N_LAYERS, N_HEADS, WIDTH, CONTEXT = 4, 4, 128, 64
BATCH_SIZE, ITERATIONS, WARMUP = 12, 2000, 100
LEARNING_RATE, FINAL_LEARNING_RATE = 1e-3, 1e-4
BETAS, WEIGHT_DECAY, CLIP = (0.9, 0.99), 0.1, 1.0
EVAL_EVERY, EVAL_BATCHES = 100, 20
INIT_STD = 0.02


@dataclass(frozen=True, kw_only=True)
class Report:
    """State after ``iteration`` updates. Losses are nats per character, times are seconds."""

    iteration: int
    train_seconds: float
    wall_seconds: float
    train_loss: float
    recipe_val_loss: float
    val_loss: float


class Block(nn.Module):
    """Pre-norm attention and a four times wider GELU layer, each added to the residual stream."""

    def __init__(self) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(WIDTH, bias=False)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.attention_out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.norm_2 = nn.LayerNorm(WIDTH, bias=False)
        self.up = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.down = nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B,T,C) -> (B,T,C)."""
        B, T, C = x.shape
        qkv = self.qkv(self.norm_1(x)).view(B, T, 3, N_HEADS, C // N_HEADS)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (B,H,T,D)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.attention_out(mixed.transpose(1, 2).reshape(B, T, C))
        return x + self.down(functional.gelu(self.up(self.norm_2(x))))


class GPT(nn.Module):
    """GPT-2 with learned positions; the output matrix is the token embedding."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocab_size, WIDTH)
        self.positions = nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(N_LAYERS))
        self.norm = nn.LayerNorm(WIDTH, bias=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:  # what ends a residual branch starts smaller, as in GPT-2
                ends_branch = name.endswith(("attention_out.weight", "down.weight"))
                nn.init.normal_(weight, std=INIT_STD / math.sqrt(2 * N_LAYERS) if ends_branch else INIT_STD)

    def forward(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy: (B,T), (B,T) -> ()."""
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x)
        logits = functional.linear(self.norm(x), self.tokens.weight)
        return functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


def train(text: str, *, iterations: int = ITERATIONS, seed: int = 1337) -> Iterator[Report]:
    """Train on the first nine tenths of ``text``; report before the first and after every 100th iteration."""
    torch.manual_seed(seed)
    batches, eval_batches = torch.Generator().manual_seed(seed), torch.Generator().manual_seed(seed + 1)
    vocabulary = {character: i for i, character in enumerate(sorted(set(text)))}
    ids = torch.tensor([vocabulary[character] for character in text])
    train_ids, val_ids = ids[: int(0.9 * len(ids))], ids[int(0.9 * len(ids)) :]

    model = GPT(len(vocabulary))
    matrices = [weight for weight in model.parameters() if weight.dim() == 2]
    others = [weight for weight in model.parameters() if weight.dim() != 2]
    groups = [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=BETAS)

    train_seconds = 0.0
    start = time.perf_counter()
    for iteration in range(iterations + 1):
        if iteration % EVAL_EVERY == 0 or iteration == iterations:
            yield Report(
                iteration=iteration,
                train_seconds=train_seconds,
                train_loss=_random_loss(model, train_ids, eval_batches),
                recipe_val_loss=_random_loss(model, val_ids, eval_batches),
                val_loss=whole_loss(model, val_ids),
                wall_seconds=time.perf_counter() - start,  # evaluated last, so this evaluation counts
            )
        if iteration < iterations:
            before = time.perf_counter()
            for group in optimizer.param_groups:
                group["lr"] = _learning_rate(iteration, iterations)
            loss = model(*_random_windows(train_ids, batches))
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            train_seconds += time.perf_counter() - before


def _learning_rate(iteration: int, iterations: int) -> float:
    if iteration < WARMUP:
        return LEARNING_RATE * (iteration + 1) / (WARMUP + 1)
    done = (iteration - WARMUP) / max(1, iterations - WARMUP)
    return FINAL_LEARNING_RATE + 0.5 * (1 + math.cos(math.pi * done)) * (LEARNING_RATE - FINAL_LEARNING_RATE)


def _random_windows(ids: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    starts = torch.randint(len(ids) - CONTEXT, (BATCH_SIZE, 1), generator=generator)
    windows = ids[starts + torch.arange(CONTEXT + 1)]
    return windows[:, :-1], windows[:, 1:]


@torch.no_grad()
def _random_loss(model: GPT, ids: Tensor, generator: torch.Generator) -> float:
    return sum(float(model(*_random_windows(ids, generator))) for _ in range(EVAL_BATCHES)) / EVAL_BATCHES


@torch.no_grad()
def whole_loss(model: GPT, ids: Tensor) -> float:
    """Mean loss over all non-overlapping windows of ``ids``; a rest shorter than a window is left out."""
    n_windows = (len(ids) - 1) // CONTEXT
    inputs = ids[: n_windows * CONTEXT].view(n_windows, CONTEXT)
    targets = ids[1 : n_windows * CONTEXT + 1].view(n_windows, CONTEXT)
    parts = zip(inputs.split(64), targets.split(64), strict=True)
    return sum(float(model(part, goal)) * len(part) for part, goal in parts) / n_windows


def main() -> None:
    """Parse the command line, train, print one line per report."""
    parser = argparse.ArgumentParser(description="nanoGPT's CPU recipe for Tiny Shakespeare in PyTorch.")
    parser.add_argument("--file", type=Path, required=True, help="the text, tinyshakespeare.txt")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of PyTorch")
    parser.add_argument("--until", type=float, default=-math.inf, metavar="LOSS", help="val_loss to stop at")
    parser.add_argument("--seed", type=int, default=1337)
    parser.add_argument("--json", action="store_true", help="print JSON lines")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for report in train(arguments.file.read_text(encoding="utf-8"), seed=arguments.seed):
        if arguments.json:
            print(json.dumps(asdict(report)), flush=True)
        else:
            print("  ".join(f"{name} {value:.4g}" for name, value in asdict(report).items()), flush=True)
        if report.val_loss <= arguments.until:
            break


if __name__ == "__main__":
    main()
