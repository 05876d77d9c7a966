"""What torchvision, on Pillow, makes of photographs. Usage: python by_torchvision.py <folder with photos/>"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from expected import SIZE, Pipelines, write_expected
from PIL import Image
from torchvision import transforms
from torchvision.transforms import InterpolationMode


def torchvision(*steps: object) -> Callable[[Path], np.ndarray]:
    pipeline = transforms.Compose(steps)
    return lambda path: np.asarray(pipeline(Image.open(path).convert("RGB")), np.float32)


def shorter(side: int, kernel: InterpolationMode) -> tuple[object, ...]:
    return transforms.Resize(side, kernel), transforms.CenterCrop(SIZE)


def exactly(kernel: InterpolationMode) -> transforms.Resize:
    return transforms.Resize((SIZE, SIZE), kernel)


MODES = InterpolationMode
PIPELINES: Pipelines = {
    "torchvision: Resize 256 bilinear, CenterCrop": (
        torchvision(*shorter(256, MODES.BILINEAR)),
        {"resize": {"shorterSide": 256}, "interpolation": "bilinear"},
    ),
    "torchvision: Resize 256 bicubic, CenterCrop": (
        torchvision(*shorter(256, MODES.BICUBIC)),
        {"resize": {"shorterSide": 256}, "interpolation": "bicubic"},
    ),
    "torchvision: Resize 200 lanczos, CenterCrop, which pads": (
        torchvision(*shorter(200, MODES.LANCZOS)),
        {"resize": {"shorterSide": 200}, "interpolation": "lanczos"},
    ),
    "torchvision: Resize (224, 224) bilinear": (
        torchvision(exactly(MODES.BILINEAR)),
        {"resize": "fill", "interpolation": "bilinear"},
    ),
    "torchvision: Resize (256, 240) nearest, CenterCrop": (
        torchvision(transforms.Resize((256, 240), MODES.NEAREST), transforms.CenterCrop(SIZE)),
        {"resize": {"height": 256, "width": 240}, "interpolation": "nearest"},
    ),
}

if __name__ == "__main__":
    write_expected(Path(sys.argv[1]), "torchvision", PIPELINES)
