"""Opening a run: data, network and state, from the run folder's checkpoint if it has one."""

from pathlib import Path

import torch
from safetensors.torch import load_file

from ..data.image_set import ImageSet, hold_out
from ..data.registry import load_split
from ..networks.registry import build_network
from .config import TrainingConfig
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
    if config.start_from and not resumed:
        network.load_state_dict(read_weights(Path(config.start_from)))
    state = TrainingState(config, network, trained.images, device)
    folder.mkdir(parents=True, exist_ok=True)
    if resumed:
        state.load(folder / CHECKPOINT)
    return state, trained, held_out


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The averaged weights of a run, or those of an exported folder or package. An OSError if there are none."""
    if (folder / CHECKPOINT).exists():
        average: dict[str, torch.Tensor] = torch.load(folder / CHECKPOINT, map_location="cpu", weights_only=True)[
            "average"
        ]
        return average
    return load_file(folder / "checkpoint.safetensors")
