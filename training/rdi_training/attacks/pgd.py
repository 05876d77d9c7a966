"""Projected gradient descent (Madry et al., ICLR 2018, arXiv 1706.06083) on any objective."""

import torch
from torch import Tensor, nn

from .ball import project
from .gradient import frozen, objective_gradient
from .objectives import Objective


def pgd(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    objective: Objective,
    *,
    epsilon: float | Tensor,
    step: float | Tensor,
    steps: int,
    start: Tensor | None = None,
    evaluating: bool = True,
) -> Tensor:
    """Climb the objective by `steps` signed gradient steps of size `step`; returns images in the ball.

    Starts at `start` (projected first), else at the images themselves. Units of epsilon and step: those of the
    images, [0, 1]; each is one number. `evaluating=False` leaves batch norm in training mode (its running
    statistics then move).
    """
    adversarial = images if start is None else project(start, images, epsilon)
    with frozen(network, evaluating), torch.enable_grad():
        for _ in range(steps):
            _, gradient = objective_gradient(network, adversarial, labels, objective)
            adversarial = project(adversarial + step * gradient.sign(), images, epsilon)
    return adversarial.detach()
