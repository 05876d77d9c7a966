"""Predictions of a running rdi-serve, and of PyTorch in the same form, to be compared image by image.

Images travel as PNG, which loses nothing, so that both sides see the same pixels.
"""

import base64
import io
import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from ..data.image_folder import to_picture
from ..dynamic import all_logits, at_exit
from .subject import Subject, read_description

IMAGES_PER_REQUEST = 32


@dataclass(frozen=True)
class Answer:
    """One image's prediction."""

    class_index: int
    exit_index: int
    confidence: float


def own_answers(subject: Subject, images: Tensor) -> list[Answer]:
    """What PyTorch predicts for uint8 images [N, C, H, W] at the subject's gate."""
    logits = all_logits(subject.network, images)
    taken = subject.gate.exits_taken(logits)
    confidences, classes = at_exit(logits.softmax(-1), taken).max(-1)
    return [Answer(*values) for values in zip(classes.tolist(), taken.tolist(), confidences.tolist(), strict=True)]


def ask_service(url: str, folder: Path, profile: str, images: Tensor) -> list[Answer]:
    """What the service at `url` predicts with the model imported from `folder`.

    A ValueError if it does not answer, or answers with a problem.
    """
    description = read_description(folder)
    query = {"model": description["name"], "version": description["version"], "profile": profile}
    address = f"{url.rstrip('/')}/classify/batch?{urllib.parse.urlencode(query)}"
    answers = []
    for part in images.split(IMAGES_PER_REQUEST):
        body = json.dumps({"images": [_png(image) for image in part]})
        request = urllib.request.Request(address, body.encode(), {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request) as response:
                results = json.load(response)["results"]
        except urllib.error.HTTPError as error:
            raise ValueError(f"{url} answered {error.code}: {error.read().decode()}") from error
        except urllib.error.URLError as error:
            raise ValueError(f"{url} does not answer: {error.reason}") from error
        answers += [_answer(result) for result in results]
    return answers


def _png(image: Tensor) -> str:
    encoded = io.BytesIO()
    to_picture(image).save(encoded, "PNG")
    return base64.b64encode(encoded.getvalue()).decode()


def _answer(result: dict[str, Any]) -> Answer:
    if "problem" in result:
        raise ValueError(f"the service refused an image: {result['problem']}")
    prediction = result["prediction"]
    return Answer(prediction["classIndex"], prediction["exit"]["index"], prediction["confidence"])
