"""The network that a run hands over: the moving average, with statistics of what it will serve."""

from pathlib import Path

import torch

from ..attacks.objectives import average
from ..attacks.pgd import pgd
from ..data.image_set import ImageSet, as_pixels
from ..networks.multi_exit import MultiExitNetwork
from ..networks.registry import build_network
from .batch_norm import has_batch_norm, recompute_statistics
from .config import TrainingConfig
from .state import Position

STATISTICS_BATCHES = 40
BATCH_SIZE = 128


def load_run(checkpoint: Path, classes: int) -> tuple[TrainingConfig, Position, MultiExitNetwork]:
    """A run's configuration, where it stands, and its averaged network on the CPU, evaluating."""
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    config = TrainingConfig.from_json(saved["config"])
    network = build_network(config.network, classes)
    network.load_state_dict(saved["average"])
    return config, Position(**saved["position"]), network.eval()


def refresh_statistics(network: MultiExitNetwork, config: TrainingConfig, trained: ImageSet) -> None:
    """Recompute batch-norm statistics, in place, on trained images: half clean, half attacked, as in training."""
    if not has_batch_norm(network):
        return
    sample = trained.sample(STATISTICS_BATCHES * BATCH_SIZE, config.seed)
    epsilon, phase = config.final_epsilon, config.phases[-1]
    batches = []
    for raw, labels in zip(sample.images.split(BATCH_SIZE), sample.labels.split(BATCH_SIZE), strict=True):
        images = as_pixels(raw)
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
