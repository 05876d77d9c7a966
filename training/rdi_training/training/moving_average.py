"""Exponential moving average of a network's weights and statistics: the network that is measured and shipped."""

import copy

import torch
from torch import nn


def averaged_copy(network: nn.Module) -> nn.Module:
    """A copy that only moves through update_average."""
    return copy.deepcopy(network).eval().requires_grad_(False)


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float, updates: int) -> None:
    """Move the average towards the network; early on it follows faster: decay is at most (1 + n) / (10 + n)."""
    share = 1 - min(decay, (1 + updates) / (10 + updates))
    current = network.state_dict()
    followed, followers = [], []
    for name, value in average.state_dict().items():
        if value.is_floating_point():
            followed.append(current[name])
            followers.append(value)
        else:
            value.copy_(current[name])
    # One call for all tensors: on a GPU hundreds of small ones would cost as much as a training step.
    torch._foreach_lerp_(followers, followed, share)
