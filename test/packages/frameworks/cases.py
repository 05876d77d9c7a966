"""What every export has beside it: images, what its framework answers to them, and how much it computes."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

CLASSES = 10
IMAGES = 3


def images(size: int) -> np.ndarray:
    """uint8 [images, height, width, 3]"""
    return np.random.default_rng(1).integers(0, 256, (IMAGES, size, size, 3), np.uint8)


def randomise(net: nn.Module) -> None:
    """Statistics and scales as training leaves them, not the ones and zeros of a new layer, so that each counts."""
    for name, values in [*net.named_parameters(), *net.named_buffers()]:
        with torch.no_grad():
            if "var" in name:
                values.uniform_(0.5, 1.5)
            elif values.dim() == 1 and values.is_floating_point():
                values.add_(torch.empty_like(values).uniform_(-0.1, 0.1))


def count_flops(net: nn.Module, image: torch.Tensor) -> int:
    """Of one image and the whole network, every head included, by torch's own counter.

    It knows no fused attention on a CPU, so that is computed step by step.
    """
    torch.backends.mha.set_fastpath_enabled(False)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        net(image)
    return counter.get_total_flops()


def write_case(
    file: Path, source: str, network: str, exporter: str,
    pixels: np.ndarray, answers: Sequence[np.ndarray], flops: int | None, are_probabilities: bool = False,
) -> None:
    about = {
        "source": source,
        "network": network,
        "exporter": exporter,
        "pixels": base64.b64encode(pixels.tobytes()).decode(),
        "answers": [one.tolist() for one in answers],
        "areProbabilities": are_probabilities,
        "flops": flops,
    }
    file.write_text(json.dumps(about))
    print(file.stem, flush=True)
