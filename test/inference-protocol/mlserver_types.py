"""MLServer's types of the Open Inference Protocol: requests made and answers read by its codecs, over REST and gRPC."""

import urllib.error
import urllib.request

import grpc
import numpy
from expected import DIGITS, EXPECTED, GRPC_ADDRESS, MODEL, URL, check
from mlserver import types
from mlserver.codecs import Base64Codec, NumpyCodec, StringCodec
from mlserver.grpc import converters
from mlserver.grpc import dataplane_pb2 as messages
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub

ZEROS = numpy.zeros([2, 1, 28, 28], numpy.float32)


class Result:
    """A response of MLServer's types, read like one of Triton's client."""

    def __init__(self, response):
        self.outputs = {output.name: output for output in response.outputs}

    def as_numpy(self, name):
        output = self.outputs[name]
        if output.datatype == "BYTES":
            return numpy.array(StringCodec.decode_output(output), dtype=object)
        return NumpyCodec.decode_output(output)


def request(tensor, **parameters):
    return types.InferenceRequest(
        id="mine", inputs=[tensor], parameters=types.Parameters(**parameters) if parameters else None
    )


def answer(path, body=None):
    address = f"{URL}/v2/models/{path}"
    headers = {"content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(address, body, headers)) as response:
        return response.read()


def rest():
    assert types.MetadataServerResponse.model_validate_json(urllib.request.urlopen(f"{URL}/v2").read()).name == "rdi-serve"
    metadata = types.MetadataModelResponse.model_validate_json(answer(MODEL))
    assert metadata.inputs[0].shape == [-1, 1, 28, 28], metadata

    def infer(one):
        body = one.model_dump_json().encode()
        response = types.InferenceResponse.model_validate_json(answer(f"{MODEL}/infer", body))
        assert response.id == "mine" and response.model_name == MODEL, response
        return Result(response)

    for count in (1, 8):
        images = Base64Codec.encode_input("image", DIGITS[:count], use_bytes=False)
        check(infer(request(images)), EXPECTED[:count])
        check(infer(request(images, profile="balanced", content_type="base64")), EXPECTED[:count])
    labels = infer(request(NumpyCodec.encode_input("image", ZEROS))).as_numpy("label")
    assert len(labels) == 2 and labels[0] == labels[1], labels
    wanted = [types.RequestOutput(name="label")]
    few = types.InferenceRequest(id="mine", inputs=[NumpyCodec.encode_input("image", ZEROS)], outputs=wanted)
    assert list(infer(few).outputs) == ["label"]
    try:
        infer(request(Base64Codec.encode_input("image", [b"no image"], use_bytes=False)))
    except urllib.error.HTTPError as error:
        told = types.InferenceErrorResponse.model_validate_json(error.read())
        assert error.code == 422 and "no image of a known format" in told.error, told
    else:
        raise AssertionError("not refused")


def over_grpc():
    with grpc.insecure_channel(GRPC_ADDRESS) as channel:
        stub = GRPCInferenceServiceStub(channel)
        metadata = stub.ModelMetadata(messages.ModelMetadataRequest(name=MODEL))
        metadata = converters.ModelMetadataResponseConverter.to_types(metadata)
        assert metadata.inputs[0].shape == [-1, 1, 28, 28], metadata

        def infer(one, **how):
            message = converters.ModelInferRequestConverter.from_types(one, model_name=MODEL, **how)
            response = converters.ModelInferResponseConverter.to_types(stub.ModelInfer(message))
            assert response.id == "mine" and response.model_name == MODEL, response
            return Result(response)

        for count in (1, 8):
            for raw in (True, False):
                # base64 although bytes could be sent: the codec says so with the tensor.
                images = Base64Codec.encode_input("image", DIGITS[:count])
                check(infer(request(images, profile="balanced"), use_raw=raw), EXPECTED[:count])
                plain = types.RequestInput(name="image", datatype="BYTES", shape=[count], data=DIGITS[:count])
                check(infer(request(plain), use_raw=raw), EXPECTED[:count])
                labels = infer(request(NumpyCodec.encode_input("image", ZEROS)), use_raw=raw).as_numpy("label")
                assert len(labels) == 2 and labels[0] == labels[1], labels
        try:
            infer(request(Base64Codec.encode_input("image", [b"no image"])))
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
            assert "no image of a known format" in error.details(), error
        else:
            raise AssertionError("not refused")


rest()
print("MLServer's types over REST: as /classify")
over_grpc()
print("MLServer's types over gRPC: as /classify")
