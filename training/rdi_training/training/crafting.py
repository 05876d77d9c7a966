"""Where the adversarial copies of a training batch start, and what they aim at."""

import torch
from torch import Tensor, nn

from ..attacks.ball import random_start

RESTART_SHARE = 0.2
"""Share of carried perturbations that are dropped for a random start, so that none grows stale."""
CARRIED_SCALE = 127
"""Carried perturbations are int8 in units of epsilon / 127."""


def mixed_weights(exits: int, count: int, final_share: float, generator: torch.Generator) -> Tensor:
    """Exit weights [E, N] of what each copy climbs.

    `final_share` of the copies attack the final exit. Of the others, half attack the average of the exits, half one
    exit drawn at random.
    """
    device = generator.device
    chosen = torch.randint(exits, (count,), generator=generator, device=device)
    draw = torch.rand(count, generator=generator, device=device)
    chosen = torch.where(draw >= 1 - final_share, exits - 1, chosen)
    single = nn.functional.one_hot(chosen, exits).float().T
    return torch.where(draw < (1 - final_share) / 2, torch.full_like(single, 1 / exits), single)


def starting_points(images: Tensor, epsilon: float, carried: Tensor | None, generator: torch.Generator) -> Tensor:
    """Where crafting starts: at random or, for most images if perturbations are carried, where it last ended.

    Carrying lets few steps add up over epochs (Zheng et al., "Efficient Adversarial Training with Transferable
    Adversarial Examples", CVPR 2020, arXiv 1912.11969). `carried` is int8 [N, C, H, W].
    """
    fresh = random_start(images, epsilon, generator)
    if carried is None:
        return fresh
    restart = torch.rand(len(images), 1, 1, 1, generator=generator, device=images.device) < RESTART_SHARE
    continued = images + carried.float() * (epsilon / CARRIED_SCALE)
    return torch.where(restart, fresh, continued)


def to_carry(images: Tensor, adversarial: Tensor, epsilon: float) -> Tensor:
    """The perturbations as int8, what starting_points takes as `carried` next time."""
    return ((adversarial - images) * (CARRIED_SCALE / epsilon)).round().to(torch.int8)
