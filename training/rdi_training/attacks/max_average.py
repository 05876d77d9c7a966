"""The max-average attack of Triple Wins (section 3.2): one PGD chain per exit, per image the most harmful one."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..dynamic import all_logits, at_exit
from .objectives import exit_losses


def most_harmful(network: nn.Module, candidates: Sequence[Tensor], labels: Tensor) -> Tensor:
    """Of several adversarial versions of every image, the one with the largest loss summed over the exits."""
    summed = torch.stack([exit_losses(all_logits(network, images), labels).sum(0) for images in candidates])
    return at_exit(torch.stack(list(candidates)), summed.argmax(0))
