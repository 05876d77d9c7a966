"""The training loss over all exits, clean and adversarial."""

import torch
import torch.nn.functional as functional
from torch import Tensor

from ..attacks.objectives import exit_losses


def training_loss(
    clean: Tensor,
    adversarial: Tensor,
    labels: Tensor,
    *,
    final_weight: float,
    distillation: float,
    first_weight: float = 1.0,
) -> Tensor:
    """Weighted mean over exits of CE(clean) / 2 + CE(adversarial) / 2 + distillation * KL.

    Logits [E, N, C]. The two cross-entropies are Triple Wins' equation 1. The KL term draws each exit's
    prediction under attack to what its neighbours say of the clean image (no gradient flows there): TRADES
    (Zhang et al., ICML 2019) across exits. Side exits weigh from `first_weight` at the first, rising evenly, to 1.
    """
    losses = (exit_losses(clean, labels).mean(1) + exit_losses(adversarial, labels).mean(1)) / 2
    if distillation > 0:
        losses = losses + distillation * neighbour_divergence(clean, adversarial)
    weights = torch.linspace(first_weight, 1, len(losses) - 1, device=losses.device)
    weights = functional.pad(weights, (0, 1), value=final_weight)
    return (losses * weights).sum() / weights.sum()


def neighbour_divergence(clean: Tensor, adversarial: Tensor) -> Tensor:
    """KL(mean clean softmax of exits k-1 and k+1 || softmax of exit k under attack), [E], from logits [E, N, C].

    A network with one exit is its own neighbour.
    """
    probabilities = clean.detach().softmax(-1)
    exits = len(probabilities)
    targets = []
    for index in range(exits):
        neighbours = [k for k in (index - 1, index + 1) if 0 <= k < exits] or [index]
        targets.append(torch.stack([probabilities[k] for k in neighbours]).mean(0))
    divergence = functional.kl_div(adversarial.log_softmax(-1), torch.stack(targets), reduction="none")
    return divergence.sum(-1).mean(1)
