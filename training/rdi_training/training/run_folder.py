"""Opening a run: data, network and state, from the run folder's checkpoint if it has one."""

from pathlib import Path

import torch

from ..data.image_set import ImageSet, hold_out
from ..data.registry import load_split
from ..networks.registry import build_network
from .config import TrainingConfig
from .finished import Learned, read_learned
from .state import TrainingState
from .trainer import CHECKPOINT


def open_run(
    config: TrainingConfig, folder: Path, data: Path, device: torch.device
) -> tuple[TrainingState, ImageSet, ImageSet]:
    """The state to go on from, the images to train on and those held out, all on the device."""
    training = load_split(config.dataset, data, "train")
    trained, held_out = hold_out(training, config.held_out, config.seed)
    trained, held_out = trained.to(device), held_out.to(device)
    torch.manual_seed(config.seed)
    network = build_network(config.network, classes=len(training.classes))
    resumed = (folder / CHECKPOINT).exists()
    earlier = _start_from(config, Path(config.start_from)) if config.start_from and not resumed else None
    if earlier:
        network.load_state_dict(earlier.weights)
    state = TrainingState(config, network, trained.images, device)
    if earlier:
        state.earlier = [record.to_json() for record in earlier.runs]
    folder.mkdir(parents=True, exist_ok=True)
    if resumed:
        state.load(folder / CHECKPOINT)
    return state, trained, held_out


def _start_from(config: TrainingConfig, folder: Path) -> Learned:
    """A run, an exported folder or a package, unless it has seen the images that this run holds out."""
    earlier = read_learned(folder)
    for seen in (record.config for record in earlier.runs):
        if seen.dataset == config.dataset and (seen.seed, seen.held_out) != (config.seed, config.held_out):
            raise ValueError(
                f"start_from: {folder} was trained on images that this run holds out; "
                f"set seed to {seen.seed} and held_out to {seen.held_out}, as there"
            )
    return earlier
