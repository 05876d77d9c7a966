"""Classifies images as Triton's example image_client does, by the same calls of Triton's clients: what a model takes comes
from its metadata and configuration, its input from decoded images, and its classes as texts, best first. By HTTP and gRPC,
in turn, at once, and in a stream."""

import io
import queue

import numpy
import tritonclient.grpc
import tritonclient.http
from expected import ADDRESS, DIGITS, EXPECTED, GRPC_ADDRESS, MODEL
from PIL import Image
from tritonclient.utils import triton_to_np_dtype

BATCH = 3
CLASSES = 3


class Model:
    """What the metadata and the configuration of an image classifier say."""

    def __init__(self, metadata, configuration):
        [self.input], [configured] = metadata["inputs"], configuration["input"]
        # Triton's example demands that it is the only one.
        self.output = metadata["outputs"][0]["name"]
        assert metadata["outputs"][0]["datatype"] == "FP32"
        assert int(configuration["max_batch_size"]) >= BATCH
        _, *dimensions = (int(size) for size in self.input["shape"])
        self.is_channels_first = configured["format"] == "FORMAT_NCHW"
        assert self.is_channels_first or configured["format"] == "FORMAT_NHWC", configured
        self.channels = dimensions.pop(0 if self.is_channels_first else 2)
        self.height, self.width = dimensions

    def preprocess(self, image):
        decoded = Image.open(io.BytesIO(image)).convert("L" if self.channels == 1 else "RGB")
        resized = numpy.asarray(decoded.resize((self.width, self.height), Image.Resampling.BILINEAR))
        pixels = resized.reshape(self.height, self.width, self.channels).astype(
            triton_to_np_dtype(self.input["datatype"])
        )
        return pixels.transpose(2, 0, 1) if self.is_channels_first else pixels


def requests(module, model):
    """Batches of equal size; the last one is filled with the first images."""
    images = [model.preprocess(image) for image in DIGITS]
    for number, start in enumerate(range(0, len(images), BATCH)):
        batch = numpy.stack([images[at % len(images)] for at in range(start, start + BATCH)])
        tensor = module.InferInput(model.input["name"], batch.shape, model.input["datatype"])
        tensor.set_data_from_numpy(batch)
        output = module.InferRequestedOutput(model.output, class_count=CLASSES)
        yield {"model_name": MODEL, "inputs": [tensor], "outputs": [output], "request_id": str(number)}


def by_http(client, model, way):
    messages = requests(tritonclient.http, model)
    if way == "in turn":
        return [client.infer(**message) for message in messages]
    return [pending.get_result() for pending in [client.async_infer(**message) for message in messages]]


def by_grpc(client, model, way):
    messages = list(requests(tritonclient.grpc, model))
    if way == "in turn":
        return [client.infer(**message) for message in messages]
    answers = queue.Queue()

    def answered(result, error):
        answers.put((result, error))

    if way == "in a stream":
        client.start_stream(answered)
        for message in messages:
            client.async_stream_infer(**message)
        client.stop_stream()
    else:
        for message in messages:
            client.async_infer(callback=answered, **message)
    results = []
    for _ in messages:
        result, error = answers.get(timeout=60)
        assert error is None, error
        results.append(result)
    return sorted(results, key=lambda result: int(result.get_response().id))


def classes(results, model):
    """Of each image the best ones, as (probability, index, label)."""
    rows = [row for result in results for row in result.as_numpy(model.output)]
    return [[tuple(text.decode().split(":", 2)) for text in row] for row in rows[: len(DIGITS)]]


WANTED = [
    [(f"{one['probability']:.6f}", str(one["classIndex"]), one["label"]) for one in answer["top"][:CLASSES]]
    for answer in EXPECTED
]

with (
    tritonclient.http.InferenceServerClient(ADDRESS, concurrency=4) as http,
    tritonclient.grpc.InferenceServerClient(GRPC_ADDRESS) as grpc,
):
    described = Model(http.get_model_metadata(MODEL), http.get_model_config(MODEL))
    for way in ("in turn", "at once"):
        assert classes(by_http(http, described, way), described) == WANTED, way
        print(f"image_client over HTTP, {way}: as /classify")
    described = Model(
        grpc.get_model_metadata(MODEL, as_json=True), grpc.get_model_config(MODEL, as_json=True)["config"]
    )
    for way in ("in turn", "at once", "in a stream"):
        assert classes(by_grpc(grpc, described, way), described) == WANTED, way
        print(f"image_client over gRPC, {way}: as /classify")
