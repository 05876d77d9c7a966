"""`evaluate`: measure accuracy, robustness and cost of one model, or of two on the same images."""

import argparse
import dataclasses
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import torch

from ..cost import network_cost
from ..data.registry import data_folder, is_jpeg, load_split
from ..evaluation.markdown import to_markdown
from ..evaluation.records import record_profiles
from ..evaluation.subject import load_authors, load_package
from ..evaluation.suite import attack_profiles, run_suite
from ..evaluation.table import compare, tabulate, tabulate_profiles
from ..evaluation.threat import threat_for


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("model", type=Path, help="exported folder, package, or the authors' checkpoint file")
    parser.add_argument("--against", type=Path, help="a second model, compared image by image")
    parser.add_argument("--profile", default="balanced", help="which of the model's; full: side exits off")
    parser.add_argument("--dataset", required=True, help="mnist, cifar10, or the name of an image folder")
    parser.add_argument("--epsilon", type=float, help="radius, in [0, 1]; default: the paper's for the data set")
    parser.add_argument("--data", type=Path, help="folder with mnist/, cifar10/ … (RDI_DATA)")
    parser.add_argument("--images", type=int, default=500, help="test images, drawn with the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-masking", action="store_true", help="leave out the checks for masked gradients")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path, required=True, help="writes OUT.json and OUT.md")


def run(options: argparse.Namespace) -> int:
    """Attack, tabulate, write."""
    torch.set_num_threads(options.threads)
    torch.backends.cudnn.allow_tf32 = False  # gradients in full fp32: a rounded one is a weaker attack
    folder = data_folder(options.data)
    test = load_split(options.dataset, folder, "test").to(torch.device(options.device))
    images = test.sample(options.images, options.seed)
    threat = threat_for(options.dataset, options.epsilon)
    subjects = [
        load_package(path, options.profile) if path.is_dir() else load_authors(path, test.images.cpu())
        for path in (options.model, options.against)
        if path
    ]
    for subject in subjects:
        subject.check_classes(images)
        subject.network.to(options.device)
    others = [other.network for other in reversed(subjects)] if len(subjects) == 2 else [None]
    records = [
        run_suite(
            subject,
            images,
            threat,
            seed=options.seed,
            masking=not options.no_masking,
            transfer_from=other,
        )
        for subject, other in zip(subjects, others, strict=True)
    ]
    all_clean = [record_profiles(subject, test) for subject in subjects]
    report: dict[str, Any] = {
        "command": shlex.join(["python", "-m", "rdi_training", *sys.argv[1:]]),
        "dataset": options.dataset,
        "fromJpeg": is_jpeg(options.dataset, folder),
        "n": len(images),
        "testImages": len(test),
        "seed": options.seed,
        "threat": dataclasses.asdict(threat),
        "subjects": [
            {
                "name": subject.name,
                "policy": subject.gate.policy,
                "thresholds": list(subject.gate.thresholds),
                "profiles": tabulate_profiles(
                    clean,
                    attack_profiles(subject, images, threat, seed=options.seed, done=record),
                ),
                "table": tabulate(record, network_cost(subject.network)),
            }
            for subject, record, clean in zip(subjects, records, all_clean, strict=True)
        ],
    }
    if len(records) == 2:
        first, second = (clean[subject.profile] for subject, clean in zip(subjects, all_clean, strict=True))
        report["comparison"] = compare(*records, all_clean=(first, second))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n")
    options.out.with_suffix(".md").write_text(to_markdown(report))
    print(to_markdown(report))
    return 0
