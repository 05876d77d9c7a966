"""The dynamic decision: an image leaves at the first active exit whose score is below its threshold.

The score is the entropy of the softmax divided by ln C, in [0, 1]; lower is surer (Triple Wins, section 3.1, with
the entropy normalised). A threshold of None switches a side exit off: its head is not executed.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .data.image_set import as_pixels
from .networks.multi_exit import stacked_logits

Thresholds = Sequence[float | None]
"""One per side exit; the final exit takes whatever reaches it."""


def normalised_entropy(logits: Tensor) -> Tensor:
    """Entropy / ln C of the softmax over the last dimension: [..., C] to [...]."""
    log_probabilities = logits.log_softmax(-1)
    entropy = -(log_probabilities.exp() * log_probabilities).sum(-1)
    return entropy / torch.log(torch.tensor(float(logits.shape[-1])))


def exits_taken(scores: Tensor, thresholds: Thresholds) -> Tensor:
    """Index of the exit that each image takes, [N], from the scores of the side exits, [E-1, N]."""
    taken = torch.full(scores.shape[1:], len(scores), dtype=torch.long, device=scores.device)
    for index in reversed(range(len(scores))):
        threshold = thresholds[index]
        if threshold is not None:
            taken = torch.where(scores[index] < threshold, index, taken)
    return taken


def at_exit(values: Tensor, taken: Tensor) -> Tensor:
    """values[taken[i], i] for every image i: [E, N, ...] and [N] to [N, ...]."""
    return values[taken, torch.arange(len(taken), device=taken.device)]


@torch.no_grad()
def all_logits(network: nn.Module, images: Tensor, batch_size: int = 500) -> Tensor:
    """Every exit's logits [E, N, C] on uint8 or fp32 images of any number, the network evaluating."""
    network.eval()
    return torch.cat(
        [
            stacked_logits(network, as_pixels(part) if part.dtype == torch.uint8 else part)
            for part in images.split(batch_size)
        ],
        dim=1,
    )
