"""How sure a share or a difference of shares is."""

import math
from dataclasses import dataclass

from torch import Tensor

Z_95 = 1.959963984540054


@dataclass(frozen=True)
class Share:
    """A share of n images with its 95 % interval."""

    value: float
    low: float
    high: float
    n: int


def share(hits: Tensor) -> Share:
    """Share of true among the hits [N], with Wilson's score interval (JASA 1927)."""
    n = hits.numel()
    value = hits.float().mean().item()
    centre = (value + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    half = Z_95 * math.sqrt(value * (1 - value) / n + Z_95**2 / (4 * n**2)) / (1 + Z_95**2 / n)
    return Share(value=value, low=max(0.0, centre - half), high=min(1.0, centre + half), n=n)


@dataclass(frozen=True)
class PairedDifference:
    """Accuracy of one model minus another's on the same images, with a 95 % interval and McNemar's exact p."""

    value: float
    low: float
    high: float
    p: float
    n: int


def paired_difference(first: Tensor, second: Tensor) -> PairedDifference:
    """Compare two records of right and wrong [N] image by image; only images that they disagree on count."""
    n = first.numel()
    gained = int((first & ~second).sum())
    lost = int((~first & second).sum())
    value = (gained - lost) / n
    half = Z_95 * math.sqrt(max((gained + lost) / n - value**2, 0.0) / n)
    return PairedDifference(value=value, low=value - half, high=value + half, p=_sign_test(gained, lost), n=n)


def _sign_test(gained: int, lost: int) -> float:
    """Two-sided exact binomial p-value of so uneven a split between equal chances."""
    trials = gained + lost
    tail = sum(math.comb(trials, k) for k in range(max(gained, lost), trials + 1))
    return min(1.0, 2 * tail / 2**trials)
