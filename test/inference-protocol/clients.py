"""Clients of the Open Inference Protocol against a running server, given by its address (http://host:port)."""

import asyncio
import json
import pathlib
import sys
import time
import urllib.request

import httpx
import numpy
import tritonclient.http
import tritonclient.http.aio
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from tritonclient.utils import InferenceServerException

MODEL = "mnist-smallcnn"
EXAMPLES = pathlib.Path(__file__).parents[2] / "docs" / "examples"
URL = sys.argv[1]
ADDRESS = URL.removeprefix("http://")
DIGITS = [(EXAMPLES / f"digit-{digit}.png").read_bytes() for digit in (7, 1, 2, 3, 4, 5, 6, 8)]


def classify(image):
    """What the server's own route answers."""
    request = urllib.request.Request(f"{URL}/classify?topK=10", image, {"content-type": "image/png"})
    with urllib.request.urlopen(request) as response:
        return json.load(response)


EXPECTED = [classify(image) for image in DIGITS]


def encoded(module, images, binary=True):
    tensor = module.InferInput("image", [len(images)], "BYTES")
    tensor.set_data_from_numpy(numpy.array(images, dtype=object), binary_data=binary)
    return [tensor]


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


def refused(call, text):
    try:
        call()
    except InferenceServerException as error:
        assert text in error.message(), error.message()
        return error
    raise AssertionError(f"not refused: {text}")


def triton():
    module = tritonclient.http
    with module.InferenceServerClient(ADDRESS) as client:
        assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(MODEL)
        assert not client.is_model_ready("other")
        assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
        metadata = client.get_model_metadata(MODEL)
        assert metadata["inputs"][0]["shape"] == [-1, 1, 28, 28], metadata
        assert client.get_model_config(MODEL)["input"][0]["dims"] == [1, 28, 28]
        assert any(one["name"] == MODEL for one in client.get_model_repository_index())

        for count in (1, 8):
            check(client.infer(MODEL, encoded(module, DIGITS[:count])), EXPECTED[:count])
        zeros = module.InferInput("image", [2, 28, 28, 1], "UINT8")
        for binary in (True, False):
            zeros.set_data_from_numpy(numpy.zeros([2, 28, 28, 1], numpy.uint8), binary_data=binary)
            labels = client.infer(MODEL, [zeros]).as_numpy("label")
            assert labels[0] == labels[1]
        tensor = module.InferInput("image", [1, 1, 28, 28], "FP32")
        tensor.set_data_from_numpy(numpy.zeros([1, 1, 28, 28], numpy.float32), binary_data=False)
        wanted = [module.InferRequestedOutput(name, binary_data=False) for name in ("label", "exit_index")]
        answer = client.infer(MODEL, [tensor], outputs=wanted, request_id="mine").get_response()
        assert answer["id"] == "mine" and len(answer["outputs"]) == 2, answer

        best = [module.InferRequestedOutput("probabilities", class_count=2)]
        top = client.infer(MODEL, encoded(module, DIGITS[:1]), outputs=best).as_numpy("probabilities")
        assert top[0][0].decode().endswith(f":{EXPECTED[0]['classIndex']}:{EXPECTED[0]['label']}"), top

        infer = lambda **more: client.infer(MODEL, encoded(module, DIGITS[:1]), **more)
        full = infer(parameters={"profile": "full"}).as_numpy("exit_index")
        assert full.tolist() == [EXPECTED[0]["exit"]["of"] - 1]
        check(infer(timeout=60_000_000, priority=1), EXPECTED[:1])
        check(infer(request_compression_algorithm="gzip"), EXPECTED[:1])
        refused(lambda: infer(parameters={"max_flops": 1}), "max_flops: the cheapest exit")
        refused(lambda: client.infer("other", encoded(module, DIGITS[:1])), "other is not served here")
        error = refused(lambda: client.infer(MODEL, encoded(module, [b"no image"])), "no image of a known format")
        assert error.status() == "422", error.status()

        before = client.get_inference_statistics(MODEL)["model_stats"][0]["inference_count"]
        client.async_infer(MODEL, encoded(module, DIGITS)).get_result()
        assert client.get_inference_statistics(MODEL)["model_stats"][0]["inference_count"] == before + 8


async def triton_asyncio():
    module = tritonclient.http.aio
    async with module.InferenceServerClient(ADDRESS) as client:
        assert await client.is_server_ready()
        answers = [client.infer(MODEL, encoded(module, [image])) for image in DIGITS]
        for result, expected in zip(await asyncio.gather(*answers), EXPECTED, strict=True):
            check(result, [expected])

        # A client that leaves: its images are dropped, and their places free again.
        photo = encoded(module, [(EXAMPLES / "digit-3-large.jpg").read_bytes()] * 64)
        leaving = asyncio.create_task(client.infer(MODEL, photo, parameters={"profile": "full"}))
        await asyncio.sleep(0.01)
        leaving.cancel()
    for _ in range(200):
        with urllib.request.urlopen(f"{URL}/metrics") as response:
            if "\nrdi_in_flight 0\n" in response.read().decode():
                return
        time.sleep(0.05)
    raise AssertionError("images of a client that left are still in flight")


class KServeResult:
    """A result of KServe's client, read like one of Triton's."""

    def __init__(self, response):
        self.response = response

    def as_numpy(self, name):
        return self.response.get_output_by_name(name).as_numpy()


async def kserve():
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    assert await client.is_server_live(URL) and await client.is_server_ready(URL)
    assert await client.is_model_ready(URL, MODEL) and not await client.is_model_ready(URL, "other")

    async def infer(images, **parameters):
        tensor = InferInput("image", [len(images)], "BYTES")
        tensor.set_data_from_numpy(numpy.array(images, dtype=object))
        request = InferRequest(MODEL, [tensor], parameters=parameters)
        return KServeResult(await client.infer(URL, request, model_name=MODEL))

    for count in (1, 8):
        check(await infer(DIGITS[:count], profile="balanced"), EXPECTED[:count])
    for binary in (True, False):
        tensor = InferInput("image", [1, 1, 28, 28], "FP32")
        tensor.set_data_from_numpy(numpy.zeros([1, 1, 28, 28], numpy.float32), binary_data=binary)
        answer = await client.infer(URL, InferRequest(MODEL, [tensor]), model_name=MODEL)
        assert answer.model_name == MODEL and answer.get_output_by_name("probabilities").shape == [1, 10]
    try:
        await infer([b"no image"])
    except httpx.HTTPStatusError as error:
        assert "no image of a known format" in str(error) and error.response.status_code == 422, error
    else:
        raise AssertionError("not refused")


triton()
print("tritonclient.http: as /classify")
asyncio.run(triton_asyncio())
print("tritonclient.http.aio: as /classify")
asyncio.run(kserve())
print("kserve: as /classify")
