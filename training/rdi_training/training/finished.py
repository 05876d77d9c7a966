"""What a run hands over: the moving average of its weights, with statistics of what the network will serve."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from ..attacks.objectives import average
from ..attacks.pgd import pgd
from ..data.image_set import ImageSet, as_pixels, hold_out
from ..data.registry import load_split
from ..export.package import WEIGHTS, read_description, served_network
from ..networks.multi_exit import MultiExitNetwork
from ..networks.registry import build_network
from .augment import crop_and_flip
from .batch_norm import has_batch_norm, recompute_statistics
from .config import TrainingConfig
from .record import TrainingRecord
from .state import Position
from .trainer import CHECKPOINT

STATISTICS_BATCHES = 40
BATCH_SIZE = 128


@dataclass(frozen=True)
class Learned:
    """What training has made so far."""

    weights: dict[str, Tensor]
    """The moving average."""
    runs: list[TrainingRecord]
    """What made them, oldest first: each run started with the weights of the one before."""
    exported: bool
    """Whether batch-norm statistics are those of what is served."""
    network_name: str
    """The network that is served: the last run's, or another with the same parameters."""

    @property
    def config(self) -> TrainingConfig:
        """The last run's."""
        return self.runs[-1].config

    def split(self, data: Path) -> tuple[ImageSet, ImageSet]:
        """The last run's training images, read anew from `data`: (trained on, held out).

        A ValueError if what is there is known to divide otherwise.
        """
        config = self.config
        trained, held_out = hold_out(load_split(config.dataset, data, "train"), config.held_out, config.seed)
        self.runs[-1].check_held_out(held_out)
        return trained, held_out

    def network(self, classes: int) -> MultiExitNetwork:
        """On the CPU, evaluating."""
        network = build_network(self.network_name, classes)
        network.load_state_dict(self.weights)
        return network.eval()


def read_run(folder: Path) -> Learned:
    """From a run's checkpoint; an OSError if it has none."""
    saved = torch.load(folder / CHECKPOINT, map_location="cpu", weights_only=True)
    config, position = TrainingConfig.from_json(saved["config"]), Position(**saved["position"])
    record = TrainingRecord.of_run(config, position, saved.get("held_out"))
    return Learned(
        saved["average"],
        [*_records(saved.get("earlier", [])), record],
        exported=False,
        network_name=config.network,
    )


def read_learned(folder: Path) -> Learned:
    """From a run, an exported folder or a package; an OSError if it is none of these."""
    if (folder / CHECKPOINT).exists():
        return read_run(folder)
    description = read_description(folder)
    training = description["provenance"]["training"]
    return Learned(
        load_file(folder / WEIGHTS),
        _records([*training.get("earlier", []), training]),
        exported=True,
        network_name=served_network(description),
    )


def _records(values: list[dict[str, Any]]) -> list[TrainingRecord]:
    return [TrainingRecord.from_json(record) for record in values]


def refresh_statistics(network: MultiExitNetwork, config: TrainingConfig, trained: ImageSet) -> None:
    """Recompute batch-norm statistics, in place, on trained images as training showed them: half of them attacked.

    Cropped and flipped where training did so. The weights learned behind statistics of shifted images with black
    borders; statistics of whole images cost RDI-ResNet38 3 points on clean images and 5 under attack.
    """
    if not has_batch_norm(network):
        return
    sample = trained.sample(STATISTICS_BATCHES * BATCH_SIZE, config.seed)
    epsilon, phase = config.final_epsilon, config.phases[-1]
    draws = torch.Generator(sample.images.device).manual_seed(config.seed)
    batches = []
    for raw, labels in zip(sample.images.split(BATCH_SIZE), sample.labels.split(BATCH_SIZE), strict=True):
        images = as_pixels(raw)
        if config.augment:
            images = crop_and_flip(images, draws)
        adversarial = pgd(
            network,
            images,
            labels,
            average(),
            epsilon=epsilon,
            step=epsilon * phase.step_over_epsilon,
            steps=phase.steps,
        )
        batches.append(torch.cat([images, adversarial]))
    recompute_statistics(network, batches)
