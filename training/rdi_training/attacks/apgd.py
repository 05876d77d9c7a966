"""Auto-PGD (Croce and Hein, "Reliable evaluation of adversarial robustness ...", ICML 2020, arXiv 2003.01690).

PGD with momentum whose step halves, per image, whenever progress stalls; nothing to tune. Algorithm 1 there.
"""

import math

import torch
from torch import Tensor, nn

from .ball import project, random_start
from .gradient import frozen, objective_gradient
from .objectives import Objective

MOMENTUM = 0.75
PROGRESS_SHARE = 0.75
"""Share of a period's steps that must raise the objective for the step size to stay."""
FIRST_PERIOD, PERIOD_SHRINK, SHORTEST_PERIOD = 0.22, 0.03, 0.06
"""Lengths of the periods, in shares of all steps."""


def apgd(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    objective: Objective,
    *,
    epsilon: float,
    steps: int,
    generator: torch.Generator,
) -> Tensor:
    """Each image's point of the highest objective seen on the way."""
    current = random_start(images, epsilon, generator)
    with frozen(network), torch.enable_grad():
        value, gradient = objective_gradient(network, current, labels, objective)
        best, best_value, best_gradient = current.clone(), value.clone(), gradient.clone()
        step = torch.full((len(images), 1, 1, 1), 2 * epsilon, device=images.device)
        previous = current
        rises = torch.zeros(len(images), device=images.device)
        step_was_halved = torch.ones(len(images), dtype=torch.bool, device=images.device)
        best_at_checkpoint = best_value.clone()
        checkpoints = period_ends(steps)
        begin = 0
        for iteration in range(1, steps + 1):
            ahead = project(current + step * gradient.sign(), images, epsilon)
            # The first step has no past to lean on.
            momentum = MOMENTUM if iteration > 1 else 1.0
            moved = current + momentum * (ahead - current) + (1 - momentum) * (current - previous)
            previous, current = current, project(moved, images, epsilon)
            new_value, gradient = objective_gradient(network, current, labels, objective)
            rises += new_value > value
            value = new_value
            better = value > best_value
            best[better], best_value[better], best_gradient[better] = (
                current[better],
                value[better],
                gradient[better],
            )
            if iteration in checkpoints:
                stalled = rises < PROGRESS_SHARE * (iteration - begin)
                stuck = ~step_was_halved & (best_value <= best_at_checkpoint)
                step_was_halved = stalled | stuck
                step[step_was_halved] /= 2
                current, gradient, value = current.clone(), gradient.clone(), value.clone()
                current[step_was_halved] = best[step_was_halved]
                gradient[step_was_halved] = best_gradient[step_was_halved]
                value[step_was_halved] = best_value[step_was_halved]
                best_at_checkpoint = best_value.clone()
                rises.zero_()
                begin = iteration
    return best.detach()


def period_ends(steps: int) -> set[int]:
    """Iterations after which progress is judged."""
    ends, last, end = [], 0.0, FIRST_PERIOD
    while end <= 1:
        ends.append(end)
        last, end = end, end + max(end - last - PERIOD_SHRINK, SHORTEST_PERIOD)
    # Sums of decimals overshoot by a rounding error.
    return {math.ceil(share * steps - 1e-9) for share in ends}
