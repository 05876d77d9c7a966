"""LitServe: processes for HTTP and processes for inference, with a ZeroMQ queue between them."""

from typing import Annotated

import litserve
from fastapi import Depends, Request

from plain_network import HOST, MAX_BATCH, PORT, WORKERS, PlainNetwork

BATCH_TIMEOUT_SECONDS = 0.005


async def read_body(request: Request) -> bytes:
    return await request.body()


class Classify(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self._network = PlainNetwork()

    def decode_request(self, request: Annotated[bytes, Depends(read_body)]) -> bytes:
        return request

    def batch(self, inputs: list[bytes]) -> list[bytes]:
        return inputs

    def predict(self, bodies: list[bytes]) -> list[dict[str, object]]:
        return self._network.classify(bodies)

    def unbatch(self, output: list[dict[str, object]]) -> list[dict[str, object]]:
        return output


if __name__ == "__main__":
    api = Classify(max_batch_size=MAX_BATCH, batch_timeout=BATCH_TIMEOUT_SECONDS, api_path="/classify")
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=WORKERS, fast_queue=True)
    server.run(host=HOST, port=PORT, log_level="warning", generate_client_file=False, access_log=False)
