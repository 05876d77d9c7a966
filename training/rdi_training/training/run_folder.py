"""Opening a run: data, network and state, from the run folder's checkpoint if it has one."""

from pathlib import Path

import torch

from ..data.image_set import ImageSet, hold_out
from ..data.registry import load_split
from ..networks.registry import build_network
from .config import TrainingConfig
from .finished import Learned, read_learned, read_run
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
    earlier = _start_from(config, held_out) if config.start_from and not resumed else None
    if earlier:
        network.load_state_dict(earlier.weights)
    state = TrainingState(config, network, trained.images, device)
    state.held_out = held_out.fingerprint()
    if earlier:
        state.earlier = [record.to_json() for record in earlier.runs]
    folder.mkdir(parents=True, exist_ok=True)
    if resumed:
        read_run(folder).runs[-1].check_held_out(held_out)
        state.load(folder / CHECKPOINT)
    return state, trained, held_out


def _start_from(config: TrainingConfig, held_out: ImageSet) -> Learned:
    """A run, an exported folder or a package, unless it has seen the images that this run holds out."""
    earlier = read_learned(Path(config.start_from))
    for record in earlier.runs:
        seen = record.config
        if seen.dataset != config.dataset:
            continue
        if (seen.seed, seen.held_out) != (config.seed, config.held_out):
            raise ValueError(
                f"start_from: {config.start_from} was trained on images that this run holds out; "
                f"set seed to {seen.seed} and held_out to {seen.held_out}, as there"
            )
        record.check_held_out(held_out)
    return earlier
