"""Inputs of the project's own making with every exit's logits: what a served copy must reproduce."""

import base64
from typing import Any

import torch
from torch import Tensor

from ..dynamic import all_logits
from ..networks.multi_exit import MultiExitNetwork

TOLERANCE = 1e-4
PER_KIND = 4


def golden_cases(network: MultiExitNetwork, seed: int = 0) -> dict[str, Any]:
    """Content of golden.json: pixels as base64 of uint8, row by row with channels last; fp32 logits per exit."""
    images = synthetic_images(network.image_shape, seed)
    logits = all_logits(network, images)
    return {
        "tolerance": TOLERANCE,
        "cases": [
            {
                "pixels": base64.b64encode(image.permute(1, 2, 0).contiguous().numpy().tobytes()).decode(),
                "logits": logits[:, index].tolist(),
            }
            for index, image in enumerate(images)
        ],
    }


def synthetic_images(shape: tuple[int, int, int], seed: int) -> Tensor:
    """uint8 [12, C, H, W]: noise, gradients and strokes, none of them from a data set."""
    generator = torch.Generator().manual_seed(seed)
    images = []
    for _ in range(PER_KIND):
        images += [_noise(shape, generator), _gradient(shape, generator), _strokes(shape, generator)]
    return (torch.stack(images) * 255).round().to(torch.uint8)


def _noise(shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator)


def _gradient(shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """A plane from dark to bright in a direction of its own per channel."""
    channels, height, width = shape
    direction = torch.rand(channels, 2, 1, 1, generator=generator) * 2 - 1
    rows = torch.linspace(-1, 1, height)[:, None]
    columns = torch.linspace(-1, 1, width)[None, :]
    return ((direction[:, 0] * rows + direction[:, 1] * columns) / 2 + 0.5).clamp(0, 1)


def _strokes(shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Three straight bright strokes, soft at the edge, on black."""
    channels, height, width = shape
    rows = torch.linspace(0, 1, height)[:, None]
    columns = torch.linspace(0, 1, width)[None, :]
    canvas = torch.zeros(height, width)
    for _ in range(3):
        (y0, x0), (y1, x1) = torch.rand(2, 2, generator=generator).mul(0.7).add(0.15).tolist()
        length = max((y1 - y0) ** 2 + (x1 - x0) ** 2, 1e-6)
        along = (((rows - y0) * (y1 - y0) + (columns - x0) * (x1 - x0)) / length).clamp(0, 1)
        distance = ((rows - y0 - along * (y1 - y0)) ** 2 + (columns - x0 - along * (x1 - x0)) ** 2).sqrt()
        canvas = torch.maximum(canvas, (1.6 - distance * 28).clamp(0, 1))
    return canvas * torch.rand(channels, 1, 1, generator=generator).mul(0.3).add(0.7)
