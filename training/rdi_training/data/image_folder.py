"""Your own images: SPLIT/CLASS/NAME.png (or .jpg …), all of one size; the folders' names are the classes."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .image_set import ImageSet

ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}


def load_image_folder(folder: Path, split: str) -> ImageSet:
    """Read the split's images; grey only if every image is.

    No class, or images of different sizes, are a ValueError that says so.
    """
    root = folder / split
    classes = tuple(sorted(path.name for path in root.iterdir() if path.is_dir())) if root.is_dir() else ()
    files = [
        (path, label)
        for label, name in enumerate(classes)
        for path in sorted((root / name).iterdir())
        if path.suffix.lower() in ENDINGS
    ]
    if not files:
        raise ValueError(f"{root}: no images; expected {root}/CLASS/NAME.png")
    opened = [_read(path) for path, _ in files]
    mode = "L" if all(image.mode in ("1", "L") for image in opened) else "RGB"
    sizes = {image.size for image in opened}
    if len(sizes) > 1:
        raise ValueError(f"{root}: images of different sizes, such as {sorted(sizes)[:3]}; make them one size")
    width, height = sizes.pop()
    pixels = np.stack([np.asarray(image.convert(mode)).reshape(height, width, -1) for image in opened])
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    return ImageSet(images, torch.tensor([label for _, label in files]), classes)


def to_picture(pixels: Tensor) -> Image.Image:
    """One uint8 image [C, H, W], grey or RGB, for saving."""
    return Image.fromarray(pixels.permute(1, 2, 0).squeeze(-1).numpy())


def _read(path: Path) -> Image.Image:
    """Decode at once, so that thousands of files are not held open."""
    with Image.open(path) as image:
        image.load()
        return image
