"""A network and images small enough to train in seconds."""

import pytest
import torch
from torch import nn

from rdi_training.data.stripes import draw_stripes
from rdi_training.networks.multi_exit import MultiExitNetwork
from rdi_training.networks.tiny import rdi_tiny
from rdi_training.training.config import Phase, TrainingConfig


@pytest.fixture
def config() -> TrainingConfig:
    """A run of two epochs on the tiny network."""
    return TrainingConfig(
        name="tiny",
        network="rdi-tiny",
        dataset="stripes",
        seed=3,
        held_out=64,
        batch_size=32,
        optimiser="sgd",
        peak_learning_rate=0.05,
        warm_up_epochs=0.5,
        weight_decay=5e-4,
        ema_decay=0.9,
        augment=False,
        carry_perturbations=True,
        final_exit_weight=1.5,
        distillation=0.5,
        precision="fp32",
        phases=(Phase(epochs=2, steps=2, step_over_epsilon=0.5, epsilon_from=0.02, epsilon_to=0.05),),
    )


@pytest.fixture
def network() -> MultiExitNetwork:
    """A tiny network after a few steps on clean images, evaluating."""
    torch.manual_seed(0)
    built = rdi_tiny()
    data = draw_stripes(256, seed=1)
    optimiser = torch.optim.Adam(built.parameters(), lr=0.01)
    for _ in range(30):
        loss = sum(nn.functional.cross_entropy(logits, data.labels) for logits in built(data.images.float() / 255))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return built.eval()
