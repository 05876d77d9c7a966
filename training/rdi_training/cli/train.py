"""`train`: run a configuration, or go on with it where its run folder left off."""

import argparse
import signal
from pathlib import Path

import torch

from ..data.registry import data_folder
from ..training.compiled import compile_layers
from ..training.config import TrainingConfig
from ..training.live_log import open_log
from ..training.run_folder import open_run
from ..training.trainer import CHECKPOINT, train


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--config", type=Path, required=True, help="configuration file")
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoint and log; resumed if it has one")
    parser.add_argument("--data", type=Path, help="folder with mnist/, cifar10/ … (RDI_DATA)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--compile", action="store_true", help="fuse the layers' small operations by torch.compile (GPU)"
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads")
    parser.add_argument("--checkpoint-seconds", type=float, default=300, help="save at least this often")


def run(options: argparse.Namespace) -> int:
    """Train; SIGINT and SIGTERM stop after the step in hand, with the checkpoint current."""
    signals: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _frame: signals.append(received))

    torch.set_num_threads(options.threads)
    config = TrainingConfig.read(options.config)
    state, trained, held_out = open_run(config, options.run, data_folder(options.data), torch.device(options.device))
    torch.backends.cudnn.benchmark = True
    if options.compile:
        compile_layers(state.network)
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
