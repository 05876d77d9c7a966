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
    adversarial_share: float = 0.5,
) -> Tensor:
    """Weighted mean over exits of (1 - s) * CE(clean) + s * CE(adversarial) + distillation * KL, s the share.

    Logits [E, N, C]. The two cross-entropies, halved, are Triple Wins' equation 1. The KL term draws each exit's
    prediction under attack to what its neighbours say of the clean image (no gradient flows there): TRADES
    (Zhang et al., ICML 2019) across exits. Side exits weigh from `first_weight` at the first, rising evenly, to 1.
    """
    on_clean, on_adversarial = (exit_losses(logits, labels).mean(1) for logits in (clean, adversarial))
    losses = (1 - adversarial_share) * on_clean + adversarial_share * on_adversarial
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
