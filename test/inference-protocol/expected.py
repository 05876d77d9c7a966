"""What clients of the Open Inference Protocol must get from a running server, given by its address (http://host:port) and
its port for gRPC: the answers of POST /classify."""

import json
import pathlib
import sys
import time
import urllib.request

MODEL = "mnist-smallcnn"
EXAMPLES = pathlib.Path(__file__).parents[2] / "docs" / "examples"
URL = sys.argv[1]
ADDRESS = URL.removeprefix("http://")
GRPC_ADDRESS = f"{ADDRESS.rpartition(':')[0]}:{sys.argv[2]}"
DIGITS = [(EXAMPLES / f"digit-{digit}.png").read_bytes() for digit in (7, 1, 2, 3, 4, 5, 6, 8)]


def classify(image):
    """What the server's own route answers."""
    request = urllib.request.Request(f"{URL}/classify?topK=10", image, {"content-type": "image/png"})
    with urllib.request.urlopen(request) as response:
        return json.load(response)


EXPECTED = [classify(image) for image in DIGITS]


def check(result, expected):
    """All outputs of a result against the answers of POST /classify."""
    probabilities = result.as_numpy("probabilities")
    for row, answer in zip(probabilities, expected, strict=True):
        by_class = sorted(answer["top"], key=lambda one: one["classIndex"])
        assert row.tolist() == [one["probability"] for one in by_class]
    labels = [text.decode() if isinstance(text, bytes) else text for text in result.as_numpy("label")]
    assert labels == [answer["label"] for answer in expected]
    assert result.as_numpy("class_index").tolist() == [answer["classIndex"] for answer in expected]
    assert result.as_numpy("exit_index").tolist() == [answer["exit"]["index"] for answer in expected]
    assert result.as_numpy("flops").tolist() == [answer["flops"]["executed"] for answer in expected]
    assert result.as_numpy("certified").tolist() == [answer["certified"] for answer in expected]


def nothing_in_flight():
    for _ in range(200):
        with urllib.request.urlopen(f"{URL}/metrics") as response:
            if "\nrdi_in_flight 0\n" in response.read().decode():
                return
        time.sleep(0.05)
    raise AssertionError("images of a client that left are still in flight")
