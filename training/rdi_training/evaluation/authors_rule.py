"""How the authors of RDI-Nets set the thresholds of their published checkpoint; for reproducing their numbers only.

Equal quotas, one seventh of all images per exit, on the test set, then shifts chosen by hand, in nats. Thresholds
of one's own belong on held-out images (see export/thresholds).
"""

import math

import torch
from torch import Tensor

from ..dynamic import normalised_entropy

SHIFTS_NATS = (-0.15, -0.2, -0.25, -0.05, -0.05, 0.0)


def authors_thresholds(logits: Tensor) -> list[float]:
    """Thresholds on the normalised entropy from the logits [7, N, C] of clean test images."""
    exits, images, classes = logits.shape
    quota = images // exits
    remaining = torch.ones(images, dtype=torch.bool)
    thresholds = []
    for scores, shift in zip(normalised_entropy(logits[:-1]), SHIFTS_NATS, strict=True):
        ordered = torch.where(remaining, scores, math.inf).sort()
        thresholds.append(ordered.values[quota].item() + shift / math.log(classes))
        remaining[ordered.indices[:quota]] = False
    return thresholds
