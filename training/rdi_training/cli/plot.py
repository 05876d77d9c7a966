"""`plot`: draw a run's progress, or an exported model's accuracy against its compute."""

import argparse
from pathlib import Path

from ..cost import network_cost
from ..data.registry import data_folder, load_split
from ..evaluation.records import record_profiles
from ..evaluation.subject import load_package
from ..plots import Point, compute_figure, training_figure


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--run", type=Path, help="run folder of `train`: loss and accuracy over time")
    what.add_argument("--model", type=Path, help="exported folder or package: accuracy against compute, on test images")
    parser.add_argument("--dataset", help="with --model: mnist, cifar10, or the name of an image folder")
    parser.add_argument("--data", type=Path, help="folder with mnist/, cifar10/ … (RDI_DATA)")
    parser.add_argument("--out", type=Path, required=True, help="picture to write: .svg, .png or .pdf")


def run(options: argparse.Namespace) -> int:
    """Draw and save."""
    if options.run:
        figure = training_figure(options.run / "log.jsonl")
    else:
        if options.dataset is None:
            raise ValueError("--model needs --dataset")
        test = load_split(options.dataset, data_folder(options.data), "test")
        subject = load_package(options.model, "full")
        records = record_profiles(subject, test)
        cost = network_cost(subject.network)
        accuracy = records["full"].exit_right.float().mean(1).tolist()
        alone = [sum(cost.stages[: index + 1]) + head for index, head in enumerate(cost.heads)]
        figure = compute_figure(
            [Point(macs, share) for macs, share in zip(alone, accuracy, strict=True)],
            {name: Point(entry.executed_macs, entry.right.float().mean().item()) for name, entry in records.items()},
            cost.full,
        )
    figure.savefig(options.out)
    print(f"wrote {options.out}")
    return 0
