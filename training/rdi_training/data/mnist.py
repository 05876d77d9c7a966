"""MNIST in its official IDX format (LeCun, Cortes, Burges), read from gzip files; downloaded on request."""

import gzip
import math
import struct
import urllib.request
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .image_set import ImageSet

CLASSES = tuple("0123456789")
MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist"
FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("test-images-idx3-ubyte.gz", "test-labels-idx1-ubyte.gz"),
}
# The publisher calls the test files t10k; both names are read.
PUBLISHED_PREFIX = {"train": "train", "test": "t10k"}


def load_mnist(folder: Path, split: str) -> ImageSet:
    """Read the split ("train" or "test") from the IDX files in `folder`."""
    images_name, labels_name = FILES[split]
    images = read_idx(_find(folder, images_name, split))
    labels = read_idx(_find(folder, labels_name, split))
    if images.dim() != 3 or labels.dim() != 1 or len(images) != len(labels):
        raise ValueError(f"{folder}: {split} images {tuple(images.shape)} and labels {tuple(labels.shape)}")
    return ImageSet(images.unsqueeze(1), labels.long(), CLASSES)


def download_mnist(folder: Path) -> None:
    """Fetch the four IDX files that are not in `folder` yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, names in FILES.items():
        for name in names:
            published = name.replace(f"{split}-", f"{PUBLISHED_PREFIX[split]}-", 1)
            target = folder / published
            if not (folder / name).exists() and not target.exists():
                partial = target.with_suffix(".partial")
                urllib.request.urlretrieve(f"{MIRROR}/{published}", partial)
                partial.replace(target)


def read_idx(path: Path) -> Tensor:
    """One gzipped IDX file of unsigned bytes as a uint8 tensor of the shape that its header gives."""
    with gzip.open(path, "rb") as file:
        content = file.read()
    zeros, kind, dimensions = struct.unpack_from(">HBB", content)
    if zeros != 0 or kind != 0x08:
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    shape = struct.unpack_from(f">{dimensions}I", content, 4)
    values = np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * dimensions)
    if values.size != math.prod(shape):
        raise ValueError(f"{path}: the header promises {shape}, the file holds {values.size} bytes")
    return torch.from_numpy(values.reshape(shape).copy())


def _find(folder: Path, name: str, split: str) -> Path:
    published = name.replace(f"{split}-", f"{PUBLISHED_PREFIX[split]}-", 1)
    for candidate in (folder / name, folder / published):
        if candidate.exists():
            return candidate
    raise FileNotFoundError(f"{folder / name} is missing; `python -m rdi_training download mnist` fetches it")
