"""BentoML: one process per worker, each with an adaptive batcher that learns how long batches take."""

import json
import os
import sys
from pathlib import Path

import bentoml
from starlette.requests import Request
from starlette.responses import Response

from plain_network import HOST, MAX_BATCH, PORT, WORKERS, PlainNetwork

MAX_LATENCY_MS = 1000


class OneImage(bentoml.IODescriptor):
    """The body as a list with one element. The batcher joins the lists of several requests."""

    bodies: list[bytes]

    @classmethod
    async def from_http_request(cls, request: Request, serde: object) -> "OneImage":
        return cls.model_construct(bodies=[await request.body()])


class OneAnswer(bentoml.IODescriptor):
    """The answer to one request: its part of the batch's list of answers."""

    @classmethod
    async def to_http_response(cls, obj: list[dict[str, object]], serde: object) -> Response:
        return Response(json.dumps(obj[0]), media_type="application/json")


@bentoml.service(workers=WORKERS, threads=1, logging={"access": {"enabled": False}})
class PlainClassifier:
    def __init__(self) -> None:
        self._network = PlainNetwork()

    @bentoml.api(
        batchable=True,
        max_batch_size=MAX_BATCH,
        max_latency_ms=MAX_LATENCY_MS,
        input_spec=OneImage,
        output_spec=OneAnswer,
    )
    def classify(self, bodies: list[bytes]) -> list[dict[str, object]]:
        return self._network.classify(bodies)


if __name__ == "__main__":
    folder = Path(__file__).parent
    service = f"{Path(__file__).stem}:{PlainClassifier.name}"
    command = ["-m", "bentoml", "serve", service, "--working-dir", str(folder), "--host", HOST, "--port", str(PORT)]
    os.execv(sys.executable, [sys.executable, *command])
