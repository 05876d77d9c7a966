"""`train`: run a configuration, or go on with it where its run folder left off."""

import argparse
import os
import signal
from pathlib import Path

import torch

from ..data.image_set import ImageSet, hold_out
from ..data.registry import data_folder, load_split
from ..networks.registry import build_network
from ..training.config import TrainingConfig
from ..training.live_log import open_log
from ..training.state import TrainingState
from ..training.trainer import CHECKPOINT, train


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--config", type=Path, required=True, help="configuration file")
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoint and log; resumed if it has one")
    parser.add_argument("--data", type=Path, help="folder with mnist/, cifar10/ … (RDI_DATA)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="CPU threads")
    parser.add_argument("--checkpoint-seconds", type=float, default=300, help="save at least this often")


def run(options: argparse.Namespace) -> int:
    """Train; SIGINT and SIGTERM stop after the step in hand, with the checkpoint current."""
    torch.set_num_threads(options.threads)
    config = TrainingConfig.read(options.config)
    device = torch.device(options.device)
    training = load_split(config.dataset, data_folder(options.data), "train")
    trained, held_out = (_to(part, device) for part in hold_out(training, config.held_out, config.seed))
    torch.manual_seed(config.seed)
    network = build_network(config.network, classes=len(training.classes))
    state = TrainingState(config, network, trained.images, device)
    options.run.mkdir(parents=True, exist_ok=True)
    if (options.run / CHECKPOINT).exists():
        state.load(options.run / CHECKPOINT)

    signals: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _frame: signals.append(received))
    finished = train(
        state,
        trained,
        held_out,
        options.run,
        log=open_log(options.run / "log.jsonl"),
        stop=lambda: bool(signals),
        checkpoint_seconds=options.checkpoint_seconds,
    )
    print("finished" if finished else f"stopped; the same command goes on from {options.run / CHECKPOINT}")
    return 0


def _to(part: ImageSet, device: torch.device) -> ImageSet:
    return ImageSet(part.images.to(device), part.labels.to(device), part.classes)
