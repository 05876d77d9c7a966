"""`held-out`: write the training images that a run never trained on, for `rdi-serve calibrate`."""

import argparse
from pathlib import Path

from ..data.image_folder import to_picture
from ..data.image_set import ImageSet
from ..data.registry import data_folder
from ..training.finished import read_learned


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("model", type=Path, help="exported folder, package, or run folder of `train`")
    parser.add_argument("--out", type=Path, required=True, help="folder to write: CLASS/00000.png")
    parser.add_argument("--data", type=Path, help="folder with mnist/, cifar10/ … (RDI_DATA)")


def run(options: argparse.Namespace) -> int:
    """Divide the training images as the model's own run did, and write the part held out."""
    _, held_out = read_learned(options.model).split(data_folder(options.data))
    write_images(held_out, options.out)
    print(f"wrote {len(held_out)} images to {options.out}")
    return 0


def write_images(images: ImageSet, folder: Path) -> None:
    """One PNG per image, in a folder named after its class, numbered in the set's order."""
    for index, (pixels, label) in enumerate(zip(images.images, images.labels.tolist(), strict=True)):
        path = folder / images.classes[label] / f"{index:05}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        to_picture(pixels).save(path)
