"""What Pillow makes of its own test images: for each PNG, JPEG and WebP that it opens, a PPM of the pixels expected.

Upright by EXIF, in 8 bits, composited onto black; not colour-managed. compare.ts holds the decoder to these.
Usage: python expect.py <folder with Tests/images> <folder to write to>
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

FORMATS = ("PNG", "JPEG", "WEBP")
SIDE = 48


def pixels_of(image: Image.Image) -> Image.Image:
    """The first frame in RGB: 16 bits become 8 by their ratio, transparency shows black."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16") or image.mode == "I":
        return Image.fromarray((np.asarray(image).astype(np.float64) / 257).round().astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, (0, 0, 0, 255)), rgba).convert("RGB")
    return image.convert("RGB")


def main(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    listed = []
    for path in sorted(source.rglob("*")):
        if path.suffix.lower() not in {".png", ".jpg", ".jpeg", ".webp", ".mpo"}:
            continue
        entry = {"name": str(path.relative_to(source)), "opened": False}
        listed.append(entry)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with Image.open(path, formats=FORMATS) as image:
                    image.load()
                    pixels = pixels_of(image)
        except Exception as error:
            entry["refused"] = f"{type(error).__name__}: {error}"
            continue
        file = f"{len(listed)}.ppm"
        pixels.save(target / file)
        resized = f"{len(listed)}-{SIDE}.ppm"
        kernel = Image.Resampling.BICUBIC if max(pixels.size) <= SIDE else Image.Resampling.LANCZOS
        pixels.resize((SIDE, SIDE), kernel).save(target / resized)
        entry |= {"opened": True, "pixels": file, "resized": resized}
    (target / "expected.json").write_text(json.dumps(listed, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
