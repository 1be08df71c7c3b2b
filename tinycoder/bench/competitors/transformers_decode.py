"""Greedy decoding with Hugging Face's transformers: ``transformers_decode.py JSON``; each line is a list of ids."""

import json
import sys
import time

from wire import arguments, say

try:
    import torch
    import transformers
except ImportError:
    say(absent="transformers is not installed (pip install torch transformers)")
    sys.exit()

torch.set_num_threads(arguments["threads"])
transformers.logging.set_verbosity_error()
model = transformers.AutoModelForCausalLM.from_pretrained(arguments["folder"], torch_dtype=torch.float32)
model.eval()
say(ready=transformers.__version__)


def seconds(ids, n):
    """Time to read ``ids`` and make ``n`` more."""
    start = time.perf_counter()
    with torch.inference_mode():
        model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=n,
            min_new_tokens=n,
            do_sample=False,
            use_cache=True,
        )
    return time.perf_counter() - start


for line in sys.stdin:
    prompt = torch.tensor([json.loads(line)])
    say(value=seconds(prompt, arguments["n_made"]) - seconds(prompt, 1))
