"""Fast gradient sign method (Goodfellow et al., ICLR 2015, arXiv 1412.6572)."""

from torch import Tensor, nn

from .objectives import Objective
from .pgd import pgd


def fgsm(network: nn.Module, images: Tensor, labels: Tensor, objective: Objective, *, epsilon: float) -> Tensor:
    """One signed gradient step of the whole radius."""
    return pgd(network, images, labels, objective, epsilon=epsilon, step=epsilon, steps=1)
