"""All that a run needs to go on as if it had never stopped, and its checkpoint file."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..networks.multi_exit import MultiExitNetwork
from .config import TrainingConfig
from .moving_average import averaged_copy

FORMAT = 1
SUMS = ("loss", "clean", "adversarial")
"""What is added up over an epoch's steps: the loss, and the mean exit loss on clean and on adversarial images."""


@dataclass
class Position:
    """Where a run stands; plain values, all of them in the checkpoint."""

    epoch: int = 0
    step: int = 0
    """Steps done in this epoch."""
    updates: int = 0
    """Optimiser steps done in all."""
    attempt: int = 0
    """How often the guard sent the run back; part of the seed, so that a repeat draws afresh."""
    extra_steps: int = 0
    """PGD steps that the guard added to the configured ones."""
    seconds: float = 0.0
    """Computing time so far, repeats included."""
    robust_accuracy: float = 0.0
    """What the guard measured after the last good epoch."""
    sums: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SUMS, 0.0))
    """Over the steps done in this epoch."""


class TrainingState:
    """Network, average, optimiser, random draws and position of one run."""

    def __init__(self, config: TrainingConfig, network: MultiExitNetwork, images: Tensor, device: torch.device) -> None:
        self.config = config
        self.network = network.to(device)
        self.average = averaged_copy(self.network)
        self.optimiser = _optimiser(config, self.network)
        self.draws = torch.Generator(device)
        self.carried = (
            torch.zeros(images.shape, dtype=torch.int8, device=device) if config.carry_perturbations else None
        )
        self.position = Position()
        self.held_out: str | None = None
        """Fingerprint of the images that are held out."""
        self.earlier: list[dict[str, Any]] = []
        """Records of the runs whose weights this one started with, oldest first, as JSON values."""
        self.seed_epoch()

    def seed_epoch(self) -> None:
        """Draws depend on the seed, the epoch and the attempt alone."""
        self.draws.manual_seed(self._epoch_seed() * 2 + 1)

    def epoch_order(self, count: int) -> Tensor:
        """The order in which this epoch visits the images."""
        return torch.randperm(count, generator=torch.Generator().manual_seed(self._epoch_seed() * 2))

    def _epoch_seed(self) -> int:
        return (self.config.seed * 10_000 + self.position.epoch) * 100 + self.position.attempt

    def save(self, path: Path) -> None:
        """Write the checkpoint; a crash while writing leaves the old one."""
        partial = path.with_suffix(".partial")
        torch.save(
            {
                "format": FORMAT,
                "config": self.config.to_json(),
                "held_out": self.held_out,
                "earlier": self.earlier,
                "position": vars(self.position) | {"sums": dict(self.position.sums)},
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "device": self.draws.device.type,
                "draws": self.draws.get_state(),
                "carried": self.carried,
            },
            partial,
        )
        os.replace(partial, path)

    def load(self, path: Path) -> None:
        """Go to where the checkpoint was written; one of another configuration is a ValueError.

        A run may move between CPU and GPU; it then no longer repeats bit for bit.
        """
        saved = torch.load(path, map_location=self.draws.device, weights_only=True)
        if saved["format"] != FORMAT or TrainingConfig.from_json(saved["config"]) != self.config:
            raise ValueError(f"{path} belongs to another configuration; give the run a folder of its own")
        self.position = Position(**saved["position"])
        self.earlier = saved.get("earlier", [])
        self.network.load_state_dict(saved["network"])
        self.average.load_state_dict(saved["average"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.carried = saved["carried"]
        if saved["device"] == self.draws.device.type:
            self.draws.set_state(saved["draws"].cpu())
        else:
            # Generators of different devices share no state: the rest of this epoch draws differently.
            self.seed_epoch()


def _optimiser(config: TrainingConfig, network: nn.Module) -> torch.optim.Optimizer:
    if config.optimiser == "adam":
        return torch.optim.Adam(network.parameters(), lr=config.peak_learning_rate, weight_decay=config.weight_decay)
    return torch.optim.SGD(
        network.parameters(),
        lr=config.peak_learning_rate,
        momentum=0.9,
        nesterov=True,
        weight_decay=config.weight_decay,
    )
