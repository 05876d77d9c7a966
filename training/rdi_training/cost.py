"""What inference costs, in multiply-accumulates (MACs) of convolutions and linear layers; FLOPs are twice that.

Two counts are reported. Executed: every stage and every head on the way to the exit taken, heads of inactive
exits left out. Published: the count of the RDI-Nets paper, convolutions only and without the heads that were
passed; given only for comparison.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from .networks.multi_exit import MultiExitNetwork

MIB = 2**20
"""The paper's "M" of MFLOPs."""


@dataclass(frozen=True)
class NetworkCost:
    """MACs for one image, per stage and per head; the `_convolutions` leave linear layers out."""

    stages: tuple[int, ...]
    heads: tuple[int, ...]
    stage_convolutions: tuple[int, ...]
    head_convolutions: tuple[int, ...]

    @property
    def full(self) -> int:
        """The backbone with its final exit alone: every side exit off."""
        return sum(self.stages) + self.heads[-1]

    def executed(self, active: Sequence[bool] | None = None) -> list[int]:
        """MACs of an image that leaves at exit k, for every k, given which side exits are active (all).

        The entry of an inactive exit is what its stages cost; no image leaves there.
        """
        active = [True] * (len(self.heads) - 1) if active is None else list(active)
        costs, total = [], 0
        for stage, head, on in zip(self.stages, self.heads, [*active, True], strict=True):
            total += stage + (head if on else 0)
            costs.append(total)
        return costs

    def published(self) -> list[int]:
        """MACs of an image that leaves at exit k as the paper counts them."""
        return [sum(self.stage_convolutions[: index + 1]) + head for index, head in enumerate(self.head_convolutions)]


def network_cost(network: MultiExitNetwork) -> NetworkCost:
    """Count by sending one blank image through the stages and heads."""
    parameter = next(network.parameters())
    cut = torch.zeros(1, *network.image_shape, device=parameter.device)
    stages, heads = [], []
    was_training = network.training
    network.eval()
    with torch.no_grad():
        for index in range(network.exit_count):
            cut, macs = _counted(network, partial(network.run_stage, index, cut))
            stages.append(macs)
            heads.append(_counted(network, partial(network.run_head, index, cut))[1])
    network.train(was_training)
    return NetworkCost(
        stages=tuple(sum(macs) for macs in stages),
        heads=tuple(sum(macs) for macs in heads),
        stage_convolutions=tuple(convolutions for convolutions, _ in stages),
        head_convolutions=tuple(convolutions for convolutions, _ in heads),
    )


def _counted(network: nn.Module, work: Callable[[], Tensor]) -> tuple[Tensor, tuple[int, int]]:
    """What work on the network returns, and its MACs in (convolutions, linear layers)."""
    convolutions = linear = 0

    def count(layer: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal convolutions, linear
        if isinstance(layer, nn.Conv2d):
            kernel_height, kernel_width = layer.kernel_size
            convolutions += output[0].numel() * layer.in_channels // layer.groups * kernel_height * kernel_width
        elif isinstance(layer, nn.Linear):
            linear += output[0].numel() * layer.in_features

    hooks = [layer.register_forward_hook(count) for layer in network.modules()]
    output = work()
    for hook in hooks:
        hook.remove()
    return output, (convolutions, linear)
