"""Gradients of an objective with respect to the images, the weights left alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ..networks.multi_exit import stacked_logits
from .objectives import Objective


@contextmanager
def frozen(network: nn.Module, evaluating: bool = True) -> Iterator[None]:
    """Within: no weight asks for a gradient (a third of the backward pass saved), batch norm evaluates."""
    wanted = [parameter.requires_grad for parameter in network.parameters()]
    was_training = network.training
    network.requires_grad_(False)
    if evaluating:
        network.eval()
    try:
        yield
    finally:
        network.train(was_training)
        for parameter, requires_grad in zip(network.parameters(), wanted, strict=True):
            parameter.requires_grad_(requires_grad)


def objective_gradient(
    network: nn.Module, images: Tensor, labels: Tensor, objective: Objective
) -> tuple[Tensor, Tensor]:
    """The objective's value per image [N] and its gradient with respect to the images [N, C, H, W]."""
    images = images.detach().requires_grad_()
    values = objective(stacked_logits(network, images), labels)
    (gradient,) = torch.autograd.grad(values.sum(), images)
    return values.detach(), gradient
