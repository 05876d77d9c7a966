"""The dynamic decision: an image leaves at the first active side exit whose score clears the gate's threshold."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .data.image_set import as_pixels
from .networks.multi_exit import stacked_logits


def normalised_entropy(logits: Tensor) -> Tensor:
    """Entropy / ln C of the softmax over the last dimension, in [0, 1], lower is surer: [..., C] to [...].

    Triple Wins, section 3.1, with the entropy normalised.
    """
    log_probabilities = logits.log_softmax(-1)
    entropy = -(log_probabilities.exp() * log_probabilities).sum(-1)
    return entropy / math.log(logits.shape[-1])


def largest_probability(logits: Tensor) -> Tensor:
    """The largest of the softmax over the last dimension: [..., C] to [...]."""
    return logits.softmax(-1).amax(-1)


def probability_margin(logits: Tensor) -> Tensor:
    """The largest of the softmax over the last dimension less the second: [..., C] to [...]."""
    largest = logits.softmax(-1).topk(2).values
    return largest[..., 0] - largest[..., 1]


SCORES: dict[str, Callable[[Tensor], Tensor]] = {
    "entropy": normalised_entropy,
    "max-softmax": largest_probability,
    "margin": probability_margin,
}
"""By rdi-serve's names. An image leaves if its entropy is below the threshold, or if another score is not."""


@dataclass(frozen=True)
class Gate:
    """What decides where images leave."""

    policy: str
    """One of SCORES."""
    thresholds: tuple[float | None, ...]
    """One per side exit, None where it is off: its head is not executed. The final exit takes whatever reaches it."""

    @property
    def active(self) -> list[bool]:
        """Whether each side exit is on."""
        return [threshold is not None for threshold in self.thresholds]

    def clearance(self, logits: Tensor) -> Tensor:
        """How far every side exit's score is beyond its threshold, [E-1, N], from all exits' logits [E, N, C].

        Positive where it suffices to leave, -inf where the exit is off.
        """
        scores = SCORES[self.policy](logits[:-1])
        if len(scores) != len(self.thresholds):
            raise ValueError(f"{len(self.thresholds)} thresholds for {len(scores)} side exits")
        sign = -1 if self.policy == "entropy" else 1
        limits = [sign * math.inf if threshold is None else threshold for threshold in self.thresholds]
        return sign * (scores - scores.new_tensor(limits).unsqueeze(-1))

    def exits_taken(self, logits: Tensor) -> Tensor:
        """Index of the exit that each image takes, [N], from all exits' logits [E, N, C]."""
        clearance = self.clearance(logits)
        return first_leaving(clearance > 0 if self.policy == "entropy" else clearance >= 0)


def always_full(side_exits: int) -> Gate:
    """The gate of the profile `full`: every side exit is off."""
    return Gate("entropy", (None,) * side_exits)


def first_leaving(leaves: Tensor) -> Tensor:
    """Index of the first exit that lets each image leave, else of the final one: bool [E-1, N] to [N]."""
    taken = torch.full(leaves.shape[1:], len(leaves), dtype=torch.long, device=leaves.device)
    for index in reversed(range(len(leaves))):
        taken = torch.where(leaves[index], index, taken)
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
