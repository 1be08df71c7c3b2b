"""Training steps of a Llama in PyTorch, as its users would write it for speed: ``torch_train.py JSON``."""

import sys
import time

from wire import arguments, say

try:
    import torch
    from torch import nn
    from torch.nn import functional as F  # noqa: N812
except ImportError:
    say(absent="PyTorch is not installed (pip install torch)")
    sys.exit()


class Block(nn.Module):
    """Attention with one product for queries, keys and values, and SwiGLU with one for gate and up."""

    def __init__(self, C, H, G, hidden):
        super().__init__()
        self.H, self.G, self.D = H, G, C // H
        self.qkv = nn.Linear(C, (H + 2 * G) * self.D, bias=False)
        self.o = nn.Linear(C, C, bias=False)
        self.gate_up = nn.Linear(C, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, C, bias=False)
        self.norm1, self.norm2 = nn.Parameter(torch.ones(C)), nn.Parameter(torch.ones(C))

    def forward(self, x, cos, sin):
        """One block: (B,T,C) -> (B,T,C)."""
        B, T, C = x.shape
        qkv = self.qkv(F.rms_norm(x, (C,), self.norm1, 1e-5)).view(B, T, self.H + 2 * self.G, self.D).transpose(1, 2)
        qk, v = qkv[:, : self.H + self.G], qkv[:, self.H + self.G :]
        first, second = qk.chunk(2, -1)
        qk = torch.cat([first * cos - second * sin, second * cos + first * sin], -1)
        q, k = qk[:, : self.H], qk[:, self.H :]
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=self.H != self.G)
        x = x + self.o(a.transpose(1, 2).reshape(B, T, C))
        gate, up = self.gate_up(F.rms_norm(x, (C,), self.norm2, 1e-5)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Llama(nn.Module):
    """Embedding shared with the output."""

    def __init__(self, shape):
        super().__init__()
        V, C, L = shape["vocab_size"], shape["width"], shape["n_layers"]
        H, G, hidden, T = shape["n_heads"], shape["n_kv_heads"], shape["hidden"], shape["context"]
        self.embedding = nn.Embedding(V, C)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(C, H, G, hidden) for _ in range(L))
        self.norm = nn.Parameter(torch.ones(C))
        angles = torch.arange(T)[:, None] * 10_000.0 ** (-torch.arange(0, C // H, 2) / (C // H))
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, ids, targets):
        """Mean loss."""
        x = self.embedding(ids)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        x = F.rms_norm(x, x.shape[-1:], self.norm, 1e-5)
        logits = F.linear(x, self.embedding.weight)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def resident() -> float:
    """Most memory that this process ever held, in MiB."""
    try:
        with open("/proc/self/status") as file:  # noqa: PTH123
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


torch.set_num_threads(arguments["threads"])
torch.manual_seed(0)
shape = arguments["model"]
model = Llama(shape)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
forward = torch.compile(model) if arguments["kind"] == "compile" else model


def step() -> float:
    """Seconds of one step on new random ids."""
    ids = torch.randint(shape["vocab_size"], (arguments["batch"], shape["context"] + 1))
    start = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=arguments["kind"] == "bf16"):
        loss = forward(ids[:, :-1], ids[:, 1:])
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return time.perf_counter() - start


try:
    step()
except Exception as error:  # no compiler, or an operation that this CPU lacks
    say(absent=f"PyTorch {torch.__version__} cannot train so here ({type(error).__name__})")
    sys.exit()
say(ready=torch.__version__)
for line in sys.stdin:
    say(value=resident() if line.strip() == "memory" else step())
