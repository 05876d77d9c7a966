"""Writes small.json: what torchvision, on Pillow, and Keras, on TensorFlow, make of small grey images.

Run where both are installed: python small.py torchvision|keras; each writes its part and keeps the other's.
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

FILE = Path(__file__).parent / "small.json"
SIZES = ((13, 9), (40, 31), (5, 6), (33, 50))
MODEL = (8, 7)


def image_of(width: int, height: int) -> np.ndarray:
    """The same as `drawn` in resize.test.ts."""
    y, x = np.mgrid[0:height, 0:width]
    return ((x * x * 7 + y * 13 + x * y * 5 + (x * 31 + y * 17) % 11 * 9) % 256).astype(np.uint8)


def by_torchvision() -> tuple[str, list[dict]]:
    import PIL
    import torchvision
    from torchvision import transforms
    from torchvision.transforms import InterpolationMode as Mode

    def run(says: dict, *steps: object) -> list[dict]:
        return [
            {"width": w, "height": h, "says": says, "pixels": np.asarray(transforms.Compose(steps)(image)).tolist()}
            for w, h in SIZES
            for image in [Image.fromarray(image_of(w, h))]
        ]

    width, height = MODEL
    crop = transforms.CenterCrop((height, width))
    cases = []
    for mode in (Mode.BILINEAR, Mode.BICUBIC, Mode.LANCZOS, Mode.NEAREST):
        cases += run({"resize": {"shorterSide": 11}, "interpolation": mode.value}, transforms.Resize(11, mode), crop)
        cases += run({"resize": "fill", "interpolation": mode.value}, transforms.Resize((height, width), mode))
    shorter = {"resize": {"shorterSide": 6}, "interpolation": "bicubic", "background": 0}
    cases += run(shorter, transforms.Resize(6, Mode.BICUBIC), crop)
    exact = {"resize": {"height": 10, "width": 11}, "interpolation": "bilinear"}
    cases += run(exact, transforms.Resize((10, 11), Mode.BILINEAR), crop)
    return f"torchvision {torchvision.__version__} on Pillow {PIL.__version__}", cases


def by_keras() -> tuple[str, list[dict]]:
    import keras
    import tensorflow as tf

    width, height = MODEL

    def run(says: dict, **options: object) -> list[dict]:
        layer = keras.layers.Resizing(height, width, **options)
        return [
            {"width": w, "height": h, "says": says, "pixels": np.asarray(layer(image), np.float64)[..., 0].round(2).tolist()}
            for w, h in SIZES
            for image in [image_of(w, h).astype(np.float32)[..., np.newaxis]]
        ]

    cases = []
    for name, own in (("bilinear", {}), ("bicubic", {}), ("nearest", {}), ("lanczos", {"interpolation": "lanczos3"})):
        says = {"interpolation": name, "antialias": False}
        options = {"interpolation": name, **own}
        cases += run({"resize": "fill", **says}, **options)
        cases += run({"resize": "cover", **says}, crop_to_aspect_ratio=True, **options)
        cases += run({"resize": "contain", "background": 9, **says}, pad_to_aspect_ratio=True, fill_value=9, **options)
    return f"Keras {keras.__version__} on TensorFlow {tf.__version__}", cases


def main(name: str) -> None:
    document = json.loads(FILE.read_text()) if FILE.exists() else {}
    made_with, cases = {"torchvision": by_torchvision, "keras": by_keras}[name]()
    document[name] = {"command": f"python small.py {name}", "madeWith": made_with, "cases": cases}
    text = json.dumps(document, sort_keys=True)
    FILE.write_text(text.replace('{"height"', '\n{"height"') + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
