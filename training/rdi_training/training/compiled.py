"""Compiling a network layer by layer."""

from collections.abc import Callable

import torch

from ..networks.multi_exit import MultiExitNetwork

VARIANTS = 128
"""How many layers of one network may differ in kind, shape, or in what is asked of them."""


def compile_layers(network: MultiExitNetwork, backend: str | Callable[..., object] = "inductor") -> None:
    """Let torch.compile fuse the small operations in each layer of the stages, in place.

    Layers of the same kind and shape share their code, so that a deep network takes hardly longer than a shallow one.
    """
    torch._dynamo.config.recompile_limit = VARIANTS
    for stage in network.stages:
        for layer in stage.children():
            layer.compile(backend=backend, dynamic=False)
