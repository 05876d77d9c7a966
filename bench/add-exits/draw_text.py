"""Draws lines of text as a scanner or a camera may see them, half of them upside down: images for a classifier of text
directions. Writes a zip with 0/NAME.png and 180/NAME.png, 192 x 48 pixels each. Needs Pillow, and matplotlib for its
fonts.
"""

import argparse
import io
import math
import random
import re
import zipfile
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFilter, ImageFont

WIDTH, HEIGHT = 192, 48
FONTS = Path(matplotlib.get_data_path(), "fonts", "ttf")


def words_of(folder: Path) -> list[str]:
    """Words and numbers of all Markdown files."""
    text = " ".join(path.read_text() for path in sorted(folder.rglob("*.md")))
    return re.findall(r"[A-Za-z0-9][A-Za-z0-9%.,:/-]{1,13}", text)


def fonts_of(family: str) -> list[Path]:
    """All fonts of a family, without those for single large symbols."""
    return sorted(path for path in FONTS.glob(f"{family}*.ttf") if "Display" not in path.name)


def line(chance: random.Random, words: list[str], fonts: list[Path]) -> Image.Image:
    """One to four words, upright: any font, size, grey or faint colour, slightly turned, blurred and noisy."""
    start = chance.randrange(len(words) - 4)
    text = " ".join(words[start : start + chance.randint(1, 4)])
    font = ImageFont.truetype(str(chance.choice(fonts)), chance.randint(14, 40))
    left, top, right, bottom = font.getbbox(text)
    dark, light = sorted((chance.randint(0, 255), chance.randint(0, 255)))
    if light - dark < 40:
        light, dark = min(255, light + 60), max(0, dark - 60)
    ink, paper = (dark, light) if chance.random() < 0.8 else (light, dark)
    margin = chance.randint(1, 6)
    size = (right - left + 2 * margin, bottom - top + 2 * margin)
    image = Image.new("RGB", size, tuple(max(0, min(255, paper + chance.randint(-25, 25))) for _ in range(3)))
    ImageDraw.Draw(image).text((margin - left, margin - top), text, font=font, fill=(ink,) * 3)
    image = image.rotate(chance.uniform(-3, 3), expand=False, fillcolor=(paper,) * 3, resample=Image.BICUBIC)
    image = image.filter(ImageFilter.GaussianBlur(chance.uniform(0, 1.5)))
    noise = Image.effect_noise(image.size, chance.uniform(5, 60)).convert("RGB")
    return Image.blend(image, noise, chance.uniform(0, 0.25))


def fitted(image: Image.Image) -> Image.Image:
    """As the classifier's own code does it: to 48 pixels of height, at most 192 of width, and grey to its right."""
    width = min(WIDTH, math.ceil(image.width * HEIGHT / image.height))
    page = Image.new("RGB", (WIDTH, HEIGHT), (128,) * 3)
    page.paste(image.resize((width, HEIGHT), Image.BILINEAR))
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", type=Path, required=True, help="folder with Markdown files")
    parser.add_argument("--fonts", default="DejaVu", help="start of the names of matplotlib's font files")
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    words, fonts = words_of(options.text), fonts_of(options.fonts)
    with zipfile.ZipFile(options.out, "w") as target:
        for index in range(options.images):
            image = line(chance, words, fonts)
            direction = chance.choice(("0", "180"))
            page = fitted(image.rotate(180) if direction == "180" else image)
            file = io.BytesIO()
            page.save(file, "PNG")
            # Without the time of day, so that the same seed gives the same file.
            target.writestr(zipfile.ZipInfo(f"{direction}/{index:05}.png"), file.getvalue())
    print(options.out)


if __name__ == "__main__":
    main()
