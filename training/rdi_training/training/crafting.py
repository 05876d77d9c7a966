"""Adversarial copies of a training batch."""

import torch
from torch import Tensor, nn

from ..attacks.ball import random_start
from ..attacks.objectives import weighted
from ..attacks.pgd import pgd

RESTART_SHARE = 0.2
"""Share of carried perturbations that are dropped for a random start, so that none grows stale."""
CARRIED_SCALE = 127
"""Carried perturbations are int8 in units of epsilon / 127."""


def mixed_weights(exits: int, count: int, generator: torch.Generator) -> Tensor:
    """Exit weights [E, N]: half of the images attack the average of the exits, half one exit drawn at random."""
    device = generator.device
    chosen = torch.randint(exits, (count,), generator=generator, device=device)
    single = nn.functional.one_hot(chosen, exits).float().T
    averaged = torch.rand(count, generator=generator, device=device) < 0.5
    return torch.where(averaged, torch.full_like(single, 1 / exits), single)


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


def craft(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    carried: Tensor | None,
    *,
    exits: int,
    epsilon: float,
    step: float,
    steps: int,
    evaluating: bool,
    generator: torch.Generator,
) -> Tensor:
    """One adversarial copy per image, by PGD on a mixture of the exits' losses."""
    return pgd(
        network,
        images,
        labels,
        weighted(mixed_weights(exits, len(images), generator)),
        epsilon=epsilon,
        step=step,
        steps=steps,
        start=starting_points(images, epsilon, carried, generator),
        evaluating=evaluating,
    )


def to_carry(images: Tensor, adversarial: Tensor, epsilon: float) -> Tensor:
    """The perturbations as int8, what starting_points takes as `carried` next time."""
    return ((adversarial - images) * (CARRIED_SCALE / epsilon)).round().to(torch.int8)
