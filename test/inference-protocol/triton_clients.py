"""Triton's clients of the Open Inference Protocol, over HTTP and gRPC."""

import asyncio
import queue
import time

import grpc
import numpy
import tritonclient.grpc
import tritonclient.grpc.aio
import tritonclient.http
import tritonclient.http.aio
from expected import ADDRESS, DIGITS, EXAMPLES, EXPECTED, GRPC_ADDRESS, MODEL, check, nothing_in_flight
from tritonclient.utils import InferenceServerException


def encoded(module, images):
    tensor = module.InferInput("image", [len(images)], "BYTES")
    tensor.set_data_from_numpy(numpy.array(images, dtype=object))
    return [tensor]


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
    nothing_in_flight()


def triton_grpc():
    module = tritonclient.grpc
    with module.InferenceServerClient(GRPC_ADDRESS) as client:
        assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(MODEL)
        assert client.get_server_metadata().name == "rdi-serve"
        assert client.get_model_metadata(MODEL).inputs[0].shape == [-1, 1, 28, 28]
        config = client.get_model_config(MODEL, as_json=True)["config"]
        assert config["input"][0]["data_type"] == "TYPE_UINT8" and config["max_batch_size"] == 64, config
        assert any(one.name == MODEL for one in client.get_model_repository_index().models)

        for count in (1, 8):
            check(client.infer(MODEL, encoded(module, DIGITS[:count])), EXPECTED[:count])
        zeros = module.InferInput("image", [2, 28, 28, 1], "UINT8")
        zeros.set_data_from_numpy(numpy.zeros([2, 28, 28, 1], numpy.uint8))
        labels = client.infer(MODEL, [zeros]).as_numpy("label")
        assert labels[0] == labels[1]
        wanted = [module.InferRequestedOutput(name) for name in ("label", "exit_index")]
        answer = client.infer(MODEL, encoded(module, DIGITS[:1]), outputs=wanted, request_id="mine").get_response()
        assert answer.id == "mine" and len(answer.outputs) == 2, answer
        best = [module.InferRequestedOutput("probabilities", class_count=2)]
        top = client.infer(MODEL, encoded(module, DIGITS[:1]), outputs=best).as_numpy("probabilities")
        assert top[0][0].decode().endswith(f":{EXPECTED[0]['classIndex']}:{EXPECTED[0]['label']}"), top

        infer = lambda **more: client.infer(MODEL, encoded(module, DIGITS[:1]), **more)
        full = infer(parameters={"profile": "full"}).as_numpy("exit_index")
        assert full.tolist() == [EXPECTED[0]["exit"]["of"] - 1]
        check(infer(timeout=60_000_000, priority=1, client_timeout=60), EXPECTED[:1])
        check(infer(compression_algorithm="gzip"), EXPECTED[:1])
        photos = encoded(module, [(EXAMPLES / "digit-3-large.jpg").read_bytes()] * 64)
        statuses = {
            "INVALID_ARGUMENT": lambda: infer(parameters={"max_flops": 1}),
            "NOT_FOUND": lambda: client.infer("other", encoded(module, DIGITS[:1])),
            "DEADLINE_EXCEEDED": lambda: client.infer(MODEL, photos, client_timeout=0.002),
            "UNIMPLEMENTED": lambda: client.load_model(MODEL),
        }
        for status, call in statuses.items():
            error = refused(call, "")
            assert error.status() == f"StatusCode.{status}", error
        error = refused(lambda: client.infer(MODEL, encoded(module, [b"no image"])), "no image of a known format")
        refused(lambda: client.infer(MODEL, encoded(module, [bytes(40_000_000)])), "at most 33554432 are taken")

        before = client.get_inference_statistics(MODEL).model_stats[0].inference_count
        answers = []
        client.async_infer(MODEL, encoded(module, DIGITS), lambda result, error: answers.append((result, error)))
        while not answers:
            time.sleep(0.01)
        check(answers[0][0], EXPECTED)
        assert client.get_inference_statistics(MODEL).model_stats[0].inference_count == before + 8
    channel = grpc.insecure_channel(GRPC_ADDRESS)
    check_health = channel.unary_unary("/grpc.health.v1.Health/Check")
    assert check_health(b"") == b"\x08\x01"  # SERVING
    channel.close()


def triton_stream():
    module = tritonclient.grpc
    answers = queue.Queue()
    with module.InferenceServerClient(GRPC_ADDRESS) as client:
        for compression in (None, "gzip"):
            client.start_stream(lambda result, error: answers.put((result, error)), compression_algorithm=compression)
            for index, image in enumerate(DIGITS):
                inputs = encoded(module, [image])
                client.async_stream_infer(MODEL, inputs, request_id=str(index), enable_empty_final_response=True)
            client.async_stream_infer("other", inputs)
            client.async_stream_infer(MODEL, encoded(module, DIGITS), parameters={"profile": "balanced"})
            client.stop_stream()
            for index, expected in enumerate(EXPECTED):
                result, error = answers.get_nowait()
                assert error is None and result.get_response().id == str(index), error
                assert result.get_response().parameters["triton_final_response"].bool_param
                check(result, [expected])
            _, error = answers.get_nowait()
            assert "other is not served here" in error.message(), error
            check(answers.get_nowait()[0], EXPECTED)
            assert answers.empty()
        # Longer than any deadline of an image: the deadline is the stream's.
        client.start_stream(lambda result, error: answers.put((result, error)), stream_timeout=0.2)
        _, error = answers.get(timeout=10)
        assert error.status() == "StatusCode.DEADLINE_EXCEEDED", error
        client.stop_stream()
    channel = grpc.insecure_channel(GRPC_ADDRESS)
    watch = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"")
    assert next(watch) == b"\x08\x01"  # SERVING
    watch.cancel()
    channel.close()


async def triton_stream_asyncio():
    module = tritonclient.grpc.aio

    async def requests():
        for index, image in enumerate(DIGITS):
            yield {"model_name": MODEL, "inputs": encoded(tritonclient.grpc, [image]), "request_id": str(index)}

    async with module.InferenceServerClient(GRPC_ADDRESS) as client:
        answers = [answer async for answer in client.stream_infer(requests())]
        for (result, error), expected in zip(answers, EXPECTED, strict=True):
            assert error is None, error
            check(result, [expected])

        photo = encoded(tritonclient.grpc, [(EXAMPLES / "digit-3-large.jpg").read_bytes()] * 8)

        async def photos():
            for _ in range(8):
                yield {"model_name": MODEL, "inputs": photo, "parameters": {"profile": "full"}}

        leaving = client.stream_infer(photos())
        await anext(aiter(leaving))
        leaving.cancel()
    nothing_in_flight()


async def triton_grpc_asyncio():
    module = tritonclient.grpc.aio
    async with module.InferenceServerClient(GRPC_ADDRESS) as client:
        assert await client.is_server_ready()
        answers = [client.infer(MODEL, encoded(tritonclient.grpc, [image])) for image in DIGITS]
        for result, expected in zip(await asyncio.gather(*answers), EXPECTED, strict=True):
            check(result, [expected])
        photo = encoded(tritonclient.grpc, [(EXAMPLES / "digit-3-large.jpg").read_bytes()] * 64)
        leaving = asyncio.create_task(client.infer(MODEL, photo, parameters={"profile": "full"}))
        await asyncio.sleep(0.01)
        leaving.cancel()
        check(await client.infer(MODEL, encoded(tritonclient.grpc, DIGITS[:1])), EXPECTED[:1])
    nothing_in_flight()


triton()
print("tritonclient.http: as /classify")
asyncio.run(triton_asyncio())
print("tritonclient.http.aio: as /classify")
triton_grpc()
print("tritonclient.grpc: as /classify")
asyncio.run(triton_grpc_asyncio())
print("tritonclient.grpc.aio: as /classify")
triton_stream()
print("streams of tritonclient.grpc: as /classify")
asyncio.run(triton_stream_asyncio())
print("streams of tritonclient.grpc.aio: as /classify")
