"""Classifies images for all peers: decodes them, runs the network with only its final exit, and names the class.

The driver (../compare.ts) passes the folder of the network and the settings in environment variables.
"""

import io
import json
import os
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

HOST = "127.0.0.1"
PORT = int(os.environ["PEER_PORT"])
WORKERS = int(os.environ["PEER_WORKERS"])
MAX_BATCH = int(os.environ["PEER_MAX_BATCH"])
_FOLDER = Path(os.environ["PEER_NETWORK"])


class PlainNetwork:
    """One session with one thread, because there is one worker per core."""

    def __init__(self) -> None:
        description = json.loads((_FOLDER / "network.json").read_text())
        self._classes: list[str] = description["classes"]
        self._logits: str = description["logits"]
        self._input = description["input"]
        self._size = (self._input["width"], self._input["height"])
        self._mode = "L" if self._input["channels"] == 1 else "RGB"
        mean, std = (np.array(self._input[name], np.float32).reshape(-1, 1, 1) for name in ("mean", "std"))
        self._scale = 1 / (255 * std)
        self._offset = -mean / std

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            _FOLDER / "network.onnx", options, providers=["CPUExecutionProvider"]
        )

    def classify(self, bodies: list[bytes]) -> list[dict[str, object]]:
        """Classify encoded images in one batch and return the server's answer to each."""
        batch = np.stack([self._decode(body) for body in bodies])
        (logits,) = self._session.run([self._logits], {self._input["tensor"]: batch})
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        best = logits.argmax(axis=1)
        confidences = exponentials.max(axis=1) / exponentials.sum(axis=1)
        return [self._answer(*one) for one in zip(best.tolist(), confidences.tolist(), strict=True)]

    def _decode(self, body: bytes) -> np.ndarray:
        image = Image.open(io.BytesIO(body))
        if image.mode != self._mode:
            image = self._in_mode(image)
        if image.size != self._size:
            image = self._resized(image)
        pixels = np.asarray(image)
        planes = pixels[np.newaxis] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
        return planes * self._scale + self._offset

    def _in_mode(self, image: Image.Image) -> Image.Image:
        if image.has_transparency_data:
            background = Image.new("RGBA", image.size, (self._input["background"],) * 3)
            image = Image.alpha_composite(background, image.convert("RGBA"))
        return image.convert(self._mode)

    def _resized(self, image: Image.Image) -> Image.Image:
        lanczos = Image.Resampling.LANCZOS
        match self._input["resize"]:
            case "cover":
                return ImageOps.fit(image, self._size, lanczos)
            case "contain":
                grey = self._input["background"]
                return ImageOps.pad(image, self._size, lanczos, color=grey if self._mode == "L" else (grey,) * 3)
            case _:
                return image.resize(self._size, lanczos)

    def _answer(self, index: int, confidence: float) -> dict[str, object]:
        label = self._classes[index]
        top = [{"label": label, "classIndex": index, "probability": confidence}]
        return {"label": label, "classIndex": index, "confidence": confidence, "top": top}
