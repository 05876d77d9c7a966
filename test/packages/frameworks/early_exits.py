"""Exits for a plain classifier: a head behind some of its blocks, in a few lines."""

import torch
from torch import Tensor, nn


class EarlyExits(nn.Module):
    """Answers with the logits of a head behind each of `blocks`, then with those of the network itself.

    :param blocks: names of submodules, in the order in which they run.
    :param channels: the axis of their outputs that holds the channels; all others are averaged.
    :param image: an example.
    """

    def __init__(self, net: nn.Module, blocks: list[str], classes: int, image: Tensor, channels: int = 1):
        super().__init__()
        self.net = net
        self._features: list[Tensor] = []
        for block in blocks:
            net.get_submodule(block).register_forward_hook(self._keep)
        self._channels = channels
        net(image)
        self.heads = nn.ModuleList(
            nn.Linear(features.shape[channels], classes) for features in self._features
        )

    def _keep(self, _block: nn.Module, _inputs: object, output: Tensor) -> None:
        self._features.append(output)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        self._features.clear()
        logits = self.net(image)
        answers = [head(self._pool(one)) for head, one in zip(self.heads, self._features)]
        self._features.clear()
        return (*answers, logits)

    def _pool(self, features: Tensor) -> Tensor:
        channels = self._channels % features.dim()
        return features.mean([axis for axis in range(1, features.dim()) if axis != channels])
