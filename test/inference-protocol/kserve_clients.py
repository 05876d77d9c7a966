"""KServe's clients of the Open Inference Protocol, over HTTP and gRPC. They stand apart from Triton's: both packages define
the protobuf messages of `inference`, and one process takes only one definition."""

import asyncio

import grpc
import httpx
import numpy
from expected import DIGITS, EXPECTED, GRPC_ADDRESS, MODEL, URL, check
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig


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


async def kserve_grpc():
    client = InferenceGRPCClient(GRPC_ADDRESS)
    assert await client.is_server_live() and await client.is_server_ready() and await client.is_model_ready(MODEL)
    for count in (1, 8):
        tensor = InferInput("image", [count], "BYTES")
        tensor.set_data_from_numpy(numpy.array(DIGITS[:count], dtype=object))
        request = InferRequest(MODEL, [tensor], parameters={"profile": "balanced"})
        check(KServeResult(await client.infer(request)), EXPECTED[:count])
    for raw in (True, False):
        zeros = InferInput("image", [1, 1, 28, 28], "FP32")
        zeros.set_data_from_numpy(numpy.zeros([1, 1, 28, 28], numpy.float32), binary_data=raw)
        answer = await client.infer(InferRequest(MODEL, [zeros]))
        assert answer.model_name == MODEL and answer.get_output_by_name("probabilities").shape == [1, 10]
    try:
        await client.infer(InferRequest("other", [tensor]))
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND and "other is not served here" in error.details(), error
    else:
        raise AssertionError("not refused")
    await client.close()


asyncio.run(kserve())
print("kserve over REST: as /classify")
asyncio.run(kserve_grpc())
print("kserve over gRPC: as /classify")
