"""The L-infinity ball of radius epsilon around an image, cut to the valid range [0, 1]."""

import torch
from torch import Tensor


def project(candidates: Tensor, images: Tensor, epsilon: float) -> Tensor:
    """The nearest point of each image's ball to its candidate."""
    return torch.clamp(torch.maximum(torch.minimum(candidates, images + epsilon), images - epsilon), 0, 1)


def random_start(images: Tensor, epsilon: float, generator: torch.Generator) -> Tensor:
    """A point drawn uniformly from each image's ball (then cut to [0, 1])."""
    noise = torch.rand(images.shape, generator=generator, device=images.device, dtype=images.dtype)
    return torch.clamp(images + epsilon * (2 * noise - 1), 0, 1)
