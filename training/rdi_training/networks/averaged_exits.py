"""Exits that answer with a moving average: what earlier exits said is not thrown away.

Averaging the predictions of a network's exits makes each more accurate and harder to fool, at no cost in
multiply-accumulates: Wołczyk et al., "Zero Time Waste: Recycling Predictions in Early Exit Neural Networks",
NeurIPS 2021 (arXiv 2106.05409).
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from .multi_exit import MultiExitNetwork

EARLIER_SHARE = 1 / 3
"""Weight of the exit before in an exit's logits."""


def averaged(build: Callable[..., MultiExitNetwork], first: int) -> Callable[..., MultiExitNetwork]:
    """A function that builds the network that `build` does, with averaged exits."""
    return lambda classes=10: AveragedExits(build(classes=classes), classes, first)


class AveragedExits(MultiExitNetwork):
    """The same stages, heads and weights, with averaged logits from exit `first` on.

    With z_k what head k says, exit k answers y_k = (1 - s) z_k + s y_{k-1} from exit `first` on, and y_k = z_k before
    it; s is EARLIER_SHARE. So the heads from `first` - 1 on are executed with their stages, whether or not
    their exits are active.

    Cut k then carries y_k with the features: as further channels, as few as have room for it, repeated until they are
    full.
    """

    def __init__(self, plain: MultiExitNetwork, classes: int, first: int) -> None:
        super().__init__(list(plain.stages), list(plain.heads), plain.image_shape)
        if not 0 < first < self.exit_count:
            raise ValueError(f"first is from 1 to {self.exit_count - 1}, not {first}: there must be an exit before it")
        self.classes = classes
        self.first = first

    def run_stage(self, index: int, cut: Tensor) -> Tensor:
        """What stage k makes of cut k-1, or of the images: cut k; of the last one, the final exit's logits."""
        if index < self.first - 1:
            return super().run_stage(index, cut)
        earlier = None
        if index >= self.first:
            cut, earlier = self._unpack(cut)
        features = super().run_stage(index, cut)
        logits = super().run_head(index, features)
        if earlier is not None:
            logits = (1 - EARLIER_SHARE) * logits + EARLIER_SHARE * earlier
        return logits if index == self.exit_count - 1 else self._pack(features, logits)

    def run_head(self, index: int, cut: Tensor) -> Tensor:
        """The logits of exit k, [N, classes], from cut k."""
        if index < self.first - 1:
            return super().run_head(index, cut)
        return cut if index == self.exit_count - 1 else self._unpack(cut)[1]

    def _pack(self, features: Tensor, logits: Tensor) -> Tensor:
        """[N, C, H, W] and [N, classes] to [N, C + planes, H, W]."""
        height, width = _extents(features)
        places = self._planes(height, width) * height * width
        repeated = torch.cat([logits] * math.ceil(places / self.classes), dim=1)[:, :places]
        return torch.cat([features, repeated.reshape(-1, places // (height * width), height, width)], dim=1)

    def _unpack(self, cut: Tensor) -> tuple[Tensor, Tensor]:
        """What _pack was given."""
        planes = self._planes(*_extents(cut))
        return cut[:, :-planes], cut[:, -planes:].flatten(1)[:, : self.classes]

    def _planes(self, height: int, width: int) -> int:
        return math.ceil(self.classes / (height * width))


def _extents(tensor: Tensor) -> tuple[int, int]:
    """Height and width as plain numbers: an exported graph then has no arithmetic on shapes."""
    return int(tensor.shape[2]), int(tensor.shape[3])
