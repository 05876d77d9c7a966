"""CIFAR-10 (Krizhevsky, 2009): the official binary files, or zips of JPEG files laid out SPLIT/CLASS/NAME.jpg.

JPEG copies are a little lossy: say so wherever a number measured on them is quoted.
"""

import hashlib
import io
import tarfile
import urllib.request
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from .image_set import ImageSet

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SOURCE = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
SOURCE_MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
BINARY_FOLDER = "cifar-10-batches-bin"
BINARY_FILES = {"train": [f"data_batch_{number}.bin" for number in range(1, 6)], "test": ["test_batch.bin"]}
RECORD_BYTES = 1 + 3 * 32 * 32
"""One label byte, then the red, green and blue planes."""


def load_cifar10(folder: Path, split: str) -> ImageSet:
    """Read the split ("train" or "test"): from the official binary files if `folder` has them, else `SPLIT.zip`."""
    if (folder / BINARY_FOLDER).is_dir():
        return _load_binary(folder / BINARY_FOLDER, split)
    archive = folder / f"{split}.zip"
    if not archive.exists():
        raise FileNotFoundError(f"{archive} is missing; `python -m rdi_training download cifar10` fetches the data")
    return load_zip(archive, CLASSES)


def load_zip(archive: Path, classes: tuple[str, ...]) -> ImageSet:
    """Images of one size from a zip whose files' parent folders are their classes, in the order of their names."""
    images, labels = [], []
    with zipfile.ZipFile(archive) as file:
        for name in sorted(file.namelist()):
            if name.endswith("/"):
                continue
            images.append(np.asarray(Image.open(io.BytesIO(file.read(name))).convert("RGB")))
            labels.append(classes.index(name.split("/")[-2]))
    stacked = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
    return ImageSet(stacked, torch.tensor(labels), classes)


def download_cifar10(folder: Path) -> None:
    """Fetch and unpack the official binary files, unless `folder` has them."""
    if (folder / BINARY_FOLDER).is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with urllib.request.urlopen(SOURCE) as response:
        content = response.read()
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != SOURCE_MD5:
        raise ValueError(f"{SOURCE}: the download is damaged")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(folder, filter="data")


def _load_binary(folder: Path, split: str) -> ImageSet:
    records = np.concatenate(
        [np.fromfile(folder / name, dtype=np.uint8).reshape(-1, RECORD_BYTES) for name in BINARY_FILES[split]]
    )
    images = torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32).copy())
    return ImageSet(images, torch.from_numpy(records[:, 0].astype(np.int64)), CLASSES)
