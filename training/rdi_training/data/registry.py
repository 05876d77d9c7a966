"""Data sets by the name that configurations use, each in a folder of that name under the data folder."""

import os
from collections.abc import Callable
from pathlib import Path

from .cifar10 import BINARY_FOLDER, download_cifar10, load_cifar10
from .image_folder import load_image_folder
from .image_set import ImageSet
from .mnist import download_mnist, load_mnist
from .stripes import load_stripes

DATASETS: dict[str, Callable[[Path, str], ImageSet]] = {
    "cifar10": load_cifar10,
    "mnist": load_mnist,
    "stripes": load_stripes,
}
"""Any other name is read as a folder of images."""
DOWNLOADS: dict[str, Callable[[Path], None]] = {"cifar10": download_cifar10, "mnist": download_mnist}
DATA_VARIABLE = "RDI_DATA"


def data_folder(given: Path | None) -> Path:
    """The folder that holds mnist/, cifar10/ …: the option, else RDI_DATA, else data/."""
    return given or Path(os.environ.get(DATA_VARIABLE, "data"))


def load_split(dataset: str, folder: Path, split: str) -> ImageSet:
    """Read one split of a data set from `folder`/`dataset`."""
    return DATASETS.get(dataset, load_image_folder)(folder / dataset, split)


def is_jpeg(dataset: str, folder: Path) -> bool:
    """Whether the images of this data set would be read from a JPEG re-encoding."""
    return dataset == "cifar10" and not (folder / dataset / BINARY_FOLDER).is_dir()
