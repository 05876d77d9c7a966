"""`smoke`: the whole chain on a tiny network and made-up images, in about a minute.

Trains once straight and once interrupted and resumed, requires equal weights, exports and evaluates. What it
leaves in OUT/export is a real package for trying the service.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import torch

from ..data.registry import data_folder
from ..training.config import Phase, TrainingConfig
from ..training.live_log import open_log
from ..training.run_folder import open_run
from ..training.state import TrainingState
from ..training.trainer import train
from . import evaluate, export

CONFIG = TrainingConfig(
    name="tiny-stripes",
    network="rdi-tiny",
    dataset="stripes",
    seed=1,
    held_out=320,
    batch_size=32,
    optimiser="adam",
    peak_learning_rate=0.01,
    warm_up_epochs=0.5,
    weight_decay=0.0,
    ema_decay=0.95,
    augment=False,
    carry_perturbations=True,
    final_exit_weight=1.5,
    distillation=0.5,
    precision="fp32",
    phases=(Phase(epochs=4, steps=2, step_over_epsilon=0.5, epsilon_from=0.02, epsilon_to=0.1),),
)
INTERRUPTED_AFTER_STEPS = 33


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--out", type=Path, required=True, help="folder to write; must not hold an earlier one")


def run(options: argparse.Namespace) -> int:
    """Run the chain; 1 if the resumed run ended elsewhere than the straight one."""
    if options.out.exists():
        print(f"{options.out} exists already")
        return 2
    straight = _train(options.out / "straight", stop=lambda: False)
    steps = iter(range(INTERRUPTED_AFTER_STEPS))
    _train(options.out / "run", stop=lambda: next(steps, None) == INTERRUPTED_AFTER_STEPS - 1)
    resumed = _train(options.out / "run", stop=lambda: False)
    expected = straight.average.state_dict()
    if not all(torch.equal(expected[name], value) for name, value in resumed.average.state_dict().items()):
        print("the resumed run ended elsewhere than the straight one")
        return 1
    print("the resumed run equals the straight one")
    _command(export, ["--run", str(options.out / "run"), "--out", str(options.out / "export")])
    _command(
        evaluate,
        [str(options.out / "export"), "--dataset", "stripes", "--images", "60", "--out", str(options.out / "report")],
    )
    return 0


def _train(folder: Path, stop: Callable[[], bool]) -> TrainingState:
    """Go on with the run in `folder` until its end or until told to stop."""
    state, trained, held_out = open_run(CONFIG, folder, data_folder(None), torch.device("cpu"))
    train(state, trained, held_out, folder, log=open_log(folder / "log.jsonl"), stop=stop)
    return state


def _command(command: ModuleType, arguments: list[str]) -> None:
    """Run another command as from the command line."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args(arguments))
