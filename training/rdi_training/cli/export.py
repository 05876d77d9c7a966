"""`export`: turn a run's averaged network into a folder that `rdi-serve import` reads."""

import argparse
import dataclasses
import platform
import shlex
import sys
from pathlib import Path

import torch

from ..cost import network_cost
from ..data.registry import data_folder, is_jpeg
from ..dynamic import all_logits
from ..export.model_card import model_card, radius_text
from ..export.package import Description, write_package
from ..export.profiles import choose_profiles
from ..export.thresholds import RecordedExits
from ..training.finished import read_learned, refresh_statistics


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--run", type=Path, required=True, help="run folder of `train`, exported folder or package")
    parser.add_argument("--network", help="network to put the weights in, of the same parameters (the one trained)")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--data", type=Path, help="folder with mnist/, cifar10/ … (RDI_DATA)")
    parser.add_argument("--report", type=Path, help="Markdown that `evaluate` wrote, for the model card")
    parser.add_argument("--model-version", default="1", help="version of the model package")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--hardware", default=f"{platform.machine()} CPU", help="what it was trained on, in words")


def run(options: argparse.Namespace) -> int:
    """Refresh statistics, choose thresholds on held-out images, write and check the folder."""
    folder = data_folder(options.data)
    learned = read_learned(options.run)
    if options.network:
        learned = dataclasses.replace(learned, network_name=options.network)
    config = learned.config
    trained, held_out = learned.split(folder)
    network = learned.network(len(held_out.classes))
    device = torch.device(options.device)
    network.to(device)
    if not learned.exported:
        refresh_statistics(network, config, trained.to(device))
    logits = all_logits(network, held_out.images.to(device)).cpu()
    cost = network_cost(network.cpu())
    recorded = RecordedExits(logits, held_out.labels, cost)
    calibration = choose_profiles(recorded, images=len(held_out))
    from_jpeg = is_jpeg(config.dataset, folder)
    card = model_card(
        learned.runs,
        learned.network_name,
        cost,
        calibration,
        hardware=options.hardware,
        command=shlex.join(["python", "-m", "rdi_training", *sys.argv[1:]]),
        from_jpeg=from_jpeg,
        report=options.report.read_text() if options.report else None,
    )
    description = Description(
        name=config.name,
        version=options.model_version,
        text=f"{learned.network_name} trained on {config.dataset} to withstand L-infinity perturbations of "
        + radius_text(config.final_epsilon),
        licence="Apache-2.0",
        classes=held_out.classes,
        provenance={
            "network": learned.network_name,
            "dataset": config.dataset + (" (JPEG re-encoding)" if from_jpeg else ""),
            "training": learned.runs[-1].to_json()
            | {"hardware": options.hardware, "earlier": [record.to_json() for record in learned.runs[:-1]]},
        },
    )
    write_package(network, description, calibration, card, options.out)
    print(f"wrote {options.out}")
    return 0
