"""Decoding with llama.cpp: ``llama_decode.py JSON``; each line is ``[what, ids]``, answered in seconds.

What: ``prefill`` reads all ids, ``one`` the last of them after the others, ``generate``
continues them greedily; the first id, which comes from reading the others, does not count.
"""

import ctypes
import json
import sys
import time

from wire import arguments, say

try:
    import llama_cpp as llama
    import numpy as np
except ImportError:
    say(absent="llama.cpp is not installed (pip install llama-cpp-python)")
    sys.exit()

quiet = llama.llama_log_callback(lambda *ignored: None)
llama.llama_log_set(quiet, ctypes.c_void_p(0))
llama.llama_backend_init()
model = llama.llama_model_load_from_file(arguments["file"].encode(), llama.llama_model_default_params())
settings = llama.llama_context_default_params()
settings.n_ctx = settings.n_batch = settings.n_ubatch = arguments["context"]
settings.n_threads = settings.n_threads_batch = arguments["threads"]
settings.type_k = settings.type_v = 0  # float32
settings.flash_attn_type = arguments["flash_attention"]
context = llama.llama_init_from_model(model, settings)
if not model or not context:
    say(absent="llama.cpp could not load the exported model")
    sys.exit()
memory = llama.llama_get_memory(context)
batch = llama.llama_batch_init(arguments["context"], 0, 1)
n_ids = arguments["vocab_size"]


def decode(ids, past):
    """Read ``ids`` after ``past`` positions; returns the scores of the next."""
    llama.llama_memory_seq_rm(memory, 0, past, -1)
    batch.n_tokens = len(ids)
    for i, token in enumerate(ids):
        batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.seq_id[i][0] = token, past + i, 1, 0
        batch.logits[i] = i == len(ids) - 1
    if llama.llama_decode(context, batch):
        raise RuntimeError("llama.cpp cannot decode")
    return np.ctypeslib.as_array(llama.llama_get_logits_ith(context, len(ids) - 1), (n_ids,))


say(ready=getattr(llama, "__version__", "?"))
for line in sys.stdin:
    what, ids = json.loads(line)
    if what == "one":  # once more than it counts, so that it finds its weights in the cache as a running one does
        decode(ids[:-1], 0)
        decode(ids[-1:], len(ids) - 1)
    start = time.perf_counter()
    if what == "prefill":
        decode(ids, 0)
    elif what == "one":
        decode(ids[-1:], len(ids) - 1)
    else:
        scores = decode(ids, 0)
        start = time.perf_counter()
        for i in range(arguments["n_made"] - 1):
            scores = decode([int(scores.argmax())], len(ids) + i)
    say(value=time.perf_counter() - start)
