"""Copies given ONNX files, with the weights beside them, and writes what onnxruntime answers, as export.py does.

usage: python given.py FOLDER_OF_FILES FOLDER
"""

import shutil
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from cases import images, write_case


def main(given: Path, folder: Path) -> None:
    for file in sorted(given.glob("*.onnx*")):
        shutil.copyfile(file, folder / file.name)
    for file in sorted(given.glob("*.onnx")):
        session = onnxruntime.InferenceSession(folder / file.name)
        (image,) = session.get_inputs()
        _, *shape = image.shape
        has_channels_first = shape[0] in (1, 3)
        channels, size = (shape[0], shape[1]) if has_channels_first else (shape[2], shape[0])
        pixels = images(size)[..., :channels]
        values = pixels.astype(np.float32) / 255
        answers = session.run(None, {image.name: values.transpose(0, 3, 1, 2) if has_channels_first else values})
        rows = [answer for answer in answers if answer.ndim == 2]
        are_probabilities = all(np.allclose(answer.sum(1), 1, atol=1e-5) for answer in rows)
        write_case(
            folder / f"{file.stem}.json", "given", file.stem, "", pixels, rows, None, are_probabilities
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
