"""Collapse guard: single- and few-step training can lose all robustness within an epoch while its loss looks fine.

See Wong, Rice, Kolter, "Fast is better than free" (ICLR 2020) on catastrophic overfitting.
"""

import math
from dataclasses import dataclass

from torch import Tensor, nn

from ..attacks.objectives import main_branch
from ..attacks.pgd import pgd
from ..networks.multi_exit import stacked_logits

IMAGES = 256
STEPS = 10
TOLERATED_DROP = 0.10
"""Accuracy under attack may fall this far below the epoch before …"""
TOLERATED_ERRORS = 2.5
"""… or by this many standard errors of the difference, if few held-out images make that more."""


@dataclass(frozen=True)
class Vitals:
    """How an epoch ended."""

    gain: float
    """Mean loss that the training attack added, over the epoch."""
    robust_accuracy: float
    """Final exit under PGD-10, on held-out images."""
    clean_accuracy: list[float]
    """Per exit, on the same held-out images."""
    images: int
    """How many those are."""


def take_vitals(network: nn.Module, images: Tensor, labels: Tensor, epsilon: float, gain: float) -> Vitals:
    """Attack the (evaluating) network on held-out images, fp32 [N, C, H, W]."""
    adversarial = pgd(network, images, labels, main_branch(), epsilon=epsilon, step=epsilon / 4, steps=STEPS)
    clean = stacked_logits(network, images).argmax(-1).eq(labels).float().mean(1)
    robust = stacked_logits(network, adversarial)[-1].argmax(-1).eq(labels).float().mean()
    return Vitals(gain=gain, robust_accuracy=robust.item(), clean_accuracy=clean.tolist(), images=len(images))


def collapse(vitals: Vitals, previous_robust_accuracy: float) -> str | None:
    """Why the epoch must be repeated with a stronger attack, or None."""
    if vitals.gain <= 0:
        return f"the training attack no longer raises the loss (gain {vitals.gain:.4f})"
    shares = (previous_robust_accuracy, vitals.robust_accuracy)
    error = math.sqrt(sum(share * (1 - share) for share in shares) / vitals.images)
    if previous_robust_accuracy - vitals.robust_accuracy > max(TOLERATED_DROP, TOLERATED_ERRORS * error):
        return f"accuracy under attack fell from {previous_robust_accuracy:.3f} to {vitals.robust_accuracy:.3f}"
    return None
