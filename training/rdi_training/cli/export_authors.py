"""`export-authors`: write the checkpoint that the authors of RDI-Nets published as a folder for `rdi-serve import`.

It has no licence: make it on the spot, to compare with, and do not redistribute it.
"""

import argparse
from pathlib import Path

from ..data.cifar10 import CLASSES
from ..data.registry import data_folder, load_split
from ..evaluation.subject import load_authors
from ..export.package import Description, write_package

NAME = "rdi-resnet38-authors"
CARD = """# The published RDI-ResNet38

The checkpoint that the authors of RDI-Nets published with "Triple Wins" (Hu et al., ICLR 2020), CIFAR-10. It has no
licence: for comparison on the spot, not for redistribution. The profile `published` sets the thresholds as they did,
on the test images; a model of one's own takes them from held-out images.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("checkpoint", type=Path, help="the published file; only tensors are read from that pickle")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--data", type=Path, help="folder with cifar10/ (RDI_DATA): its test images set the thresholds")


def run(options: argparse.Namespace) -> int:
    """Load safely, set the thresholds their way, write and check the folder."""
    test = load_split("cifar10", data_folder(options.data), "test")
    subject = load_authors(options.checkpoint, test.images)
    description = Description(
        name=NAME,
        version="1",
        text="RDI-ResNet38 as its authors published it, CIFAR-10; for comparison only",
        licence="none granted",
        classes=CLASSES,
        provenance={"dataset": "cifar10", "training": {"config": {"network": "rdi-resnet38-authors"}}},
    )
    published = {
        "description": "The authors' rule: equal quotas on the test set, then shifts chosen by hand.",
        "policy": subject.gate.policy,
        "thresholds": list(subject.gate.thresholds),
        "source": {"data": "test images", "n": len(test)},
    }
    calibration = {"formatVersion": 1, "defaultProfile": "published", "profiles": {"published": published}}
    write_package(subject.network, description, calibration, CARD, options.out)
    print(f"wrote {options.out}")
    return 0
