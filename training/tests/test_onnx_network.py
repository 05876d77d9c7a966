"""Graphs run in torch give what ONNX Runtime gives, which the class itself compares; else they are refused."""

from pathlib import Path

import onnx
import onnx.parser
import pytest
import torch

from rdi_training.export.onnx_graph import run_onnx, write_onnx
from rdi_training.networks import onnx_network
from rdi_training.networks.multi_exit import MultiExitNetwork
from rdi_training.networks.onnx_network import OnnxNetwork

WEIGHTS = "w = Constant<value = float[2, 3, 3, 3] {" + ", ".join(str(0.01 * (n % 7 - 3)) for n in range(54)) + "}>()"
BODIES = {
    "convolution, padded by ONNX": f"{WEIGHTS} y = Conv<auto_pad = 'SAME_UPPER', strides = [2, 2]>(x, w)",
    "convolution, other ends": f"{WEIGHTS} y = Conv<pads = [0, 1, 2, 3], dilations = [2, 1]>(x, w)",
    "largest, padded below": "y = MaxPool<kernel_shape = [3, 3], auto_pad = 'SAME_LOWER', strides = [2, 2]>(x)",
    "largest, ends cut": "y = MaxPool<kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1>(x)",
    "mean without the padding": "y = AveragePool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(x)",
    "mean with it": "y = AveragePool<kernel_shape = [3, 3], pads = [1, 1, 1, 1], count_include_pad = 1>(x)",
    "backwards": "a = Constant<value_ints = [-1]>() b = Constant<value_ints = [-9]>()"
    " c = Constant<value_ints = [3]>() d = Constant<value_ints = [-2]>() y = Slice(x, a, b, c, d)",
    "parts": "a, b = Split<axis = 1, num_outputs = 2>(x) y = Concat<axis = 1>(b, a)",
    "chosen from the end": "i = Constant<value_ints = [-1, 0]>() y = Gather<axis = 2>(x, i)",
    "padded": "p = Constant<value_ints = [0, 0, 1, 2, 0, 1, 0, 3]>() y = Pad(x, p)",
    "mean over axes": "a = Constant<value_ints = [-1, -2]>() y = ReduceMean<keepdims = 0>(x, a)",
    "axes in and out": "a = Constant<value_ints = [0, -1]>() b = Unsqueeze(x, a) y = Squeeze(b, a)",
    "shape kept": "s = Constant<value_ints = [0, -1, 2]>() y = Reshape(x, s)",
    "matrix": "f = Flatten(x) g = Transpose<perm = [1, 0]>(f) h = Gemm<transA = 1, alpha = 0.5>(g, g) y = Relu(h)",
    "limits": "a = Constant<value_float = 0.25>() y = Clip(x, a)",
    "arithmetic": "a = Constant<value_float = 0.5>() b = Pow(x, a) c = Max(b, x, a) d = Sub(c, x) y = Div(d, a)",
    "counted": "s = Shape<start = 1, end = 3>(x) a = Constant<value_int = 0>() e = Constant<value_int = 16>()"
    " t = Constant<value_int = 2>() r = Range(a, e, t) f = Cast<to = 1>(r) y = Expand(f, s)",
    "activations": "a = HardSwish(x) b = HardSigmoid(a) c = LeakyRelu<alpha = 0.2>(b) d = Gelu(c) e = Erf(d)"
    " f = Softmax<axis = 1>(e) y = LogSoftmax(f)",
}


def graph(body: str, folder: Path) -> Path:
    text = '<ir_version: 9, opset_import: ["" : 20]> g (float[N, 3, 8, 8] x) => (float[] y) { ' + body + " }"
    model = onnx.parser.parse_model(text.replace("'", '"'))
    del model.graph.output[0].type.tensor_type.shape.dim[:]
    model.graph.output[0].type.tensor_type.ClearField("shape")
    path = folder / "model.onnx"
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_operators_give_what_onnx_runtime_gives(body: str, tmp_path: Path) -> None:
    network = OnnxNetwork(graph(body, tmp_path), ["y"])
    assert network.exit_count == 1


def test_an_exported_network_is_the_network_with_its_gradients(network: MultiExitNetwork, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    write_onnx(network, path)
    read = OnnxNetwork(path, ["exit_0", "exit_1", "exit_2"])
    images = torch.rand(4, *network.image_shape, requires_grad=True)
    assert torch.allclose(torch.stack(read(images)), run_onnx(path, images.detach()), atol=1e-4)
    (own,) = torch.autograd.grad(sum(logits.square().sum() for logits in network(images)), images)
    (made,) = torch.autograd.grad(sum(logits.square().sum() for logits in read(images)), images)
    assert torch.allclose(own, made, atol=1e-3 * float(own.abs().max()))


def test_what_it_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="gradients are not known here for Det, NonZero"):
        OnnxNetwork(graph("a = NonZero(x) y = Det(x)", tmp_path), ["y"])


def test_outputs_that_differ_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(onnx_network.OPERATORS, "Relu", torch.tanh)
    with pytest.raises(ValueError, match="the output y differs from ONNX Runtime's"):
        OnnxNetwork(graph("y = Relu(x)", tmp_path), ["y"])
