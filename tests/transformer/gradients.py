"""Loss and gradients of the parameters in one call, from the pieces that training uses."""

import numpy as np

from tinycoder.config import ModelConfig
from tinycoder.transformer.layers import Array
from tinycoder.transformer.model import Params, fuse_backward, fuse_forward, loss_and_weight_gradients


def loss_and_gradients(params: Params, config: ModelConfig, ids: Array, targets: Array) -> tuple[float, Params]:
    """Mean loss in nats over the targets that are not -1, and its gradients; (B,T), (B,T) -> (), parameters."""
    weights, cache = fuse_forward(params, config)
    loss, dweights = loss_and_weight_gradients(weights, config, ids, targets, int(np.sum(targets >= 0)))
    return loss, fuse_backward(dweights, cache)
