"""A network and images small enough to train in seconds."""

import pytest
import torch
from torch import nn

from rdi_training.data.image_set import ImageSet
from rdi_training.networks import registry
from rdi_training.networks.multi_exit import MultiExitNetwork
from rdi_training.training.config import AttackPhase, TrainingConfig

CLASSES = ("left", "middle", "right")
SHAPE = (1, 8, 8)


def tiny_network(classes: int = len(CLASSES)) -> MultiExitNetwork:
    """Three exits, with batch norm, on 1 x 8 x 8 images."""
    stages = [
        nn.Sequential(nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU()),
        nn.Sequential(nn.Conv2d(4, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()),
        nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()),
    ]
    heads = [
        nn.Sequential(nn.MaxPool2d(2), nn.Flatten(1), nn.Linear(64, classes)),
        nn.Sequential(nn.Flatten(1), nn.Linear(128, classes)),
        nn.Sequential(nn.Flatten(1), nn.Linear(128, classes)),
    ]
    return MultiExitNetwork(stages, heads, SHAPE)


def striped_images(count: int, seed: int) -> ImageSet:
    """A bright column band at one of three places on noise; its place is the class."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(len(CLASSES), (count,), generator=generator)
    images = torch.randint(120, (count, *SHAPE), generator=generator)
    for index, label in enumerate(labels.tolist()):
        images[index, :, :, 3 * label : 3 * label + 2] += 100
    return ImageSet(images.to(torch.uint8), labels, CLASSES)


@pytest.fixture
def config() -> TrainingConfig:
    """A run of two epochs on the tiny network."""
    return TrainingConfig(
        name="tiny",
        network="tiny",
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
        phases=(AttackPhase(epochs=2, steps=2, step_over_epsilon=0.5, epsilon_from=0.02, epsilon_to=0.05),),
    )


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> MultiExitNetwork:
    """A tiny network after a few steps on clean images, evaluating."""
    monkeypatch.setitem(registry.NETWORKS, "tiny", tiny_network)
    torch.manual_seed(0)
    built = tiny_network()
    data = striped_images(256, seed=1)
    optimiser = torch.optim.Adam(built.parameters(), lr=0.01)
    for _ in range(30):
        loss = sum(
            nn.functional.cross_entropy(logits, data.labels) for logits in built(data.images.float() / 255)
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return built.eval()
