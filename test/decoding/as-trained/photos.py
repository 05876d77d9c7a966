"""Cuts of photographs that scikit-image ships, in odd sizes, as PNG, JPEG and WebP; always the same ones.

Usage: python photos.py <folder to write to>
"""

import sys
from pathlib import Path

import numpy as np
import skimage
from PIL import Image

PHOTOS = (
    "astronaut.png",
    "chelsea.png",
    "coffee.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "motorcycle_left.png",
    "retina.jpg",
    "rocket.jpg",
)
COUNT = 50
SEED = 1
SIDES = (90, 1400)
# Of each format, the ways in which files differ.
SAVED_AS = (
    ("png", {}),
    ("jpg", {"quality": 90, "subsampling": "4:2:0"}),
    ("webp", {"quality": 90}),
    ("png", {"optimize": True}),
    ("jpg", {"quality": 75, "subsampling": "4:4:4", "progressive": True}),
    ("webp", {"lossless": True}),
)


def write_photos(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    source = Path(skimage.__file__).parent / "data"
    photos = [Image.open(source / name).convert("RGB") for name in PHOTOS]
    random = np.random.default_rng(SEED)
    for index in range(COUNT):
        photo = photos[index % len(photos)]
        width, height = (int(random.integers(SIDES[0], min(SIDES[1], side) + 1)) for side in photo.size)
        left, top = (int(random.integers(0, whole - cut + 1)) for whole, cut in zip(photo.size, (width, height)))
        kind, options = SAVED_AS[index % len(SAVED_AS)]
        path = folder / f"{index:02}-{width}x{height}.{kind}"
        photo.crop((left, top, left + width, top + height)).save(path, **options)


if __name__ == "__main__":
    write_photos(Path(sys.argv[1]))
