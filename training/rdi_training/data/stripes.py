"""Made-up images for trying the whole chain: a bright band on noise, its place is the class."""

from pathlib import Path

import torch

from .image_set import ImageSet

CLASSES = ("left", "middle", "right")
SIDE = 12
COUNTS = {"train": 960, "test": 240}


def load_stripes(_folder: Path, split: str) -> ImageSet:
    """The split ("train" or "test"); drawn afresh each time, always the same, no file is read."""
    return draw_stripes(COUNTS[split], seed=list(COUNTS).index(split))


def draw_stripes(count: int, seed: int) -> ImageSet:
    """`count` images, uint8 [N, 1, 12, 12]."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(len(CLASSES), (count,), generator=generator)
    images = torch.randint(120, (count, 1, SIDE, SIDE), generator=generator)
    columns = torch.arange(SIDE) // (SIDE // len(CLASSES))
    images += 100 * (columns == labels[:, None])[:, None, None, :]
    return ImageSet(images.to(torch.uint8), labels, CLASSES)
