"""The L-infinity ball of radius epsilon around an image, cut to the valid range [0, 1]."""

import math

import torch
from torch import Tensor

SLACK = 1e-6
"""For radii such as 8 / 255, whose product with 255 may fall just short of a whole number."""


def project(candidates: Tensor, images: Tensor, epsilon: float | Tensor) -> Tensor:
    """The nearest point of each image's ball to its candidate."""
    return torch.clamp(torch.maximum(torch.minimum(candidates, images + epsilon), images - epsilon), 0, 1)


def random_start(images: Tensor, epsilon: float, generator: torch.Generator) -> Tensor:
    """A point drawn uniformly from each image's ball (then cut to [0, 1])."""
    noise = torch.rand(images.shape, generator=generator, device=images.device, dtype=images.dtype)
    return torch.clamp(images + epsilon * (2 * noise - 1), 0, 1)


def to_bytes(adversarial: Tensor, images: Tensor, epsilon: float) -> Tensor:
    """Points of the balls around `images` (uint8) as uint8, rounded so that they stay within."""
    radius = math.floor(255 * epsilon + SLACK)
    clean = images.to(torch.int16)
    levels = (255 * adversarial).round().to(torch.int16)
    return torch.clamp(torch.maximum(torch.minimum(levels, clean + radius), clean - radius), 0, 255).to(torch.uint8)
