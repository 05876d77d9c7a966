"""What a step does on the network: craft adversarial copies, then the gradients of the loss on both halves."""

import torch
from torch import Tensor

from ..attacks.objectives import exit_losses, weighted
from ..attacks.pgd import pgd
from ..networks.multi_exit import MultiExitNetwork, stacked_logits
from .config import TrainingConfig
from .loss import training_loss
from .precision import computing_in


def learn_clean(
    network: MultiExitNetwork, images: Tensor, labels: Tensor, *, config: TrainingConfig, precision: str
) -> Tensor:
    """Add the gradients of the loss on clean images alone; returns what `_learn` does."""
    with computing_in(precision, images.device):
        clean = stacked_logits(network.train(), images)
    return _learn(clean, clean, labels, config)


def learn_attacked(
    network: MultiExitNetwork,
    images: Tensor,
    labels: Tensor,
    start: Tensor,
    exit_weights: Tensor,
    epsilon: Tensor,
    step: Tensor,
    *,
    steps: int,
    evaluating: bool,
    config: TrainingConfig,
    precision: str,
) -> tuple[Tensor, Tensor]:
    """Craft one copy per image from `start`, and add the gradients of the loss on both.

    Everything that changes from step to step is a tensor, and nothing is read back: the work can be recorded once
    and replayed (see replay.py). `exit_weights` [E, N] mix the exits' losses that the copies climb; `epsilon` and
    `step` hold one number each, in units of [0, 1]. Returns what `_learn` does, and the copies.
    """
    with computing_in(precision, images.device):
        copies = pgd(
            network,
            images,
            labels,
            weighted(exit_weights),
            epsilon=epsilon,
            step=step,
            steps=steps,
            start=start,
            evaluating=evaluating,
        )
        # Both halves in one batch: batch norm then learns the statistics of what it will serve.
        clean, attacked = stacked_logits(network.train(), torch.cat([images, copies])).chunk(2, dim=1)
    return _learn(clean, attacked, labels, config), copies


def _learn(clean: Tensor, attacked: Tensor, labels: Tensor, config: TrainingConfig) -> Tensor:
    """Backpropagate; returns [loss, mean exit loss on clean images, the same on attacked ones]."""
    loss = training_loss(
        clean,
        attacked,
        labels,
        first_weight=config.first_exit_weight,
        final_weight=config.final_exit_weight,
        distillation=config.distillation,
        adversarial_share=config.adversarial_share,
    )
    loss.backward()
    halves = (exit_losses(logits.detach(), labels).mean() for logits in (clean, attacked))
    return torch.stack([loss.detach(), *halves])
