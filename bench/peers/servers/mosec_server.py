"""mosec: an HTTP server in Rust, one Python process per worker, batches of waiting requests."""

import json
import os

from plain_network import HOST, MAX_BATCH, PORT, WORKERS, PlainNetwork

# mosec reads its settings from the command line or, at import, from the environment.
os.environ |= {"MOSEC_ADDRESS": HOST, "MOSEC_PORT": str(PORT), "MOSEC_LOG_LEVEL": "warning"}

from mosec import Server, Worker

MAX_WAIT_MS = 1


class Classify(Worker):
    def __init__(self) -> None:
        super().__init__()
        self._network = PlainNetwork()

    def deserialize(self, data: bytes) -> bytes:
        return data

    def forward(self, data: list[bytes]) -> list[dict[str, object]]:
        return self._network.classify(data)

    def serialize(self, data: dict[str, object]) -> bytes:
        return json.dumps(data).encode()


if __name__ == "__main__":
    server = Server()
    server.append_worker(Classify, num=WORKERS, max_batch_size=MAX_BATCH, max_wait_time=MAX_WAIT_MS, route="/classify")
    server.run()
