"""What an attack maximises: one number per image from every exit's logits.

An objective takes the logits of all exits, fp32 [E, N, C], and the labels [N], and returns [N].
The branch objectives are those of Triple Wins (ICLR 2020), section 3.2.
"""

from collections.abc import Callable

import torch.nn.functional as functional
from torch import Tensor

Objective = Callable[[Tensor, Tensor], Tensor]


def exit_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of every exit, [E, N], from logits [E, N, C]."""
    exits, images, classes = logits.shape
    flat = functional.cross_entropy(
        logits.reshape(exits * images, classes), labels.repeat(exits), reduction="none"
    )
    return flat.reshape(exits, images)


def single_exit(index: int) -> Objective:
    """Loss at one exit."""
    return lambda logits, labels: functional.cross_entropy(logits[index], labels, reduction="none")


def main_branch() -> Objective:
    """Loss at the final exit."""
    return single_exit(-1)


def average() -> Objective:
    """Mean loss over the exits."""
    return lambda logits, labels: exit_losses(logits, labels).mean(0)


def weighted(weights: Tensor) -> Objective:
    """Per-image mixture of the exits' losses; weights [E, N]."""
    return lambda logits, labels: (exit_losses(logits, labels) * weights).sum(0)
