"""What an attack maximises: one number per image from every exit's logits.

An objective takes the logits of all exits, fp32 [E, N, C], and the labels [N], and returns [N].
The branch objectives are those of Triple Wins (ICLR 2020), section 3.2.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as functional
from torch import Tensor

from ..dynamic import Gate

Objective = Callable[[Tensor, Tensor], Tensor]

GATE_TEMPERATURE = 0.1
"""Softness of the decision to leave, in nats of entropy; for other scores, the same share of their range."""


def exit_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of every exit, [E, N], from logits [E, N, C]."""
    exits, images, classes = logits.shape
    flat = functional.cross_entropy(logits.reshape(exits * images, classes), labels.repeat(exits), reduction="none")
    return flat.reshape(exits, images)


def single_exit(index: int) -> Objective:
    """Loss at one exit."""
    return lambda logits, labels: functional.cross_entropy(logits[index], labels, reduction="none")


def main_branch() -> Objective:
    """Loss at the final exit."""
    return single_exit(-1)


def average() -> Objective:
    """Mean loss over the exits."""
    return lambda logits, labels: exit_losses(logits, labels).mean(0)


def weighted(weights: Tensor) -> Objective:
    """Per-image mixture of the exits' losses; weights [E, N]."""
    return lambda logits, labels: (exit_losses(logits, labels) * weights).sum(0)


def margins(logits: Tensor, labels: Tensor) -> Tensor:
    """Highest wrong logit minus the label's, [E, N]: positive where the exit is fooled."""
    index = labels.expand(logits.shape[:2]).unsqueeze(-1)
    right = logits.gather(-1, index).squeeze(-1)
    wrong = logits.scatter(-1, index, -math.inf).amax(-1)
    return wrong - right


def difference_of_logits_ratio(index: int = -1) -> Objective:
    """DLR loss at one exit (Croce and Hein, ICML 2020, equation 6): does not care how large the logits are.

    It needs three classes; with two it is the margin.
    """

    def objective(logits: Tensor, labels: Tensor) -> Tensor:
        if logits.shape[-1] < 3:
            return margins(logits, labels)[index]
        ordered = logits[index].sort(-1, descending=True).values
        return margins(logits, labels)[index] / (ordered[:, 0] - ordered[:, 2] + 1e-12)

    return objective


def towards_uniform() -> Objective:
    """Minus the cross-entropy between the uniform distribution and every side exit's softmax, averaged.

    Its maximiser leaves no exit sure of anything, so that images travel to the end: a slowdown attack
    (Hong et al., "DeepSloth", ICLR 2021, arXiv 2010.02432).
    """
    return lambda logits, _labels: logits[:-1].log_softmax(-1).mean(-1).mean(0)


def gate_aware_loss(gate: Gate) -> Objective:
    """Log of the expected cross-entropy of the exit taken, the decision to leave softened."""
    return lambda logits, labels: torch.logsumexp(
        _log_leaving(logits, gate) + exit_losses(logits, labels).clamp_min(1e-12).log(), dim=0
    )


def gate_aware_margin(gate: Gate) -> Objective:
    """Log of the expected exponential margin of the exit taken: seeks the one exit that can be fooled and left at."""
    return lambda logits, labels: torch.logsumexp(_log_leaving(logits, gate) + margins(logits, labels), dim=0)


def staying(gate: Gate) -> Objective:
    """Log-probability of reaching the final exit, the decision to leave softened: a slowdown attack on this gate."""
    return lambda logits, _labels: _log_leaving(logits, gate)[-1]


def _log_leaving(logits: Tensor, gate: Gate) -> Tensor:
    """Log-probability of leaving at each exit, [E, N], with a sigmoid in place of the threshold's step."""
    remaining = torch.zeros_like(logits[0, :, 0])
    leaving = []
    for sureness in gate.clearance(logits) * (math.log(logits.shape[-1]) / GATE_TEMPERATURE):
        leaving.append(remaining + functional.logsigmoid(sureness))
        remaining = remaining + functional.logsigmoid(-sureness)
    return torch.stack([*leaving, remaining])
