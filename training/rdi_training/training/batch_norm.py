"""Batch-norm statistics for a network whose weights were averaged rather than trained."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


@torch.no_grad()
def recompute_statistics(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Replace all running statistics, in place, by plain averages over the batches of images [N, C, H, W]."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    batches = list(batches)
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    network.train()
    for batch in batches:
        network(batch)
    network.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def has_batch_norm(network: nn.Module) -> bool:
    """Whether recomputing would change anything."""
    return any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
