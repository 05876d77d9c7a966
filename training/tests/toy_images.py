"""A data set of one's own for trying the guide: discs and squares, called cat and dog.

`python tests/toy_images.py FOLDER` draws FOLDER/train and FOLDER/test.
"""

import random
import sys
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw

SIDE = 32
COUNTS = {"train": 150, "test": 40}
"""Images per class."""


def draw_image_folder(folder: Path, counts: Mapping[str, int] = COUNTS) -> None:
    """Write FOLDER/SPLIT/CLASS/1.png …, always the same ones."""
    draws = random.Random(1)
    for split, count in counts.items():
        for name in ("cat", "dog"):
            (folder / split / name).mkdir(parents=True)
            for number in range(1, count + 1):
                _draw(name, draws).save(folder / split / name / f"{number}.png")


def _draw(name: str, draws: random.Random) -> Image.Image:
    image = Image.new("RGB", (SIDE, SIDE), _colour(draws, 0, 90))
    x, y, size = draws.randint(2, 12), draws.randint(2, 12), draws.randint(10, 18)
    canvas = ImageDraw.Draw(image)
    shape = canvas.ellipse if name == "cat" else canvas.rectangle
    shape((x, y, x + size, y + size), fill=_colour(draws, 140, 255))
    return image


def _colour(draws: random.Random, low: int, high: int) -> tuple[int, int, int]:
    return draws.randint(low, high), draws.randint(low, high), draws.randint(low, high)


if __name__ == "__main__":
    draw_image_folder(Path(sys.argv[1]))
