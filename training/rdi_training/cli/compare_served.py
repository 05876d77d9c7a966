"""`compare-served`: ask a running rdi-serve about test images and compare every answer with PyTorch's."""

import argparse
from pathlib import Path

from ..data.registry import data_folder, load_split
from ..evaluation.served import Answer, ask_service, own_answers
from ..evaluation.subject import load_package

TOLERANCE = 1e-4
"""Of the confidence; as for golden outputs."""
SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "model",
        type=Path,
        help="what the service serves: the package, or the exported folder that it was imported from",
    )
    parser.add_argument("--url", required=True, help="address of the service, http://localhost:8080")
    parser.add_argument("--dataset", required=True, help="mnist, cifar10, or the name of an image folder")
    parser.add_argument("--profile", default="balanced", help="profile that both use")
    parser.add_argument("--data", type=Path, help="folder with mnist/, cifar10/ … (RDI_DATA)")
    parser.add_argument("--images", type=int, default=1000, help="test images, drawn with the seed")
    parser.add_argument("--seed", type=int, default=1)


def run(options: argparse.Namespace) -> int:
    """Ask both; 1 if any answer differs in class, in exit, or by more than 1e-4 in confidence."""
    subject = load_package(options.model, options.profile)
    sample = load_split(options.dataset, data_folder(options.data), "test").sample(options.images, options.seed)
    subject.check_classes(sample)
    own = own_answers(subject, sample.images)
    served = ask_service(options.url, options.model, options.profile, sample.images)
    differing = [
        (index, ours, theirs)
        for index, (ours, theirs) in enumerate(zip(own, served, strict=True))
        if differ(ours, theirs)
    ]
    for index, ours, theirs in differing[:SHOWN]:
        print(f"image {index} of the sample: PyTorch {ours}, served {theirs}")
    largest = max(abs(ours.confidence - theirs.confidence) for ours, theirs in zip(own, served, strict=True))
    right = sum(answer.class_index == label for answer, label in zip(served, sample.labels.tolist(), strict=True))
    print(
        f"{len(sample) - len(differing)} of {len(sample)} answers agree in exit and class; confidences differ by at "
        f"most {largest:.1e}; accuracy {right / len(sample):.2%}"
    )
    return 1 if differing else 0


def differ(ours: Answer, theirs: Answer) -> bool:
    """Whether the two are different predictions."""
    return (ours.class_index, ours.exit_index) != (theirs.class_index, theirs.exit_index) or (
        abs(ours.confidence - theirs.confidence) > TOLERANCE
    )
